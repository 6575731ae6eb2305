//! The temperature of the building's mass, which no thermometer shows: an observer (Luenberger, 1964) follows it by the model of the
//! rooms and corrects it by what the air does otherwise than the model says.

use crate::house::room::{Influence, Warmth};
use crate::site::building::Fabric;
use crate::time::Slot;

/// Hours of a slot.
const HOURS: f64 = 0.25;
/// Share of an error of the air by which the mass is corrected, of the share at which it would explain all of it: a thermometer's noise
/// stays small.
const CORRECTED: f64 = 1.0 / 3.0;
/// The correction in K for each K is at least and at most this.
const GAIN: [f64; 2] = [0.5, 4.0];
/// The mass is never farther from the air, K.
const APART_MAX: f64 = 5.0;
/// After so many slots of which nothing is known both are the same.
const GAP_MAX: i64 = 8;

/// Air and mass at the end of a slot.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RoomSeen(Option<(Slot, Warmth)>);

impl RoomSeen {
    /// The rooms at the end of `slot`, where they were seen lately.
    pub(super) fn at_end(&self, slot: Slot) -> Option<Warmth> {
        self.0.filter(|(last, _)| (0..=GAP_MAX).contains(&(slot.0 - last.0))).map(|(_, warmth)| warmth)
    }

    /// The newest temperature of the mass.
    pub(super) fn mass(&self) -> Option<f64> {
        self.0.map(|(_, warmth)| warmth.mass)
    }

    /// Takes in `slot`, at whose end the air had `air` degrees, under what acted on the rooms; `None` where that is not known.
    pub(super) fn pass(&mut self, slot: Slot, air: Option<f64>, fabric: &Fabric, acted: Option<Influence>) {
        let before = self.at_end(slot.plus(-1));
        let after = match (before, air, acted) {
            (None, Some(air), _) => Warmth { air, mass: air },
            (None, None, _) => return,
            (Some(before), None, Some(acted)) => before.after(fabric, acted, HOURS),
            (Some(_), None, None) => return,
            (Some(before), Some(air), Some(acted)) => corrected(before, air, fabric, acted),
            (Some(before), Some(air), None) => {
                // It follows the air, as far as the coupling lets it.
                let share = (HOURS * fabric.coupling_kw_per_k / fabric.mass_kwh_per_k.max(1e-3)).min(1.0);
                Warmth { air, mass: before.mass + share * (air - before.mass) }
            }
        };
        let mass = after.mass.clamp(after.air - APART_MAX, after.air + APART_MAX);
        self.0 = Some((slot, Warmth { mass, ..after }));
    }
}

fn corrected(before: Warmth, air: f64, fabric: &Fabric, acted: Influence) -> Warmth {
    let model = before.after(fabric, acted, HOURS);
    let warmer = Warmth { mass: before.mass + 1.0, ..before }.after(fabric, acted, HOURS);
    let explains = (warmer.air - model.air).max(1e-6);
    let gain = (CORRECTED / explains).clamp(GAIN[0], GAIN[1]);
    Warmth { air, mass: model.mass + gain * (air - model.air) }
}
