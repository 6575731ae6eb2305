//! The leases of a device's controls, one for each row of its definition.

use super::config::DeviceConfig;
use crate::definition::ControlRow;
use crate::error::Error;
use crate::lease::{Duty, Failure, Lease, Look, Terms, Wanted};
use crate::pace::Pace;
use plant::decision::{BatteryMode, Control, Setpoint, Setpoints, Setting};
use plant::point::DeviceId;
use plant::reason::Reason;
use plant::record::LeaseStatus;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

#[derive(Debug)]
pub(super) struct Leases {
    device: DeviceId,
    leases: BTreeMap<Control, (ControlRow, Lease)>,
    /// Controls that are written with the modes of another one.
    parts: BTreeMap<Control, Control>,
    /// What the device cannot be set to and was wanted in the newest cycle.
    impossible: BTreeMap<Control, Setting>,
}

impl Leases {
    /// Leases of the controls of `config`; an earlier run left those of `debts` set. Cycles up to number `cycle` do not count.
    pub(super) fn new(config: &DeviceConfig, pace: Pace, cycle: u64, debts: &BTreeSet<Control>) -> Self {
        let readable = config.address.transport() != "mqtt";
        let rows = &config.definition.control;
        let lease = |row: &ControlRow| {
            let debt = debts.contains(&row.name);
            let parts = rows.iter().filter(|part| part.part_of == Some(row.name));
            let lease = Lease::new(config.id.clone(), row.name, terms(row, pace, readable), cycle, debt);
            let lease = lease.with_parts(parts.map(|part| (part.name, part.range.unwrap_or_default())).collect());
            (row.name, (row.clone(), lease))
        };
        let leases = rows.iter().filter(|row| row.part_of.is_none()).map(lease).collect();
        let parts = rows.iter().filter_map(|row| Some((row.name, row.part_of?))).collect();
        Self { device: config.id.clone(), leases, parts, impossible: BTreeMap::new() }
    }

    /// The control with whose lease `control` is held.
    fn holder(&self, control: Control) -> Control {
        self.parts.get(&control).copied().unwrap_or(control)
    }

    /// What was done about a setpoint, as the core knows it: a number that is part of a mode is the mode's.
    pub(super) fn outcome(&self, setpoint: Setpoint) -> Setpoint {
        let setting = match (self.parts.get(&setpoint.setting.control()), setpoint.setting) {
            (None, setting) => setting,
            (Some(_), Setting::BatteryChargePower(_)) => Setting::BatteryMode(BatteryMode::Charge),
            (Some(holder), _) => holder.safe(),
        };
        Setpoint { setting, ..setpoint }
    }

    /// Takes note of what the core wants; returns what no write will say, once for each value: what is held already, what is not
    /// written for now, and what cannot be.
    pub(super) fn take(&mut self, wanted: &Wanted) -> Vec<(Setpoint, Option<String>)> {
        let setpoints = &wanted.setpoints;
        let before = std::mem::take(&mut self.impossible);
        let mut possible = Setpoints { cycle: setpoints.cycle, setpoints: Vec::new() };
        let mut news = Vec::new();
        for setpoint in setpoints.setpoints.iter().filter(|setpoint| setpoint.device == self.device) {
            let (setting, control) = (setpoint.setting, setpoint.setting.control());
            match self.check(setpoint) {
                Ok(()) => possible.setpoints.push(setpoint.clone()),
                Err(error) => {
                    self.impossible.insert(control, setting);
                    if before.get(&control) != Some(&setting) {
                        news.push((setpoint.clone(), Some(error.to_string())));
                    }
                }
            }
        }
        let held = self.leases.values_mut().filter_map(|(_, lease)| lease.take(&possible, wanted.at));
        news.extend(held);
        news
    }

    /// The controls, in the order in which they are written.
    pub(super) fn controls(&self) -> Vec<Control> {
        self.leases.keys().copied().collect()
    }

    /// The write of a control that is due, with the row that says how.
    pub(super) fn due(&mut self, control: Control, now: Instant) -> Option<(ControlRow, Duty)> {
        let (row, lease) = self.leases.get_mut(&control)?;
        lease.due(now).map(|duty| (row.clone(), duty))
    }

    /// Takes note of what came of a write; returns whether that is news to the core.
    pub(super) fn written(&mut self, duty: &Duty, failure: Option<Failure>, now: Instant) -> bool {
        let lease = self.lease(duty.setpoint.setting.control());
        lease.is_some_and(|lease| lease.written(duty, failure, now))
    }

    /// Takes note of a look; returns what the core has to know of it, in words.
    pub(super) fn looked(&mut self, control: Control, look: &Look, now: Instant) -> Option<String> {
        self.lease(control)?.looked(look, now)
    }

    /// Whether a control is left alone for now.
    pub(super) fn rests(&self, control: Control, now: Instant) -> bool {
        self.leases.get(&control).is_some_and(|(_, lease)| lease.rests(now))
    }

    /// What is wanted of a control that is left alone, and why.
    pub(super) fn unmet(&self, control: Control) -> Option<(Setpoint, String)> {
        self.leases.get(&control)?.1.unmet()
    }

    /// Somebody else has set a control.
    pub(super) fn yields(&mut self, control: Control, what: &str, now: Instant) {
        self.lease(control).into_iter().for_each(|lease| lease.yields(what, now));
    }

    /// A control turns out to have been left set.
    pub(super) fn owe(&mut self, control: Control) {
        self.lease(control).into_iter().for_each(Lease::owe);
    }

    /// The device ends what a control is set to after this time.
    pub(super) fn forgets_after(&mut self, control: Control, time: Duration) {
        self.lease(control).into_iter().for_each(|lease| lease.forgets_after(time));
    }

    fn lease(&mut self, control: Control) -> Option<&mut Lease> {
        let holder = self.holder(control);
        self.leases.get_mut(&holder).map(|(_, lease)| lease)
    }

    /// The controls that have modes, with those modes that are not safe.
    pub(super) fn modes(&self) -> Vec<(ControlRow, Vec<Setting>)> {
        let rows = self.leases.values().map(|(row, _)| row);
        rows.map(|row| (row.clone(), row.unsafe_modes())).collect()
    }

    /// The device is back after it was away.
    pub(super) fn back(&mut self) {
        self.leases.values_mut().for_each(|(_, lease)| lease.back());
    }

    /// The device answers again.
    pub(super) fn retry(&mut self) {
        self.leases.values_mut().for_each(|(_, lease)| lease.retry());
    }

    /// Lets go of everything for good.
    pub(super) fn end(&mut self) {
        self.leases.values_mut().for_each(|(_, lease)| lease.end());
    }

    /// Whether the device may hold something else than its safe values.
    pub(super) fn any_set(&self) -> bool {
        self.leases.values().any(|(_, lease)| lease.is_set())
    }

    /// The safe values that the device surely holds, after others were wanted.
    pub(super) fn released(&self) -> Vec<Setpoint> {
        let safe = |status: LeaseStatus| {
            let setting = status.setting.filter(|setting| setting.is_safe())?;
            Some(Setpoint { device: status.device, setting, reason: Reason::Off })
        };
        let surely = self.leases.values().filter(|(_, lease)| !lease.is_set());
        surely.filter_map(|(_, lease)| lease.status()).filter_map(safe).collect()
    }

    /// The controls that somebody wanted something of.
    pub(super) fn statuses(&self) -> Vec<LeaseStatus> {
        self.leases.values().filter_map(|(_, lease)| lease.status()).collect()
    }

    fn check(&self, setpoint: &Setpoint) -> Result<(), Error> {
        let control = setpoint.setting.control();
        let missing = || Error::NoControl { device: self.device.0.clone(), control: control.name() };
        let (row, _) = self.leases.get(&self.holder(control)).ok_or_else(missing)?;
        row.writes(setpoint.setting).map(|_| ())
    }
}

fn terms(row: &ControlRow, pace: Pace, readable: bool) -> Terms {
    let greatest = row.range.map_or(0.0, |[_, greatest]| greatest);
    Terms {
        range: row.range,
        min_interval: if row.min_interval_s > 0.0 { pace.real(row.min_interval()) } else { Duration::ZERO },
        keep_alive: row.keep_alive(),
        renew_safe: row.renew_safe,
        dead_band: Terms::DEAD_BAND * greatest,
        retry: Terms::RETRY,
        readable: readable && row.read_back,
    }
}

#[cfg(test)]
mod tests;
