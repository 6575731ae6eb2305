//! Tibber: GraphQL with a key. `total` has taxes and fees, `energy` has not. Where a home has no quarter hours, hours are asked for.

use crate::feeds::answer::{Answer, Refused};
use crate::feeds::lenient::{json, number};
use crate::feeds::rows::{entry_of, sound};
use crate::feeds::service::{Ask, Pace, Place, Service, european, time};
use chrono::TimeDelta;
use serde_json::{Value, json as object};
use std::time::Duration;

pub(super) static SERVICE: Service = Service {
    base: |_| "https://api.tibber.com",
    zone: european,
    earlier: TimeDelta::zero(),
    pace: Pace::Daily(time(13, 0)),
    least: Duration::from_secs(300),
    asks: |place, _, attempt| {
        let resolution = if attempt == 0 { "(resolution: QUARTER_HOURLY)" } else { "" };
        let prices = "{ total energy startsAt currency }";
        let query = format!(
            "{{ viewer {{ homes {{ id currentSubscription {{ priceInfo{resolution} {{ today {prices} tomorrow {prices} }} }} }} }} }}"
        );
        let url = format!("{}/v1-beta/gql", place.base);
        vec![Ask { body: Some(object!({ "query": query })), ..Ask::get(url).with(&place.key) }]
    },
    read,
};

fn read(body: &[u8], place: &Place) -> Result<Answer, Refused> {
    let body = json(body)?;
    if let Some(fault) = body.get("errors").and_then(|errors| errors.get(0)) {
        let words = fault.get("message").and_then(Value::as_str).unwrap_or("an error without words");
        return Err(Refused::Wrong(format!("says: {words}")));
    }
    let viewer = body.get("data").and_then(|data| data.get("viewer"));
    let viewer = viewer.ok_or_else(|| Refused::Wrong("has no homes as Tibber gives them".into()))?;
    let homes: Vec<&Value> = match viewer.get("homes").and_then(Value::as_array) {
        Some(homes) => homes.iter().collect(),
        None => viewer.get("home").into_iter().collect(),
    };
    let ours =
        |home: &&&Value| place.home.as_deref().is_none_or(|id| home.get("id").and_then(Value::as_str) == Some(id));
    let priced =
        |home: &&Value| home.get("currentSubscription").and_then(|contract| contract.get("priceInfo")).cloned();
    let mut found = homes.iter().filter(ours).filter_map(priced);
    let prices = found.next().ok_or_else(|| match &place.home {
        Some(id) => Refused::Wrong(format!("has no home {id} with a contract")),
        None => Refused::Wrong("has no home with a contract".into()),
    })?;
    let days = ["today", "tomorrow"].into_iter().filter_map(|day| prices.get(day)?.as_array());
    let rows: Vec<&Value> = days.flatten().collect();
    let name = if place.includes_taxes { "total" } else { "energy" };
    let currency = rows.iter().find_map(|row| row.get("currency")?.as_str());
    let entries = sound(rows.iter().map(|row| entry_of(row, row.get(name).and_then(number))).collect())?;
    Answer::of(entries, currency)
}
