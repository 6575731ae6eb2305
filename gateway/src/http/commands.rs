//! Commands of people and automations: checked here, then handed to the loop, which is the only one to decide.

use crate::config::dimming::Signal;
use crate::http::State;
use crate::http::input::Fields;
use crate::http::refusal::{ErrorBody, Refusal};
use crate::http::schema::{BoostBody, CommandBody, ConfirmBody, ConfirmedBody, DimmingBody, ModeBody, PowerLimitBody};
use crate::wiring::Untaken;
use axum::Json;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use plant::command::{BOOST_MAX, Command, HOUSE_MAX, Mode};
use plant::units::Watts;
use serde_json::{Value, json};
use std::time::Duration;

type Accepted = Result<(StatusCode, Json<Command>), Refusal>;

/// Sets the mode.
#[utoipa::path(post, path = "/api/v1/mode", tag = "commands", request_body = ModeBody, responses(
    (status = 202, description = "taken", body = CommandBody), (status = "4XX", description = "not understood", body = ErrorBody)))]
pub(super) async fn mode(Shared(state): Shared<State>, mut fields: Fields) -> Accepted {
    let value = fields.take("mode");
    let mode = value.as_str().and_then(|text| text.parse::<Mode>().ok());
    let mode = mode.ok_or_else(|| Refusal::bad_value("mode", &value, Mode::ALL.map(Mode::name).join(", ")))?;
    fields.finish()?;
    submit(&state, Command::SetMode(mode)).await
}

/// Caps compute power.
#[utoipa::path(post, path = "/api/v1/power-limit", tag = "commands", request_body = PowerLimitBody, responses(
    (status = 202, description = "taken", body = CommandBody), (status = "4XX", description = "not understood", body = ErrorBody)))]
pub(super) async fn power_limit(Shared(state): Shared<State>, mut fields: Fields) -> Accepted {
    let most = state.wiring.records.borrow().as_ref().map_or(HOUSE_MAX.0, |record| record.power_max.0);
    let watts = fields.number("watts", 0.0..=most, "watts")?;
    fields.finish()?;
    submit(&state, Command::SetPowerLimit(Watts(watts))).await
}

/// Full power for some minutes; zero ends a running boost.
#[utoipa::path(post, path = "/api/v1/boost", tag = "commands", request_body = BoostBody, responses(
    (status = 202, description = "taken", body = CommandBody), (status = "4XX", description = "not understood", body = ErrorBody)))]
pub(super) async fn boost(Shared(state): Shared<State>, mut fields: Fields) -> Accepted {
    let minutes = fields.number("minutes", 0.0..=BOOST_MAX.as_secs_f64() / 60.0, "minutes")?;
    fields.finish()?;
    submit(&state, Command::Boost(Duration::from_secs_f64(minutes * 60.0))).await
}

/// Dims to what the grid operator allows, or lifts the dimming with null. Refused where the configuration names another way for
/// the operator's signal.
#[utoipa::path(post, path = "/api/v1/grid-dimming", tag = "commands", request_body = DimmingBody, responses(
    (status = 202, description = "taken", body = CommandBody), (status = "4XX", description = "not understood", body = ErrorBody)))]
pub(super) async fn grid_dimming(Shared(state): Shared<State>, mut fields: Fields) -> Accepted {
    let expected = format!("watts from 0 to {}, or null to lift the dimming", HOUSE_MAX.0);
    let refused = |value: &Value| Refusal::bad_value("watts", value, &*expected);
    if !fields.has("watts") {
        return Err(refused(&Value::Null));
    }
    let value = fields.take("watts");
    let allowed = match value.as_f64().filter(|watts| (0.0..=HOUSE_MAX.0).contains(watts)) {
        Some(watts) => Some(Watts(watts)),
        None if value.is_null() => None,
        None => return Err(refused(&value)),
    };
    fields.finish()?;
    if state.dimming != Signal::Rest {
        let way = state.dimming.name();
        let error = format!(
            "the grid operator's signal comes by {way} (dimming.signal), which alone sets and lifts the dimming"
        );
        return Err(Refusal::new(StatusCode::CONFLICT, error));
    }
    submit(&state, Command::GridDimming(allowed)).await
}

/// Confirms that somebody has seen the notices among a record's problems. What stands in for lost commands is lifted.
#[utoipa::path(post, path = "/api/v1/confirm", tag = "commands", request_body = ConfirmBody, responses(
    (status = 202, description = "confirmed, and written down", body = ConfirmedBody), (status = "4XX", description = "not understood", body = ErrorBody)))]
pub(super) async fn confirm(
    Shared(state): Shared<State>,
    mut fields: Fields,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let value = fields.take("confirm");
    if value != Value::Bool(true) {
        return Err(Refusal::bad_value("confirm", &value, "true"));
    }
    fields.finish()?;
    match state.wiring.confirm().await {
        Ok(()) => Ok((StatusCode::ACCEPTED, Json(json!({"confirmed": true})))),
        Err(untaken) => Err(refused(&untaken)),
    }
}

async fn submit(state: &State, command: Command) -> Accepted {
    match state.wiring.command(command).await {
        Ok(()) => Ok((StatusCode::ACCEPTED, Json(command))),
        Err(untaken) => Err(refused(&untaken)),
    }
}

fn refused(untaken: &Untaken) -> Refusal {
    let retry_after = match untaken {
        Untaken::Busy => 2,
        Untaken::Stopping => 10,
        Untaken::Unkept(_) => 30,
    };
    Refusal::not_now(untaken.to_string(), retry_after)
}
