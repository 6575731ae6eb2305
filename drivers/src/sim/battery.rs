//! The battery of a hybrid inverter: its own self-consumption control inside the window that its controls leave it.

use plant::units::{KilowattHours, Watts};
use std::time::Duration;

/// What the battery can do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Battery {
    /// Usable energy.
    pub capacity: KilowattHours,
    /// Greatest power in either direction: the reference of all percentages.
    pub power_max: Watts,
    /// Share left after one way, in or out.
    pub one_way: f64,
    /// Time constant of its own control; zero for one that balances the house at once.
    pub settles: Duration,
}

impl Default for Battery {
    fn default() -> Self {
        Self { capacity: KilowattHours(10.0), power_max: Watts(5_000.0), one_way: 0.95, settles: Duration::ZERO }
    }
}

/// Its controls, in the terms of SunSpec model 124. Percentages of [`Battery::power_max`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StorageControls {
    /// `StorCtl_Mod` bit 0: `charge_pct` counts.
    pub limit_charge: bool,
    /// `StorCtl_Mod` bit 1: `discharge_pct` counts.
    pub limit_discharge: bool,
    /// `InWRte`: charge no faster than this; below zero, discharge at least this fast.
    pub charge_pct: f64,
    /// `OutWRte`: discharge no faster than this; below zero, charge at least this fast.
    pub discharge_pct: f64,
    /// `ChaGriSet`: may charge from the grid.
    pub from_grid: bool,
    /// `MinRsvPct`: never discharged below this share.
    pub reserve_pct: f64,
    /// `InOutWRte_RvrtTms`: the limits lapse after this; zero for never.
    pub revert: Duration,
}

impl Default for StorageControls {
    fn default() -> Self {
        Self {
            limit_charge: false,
            limit_discharge: false,
            charge_pct: 100.0,
            discharge_pct: 100.0,
            from_grid: false,
            reserve_pct: 5.0,
            revert: Duration::ZERO,
        }
    }
}

/// The house around the battery.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bus {
    /// What the house draws beyond its PV; below zero for surplus.
    pub(super) lacking: Watts,
    pub(super) pv: Watts,
}

impl Battery {
    /// Power that would balance the house, as far as the controls, the state of charge and PV allow it; discharge is positive.
    pub(super) fn power(&self, stored: KilowattHours, bus: Bus, controls: &StorageControls, dt: Duration) -> Watts {
        let Bus { lacking, pv } = bus;
        let rate = |pct: f64| self.power_max * (pct / 100.0);
        let most = if controls.limit_discharge { rate(controls.discharge_pct) } else { self.power_max };
        let least = if controls.limit_charge { -rate(controls.charge_pct) } else { -self.power_max };
        let wanted = lacking.between(least.min(most), most);
        // Without leave to take from the grid, only PV charges.
        let wanted = if controls.from_grid { wanted } else { wanted.max(-pv.positive()) };
        let reserve = self.capacity * (controls.reserve_pct / 100.0);
        let givable = (stored - reserve).positive().mean_over(dt) * self.one_way;
        let takable = (self.capacity - stored).positive().mean_over(dt) / self.one_way;
        wanted.between(-takable.min(self.power_max), givable.min(self.power_max))
    }

    /// What flows `dt` after `former` has, on the way to what would balance the house.
    pub(super) fn settled(&self, former: Watts, balancing: Watts, dt: Duration) -> Watts {
        if self.settles.is_zero() {
            return balancing;
        }
        balancing + (former - balancing) * (-dt.as_secs_f64() / self.settles.as_secs_f64()).exp()
    }

    /// Energy stored after `power` has flowed for `dt`.
    pub fn after(&self, stored: KilowattHours, power: Watts, dt: Duration) -> KilowattHours {
        let moved = if power.0 > 0.0 { power.over(dt) / self.one_way } else { power.over(dt) * self.one_way };
        (stored - moved).between(KilowattHours::ZERO, self.capacity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn controls(mode: u16, charge_pct: f64, discharge_pct: f64, from_grid: bool) -> StorageControls {
        StorageControls {
            limit_charge: mode & 1 != 0,
            limit_discharge: mode & 2 != 0,
            charge_pct,
            discharge_pct,
            from_grid,
            ..StorageControls::default()
        }
    }

    #[test]
    fn controls_bound_what_the_battery_does_by_itself() {
        let normal = controls(0, 100.0, 100.0, false);
        // (controls, stored kWh, lacking W, PV W, expected W)
        let rows = [
            (normal, 5.0, 800.0, 0.0, 800.0),
            (normal, 5.0, -1_200.0, 3_000.0, -1_200.0),
            (normal, 5.0, 9_000.0, 0.0, 5_000.0),
            (normal, 0.4, 800.0, 0.0, 0.0),
            (normal, 10.0, -1_200.0, 3_000.0, 0.0),
            (controls(2, 100.0, 0.0, false), 5.0, 800.0, 0.0, 0.0),
            (controls(2, 100.0, 0.0, false), 5.0, -800.0, 2_000.0, -800.0),
            (controls(1, 0.0, 100.0, false), 5.0, -800.0, 2_000.0, 0.0),
            (controls(2, 100.0, 50.0, false), 5.0, 4_000.0, 0.0, 2_500.0),
            (controls(2, 100.0, -40.0, true), 5.0, 800.0, 0.0, -2_000.0),
            (controls(2, 100.0, -40.0, false), 5.0, 800.0, 500.0, -500.0),
            (controls(1, -60.0, 100.0, false), 5.0, 0.0, 0.0, 3_000.0),
        ];
        for (controls, stored, lacking, pv, expected) in rows {
            let bus = Bus { lacking: Watts(lacking), pv: Watts(pv) };
            let power = Battery::default().power(KilowattHours(stored), bus, &controls, Duration::from_secs(10));
            assert!((power.0 - expected).abs() < 1e-9, "{controls:?} {stored} {lacking}: {power:?}");
        }
    }

    #[test]
    fn it_follows_the_house_with_its_time_constant() {
        let battery = Battery { settles: Duration::from_secs(2), ..Battery::default() };
        let after = |seconds| battery.settled(Watts(0.0), Watts(1_000.0), Duration::from_secs(seconds)).0;
        // Two time constants leave 13.5 %, five 0.7 %.
        assert!((after(4) - 864.7).abs() < 0.1 && (after(10) - 993.3).abs() < 0.1, "{} {}", after(4), after(10));
        assert_eq!(Battery::default().settled(Watts(0.0), Watts(1_000.0), Duration::from_secs(1)), Watts(1_000.0));
    }

    #[test]
    fn a_round_trip_loses_a_tenth() {
        let battery = Battery::default();
        let hour = Duration::from_secs(3600);
        let full = battery.after(KilowattHours(1.0), Watts(-4_000.0), hour);
        assert!((full.0 - 4.8).abs() < 1e-9);
        let back = battery.after(full, Watts(3_610.0), hour);
        assert!((back.0 - 1.0).abs() < 1e-9);
    }
}
