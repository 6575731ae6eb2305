//! Sun, clouds and outdoor temperature: pure functions of seed and time.
//!
//! Sun position after Spencer (declination and equation of time); air mass after Kasten and Young; direct
//! radiation after Meinel (1353 W/m2 * 0.7^(AM^0.678)).

use super::noise::{Stream, smooth, uniform};
use super::place::{Place, season, seconds};
use plant::time::Timestamp;
use plant::units::Celsius;
use std::f64::consts::TAU;

/// The kind of days the house lives through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sky {
    /// Every day is fair: a few passing clouds, cold nights.
    #[default]
    Sunny,
    /// Fair, mixed and grey days as the seed throws them.
    Changeable,
}

/// The weather over a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weather {
    /// Where.
    pub place: Place,
    /// What kind of days.
    pub sky: Sky,
    /// Of the clouds; the same seed gives the same days.
    pub seed: u64,
}

/// The weather at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conditions {
    /// Air temperature.
    pub outdoor: Celsius,
    /// Sun on the roof's plane in W/m2.
    pub on_roof: f64,
    /// Sun on the ground in W/m2.
    pub on_ground: f64,
    /// Share of the sky covered, 0 to 1.
    pub cover: f64,
}

impl Weather {
    /// The weather at `at`.
    pub fn at(&self, at: Timestamp) -> Conditions {
        let cover = self.cover(at);
        let sun = Sun::over(&self.place, at);
        // A cloud takes the direct light and gives back part of it as diffuse light.
        let direct = sun.direct * (1.0 - cover).powf(1.5);
        let diffuse = 0.12 * sun.direct * sun.height * (1.0 + 1.6 * cover * (1.0 - 0.7 * cover));
        let seen = (1.0 + self.place.tilt.to_radians().cos()) / 2.0;
        Conditions {
            outdoor: self.outdoor(at),
            on_roof: direct * sun.on_roof + diffuse * seen,
            on_ground: direct * sun.height + diffuse,
            cover,
        }
    }

    /// How grey a local day is on the whole, 0 to 1.
    pub fn greyness(&self, day_number: i64) -> f64 {
        let draw = uniform(self.seed, Stream::Day, day_number);
        match self.sky {
            Sky::Sunny => 0.02 + 0.08 * draw,
            Sky::Changeable if draw < 0.45 => 0.03 + 0.2 * draw,
            Sky::Changeable if draw < 0.75 => 0.35,
            Sky::Changeable => 0.85,
        }
    }

    fn cover(&self, at: Timestamp) -> f64 {
        let t = seconds(at);
        // Days melt into each other, else the sky would snap at midnight.
        let day = (t + self.place.longitude * 240.0) / 86_400.0;
        let share = ((day.fract() - 0.9) * 10.0).clamp(0.0, 1.0);
        let number = self.place.day_number(at);
        let grey = self.greyness(number) * (1.0 - share) + self.greyness(number + 1) * share;
        let slow = smooth(self.seed, Stream::Cloud, t, 3_600.0);
        let quick = smooth(self.seed, Stream::Cloud, t + 1e9, 420.0);
        let passing = (slow * 0.6 + quick * 0.4 - 0.55).max(0.0) * 2.0;
        (grey * (0.7 + 0.6 * slow) + passing * (0.15 + 2.0 * grey * (1.0 - grey))).clamp(0.0, 1.0)
    }

    /// The season's mean, the day's departure from it, and the swing from before sunrise to mid-afternoon, which is wide
    /// under a clear sky.
    fn outdoor(&self, at: Timestamp) -> Celsius {
        let mean = 10.0 - 10.5 * ((season(at) - 0.055) * TAU).cos();
        let departure = (smooth(self.seed, Stream::Warmth, seconds(at), 2.5 * 86_400.0) - 0.5) * 5.0;
        let solar_hour = (seconds(at) / 3600.0 + self.place.longitude / 15.0).rem_euclid(24.0);
        let swing = 6.5 - 4.0 * self.greyness(self.place.day_number(at));
        Celsius(mean + departure + swing * daily(solar_hour))
    }
}

/// The daily course of temperature, -1 at five in the morning and +1 at three in the afternoon.
fn daily(solar_hour: f64) -> f64 {
    let since = (solar_hour - 5.0).rem_euclid(24.0);
    let half = if since < 10.0 { since / 10.0 } else { 1.0 + (since - 10.0) / 14.0 };
    -(half * std::f64::consts::PI).cos()
}

/// Where the sun stands and what it would give through clear air.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sun {
    /// Sine of its elevation, zero at night.
    height: f64,
    /// Cosine of its angle to the roof's normal, zero from behind.
    on_roof: f64,
    /// Direct radiation on a plane facing it, W/m2.
    direct: f64,
}

impl Sun {
    fn over(place: &Place, at: Timestamp) -> Sun {
        let year = season(at) * TAU;
        let declination = 0.006_918 - 0.399_912 * year.cos() + 0.070_257 * year.sin() - 0.006_758 * (2.0 * year).cos()
            + 0.000_907 * (2.0 * year).sin()
            - 0.002_697 * (3.0 * year).cos()
            + 0.001_48 * (3.0 * year).sin();
        let equation = 229.18
            * (0.000_075 + 0.001_868 * year.cos()
                - 0.032_077 * year.sin()
                - 0.014_615 * (2.0 * year).cos()
                - 0.040_849 * (2.0 * year).sin());
        let minutes = seconds(at) / 60.0 + 4.0 * place.longitude + equation;
        let hour_angle = (minutes.rem_euclid(1440.0) / 1440.0 - 0.5) * TAU;
        let elevation =
            |latitude: f64| declination.sin() * latitude.sin() + declination.cos() * latitude.cos() * hour_angle.cos();
        let height = elevation(place.latitude.to_radians()).max(0.0);
        // A roof tilted to the south sees the sun as flat ground further south does.
        let on_roof = elevation((place.latitude - place.tilt).to_radians()).max(0.0);
        if height <= 0.0 {
            return Sun { height: 0.0, on_roof: 0.0, direct: 0.0 };
        }
        let degrees = height.asin().to_degrees();
        let air_mass = 1.0 / (height + 0.505_72 * (degrees + 6.079_95).powf(-1.6364));
        Sun { height, on_roof, direct: 1353.0 * 0.7f64.powf(air_mass.powf(0.678)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Duration, TimeZone, Utc};

    fn weather(sky: Sky) -> Weather {
        Weather { place: Place::default(), sky, seed: 1 }
    }

    fn at(month: u32, day: u32, hour: u32) -> Timestamp {
        Utc.with_ymd_and_hms(2026, month, day, hour, 0, 0).unwrap()
    }

    #[test]
    fn the_sun_stands_where_the_almanac_says() {
        // Vienna: culmination at solstices and equinox, 90 - latitude +/- 23.44 degrees; solar noon near 11:00 UTC.
        for (month, day, expected) in [(6, 21, 65.2), (12, 21, 18.4), (3, 20, 41.6)] {
            let noon = (0..120)
                .map(|minute| {
                    Sun::over(&Place::default(), at(month, day, 10) + Duration::minutes(minute))
                        .height
                        .asin()
                        .to_degrees()
                })
                .fold(0.0, f64::max);
            assert!((noon - expected).abs() < 0.6, "{month}-{day}: {noon} degrees");
        }
        let up = (0..1440)
            .filter(|minute| Sun::over(&Place::default(), at(6, 21, 0) + Duration::minutes(*minute)).height > 0.0)
            .count();
        assert!((930..=975).contains(&up), "midsummer day of {up} minutes");
    }

    #[test]
    fn nights_are_dark_and_cold_and_noons_bright() {
        let weather = weather(Sky::Sunny);
        for day in 1..28 {
            assert_eq!(weather.at(at(4, day, 0)).on_roof, 0.0);
            let noon = weather.at(at(4, day, 11));
            assert!((500.0..1150.0).contains(&noon.on_roof), "day {day}: {noon:?}");
            let swing = weather.at(at(4, day, 14)).outdoor.0 - weather.at(at(4, day, 4)).outdoor.0;
            assert!((8.0..16.0).contains(&swing), "day {day}: swing {swing}");
        }
    }

    #[test]
    fn a_year_of_changeable_sky_has_grey_days_and_bears_a_central_european_yield() {
        let weather = weather(Sky::Changeable);
        let mut yearly = 0.0;
        let mut daily: Vec<f64> = Vec::new();
        for day in 0..365 {
            let sum: f64 = (0..96)
                .map(|slot| {
                    weather.at(at(1, 1, 0) + Duration::days(day) + Duration::minutes(15 * slot)).on_roof * 0.25e-3
                })
                .sum();
            yearly += sum;
            daily.push(sum);
        }
        assert!((1000.0..1750.0).contains(&yearly), "{yearly} kWh/m2 a year");
        assert!(daily.iter().any(|day| *day < 1.0) && daily.iter().any(|day| *day > 6.5));
    }
}
