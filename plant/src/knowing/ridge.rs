//! A forecast's weights by ridge regression (Hoerl and Kennard, 1970): for each range of time ahead, the ratios that foretold the
//! PV of the last 75 days best, drawn to a guess where there is little to learn from.

use super::ratios::{FEATURES, LAST_DAYS, LAST_HOUR};

/// Ranges of time ahead, each on the same and on a later local day.
pub(super) const CLASSES: usize = 18;
/// Slots at which the ranges end.
const ENDS: [i64; CLASSES / 2 - 1] = [2, 4, 8, 12, 16, 24, 32, 96];
/// Spread before anything is learnt, as a share of what is expected.
const SPREAD: [f64; CLASSES / 2] = [0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.5, 0.55, 0.55];
/// What the guess counts, in squares of the roof's peak.
const RIDGE: f64 = 0.2;
/// So much has to have been expected before the spread that was seen counts, in squares of the roof's peak.
const SEEN_MIN: f64 = 0.05;
const SPREAD_RANGE: [f64; 2] = [0.05, 0.9];
/// No sky is brighter than this share of its base.
pub(super) const BRIGHTEST: f64 = 1.6;

/// The class of a slot `ahead` slots from now.
pub(super) fn class(ahead: i64, same_day: bool) -> usize {
    let range = ENDS.iter().filter(|end| ahead >= **end).count();
    if same_day { range } else { range + CLASSES / 2 }
}

/// The weights and the spread of each class.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Weights {
    weights: [[f64; FEATURES]; CLASSES],
    spread: [f64; CLASSES],
}

impl Default for Weights {
    fn default() -> Self {
        Self { weights: [guess(); CLASSES], spread: std::array::from_fn(|class| SPREAD[class % SPREAD.len()]) }
    }
}

fn guess() -> [f64; FEATURES] {
    let mut guess = [0.0; FEATURES];
    (guess[LAST_HOUR], guess[LAST_DAYS]) = (0.3, 0.7);
    guess
}

impl Weights {
    /// The share of the base that is expected in `class`, and its relative spread.
    pub(super) fn expect(&self, class: usize, features: &[f64; FEATURES]) -> (f64, f64) {
        (dot(&self.weights[class], features), self.spread[class])
    }
}

/// What a moment of the past saw of a class: sums over its slots, as shares of the roof's peak.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// Of the base's squares.
    pub base: f64,
    /// Of base times PV.
    pub both: f64,
    /// Of PV's squares.
    pub pv: f64,
}

/// A moment of the past: what was known, and what came.
pub(super) type Issue = ([f64; FEATURES], [Seen; CLASSES]);

/// The weights that would have foretold `issues` best.
pub(super) fn fit(issues: &[Issue]) -> Weights {
    let mut fitted = Weights::default();
    for class in 0..CLASSES {
        let mut squares = [[0.0; FEATURES]; FEATURES];
        let mut products = guess().map(|guess| RIDGE * guess);
        for (place, row) in squares.iter_mut().enumerate() {
            row[place] = RIDGE;
        }
        for (features, seen) in issues {
            let Seen { base, both, .. } = seen[class];
            if base <= 0.0 {
                continue;
            }
            for (row, (product, one)) in squares.iter_mut().zip(products.iter_mut().zip(features)) {
                *product += both * one;
                for (square, other) in row.iter_mut().zip(features) {
                    *square += base * one * other;
                }
            }
        }
        let weights = solved(squares, products);
        fitted.weights[class] = weights;
        if let Some(spread) = spread(issues, class, &weights) {
            fitted.spread[class] = spread;
        }
    }
    fitted
}

/// Root of the mean square error, as a share of what was expected; `None` where too little was.
fn spread(issues: &[Issue], class: usize, weights: &[f64; FEATURES]) -> Option<f64> {
    let (mut expected, mut error) = (0.0, 0.0);
    for (features, seen) in issues {
        let Seen { base, both, pv } = seen[class];
        let share = dot(weights, features).clamp(0.0, BRIGHTEST);
        expected += share * share * base;
        error += share * share * base - 2.0 * share * both + pv;
    }
    let [least, most] = SPREAD_RANGE;
    (expected > SEEN_MIN).then(|| (error.max(0.0) / expected).sqrt().clamp(least, most))
}

fn dot(left: &[f64; FEATURES], right: &[f64; FEATURES]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

/// The solution of a symmetric positive system, by elimination.
fn solved(mut rows: [[f64; FEATURES]; FEATURES], mut right: [f64; FEATURES]) -> [f64; FEATURES] {
    for pivot in 0..FEATURES {
        let (row, value) = (rows[pivot], right[pivot]);
        for below in pivot + 1..FEATURES {
            let factor = rows[below][pivot] / row[pivot];
            for (into, from) in rows[below].iter_mut().zip(row).skip(pivot) {
                *into -= factor * from;
            }
            right[below] -= factor * value;
        }
    }
    let mut solution = [0.0; FEATURES];
    for pivot in (0..FEATURES).rev() {
        let known: f64 = (pivot + 1..FEATURES).map(|place| rows[pivot][place] * solution[place]).sum();
        solution[pivot] = (right[pivot] - known) / rows[pivot][pivot];
    }
    solution
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_ahead_falls_into_ranges() {
        assert_eq!([0, 1, 2, 3, 4, 31, 32, 95, 96].map(|ahead| class(ahead, true)), [0, 0, 1, 1, 2, 6, 7, 7, 8]);
        assert_eq!(class(10, false), 12);
    }

    #[test]
    fn the_ratio_that_foretells_is_found() {
        // PV is what the ratio of the last hour says, the others are noise.
        let issue = |number: usize| {
            let hour = 0.5 + 0.1 * (number % 7) as f64;
            let noise = |factor: usize| 0.5 + 0.1 * (number * factor % 11) as f64;
            let features = [noise(3), hour, noise(5), noise(7), noise(2), 1.0];
            let seen = Seen { base: 0.25, both: 0.25 * hour, pv: 0.25 * hour * hour };
            (features, [seen; CLASSES])
        };
        let issues: Vec<Issue> = (0..2000).map(issue).collect();
        let fitted = fit(&issues);
        let (share, spread) = fitted.expect(3, &[0.9, 0.7, 0.6, 0.5, 0.8, 1.0]);
        assert!((share - 0.7).abs() < 0.01 && spread < 0.06, "{share} {spread}");
        // Nothing learnt: the guess.
        let (share, spread) = fit(&[]).expect(9, &[0.0, 0.5, 0.0, 0.0, 1.0, 1.0]);
        assert!((share - 0.85).abs() < 1e-12 && spread == 0.2);
    }
}
