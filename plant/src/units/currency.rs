//! The currency of a house, and roughly what a euro is in it: enough to see whether a price can be meant, never to convert an
//! amount.

use super::{Eur, EurPerKwh};
use crate::error::UnknownWord;
use serde::{Deserialize, Serialize};

/// Roughly how many units of a currency make a euro: reference rates of the European Central Bank in the autumn of 2025, rounded to what a
/// plausible range needs.
const PER_EURO: &[(&str, f64)] = &[
    ("AUD", 1.7),
    ("BGN", 1.96),
    ("BRL", 6.2),
    ("CAD", 1.6),
    ("CHF", 0.93),
    ("CNY", 8.2),
    ("CZK", 24.5),
    ("DKK", 7.46),
    ("EUR", 1.0),
    ("GBP", 0.87),
    ("HKD", 9.1),
    ("HUF", 385.0),
    ("IDR", 19_500.0),
    ("ILS", 3.8),
    ("INR", 103.0),
    ("ISK", 145.0),
    ("JPY", 180.0),
    ("KRW", 1700.0),
    ("MXN", 21.0),
    ("MYR", 4.8),
    ("NOK", 11.7),
    ("NZD", 2.0),
    ("PHP", 68.0),
    ("PLN", 4.25),
    ("RON", 5.1),
    ("SEK", 11.0),
    ("SGD", 1.5),
    ("THB", 37.0),
    ("TRY", 50.0),
    ("UAH", 49.0),
    ("USD", 1.17),
    ("ZAR", 20.0),
];

/// A currency by its ISO 4217 code. Prices and amounts of a house are all in the same one: `EUR` in the name of a type or of a key
/// means that currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// The euro.
    pub const EUR: Self = Self(*b"EUR");

    /// The code, as `EUR`.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Roughly how many of it make a euro; `None` where the table does not know it.
    pub fn per_euro(&self) -> Option<f64> {
        PER_EURO.iter().find(|(code, _)| *code == self.code()).map(|(_, rate)| *rate)
    }

    /// Roughly `price` euros in this currency: for assumptions, never for books. Where the rate is not known, that of the weakest
    /// currency of the table: too dear rather than too cheap.
    pub fn roughly(&self, price: EurPerKwh) -> EurPerKwh {
        price * self.per_euro().unwrap_or_else(|| PER_EURO.iter().map(|(_, rate)| *rate).fold(1.0, f64::max))
    }

    /// A price in words, as `0.310 EUR/kWh`.
    pub fn price(&self, price: EurPerKwh) -> String {
        let number = price.to_string();
        format!("{} {self}/kWh", number.split(' ').next().unwrap_or_default())
    }

    /// An amount in words, as `1.20 EUR`.
    pub fn amount(&self, amount: Eur) -> String {
        let number = format!("{amount:.2}");
        format!("{} {self}", number.split(' ').next().unwrap_or_default())
    }
}

impl Default for Currency {
    fn default() -> Self {
        Self::EUR
    }
}

impl std::fmt::Display for Currency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

impl std::str::FromStr for Currency {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let code = <[u8; 3]>::try_from(text.as_bytes()).ok().filter(|code| code.iter().all(u8::is_ascii_uppercase));
        code.map(Self).ok_or_else(|| UnknownWord::Currency(text.to_owned()))
    }
}

impl TryFrom<String> for Currency {
    type Error = UnknownWord;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_currency_is_three_capital_letters() {
        for code in ["EUR", "CZK", "JPY"] {
            assert_eq!(code.parse::<Currency>().unwrap().code(), code);
        }
        for text in ["", "eur", "EURO", "€", "E1R", "EU"] {
            assert!(text.parse::<Currency>().is_err(), "{text}");
        }
        assert_eq!(serde_json::to_string(&Currency::EUR).unwrap(), "\"EUR\"");
        let crowns: Currency = serde_json::from_str("\"CZK\"").unwrap();
        assert_eq!(crowns.price(EurPerKwh(6.5)), "6.500 CZK/kWh");
        assert_eq!(crowns.amount(Eur(-0.001)), "0.00 CZK");
    }

    #[test]
    fn a_price_that_is_assumed_is_dear_in_every_currency() {
        let assumed = |code: &str| code.parse::<Currency>().unwrap().roughly(EurPerKwh(0.4)).0;
        assert_eq!(assumed("EUR"), 0.4);
        assert_eq!(assumed("JPY"), 72.0);
        assert_eq!(assumed("XTS"), 7800.0, "a currency that the table does not know");
        assert!(PER_EURO.is_sorted_by_key(|(code, _)| *code), "sorted, so that nobody adds one twice");
    }
}
