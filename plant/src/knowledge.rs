//! What the expectations of the time ahead rest on, and how sure they are: for people.

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What the house knows of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Knowledge {
    /// Days of history that are remembered.
    pub days: usize,
    /// The end of the newest quarter hour that was learnt from; `None` before the first.
    pub newest: Option<Timestamp>,
    /// What PV is expected from.
    pub pv: PvBase,
    /// One standard deviation of PV four to eight hours ahead, as a share of what is expected.
    pub pv_spread: f64,
    /// The building; `None` where its rooms are not measured.
    pub building: Option<BuildingKnowledge>,
}

/// What PV is expected from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PvBase {
    /// Nothing but what the roof makes now.
    #[default]
    Present,
    /// The mean of the days before.
    DaysBefore,
    /// What the roof yields on a bright day, and what of it the last hours and days had.
    BrightDays,
    /// A weather service that is believed as it is.
    Service,
    /// A weather service, corrected by what was seen of it.
    ServiceCorrected,
}

/// The building as the owner states it or as its history shows it. Deviations are relative standard deviations.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BuildingKnowledge {
    /// Days that it was fitted to; `None` where the owner states it, 0 where it is estimated by its living area.
    pub days: Option<usize>,
    /// Loss to outside in the heating season, kW/K.
    pub loss_kw_per_k: f64,
    /// How sure that is.
    pub loss_deviation: f64,
    /// Heat that air and mass hold, kWh/K.
    pub capacity_kwh_per_k: f64,
    /// How sure that is.
    pub capacity_deviation: f64,
    /// The heat pump's COP beside the one of the formula.
    pub cop_scale: f64,
    /// How sure that is.
    pub cop_deviation: f64,
}
