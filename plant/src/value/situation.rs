//! All that one cycle decides on, frozen: the image, what follows from it, and what everybody wants.

use crate::command::Mode;
use crate::image::Image;
use crate::observe::commands::Wishes;
use crate::plan::PlannedSlot;
use crate::reason::Worth;
use crate::site::Site;
use crate::time::Timestamp;
use crate::units::{EurPerKwh, Percent, Watts};
use crate::value::balance::{Flows, Values};
use crate::value::merit::{self, Without};
use crate::value::revenue::Demand;
use crate::value::tariff::Prices;
use crate::value::thermal;
use crate::work::WorkerState;

/// The situation of one cycle.
#[derive(Clone, Debug)]
pub struct Situation<'a> {
    /// The moment.
    pub now: Timestamp,
    /// What is installed.
    pub site: &'a Site,
    /// Every point of the house.
    pub image: &'a Image,
    /// What everybody wants.
    pub wishes: Wishes,
    /// Grid, battery and compute, where they are fresh.
    pub bus: Option<Flows>,
    /// What the battery would charge with, if it could have all of the surplus.
    pub charge_room: Watts,
    /// The battery's charge, where it is fresh.
    pub soc: Option<Percent>,
    /// What power costs and earns; estimated or missing where nothing was published.
    pub prices: Prices,
    /// What power is worth by where it comes from; assumed where `prices` are missing.
    pub values: Values,
    /// The plan's intention, where there is a plan for this mode and moment.
    pub planned: Option<&'a PlannedSlot>,
    /// Heat that finds a use, in thermal watts.
    pub useful: Watts,
    /// What it displaces.
    pub heat_price: EurPerKwh,
    /// What there is to do.
    pub demand: Demand,
    /// Questions that somebody waits for.
    pub questions: u32,
    /// What the engine is doing.
    pub worker: WorkerState,
}

impl Situation<'_> {
    /// The owner's mode.
    pub fn mode(&self) -> Mode {
        self.wishes.mode
    }

    /// The most the owner lets compute draw.
    pub fn max(&self) -> Watts {
        self.site.compute.max.min(self.wishes.power_limit)
    }

    /// Surplus that compute may have, negative where the house takes more than PV makes; `None` where it is unknown.
    /// Below its reserve the battery always comes first.
    pub fn available(&self, battery_first: bool) -> Option<Watts> {
        let surplus = self.bus?.surplus();
        let below = match (&self.site.battery, self.soc) {
            (Some(battery), Some(soc)) => soc < battery.reserve,
            (Some(_), None) => true,
            (None, _) => false,
        };
        let room = if battery_first || below { self.charge_room } else { Watts::ZERO };
        Some(if surplus > Watts::ZERO { (surplus - room).positive() } else { surplus })
    }

    /// The three numbers of compute at `power`, at least at its least power, for work that pays `revenue`.
    pub fn worth(&self, power: Watts, revenue: EurPerKwh) -> Worth {
        let power = power.max(self.site.compute.min).max(Watts(1.0));
        let mut left = power;
        let mut cost = 0.0;
        for block in merit::order(&self.without(), &self.values, &self.site.grid, power) {
            cost += block.power.0 * block.cost.0;
            left -= block.power;
        }
        let electricity = EurPerKwh((cost + left.positive().0 * self.values.import.0) / power.0);
        let heat = thermal::heat_worth(self.site, power, self.useful, self.heat_price, electricity);
        Worth { revenue, heat, electricity }
    }

    /// The house of this moment as it would be without compute; all from the grid where the bus is unknown.
    fn without(&self) -> Without {
        let Some(bus) = self.bus else { return Without::default() };
        let surplus = bus.surplus();
        let charge = surplus.positive().min(self.charge_room);
        let can_hold = self.can_hold();
        let (discharge, dischargeable) = match (&self.site.battery, self.soc) {
            (Some(battery), Some(soc)) if soc > battery.reserve => {
                let own = (-surplus).positive().min(battery.discharge_max);
                (own, battery.discharge_max - own)
            }
            _ => (bus.discharge().min((-surplus).positive()), Watts::ZERO),
        };
        Without {
            import: ((-surplus).positive() - discharge).positive(),
            export: surplus.positive() - charge,
            charge,
            dischargeable,
            can_hold,
        }
    }

    /// Whether the battery can be told to hold its energy.
    pub fn can_hold(&self) -> bool {
        self.site.devices.iter().any(|device| device.controls.contains_key(&crate::decision::Control::BatteryMode))
    }
}
