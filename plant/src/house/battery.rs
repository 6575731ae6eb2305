//! The battery under self-consumption: it takes what the house has too much and gives what it lacks.
//!
//! Example: 10 kWh, 5 kW, one way 0.95, 9.9 kWh stored, 3 kW too much for a quarter hour: it takes 0.1 / 0.95 / 0.25 = 0.42 kW.

use crate::site::Battery;
use crate::units::Percent;

/// A battery by its numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cells {
    /// Usable energy, kWh.
    pub capacity: f64,
    /// The own rule leaves this much in it, kWh.
    pub reserve: f64,
    /// Greatest charging power at its terminals, kW.
    pub charge: f64,
    /// Greatest discharging power, kW.
    pub discharge: f64,
    /// Share of energy left after one way, 0 to 1.
    pub one_way: f64,
}

/// What it may do beside its own rule, kW, discharge positive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bounds {
    /// The least power: negative where it may charge.
    pub least: f64,
    /// The greatest.
    pub most: f64,
}

impl Bounds {
    /// Its own rule, unbounded.
    pub(crate) const OWN: Self = Self { least: f64::NEG_INFINITY, most: f64::INFINITY };
}

impl Cells {
    /// The battery as its owner states it.
    pub(crate) fn of(battery: &Battery) -> Self {
        Self {
            capacity: battery.capacity.0,
            reserve: battery.reserve.0 / 100.0 * battery.capacity.0,
            charge: battery.charge_max.0 / 1000.0,
            discharge: battery.discharge_max.0 / 1000.0,
            one_way: battery.round_trip.clamp(0.01, 1.0).sqrt(),
        }
    }

    /// Energy in it at a state of charge, kWh.
    pub(crate) fn stored(&self, soc: Percent) -> f64 {
        self.capacity * soc.0 / 100.0
    }

    /// Power for `hours` where the house lacks `lacking` kW, and what is stored after it; discharge positive.
    pub(crate) fn step(&self, stored: f64, lacking: f64, bounds: Bounds, hours: f64) -> (f64, f64) {
        let takes = ((self.capacity - stored).max(0.0) / self.one_way / hours).min(self.charge);
        let gives = ((stored - self.reserve).max(0.0) * self.one_way / hours).min(self.discharge);
        let power = lacking.min(bounds.most).max(bounds.least).min(gives).max(-takes);
        let change = if power > 0.0 { -power / self.one_way } else { -power * self.one_way };
        (power, (stored + change * hours).clamp(0.0, self.capacity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELLS: Cells = Cells { capacity: 10.0, reserve: 0.0, charge: 5.0, discharge: 5.0, one_way: 0.95 };

    fn step(stored: f64, lacking: f64) -> (f64, f64) {
        CELLS.step(stored, lacking, Bounds::OWN, 0.25)
    }

    #[test]
    fn it_takes_what_is_too_much_and_gives_what_lacks_within_its_power() {
        assert_eq!(step(5.0, -3.0), (-3.0, 5.0 + 3.0 * 0.95 * 0.25));
        assert_eq!(step(5.0, -9.0), (-5.0, 5.0 + 5.0 * 0.95 * 0.25));
        assert_eq!(step(5.0, 2.0), (2.0, 5.0 - 2.0 / 0.95 * 0.25));
        assert_eq!(step(5.0, 7.0).0, 5.0);
    }

    #[test]
    fn a_full_one_takes_only_what_fits_and_an_empty_one_gives_only_what_is_above_its_reserve() {
        let (power, stored) = step(9.9, -3.0);
        assert!((power + 0.1 / 0.95 / 0.25).abs() < 1e-9 && (stored - 10.0).abs() < 1e-9, "{power} {stored}");
        let cells = Cells { reserve: 1.0, ..CELLS };
        let (power, stored) = cells.step(1.2, 3.0, Bounds::OWN, 0.25);
        assert!((power - 0.2 * 0.95 / 0.25).abs() < 1e-9 && (stored - 1.0).abs() < 1e-9, "{power} {stored}");
        assert_eq!(cells.step(0.5, 3.0, Bounds::OWN, 0.25), (0.0, 0.5));
    }

    #[test]
    fn bounds_hold_it_or_make_it_charge() {
        let hold = Bounds { least: f64::NEG_INFINITY, most: 0.0 };
        assert_eq!(CELLS.step(5.0, 2.0, hold, 0.25), (0.0, 5.0));
        assert_eq!(CELLS.step(5.0, -2.0, hold, 0.25).0, -2.0);
        let charge = Bounds { least: f64::NEG_INFINITY, most: -2.0 };
        assert_eq!(CELLS.step(5.0, 1.0, charge, 0.25).0, -2.0);
    }
}
