//! Physical quantities and money as types, so that watts are never added to euros.
//!
//! Sign: power flowing onto the house bus is positive for sources (grid import +, export -; PV +; battery discharge +,
//! charge -). Consumers are positive as consumption.

mod currency;

pub use currency::Currency;

use serde::{Deserialize, Serialize};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub, SubAssign};
use std::time::Duration;

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident, $symbol:literal, $decimals:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub f64);

        impl $name {
            /// Nothing of it.
            pub const ZERO: Self = Self(0.0);

            /// The smaller of the two.
            pub fn min(self, other: Self) -> Self { Self(self.0.min(other.0)) }
            /// The larger of the two.
            pub fn max(self, other: Self) -> Self { Self(self.0.max(other.0)) }
            /// The value held between `low` and `high`; `low` wins where they cross.
            pub fn between(self, low: Self, high: Self) -> Self { Self(self.0.min(high.0).max(low.0)) }
            /// The part above zero.
            pub fn positive(self) -> Self { Self(self.0.max(0.0)) }
            /// The magnitude.
            pub fn abs(self) -> Self { Self(self.0.abs()) }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let decimals = f.precision().unwrap_or($decimals);
                // A rounded-away minus sign ("-0 W") says nothing.
                let value = if self.0.abs() < 0.5 * 10f64.powi(-(decimals as i32)) { 0.0 } else { self.0 };
                write!(f, "{:.*} {}", decimals, value, $symbol)
            }
        }
        impl Add for $name { type Output = Self; fn add(self, other: Self) -> Self { Self(self.0 + other.0) } }
        impl Sub for $name { type Output = Self; fn sub(self, other: Self) -> Self { Self(self.0 - other.0) } }
        impl AddAssign for $name { fn add_assign(&mut self, other: Self) { self.0 += other.0 } }
        impl SubAssign for $name { fn sub_assign(&mut self, other: Self) { self.0 -= other.0 } }
        impl Neg for $name { type Output = Self; fn neg(self) -> Self { Self(-self.0) } }
        impl Mul<f64> for $name { type Output = Self; fn mul(self, factor: f64) -> Self { Self(self.0 * factor) } }
        impl Div<f64> for $name { type Output = Self; fn div(self, divisor: f64) -> Self { Self(self.0 / divisor) } }
        impl Div for $name { type Output = f64; fn div(self, other: Self) -> f64 { self.0 / other.0 } }
        impl Sum for $name { fn sum<I: Iterator<Item = Self>>(iter: I) -> Self { iter.fold(Self::ZERO, Add::add) } }
    };
}

unit!(/// Power in watts.
    Watts, "W", 0);
unit!(/// Energy in kilowatt-hours.
    KilowattHours, "kWh", 3);
unit!(/// Temperature in degrees Celsius.
    Celsius, "°C", 1);
unit!(/// A difference of temperatures in kelvins.
    Kelvins, "K", 1);
unit!(/// A share in percent, 0 to 100.
    Percent, "%", 0);
unit!(/// Money in euros.
    Eur, "EUR", 4);
unit!(/// A price in euros per kilowatt-hour.
    EurPerKwh, "EUR/kWh", 3);

impl Watts {
    /// The energy this power moves in `duration`.
    pub fn over(self, duration: Duration) -> KilowattHours {
        KilowattHours(self.0 * duration.as_secs_f64() / 3.6e6)
    }
}

impl KilowattHours {
    /// The mean power that moves this energy in `duration`; zero for no time at all.
    pub fn mean_over(self, duration: Duration) -> Watts {
        let seconds = duration.as_secs_f64();
        if seconds > 0.0 { Watts(self.0 * 3.6e6 / seconds) } else { Watts::ZERO }
    }

    /// Energy from joules.
    pub fn from_joules(joules: f64) -> Self {
        Self(joules / 3.6e6)
    }
}

impl Mul<EurPerKwh> for KilowattHours {
    type Output = Eur;
    fn mul(self, price: EurPerKwh) -> Eur {
        Eur(self.0 * price.0)
    }
}

impl Div<KilowattHours> for Eur {
    type Output = EurPerKwh;
    fn div(self, energy: KilowattHours) -> EurPerKwh {
        EurPerKwh(self.0 / energy.0)
    }
}
