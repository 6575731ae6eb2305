//! What a currency means for the configuration: which numbers are plausible, and what the defaults of amounts are.
//!
//! Example: with `site.currency = "JPY"`, about 180 to the euro, a price may be -180 to 900 where it may be -1 to 5 euros, and the
//! wear of a battery that is left out is 5.4 JPY/kWh. An import price that is left out is a mistake: nobody can guess it.

use super::error::ConfigError;
use plant::units::Currency;
use serde_json::{Map, Number, Value};

/// In a currency that nobody knows, numbers may be so many times as large.
const WIDE: f64 = 1e6;

/// Amounts in euros that are defaults, by section and key.
const DEFAULTS: &[(&str, &str, f64)] = &[
    ("battery", "wear_eur_per_kwh", 0.03),
    ("work", "in_eur_per_mtok", 0.05),
    ("work", "out_eur_per_mtok", 0.20),
    ("work", "interactive_eur_per_kwh", 2.0),
];

/// Prices that only the contract says: the side of the tariff, its key and the kind of price that needs it.
const STATED: &[(&str, &str, &[&str])] = &[
    ("import", "price_eur_per_kwh", &["fixed", "time_of_use"]),
    ("import", "fee_eur_per_kwh", &["spot"]),
    ("export", "price_eur_per_kwh", &["fixed", "time_of_use"]),
];

/// The currency that a document names; the euro where it names none, or something that is none.
pub(super) fn of(document: &Value) -> Currency {
    let code = document.pointer("/site/currency").and_then(Value::as_str);
    code.and_then(|code| code.parse().ok()).unwrap_or_default()
}

/// How many times as large as in euros an amount may be.
pub(super) fn scale(currency: Currency) -> f64 {
    currency.per_euro().map_or(WIDE, |rate| rate.max(1.0))
}

/// Completes the amounts that are left out, roughly at what they are in euros.
pub(super) fn complete(document: &mut Value) {
    let currency = of(document);
    let Some(rate) = currency.per_euro().filter(|_| currency != Currency::EUR) else { return };
    let Value::Object(sections) = document else { return };
    for (section, key, euros) in DEFAULTS {
        // A house without a battery stays one.
        let entry = if *section == "battery" {
            sections.get_mut(*section)
        } else {
            Some(sections.entry(*section).or_insert_with(|| Value::Object(Map::new())))
        };
        if let Some(Value::Object(keys)) = entry {
            keys.entry(*key).or_insert_with(|| rounded(euros * rate));
        }
    }
}

/// The prices that must be stated because their defaults are euros, and are not.
pub(super) fn missing(document: &Value) -> Vec<ConfigError> {
    let currency = of(document);
    if currency == Currency::EUR {
        return Vec::new();
    }
    let stated = |side: &str, key: &str| document.pointer(&format!("/tariff/{side}/{key}"));
    let lacks = |(side, key, kinds): &&(&str, &str, &[&str])| {
        let kind = stated(side, "kind").and_then(Value::as_str).unwrap_or("fixed");
        kinds.contains(&kind) && stated(side, key).is_none()
    };
    let error = |(side, key, _): &(&str, &str, &[&str])| {
        let expected = format!("missing; expected it in {currency}/kWh: the default is one in euros");
        ConfigError::new(format!("tariff.{side}.{key}"), None, expected)
    };
    STATED.iter().filter(lacks).map(error).collect()
}

/// Two digits are enough for an assumption.
fn rounded(amount: f64) -> Value {
    let digits = 10f64.powf(1.0 - amount.abs().log10().floor());
    Number::from_f64((amount * digits).round() / digits).map_or(Value::Null, Value::Number)
}
