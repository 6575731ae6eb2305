//! What a point is made of where no single register or message carries it: sums, differences and signs of parts.
//!
//! A Sungrow battery that is charged with 800 W says `battery_raw = 800` and sets bit 1 of `flow_bits`; the row
//! `magnitude = "battery_raw"`, `negate_when = { part = "flow_bits", mask = 2 }` makes -800 W of them.

use serde::{Deserialize, Serialize};

/// A value that follows from others. `first` is the first that is known; otherwise the sum.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Derived {
    /// Canonical name, or the name of a part.
    pub name: String,
    /// The first of these that is known.
    pub first: Vec<String>,
    /// Added; all must be known.
    pub add: Vec<String>,
    /// A parameter that holds how many of `add` there are, from the first on: phases that the house does not have.
    pub add_count_parameter: Option<String>,
    /// Added where known; at least one must be where `add` is empty.
    pub add_if_known: Vec<String>,
    /// Subtracted; all must be known.
    pub subtract: Vec<String>,
    /// A part whose sign stands in `negate_when`. Where the part itself is negative, it is taken as it is: newer firmware
    /// of some devices counts with a sign.
    pub magnitude: Option<String>,
    /// A part and a mask: any of those bits set turns the sign.
    pub negate_when: Option<Flag>,
    /// Least value, where rounding would pass it.
    pub at_least: Option<f64>,
    /// There is a value only while this holds: a meter that is lost may read as zero.
    pub valid_when: Option<Condition>,
}

impl Derived {
    /// The parts it is made of, those of its conditions included.
    pub fn ingredients(&self) -> impl Iterator<Item = &String> {
        let flag = self.negate_when.iter().map(|flag| &flag.part);
        let condition = self.valid_when.iter().map(|condition| &condition.part);
        let sums = self.first.iter().chain(&self.add).chain(&self.add_if_known).chain(&self.subtract);
        sums.chain(&self.magnitude).chain(flag).chain(condition)
    }
}

/// A part that has a certain value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The part.
    pub part: String,
    /// Its value.
    pub value: f64,
}

/// Bits of a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flag {
    /// The part.
    pub part: String,
    /// The bits.
    pub mask: u64,
}
