//! HeatMine.
