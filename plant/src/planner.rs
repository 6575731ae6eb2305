//! Marginal value per slot over known prices and a persistence forecast.

use crate::plan::Plan;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Everything a plan depends on, frozen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanRequest {
    /// The moment.
    pub at: Timestamp,
}

/// Plans the slots ahead.
pub fn plan(request: &PlanRequest) -> Plan {
    Plan { made_at: request.at, slots: Vec::new(), expected_net: crate::units::Eur::ZERO }
}
