//! What a simulated house came to: energy by source and use, and comfort.

use plant::house::{Flows, House};
use plant::site::{Site, Store};
use plant::units::{Celsius, KilowattHours, Watts};
use serde::Serialize;
use std::time::Duration;

/// Energy by source and use, in kWh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Energy {
    /// What the sun made.
    pub pv: KilowattHours,
    /// Sun that stayed on the roof: the cap, or nothing paid for it.
    pub curtailed: KilowattHours,
    /// Taken from the grid.
    pub import: KilowattHours,
    /// Given to it.
    pub export: KilowattHours,
    /// Put into the battery.
    pub charged: KilowattHours,
    /// Taken out of it.
    pub discharged: KilowattHours,
    /// The household.
    pub household: KilowattHours,
    /// The heat pump, or an electric heater.
    pub heat_pump: KilowattHours,
    /// Of it for the tank.
    pub hot_water: KilowattHours,
    /// Of it for cooling.
    pub cooling: KilowattHours,
    /// Heat that it, or the boiler, gave to room and tank.
    pub heat: KilowattHours,
    /// Fuel of the boiler.
    pub fuel: KilowattHours,
    /// Compute.
    pub compute: KilowattHours,
    /// Compute's heat that room, tank or heat pump took.
    pub compute_heat: KilowattHours,
    /// The fan that blew the rest of it out.
    pub fan: KilowattHours,
}

impl Energy {
    /// Counts `span` of `flows`.
    pub(super) fn count(&mut self, flows: &Flows, span: Duration) {
        let kwh = |watts: Watts| watts.over(span);
        self.pv += kwh(flows.pv);
        self.curtailed += kwh(flows.curtailed);
        self.import += kwh(flows.grid.positive());
        self.export += kwh((-flows.grid).positive());
        self.charged += kwh((-flows.battery).positive());
        self.discharged += kwh(flows.battery.positive());
        self.household += kwh(flows.household);
        self.heat_pump += kwh(flows.heat_pump);
        self.hot_water += kwh(flows.hot_water);
        self.cooling += kwh(flows.cooling);
        self.heat += kwh(flows.heat);
        self.fuel += kwh(flows.fuel);
        self.compute += kwh(flows.compute);
        self.compute_heat += kwh(flows.compute_heat);
        self.fan += kwh(flows.fan);
    }

    /// What comes in less what goes out; zero up to rounding.
    pub fn imbalance(&self) -> KilowattHours {
        self.pv + self.import + self.discharged
            - self.export
            - self.charged
            - self.household
            - self.heat_pump
            - self.compute
            - self.fan
    }
}

/// How far room and tank were from what the owner wants, in kelvin hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Comfort {
    /// The room below `room.low_c`; `None` without `[room]`.
    pub room_below_kh: Option<f64>,
    /// The room above `room.high_c`.
    pub room_above_kh: Option<f64>,
    /// The tank below `tank.low_c`; `None` without `[tank]`.
    pub tank_below_kh: Option<f64>,
    /// The mean of the room, °C.
    pub room_mean_c: f64,
    #[serde(skip)]
    hours: f64,
}

impl Comfort {
    /// Counts `span` of `house`.
    pub(super) fn count(&mut self, site: &Site, house: &House, span: Duration) {
        let hours = span.as_secs_f64() / 3600.0;
        let room = house.room();
        let add = |sum: &mut Option<f64>, store: Option<Store>, beyond: fn(&Store, Celsius) -> f64, now: Celsius| {
            if let Some(store) = store {
                *sum.get_or_insert(0.0) += beyond(&store, now).max(0.0) * hours;
            }
        };
        add(&mut self.room_below_kh, site.room, |store, now| (store.low - now).0, room);
        add(&mut self.room_above_kh, site.room, |store, now| (now - store.high).0, room);
        if let Some(tank) = house.tank() {
            add(&mut self.tank_below_kh, site.tank, |store, now| (store.low - now).0, tank);
        }
        self.hours += hours;
        self.room_mean_c += (room.0 - self.room_mean_c) * hours / self.hours;
    }
}
