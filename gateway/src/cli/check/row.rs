//! A row of the report: a name and words.

use std::fmt::Display;

/// A name and what is to be said of it.
pub(super) type Row = (String, String);

/// A row of the two.
pub(super) fn row(name: impl Display, words: impl Display) -> Row {
    (name.to_string(), words.to_string())
}

/// A number with no more decimals than it needs.
pub(super) fn plain(number: f64) -> String {
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
