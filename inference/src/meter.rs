//! What the engine's work took: busy time, tokens, joules, and the rates of the last seconds.
//!
//! A *step* computes one batch and is *busy* for as long as that takes. Its *cycle* is the time since the end of the
//! step before: the pause and the busy time. Joules are the processor's own where it shows a counter (`rapl`), and
//! otherwise the power model's: idle power over the cycle, and what computing draws on top of it over the busy time.
//! The rates are moving averages over the last seconds.
//!
//! Example, a machine of 10 W idle and 110 W at full load: a pause of 0.5 s and a step of 0.5 s with 30 tokens take 10
//! W * 1 s + 100 W * 0.5 s = 60 J, which is 2 J per token. A second step, busy for 1 s in a cycle of 2 s with 60
//! tokens, fills the window of 3 s: 90 tokens in 3 s are 30 tokens/s, 1.5 s of 3 s is a utilisation of 0.5, and the
//! power is 60 W.

use crate::rapl::Rapl;
use crate::throttle::PowerModel;
use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};

/// The rates look this far back. Chosen: several steps with their pauses lie in it even at a small duty, and a person
/// sees a new budget act within seconds.
const WINDOW: Duration = Duration::from_secs(3);

/// A measured power needs two readings this far apart: processors renew their counter about every millisecond, so the
/// error is below one per cent, and the gateway asks twice a second.
const GAUGE_INTERVAL: Duration = Duration::from_millis(500);

/// The engine's pace over the last seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Rates {
    /// Tokens per second, prompt and generation together.
    pub tokens_per_second: f64,
    /// Share of the time spent computing.
    pub utilisation: f64,
}

struct Step {
    end: Instant,
    busy: Duration,
    tokens: usize,
}

pub(crate) struct Meter {
    /// The machine's power at idle and at work.
    pub power: PowerModel,
    /// Computing time since the start.
    pub busy: Duration,
    steps: VecDeque<Step>,
    rapl: Option<Rapl>,
    reading: Option<(Instant, f64)>,
    measured: Option<f64>,
    booked: f64,
}

impl Meter {
    /// A meter that measures where the machine shows a counter, and estimates by `power` elsewhere.
    pub(crate) fn new(power: PowerModel) -> Self {
        let rapl = Rapl::find(Path::new("/sys/class/powercap"));
        Self { power, busy: Duration::ZERO, steps: VecDeque::new(), rapl, reading: None, measured: None, booked: 0.0 }
    }

    /// Whether joules are measured.
    pub(crate) fn measures(&self) -> bool {
        self.rapl.is_some()
    }

    /// Work begins after a time without any: energy up to here is nobody's.
    pub(crate) fn begin(&mut self) {
        if let Some(rapl) = &mut self.rapl {
            self.booked = rapl.joules();
        }
    }

    /// Books a step that ended at `end` after `busy` time of computing; `cycle` also counts the pause before it. Gives
    /// the joules of the cycle.
    pub(crate) fn step(&mut self, end: Instant, busy: Duration, cycle: Duration, tokens: usize) -> f64 {
        self.busy += busy;
        self.steps.push_back(Step { end, busy, tokens });
        while self.steps.front().is_some_and(|step| end.duration_since(step.end) > WINDOW) {
            self.steps.pop_front();
        }
        if let Some(rapl) = &mut self.rapl {
            let total = rapl.joules();
            let joules = total - self.booked;
            self.booked = total;
            return joules;
        }
        self.power.idle * cycle.as_secs_f64() + (self.power.max - self.power.idle) * busy.as_secs_f64()
    }

    /// The pace over the last seconds before `now`.
    pub(crate) fn rates(&self, now: Instant) -> Rates {
        let mut busy = Duration::ZERO;
        let mut tokens = 0.0;
        for step in &self.steps {
            // A step may have begun before the window; the part inside counts.
            let inside = WINDOW.saturating_sub(now.saturating_duration_since(step.end)).min(step.busy);
            busy += inside;
            tokens += step.tokens as f64 * inside.as_secs_f64() / step.busy.as_secs_f64().max(1e-9);
        }
        let seconds = WINDOW.as_secs_f64();
        Rates { tokens_per_second: tokens / seconds, utilisation: (busy.as_secs_f64() / seconds).min(1.0) }
    }

    /// Watts at `now`, measured where the machine can.
    pub(crate) fn watts(&mut self, now: Instant) -> f64 {
        if let Some(rapl) = &mut self.rapl {
            let total = rapl.joules();
            match self.reading {
                Some((at, joules)) if now.saturating_duration_since(at) >= GAUGE_INTERVAL => {
                    self.measured = Some((total - joules) / now.saturating_duration_since(at).as_secs_f64());
                    self.reading = Some((now, total));
                }
                Some(_) => {}
                None => self.reading = Some((now, total)),
            }
        }
        self.measured.unwrap_or_else(|| self.power.watts(self.rates(now).utilisation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_joules_of_steps() {
        let start = crate::stopwatch::now();
        let mut meter = Meter::new(PowerModel { idle: 10.0, max: 110.0 });
        meter.rapl = None;
        let at = |ms| start + Duration::from_millis(ms);
        let joules = meter.step(at(1000), Duration::from_millis(500), Duration::from_millis(1000), 30);
        assert_eq!(joules, 10.0 + 50.0);
        meter.step(at(3000), Duration::from_millis(1000), Duration::from_millis(2000), 60);
        let rates = meter.rates(at(3000));
        assert!((rates.tokens_per_second - 30.0).abs() < 1e-9, "{rates:?}");
        assert!((rates.utilisation - 0.5).abs() < 1e-9);
        assert!((meter.watts(at(3000)) - 60.0).abs() < 1e-9);
        assert_eq!(meter.rates(at(9000)), Rates::default());
    }
}
