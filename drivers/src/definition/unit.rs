//! Units on the wire, and the canonical one of each family.

/// The factor from a unit to the canonical one of its family; units of no family are taken as they are.
pub(crate) fn factor(unit: &str) -> Option<(f64, &'static str)> {
    Some(match unit {
        "W" => (1.0, "W"),
        "kW" => (1000.0, "W"),
        "kWh" => (1.0, "kWh"),
        "Wh" => (0.001, "kWh"),
        "MWh" => (1000.0, "kWh"),
        "W·min" => (1.0 / 60_000.0, "kWh"),
        "J" => (1.0 / 3.6e6, "kWh"),
        "°C" => (1.0, "°C"),
        "%" => (1.0, "%"),
        "share" => (100.0, "%"),
        "A" => (1.0, "A"),
        "V" | "Hz" | "l/h" | "l/min" | "" => (1.0, ""),
        _ => return None,
    })
}
