//! The powers on the house bus at one moment; `bus.rs` has those of the moment when the grid was read.
//!
//! The house balance: `grid + pv + battery = house + heat pump + compute`. What PV makes beyond the house and the heat pump, the
//! surplus, follows from grid, battery and compute alone: with -2000 W at the grid (exported), -1000 W at the battery (charging)
//! and 500 W of compute, 3500 W are left over.

use crate::image::Image;
use crate::point::Point;
use crate::units::Watts;

/// The powers of one moment; a role that the site lacks moves none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Flows {
    /// Import +, export -.
    pub grid: Watts,
    /// PV generation; `None` where it is not known, as at night with an inverter that sleeps.
    pub pv: Option<Watts>,
    /// Discharge +, charge -.
    pub battery: Watts,
    /// Compute's consumption.
    pub compute: Watts,
    /// The heat pump's consumption; `None` where it is not known.
    pub heat_pump: Option<Watts>,
}

impl Flows {
    /// The flows as each was read last; `None` where those of grid or battery are not known. Compute's power counts as zero where it
    /// is unknown.
    pub(crate) fn measured(image: &Image) -> Option<Self> {
        let power = |point| match image.points.get(&point) {
            Some(known) => known.fresh().map(Watts),
            None => Some(Watts::ZERO),
        };
        Some(Self {
            grid: image.get(Point::GridPower).fresh().map(Watts)?,
            pv: power(Point::PvPower).map(Watts::positive),
            battery: power(Point::BatteryPower)?,
            compute: image.get(Point::ComputePower).fresh().map_or(Watts::ZERO, Watts).positive(),
            heat_pump: power(Point::HeatPumpPower).map(Watts::positive),
        })
    }

    /// What PV makes beyond the house and the heat pump; negative where it makes less than they take.
    pub(crate) fn surplus(self) -> Watts {
        self.compute - self.grid - self.battery
    }

    /// Power into the battery.
    pub(crate) fn charge(self) -> Watts {
        (-self.battery).positive()
    }

    /// Power out of the battery.
    pub(crate) fn discharge(self) -> Watts {
        self.battery.positive()
    }
}
