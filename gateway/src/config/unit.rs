//! The units in the names of keys: what `power_w` is measured in, and what somebody who wrote `power_kw` meant.

/// What units of amounts begin with: the site's currency is meant.
pub const EURO: &str = "EUR";

/// Suffixes of the configuration's own keys, the longest first.
const UNITS: &[(&str, &str)] = &[
    ("_eur_per_kwh", "EUR/kWh"),
    ("_eur_per_mtok", "EUR per million tokens"),
    ("_eur_per_kw_month", "EUR per kW and month"),
    ("_kwh_per_k", "kWh/K"),
    ("_kw_per_k", "kW/K"),
    ("_g_per_kwh", "g/kWh"),
    ("_percent", "%"),
    ("_kwh", "kWh"),
    ("_eur", "EUR"),
    ("_deg", "degrees"),
    ("_w", "W"),
    ("_a", "A"),
    ("_v", "V"),
    ("_c", "°C"),
    ("_s", "seconds"),
];

/// Suffixes that people write, what ours is, and how many of ours one of theirs makes.
const FOREIGN: &[(&str, &str, f64)] = &[
    ("_ct_per_kwh", "_eur_per_kwh", 0.01),
    ("_cent_per_kwh", "_eur_per_kwh", 0.01),
    ("_cents_per_kwh", "_eur_per_kwh", 0.01),
    ("_eur_per_mwh", "_eur_per_kwh", 0.001),
    ("_eur_kwh", "_eur_per_kwh", 1.0),
    ("_wh_per_k", "_kwh_per_k", 0.001),
    ("_w_per_k", "_kw_per_k", 0.001),
    ("_milliseconds", "_s", 0.001),
    ("_fraction", "_percent", 100.0),
    ("_minutes", "_s", 60.0),
    ("_seconds", "_s", 1.0),
    ("_celsius", "_c", 1.0),
    ("_percentage", "_percent", 1.0),
    ("_degc", "_c", 1.0),
    ("_share", "_percent", 100.0),
    ("_ratio", "_percent", 100.0),
    ("_hours", "_s", 3600.0),
    ("_ampere", "_a", 1.0),
    ("_amps", "_a", 1.0),
    ("_volts", "_v", 1.0),
    ("_volt", "_v", 1.0),
    ("_watts", "_w", 1.0),
    ("_watt", "_w", 1.0),
    ("_euro", "_eur", 1.0),
    ("_cent", "_eur", 0.01),
    ("_secs", "_s", 1.0),
    ("_sec", "_s", 1.0),
    ("_mins", "_s", 60.0),
    ("_min", "_s", 60.0),
    ("_pct", "_percent", 1.0),
    ("_mwh", "_kwh", 1000.0),
    ("_wh", "_kwh", 0.001),
    ("_mw", "_w", 1e6),
    ("_kw", "_w", 1000.0),
    ("_ms", "_s", 0.001),
    ("_ct", "_eur", 0.01),
    ("_h", "_s", 3600.0),
];

/// The unit that a key is measured in.
pub fn of(key: &str) -> Option<&'static str> {
    UNITS.iter().find(|(suffix, _)| key.ends_with(suffix)).map(|(_, unit)| *unit)
}

/// Finds the known key that means the same as `key` in another unit, or without one. With it comes how many of its unit
/// one of the written unit makes, where that is known.
pub fn same_quantity<'a>(key: &str, known: impl Iterator<Item = &'a str> + Clone) -> Option<(&'a str, Option<f64>)> {
    for (theirs, ours, factor) in FOREIGN {
        if let Some(stem) = key.strip_suffix(theirs)
            && let Some(found) = known.clone().find(|name| name.strip_suffix(ours) == Some(stem))
        {
            return Some((found, Some(*factor)));
        }
    }
    let stem = |name: &'a str| UNITS.iter().find_map(|(suffix, _)| name.strip_suffix(suffix));
    let written = UNITS.iter().find_map(|(suffix, _)| key.strip_suffix(suffix)).unwrap_or(key);
    known.into_iter().find(|name| stem(name) == Some(written)).map(|name| (name, None))
}
