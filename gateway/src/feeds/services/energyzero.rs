//! `EnergyZero`: the Dutch market in quarter hours, one date a question, prices in EUR/kWh written as text. An empty list beside means
//! of 0.00 is no price.

use crate::feeds::answer::{Answer, Refused};
use crate::feeds::lenient::{json, number};
use crate::feeds::rows::{entry_of, sound};
use crate::feeds::service::{Ask, Pace, Place, Service, time};
use chrono::TimeDelta;
use chrono_tz::Tz;
use serde_json::Value;
use std::time::Duration;

pub(super) static SERVICE: Service = Service {
    base: |_| "https://public.api.energyzero.nl",
    zone: |_| Tz::Europe__Amsterdam,
    earlier: TimeDelta::zero(),
    pace: Pace::Daily(time(13, 0)),
    least: Duration::from_secs(300),
    asks: |place, days, _| {
        let ask = |day: chrono::NaiveDate| {
            let day = day.format("%d-%m-%Y");
            let kind = "energyType=ENERGY_TYPE_ELECTRICITY&interval=INTERVAL_QUARTER";
            Ask::get(format!("{}/public/v1/prices?{kind}&date={day}", place.base))
        };
        days.each().map(ask).collect()
    },
    read,
};

fn read(body: &[u8], place: &Place) -> Result<Answer, Refused> {
    let body = json(body)?;
    if let Some(words) = body.get("message").and_then(Value::as_str) {
        return Err(Refused::Wrong(format!("says: {words}")));
    }
    let older = || body.get("data")?.get("energyMarketPrices")?.get("prices");
    let name = if place.includes_taxes { "all_in_with_vat" } else { "base" };
    let rows = body.get(name).or_else(older).and_then(Value::as_array);
    let rows = rows.ok_or_else(|| Refused::Wrong("has no prices as EnergyZero gives them (base)".into()))?;
    let entry = |row: &Value| {
        let price = row.get("price").map(|price| price.get("value").unwrap_or(price));
        entry_of(row, price.and_then(number))
    };
    Answer::of(sound(rows.iter().map(entry).collect())?, Some("EUR"))
}
