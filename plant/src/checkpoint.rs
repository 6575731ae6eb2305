//! What survives a restart: written every second or so, so that a crash loses at most the time since.

use crate::books::comparison::ComparisonState;
use crate::books::journals::Journals;
use crate::books::totals::{Earnings, EnergyTotals, Totals};
use crate::command::{InForce, Mode, Origin};
use crate::entry::{Entry, Head, SlotAccount};
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
}

/// The plant's running state beyond the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// When it was taken.
    pub at: Timestamp,
    /// The ledger's newest link when it was taken. A ledger that is further on wins: its slot entries count.
    pub head: Head,
    /// The account of the slot not yet closed.
    pub open: SlotAccount,
    /// Energy since the books began, the open slot included.
    pub energy: EnergyTotals,
    /// Earnings of the local day, the open slot included.
    #[serde(deserialize_with = "Earnings::of_any_version")]
    pub today: Earnings,
    /// Earnings of the local month, the open slot included.
    #[serde(deserialize_with = "Earnings::of_any_version")]
    pub month: Earnings,
    /// Earnings of all time, the open slot included.
    #[serde(deserialize_with = "Earnings::of_any_version")]
    pub total: Earnings,
    /// The same without the open slot; absent in those of version 0.1.0.
    #[serde(default)]
    pub closed: Option<Totals>,
    /// The mode in force.
    pub mode: Mode,
    /// The mode to return to, and when.
    pub boost: Option<(Mode, Timestamp)>,
    /// The owner's cap on compute power.
    pub power_limit: Watts,
    /// The grid operator's limit, while it dims.
    #[serde(default)]
    pub grid_dimming: Option<Watts>,
    /// Tokens per kilowatt-hour that receipts have shown.
    pub tokens_per_kwh: f64,
    /// How far the journals of receipts are booked; absent in those of version 0.1.0.
    #[serde(default, skip_serializing_if = "Journals::is_empty")]
    pub journals: Journals,
    /// The baseline, and what the house differs from it in; absent before the second form of the books.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<ComparisonState>,
}

impl Checkpoint {
    /// The same commands with nothing counted, for a ledger that is not the one of this checkpoint: it is counted anew.
    pub fn recounted(self) -> Self {
        Self {
            head: Head::default(),
            open: SlotAccount::new(Slot::containing(self.at)),
            energy: EnergyTotals::default(),
            today: Earnings::default(),
            month: Earnings::default(),
            total: Earnings::default(),
            closed: Some(Totals::default()),
            ..self
        }
    }

    /// The commands that were in force. The host keeps them apart from this, so that these are for where it has none.
    pub fn in_force(&self) -> InForce {
        let Self { mode, boost, power_limit, grid_dimming, .. } = *self;
        InForce { mode, boost, power_limit, grid_dimming, set_by: Origin::default() }
    }

    /// Whether anything is counted.
    pub fn counts(&self) -> bool {
        self.energy != EnergyTotals::default() || self.total != Earnings::default()
    }

    /// What the closed slots add up to.
    pub fn closed(&self) -> Totals {
        let totals = Totals { energy: self.energy, today: self.today, month: self.month, total: self.total };
        self.closed.unwrap_or_else(|| totals.without_open(&self.open))
    }
}
