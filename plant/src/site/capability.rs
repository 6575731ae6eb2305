//! What the planner may count on: what the devices can be set to, within the controls that the owner lists. What is not listed is
//! not planned: it follows its own rule.
//!
//! | listed | what can be planned |
//! |---|---|
//! | `battery.mode` | hold; charging from the grid where the device knows the mode `charge` |
//! | `battery.charge_power` | charging from the grid with a power |
//! | `battery.charge_limit`, `battery.discharge_limit` | room kept for the sun, energy held, to a share of the power |
//! | `heat_pump.mode`, `heat_pump.surplus` | more than the own rule, by offering it |
//! | `heat_pump.room_shift`, `heat_pump.hot_water_shift` | another set point |
//! | `heat_pump.room_power`, `.hot_water_power`, `.cooling_power` | the power itself |
//! | `compute.heat_route` | where compute's heat goes |

use crate::decision::{BatteryMode, Control, HeatPumpMode, HeatSink, Setting};
use crate::site::{ControlRange, HeatSource, Site};
use crate::units::{Kelvins, Watts};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What the devices of a site can be set to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Capability {
    /// The battery.
    pub battery: BatteryCapability,
    /// The heat pump.
    pub heat_pump: HeatPumpCapability,
    /// The ways of compute's heat that can be chosen; none where it goes its own.
    pub routes: BTreeSet<HeatSink>,
    /// How often each control may be set.
    pub pace: BTreeMap<Control, Pace>,
}

/// What the battery can be set to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BatteryCapability {
    /// It can be kept from discharging.
    pub hold: bool,
    /// It can charge from the grid.
    pub charge: bool,
    /// With the power that is set; else with one of its own.
    pub charge_power: bool,
    /// The greatest power with which it charges from the grid; zero where it cannot.
    pub charge_max: Watts,
    /// It can be kept from charging, so that room is left for the sun to come.
    pub keep_room: bool,
}

/// What the heat pump can be set to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum HeatPumpCapability {
    /// Nothing: it follows its own rule.
    #[default]
    Own,
    /// Power may be offered to it, which it takes as it likes; `block`: it can be switched off.
    Offer {
        /// Whether it can be switched off.
        block: bool,
    },
    /// Its set points can be shifted, within these bounds; `None`: that one cannot.
    Shift {
        /// Of the rooms, the least and the greatest.
        room: Option<(Kelvins, Kelvins)>,
        /// Of the tank.
        tank: Option<(Kelvins, Kelvins)>,
    },
    /// Its electric power can be set up to these; `None`: that one follows its own rule.
    Power {
        /// For the rooms.
        room: Option<Watts>,
        /// For the tank.
        tank: Option<Watts>,
        /// For cooling.
        cooling: Option<Watts>,
    },
}

/// How often a control may be set.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pace {
    /// The least time between two different values.
    pub min_interval: Duration,
    /// Writes that its memory bears a day; `None` where nobody counts them.
    pub writes_a_day: Option<u32>,
}

impl Capability {
    /// What the devices of `site` can be set to.
    pub fn of(site: &Site) -> Self {
        let listed: BTreeMap<Control, ControlRange> = site
            .devices
            .iter()
            .flat_map(|device| &device.controls)
            .map(|(control, range)| (*control, *range))
            .collect();
        let pace = |range: &ControlRange| Pace { min_interval: range.min_interval, writes_a_day: range.writes_a_day };
        Self {
            battery: battery(site, &listed),
            heat_pump: heat_pump(site, &listed),
            routes: routes(&listed),
            pace: listed.iter().map(|(control, range)| (*control, pace(range))).collect(),
        }
    }
}

fn battery(site: &Site, listed: &BTreeMap<Control, ControlRange>) -> BatteryCapability {
    let Some(battery) = site.battery else { return BatteryCapability::default() };
    let power = listed.get(&Control::BatteryChargePower).map(|range| Watts(range.max).min(battery.charge_max));
    let mode = listed.get(&Control::BatteryMode);
    let charge = Setting::BatteryMode(BatteryMode::Charge);
    let charges = mode.is_some_and(|range| range.words.know(charge));
    let to_zero = |control| listed.get(&control).is_some_and(|range| range.min <= 0.0);
    BatteryCapability {
        hold: mode.is_some() || to_zero(Control::BatteryDischargeLimit),
        charge: charges || power.is_some(),
        charge_power: power.is_some(),
        charge_max: power.or(charges.then_some(battery.charge_max)).unwrap_or_default(),
        keep_room: to_zero(Control::BatteryChargeLimit),
    }
}

fn heat_pump(site: &Site, listed: &BTreeMap<Control, ControlRange>) -> HeatPumpCapability {
    let Some(HeatSource::HeatPump { power_max, .. }) = site.displaced else { return HeatPumpCapability::Own };
    let power = |control| listed.get(&control).map(|range: &ControlRange| Watts(range.max).min(power_max));
    let shift = |control| listed.get(&control).map(|range: &ControlRange| (Kelvins(range.min), Kelvins(range.max)));
    let [room, tank, cooling] =
        [Control::HeatPumpRoomPower, Control::HeatPumpHotWaterPower, Control::HeatPumpCoolingPower].map(power);
    if [room, tank, cooling].iter().any(Option::is_some) {
        return HeatPumpCapability::Power { room, tank, cooling };
    }
    let [room, tank] = [Control::HeatPumpRoomShift, Control::HeatPumpHotWaterShift].map(shift);
    if room.is_some() || tank.is_some() {
        return HeatPumpCapability::Shift { room, tank };
    }
    let mode = listed.get(&Control::HeatPumpMode);
    if mode.is_some() || listed.contains_key(&Control::HeatPumpSurplus) {
        let block = Setting::HeatPumpMode(HeatPumpMode::Block);
        return HeatPumpCapability::Offer { block: mode.is_some_and(|range| range.words.know(block)) };
    }
    HeatPumpCapability::Own
}

fn routes(listed: &BTreeMap<Control, ControlRange>) -> BTreeSet<HeatSink> {
    let Some(range) = listed.get(&Control::ComputeHeatRoute) else { return BTreeSet::new() };
    [HeatSink::Room, HeatSink::Tank, HeatSink::HeatPumpSource, HeatSink::Outside]
        .into_iter()
        .filter(|sink| range.words.know(Setting::ComputeHeatRoute(Some(*sink))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_site::site;

    /// The house of the tests with these controls alone.
    fn with(controls: &[(Control, f64, f64, &[&str])]) -> Site {
        let mut site = site();
        site.devices.iter_mut().for_each(|device| device.controls.clear());
        for (control, min, max, words) in controls {
            let words = words.iter().copied().collect();
            let (min_interval, writes_a_day) = (Duration::from_secs(30), Some(24));
            let range = ControlRange { min: *min, max: *max, min_interval, keep_alive: None, writes_a_day, words };
            site.devices[0].controls.insert(*control, range);
        }
        site
    }

    #[test]
    fn the_battery_is_planned_as_far_as_its_owner_lists_it() {
        let none = BatteryCapability::default();
        let held = BatteryCapability { hold: true, ..none };
        let charged = BatteryCapability { charge: true, charge_max: Watts(5000.0), ..none };
        type Listed<'a> = &'a [(Control, f64, f64, &'a [&'a str])];
        let rows: [(Listed<'_>, BatteryCapability); 6] = [
            (&[], none),
            (&[(Control::BatteryMode, 0.0, 0.0, &["normal", "hold"])], held),
            (
                &[(Control::BatteryMode, 0.0, 0.0, &["normal", "hold", "charge"])],
                BatteryCapability { hold: true, ..charged },
            ),
            (
                &[(Control::BatteryChargePower, 0.0, 3000.0, &[])],
                BatteryCapability { charge: true, charge_power: true, charge_max: Watts(3000.0), ..none },
            ),
            (
                &[(Control::BatteryChargeLimit, 0.0, 100.0, &[]), (Control::BatteryDischargeLimit, 0.0, 100.0, &[])],
                BatteryCapability { keep_room: true, ..held },
            ),
            (&[(Control::BatteryChargeLimit, 10.0, 100.0, &[])], none),
        ];
        for (controls, expected) in rows {
            assert_eq!(Capability::of(&with(controls)).battery, expected, "{controls:?}");
        }
        let mut site = with(&[(Control::BatteryMode, 0.0, 0.0, &["charge"])]);
        site.battery = None;
        assert_eq!(Capability::of(&site).battery, none);
    }

    #[test]
    fn the_heat_pump_is_planned_by_the_finest_control_that_it_has() {
        use HeatPumpCapability::{Offer, Own, Power, Shift};
        const MODE: (Control, f64, f64, &[&str]) = (Control::HeatPumpMode, 0.0, 0.0, &["block", "normal", "boost"]);
        const SURPLUS: (Control, f64, f64, &[&str]) = (Control::HeatPumpSurplus, 0.0, 15_000.0, &[]);
        const ROOM: (Control, f64, f64, &[&str]) = (Control::HeatPumpRoomShift, -3.0, 3.0, &[]);
        const TANK: (Control, f64, f64, &[&str]) = (Control::HeatPumpHotWaterShift, -5.0, 10.0, &[]);
        const POWER: (Control, f64, f64, &[&str]) = (Control::HeatPumpHotWaterPower, 0.0, 9000.0, &[]);
        let range = |from, to| Some((Kelvins(from), Kelvins(to)));
        let rows = [
            (vec![], Own),
            (vec![SURPLUS], Offer { block: false }),
            (vec![MODE], Offer { block: true }),
            (vec![MODE, ROOM], Shift { room: range(-3.0, 3.0), tank: None }),
            (vec![SURPLUS, ROOM, TANK], Shift { room: range(-3.0, 3.0), tank: range(-5.0, 10.0) }),
            (vec![ROOM, POWER], Power { room: None, tank: Some(Watts(3000.0)), cooling: None }),
        ];
        for (controls, expected) in rows {
            assert_eq!(Capability::of(&with(&controls)).heat_pump, expected, "{controls:?}");
        }
        let mut site = with(&[POWER]);
        site.displaced = Some(HeatSource::Electric);
        assert_eq!(Capability::of(&site).heat_pump, Own);
    }

    #[test]
    fn ways_of_heat_are_those_that_the_device_knows() {
        let routes = |words: &[&str]| Capability::of(&with(&[(Control::ComputeHeatRoute, 0.0, 0.0, words)])).routes;
        assert_eq!(routes(&["normal", "room", "outside"]), [HeatSink::Room, HeatSink::Outside].into());
        assert_eq!(Capability::of(&with(&[])).routes, BTreeSet::new());
    }

    #[test]
    fn each_control_says_how_often_it_may_be_set() {
        let capability = Capability::of(&with(&[(Control::BatteryMode, 0.0, 0.0, &["hold"])]));
        let pace = Pace { min_interval: Duration::from_secs(30), writes_a_day: Some(24) };
        assert_eq!(capability.pace, [(Control::BatteryMode, pace)].into());
    }
}
