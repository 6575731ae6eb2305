//! HeatMine as an app of Home Assistant.

/// What Home Assistant's Supervisor answers an app.
pub mod supervisor;
