//! What the meters of such a house show within a quarter hour: its means as powers, and what stands at its borders in between.
//!
//! The meter of PV shows what was not held back. Where the house does not say how much that was, it follows from the balance, and
//! only where something can have been held back: nothing is imported, and the export is at the connection's limit or earns nothing.
//!
//! A reading that is missing when the next quarter hour is decided on is the last one for up to an hour; in the books it stays missing.

use super::seen::{Last, Seen};
use plant::point::{DeviceId, Point, Sample};
use plant::site::Site;
use plant::time::Timestamp;
use std::collections::BTreeMap;

/// Hours of a step.
const HOURS: f64 = 0.25;
/// Less power than this is none, in kW.
const NONE: f64 = 1e-9;
/// For so many quarter hours a reading stands in for those that are missing after it.
const STANDS_IN: u8 = 4;

/// What stands at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Standing {
    /// Charge of the battery in %.
    soc: Option<f64>,
    room: Option<f64>,
    tank: Option<f64>,
}

impl Standing {
    /// What stands before the quarter hour that is `seen`.
    pub(super) fn of(seen: &Seen, site: &Site) -> Self {
        let capacity = site.battery.map_or(0.0, |battery| battery.capacity.0);
        let soc = seen.soc_kwh.filter(|_| capacity > 0.0);
        Self { soc: soc.map(|energy| energy / capacity * 100.0), room: seen.t_air_c, tank: seen.t_tank_c }
    }

    /// What stood between `self` and `later`, at the share `at` of the way.
    fn towards(self, later: Self, at: f64) -> Self {
        let between = |from: Option<f64>, to: Option<f64>| from.map(|from| from + (to.unwrap_or(from) - from) * at);
        Self {
            soc: between(self.soc, later.soc),
            room: between(self.room, later.room),
            tank: between(self.tank, later.tank),
        }
    }
}

/// What flowed in a quarter hour, in W and with the signs of the points; `None` where nobody knows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Means {
    pub compute: f64,
    grid: f64,
    battery: f64,
    heat_pump: f64,
    hot_water: f64,
    pv: Option<f64>,
    house: Option<f64>,
    outdoor: Option<f64>,
    sun: Option<f64>,
}

/// What may have been held back of PV's power.
#[derive(Clone, Copy, Debug)]
pub(super) struct Curtailment {
    /// The most the connection takes, in kW.
    pub export_max: f64,
    /// Whether fed-in power earned anything.
    pub paid: bool,
    /// What rejecting compute's heat took, in kW.
    pub fan: f64,
}

impl Means {
    /// What flowed in the quarter hour before `seen`.
    pub(super) fn of(seen: &Seen, last: &Last, curtailment: &Curtailment) -> Self {
        Self {
            compute: last.pc * 1000.0,
            grid: (last.g - last.x) * 1000.0,
            battery: -last.pbat * 1000.0,
            heat_pump: (last.psh + last.pdw + last.pcool) * 1000.0,
            hot_water: last.pdw * 1000.0,
            pv: pv(seen, last, curtailment).map(|pv| pv * 1000.0),
            house: seen.load_w,
            outdoor: seen.t_out_c,
            sun: seen.ghi_w_m2,
        }
    }
}

/// What the meter of PV showed, in kW.
fn pv(seen: &Seen, last: &Last, curtailment: &Curtailment) -> Option<f64> {
    let offered = seen.pv_w? / 1000.0;
    if let Some(curtailed) = last.curt {
        return Some((offered - curtailed).max(0.0));
    }
    let capped = last.x >= curtailment.export_max - NONE;
    if last.g > NONE || !capped && (curtailment.paid || last.x > NONE) {
        return Some(offered);
    }
    // What nobody measured of the household leaves open what was held back.
    let used =
        seen.load_w? / 1000.0 + last.pc + curtailment.fan + last.psh + last.pdw + last.pcool + last.pbat + last.x;
    Some(offered.min(used.max(0.0)))
}

/// The energy counters, in kWh.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counters {
    import: f64,
    export: f64,
    pv: f64,
    charge: f64,
    discharge: f64,
    compute: f64,
    heat_pump: f64,
}

impl Counters {
    /// What they show after the share `of` a quarter hour with `means`.
    fn after(self, means: &Means, of: f64) -> Self {
        let energy = |power: f64| power.max(0.0) * HOURS * of / 1000.0;
        Self {
            import: self.import + energy(means.grid),
            export: self.export + energy(-means.grid),
            pv: self.pv + energy(means.pv.unwrap_or_default()),
            charge: self.charge + energy(-means.battery),
            discharge: self.discharge + energy(means.battery),
            compute: self.compute + energy(means.compute),
            heat_pump: self.heat_pump + energy(means.heat_pump),
        }
    }
}

/// The meters.
#[derive(Clone, Debug, Default)]
pub(super) struct Meters {
    counters: Counters,
    means: Means,
    before: Standing,
    after: Standing,
    /// What each meter showed last when it showed something, and how many quarter hours ago that was.
    known: BTreeMap<Point, (f64, u8)>,
}

impl Meters {
    /// The quarter hour between `before` and `after` had `means`.
    pub(super) fn pass(&mut self, means: Means, before: Standing, after: Standing) {
        (self.means, self.before, self.after) = (means, before, after);
    }

    /// That quarter hour is over.
    pub(super) fn close(&mut self) {
        self.counters = self.counters.after(&self.means, 1.0);
    }

    /// What the devices of `site` show at the share `share` of that quarter hour.
    pub(super) fn samples(&self, site: &Site, share: f64, at: Timestamp) -> Vec<Sample> {
        let shown = Shown {
            means: self.means,
            counters: self.counters.after(&self.means, share),
            standing: self.before.towards(self.after, share),
        };
        shown.samples(site, at)
    }

    /// What stands when the quarter hour is over, `at`. Its powers are not known before the next has passed, and what was known before
    /// stands in for what is missing.
    pub(super) fn standing(&mut self, site: &Site, standing: Standing, at: Timestamp) -> Vec<Sample> {
        let shown = Shown { means: self.means, counters: self.counters, standing };
        let samples = shown.samples(site, at);
        samples.into_iter().filter_map(|sample| self.stands_in(sample)).collect()
    }

    /// The sample, or what stands in for it; `None` for the power of a quarter hour that has passed.
    fn stands_in(&mut self, sample: Sample) -> Option<Sample> {
        let power = sample.point.unit().starts_with('W');
        if let Some(value) = sample.value {
            self.known.insert(sample.point, (value, 0));
            return (!power).then_some(sample);
        }
        match self.known.get_mut(&sample.point) {
            Some((value, age)) if *age < STANDS_IN => {
                *age += 1;
                Some(Sample { value: Some(*value), ..sample })
            }
            Some(_) | None => (!power).then_some(sample),
        }
    }
}

/// What all meters show at one moment.
struct Shown {
    means: Means,
    counters: Counters,
    standing: Standing,
}

impl Shown {
    fn samples(&self, site: &Site, at: Timestamp) -> Vec<Sample> {
        let sample = |device: &DeviceId, point| Sample { device: device.clone(), point, value: self.value(point), at };
        let points = site.devices.iter().flat_map(|device| device.points.iter().map(move |point| (&device.id, *point)));
        points.map(|(device, point)| sample(device, point)).collect()
    }

    fn value(&self, point: Point) -> Option<f64> {
        let Self { means, counters, standing } = self;
        match point {
            Point::GridPower => Some(means.grid),
            Point::GridImportEnergy => Some(counters.import),
            Point::GridExportEnergy => Some(counters.export),
            Point::PvPower => means.pv,
            // A counter that may have moved unseen shows nothing.
            Point::PvEnergy => means.pv.map(|_| counters.pv),
            Point::BatteryPower => Some(means.battery),
            Point::BatterySoc => standing.soc,
            Point::BatteryChargeEnergy => Some(counters.charge),
            Point::BatteryDischargeEnergy => Some(counters.discharge),
            Point::HousePower => means.house,
            Point::ComputePower => Some(means.compute),
            Point::ComputeEnergy => Some(counters.compute),
            Point::HeatPumpPower => Some(means.heat_pump),
            Point::HeatPumpHotWaterPower => Some(means.hot_water),
            Point::HeatPumpEnergy => Some(counters.heat_pump),
            Point::TankTemperature => standing.tank,
            Point::RoomTemperature => standing.room,
            Point::OutdoorTemperature => means.outdoor,
            Point::OutdoorIrradiance => means.sun,
            Point::GridPowerL1
            | Point::GridPowerL2
            | Point::GridPowerL3
            | Point::GridCurrentL1
            | Point::GridCurrentL2
            | Point::GridCurrentL3
            | Point::GridDimmed
            | Point::GridIsland
            | Point::WallboxPower
            | Point::WallboxEnergy
            | Point::HouseEnergy
            | Point::ComputeTemperature
            | Point::HeatPumpHeat
            | Point::HeatPumpHeatEnergy
            | Point::HeatPumpFlowTemperature
            | Point::HeatPumpReturnTemperature => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::world::quarters::hello::Hello;

    #[test]
    fn what_was_shown_last_stands_in_for_an_hour_at_most() {
        let hello: Hello = serde_json::from_value(serde_json::json!({
            "scen": "market",
            "node": {
                "pv_kwp": 10.0, "bat_kwh": 10.0, "bat_kw": 5.0, "bat_wear_eur_kwh": 0.02, "grid_import_kw": 17.0,
                "grid_export_kw": 10.0, "pc_max": 5.0, "pc_min": 0.3, "pc_start_eur": 0.03, "hp_max_kw": 3.0,
                "hp_min_kw": 0.5, "area_m2": 140, "tank_litres": 300, "T_lo": 20.0, "T_hi_winter": 23.0,
                "summer_mean24_c": 16.0, "tank_lo": 45.0, "tank_hi": 60.0, "revenue_eur_kwh": 0.15,
                "queue_revenue_eur_kwh": 0.3, "queue_deadline_h": 24.0
            }
        }))
        .unwrap();
        let site = super::super::site::site(&hello);
        let mut meters = Meters::default();
        let mut shown = |room: Option<f64>, pv: Option<f64>| {
            meters.pass(Means { pv, ..Means::default() }, Standing::default(), Standing::default());
            let samples = meters.standing(&site, Standing { room, ..Standing::default() }, Timestamp::UNIX_EPOCH);
            [Point::RoomTemperature, Point::PvPower]
                .map(|point| samples.iter().find(|sample| sample.point == point).map(|sample| sample.value))
        };
        // Nothing was ever shown: the room is silent, and a power is of no quarter hour that begins.
        assert_eq!(shown(None, None), [Some(None), None]);
        assert_eq!(shown(Some(20.5), Some(3000.0)), [Some(Some(20.5)), None]);
        for _ in 0..STANDS_IN {
            assert_eq!(shown(None, None), [Some(Some(20.5)), Some(Some(3000.0))]);
        }
        assert_eq!(shown(None, None), [Some(None), None]);
        assert_eq!(shown(Some(20.4), None), [Some(Some(20.4)), None]);
    }
}
