//! Numbers in registers: types, word orders, and the markers that mean "no value".

use crate::error::Error;
use serde::{Deserialize, Serialize};

/// Types of numbers on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Number {
    /// Signed, 16 bits.
    I16,
    /// Unsigned, 16 bits.
    U16,
    /// Signed, 32 bits.
    I32,
    /// Unsigned, 32 bits.
    U32,
    /// Signed, 64 bits.
    I64,
    /// Unsigned, 64 bits.
    U64,
    /// Floating, 32 bits.
    F32,
    /// Floating, 64 bits.
    F64,
}

/// Which word of a long number stands first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum WordOrder {
    /// High word first, as SunSpec and most makers have it.
    #[default]
    #[serde(rename = "high_first")]
    HighFirst,
    /// Low word first.
    #[serde(rename = "low_first")]
    LowFirst,
}

impl Number {
    /// Registers it takes.
    pub fn registers(self) -> u16 {
        match self {
            Number::I16 | Number::U16 => 1,
            Number::I32 | Number::U32 | Number::F32 => 2,
            Number::I64 | Number::U64 | Number::F64 => 4,
        }
    }
}

/// The raw number in `words`; `None` for a floating number that is none (NaN, infinite, or the -3.4e38 that some devices
/// send instead) and for a wrong count of words.
pub(crate) fn decode(number: Number, order: WordOrder, words: &[u16]) -> Option<f64> {
    if words.len() != usize::from(number.registers()) {
        return None;
    }
    let bits = join(order, words);
    let value = match number {
        Number::I16 => f64::from(bits as u16 as i16),
        Number::U16 => f64::from(bits as u16),
        Number::I32 => f64::from(bits as u32 as i32),
        Number::U32 => f64::from(bits as u32),
        Number::I64 => bits as i64 as f64,
        Number::U64 => bits as f64,
        Number::F32 => f64::from(f32::from_bits(bits as u32)),
        Number::F64 => f64::from_bits(bits),
    };
    (value.is_finite() && value.abs() < 3.3e38).then_some(value)
}

/// The bits of the number in `words`, high word first.
pub(crate) fn join(order: WordOrder, words: &[u16]) -> u64 {
    let fold = |bits: u64, word: &u16| bits << 16 | u64::from(*word);
    match order {
        WordOrder::HighFirst => words.iter().fold(0, fold),
        WordOrder::LowFirst => words.iter().rev().fold(0, fold),
    }
}

/// The words of `value`, rounded to the type.
///
/// # Errors
/// The value does not fit into the type, or is no number.
pub(crate) fn encode(number: Number, order: WordOrder, value: f64) -> Result<Vec<u16>, Error> {
    let rounded = value.round();
    let (low, high) = match number {
        Number::I16 => (f64::from(i16::MIN), f64::from(i16::MAX)),
        Number::U16 => (0.0, f64::from(u16::MAX)),
        Number::I32 => (f64::from(i32::MIN), f64::from(i32::MAX)),
        Number::U32 => (0.0, f64::from(u32::MAX)),
        Number::I64 => (-9.0e18, 9.0e18),
        Number::U64 => (0.0, 1.8e19),
        Number::F32 => (f64::from(f32::MIN), f64::from(f32::MAX)),
        Number::F64 => (f64::MIN, f64::MAX),
    };
    if !(low..=high).contains(&rounded) {
        return Err(Error::DoesNotFit { value, number: format!("{number:?}") });
    }
    let bits = match number {
        Number::I16 => u64::from(rounded as i16 as u16),
        Number::U16 => u64::from(rounded as u16),
        Number::I32 => u64::from(rounded as i32 as u32),
        Number::U32 => u64::from(rounded as u32),
        Number::I64 => rounded as i64 as u64,
        Number::U64 => rounded as u64,
        Number::F32 => u64::from((value as f32).to_bits()),
        Number::F64 => value.to_bits(),
    };
    let mut words: Vec<u16> = (0..number.registers()).rev().map(|place| (bits >> (16 * place)) as u16).collect();
    if order == WordOrder::LowFirst {
        words.reverse();
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_stand_in_registers_as_makers_write_them() {
        let cases = [
            (Number::I16, WordOrder::HighFirst, vec![0xFED4], Some(-300.0)),
            (Number::U32, WordOrder::HighFirst, vec![1, 2], Some(65538.0)),
            (Number::I32, WordOrder::LowFirst, vec![0xFFFE, 0xFFFF], Some(-2.0)),
            (Number::F32, WordOrder::HighFirst, vec![0x4248, 0], Some(50.0)),
            (Number::F32, WordOrder::LowFirst, vec![0, 0x4248], Some(50.0)),
            (Number::F32, WordOrder::HighFirst, vec![0x7FC0, 0], None),
            (Number::F32, WordOrder::HighFirst, vec![0xFF7F, 0xFFFF], None),
            (Number::U32, WordOrder::HighFirst, vec![1], None),
        ];
        for (number, order, words, expected) in cases {
            assert_eq!(decode(number, order, &words), expected, "{number:?} {words:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(value in -30000i32..30000, low_first: bool) {
            let order = if low_first { WordOrder::LowFirst } else { WordOrder::HighFirst };
            for number in [Number::I16, Number::I32, Number::I64, Number::F32, Number::F64] {
                let words = encode(number, order, f64::from(value)).unwrap();
                prop_assert_eq!(decode(number, order, &words), Some(f64::from(value)));
            }
        }
    }

    #[test]
    fn a_value_that_does_not_fit_is_refused() {
        assert!(encode(Number::U16, WordOrder::HighFirst, -1.0).is_err());
        assert!(encode(Number::I16, WordOrder::HighFirst, 40000.0).is_err());
        assert!(encode(Number::U16, WordOrder::HighFirst, f64::NAN).is_err());
    }
}
