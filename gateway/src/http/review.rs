//! What the plan of a day said against what happened in it.

use crate::http::State;
use crate::http::books::{DATE, read};
use crate::http::input::Parameters;
use crate::http::refusal::{ErrorBody, Refusal};
use crate::http::schema::ReviewBody;
use axum::Json;
use axum::extract::State as Shared;
use chrono::{NaiveDate, TimeDelta};
use plant::review::{Place, Review, review};
use plant::time::Slot;

/// A local day as it was planned when it began, and as it came; the day before this one where none is named.
#[utoipa::path(get, path = "/api/v1/plan/review", tag = "house",
    params(("day" = Option<String>, Query, description = "the local day", example = "2026-11-20")),
    responses((status = 200, description = "the day's quarter hours, oldest first; none where nothing is known of it", body = ReviewBody),
              (status = "4XX", description = "not understood", body = ErrorBody)))]
pub(super) async fn of_day(Shared(state): Shared<State>, parameters: Parameters) -> Result<Json<Review>, Refusal> {
    let named = parameters.only(&["day"])?.parsed::<NaiveDate>("day", DATE)?;
    let now = state.wiring.records.borrow().as_ref().map_or_else(|| state.clock.now(), |record| record.at);
    let place = Place { timezone: state.timezone, currency: state.currency };
    let today = now.with_timezone(&place.timezone).date_naive();
    let day = named.or(today.pred_opt()).unwrap_or(today);
    // A local day lies within these two, whatever its zone and its clocks do.
    let midnight = day.and_time(chrono::NaiveTime::MIN).and_utc();
    let around = [midnight.checked_sub_signed(TimeDelta::hours(15)), midnight.checked_add_signed(TimeDelta::hours(39))];
    let [Some(from), Some(to)] = around.map(|at| at.map(Slot::containing)) else {
        return Ok(Json(review(day, [], place)));
    };
    let accounts = read(&state, move |ledger| ledger.slots(from, to)).await?;
    let is_of_day = |slot: Slot| slot.start().with_timezone(&place.timezone).date_naive() == day;
    Ok(Json(review(day, accounts.into_iter().filter(|account| is_of_day(account.slot)), place)))
}
