//! Registers to write and to compare: where a write of a definition goes on this device, and in what words.

use crate::definition::Write;
use crate::error::Error;
use crate::modbus::{At, Endpoint, Fault, Number, Timing, WordOrder, words};
use crate::sunspec::model::{self, Kind};
use crate::sunspec::{self, Block, Chain, Entry};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Words and where they go.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) fc: u8,
    pub(super) start: u16,
    pub(super) words: Vec<u16>,
    /// Written only where the device holds something else.
    pub(super) when_changed: bool,
    /// Whether it is read again.
    pub(super) read_back: bool,
    /// Its type, which has a marker for "no value".
    pub(super) number: Number,
    /// SunSpec model and the offset in it.
    pub(super) sunspec: Option<(u16, u16)>,
}

/// A unit on its wire.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) endpoint: Endpoint,
    pub(super) unit: u8,
    pub(super) timing: Timing,
    pub(super) chain: Option<Chain>,
    /// How often the device has answered.
    pub(super) answers: Arc<AtomicUsize>,
}

impl Line {
    /// Where `write` goes, with this value.
    pub(super) async fn target(&mut self, write: &Write, value: f64) -> Result<Target, Error> {
        let result = match (&write.sunspec, write.same_as) {
            (Some(key), _) => self.sunspec(write, key, value).await,
            (None, Some(limit)) => registers(write, self.limit(write, limit).await?),
            (None, None) => registers(write, value),
        };
        self.heed(result)
    }

    /// What fails may lie elsewhere by now: the chain of models is walked again then.
    pub(super) fn heed<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        if result.is_err() {
            self.chain = None;
        }
        result
    }

    /// The value within what the device says that it bears, where it says so.
    pub(super) async fn at_most(&self, write: &Write, value: f64) -> Result<f64, Error> {
        let Some(address) = write.at_most else { return Ok(value) };
        match self.limit(&Write { number: Some(Number::U16), ..write.clone() }, address).await {
            Ok(limit) => Ok(value.min(limit * write.at_most_scale.unwrap_or(1.0))),
            Err(Error::NoLimit { .. } | Error::Register { fault: Fault::Exception(_), .. }) => Ok(value),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn write(&self, fc: u8, start: u16, words: &[u16]) -> Result<(), Error> {
        let at = At { unit: self.unit, fc, start };
        let result = self.endpoint.write(at, words.to_vec(), &self.timing).await;
        self.answered(result).map(drop).map_err(|fault| Error::Register { register: start, fault })
    }

    pub(super) async fn read(&self, fc: u8, start: u16, count: usize) -> Result<Vec<u16>, Error> {
        let result = self.endpoint.read(At { unit: self.unit, fc, start }, count as u16, &self.timing).await;
        self.answered(result).map_err(|fault| Error::Register { register: start, fault })
    }

    /// The same twice: one wrong answer is not taken for what somebody has set.
    pub(super) async fn steady(&self, start: u16, count: usize) -> Result<Vec<u16>, Error> {
        let first = self.read(3, start, count).await?;
        let second = self.read(3, start, count).await?;
        if first == second { Ok(first) } else { Err(Error::Unsteady { register: start, first, second }) }
    }

    /// Where the registers of a SunSpec point are now.
    pub(super) async fn moved(&mut self, (model, offset): (u16, u16)) -> Result<u16, Error> {
        self.block(model).await.map(|block| block.address.saturating_add(offset))
    }

    /// Where a SunSpec model stands in the device's chain, which is walked once.
    async fn block(&mut self, model: u16) -> Result<Block, Error> {
        if self.chain.is_none() {
            self.chain = sunspec::scan(&self.endpoint, self.unit, &self.timing).await?;
        }
        let block = self.chain.iter().flat_map(|chain| &chain.blocks).find(|block| block.model == model);
        block.copied().ok_or(Error::NoModel(model))
    }

    /// What somebody has set there: `None` where the device does not show it, or shows that it has none.
    pub(super) async fn found(&self, target: &Target) -> Result<Option<Vec<u16>>, Error> {
        match self.steady(target.start, target.words.len()).await {
            Ok(words) => Ok(Some(words).filter(|words| !is_void(target, words))),
            Err(Error::Register { fault, .. }) if fault.is_unsupported() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The number in a register of that kind; `None` where the device does not show it.
    pub(super) async fn found_as(&self, target: &Target, fc: u8) -> Result<Option<f64>, Error> {
        match self.read(fc, target.start, target.words.len()).await {
            Ok(words) if is_void(target, &words) => Ok(None),
            Ok(words) => Ok(words::decode(target.number, WordOrder::HighFirst, &words)),
            Err(Error::Register { fault: Fault::Exception(_), .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads again what was written there, after the time that the device needs.
    pub(super) async fn confirm(&self, start: u16, words: &[u16]) -> Result<(), Error> {
        tokio::time::sleep(Duration::from_millis(self.timing.settle_ms)).await;
        match self.read(3, start, words.len()).await {
            Ok(held) if held == words => Ok(()),
            Ok(held) => Err(Error::NotTaken { register: start, words: words.to_vec(), held }),
            // It takes values and shows none.
            Err(Error::Register { fault, .. }) if fault.is_unsupported() => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn answered<T>(&self, result: Result<T, Fault>) -> Result<T, Fault> {
        if matches!(result, Ok(_) | Err(Fault::Exception(_))) {
            self.answers.fetch_add(1, Ordering::Relaxed);
        }
        result
    }

    /// The limit that the device tells in a register of the write's type. Zero and the marker of all bits are none: written,
    /// they would keep the device from what it may do.
    async fn limit(&self, write: &Write, address: u32) -> Result<f64, Error> {
        let (start, number) = (on_wire(Some(address), write)?, write.number.unwrap_or(Number::U16));
        let words = self.read(3, start, usize::from(number.registers())).await?;
        let void = words.iter().all(|word| *word == u16::MAX);
        let limit = words::decode(number, write.words, &words).filter(|limit| *limit > 0.0 && !void);
        limit.ok_or(Error::NoLimit { register: start, words })
    }

    /// The register of a SunSpec point, and the value with the scale factor the device has right now.
    async fn sunspec(&mut self, write: &Write, key: &str, value: f64) -> Result<Target, Error> {
        let number = write.model.unwrap_or(0);
        let missing = || Error::NoModel(number);
        let cannot = |why| Error::Point { model: number, point: key.to_owned(), why };
        let block = self.block(number).await?;
        let words = sunspec::read(&self.endpoint, self.unit, block, &self.timing).await?;
        let model = model::find(number).ok_or_else(missing)?;
        let entries = sunspec::decode(model, &words);
        let entry = entries.iter().find(|entry| entry.key == key).ok_or_else(|| cannot("the device has none"))?;
        let whole = match &write.share_of {
            Some(key) => {
                let whole = entries.iter().find(|entry| entry.key == *key).and_then(|entry| entry.value.number());
                whole
                    .filter(|whole| *whole > 0.0)
                    .ok_or_else(|| cannot("the device does not say what it is a share of"))?
            }
            None => 1.0,
        };
        let value = value / whole;
        let power = entry.power.ok_or_else(|| cannot("its scale factor is void"))?;
        let number = number_of(entry).ok_or_else(|| cannot("it is no number"))?;
        let words = words::encode(number, WordOrder::HighFirst, value / 10f64.powi(power))?;
        let start = block.address.saturating_add(entry.offset as u16);
        let place = Some((block.model, entry.offset as u16));
        Ok(Target { sunspec: place, ..target(write, start, words, number) })
    }
}

fn on_wire(address: Option<u32>, write: &Write) -> Result<u16, Error> {
    let address = address.and_then(|address| address.checked_sub(u32::from(write.doc_base)));
    let start = address.and_then(|address| u16::try_from(address).ok());
    start.ok_or(Error::NoRegister)
}

fn registers(write: &Write, value: f64) -> Result<Target, Error> {
    let (start, number) = (on_wire(write.address, write)?, write.number.unwrap_or(Number::U16));
    let words = words::encode(number, write.words, value)?;
    Ok(target(write, start, words, number))
}

fn target(write: &Write, start: u16, words: Vec<u16>, number: Number) -> Target {
    let Write { when_changed, no_read_back, .. } = *write;
    Target { fc: write.fc.unwrap_or(16), start, words, when_changed, read_back: !no_read_back, number, sunspec: None }
}

/// Whether the words are the marker for "no value". A register of 16 bits has one only where SunSpec gives it one.
fn is_void(target: &Target, words: &[u16]) -> bool {
    match (target.number, words) {
        (Number::I32, [0x8000, 0]) | (Number::U32, [0xFFFF, 0xFFFF]) => true,
        (Number::I16, [0x8000]) | (Number::U16, [0xFFFF]) => target.sunspec.is_some(),
        _ => false,
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
