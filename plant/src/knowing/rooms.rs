//! The rooms in the slots that have passed, and the temperature of the building's mass, which no thermometer shows: an observer
//! (Luenberger, 1964) follows it by the model of the rooms and corrects it by what the air does otherwise than the model says.

use super::days::{Column, Days};
use crate::house::room::{self, Influence, Warmth};
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
/// Slots that the observer passes: an error at their beginning is forgotten at their end.
const OBSERVED: i64 = 192;
/// After so many slots of which nothing is known both are the same again.
const GAP_MAX: i64 = 8;
/// A household whose power is unknown counts as this much for its gains, kW: 3500 kWh a year.
const TYPICAL_HOUSEHOLD: f64 = 0.4;
/// Sun on the ground, W/m2, for a roof that yields all of its peak power.
const SUN_AT_PEAK: f64 = 1000.0;

/// What acted on the rooms in a slot; powers in kW.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Acted {
    outdoor: f64,
    /// Heat of the heat pump, by the COP's formula.
    pumped: f64,
    /// Of compute.
    compute: f64,
    household: f64,
    /// On the ground, W/m2.
    sun: f64,
    summer: bool,
}

impl Acted {
    /// What acted in `slot` under a roof of `peak` kW; `None` where the air outside, the heat pump or compute is not known.
    pub(super) fn of(days: &Days, slot: Slot, peak: f64) -> Option<Self> {
        let known = |column| days.get(column, slot);
        let by_roof = || known(Column::Pv).filter(|_| peak > 0.0).map(|pv| pv / peak * SUN_AT_PEAK);
        Some(Self {
            outdoor: known(Column::Outdoor)?,
            pumped: known(Column::Pumped)?,
            compute: known(Column::ComputeHeat)?,
            household: known(Column::Load).unwrap_or(TYPICAL_HOUSEHOLD),
            sun: known(Column::Sun).or_else(by_roof).unwrap_or(0.0),
            summer: known(Column::Summer).is_some_and(|summer| summer > 0.0),
        })
    }
}

/// A building as what a slot makes of its two temperatures: `x' = A x + b`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Model {
    fabric: Fabric,
    /// What a kilowatt of heat by the COP's formula really is.
    cop_scale: f64,
    winter: Season,
    summer: Season,
}

/// What air and mass come to for each kelvin or kilowatt.
#[derive(Clone, Copy, Debug)]
struct Season {
    of_air: Warmth,
    of_mass: Warmth,
    of_outdoor: Warmth,
    of_heat_to_air: Warmth,
    of_heat_to_mass: Warmth,
}

impl Season {
    fn of(fabric: &Fabric, summer: bool) -> Self {
        let on = |outdoor, to_air, to_mass| Influence { outdoor, to_air, to_mass, summer };
        let from = |air, mass, on| Warmth { air, mass }.after(fabric, on, HOURS);
        Self {
            of_air: from(1.0, 0.0, on(0.0, 0.0, 0.0)),
            of_mass: from(0.0, 1.0, on(0.0, 0.0, 0.0)),
            of_outdoor: from(0.0, 0.0, on(1.0, 0.0, 0.0)),
            of_heat_to_air: from(0.0, 0.0, on(0.0, 1.0, 0.0)),
            of_heat_to_mass: from(0.0, 0.0, on(0.0, 0.0, 1.0)),
        }
    }

    fn after(&self, before: Warmth, (outdoor, to_air, to_mass): (f64, f64, f64)) -> Warmth {
        let sum = |of: fn(&Warmth) -> f64| {
            of(&self.of_air) * before.air
                + of(&self.of_mass) * before.mass
                + of(&self.of_outdoor) * outdoor
                + of(&self.of_heat_to_air) * to_air
                + of(&self.of_heat_to_mass) * to_mass
        };
        Warmth { air: sum(|warmth| warmth.air), mass: sum(|warmth| warmth.mass) }
    }
}

impl Model {
    /// The model of a building whose heat pump gives `cop_scale` of what the COP's formula says.
    pub(super) fn of(fabric: &Fabric, cop_scale: f64) -> Self {
        Self { fabric: *fabric, cop_scale, winter: Season::of(fabric, false), summer: Season::of(fabric, true) }
    }

    fn season(&self, summer: bool) -> &Season {
        if summer { &self.summer } else { &self.winter }
    }

    /// The rooms a slot later.
    pub(super) fn after(&self, before: Warmth, acted: &Acted) -> Warmth {
        let Acted { outdoor, compute, household, sun, summer, .. } = *acted;
        let pumped = acted.pumped * if acted.pumped > 0.0 { self.cop_scale } else { 1.0 };
        let gains = room::gains(&self.fabric, household, sun, summer);
        let to_air =
            self.fabric.heat_pump_to_air * pumped + self.fabric.compute_to_air * compute + GAINS_TO_AIR * gains;
        self.season(summer).after(before, (outdoor, to_air, pumped + compute + gains - to_air))
    }

    /// The rooms a slot later, whose air was read then: the mass is corrected by what the air does otherwise than the model says.
    pub(super) fn observe(&self, before: Warmth, acted: &Acted, air: f64) -> Warmth {
        let model = self.after(before, acted);
        let explains = self.season(acted.summer).of_mass.air.max(1e-6);
        let gain = (CORRECTED / explains).clamp(GAIN[0], GAIN[1]);
        held(Warmth { air, mass: model.mass + gain * (air - model.air) })
    }

    /// The rooms at the beginning of `slot`; `None` where they were not read lately.
    pub(super) fn before(&self, days: &Days, slot: Slot, peak: f64) -> Option<Warmth> {
        let mut seen: Option<(Slot, Warmth)> = None;
        for slot in (slot.0 - OBSERVED..slot.0).map(Slot) {
            let before = seen.filter(|(last, _)| slot.0 - last.0 <= GAP_MAX).map(|(_, warmth)| warmth);
            let after = match (before, days.get(Column::Room, slot), Acted::of(days, slot, peak)) {
                (None, Some(air), _) => Some(Warmth { air, mass: air }),
                (Some(before), None, Some(acted)) => Some(held(self.after(before, &acted))),
                (Some(before), Some(air), Some(acted)) => Some(self.observe(before, &acted, air)),
                // It follows the air, as far as the coupling lets it.
                (Some(before), Some(air), None) => {
                    Some(held(Warmth { air, mass: before.mass + self.winter.of_air.mass * (air - before.mass) }))
                }
                (None, None, _) | (Some(_), None, None) => None,
            };
            seen = after.map(|after| (slot, after)).or(seen);
        }
        seen.filter(|(last, _)| slot.0 - last.0 <= GAP_MAX).map(|(_, warmth)| warmth)
    }
}

/// Share of the gains that warms the air, as in ISO 13790.
const GAINS_TO_AIR: f64 = 0.5;

fn held(warmth: Warmth) -> Warmth {
    Warmth { mass: warmth.mass.clamp(warmth.air - APART_MAX, warmth.air + APART_MAX), ..warmth }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_site::site;

    /// A day in which the heat pump comes and goes, with a mass that nobody reads; returns it and what was seen.
    fn day(model: &Model, read: impl Fn(i64) -> bool) -> (Days, Warmth) {
        let mut truth = Warmth { air: 20.5, mass: 22.5 };
        let mut days = Days::default();
        for slot in 0..OBSERVED {
            let heat = if slot % 24 < 8 { 5.0 } else { 0.0 };
            let values = [
                (Column::Outdoor, Some(2.0)),
                (Column::Pumped, Some(heat)),
                (Column::ComputeHeat, Some(0.5)),
                (Column::Load, Some(0.4)),
                (Column::Sun, Some(0.0)),
            ];
            days.remember(Slot(slot), &values);
            truth = model.after(truth, &Acted::of(&days, Slot(slot), 0.0).unwrap());
            days.remember(Slot(slot), &[(Column::Room, Some(truth.air).filter(|_| read(slot)))]);
        }
        (days, truth)
    }

    #[test]
    fn the_mass_is_found_by_what_the_air_does() {
        let model = Model::of(&room::estimated(&site()), 1.0);
        let (days, truth) = day(&model, |_| true);
        let seen = model.before(&days, Slot(OBSERVED), 0.0).unwrap();
        assert!((seen.mass - truth.mass).abs() < 0.01, "{seen:?} {truth:?}");
        // A thermometer that is silent now and then, and one that has been silent too long.
        let (days, truth) = day(&model, |slot| slot % 7 > 2);
        let seen = model.before(&days, Slot(OBSERVED), 0.0).unwrap();
        assert!((seen.mass - truth.mass).abs() < 0.02, "{seen:?} {truth:?}");
        assert_eq!(model.before(&days, Slot(OBSERVED + 2 * GAP_MAX), 0.0), None);
    }

    #[test]
    fn a_wrong_building_does_not_carry_the_mass_away() {
        let right = room::estimated(&site());
        let wrong = Fabric { mass_kwh_per_k: 3.0 * right.mass_kwh_per_k, envelope_kw_per_k: 0.0, ..right };
        let (days, truth) = day(&Model::of(&right, 1.0), |_| true);
        let seen = Model::of(&wrong, 1.0).before(&days, Slot(OBSERVED), 0.0).unwrap();
        assert!((seen.mass - truth.mass).abs() < 1.0, "{seen:?} {truth:?}");
    }
}
