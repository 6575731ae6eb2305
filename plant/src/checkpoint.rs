//! What survives a restart: written every second or so, so that a crash loses at most the time since.

use crate::books::comparison::ComparisonState;
use crate::books::journals::Journals;
use crate::books::totals::{Earnings, Totals};
use crate::command::{InForce, Mode, Origin};
use crate::entry::{Entry, Head, SlotAccount};
use crate::history::Quarter;
use crate::time::{Slot, Timestamp};
use crate::units::Watts;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a restart finds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Restored {
    /// The last checkpoint.
    pub checkpoint: Option<Checkpoint>,
    /// The commands in force; where there are none, as in recordings of version 0.1.0, those of the checkpoint.
    pub commands: Option<InForce>,
    /// The ledger's entries beyond the checkpoint's head, in order; all of them where there is no checkpoint.
    pub after: Vec<Entry>,
    /// The ledger's newest entries up to the checkpoint's head, in order: forecasts learn from its slots, and its
    /// receipts are not booked again. May be empty.
    pub recent: Vec<Entry>,
    /// What the ledger's entries up to the checkpoint's head add up to by local day, for the last two months: a calendar that
    /// turns back, as after a wrong clock, finds the sums of its day.
    pub days: BTreeMap<NaiveDate, Earnings>,
    /// The quarter hours that have passed, in the sequence of their slots: what the time ahead is expected from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Quarter>,
}

/// The plant's running state beyond the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored")]
pub struct Checkpoint {
    /// When it was taken.
    pub at: Timestamp,
    /// The ledger's newest link when it was taken. A ledger that is further on wins: its slot entries count.
    pub head: Head,
    /// The account of the slot not yet closed.
    pub open: SlotAccount,
    /// What the closed slots add up to.
    pub closed: Totals,
    /// The mode in force.
    pub mode: Mode,
    /// The mode to return to, and when.
    pub boost: Option<(Mode, Timestamp)>,
    /// The owner's cap on compute power.
    pub power_limit: Watts,
    /// The grid operator's limit, while it dims.
    pub grid_dimming: Option<Watts>,
    /// Tokens per kilowatt-hour that receipts have shown.
    pub tokens_per_kwh: f64,
    /// How far the journals of receipts are booked; absent in those of version 0.1.0.
    #[serde(skip_serializing_if = "Journals::is_empty")]
    pub journals: Journals,
    /// The baseline, and what the house differs from it in; absent before the second form of the books.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<ComparisonState>,
}

/// A checkpoint of any version: those of 0.1.0 have sums that contain the open slot.
#[derive(Deserialize)]
struct Stored {
    at: Timestamp,
    head: Head,
    open: SlotAccount,
    closed: Option<Totals>,
    #[serde(flatten)]
    sums: Option<Totals>,
    mode: Mode,
    boost: Option<(Mode, Timestamp)>,
    power_limit: Watts,
    #[serde(default)]
    grid_dimming: Option<Watts>,
    tokens_per_kwh: f64,
    #[serde(default)]
    journals: Journals,
    #[serde(default)]
    comparison: Option<ComparisonState>,
}

impl From<Stored> for Checkpoint {
    fn from(stored: Stored) -> Self {
        let Stored { at, head, open, closed, sums, mode, boost, .. } = stored;
        let closed = closed.unwrap_or_else(|| sums.unwrap_or_default().without_open(&open));
        let Stored { power_limit, grid_dimming, tokens_per_kwh, journals, comparison, .. } = stored;
        Self { at, head, open, closed, mode, boost, power_limit, grid_dimming, tokens_per_kwh, journals, comparison }
    }
}

impl Checkpoint {
    /// The same commands with nothing counted, for a ledger that is not the one of this checkpoint: it is counted anew.
    pub fn recounted(self) -> Self {
        Self {
            head: Head::default(),
            open: SlotAccount::in_currency(Slot::containing(self.at), self.open.currency),
            closed: Totals::default(),
            ..self
        }
    }

    /// The commands that were in force. The host keeps them apart from this, so that these are for where it has none.
    pub fn in_force(&self) -> InForce {
        let Self { mode, boost, power_limit, grid_dimming, .. } = *self;
        InForce { mode, boost, power_limit, grid_dimming, set_by: Origin::default() }
    }

    /// Everything that is counted, the open slot included.
    pub fn totals(&self) -> Totals {
        self.closed.with(&self.open)
    }

    /// Whether anything is counted.
    pub fn counts(&self) -> bool {
        self.totals() != Totals::default()
    }
}
