//! Randomness that repeats: every value is a pure function of a seed, a stream and an index.

/// The stream of one quantity, so that clouds and kettles do not rise together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    /// The kind of sky of a day.
    Day,
    /// Clouds passing.
    Cloud,
    /// Departure of a day's temperature from the season's.
    Warmth,
    /// Flicker of the household's base load.
    Flicker,
    /// Slow drift of the household's habits.
    Habit,
    /// Appliances switched on.
    Appliance,
    /// Hot-water draws.
    Draw,
    /// Wholesale prices.
    Price,
    /// How far forecasts are off.
    Error,
}

/// A number in `0..1`, the same for the same arguments.
pub(super) fn uniform(seed: u64, stream: Stream, index: i64) -> f64 {
    let mut z = seed ^ (stream as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = mix(z.wrapping_add(index as u64));
    // 53 bits are what a double holds exactly.
    (mix(z) >> 11) as f64 / (1u64 << 53) as f64
}

/// A smooth wave in `0..1` through one random number per `period` of `position`.
pub(super) fn smooth(seed: u64, stream: Stream, position: f64, period: f64) -> f64 {
    let x = position / period;
    let index = x.floor();
    let share = 0.5 - 0.5 * ((x - index) * std::f64::consts::PI).cos();
    let (before, after) = (uniform(seed, stream, index as i64), uniform(seed, stream, index as i64 + 1));
    before + (after - before) * share
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): numbers in a row become numbers at random.
pub fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fill_the_unit_interval_and_repeat() {
        let all: Vec<f64> = (0..10_000).map(|i| uniform(7, Stream::Cloud, i)).collect();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        assert!((mean - 0.5).abs() < 0.02, "mean {mean}");
        assert!(all.iter().all(|x| (0.0..1.0).contains(x)));
        assert_eq!(all[17], uniform(7, Stream::Cloud, 17));
        assert_ne!(all[17], uniform(8, Stream::Cloud, 17));
        assert_ne!(all[17], uniform(7, Stream::Day, 17));
    }

    #[test]
    fn the_wave_passes_through_its_nodes_without_jumps() {
        assert!((smooth(1, Stream::Habit, 3.0 * 60.0, 60.0) - uniform(1, Stream::Habit, 3)).abs() < 1e-12);
        for i in 0..1000 {
            let step = smooth(1, Stream::Habit, i as f64 + 1.0, 60.0) - smooth(1, Stream::Habit, i as f64, 60.0);
            assert!(step.abs() < 0.03, "jump of {step} at {i}");
        }
    }
}
