//! What was drawn from the tank, and when it was last hot enough against legionella: both are measured by its thermometer.
//!
//! What a tank lost beyond its insulation was drawn: `draw = heat in - loss * (tank - around) - capacity * change`. A thermometer that
//! moves in steps makes single draws too large or too small, and some of them negative; their sum is right.

use super::heat::Heat;
use crate::house::tank::{AROUND, Tank};
use crate::site::Site;
use crate::time::{Slot, Timestamp};
use chrono::TimeDelta;

/// Hours of a slot.
const HOURS: f64 = 0.25;
/// Slots of a silent thermometer over which a draw is spread; beyond that nobody knows what was drawn.
const SILENT_MAX: i64 = 4;

/// The tank as it was seen.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TankSeen {
    /// The last slot that was read, and the temperature at its end.
    read: Option<(Slot, f64)>,
    /// Where it would be without draws at the end of the last slot; `None` where that is not known.
    undrawn: Option<f64>,
    /// Since when it has been hot.
    hot: Option<Slot>,
    /// When it was hot for long enough.
    disinfected: Option<Slot>,
}

/// A draw in kW, and the slots in which it was.
pub(super) type Drawn = (f64, std::ops::RangeInclusive<i64>);

impl TankSeen {
    /// The temperature at the end of `slot`, as read or as it would be without draws.
    pub(super) fn at_end(&self, slot: Slot) -> Option<f64> {
        let (read, _) = self.read?;
        self.undrawn.filter(|_| (0..=SILENT_MAX).contains(&(slot.0 - read.0)))
    }

    /// When it was last hot for long enough.
    pub(super) fn disinfected(&self) -> Option<Timestamp> {
        self.disinfected.map(Slot::end)
    }

    /// Takes in `slot`, at whose end the tank had `now` degrees; returns what was drawn.
    pub(super) fn pass(&mut self, site: &Site, slot: Slot, now: Option<f64>, heat: &Heat) -> Option<Drawn> {
        let tank = Tank::of(site)?;
        self.heats(site, slot, now);
        let from = self.at_end(slot.plus(-1));
        let given = heat.pumped_to_tank.or_else(|| heat.pumped.is_none().then_some(0.0));
        let compute = heat.compute.map(|ways| ways.tank);
        let undrawn = from.zip(given.zip(compute)).map(|(from, (pump, compute))| {
            from + (pump + compute - tank.loss * (from - AROUND)) * HOURS / tank.capacity
        });
        let Some(now) = now else {
            self.undrawn = undrawn;
            return None;
        };
        let (read, _) = self.read.replace((slot, now)).unwrap_or((slot, now));
        self.undrawn = Some(now);
        let slots = slot.0 - read.0;
        let energy = (undrawn? - now) * tank.capacity;
        // A tank that warms though nobody measures what heats it says nothing.
        let unmeasured = heat.pumped_to_tank.is_none() && energy < 0.0;
        (slots > 0 && !unmeasured).then(|| (energy / (HOURS * slots as f64), read.0 + 1..=slot.0))
    }

    /// Follows how long it has been hot.
    fn heats(&mut self, site: &Site, slot: Slot, now: Option<f64>) {
        let Some(programme) = site.building.legionella else { return };
        if now.is_none_or(|now| now < programme.temperature.0) {
            self.hot = None;
            return;
        }
        let since = *self.hot.get_or_insert(slot);
        let long = TimeDelta::from_std(programme.hold).unwrap_or(TimeDelta::MAX);
        if slot.end() - since.end() >= long {
            self.disinfected = Some(slot);
        }
    }
}
