//! The third host: a recording is played to the core again, and every decision must come out the same.

use crate::recording::{Line, VERSION};
use anyhow::{Context, Result, bail};
use plant::decision::Decision;
use plant::effect::Effect;
use plant::plant::Plant;
use serde::Serialize;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// At most this many differences are kept.
const DIFFERENCES_MAX: usize = 20;

/// What a replay has seen.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Replayed {
    /// Events played.
    pub events: u64,
    /// Decisions compared.
    pub decisions: u64,
    /// Decisions that came out differently.
    pub different: u64,
    /// The first of them.
    pub differences: Vec<Difference>,
}

/// A decision that came out differently.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    /// Line of the recording.
    pub line: u64,
    /// What was decided then.
    pub recorded: Decision,
    /// What is decided on the same events by this version; `None` for no decision at all.
    pub replayed: Option<Decision>,
}

/// Plays a recording; a torn last line is where it ends.
pub fn run(path: &Path) -> Result<Replayed> {
    let name = path.display();
    let file = File::open(path).with_context(|| format!("cannot open the recording {name}"))?;
    let mut lines = BufReader::new(file).lines().zip(1u64..).peekable();
    let mut plant = match lines.next().map(|(line, _)| line) {
        Some(first) => start(&first.unwrap_or_default()).with_context(|| format!("{name}: line 1"))?,
        None => bail!("{name} is empty; expected a recording made with `heatmine run --record`"),
    };
    let mut replayed = Replayed::default();
    let mut latest = None;
    while let Some((text, number)) = lines.next() {
        let text = text.with_context(|| format!("{name}: line {number}"))?;
        let line: Line = match serde_json::from_str(&text) {
            Ok(line) => line,
            Err(_) if lines.peek().is_none() => break,
            Err(error) => bail!("{name}: line {number}: {error}; expected an event or a decision"),
        };
        match line {
            Line::Start { .. } => bail!("{name}: line {number}: a second start; expected one recording a file"),
            Line::Event { at, event } => {
                replayed.events += 1;
                if let Some(decision) = decision_of(plant.handle(*event, at)) {
                    latest = Some(decision);
                }
            }
            Line::Decision { decision } => replayed.compare(number, *decision, latest.take()),
        }
    }
    Ok(replayed)
}

impl Replayed {
    fn compare(&mut self, line: u64, recorded: Decision, replayed: Option<Decision>) {
        self.decisions += 1;
        if replayed.as_ref() != Some(&recorded) {
            self.different += 1;
            if self.differences.len() < DIFFERENCES_MAX {
                self.differences.push(Difference { line, recorded, replayed });
            }
        }
    }
}

/// The decision that a cycle's effects publish.
pub fn decision_of(effects: Vec<Effect>) -> Option<Decision> {
    effects.into_iter().rev().find_map(|effect| match effect {
        Effect::Publish(record) => Some(record.decision),
        Effect::Apply(_) | Effect::Append(_) | Effect::Checkpoint(_) | Effect::Plan(_) => None,
    })
}

fn start(text: &str) -> Result<Plant> {
    match serde_json::from_str(text) {
        Ok(Line::Start { version: VERSION, at, site, restored }) => Ok(Plant::new(*site, *restored, at)),
        Ok(Line::Start { version, .. }) => bail!("recording of form {version}; this version reads form {VERSION}"),
        Ok(Line::Event { .. } | Line::Decision { .. }) | Err(_) => {
            bail!("not the start of a recording made with `heatmine run --record`")
        }
    }
}
