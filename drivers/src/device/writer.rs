//! Settings on the wire: the writes of a control in their order, bounded, scaled, and read again where the definition asks.

use super::config::DeviceConfig;
use crate::definition::{self, ControlRow, Parameters, Write};
use crate::error::Error;
use crate::lease::Duty;
use crate::modbus::{At, Endpoint, Number, Timing, WordOrder, words};
use crate::mqtt::Link;
use crate::sunspec::model::{self, Kind};
use crate::sunspec::{self, Chain, Entry};
use plant::decision::Setting;
use std::time::Duration;

/// The writing side of a device.
#[derive(Debug)]
pub(super) struct Writer {
    parameters: Parameters,
    wire: Wire,
}

#[derive(Debug)]
enum Wire {
    Modbus { endpoint: Endpoint, unit: u8, timing: Timing, chain: Option<Chain> },
    Mqtt { link: Link, connected: bool },
}

impl Writer {
    pub(super) fn modbus(config: &DeviceConfig, parameters: Parameters) -> Self {
        let endpoint = Endpoint::open(&config.address);
        let wire = Wire::Modbus { endpoint, unit: config.unit(), timing: config.definition.timing, chain: None };
        Self { parameters, wire }
    }

    pub(super) fn mqtt(link: Link, parameters: Parameters) -> Self {
        Self { parameters, wire: Wire::Mqtt { link, connected: false } }
    }

    /// Notes whether the broker is there: a command that waited for it would come at the wrong time.
    pub(super) fn connected(&mut self, there: bool) {
        if let Wire::Mqtt { connected, .. } = &mut self.wire {
            *connected = there;
        }
    }

    /// Makes the writes of a duty. A safe value is a release, whoever wants it: a crash may have left the device taken.
    pub(super) async fn carry_out(&mut self, row: &ControlRow, duty: &Duty) -> Result<(), Error> {
        let setting = duty.setpoint.setting;
        if setting.is_safe() {
            return self.release(row, setting).await;
        }
        if !duty.renewal {
            for write in &row.before {
                self.one(row, &Write { when_changed: true, ..write.clone() }, setting).await?;
            }
        }
        self.value_writes(row, setting).await
    }

    /// Gives a control back. What `restore` says is written even where the device does not take the value.
    async fn release(&mut self, row: &ControlRow, setting: Setting) -> Result<(), Error> {
        if self.is_untaken(row, setting).await {
            return Ok(());
        }
        let taken = self.value_writes(row, setting).await;
        for write in &row.restore {
            self.one(row, write, setting).await?;
        }
        taken
    }

    /// Whether the device says that nobody took control of it: it does not hold what `before` writes first. Its owner's
    /// own settings are then left alone.
    async fn is_untaken(&mut self, row: &ControlRow, setting: Setting) -> bool {
        let Some(first) = row.before.first() else { return false };
        let Ok(target) = self.target(first, setting).await else { return false };
        let Wire::Modbus { endpoint, unit, timing, .. } = &self.wire else { return false };
        let line = Line { endpoint, unit: *unit, timing };
        line.holds(target.start, &target.words).await == Ok(false)
    }

    async fn value_writes(&mut self, row: &ControlRow, setting: Setting) -> Result<(), Error> {
        for write in row.writes(setting)? {
            self.one(row, write, setting).await?;
        }
        Ok(())
    }

    async fn one(&mut self, row: &ControlRow, write: &Write, setting: Setting) -> Result<(), Error> {
        match &self.wire {
            Wire::Mqtt { connected: false, .. } => Err(Error::BrokerAway),
            Wire::Mqtt { link, .. } => {
                let value = self.value(write, setting)?;
                let topic = self.parameters.apply(write.topic.as_deref().unwrap_or_default());
                let payload = self.parameters.apply(write.payload.as_deref().unwrap_or("{value}"));
                link.publish(topic, payload.replace("{value}", &plain(value)), false);
                Ok(())
            }
            Wire::Modbus { .. } => self.registers(row, write, setting).await,
        }
    }

    async fn registers(&mut self, row: &ControlRow, write: &Write, setting: Setting) -> Result<(), Error> {
        let target = self.target(write, setting).await?;
        let Wire::Modbus { endpoint, unit, timing, chain } = &mut self.wire else {
            return Err(Error::NoRegisters);
        };
        let read_back = row.read_back && !write.no_read_back;
        let line = Line { endpoint, unit: *unit, timing };
        let result = line.write(&target, write.when_changed, read_back).await;
        if result.is_err() {
            *chain = None;
        }
        result
    }

    /// Where a write goes and its words.
    async fn target(&mut self, write: &Write, setting: Setting) -> Result<Target, Error> {
        let value = self.value(write, setting)?;
        let Wire::Modbus { endpoint, unit, timing, chain } = &mut self.wire else {
            return Err(Error::NoRegisters);
        };
        let line = Line { endpoint, unit: *unit, timing };
        match (&write.sunspec, write.same_as) {
            (Some(key), _) => line.sunspec(chain, write, key, value).await,
            (None, Some(limit)) => registers(write, line.limit(write, limit).await?),
            (None, None) => registers(write, value),
        }
    }

    /// The number to write, scaled.
    fn value(&self, write: &Write, setting: Setting) -> Result<f64, Error> {
        let scale = write.scale.unwrap_or(1.0);
        if let Some(value) = write.value {
            return Ok(value * scale);
        }
        if let Some(key) = &write.parameter {
            let text = self.parameters.0.get(key).map_or("", String::as_str);
            let expected = "a number".to_owned();
            let wrong = |_| Error::Parameter { key: key.clone(), value: text.to_owned(), expected };
            return text.parse().map(|number: f64| number * scale).map_err(wrong);
        }
        Ok(definition::number(setting).unwrap_or(0.0) * scale)
    }
}

fn plain(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Words and where they go.
struct Target {
    fc: u8,
    start: u16,
    words: Vec<u16>,
}

fn on_wire(address: Option<u32>, write: &Write) -> Result<u16, Error> {
    let address = address.and_then(|address| address.checked_sub(u32::from(write.doc_base)));
    let start = address.and_then(|address| u16::try_from(address).ok());
    start.ok_or(Error::NoRegister)
}

fn registers(write: &Write, value: f64) -> Result<Target, Error> {
    let start = on_wire(write.address, write)?;
    let words = words::encode(write.number.unwrap_or(Number::U16), write.words, value)?;
    Ok(Target { fc: write.fc.unwrap_or(16), start, words })
}

struct Line<'a> {
    endpoint: &'a Endpoint,
    unit: u8,
    timing: &'a Timing,
}

impl Line<'_> {
    async fn write(&self, target: &Target, when_changed: bool, read_back: bool) -> Result<(), Error> {
        let Target { fc, start, words } = target;
        let refused = |fault| Error::Register { register: *start, fault };
        if when_changed && self.holds(*start, words).await? {
            return Ok(());
        }
        self.endpoint
            .write(At { unit: self.unit, fc: *fc, start: *start }, words.clone(), self.timing)
            .await
            .map_err(refused)?;
        if !read_back {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(self.timing.settle_ms)).await;
        if self.holds(*start, words).await? {
            Ok(())
        } else {
            Err(Error::NotTaken { register: *start, words: words.clone() })
        }
    }

    /// The limit that the device tells in a register of the write's type. Zero and the marker of all bits are none: written,
    /// they would keep the device from what it may do.
    async fn limit(&self, write: &Write, address: u32) -> Result<f64, Error> {
        let (start, number) = (on_wire(Some(address), write)?, write.number.unwrap_or(Number::U16));
        let words = self.endpoint.read(At { unit: self.unit, fc: 3, start }, number.registers(), self.timing).await;
        let words = words.map_err(|fault| Error::Register { register: start, fault })?;
        let void = words.iter().all(|word| *word == u16::MAX);
        let limit = words::decode(number, write.words, &words).filter(|limit| *limit > 0.0 && !void);
        limit.ok_or(Error::NoLimit { register: start, words })
    }

    async fn holds(&self, start: u16, words: &[u16]) -> Result<bool, Error> {
        let found = self.endpoint.read(At { unit: self.unit, fc: 3, start }, words.len() as u16, self.timing).await;
        found.map(|found| found == words).map_err(|fault| Error::Register { register: start, fault })
    }

    /// The register of a SunSpec point, and the value with the scale factor the device has right now.
    async fn sunspec(&self, chain: &mut Option<Chain>, write: &Write, key: &str, value: f64) -> Result<Target, Error> {
        let number = write.model.unwrap_or(0);
        let missing = || Error::NoModel(number);
        let cannot = |why| Error::Point { model: number, point: key.to_owned(), why };
        if chain.is_none() {
            *chain = sunspec::scan(self.endpoint, self.unit, self.timing).await?;
        }
        let block = chain.iter().flat_map(|chain| &chain.blocks).find(|block| block.model == number).copied();
        let block = block.ok_or_else(missing)?;
        let words = sunspec::read(self.endpoint, self.unit, block, self.timing).await?;
        let model = model::find(number).ok_or_else(missing)?;
        let entries = sunspec::decode(model, &words);
        let entry = entries.iter().find(|entry| entry.key == key).ok_or_else(|| cannot("the device has none"))?;
        let power = entry.power.ok_or_else(|| cannot("its scale factor is void"))?;
        let number = number_of(entry).ok_or_else(|| cannot("it is no number"))?;
        let words = words::encode(number, WordOrder::HighFirst, value / 10f64.powi(power))?;
        let start = block.address.saturating_add(entry.offset as u16);
        Ok(Target { fc: write.fc.unwrap_or(16), start, words })
    }
}

/// The type of a point that holds a number.
fn number_of(entry: &Entry) -> Option<Number> {
    match (entry.kind, entry.size) {
        (Kind::Signed, 1) => Some(Number::I16),
        (Kind::Signed, 2) => Some(Number::I32),
        (Kind::Signed, 4) => Some(Number::I64),
        (Kind::Unsigned | Kind::Counter, 1) => Some(Number::U16),
        (Kind::Unsigned | Kind::Counter, 2) => Some(Number::U32),
        (Kind::Unsigned | Kind::Counter, 4) => Some(Number::U64),
        (Kind::Float, 2) => Some(Number::F32),
        (Kind::Float, 4) => Some(Number::F64),
        (Kind::Signed | Kind::Unsigned | Kind::Counter | Kind::Float, _) => None,
        (Kind::ScaleFactor | Kind::Text | Kind::Pad | Kind::Ip4 | Kind::Ip6 | Kind::Mac, _) => None,
    }
}
