//! The lease of one control: what goes over the wire, and when. Pure: cycles of the core and moments of the machine's clock
//! come in, writes to make come out. Every control of a device has one, and so has the engine's budget.
//!
//! - *cycle*: every second the core states all settings that it wants, with a number that grows.
//! - *silence*: the number has not grown for [`SILENCE`]. A setting that stays the same is no silence.
//! - *fall-back*: in silence the lease lets go by itself: a dead-man switch over the core, on whatever thread that hangs.
//! - *safe value*: leaves the device under its own control. It never waits for the least interval.
//! - *renewal*: the same value again, in time before the device's own watchdog forgets it (its *keep-alive*).
//! - *dead band*: a change within it is none. Less power for the engine always is one.
//! - *least interval*: between two values, for the sake of a compressor or of flash memory; of those that waited, the newest is
//!   written. It alone follows the house's clock, where that runs faster than the machine's.
//! - *back-off*: what the device refuses is tried again after 5 s, 10 s, .. 5 min. A minute of health, not one success, begins
//!   it anew.
//! - *debt*: a device that an earlier run left set. It gets its safe value before anything else.
//! - *look*: what was set is compared with what the device holds, and written again or let be (see `look`).
//!
//! ```text
//!            another value is written                 the core is silent
//!   Own -------------------------------> Held --------------------------------> FellBack
//!    ^                                   |  ^                                     |   |
//!    +------ the safe value is written --+  +--- cycles go on, another value -----+   |
//!    +------------------------------------------ cycles go on, the safe value --------+
//! ```
//!
//! In numbers, a heat pump that takes 0 to 15 000 W, forgets after 60 s, bears a change every 10 s, and takes a silent sender for
//! a fault (`renew_safe`):
//!
//! | second | the core wants | written | why |
//! |---|---|---|---|
//! | 0 | 2000 W | 2000 W | a change |
//! | 1 | 2050 W | | within the dead band of 75 W |
//! | 2 to 9 | 3000 W | | the least interval |
//! | 10 | 3000 W | 3000 W | a change |
//! | 34, 58 | 3000 W | 3000 W | renewals, after 0.4 of 60 s |
//! | 60 to 69 | nothing more: the loop hangs | | |
//! | 69 | | 0 W | silence since second 59: the lease falls back |
//! | 93 | | 0 W | a renewal |
//! | 95 | 2500 W | 2500 W | cycles go on, the last change is long ago |

pub use look::Look;
use look::Standing;
use plant::decision::{BatteryMode, Control, Setpoint, Setpoints, Setting};
use plant::point::DeviceId;
use plant::reason::Reason;
use plant::record::{LeaseState, LeaseStatus};
use std::time::Duration;
use tokio::time::Instant;

/// The core is silent when its cycle number has not grown for this long. The loop cycles every two seconds at the least; the rest
/// is for a machine that is busy with other things.
pub const SILENCE: Duration = Duration::from_secs(10);
/// A value is renewed after this share of the time after which the device forgets it: one renewal may be lost.
const RENEWAL: f64 = 0.4;
/// A device that took its values for this long is well again.
const HEALTH: Duration = Duration::from_secs(60);
/// The waits of a back-off while the process ends, which has seconds to give the devices back.
const FAREWELL: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];

/// What a control bears and needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// Bounds of a numeric value.
    pub range: Option<[f64; 2]>,
    /// The least time between two different values, of the machine's clock.
    pub min_interval: Duration,
    /// The time after which the device forgets a value.
    pub keep_alive: Option<Duration>,
    /// Whether the safe value is renewed as well, because the device takes silence for a fault.
    pub renew_safe: bool,
    /// A numeric change up to this is none.
    pub dead_band: f64,
    /// The first and the longest wait after a refused write.
    pub retry: [Duration; 2],
    /// Whether what was set can be read.
    pub readable: bool,
}

impl Terms {
    /// From five seconds, in which a bus is free again, to five minutes: a device that refuses for hours is written to twelve
    /// times an hour.
    pub const RETRY: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(300)];
    /// Smaller steps are not worth a write: this share of the range.
    pub const DEAD_BAND: f64 = 0.005;
}

/// What the core wants, and when it said so by the machine's clock: a device that is being written to hears it later.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// All of one cycle.
    pub setpoints: Setpoints,
    /// When the cycle was.
    pub at: Instant,
}

impl Wanted {
    /// What is wanted from now on.
    pub fn new(setpoints: Setpoints) -> Self {
        Self { setpoints, at: Instant::now() }
    }
}

impl Default for Wanted {
    fn default() -> Self {
        Self::new(Setpoints::default())
    }
}

/// What is due at the device.
#[derive(Clone, Debug, PartialEq)]
pub struct Duty {
    /// The value it is about, and why it is wanted.
    pub setpoint: Setpoint,
    /// What is done with it.
    pub act: Act,
}

/// What is done with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// It is written.
    Set,
    /// It is written again: the device holds it and must not forget it.
    Renew,
    /// It is compared with what the device holds.
    Look,
}

/// A write that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// In words for a person.
    pub error: String,
    /// What it leaves the device with.
    pub harm: Harm,
}

/// What a failed write leaves a device with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// It may have taken some of it all the same.
    Touched,
    /// It was not written to.
    Untouched,
    /// It was not written to and may not be: what it still holds of ours is given back.
    Barred,
    /// It took some of it and refused the rest: what it took is given back.
    Refused,
}

impl Failure {
    /// The device may have taken some of it.
    pub fn touched(error: impl ToString) -> Self {
        Self { error: error.to_string(), harm: Harm::Touched }
    }

    /// Nothing was written.
    pub fn untouched(error: impl ToString) -> Self {
        Self { error: error.to_string(), harm: Harm::Untouched }
    }

    /// The device refused it, or a part of it.
    pub fn refused(error: impl ToString) -> Self {
        Self { error: error.to_string(), harm: Harm::Refused }
    }

    /// Nothing was written, and nothing may be.
    pub fn barred(error: impl ToString) -> Self {
        Self { error: error.to_string(), harm: Harm::Barred }
    }
}

/// One control in our keeping.
#[derive(Clone, Debug)]
pub struct Lease {
    device: DeviceId,
    control: Control,
    terms: Terms,
    /// Numbers that are part of it, and their bounds.
    parts: Vec<(Control, [f64; 2])>,
    /// The newest cycle, and when its number grew; no cycle counts before the number has grown.
    cycle: u64,
    grew_at: Option<Instant>,
    wanted: Option<Setpoint>,
    /// What the device holds, as far as is known.
    held: Setting,
    /// Whether it may hold something else: after a refused write, and with a debt.
    unsure: bool,
    changed_at: Option<Instant>,
    written_at: Option<Instant>,
    refusal: Option<Refusal>,
    /// When the device took a value again, and the last wait before that.
    recovery: Option<(Instant, Duration)>,
    standing: Standing,
    debt: bool,
    fell_back: bool,
    ending: bool,
}

/// A write that the device did not take.
#[derive(Clone, Debug)]
struct Refusal {
    setting: Setting,
    error: String,
    at: Instant,
    wait: Duration,
}

impl Lease {
    /// A lease of `control` that nobody has set yet, or that an earlier run left set where there is a `debt`. Cycles up to
    /// number `cycle` were for somebody else.
    pub fn new(device: DeviceId, control: Control, terms: Terms, cycle: u64, debt: bool) -> Self {
        Self {
            device,
            control,
            terms,
            parts: Vec::new(),
            cycle,
            grew_at: None,
            wanted: None,
            // What nobody has set is under the device's own control: its safe value need not be written, and its owner's is not.
            held: control.safe(),
            unsure: debt,
            changed_at: None,
            written_at: None,
            refusal: None,
            recovery: None,
            standing: Standing::default(),
            debt,
            fell_back: false,
            ending: false,
        }
    }

    /// The same lease, which also writes these numbers with its modes.
    #[must_use]
    pub fn with_parts(mut self, parts: Vec<(Control, [f64; 2])>) -> Self {
        self.parts = parts;
        self
    }

    /// What is wanted of the control and of the numbers that are part of it: one thing at a time. A power belongs to charging, and limits
    /// to the device's own mode.
    fn wanted_of(&self, setpoints: &Setpoints) -> Option<Setpoint> {
        let wanted = setpoints.get(&self.device, self.control).cloned();
        let mode = wanted.as_ref().map(|wanted| wanted.setting);
        let fits = |part: Control| match mode {
            Some(Setting::BatteryMode(BatteryMode::Charge)) => part == Control::BatteryChargePower,
            None => true,
            Some(mode) => mode.is_safe() && part != Control::BatteryChargePower,
        };
        let number = |(part, range): &(Control, [f64; 2])| {
            let setpoint =
                setpoints.get(&self.device, *part).filter(|found| fits(*part) && !found.setting.is_safe())?;
            Some(Setpoint { setting: bounded(setpoint.setting, Some(*range)), ..setpoint.clone() })
        };
        self.parts.iter().find_map(number).or(wanted)
    }

    /// Takes note of what the core wanted at the moment `at`. A number that has not grown is no sign of life. Returns what no write will
    /// say: a wanted value that the device surely holds already, as after a change that was withdrawn before it was written, and one that
    /// will not be written for now, with the reason.
    pub fn take(&mut self, setpoints: &Setpoints, at: Instant) -> Option<(Setpoint, Option<String>)> {
        if setpoints.cycle <= self.cycle {
            return None;
        }
        (self.cycle, self.grew_at, self.fell_back) = (setpoints.cycle, Some(at), false);
        let wanted = self.wanted_of(setpoints);
        let before = std::mem::replace(&mut self.wanted, wanted.clone());
        let changed = before.map(|before| before.setting) != wanted.as_ref().map(|wanted| wanted.setting);
        let news = self.standing.wakes(at) || changed;
        let wanted = wanted.filter(|_| news)?;
        let setting = bounded(wanted.setting, self.terms.range);
        if self.standing.rests(at) {
            // Its own value does not end the rest: what was said of it stands.
            return self.standing.why().filter(|_| !setting.is_safe()).map(|why| (wanted, Some(why.to_owned())));
        }
        if let Some(refusal) = self.refusal.as_ref().filter(|refusal| refusal.bars(setting, at)) {
            return Some((wanted, Some(refusal.error.clone())));
        }
        (!self.unsure && self.held == setting).then_some((wanted, None))
    }

    /// The device answers again: what it did not take is tried at once.
    pub fn retry(&mut self) {
        if let Some(refusal) = &mut self.refusal {
            refusal.wait = Duration::ZERO;
        }
    }

    /// The device is back, and may have been restarted: what was set is looked at.
    pub fn back(&mut self) {
        self.standing.back();
    }

    /// The device forgets a value after this time, as it says itself.
    pub fn forgets_after(&mut self, time: Duration) {
        self.terms.keep_alive = Some(self.terms.keep_alive.map_or(time, |known| known.min(time)));
    }

    /// Lets go for good: from here on only the safe value is written, where the device may hold another.
    pub fn end(&mut self) {
        (self.ending, self.refusal, self.terms.retry) = (true, None, FAREWELL);
    }

    /// What is due.
    pub fn due(&mut self, now: Instant) -> Option<Duty> {
        let setpoint = self.target(now);
        let target = setpoint.setting;
        if self.standing.rests(now) && !target.is_safe() {
            return None;
        }
        let refusal = self.refusal.as_ref();
        let barred = refusal.is_some_and(|refusal| refusal.bars(target, now));
        let changes = self.unsure || self.differs(self.held, target);
        if changes && !barred && (target.is_safe() || passed(self.changed_at, self.terms.min_interval, now)) {
            return Some(Duty { setpoint, act: Act::Set });
        }
        // Another value that was refused keeps nobody from renewing the one that is held.
        if self.unsure || (barred && refusal.is_some_and(|refusal| refusal.setting == self.held)) {
            return None;
        }
        // A change that has to wait is not slipped into a renewal.
        let setpoint = Setpoint { setting: self.held, ..setpoint };
        let renews = self.renews(now);
        let looks = self.terms.readable && !self.ending && !self.held.is_safe();
        if looks && self.standing.due(renews, self.written_at, now) {
            return Some(Duty { setpoint, act: Act::Look });
        }
        renews.then_some(Duty { setpoint, act: Act::Renew })
    }

    /// Whether the device is about to forget what it holds. What was never written is not renewed either.
    fn renews(&self, now: Instant) -> bool {
        let forgets = !self.ending && (!self.held.is_safe() || self.terms.renew_safe);
        let renewal = self.terms.keep_alive.filter(|_| forgets).map(|time| time.mul_f64(RENEWAL));
        renewal.zip(self.written_at).is_some_and(|(time, at)| now.duration_since(at) >= time)
    }

    /// Takes note of a look at the value that the device should hold. Returns, where it does not hold it, why in words: that is news
    /// to the core.
    pub fn looked(&mut self, look: &Look, now: Instant) -> Option<String> {
        let rest = self.standing.looked(look, now);
        let Look::Changed { what, .. } = look else { return None };
        // What stays alone is its own; what falls back is written again.
        self.unsure = true;
        Some(rest.unwrap_or_else(|| format!("it did not keep what it was set to ({what}); it is written again")))
    }

    /// Whether the control is left alone for now.
    pub fn rests(&self, now: Instant) -> bool {
        self.standing.rests(now)
    }

    /// What is wanted and left alone for now, and why.
    pub fn unmet(&self) -> Option<(Setpoint, String)> {
        let wanted = self.wanted.clone().filter(|wanted| !wanted.setting.is_safe());
        wanted.zip(self.standing.why().map(str::to_owned))
    }

    /// Somebody else has set the control, as was seen when it was given back.
    pub fn yields(&mut self, what: &str, now: Instant) {
        self.standing.yields(what, now);
    }

    /// The device turns out to hold a value that an earlier run left.
    pub fn owe(&mut self) {
        (self.unsure, self.debt) = (true, true);
    }

    /// Takes note of what came of a write. Returns whether that is news to the core.
    pub fn written(&mut self, duty: &Duty, failure: Option<Failure>, now: Instant) -> bool {
        let setting = duty.setpoint.setting;
        let renewal = duty.act == Act::Renew;
        if !renewal {
            self.changed_at = Some(now);
        }
        let Some(Failure { error, harm }) = failure else {
            (self.held, self.unsure, self.written_at) = (setting, false, Some(now));
            self.standing.written(now);
            self.debt &= !setting.is_safe();
            // That its own value is taken does not make it take the one that it refused.
            let refusal = self.refusal.take_if(|refusal| !setting.is_safe() || refusal.setting.is_safe());
            self.recovery = refusal.as_ref().map(|refusal| (now, refusal.wait)).or(self.recovery);
            return !renewal || refusal.is_some();
        };
        let [first, longest] = self.terms.retry;
        let before = self.refusal.as_ref().map(|refusal| refusal.wait);
        let relapse = self.recovery.filter(|(at, _)| now.duration_since(*at) < HEALTH).map(|(_, wait)| wait);
        let wait = before.or(relapse).map_or(first, |wait| (wait * 2).clamp(first, longest));
        self.unsure |= !renewal && harm == Harm::Touched;
        if harm == Harm::Refused || (harm == Harm::Barred && self.is_set()) {
            self.owe();
        }
        self.refusal = Some(Refusal { setting, error, at: now, wait });
        true
    }

    /// Whether the device may hold something else than its safe value.
    pub fn is_set(&self) -> bool {
        self.unsure || !self.held.is_safe()
    }

    /// The lease as a person may know it; `None` before anybody wanted anything of the control.
    pub fn status(&self) -> Option<LeaseStatus> {
        let touched = self.wanted.is_some() || self.written_at.is_some() || self.unsure;
        let set = self.is_set() && self.standing.why().is_none();
        let state = match (self.fell_back, set) {
            (true, _) => LeaseState::FellBack,
            (false, true) => LeaseState::Held,
            (false, false) => LeaseState::Own,
        };
        let wanted = self.wanted.as_ref().is_some_and(|wanted| !wanted.setting.is_safe());
        let stands = |refusal: &&Refusal| wanted || refusal.setting.is_safe() || self.unsure;
        let refused = self.refusal.as_ref().filter(stands).map(|refusal| refusal.error.as_str());
        let error = refused.or(self.standing.why().filter(|_| wanted)).map(str::to_owned);
        let (device, control) = (self.device.clone(), self.control);
        let setting = (!self.debt).then_some(self.held);
        touched.then_some(LeaseStatus { device, control, state, setting, error })
    }

    /// The value that the device should hold: its safe one where nobody has a say.
    fn target(&mut self, now: Instant) -> Setpoint {
        let silent = self.grew_at.is_some_and(|at| now.duration_since(at) >= SILENCE);
        self.fell_back |= silent && !self.ending && self.is_set();
        let wanted = self.wanted.as_ref().filter(|_| !silent && !self.ending && !self.debt);
        if let Some(wanted) = wanted {
            return Setpoint { setting: bounded(wanted.setting, self.terms.range), ..wanted.clone() };
        }
        Setpoint { device: self.device.clone(), setting: self.control.safe(), reason: Reason::Off }
    }

    /// Whether two settings differ enough to be worth a write; less power for the engine always does.
    fn differs(&self, from: Setting, to: Setting) -> bool {
        let beyond = |from: f64, to: f64| (to - from).abs() > self.terms.dead_band || (to == 0.0) != (from == 0.0);
        if from.control() != to.control() {
            return true;
        }
        match (from.number(), to.number()) {
            (Some(less), Some(more)) if more < less && to.control() == Control::ComputeBudget => true,
            (Some(less), Some(more)) => beyond(less, more) || from.is_safe() != to.is_safe(),
            (_, _) => from != to,
        }
    }
}

impl Refusal {
    /// Whether the device is spared an attempt. Giving it back after another value was refused is not put off.
    fn bars(&self, target: Setting, now: Instant) -> bool {
        let first_release = target.is_safe() && !self.setting.is_safe();
        !first_release && !passed(Some(self.at), self.wait, now)
    }
}

fn passed(since: Option<Instant>, time: Duration, now: Instant) -> bool {
    since.is_none_or(|at| now.duration_since(at) >= time)
}

/// The setting within the control's bounds; the safe one for a number that is none. The safe one always stands: it is no value to bear.
fn bounded(setting: Setting, range: Option<[f64; 2]>) -> Setting {
    let [low, high] = range.unwrap_or([f64::MIN, f64::MAX]);
    match setting.number().filter(|_| !setting.is_safe()) {
        Some(number) if number.is_finite() => setting.with_number(number.clamp(low, high)),
        Some(_) => setting.control().safe(),
        None => setting,
    }
}

mod look;

#[cfg(test)]
mod tests;
