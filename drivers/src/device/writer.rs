//! Orders on the wire: the writes of a control in their order, bounded, scaled, and read again where the definition asks.

use super::config::DeviceConfig;
use super::controls::{self, Duty};
use crate::definition::parameters::Parameters;
use crate::definition::{ControlRow, Write};
use crate::modbus::{Endpoint, Number, Timing, WordOrder, words};
use crate::mqtt::Link;
use crate::sunspec::{self, Chain, Entry, model};
use plant::decision::Setting;
use std::time::Duration;

/// MQTT devices have topics.
const NO_REGISTERS: &str = "the device has no registers";

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

    /// Makes the writes of a duty. A safe value is a release, whoever orders it: a crash may have left the device taken.
    pub(super) async fn carry_out(&mut self, row: &ControlRow, duty: &Duty) -> Result<(), String> {
        if duty.setting.is_safe() {
            return self.release(row, duty.setting).await;
        }
        let renewal = duty.order.is_none();
        if !renewal {
            for write in &row.before {
                self.one(row, &Write { when_changed: true, ..write.clone() }, duty.setting).await?;
            }
        }
        self.value_writes(row, duty.setting).await
    }

    /// Gives a control back. What `restore` says is written even where the device does not take the value.
    async fn release(&mut self, row: &ControlRow, setting: Setting) -> Result<(), String> {
        if self.is_untaken(row, setting).await {
            return Ok(());
        }
        let told = self.value_writes(row, setting).await;
        for write in &row.restore {
            self.one(row, write, setting).await?;
        }
        told
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

    async fn value_writes(&mut self, row: &ControlRow, setting: Setting) -> Result<(), String> {
        let writes = match controls::mode_name(setting) {
            Some(mode) => row.mode.get(mode).map(Vec::as_slice).unwrap_or_default(),
            None => &row.write,
        };
        for write in writes {
            self.one(row, write, setting).await?;
        }
        Ok(())
    }

    async fn one(&mut self, row: &ControlRow, write: &Write, setting: Setting) -> Result<(), String> {
        match &self.wire {
            Wire::Mqtt { connected: false, .. } => Err("the broker is away".to_owned()),
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

    async fn registers(&mut self, row: &ControlRow, write: &Write, setting: Setting) -> Result<(), String> {
        let target = self.target(write, setting).await?;
        let Wire::Modbus { endpoint, unit, timing, chain } = &mut self.wire else {
            return Err(NO_REGISTERS.to_owned());
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
    async fn target(&mut self, write: &Write, setting: Setting) -> Result<Target, String> {
        let value = self.value(write, setting)?;
        let Wire::Modbus { endpoint, unit, timing, chain } = &mut self.wire else {
            return Err(NO_REGISTERS.to_owned());
        };
        let line = Line { endpoint, unit: *unit, timing };
        match (&write.sunspec, write.same_as) {
            (Some(key), _) => line.sunspec(chain, write, key, value).await,
            (None, Some(limit)) => registers(write, line.limit(write, limit).await?),
            (None, None) => registers(write, value),
        }
    }

    /// The number to write, scaled.
    fn value(&self, write: &Write, setting: Setting) -> Result<f64, String> {
        let scale = write.scale.unwrap_or(1.0);
        if let Some(value) = write.value {
            return Ok(value * scale);
        }
        if let Some(key) = &write.parameter {
            let text = self.parameters.0.get(key).map_or("", String::as_str);
            let number: Result<f64, _> = text.parse();
            return number
                .map(|number| number * scale)
                .map_err(|_| format!("parameter '{key}' is '{text}'; expected a number"));
        }
        Ok(controls::number(setting).unwrap_or(0.0) * scale)
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

fn on_wire(address: Option<u32>, write: &Write) -> Result<u16, String> {
    let address = address.and_then(|address| address.checked_sub(u32::from(write.doc_base)));
    let start = address.and_then(|address| u16::try_from(address).ok());
    start.ok_or_else(|| "the definition gives no register to write".to_owned())
}

fn registers(write: &Write, value: f64) -> Result<Target, String> {
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
    async fn write(&self, target: &Target, when_changed: bool, read_back: bool) -> Result<(), String> {
        let Target { fc, start, words } = target;
        if when_changed && self.holds(*start, words).await? {
            return Ok(());
        }
        self.endpoint
            .write(self.unit, *fc, *start, words.clone(), self.timing)
            .await
            .map_err(|fault| format!("register {start}: {fault}"))?;
        if !read_back {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(self.timing.settle_ms)).await;
        if self.holds(*start, words).await? {
            Ok(())
        } else {
            Err(format!("register {start} did not take the value {words:?}"))
        }
    }

    /// The limit that the device tells in a register of the write's type. Zero and the marker of all bits are none: written,
    /// they would keep the device from what it may do.
    async fn limit(&self, write: &Write, address: u32) -> Result<f64, String> {
        let (start, number) = (on_wire(Some(address), write)?, write.number.unwrap_or(Number::U16));
        let words = self.endpoint.read(self.unit, 3, start, number.registers(), self.timing).await;
        let words = words.map_err(|fault| format!("register {start}: {fault}"))?;
        let void = words.iter().all(|word| *word == u16::MAX);
        let limit = words::decode(number, write.words, &words).filter(|limit| *limit > 0.0 && !void);
        limit.ok_or_else(|| format!("register {start} tells no limit: {words:?}"))
    }

    async fn holds(&self, start: u16, words: &[u16]) -> Result<bool, String> {
        let found = self.endpoint.read(self.unit, 3, start, words.len() as u16, self.timing).await;
        found.map(|found| found == words).map_err(|fault| format!("register {start}: {fault}"))
    }

    /// The register of a SunSpec point, and the value with the scale factor the device has right now.
    async fn sunspec(&self, chain: &mut Option<Chain>, write: &Write, key: &str, value: f64) -> Result<Target, String> {
        let number = write.model.unwrap_or(0);
        let missing = || format!("the device has no SunSpec model {number}");
        if chain.is_none() {
            *chain = sunspec::scan(self.endpoint, self.unit, self.timing).await.map_err(|fault| fault.to_string())?;
        }
        let block = chain
            .iter()
            .flat_map(|chain| &chain.blocks)
            .find(|block| block.model == number)
            .copied()
            .ok_or_else(missing)?;
        let words =
            sunspec::read(self.endpoint, self.unit, block, self.timing).await.map_err(|fault| fault.to_string())?;
        let model = model::find(number).ok_or_else(missing)?;
        let entries = sunspec::decode(model, &words);
        let entry = entries
            .iter()
            .find(|entry| entry.key == key)
            .ok_or_else(|| format!("model {number} has no point {key}"))?;
        let power = entry.power.ok_or_else(|| format!("the scale factor of {key} is void"))?;
        let words = words::encode(number_of(entry)?, WordOrder::HighFirst, value / 10f64.powi(power))?;
        let start = block.address.saturating_add(entry.offset as u16);
        Ok(Target { fc: write.fc.unwrap_or(16), start, words })
    }
}

fn number_of(entry: &Entry) -> Result<Number, String> {
    use crate::sunspec::model::Kind;
    let wrong = || format!("{} is no number", entry.key);
    match (entry.kind, entry.size) {
        (Kind::Signed, 1) => Ok(Number::I16),
        (Kind::Signed, 2) => Ok(Number::I32),
        (Kind::Signed, 4) => Ok(Number::I64),
        (Kind::Unsigned | Kind::Counter, 1) => Ok(Number::U16),
        (Kind::Unsigned | Kind::Counter, 2) => Ok(Number::U32),
        (Kind::Unsigned | Kind::Counter, 4) => Ok(Number::U64),
        (Kind::Float, 2) => Ok(Number::F32),
        (Kind::Float, 4) => Ok(Number::F64),
        (Kind::Signed | Kind::Unsigned | Kind::Counter | Kind::Float, _) => Err(wrong()),
        (Kind::ScaleFactor | Kind::Text | Kind::Pad | Kind::Ip4 | Kind::Ip6 | Kind::Mac, _) => Err(wrong()),
    }
}
