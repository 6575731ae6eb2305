//! Which settings are sent, and when: on change, in time before the device forgets, again after an error; never more often
//! than the device bears.

use crate::decision::{Control, Outcome, Setpoint, Setting};
use crate::point::{DeviceId, WORKER};
use crate::reason::Reason;
use crate::site::{ControlRange, Site};
use crate::time::{Timestamp, elapsed};
use std::collections::BTreeMap;
use std::time::Duration;

/// An order is renewed after this share of the time after which the device forgets it.
const RENEWAL: f64 = 0.4;
/// A failed order is tried again after this, or after the device's own interval where that is longer.
const RETRY: Duration = Duration::from_secs(10);
/// The engine's budget is renewed this often.
const WORKER_RENEWAL: Duration = Duration::from_secs(10);
/// Smaller steps upwards are not worth a write, as a share of the range.
const DEAD_BAND: f64 = 0.005;

/// The orders in force.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    ranges: BTreeMap<(DeviceId, Control), ControlRange>,
    issued: BTreeMap<(DeviceId, Control), Issued>,
    /// What went wrong with the last order of each device.
    pub errors: BTreeMap<DeviceId, String>,
}

#[derive(Clone, Copy, Debug)]
struct Issued {
    setting: Setting,
    at: Timestamp,
    changed: Timestamp,
    failed: bool,
}

impl Orders {
    /// No orders in force.
    pub(crate) fn new(site: &Site) -> Self {
        let controls = site
            .devices
            .iter()
            .flat_map(|device| device.controls.iter().map(|(control, range)| ((device.id.clone(), *control), *range)));
        let worker = ControlRange {
            min: 0.0,
            max: site.compute.max.0,
            min_interval: Duration::ZERO,
            keep_alive: Some(WORKER_RENEWAL.div_f64(RENEWAL)),
        };
        let mut ranges: BTreeMap<_, _> = controls.collect();
        ranges.insert((DeviceId(WORKER.to_owned()), Control::ComputeBudget), worker);
        Self { ranges, issued: BTreeMap::new(), errors: BTreeMap::new() }
    }

    /// Those of `wanted` that are to be sent at `now`. `urgent`: safe values are not held back.
    pub(crate) fn due(&mut self, wanted: &[Setpoint], urgent: bool, now: Timestamp) -> Vec<Setpoint> {
        let due = |setpoint: &Setpoint| {
            Some(Setpoint { setting: self.setting_due(setpoint, urgent, now)?, ..setpoint.clone() })
        };
        wanted.iter().filter_map(due).collect()
    }

    /// Takes note of what came of an order.
    pub(crate) fn take(&mut self, outcome: &Outcome) {
        let setpoint = &outcome.setpoint;
        let key = (setpoint.device.clone(), setpoint.setting.control());
        let Some(issued) = self.issued.get_mut(&key) else { return };
        issued.failed = outcome.error.is_some();
        match &outcome.error {
            Some(error) => {
                self.errors.insert(key.0, error.clone());
            }
            None => {
                let others = self.issued.iter().any(|((device, _), issued)| *device == key.0 && issued.failed);
                if !others {
                    self.errors.remove(&key.0);
                }
            }
        }
    }

    /// Orders that give every device back its own control.
    pub(crate) fn release(&self) -> Vec<Setpoint> {
        let safe = |(device, control): &(DeviceId, Control)| Setpoint {
            device: device.clone(),
            setting: control.safe(),
            reason: Reason::Off,
        };
        self.ranges.keys().map(safe).collect()
    }

    fn setting_due(&mut self, setpoint: &Setpoint, urgent: bool, now: Timestamp) -> Option<Setting> {
        let wanted = setpoint.setting;
        let key = (setpoint.device.clone(), setpoint.setting.control());
        let range = self.ranges.get(&key)?;
        let Some(issued) = self.issued.get_mut(&key) else {
            self.issued.insert(key, Issued { setting: wanted, at: now, changed: now, failed: false });
            return Some(wanted);
        };
        // After a clock that jumped back, waiting begins anew.
        (issued.at, issued.changed) = (issued.at.min(now), issued.changed.min(now));
        let waited = elapsed(issued.changed, now) >= range.min_interval
            || (urgent && wanted.is_safe())
            || matches!(wanted, Setting::ComputeBudget(_));
        if differs(issued.setting, wanted, range) && waited {
            *issued = Issued { setting: wanted, at: now, changed: now, failed: false };
            return Some(wanted);
        }
        let renewal = range.keep_alive.is_some_and(|keep| elapsed(issued.at, now) >= keep.mul_f64(RENEWAL));
        let retry = issued.failed && elapsed(issued.at, now) >= RETRY.max(range.min_interval);
        if renewal || retry {
            issued.at = now;
            // The order in force is renewed: a change that has to wait is not slipped in.
            return Some(issued.setting);
        }
        None
    }
}

/// Whether two settings differ enough to be worth a write; less power always is.
fn differs(from: Setting, to: Setting, range: &ControlRange) -> bool {
    match (from, to) {
        (Setting::ComputeBudget(from), Setting::ComputeBudget(to)) => {
            to < from || to.0 > from.0 + DEAD_BAND * range.max || (from.0 == 0.0 && to.0 > 0.0)
        }
        (Setting::HeatPumpSurplus(from), Setting::HeatPumpSurplus(to)) => {
            (to.0 - from.0).abs() > DEAD_BAND * range.max || (to.0 == 0.0) != (from.0 == 0.0)
        }
        (from, to) => from != to,
    }
}
