//! How the sun of the last hours and days compares with what was expected of it.
//!
//! A *ratio* is the exponentially weighted mean of PV over that of its base, which is the weather service's forecast or what the roof
//! yields on a bright day. At night both means fade alike, so that the last ratio is kept and drawn slowly to that of the last days.

/// Numbers that a forecast is made of: five ratios, and one.
pub(super) const FEATURES: usize = 6;
/// Place of the ratio of the last hour.
pub(super) const LAST_HOUR: usize = 1;
/// Place of the ratio of the last ten days.
pub(super) const LAST_DAYS: usize = 4;
/// Time constants of the ratios in slots: half an hour, one hour, four, a day, ten days.
const FADES: [f64; FEATURES - 1] = [2.0, 4.0, 16.0, 96.0, 960.0];
/// Below this share of the roof's peak a mean says little, and the ratio of the last days counts.
const LITTLE: f64 = 0.005;
/// What the ratio of the last days begins at.
const AT_START: f64 = 0.5;

/// The means of PV and of its base.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Ratios {
    pv: [f64; FEATURES - 1],
    base: [f64; FEATURES - 1],
}

impl Ratios {
    /// The slot that passed had `pv` where `base` was expected, both as shares of the roof's peak.
    pub(super) fn pass(&mut self, pv: f64, base: f64, keep: &Keep) {
        for (place, keep) in keep.0.iter().enumerate() {
            self.pv[place] = keep * self.pv[place] + (1.0 - keep) * pv;
            self.base[place] = keep * self.base[place] + (1.0 - keep) * base;
        }
    }

    /// What a forecast is made of.
    pub(super) fn features(&self) -> [f64; FEATURES] {
        let days = (self.pv[LAST_DAYS] + LITTLE * AT_START) / (self.base[LAST_DAYS] + LITTLE);
        let mut features = [1.0; FEATURES];
        for (place, fade) in FADES.iter().enumerate() {
            let little = LITTLE * (4.0 / fade).min(1.0);
            features[place] = (self.pv[place] + little * days) / (self.base[place] + little);
        }
        features[LAST_DAYS] = days;
        features
    }
}

/// What a slot leaves of each mean.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keep([f64; FEATURES - 1]);

impl Default for Keep {
    fn default() -> Self {
        Self(FADES.map(|fade| (-1.0 / fade).exp()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_of_the_last_hour_follows_and_the_night_keeps_it() {
        let (mut ratios, keep) = (Ratios::default(), Keep::default());
        for _ in 0..20 {
            for quarter in 0..96 {
                let base = if (24..72).contains(&quarter) { 0.5 } else { 0.0 };
                ratios.pass(0.8 * base, base, &keep);
            }
        }
        let evening = ratios.features();
        assert!(evening.iter().take(5).all(|ratio| (ratio - 0.8).abs() < 0.02), "{evening:?}");
        for _ in 0..4 {
            ratios.pass(0.1, 0.5, &keep);
        }
        let dull = ratios.features();
        assert!(dull[LAST_HOUR] < 0.4 && dull[LAST_DAYS] > 0.7, "{dull:?}");
    }
}
