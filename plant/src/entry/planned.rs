//! What was planned for a slot, kept beside what happened in it.

use crate::plan::PlannedSlot;
use crate::reason::Reason;
use crate::time::Timestamp;
use crate::units::{Celsius, Eur, EurPerKwh, Percent, Watts};
use serde::{Deserialize, Serialize};

/// What the plan that was in force when the local day began said of a slot; of a day that began without one, the first plan in it
/// that knew what the house uses.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// When that plan was made.
    pub made_at: Timestamp,
    /// Price of import; `None` where it was neither known nor estimated.
    pub import_price: Option<EurPerKwh>,
    /// PV power; `None` where nobody knew.
    pub pv: Option<Watts>,
    /// House consumption, heat pump included; `None` where nobody knew.
    pub load: Option<Watts>,
    /// Compute power.
    pub compute: Watts,
    /// Why compute was to run.
    pub reason: Reason,
    /// State of charge at its end.
    pub soc: Option<Percent>,
    /// Room temperature at its end.
    pub room: Option<Celsius>,
    /// Tank temperature at its end.
    pub tank: Option<Celsius>,
    /// What the slot was to cost: the grid's power, less what is fed in and what the work pays; `None` where only compute was planned.
    pub cost: Option<Eur>,
}

impl Planned {
    /// What `slot` of a plan made at `made_at` says.
    pub fn of(slot: &PlannedSlot, made_at: Timestamp) -> Self {
        let house = slot.house.as_ref();
        Self {
            made_at,
            import_price: slot.import_price,
            pv: slot.pv,
            load: slot.load,
            compute: slot.compute,
            reason: slot.reason,
            soc: slot.battery_soc,
            room: house.and_then(|house| house.room),
            tank: house.and_then(|house| house.tank),
            cost: house.map(|house| house.cost),
        }
    }
}
