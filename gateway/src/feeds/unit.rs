//! The unit and the currency of a price, and which prices are plausible.

use super::answer::Refused;

/// A source's own unit is `own`, as `EUR/MWh`; what it says may be that, or nothing.
pub(super) fn expect(own: &str, said: Option<&str>) -> Result<(), Refused> {
    let plain = |text: &str| text.chars().filter(|letter| !letter.is_whitespace()).collect::<String>().to_uppercase();
    match said.map(plain).as_deref() {
        None | Some("" | "NOUNIT" | "NONE") => Ok(()),
        Some(unit) if unit == plain(own) => Ok(()),
        Some(_) => Err(Refused::Wrong(format!("is in {}; expected {own}", said.unwrap_or_default().trim()))),
    }
}

/// What a unit as `SEK/kWh`, `€/MWh` or `ct/kWh` says: the factor that makes it a price per kWh, and the currency's ISO code where it
/// is one.
pub(super) fn read(text: &str) -> Result<(f64, Option<String>), Refused> {
    let plain: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    let wrong = || Refused::Wrong(format!("is in {}; expected a currency per kWh or MWh", text.trim()));
    let (money, energy) = plain.split_once('/').ok_or_else(wrong)?;
    let per = match energy.to_lowercase().as_str() {
        "kwh" => 1.0,
        "mwh" => 0.001,
        "wh" => 1000.0,
        _ => return Err(wrong()),
    };
    let (part, currency) = match money.to_lowercase().as_str() {
        "€" | "eur" => (1.0, Some("EUR")),
        "£" | "gbp" => (1.0, Some("GBP")),
        "p" => (0.01, Some("GBP")),
        "ct" | "c" | "cent" | "cents" | "¢" | "öre" | "øre" | "ore" => (0.01, None),
        "$" | "kr" => (1.0, None),
        code if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
            return Ok((per, Some(code.to_uppercase())));
        }
        _ => return Err(wrong()),
    };
    Ok((part * per, currency.map(str::to_owned)))
}

/// The greatest price per kWh, either way, that a wholesale market or a contract has in `currency`: ten times what households pay,
/// at least the exchange's own limit. Beyond it a unit has gone wrong, or a number.
pub(super) fn price_max(currency: &str) -> f64 {
    match currency {
        "EUR" | "GBP" | "USD" | "CHF" | "CAD" => 5.0,
        // The Australian market's cap is 17.5 and rises.
        "AUD" | "NZD" | "PLN" | "RON" | "BGN" => 25.0,
        "DKK" | "SEK" | "NOK" | "CNY" | "ZAR" | "TRY" | "UAH" | "INR" => 60.0,
        "CZK" | "JPY" | "RUB" | "RSD" => 600.0,
        "HUF" | "KRW" | "ISK" => 2000.0,
        _ => 10_000.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_unit_is_refused_by_name() {
        for fine in [None, Some("EUR / MWh"), Some("Eur/MWh"), Some("No Unit"), Some("")] {
            assert_eq!(expect("EUR/MWh", fine), Ok(()), "{fine:?}");
        }
        for other in ["SEK / MWh", "ct/kWh", "EUR / kWh"] {
            let refused = expect("EUR/MWh", Some(other)).unwrap_err();
            assert_eq!(refused.words(), format!("is in {other}; expected EUR/MWh"));
        }
    }

    #[test]
    fn a_unit_has_a_factor_and_a_currency() {
        let rows = [
            ("SEK/kWh", 1.0, Some("SEK")),
            ("€/MWh", 0.001, Some("EUR")),
            ("ct/kWh", 0.01, None),
            ("$ / kWh", 1.0, None),
            ("p/kWh", 0.01, Some("GBP")),
        ];
        for (text, factor, currency) in rows {
            let (found, code) = read(text).unwrap();
            assert!((found - factor).abs() < 1e-12 && code.as_deref() == currency, "{text}: {found} {code:?}");
        }
        assert!(read("W").is_err() && read("kWh/EUR").is_err());
    }
}
