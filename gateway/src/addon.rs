//! HeatMine as an app of Home Assistant.

/// Where the books of an app lie.
pub mod data_folder;
/// What Home Assistant's Supervisor answers an app.
pub mod supervisor;
