//! Plans the slots ahead for the whole house.
//!
//! Pure: a plan depends on nothing but its request and the solver's answers, so the host may compute it anywhere.

/// What stands when an answer of today takes effect.
mod later;
/// When a plan is asked for, and with what.
pub(crate) mod request;
/// The plan by rule.
mod rule;

use crate::plan::{Plan, PlanRequest};
use crate::program::Solve;

pub use later::later;

/// Plans the slots ahead: those in which it is known, or estimated, what exported power earns. What `solve` cannot do is planned by rule.
pub fn plan(request: &PlanRequest, _solve: &mut Solve<'_>) -> Plan {
    rule::plan(request)
}
