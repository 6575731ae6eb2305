//! The house by its physics and its own rules: battery, heat pump, room, tank and the connection to the grid.
//!
//! The baseline (the house without compute) and the simulated house are both made of these parts. Powers here are kW, energies kWh,
//! temperatures °C, times hours, as plain numbers: formulas read like those of their sources.

/// The battery under self-consumption.
pub(crate) mod battery;
/// The connection to the grid: its cap, and what is not paid for.
pub(crate) mod connection;
/// The heat pump's COP.
pub(crate) mod heat_pump;
/// The room: two stores of heat.
pub(crate) mod room;
/// The own rules of heat pump and tank.
pub(crate) mod rule;
/// The tank.
pub(crate) mod tank;
