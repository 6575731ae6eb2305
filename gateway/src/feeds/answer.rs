//! What a source of prices answers, before it becomes slots.

use plant::time::Timestamp;

/// A price and from when on it stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Entry {
    /// Its first moment.
    pub start: Timestamp,
    /// Its end, where the source says one; else it stands until the next one starts, an hour at most.
    pub end: Option<Timestamp>,
    /// In the answer's currency per kWh; `None` where the source has no number for it.
    pub price: Option<f64>,
}

/// An answer with prices.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Answer {
    /// The prices, as they stood in the answer.
    pub entries: Vec<Entry>,
    /// Their currency as an ISO code; `None` where nobody says it.
    pub currency: Option<String>,
    /// Under which terms they may be shown.
    pub license: Option<String>,
    /// Path and query of the answer's next page.
    pub more: Option<String>,
}

/// Why an answer is of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// There is nothing for these days, or nothing yet.
    Nothing(String),
    /// It cannot be read.
    Wrong(String),
}

impl Refused {
    /// The same in words.
    pub(super) fn words(&self) -> &str {
        match self {
            Self::Nothing(words) | Self::Wrong(words) => words,
        }
    }
}

impl From<String> for Refused {
    fn from(words: String) -> Self {
        Self::Wrong(words)
    }
}

impl Answer {
    /// An answer of these prices in `currency`; none at all are nothing.
    pub(super) fn of(entries: Vec<Entry>, currency: Option<&str>) -> Result<Self, Refused> {
        if entries.is_empty() {
            return Err(Refused::Nothing("has no prices".into()));
        }
        Ok(Self { entries, currency: currency.map(str::to_owned), ..Self::default() })
    }
}
