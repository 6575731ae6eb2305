//! What a device was told, what it has to be told again, and when it is given back to its own control. Pure: orders and
//! moments in, writes to make out.
//!
//! ```text
//!   untouched --order--> held --same order--> held (renewed in under half of the keep-alive, unless it is safe)
//!                         | other order within the minimum interval: waits, the newest wins
//!                         | no order for three keep-alives, or shutdown
//!                         v
//!                     given back (safe value written)
//! ```
//!
//! The core has a pacing of its own (`plant::orders`), and both are needed: it renews orders so that the driver knows that
//! the core is alive, which costs no write; the driver alone decides when the wire is used.

use crate::definition::{ControlRow, Definition};
use crate::error::Error;
use crate::pace::Pace;
use plant::decision::{BatteryMode, Control, HeatPumpMode, Setpoint, Setting};
use plant::units::{Percent, Watts};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// Between two attempts at a write that the device did not take.
const RETRY: Duration = Duration::from_secs(5);
/// A value is written again after this share of the time after which the device forgets it: one write may be lost.
const RENEWAL: f64 = 0.4;
/// Orders have stopped when none came for so many keep-alives.
const PATIENCE: u32 = 3;

/// A write to make.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Duty {
    pub(crate) control: Control,
    pub(crate) setting: Setting,
    /// The order behind it, where somebody wants to know what came of it.
    pub(crate) order: Option<Setpoint>,
    /// Whether the device is given back with it.
    pub(crate) release: bool,
}

/// What an order leads to at once.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reply {
    /// A write to make.
    Do(Duty),
    /// The device holds this already, or it waits for its time.
    Held {
        /// Whether the device holds it already.
        done: bool,
    },
    /// The device cannot be told this.
    Refused(Error),
}

#[derive(Debug)]
pub(crate) struct Controls {
    pace: Pace,
    held: BTreeMap<Control, Held>,
}

#[derive(Debug)]
struct Held {
    row: ControlRow,
    setting: Option<Setting>,
    changed_at: Option<Instant>,
    written_at: Option<Instant>,
    ordered_at: Option<Instant>,
    waiting: Option<Setpoint>,
    /// An order the device did not take.
    failed: Option<Setpoint>,
}

impl Controls {
    pub(crate) fn new(definition: &Definition, pace: Pace) -> Self {
        let held = |row: &ControlRow| Held {
            row: row.clone(),
            setting: None,
            changed_at: None,
            written_at: None,
            ordered_at: None,
            waiting: None,
            failed: None,
        };
        Self { pace, held: definition.control.iter().map(|row| (row.name, held(row))).collect() }
    }

    /// The definition's row of a control.
    pub(crate) fn row(&self, control: Control) -> Option<&ControlRow> {
        self.held.get(&control).map(|held| &held.row)
    }

    pub(crate) fn order(&mut self, order: Setpoint, now: Instant) -> Reply {
        let control = order.setting.control();
        let Some(held) = self.held.get_mut(&control) else {
            return Reply::Refused(Error::NoControl { device: order.device.0, control: control.name() });
        };
        let setting = match bounded(order.setting, &held.row) {
            Ok(setting) => setting,
            Err(error) => return Reply::Refused(error),
        };
        held.ordered_at = Some(now);
        let order = Setpoint { setting, ..order };
        if held.setting == Some(setting) && held.failed.is_none() {
            held.waiting = None;
            return Reply::Held { done: true };
        }
        let rest = self.pace.real(held.row.min_interval());
        let early = held.row.min_interval_s > 0.0 && held.changed_at.is_some_and(|at| now.duration_since(at) < rest);
        if early && !setting.is_safe() {
            held.waiting = Some(order);
            return Reply::Held { done: false };
        }
        held.waiting = None;
        Reply::Do(Duty { control, setting, order: Some(order), release: false })
    }

    /// The writes that time asks for: waiting orders, renewals, and the safe value where orders have stopped.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<Duty> {
        let pace = self.pace;
        self.held.iter_mut().filter_map(|(control, held)| held.due(*control, pace, now)).collect()
    }

    /// Notes what came of a write.
    pub(crate) fn written(&mut self, duty: &Duty, worked: bool, now: Instant) {
        let Some(held) = self.held.get_mut(&duty.control) else { return };
        if !worked && duty.order.is_none() {
            // The device still holds what it held.
            held.written_at = Some(now);
            return;
        }
        if held.setting != Some(duty.setting) {
            held.changed_at = Some(now);
        }
        held.setting = Some(duty.setting);
        held.written_at = Some(now);
        held.failed = if worked { None } else { duty.order.clone() };
        if duty.release && worked {
            held.ordered_at = None;
        }
    }

    /// The safe value of every control that does not hold it, as far as is known.
    pub(crate) fn give_back(&self) -> Vec<Duty> {
        let changed = |held: &Held| held.failed.is_some() || held.setting.is_some_and(|setting| !setting.is_safe());
        let changed = self.held.iter().filter(|(_, held)| changed(held));
        changed
            .map(|(control, _)| Duty { control: *control, setting: control.safe(), order: None, release: true })
            .collect()
    }
}

impl Held {
    fn due(&mut self, control: Control, pace: Pace, now: Instant) -> Option<Duty> {
        if let Some(order) = self.waiting.take() {
            let rest = pace.real(self.row.min_interval());
            if self.changed_at.is_none_or(|at| now.duration_since(at) >= rest) {
                return Some(Duty { control, setting: order.setting, order: Some(order), release: false });
            }
            self.waiting = Some(order);
        }
        let (setting, written_at) = (self.setting?, self.written_at?);
        if self.failed.is_some() {
            let again = now.duration_since(written_at) >= RETRY;
            return again.then(|| Duty { control, setting, order: self.failed.clone(), release: false });
        }
        if setting.is_safe() && !self.row.renew_safe {
            return None;
        }
        let keep_alive = pace.real(self.row.keep_alive()?);
        let ordered_at = self.ordered_at?;
        if now.duration_since(ordered_at) > keep_alive * PATIENCE {
            // Our own dead-man: whoever gave the orders is gone.
            return Some(Duty { control, setting: control.safe(), order: None, release: true });
        }
        let renew = now.duration_since(written_at) >= keep_alive.mul_f64(RENEWAL);
        renew.then_some(Duty { control, setting, order: None, release: false })
    }
}

/// The setting within the control's bounds.
fn bounded(setting: Setting, row: &ControlRow) -> Result<Setting, Error> {
    let [low, high] = row.range.unwrap_or([f64::MIN, f64::MAX]);
    let within = |value: f64| {
        if value.is_finite() {
            Ok(value.clamp(low, high))
        } else {
            Err(Error::Value { control: row.name.name(), value })
        }
    };
    match setting {
        Setting::ComputeBudget(watts) => Ok(Setting::ComputeBudget(Watts(within(watts.0)?))),
        Setting::HeatPumpSurplus(watts) => Ok(Setting::HeatPumpSurplus(Watts(within(watts.0)?))),
        Setting::PvLimit(percent) => Ok(Setting::PvLimit(Percent(within(percent.0)?))),
        Setting::BatteryMode(_) | Setting::HeatPumpMode(_) => {
            let mode = mode_name(setting).unwrap_or_default();
            if row.mode.contains_key(mode) {
                return Ok(setting);
            }
            let known: Vec<&str> = row.mode.keys().map(String::as_str).collect();
            Err(Error::Mode { control: row.name.name(), mode, expected: known.join(", ") })
        }
    }
}

/// The name of a mode, as definitions write it.
pub(crate) fn mode_name(setting: Setting) -> Option<&'static str> {
    match setting {
        Setting::BatteryMode(BatteryMode::Normal) | Setting::HeatPumpMode(HeatPumpMode::Normal) => Some("normal"),
        Setting::BatteryMode(BatteryMode::Hold) => Some("hold"),
        Setting::BatteryMode(BatteryMode::Charge) => Some("charge"),
        Setting::HeatPumpMode(HeatPumpMode::Block) => Some("block"),
        Setting::HeatPumpMode(HeatPumpMode::Boost) => Some("boost"),
        Setting::HeatPumpMode(HeatPumpMode::Force) => Some("force"),
        Setting::ComputeBudget(_) | Setting::HeatPumpSurplus(_) | Setting::PvLimit(_) => None,
    }
}

/// The number of a numeric setting.
pub(crate) fn number(setting: Setting) -> Option<f64> {
    match setting {
        Setting::ComputeBudget(watts) | Setting::HeatPumpSurplus(watts) => Some(watts.0),
        Setting::PvLimit(percent) => Some(percent.0),
        Setting::BatteryMode(_) | Setting::HeatPumpMode(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plant::point::DeviceId;
    use plant::reason::Reason;

    fn definition() -> Definition {
        let text = "id = 'x'\nproducts = ['X']\ntransport = ['tcp']\n[[control]]\nname = 'heat_pump.surplus'\nrange = [0, 5000]\nmin_interval_s = 20\nkeep_alive_s = 60\nwrite = [{ fc = 16, address = 102, type = 'i16' }]\n[[control]]\nname = 'battery.mode'\n[control.mode]\nnormal = [{ fc = 6, address = 1, type = 'u16', value = 0 }]\nhold = [{ fc = 6, address = 1, type = 'u16', value = 1 }]\n";
        crate::definition::from_toml("x.toml", text).unwrap()
    }

    fn surplus(watts: f64) -> Setpoint {
        Setpoint {
            device: DeviceId("d".into()),
            setting: Setting::HeatPumpSurplus(Watts(watts)),
            reason: Reason::Surplus,
        }
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[tokio::test]
    async fn orders_are_bounded_spaced_renewed_and_finally_given_back() {
        let start = tokio::time::interval(Duration::from_secs(1)).tick().await;
        let mut controls = Controls::new(&definition(), Pace::default());
        let Reply::Do(duty) = controls.order(surplus(9000.0), start) else { panic!() };
        assert_eq!(duty.setting, Setting::HeatPumpSurplus(Watts(5000.0)));
        controls.written(&duty, true, start);
        assert_eq!(controls.order(surplus(9000.0), after(start, 1)), Reply::Held { done: true });
        assert_eq!(controls.order(surplus(1000.0), after(start, 2)), Reply::Held { done: false });
        assert_eq!(controls.due(after(start, 10)), vec![]);
        let due = controls.due(after(start, 20));
        assert_eq!(due[0].setting, Setting::HeatPumpSurplus(Watts(1000.0)));
        controls.written(&due[0], true, after(start, 20));
        assert_eq!(controls.due(after(start, 30)), vec![]);
        let renewal = controls.due(after(start, 45));
        assert!(renewal.len() == 1 && renewal[0].order.is_none() && !renewal[0].release, "{renewal:?}");
        controls.written(&renewal[0], true, after(start, 45));
        let release = controls.due(after(start, 200));
        assert!(release[0].release && release[0].setting == Setting::HeatPumpSurplus(Watts(0.0)), "{release:?}");
        controls.written(&release[0], true, after(start, 200));
        assert_eq!(controls.due(after(start, 400)), vec![]);
    }

    #[tokio::test]
    async fn a_safe_value_never_waits_and_a_failed_write_is_tried_again() {
        let start = tokio::time::interval(Duration::from_secs(1)).tick().await;
        let mut controls = Controls::new(&definition(), Pace::default());
        let Reply::Do(duty) = controls.order(surplus(800.0), start) else { panic!() };
        controls.written(&duty, false, start);
        assert!(matches!(controls.order(surplus(0.0), after(start, 1)), Reply::Do(_)));
        assert_eq!(controls.give_back().len(), 1);
    }

    /// When a device is written to in ten minutes in which the core repeats an order.
    fn writes(id: &str, setting: Setting, start: Instant) -> Vec<u64> {
        let mut controls = Controls::new(&crate::definition::find(id).unwrap(), Pace::default());
        let mut at = Vec::new();
        for second in 0..600 {
            let now = after(start, second);
            let mut duties = controls.due(now);
            if second % 10 == 0
                && let Reply::Do(duty) = controls.order(Setpoint { setting, ..surplus(0.0) }, now)
            {
                duties.push(duty);
            }
            for duty in duties {
                controls.written(&duty, true, now);
                at.push(second);
            }
        }
        at
    }

    #[tokio::test]
    async fn what_a_device_forgets_is_renewed_and_its_own_control_is_not() {
        let start = tokio::time::interval(Duration::from_secs(1)).tick().await;
        let (boost, normal) = (HeatPumpMode::Boost, HeatPumpMode::Normal);
        let rows = [
            ("stiebel-isg", Setting::HeatPumpMode(boost), Some(24)),
            ("stiebel-isg", Setting::HeatPumpMode(normal), None),
            ("sma-hybrid", Setting::BatteryMode(BatteryMode::Hold), Some(24)),
            ("sma-hybrid", Setting::BatteryMode(BatteryMode::Normal), None),
            ("solaredge", Setting::BatteryMode(BatteryMode::Hold), Some(48)),
            ("solaredge", Setting::BatteryMode(BatteryMode::Normal), None),
            ("lambda-eu-l", Setting::HeatPumpSurplus(Watts(500.0)), Some(24)),
            // Without a message for some minutes this one shows an error.
            ("lambda-eu-l", Setting::HeatPumpSurplus(Watts(0.0)), Some(24)),
            ("sungrow-sh", Setting::BatteryMode(BatteryMode::Hold), None),
        ];
        for (id, setting, every) in rows {
            let expected = every.map_or(vec![0], |every| (0..600).step_by(every).collect());
            assert_eq!(writes(id, setting, start), expected, "{id} {setting:?}");
        }
    }

    #[tokio::test]
    async fn what_is_not_taken_is_given_back_and_what_was_never_changed_is_not() {
        let start = tokio::time::interval(Duration::from_secs(1)).tick().await;
        // The orders, whether the device takes them, and the writes on the way out.
        let rows: [(&[(f64, bool)], usize); 5] = [
            (&[], 0),
            (&[(0.0, true)], 0),
            (&[(0.0, false)], 1),
            (&[(800.0, true)], 1),
            (&[(800.0, true), (0.0, true)], 0),
        ];
        for (orders, expected) in rows {
            let mut controls = Controls::new(&definition(), Pace::default());
            for (watts, worked) in orders {
                let Reply::Do(duty) = controls.order(surplus(*watts), start) else { panic!("{orders:?}") };
                controls.written(&duty, *worked, start);
            }
            assert_eq!(controls.give_back().len(), expected, "{orders:?}");
        }
    }

    #[tokio::test]
    async fn a_release_that_is_not_taken_is_made_again() {
        let start = tokio::time::interval(Duration::from_secs(1)).tick().await;
        let mut controls = Controls::new(&definition(), Pace::default());
        let Reply::Do(duty) = controls.order(surplus(800.0), start) else { panic!() };
        controls.written(&duty, true, start);
        for second in [190, 191] {
            let due = controls.due(after(start, second));
            assert!(due[0].release, "{due:?}");
            controls.written(&due[0], false, after(start, second));
        }
        let Reply::Do(duty) = controls.order(surplus(0.0), after(start, 192)) else { panic!() };
        controls.written(&duty, true, after(start, 192));
        assert_eq!((controls.due(after(start, 400)), controls.give_back()), (vec![], vec![]));
    }

    #[tokio::test]
    async fn impossible_orders_are_refused_with_words() {
        let start = tokio::time::interval(Duration::from_secs(1)).tick().await;
        let mut controls = Controls::new(&definition(), Pace::default());
        let order = |setting| Setpoint { setting, ..surplus(0.0) };
        for (setting, part) in [
            (Setting::PvLimit(Percent(50.0)), "no control pv.limit"),
            (Setting::HeatPumpSurplus(Watts(f64::NAN)), "cannot be NaN"),
            (Setting::BatteryMode(BatteryMode::Charge), "expected hold, normal"),
        ] {
            let Reply::Refused(why) = controls.order(order(setting), start) else { panic!("{setting:?}") };
            assert!(why.to_string().contains(part), "{why}");
        }
    }
}
