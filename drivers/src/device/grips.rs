//! What we took of a device: the registers written, what was found in them, and the debts of it.

use super::config::DeviceConfig;
use super::line::Target;
use super::writer::{StillOurs, Writer};
use crate::debt::{Cost, Debt, Debts, Kept, Place};
use crate::definition::ControlRow;
use crate::error::Error;
use crate::lease::{Failure, Look};
use plant::decision::{Control, Setting};
use plant::point::DeviceId;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Grips {
    device: DeviceId,
    place: Place,
    debts: Debts,
    controls: BTreeMap<Control, Grip>,
}

/// What we took of a control.
#[derive(Clone, Debug, Default)]
struct Grip {
    kept: Vec<Kept>,
    /// An earlier run took it.
    inherited: bool,
    /// The device surely holds what was written last: it is given back without a look.
    sure: bool,
    /// Somebody else has set it since: what it holds when it is taken again is theirs.
    yielded: bool,
    /// What was written back and is not confirmed yet.
    restoring: Vec<Kept>,
}

impl Grips {
    pub(super) fn new(config: &DeviceConfig, debts: Debts) -> Self {
        let inherited =
            |debt: &Debt| (debt.control, Grip { kept: debt.registers.clone(), inherited: true, ..Grip::default() });
        let controls = debts.known.iter().map(inherited).collect();
        Self { device: config.id.clone(), place: place(config), debts, controls }
    }

    /// The controls that an earlier run may have left set, and nobody knows of it.
    pub(super) fn lost(&self) -> impl Iterator<Item = Control> {
        self.debts.lost.iter().copied()
    }

    /// The controls that may hold something of ours.
    pub(super) fn controls(&self) -> impl Iterator<Item = Control> {
        self.controls.keys().copied()
    }

    /// Sets a control: reads what its registers hold, has that written down, and only then writes. Returns the time after which the device
    /// ends it by itself, where it tells one.
    pub(super) async fn take(
        &mut self,
        writer: &mut Writer,
        row: &ControlRow,
        setting: Setting,
    ) -> Result<Option<Duration>, Failure> {
        if self.controls.get(&row.name).is_some_and(|grip| grip.yielded) {
            self.restore(writer, row, true).await.map_err(Failure::touched)?;
            self.restored(writer, row).await.map_err(Failure::touched)?;
        }
        let targets = writer.targets(row, setting).await.map_err(Failure::untouched)?;
        let known = self.controls.get(&row.name).cloned();
        if known.is_none() {
            writer.require(row).await.map_err(Failure::untouched)?;
        }
        let mut grip = Grip { sure: false, ..known.clone().unwrap_or_default() };
        let news = find(writer, row, &targets, &mut grip.kept).await.map_err(Failure::untouched)?;
        // The way back of the first write is paid for in advance.
        let writes = if known.is_none() { 2 } else { 1 };
        let cost = row.writes_a_day.map(|daily| Cost { writes, daily });
        let kept = grip.kept.clone();
        // What is cut short from here on is compared before it is given back.
        self.controls.insert(row.name, grip);
        if known.is_none() || news || cost.is_some() {
            let owed = self.owe(row.name, &kept, cost).await;
            if let Err(error) = owed {
                self.withdraw(row.name, known).await;
                return Err(Failure::barred(error));
            }
        }
        let revert = writer.revert(row).await;
        let written = writer.write(row, &targets, setting).await;
        self.looked(row.name, written.is_ok());
        if let Err(Error::NotTaken { register, held, .. }) = &written {
            self.learn(row.name, *register, held).await;
        }
        // What a device refuses, or makes something else of, is not left half done.
        written
            .map(|()| revert)
            .map_err(|error| if is_refusal(&error) { Failure::refused(error) } else { Failure::touched(error) })
    }

    /// What a device made of a value is ours as well, also for whoever gives it back after a crash.
    async fn learn(&mut self, control: Control, register: u16, held: &[u16]) {
        let Some(grip) = self.controls.get_mut(&control) else { return };
        grip.kept.iter_mut().filter(|kept| kept.start == register).for_each(|kept| kept.add(held.to_vec()));
        let kept = grip.kept.clone();
        let _ = self.owe(control, &kept, None).await;
    }

    /// Goes back to what was known before a debt that could not be written down, which it may be late.
    async fn withdraw(&mut self, control: Control, known: Option<Grip>) {
        match known {
            Some(grip) => drop(self.controls.insert(control, grip)),
            None => self.forget(control).await,
        }
    }

    /// Takes over a control that turns out to be left set, with nothing known of what it held before.
    pub(super) async fn adopt(&mut self, control: Control) {
        self.controls.insert(control, Grip { inherited: true, ..Grip::default() });
        let _ = self.owe(control, &[], None).await;
    }

    /// Writes a value again before the device forgets it.
    pub(super) async fn renew(&self, writer: &mut Writer, row: &ControlRow, setting: Setting) -> Result<(), Error> {
        let targets = writer.targets(row, setting).await?;
        writer.write(row, &targets, setting).await
    }

    /// Writes back what was found; where nothing is known of it, the definition's safe value. To `compare` first leaves alone what
    /// somebody else has set in the meantime, and says what; what is not sure is compared always.
    pub(super) async fn restore(
        &mut self,
        writer: &mut Writer,
        row: &ControlRow,
        compare: bool,
    ) -> Result<Option<String>, Error> {
        let grip = self.controls.get(&row.name).cloned().unwrap_or_default();
        if grip.kept.is_empty() {
            if grip.inherited && writer.is_untaken(row).await {
                return Ok(None);
            }
            return writer.release(row, |_| true).await.map(|()| None);
        }
        let compares = (compare || !grip.sure) && row.read_back;
        let StillOurs { kept, foreign } = match compares {
            true => writer.still_ours(row, grip.kept, grip.inherited).await?,
            false => StillOurs { kept: grip.kept, foreign: None },
        };
        if kept.iter().any(|kept| kept.found.is_none()) {
            let (device, control) = (&self.device, row.name);
            tracing::warn!(%device, %control, "what it held before could not be read: it gets the definition's safe value");
        }
        if let Some(grip) = self.controls.get_mut(&row.name) {
            grip.restoring.clone_from(&kept);
            grip.sure = false;
        }
        writer.restore(row, &kept).await.map(|()| foreign)
    }

    /// Reads again what was written back; then the debt is forgotten.
    pub(super) async fn restored(&mut self, writer: &Writer, row: &ControlRow) -> Result<(), Error> {
        let grip = self.controls.get(&row.name).cloned().unwrap_or_default();
        writer.restored(row, &grip.restoring).await?;
        if grip.inherited {
            let (device, control) = (&self.device, row.name);
            let how = match (grip.kept.is_empty(), grip.restoring.is_empty()) {
                (false, true) => "holds nothing of ours any more after an unclean stop: left alone",
                (true, _) | (false, false) => "given back its own control after an unclean stop",
            };
            tracing::info!(%device, %control, "{how}");
        }
        self.forget(row.name).await;
        Ok(())
    }

    /// Compares what was written with what the device holds.
    pub(super) async fn look(&mut self, writer: &mut Writer, row: &ControlRow) -> Look {
        let kept = self.controls.get(&row.name).map(|grip| grip.kept.clone()).unwrap_or_default();
        let look = writer.look(row, &kept).await;
        self.looked(row.name, look == Look::Stands);
        look
    }

    /// Somebody else has set the control. What was found before is kept: it may be put back to what we wrote.
    pub(super) fn yielded(&mut self, control: Control) {
        self.controls.get_mut(&control).into_iter().for_each(|grip| grip.yielded = true);
    }

    fn looked(&mut self, control: Control, sure: bool) {
        self.controls.get_mut(&control).into_iter().for_each(|grip| grip.sure = sure);
    }

    async fn owe(&self, control: Control, kept: &[Kept], cost: Option<Cost>) -> Result<(), Error> {
        let (device, place) = (self.device.clone(), Some(self.place.clone()));
        let debt = Debt { device, control, place, registers: kept.to_vec() };
        self.debts.owe(debt, cost).await.map_err(|why| Error::Unowed { why })
    }

    async fn forget(&mut self, control: Control) {
        if self.controls.contains_key(&control) {
            self.debts.settle(self.device.clone(), control).await;
            self.controls.remove(&control);
        }
    }
}

/// Reads what the targets hold that is not known yet; returns whether the debt on the disk has to be written anew. A number goes up and
/// down: what was found before it is what counts, and that is there. What a heat pump is offered is a signal that nobody set.
async fn find(writer: &mut Writer, row: &ControlRow, targets: &[Target], kept: &mut Vec<Kept>) -> Result<bool, Error> {
    if row.name == Control::HeatPumpSurplus {
        return Ok(false);
    }
    let known = kept.len();
    let news = writer.find(row, targets, kept).await?;
    Ok(kept.len() > known || (news && row.write.is_empty()))
}

/// Whether the device does not take the value, or makes something else of it.
fn is_refusal(error: &Error) -> bool {
    matches!(error, Error::NotTaken { .. }) || matches!(error, Error::Register { fault, .. } if fault.is_unsupported())
}

/// Where the device is, for whoever has to give it back without its section of the configuration.
fn place(config: &DeviceConfig) -> Place {
    Place {
        definition: config.definition.id.clone(),
        address: config.address.to_string(),
        unit: config.unit,
        parameters: config.parameters.clone(),
    }
}
