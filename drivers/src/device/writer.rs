//! Settings on the wire: the writes of a control in their sequence, bounded, scaled, compared with what the device holds.
//!
//! Example, a Sungrow on hold: `13051`, `13052` and `13050` are targets; what they held is found; each is written and read again.
//! Given back, they are written in the other direction with what was found, so that what took control goes last.

use super::config::DeviceConfig;
use super::line::{Line, Target};
use crate::debt::Kept;
use crate::definition::{ControlRow, Parameters, Write};
use crate::error::Error;
use crate::lease::Look;
use crate::modbus::Endpoint;
use crate::mqtt::Link;
use plant::decision::Setting;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

/// The writing side of a device.
#[derive(Debug)]
pub(super) struct Writer {
    parameters: Parameters,
    wire: Wire,
}

#[derive(Debug)]
enum Wire {
    Modbus(Line),
    Mqtt { link: Link, connected: bool },
}

impl Writer {
    pub(super) fn modbus(config: &DeviceConfig, parameters: Parameters) -> Self {
        let endpoint = Endpoint::open(&config.address);
        let (unit, timing) = (config.unit(), config.definition.timing);
        let line = Line { endpoint, unit, timing, chain: None, answers: Arc::default() };
        Self { parameters, wire: Wire::Modbus(line) }
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

    /// Counts the answers of the device: one that is slow still counts on.
    pub(super) fn answers(&self) -> Arc<AtomicUsize> {
        match &self.wire {
            Wire::Modbus(line) => Arc::clone(&line.answers),
            Wire::Mqtt { .. } => Arc::default(),
        }
    }

    /// Where a value of a control goes, what takes control first; nothing over MQTT, where nothing can be read.
    pub(super) async fn targets(&mut self, row: &ControlRow, setting: Setting) -> Result<Vec<Target>, Error> {
        let writes: Vec<Write> = row.before.iter().chain(row.writes(setting)?).cloned().collect();
        let taking = row.before.len();
        let mut targets = self.all(&writes, setting).await?;
        targets.iter_mut().take(taking).for_each(|target| target.when_changed = true);
        Ok(targets)
    }

    /// Refuses where the device says that it is not ready to be set.
    pub(super) async fn require(&mut self, row: &ControlRow) -> Result<(), Error> {
        let line = match &mut self.wire {
            Wire::Modbus(line) => line,
            Wire::Mqtt { connected: true, .. } => return Ok(()),
            Wire::Mqtt { connected: false, .. } => return Err(Error::BrokerAway),
        };
        for requirement in &row.requires {
            let asked =
                Write { address: Some(requirement.address), number: Some(requirement.number), ..Write::default() };
            let target = line.target(&Write { doc_base: requirement.doc_base, ..asked }, 0.0).await?;
            // A device that does not tell is taken at its owner's word.
            let Some(held) = line.found_as(&target, requirement.fc).await? else { continue };
            if !requirement.one_of.contains(&held) {
                return Err(Error::Requirement { register: target.start, held, says: requirement.says.clone() });
            }
        }
        Ok(())
    }

    /// The time after which the device itself ends what is set, as it says; `None` where it does not.
    pub(super) async fn revert(&mut self, row: &ControlRow) -> Option<Duration> {
        let Wire::Modbus(line) = &mut self.wire else { return None };
        let target = line.target(row.revert.as_ref()?, 0.0).await.ok()?;
        let seconds = line.found_as(&target, 3).await.ok()??;
        (seconds > 0.0).then(|| Duration::from_secs_f64(seconds.min(86_400.0)))
    }

    /// Reads what the registers hold that are not `kept` yet; returns whether anything is new.
    pub(super) async fn find(
        &mut self,
        row: &ControlRow,
        targets: &[Target],
        kept: &mut Vec<Kept>,
    ) -> Result<bool, Error> {
        let Wire::Modbus(line) = &self.wire else { return Ok(false) };
        let mut news = false;
        for target in targets {
            let place = |kept: &&mut Kept| (kept.start, kept.written.len()) == (target.start, target.words.len());
            if let Some(known) = kept.iter_mut().find(place) {
                news |= known.written != target.words;
                known.replace(target.words.clone());
                continue;
            }
            let (fc, start, written) = (target.fc, target.start, target.words.clone());
            let found = if row.read_back { line.found(target).await? } else { None };
            let (width, sunspec) = (target.number.registers(), target.sunspec);
            kept.push(Kept { fc, start, found, written, earlier: Vec::new(), width, sunspec });
            news = true;
        }
        // What takes control stands first, and is given back last.
        let place = |kept: &Kept| targets.iter().position(|target| target.start == kept.start).unwrap_or(usize::MAX);
        kept.sort_by_key(place);
        Ok(news)
    }

    /// Writes a value, and reads it again where the device can be read.
    pub(super) async fn write(&mut self, row: &ControlRow, targets: &[Target], setting: Setting) -> Result<(), Error> {
        match &mut self.wire {
            Wire::Modbus(line) => {
                let written = write_all(line, targets, row.read_back).await;
                line.heed(written)
            }
            Wire::Mqtt { .. } => self.publish(&[&row.before[..], row.writes(setting)?].concat(), setting),
        }
    }

    /// Gives back what was found, the last written first. What could not be read gets the definition's safe value. Everything is tried.
    pub(super) async fn restore(&mut self, row: &ControlRow, kept: &[Kept]) -> Result<(), Error> {
        let lost = kept.iter().filter(|kept| kept.found.is_none());
        let lost: Vec<u16> = lost.map(|kept| kept.start).collect();
        let mut result = Ok(());
        if !lost.is_empty() {
            result = self.release(row, |target| lost.contains(&target.start)).await;
        }
        let Wire::Modbus(line) = &self.wire else { return result };
        for kept in kept.iter().rev() {
            if let Some(found) = to_restore(row, kept) {
                result = result.and(line.write(kept.fc, kept.start, found).await);
            }
        }
        result
    }

    /// Reads again what was given back.
    pub(super) async fn restored(&self, row: &ControlRow, kept: &[Kept]) -> Result<(), Error> {
        let Wire::Modbus(line) = &self.wire else { return Ok(()) };
        for kept in kept.iter().filter(|_| row.read_back) {
            if let Some(found) = to_restore(row, kept) {
                line.confirm(kept.start, found).await?;
            }
        }
        Ok(())
    }

    /// Writes the definition's safe value, and what gives control back even where the device does not take that value.
    pub(super) async fn release(&mut self, row: &ControlRow, which: impl Fn(&Target) -> bool) -> Result<(), Error> {
        let safe = row.name.safe();
        if let Wire::Mqtt { .. } = &self.wire {
            return self.publish(&[row.writes(safe)?, &row.restore[..]].concat(), safe);
        }
        let mut result = Ok(());
        for writes in [row.writes(safe)?, &row.restore[..]] {
            let targets = self.all(writes, safe).await;
            let Wire::Modbus(line) = &mut self.wire else { break };
            let written = match targets {
                Ok(mut targets) => {
                    targets.retain(&which);
                    write_all(line, &targets, row.read_back).await
                }
                Err(error) => Err(error),
            };
            result = result.and(line.heed(written));
        }
        result
    }

    /// Whether the device says that nobody took control of it: it does not hold what `before` writes first. Its owner's
    /// own values are then left alone.
    pub(super) async fn is_untaken(&mut self, row: &ControlRow) -> bool {
        let Some(first) = row.before.first() else { return false };
        let Ok(targets) = self.all(std::slice::from_ref(first), row.name.safe()).await else { return false };
        let (Wire::Modbus(line), Some(target)) = (&self.wire, targets.first()) else { return false };
        line.read(3, target.start, target.words.len()).await.is_ok_and(|held| held != target.words)
    }

    /// Compares what was written with what the device holds.
    pub(super) async fn look(&mut self, row: &ControlRow, kept: &[Kept]) -> Look {
        let Wire::Modbus(line) = &self.wire else { return Look::Stands };
        let (mut changes, mut foreign) = (Vec::new(), false);
        for (index, register) in kept.iter().enumerate() {
            let Some(found) = &register.found else { continue };
            let (start, count) = (register.start, register.written.len());
            if line.read(3, start, count).await.is_ok_and(|held| held == register.written) {
                continue;
            }
            let Ok(held) = line.steady(start, count).await else { return Look::Unread };
            if held != register.written {
                changes.push(format!("register {start} holds {}, not {}", plain(&held), plain(&register.written)));
                // What only takes control is nobody's value.
                foreign |= held != *found && !register.is_ours(&held) && index >= row.before.len();
            }
        }
        if changes.is_empty() { Look::Stands } else { Look::Changed { what: changes.join(", "), foreign } }
    }

    /// Of what was written, that which the device still holds, with what is to be written back: the rest is its own again, or somebody
    /// else's. A number may have been changed since it was written down, and counts as ours. Where HeatMine has `restarted` since, the
    /// models of a SunSpec device may have moved.
    pub(super) async fn still_ours(
        &mut self,
        row: &ControlRow,
        kept: Vec<Kept>,
        restarted: bool,
    ) -> Result<StillOurs, Error> {
        let Wire::Modbus(line) = &mut self.wire else { return Ok(StillOurs { kept, foreign: None }) };
        let (mut ours, mut foreign) = (Vec::new(), None);
        for mut register in kept {
            if let Some(place) = register.sunspec.filter(|_| restarted) {
                register.start = line.moved(place).await?;
            }
            if register.found.is_none() || !row.write.is_empty() {
                ours.push(register);
                continue;
            }
            match line.steady(register.start, register.written.len()).await {
                Ok(held) => match register.given_back(&held) {
                    Some(words) => {
                        (register.found, register.written) = (Some(words), held);
                        ours.push(register);
                    }
                    None if register.found.as_ref() != Some(&held) => {
                        let Kept { start, written, .. } = &register;
                        foreign = Some(format!("register {start} holds {}, not {}", plain(&held), plain(written)));
                    }
                    None => {}
                },
                Err(Error::Register { fault, .. }) if fault.is_unsupported() => ours.push(register),
                Err(error) => return Err(error),
            }
        }
        Ok(StillOurs { kept: ours, foreign })
    }

    /// Whether the device holds all of a value that is not its safe one.
    pub(super) async fn holds(&mut self, row: &ControlRow, setting: Setting) -> Result<bool, Error> {
        let targets = self.targets(row, setting).await?;
        let Wire::Modbus(line) = &self.wire else { return Ok(false) };
        for target in &targets {
            if line.found(target).await?.as_ref() != Some(&target.words) {
                return Ok(false);
            }
        }
        Ok(!targets.is_empty())
    }

    /// The writes as they go over the wire, those that belong together in one request.
    async fn all(&mut self, writes: &[Write], setting: Setting) -> Result<Vec<Target>, Error> {
        let mut targets: Vec<Target> = Vec::new();
        for write in writes {
            let value = self.value(write, setting)?;
            let Wire::Modbus(line) = &mut self.wire else { return Ok(Vec::new()) };
            let value = line.at_most(write, value).await?;
            let target = line.target(write, value).await?;
            match targets.last_mut().filter(|_| write.joined) {
                Some(last) => last.words.extend(target.words),
                None => targets.push(target),
            }
        }
        Ok(targets)
    }

    fn publish(&self, writes: &[Write], setting: Setting) -> Result<(), Error> {
        let Wire::Mqtt { link, connected: true } = &self.wire else { return Err(Error::BrokerAway) };
        for write in writes {
            let value = number(self.value(write, setting)?);
            let topic = self.parameters.apply(write.topic.as_deref().unwrap_or_default());
            let payload = self.parameters.apply(write.payload.as_deref().unwrap_or("{value}"));
            link.publish(topic, payload.replace("{value}", &value), false);
        }
        Ok(())
    }

    /// The number to write, scaled.
    fn value(&self, write: &Write, setting: Setting) -> Result<f64, Error> {
        let scale = write.scale.unwrap_or(1.0);
        if let Some(value) = write.value {
            return Ok(value * scale);
        }
        if let Some(key) = &write.parameter {
            return Ok(self.parameter(key)? * scale);
        }
        let base = write.above_parameter.as_ref().map_or(Ok(0.0), |key| self.parameter(key))?;
        Ok((base + setting.number().unwrap_or(0.0)) * scale)
    }

    fn parameter(&self, key: &str) -> Result<f64, Error> {
        let text = self.parameters.0.get(key).map_or("", String::as_str);
        let expected = "a number".to_owned();
        text.parse().map_err(|_| Error::Parameter { key: key.to_owned(), value: text.to_owned(), expected })
    }
}

/// What of a control still comes from us.
#[derive(Debug, Default)]
pub(super) struct StillOurs {
    pub(super) kept: Vec<Kept>,
    /// What somebody else has set, in words.
    pub(super) foreign: Option<String>,
}

async fn write_all(line: &Line, targets: &[Target], read_back: bool) -> Result<(), Error> {
    for target in targets {
        write(line, target, read_back).await?;
    }
    Ok(())
}

async fn write(line: &Line, target: &Target, read_back: bool) -> Result<(), Error> {
    let Target { fc, start, words, .. } = target;
    if target.when_changed && line.read(3, *start, words.len()).await? == *words {
        return Ok(());
    }
    line.write(*fc, *start, words).await?;
    if read_back && target.read_back {
        line.confirm(*start, words).await?;
    }
    Ok(())
}

/// What is written back: what was found, where something else was written. A number may have been written as anything.
fn to_restore<'a>(row: &ControlRow, kept: &'a Kept) -> Option<&'a Vec<u16>> {
    let changed = |found: &&Vec<u16>| **found != kept.written || !kept.earlier.is_empty() || !row.write.is_empty();
    kept.found.as_ref().filter(changed)
}

fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Words as a person reads them.
fn plain(words: &[u16]) -> String {
    words.iter().map(u16::to_string).collect::<Vec<_>>().join(" ")
}
