//! Reading a Modbus device round by round: plain registers and SunSpec models, over one or several units.

use super::config::DeviceConfig;
use super::values::{self, Parts};
use crate::definition::{Parameters, PointRow};
use crate::error::Error;
use crate::modbus::blocks::{Blocks, Span, Words};
use crate::modbus::{Endpoint, Fault, Timing, WordOrder, words};
use crate::sunspec::{self, Block, Chain, Entry, model};
use std::collections::{BTreeMap, BTreeSet};

/// Rounds for which a secondary unit that does not answer is left alone.
const AWAY_ROUNDS: u32 = 60;

/// What a round found: values by name, and which names were read at all.
#[derive(Debug, Default)]
pub(super) struct Round {
    pub(super) parts: Parts,
    pub(super) read: BTreeSet<String>,
}

/// The reading side of a Modbus device.
#[derive(Debug)]
pub(super) struct Registers {
    endpoint: Endpoint,
    timing: Timing,
    parameters: Parameters,
    units: Vec<Unit>,
}

#[derive(Debug)]
struct Unit {
    id: u8,
    main: bool,
    rows: Vec<PointRow>,
    blocks: Option<Blocks>,
    models: Vec<Layout>,
    away: u32,
    /// Rounds since the models were looked for in vain.
    modelless: u32,
}

/// A model of the device and the spans it is read in.
#[derive(Debug)]
struct Layout {
    block: Block,
    spans: Vec<Span>,
}

impl Registers {
    pub(super) fn new(config: &DeviceConfig, parameters: Parameters, names: &BTreeSet<String>) -> Result<Self, Error> {
        let main = config.unit();
        let mut units: BTreeMap<u8, Vec<PointRow>> = BTreeMap::new();
        units.insert(main, Vec::new());
        for row in config.definition.point.iter().filter(|row| names.contains(&row.name)) {
            let unit = unit_of(row, &parameters)?.unwrap_or(main);
            units.entry(unit).or_default().push(PointRow { words: words_of(row, &parameters), ..row.clone() });
        }
        let unit =
            |(id, rows)| Unit { id, main: id == main, rows, blocks: None, models: Vec::new(), away: 0, modelless: 0 };
        let mut units: Vec<Unit> = units.into_iter().map(unit).collect();
        units.retain(|unit| !unit.rows.is_empty());
        units.sort_by_key(|unit| !unit.main);
        Ok(Self { endpoint: Endpoint::open(&config.address), timing: config.definition.timing, parameters, units })
    }

    /// Reads what is due. A fault of a secondary unit makes only its own values unknown.
    pub(super) async fn round(&mut self) -> Result<Round, Fault> {
        let mut round = Round::default();
        for unit in &mut self.units {
            if unit.away > 0 {
                unit.away -= 1;
                unit.unknown(&mut round);
                continue;
            }
            match unit.round(&self.endpoint, &self.timing, &self.parameters, &mut round).await {
                Ok(()) => {}
                Err(fault) if unit.main || matches!(fault, Fault::Lost(_)) => return Err(fault),
                Err(fault) => {
                    tracing::debug!(unit = unit.id, %fault, "a secondary unit does not answer");
                    unit.away = AWAY_ROUNDS;
                    unit.unknown(&mut round);
                }
            }
        }
        Ok(round)
    }
}

fn unit_of(row: &PointRow, parameters: &Parameters) -> Result<Option<u8>, Error> {
    let Some(key) = &row.unit_parameter else { return Ok(row.unit_id) };
    let text = parameters.0.get(key).map_or("", String::as_str);
    let expected = "a unit id, 0 to 255".to_owned();
    let wrong = |_| Error::Parameter { key: key.clone(), value: text.to_owned(), expected };
    text.parse().map(Some).map_err(wrong)
}

fn words_of(row: &PointRow, parameters: &Parameters) -> WordOrder {
    match row.words_parameter.as_ref().and_then(|key| parameters.0.get(key)).map(String::as_str) {
        Some("low_first") => WordOrder::LowFirst,
        Some("high_first") => WordOrder::HighFirst,
        Some(_) | None => row.words,
    }
}

impl Unit {
    fn unknown(&self, round: &mut Round) {
        for row in &self.rows {
            round.parts.insert(row.name.clone(), None);
            round.read.insert(row.name.clone());
        }
    }

    async fn round(
        &mut self,
        endpoint: &Endpoint,
        timing: &Timing,
        parameters: &Parameters,
        round: &mut Round,
    ) -> Result<(), Fault> {
        if self.blocks.is_none() || self.modelless >= AWAY_ROUNDS {
            self.lay_out(endpoint, timing).await?;
        }
        // A device that has just started may not describe itself yet.
        let modelless = self.models.is_empty() && self.rows.iter().any(|row| row.sunspec.is_some());
        self.modelless = if modelless { self.modelless + 1 } else { 0 };
        let Some(blocks) = &mut self.blocks else { return Ok(()) };
        let mut words = Words::new();
        blocks.read(endpoint, timing, &mut words).await?;
        let decoded = self.decode(&words);
        for row in &self.rows {
            let raw = match &row.sunspec {
                Some(key) => sunspec_number(row, key, &decoded),
                None => register_number(row, self.id, &words),
            };
            let Some(raw) = raw else { continue };
            round.parts.insert(row.name.clone(), raw.and_then(|raw| values::value(row, parameters, raw)));
            round.read.insert(row.name.clone());
        }
        Ok(())
    }

    /// Finds the SunSpec models where rows ask for them, and groups everything into requests.
    async fn lay_out(&mut self, endpoint: &Endpoint, timing: &Timing) -> Result<(), Fault> {
        self.models.clear();
        self.modelless = 0;
        if self.rows.iter().any(|row| row.sunspec.is_some()) {
            let chain = sunspec::scan(endpoint, self.id, timing).await?.unwrap_or_default();
            self.models = layouts(&self.rows, &chain, self.id, endpoint, timing).await?;
        }
        let plain = self.rows.iter().flat_map(|row| spans_of(row, self.id));
        let models = self.models.iter().flat_map(|layout| layout.spans.iter().copied());
        self.blocks = Some(Blocks::new(plain.chain(models).collect(), timing));
        Ok(())
    }

    /// The models read this time with their entries; `None` for those that were not due.
    fn decode(&mut self, words: &Words) -> BTreeMap<u16, Option<Vec<Vec<Entry>>>> {
        let mut decoded: BTreeMap<u16, Option<Vec<Vec<Entry>>>> = BTreeMap::new();
        let mut moved = false;
        for layout in &self.models {
            let slot = decoded.entry(layout.block.model).or_insert_with(|| Some(Vec::new()));
            if !layout.spans.iter().all(|span| words.contains_key(span)) {
                *slot = None;
                continue;
            }
            let block = assemble(layout, words);
            let head = (block.first().copied().flatten(), block.get(1).copied().flatten());
            moved |= head != (Some(layout.block.model), Some(layout.block.length));
            if let (Some(list), Some(model)) = (slot.as_mut(), model::find(layout.block.model)) {
                list.push(if moved { Vec::new() } else { sunspec::decode(model, &block) });
            }
        }
        if moved {
            self.blocks = None;
        }
        decoded
    }
}

async fn layouts(
    rows: &[PointRow],
    chain: &Chain,
    unit: u8,
    endpoint: &Endpoint,
    timing: &Timing,
) -> Result<Vec<Layout>, Fault> {
    let mut layouts = Vec::new();
    for block in &chain.blocks {
        let users: Vec<&PointRow> = rows.iter().filter(|row| row.models.contains(&block.model)).collect();
        if users.is_empty() {
            continue;
        }
        let slow = users.iter().all(|row| row.slow);
        let words = sunspec::read(endpoint, unit, *block, timing).await?;
        layouts.push(Layout { block: *block, spans: readable(*block, &words, unit, slow, timing) });
    }
    Ok(layouts)
}

/// The readable stretches of a model, each no longer than one request bears. Each stands alone, so that a scale factor
/// comes from the same request as its points wherever the device allows it.
fn readable(block: Block, words: &[Option<u16>], unit: u8, slow: bool, timing: &Timing) -> Vec<Span> {
    let most = usize::from(timing.max_registers.clamp(4, 125));
    let mut spans = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let run = words.iter().skip(at).take(most).take_while(|word| word.is_some()).count();
        if run > 0 {
            spans.push(Span { unit, fc: 3, start: block.address + at as u16, count: run as u16, alone: true, slow });
        }
        at += run.max(1);
    }
    spans
}

fn assemble(layout: &Layout, words: &Words) -> Vec<Option<u16>> {
    let mut block = vec![None; usize::from(layout.block.length) + 2];
    for span in &layout.spans {
        let Some(Some(found)) = words.get(span) else { continue };
        let from = usize::from(span.start - layout.block.address);
        for (slot, word) in block.iter_mut().skip(from).zip(found) {
            *slot = Some(*word);
        }
    }
    block
}

fn address(of: u32, row: &PointRow) -> Option<u16> {
    u16::try_from(of.checked_sub(u32::from(row.doc_base))?).ok()
}

/// The spans of a plain register row: one, or two where the high word stands elsewhere.
fn spans_of(row: &PointRow, unit: u8) -> Vec<Span> {
    let (Some(fc), Some(number), Some(start)) = (row.fc, row.number, row.address.and_then(|of| address(of, row)))
    else {
        return Vec::new();
    };
    let span = |start, count| Span { unit, fc, start, count, alone: row.alone, slow: row.slow };
    match row.high_address.and_then(|of| address(of, row)) {
        None => vec![span(start, number.registers())],
        Some(high) => vec![span(start, 1), span(high, 1)],
    }
}

/// The raw number of a row; the outer `None` where it was not due this time.
fn register_number(row: &PointRow, unit: u8, words: &Words) -> Option<Option<f64>> {
    let spans = spans_of(row, unit);
    let found: Vec<&Option<Vec<u16>>> = spans.iter().map(|span| words.get(span)).collect::<Option<_>>()?;
    if found.is_empty() {
        return None;
    }
    let joined: Option<Vec<u16>> = found.into_iter().cloned().collect::<Option<Vec<_>>>().map(|parts| parts.concat());
    let order = if spans.len() == 2 { WordOrder::LowFirst } else { row.words };
    Some(joined.and_then(|joined| {
        let number = words::decode(row.number?, order, &joined)?;
        Some(row.mask.map_or(number, |mask| (words::join(order, &joined) & mask) as f64))
    }))
}

fn sunspec_number(row: &PointRow, key: &str, decoded: &BTreeMap<u16, Option<Vec<Vec<Entry>>>>) -> Option<Option<f64>> {
    let mut due = false;
    let present = row.models.iter().any(|model| decoded.contains_key(model));
    for model in &row.models {
        let Some(Some(instances)) = decoded.get(model) else { continue };
        due = true;
        let chosen = instances.iter().enumerate().filter(|(index, _)| row.instance == 0 || row.instance == index + 1);
        let value = chosen
            .filter_map(|(_, entries)| entries.iter().find(|entry| entry.key == key))
            .find_map(|entry| entry.value.number());
        if value.is_some() {
            return Some(value);
        }
    }
    (due || !present).then_some(None)
}
