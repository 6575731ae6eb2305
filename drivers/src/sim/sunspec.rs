//! SunSpec models as registers: an encoder of its own, so that it and the drivers' decoder check each other.
//!
//! Layouts after the SunSpec information models 1, 103, 120, 123, 124, 160 and 203 (big-endian, high word first). A value
//! that is not there is its type's sentinel.

/// Scale factors are powers of ten.
pub(super) type ScaleFactor = i16;

const NO_I16: u16 = 0x8000;
const NO_U16: u16 = 0xFFFF;

/// A model under construction.
pub(super) struct Model {
    registers: Vec<u16>,
    /// The device has no measurements at present.
    blind: bool,
}

impl Model {
    pub(super) fn new(blind: bool) -> Model {
        Model { registers: Vec::new(), blind }
    }

    /// A measured signed value: rounded to `sf`, and "not there" where it does not fit.
    pub(super) fn i16(&mut self, value: f64, sf: ScaleFactor) -> &mut Self {
        let raw = (value / 10f64.powi(i32::from(sf))).round();
        let fits = !self.blind && raw.abs() <= 32_767.0;
        self.raw(if fits { raw as i16 as u16 } else { NO_I16 })
    }

    /// A measured unsigned value.
    pub(super) fn u16(&mut self, value: f64, sf: ScaleFactor) -> &mut Self {
        let raw = (value / 10f64.powi(i32::from(sf))).round();
        let fits = !self.blind && (0.0..65_535.0).contains(&raw);
        self.raw(if fits { raw as u16 } else { NO_U16 })
    }

    /// A counter of 32 bits that rolls over; zero says that there is none.
    pub(super) fn acc32(&mut self, value: f64) -> &mut Self {
        let raw = if self.blind { 0 } else { value.max(0.0).round() as u64 as u32 };
        self.u32(raw)
    }

    pub(super) fn sf(&mut self, sf: ScaleFactor) -> &mut Self {
        self.raw(sf as u16)
    }

    /// Registers as they are: enumerations, bit fields, settings.
    pub(super) fn raw(&mut self, value: u16) -> &mut Self {
        self.registers.push(value);
        self
    }

    /// Two registers, high word first.
    pub(super) fn u32(&mut self, value: u32) -> &mut Self {
        self.raw((value >> 16) as u16).raw(value as u16)
    }

    /// `count` signed points that the device does not have.
    pub(super) fn none_i16(&mut self, count: usize) -> &mut Self {
        self.fill(NO_I16, count)
    }

    /// `count` unsigned points that the device does not have.
    pub(super) fn none_u16(&mut self, count: usize) -> &mut Self {
        self.fill(NO_U16, count)
    }

    /// `count` registers of counters that the device does not have, or of bit fields without a bit set.
    pub(super) fn zeros(&mut self, count: usize) -> &mut Self {
        self.fill(0, count)
    }

    /// ASCII, padded with NUL.
    pub(super) fn text(&mut self, text: &str, registers: usize) -> &mut Self {
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(registers * 2, 0);
        self.registers.extend(bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])));
        self
    }

    fn fill(&mut self, value: u16, count: usize) -> &mut Self {
        self.registers.resize(self.registers.len() + count, value);
        self
    }
}

/// A chain of models from "SunS" to the end marker.
pub(super) struct Chain {
    registers: Vec<u16>,
}

impl Chain {
    pub(super) fn new() -> Chain {
        Chain { registers: vec![0x5375, 0x6E53] }
    }

    /// Appends a model and returns the offset of its first point.
    pub(super) fn push(&mut self, id: u16, model: Model) -> u16 {
        self.registers.extend([id, model.registers.len() as u16]);
        let offset = self.registers.len() as u16;
        self.registers.extend(model.registers);
        offset
    }

    pub(super) fn finish(mut self) -> Vec<u16> {
        self.registers.extend([0xFFFF, 0]);
        self.registers
    }
}

/// The common model: who made the device and which one it is.
pub(super) fn common(product: &str, serial: &str, unit: u16) -> Model {
    let mut model = Model::new(false);
    model.text("Fronius", 16).text(product, 16).text("", 8).text("1.0.0-simulated", 8).text(serial, 16).raw(unit);
    model
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_scaled_and_impossible_ones_are_not_there() {
        let mut model = Model::new(false);
        model.i16(-12.34, -1).i16(40_000.0, 0).u16(250.0, 1).u16(-3.0, 0).acc32(65_537.4).text("abc", 2).sf(-2);
        assert_eq!(model.registers, [(-123i16) as u16, 0x8000, 25, 0xFFFF, 1, 1, 0x6162, 0x6300, (-2i16) as u16]);
        let mut blind = Model::new(true);
        blind.i16(1.0, 0).u16(1.0, 0).acc32(9.0).sf(-1);
        assert_eq!(blind.registers, [0x8000, 0xFFFF, 0, 0, 0xFFFF]);
    }
}
