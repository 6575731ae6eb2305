//! Chance that repeats: every number is a pure function of a seed, a stream and an index.

use drivers::sim::mix;

/// A number from 0 to 1, without its ends (SplitMix64; Steele, Lea, Flood 2014).
pub(crate) fn uniform(seed: u64, stream: u64, index: i64) -> f64 {
    let mixed = mix(seed ^ mix(stream.wrapping_add(1)));
    let number = mix(mixed.wrapping_add(index as u64));
    ((number >> 11) as f64 + 0.5) / (1u64 << 53) as f64
}

/// A number from a normal distribution of mean 0 and deviation 1 (Box, Muller 1958).
pub(crate) fn normal(seed: u64, stream: u64, index: i64) -> f64 {
    let (radius, angle) =
        (uniform(seed, stream, index.wrapping_mul(2)), uniform(seed, stream, index.wrapping_mul(2) + 1));
    (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_repeat_and_have_the_mean_and_spread_that_they_should() {
        let all: Vec<f64> = (0..20_000).map(|index| normal(3, 1, index)).collect();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        let spread = (all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / all.len() as f64).sqrt();
        assert!(mean.abs() < 0.03 && (spread - 1.0).abs() < 0.03, "{mean} {spread}");
        assert_eq!(all[7], normal(3, 1, 7));
        assert_ne!(all[7], normal(4, 1, 7));
        assert_ne!(all[7], normal(3, 2, 7));
    }
}
