//! Orders on the wire: the writes of a control in their order, bounded, scaled, and read again where the definition asks.

use super::DeviceConfig;
use super::controls::{self, Duty};
use crate::definition::parameters::Parameters;
use crate::definition::{ControlRow, Number, Timing, WordOrder, Write};
use crate::modbus::{Endpoint, words};
use crate::mqtt::Link;
use crate::sunspec::{self, Chain, Entry, model};
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

    /// Makes the writes of a duty.
    pub(super) async fn carry_out(&mut self, row: &ControlRow, duty: &Duty) -> Result<(), String> {
        let renewal = duty.order.is_none() && !duty.release;
        if !renewal {
            for write in &row.before {
                self.one(row, &Write { when_changed: true, ..write.clone() }, duty.setting).await?;
            }
        }
        let writes = match controls::mode_name(duty.setting) {
            Some(mode) => row.mode.get(mode).map(Vec::as_slice).unwrap_or_default(),
            None => &row.write,
        };
        for write in writes {
            self.one(row, write, duty.setting).await?;
        }
        if duty.release {
            for write in &row.restore {
                self.one(row, write, duty.setting).await?;
            }
        }
        Ok(())
    }

    async fn one(&mut self, row: &ControlRow, write: &Write, setting: Setting) -> Result<(), String> {
        let value = self.value(write, setting)?;
        match &mut self.wire {
            Wire::Mqtt { connected: false, .. } => Err("the broker is away".to_owned()),
            Wire::Mqtt { link, .. } => {
                let topic = self.parameters.apply(write.topic.as_deref().unwrap_or_default());
                let payload = self.parameters.apply(write.payload.as_deref().unwrap_or("{value}"));
                link.publish(topic, payload.replace("{value}", &plain(value)), false);
                Ok(())
            }
            Wire::Modbus { endpoint, unit, timing, chain } => {
                let line = Line { endpoint, unit: *unit, timing };
                let target = match &write.sunspec {
                    Some(key) => line.sunspec(chain, write, key, value).await?,
                    None => registers(write, value)?,
                };
                let read_back = row.read_back && !write.no_read_back;
                let result = line.write(&target, write.when_changed, read_back).await;
                if result.is_err() {
                    *chain = None;
                }
                result
            }
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

fn registers(write: &Write, value: f64) -> Result<Target, String> {
    let address = write.address.and_then(|address| address.checked_sub(u32::from(write.doc_base)));
    let start =
        address.and_then(|address| u16::try_from(address).ok()).ok_or("the definition gives no register to write")?;
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
