//! The building as its own history shows it: losses, gains, mass and the heat pump's COP, where nobody has measured them.
//!
//! Gauss and Newton's method with a guess (Levenberg's damping is the guess itself): the factors by which the estimate is off are those
//! under which the model, left alone for a day, comes nearest to the air that was read. The guess is the estimate by living area, with the
//! widths in which such estimates lie; what the history does not show stays as it is. Compute's heat and that of the household are known
//! by themselves, so that a heat pump which gives more than its formula says is not taken for a building that loses less.

use super::days::{Column, Days, QUARTERS};
use super::rooms::{Acted, Model};
use crate::house::room::Warmth;
use crate::site::building::Fabric;
use crate::time::Slot;

/// Numbers that are fitted, each as the logarithm of its factor.
const N: usize = 9;
/// Their widths: losses, airing in summer, gains of people, of the sun, shades, mass, air, coupling, COP.
const WIDTHS: [f64; N] = [0.35, 0.6, 0.4, 0.4, 0.5, 0.4, 0.3, 0.3, 0.12];
/// The last days are all looked at, and of those before them each eighth: the winter is not forgotten in summer.
const RECENT: i64 = 40;
const SELDOM: i64 = 8;
/// Days that are looked at; so many there are before anything is fitted.
const DAYS_MAX: usize = 90;
const DAYS_MIN: usize = 3;
/// The air is compared every so many slots.
const COMPARED: usize = 4;
/// One standard deviation of the model's error after hours, K; a day's values are not independent of each other.
const ERROR: f64 = 1.0;
/// What is farther off counts less: a window stood open.
const ERROR_MAX: f64 = 2.0;
/// Steps that are made, and the most that a step changes.
const STEPS: usize = 4;
const STEP_MAX: f64 = 0.5;
/// By how much a number is changed to see what it does.
const NUDGE: f64 = 0.02;

/// A building, and how sure it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fitted {
    /// The building.
    pub fabric: Fabric,
    /// What a kilowatt of heat by the COP's formula really is.
    pub cop_scale: f64,
    /// One relative standard deviation of its losses.
    pub loss_deviation: f64,
    /// The same of its mass.
    pub mass_deviation: f64,
    /// The same of the COP.
    pub cop_deviation: f64,
    /// Days that it was fitted to.
    pub days: usize,
}

impl Fitted {
    /// A building that the owner states.
    pub(super) fn stated(fabric: Fabric) -> Self {
        Self { fabric, cop_scale: 1.0, loss_deviation: 0.0, mass_deviation: 0.0, cop_deviation: 0.0, days: 0 }
    }

    /// A building that nobody has measured, before its history says anything.
    pub(super) fn estimated(fabric: Fabric) -> Self {
        let [loss_deviation, mass_deviation, cop_deviation] = [0, 5, 8].map(|place: usize| WIDTHS[place]);
        Self { loss_deviation, mass_deviation, cop_deviation, ..Self::stated(fabric) }
    }

    /// What the days before `day` show, beginning at the estimate `guess`.
    pub(super) fn of(days: &Days, day: i64, peak: f64, guess: &Fabric) -> Self {
        let windows = windows(days, day, peak);
        let mut factors = [0.0; N];
        let mut certainty = prior();
        if windows.len() >= DAYS_MIN {
            for _ in 0..STEPS {
                let (normal, gradient) = normal(&windows, guess, &factors);
                let inverse = inverse(normal);
                for (factor, row) in factors.iter_mut().zip(&inverse) {
                    let step: f64 = row.iter().zip(&gradient).map(|(value, slope)| value * slope).sum();
                    *factor += step.clamp(-STEP_MAX, STEP_MAX);
                }
                certainty = inverse;
            }
        }
        let (fabric, cop_scale) = building(guess, &factors);
        let deviation = |place: usize| certainty[place][place].max(0.0).sqrt();
        Self {
            fabric,
            cop_scale,
            loss_deviation: deviation(0),
            mass_deviation: deviation(5),
            cop_deviation: deviation(8),
            days: windows.len(),
        }
    }

    /// The model of it.
    pub(super) fn model(&self) -> Model {
        Model::of(&self.fabric, self.cop_scale)
    }
}

/// The building by its factors, and its COP.
fn building(guess: &Fabric, factors: &[f64; N]) -> (Fabric, f64) {
    let [losses, airing, people, sun, shades, mass, air, coupling, cop] = factors.map(f64::exp);
    let fabric = Fabric {
        air_kwh_per_k: guess.air_kwh_per_k * air,
        mass_kwh_per_k: guess.mass_kwh_per_k * mass,
        coupling_kw_per_k: guess.coupling_kw_per_k * coupling,
        envelope_kw_per_k: guess.envelope_kw_per_k * losses,
        ventilation_winter_kw_per_k: guess.ventilation_winter_kw_per_k * losses,
        ventilation_summer_kw_per_k: guess.ventilation_summer_kw_per_k * airing,
        gain_kw: guess.gain_kw * people,
        gain_of_sun_m2: guess.gain_of_sun_m2 * sun,
        summer_shade: (guess.summer_shade * shades).min(1.0),
        ..*guess
    };
    (fabric, cop)
}

/// A day of the rooms: one in which the model follows what was read, and one in which it is left alone.
struct Window {
    follows: Vec<(Acted, f64)>,
    alone: Vec<(Acted, f64)>,
}

/// The days that are learnt from, each known without a gap, the newest first.
fn windows(days: &Days, day: i64, peak: f64) -> Vec<Window> {
    let Some((first, _)) = days.span() else { return Vec::new() };
    let known = |day: i64| -> Option<Vec<(Acted, f64)>> {
        let slots = (day * QUARTERS..(day + 1) * QUARTERS).map(Slot);
        slots.map(|slot| Some((Acted::of(days, slot, peak)?, days.get(Column::Room, slot)?))).collect()
    };
    let looked_at = |age: &i64| *age <= RECENT || age % SELDOM == 0;
    let window = |age| Some(Window { follows: known(day - age - 1)?, alone: known(day - age)? });
    (1..day - first).filter(looked_at).filter_map(window).take(DAYS_MAX).collect()
}

/// The air that the model makes of the windows less what was read, K.
fn errors(windows: &[Window], model: &Model) -> Vec<f64> {
    let mut errors = Vec::with_capacity(windows.len() * QUARTERS as usize / COMPARED);
    for Window { follows, alone } in windows {
        let air = follows.first().map_or(0.0, |(_, air)| *air);
        let mut rooms = Warmth { air, mass: air };
        for (acted, air) in follows {
            rooms = model.observe(rooms, acted, *air);
        }
        for (slot, (acted, air)) in alone.iter().enumerate() {
            rooms = model.after(rooms, acted);
            if (slot + 1) % COMPARED == 0 {
                errors.push(rooms.air - air);
            }
        }
    }
    errors
}

/// The normal equations at `factors`: their matrix, and what is to be brought to zero.
fn normal(windows: &[Window], guess: &Fabric, factors: &[f64; N]) -> ([[f64; N]; N], [f64; N]) {
    let errors_at = |factors: &[f64; N]| {
        let (fabric, cop) = building(guess, factors);
        errors(windows, &Model::of(&fabric, cop))
    };
    let errors = errors_at(factors);
    let slopes: Vec<Vec<f64>> = (0..N)
        .map(|place| {
            let mut nudged = *factors;
            nudged[place] += NUDGE;
            errors_at(&nudged).iter().zip(&errors).map(|(there, here)| (there - here) / NUDGE).collect()
        })
        .collect();
    let weights: Vec<f64> =
        errors.iter().map(|error| (ERROR_MAX / error.abs().max(ERROR_MAX)) / (ERROR * ERROR)).collect();
    let mut matrix = [[0.0; N]; N];
    let mut right = [0.0; N];
    for row in 0..N {
        for column in 0..N {
            let products = slopes[row].iter().zip(&slopes[column]).zip(&weights);
            matrix[row][column] = products.map(|((left, right), weight)| left * right * weight).sum();
        }
        matrix[row][row] += 1.0 / (WIDTHS[row] * WIDTHS[row]);
        let slope: f64 =
            slopes[row].iter().zip(&errors).zip(&weights).map(|((slope, error), weight)| slope * error * weight).sum();
        right[row] = -slope - factors[row] / (WIDTHS[row] * WIDTHS[row]);
    }
    (matrix, right)
}

/// The variances before anything is seen.
fn prior() -> [[f64; N]; N] {
    let mut variances = [[0.0; N]; N];
    for (place, width) in WIDTHS.iter().enumerate() {
        variances[place][place] = width * width;
    }
    variances
}

/// The inverse of a symmetric positive matrix, by Gauss and Jordan.
fn inverse(mut matrix: [[f64; N]; N]) -> [[f64; N]; N] {
    let mut inverse = [[0.0; N]; N];
    for (place, row) in inverse.iter_mut().enumerate() {
        row[place] = 1.0;
    }
    for pivot in 0..N {
        let factor = 1.0 / matrix[pivot][pivot];
        matrix[pivot] = matrix[pivot].map(|value| value * factor);
        inverse[pivot] = inverse[pivot].map(|value| value * factor);
        let (of_matrix, of_inverse) = (matrix[pivot], inverse[pivot]);
        for other in (0..N).filter(|other| *other != pivot) {
            let factor = matrix[other][pivot];
            for column in 0..N {
                matrix[other][column] -= factor * of_matrix[column];
                inverse[other][column] -= factor * of_inverse[column];
            }
        }
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house::room::{self, loss};
    use crate::test_site::site;

    /// Thirty winter days of `truth` whose heat pump gives `cop` of its formula, held by a thermostat, with compute at noon.
    fn winter(truth: &Fabric, cop: f64) -> Days {
        let model = Model::of(truth, cop);
        let mut rooms = Warmth { air: 20.5, mass: 20.5 };
        let mut days = Days::default();
        for slot in 0..31 * QUARTERS {
            let (day, hour) = (slot / QUARTERS, (slot % QUARTERS) as f64 / 4.0);
            let outdoor = 4.0 + 4.0 * (0.7 * day as f64).sin() - 3.0 * ((hour - 3.0) / 3.8).cos();
            let sun = (300.0 * ((hour - 12.0) / 3.0).cos()).max(0.0) * if day % 3 == 0 { 1.0 } else { 0.2 };
            let sun = if (8.0..16.0).contains(&hour) { sun } else { 0.0 };
            let setpoint = if (6.0..22.0).contains(&hour) { 21.0 } else { 20.0 };
            let values = [
                (Column::Outdoor, Some(outdoor)),
                (Column::Pumped, Some((4.0 + 4.0 * (setpoint - rooms.air)).clamp(0.0, 9.0))),
                (Column::ComputeHeat, Some(if hour > 11.0 && hour < 14.0 && day % 2 == 0 { 3.0 } else { 0.0 })),
                (Column::Load, Some(0.4)),
                (Column::Sun, Some(sun)),
            ];
            days.remember(Slot(slot), &values);
            rooms = model.after(rooms, &Acted::of(&days, Slot(slot), 0.0).unwrap());
            days.remember(Slot(slot), &[(Column::Room, Some((rooms.air * 10.0).round() / 10.0))]);
        }
        days
    }

    #[test]
    fn a_month_of_winter_shows_what_the_building_loses() {
        let guess = room::estimated(&site());
        let truth = Fabric {
            envelope_kw_per_k: 1.5 * guess.envelope_kw_per_k,
            mass_kwh_per_k: 0.7 * guess.mass_kwh_per_k,
            gain_of_sun_m2: 0.7 * guess.gain_of_sun_m2,
            ..guess
        };
        let fitted = Fitted::of(&winter(&truth, 0.9), 31, 0.0, &guess);
        let off = |seen: f64, truth: f64| (seen / truth - 1.0).abs();
        assert!(off(loss(&fitted.fabric), loss(&truth)) < 0.1, "{fitted:?} {}", loss(&truth));
        assert!(off(fitted.fabric.mass_kwh_per_k, truth.mass_kwh_per_k) < 0.15, "{fitted:?}");
        assert!(off(fitted.cop_scale, 0.9) < 0.07, "{fitted:?}");
        assert!(fitted.loss_deviation < 0.15 && fitted.days == 30, "{fitted:?}");
    }

    #[test]
    fn what_nothing_shows_stays_the_estimate() {
        let guess = room::estimated(&site());
        let fitted = Fitted::of(&Days::default(), 31, 0.0, &guess);
        assert_eq!((fitted.fabric, fitted.cop_scale, fitted.days), (guess, 1.0, 0));
        assert!((fitted.loss_deviation - 0.35).abs() < 1e-12);
    }
}
