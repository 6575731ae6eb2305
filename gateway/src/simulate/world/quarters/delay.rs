//! How late such a house obeys, found out from what it did: an answer may take effect some quarter hours after it was sent.
//!
//! What the heat pump drew is compared with what the last answers said. The delay that explains it best counts, once it explains it
//! clearly better than the one that counted before.
//!
//! ```text
//! sent        k-3   k-2   k-1   | k: now
//! drew                    as k-2 said: one quarter hour late, so what k-1 said is under way, and k is planned for k + 1
//! ```

use super::answer::Answer;
use super::seen::Last;
use plant::plan::{Plan, PlannedSlot};
use plant::time::Slot;
use std::collections::VecDeque;

/// The longest delay that is looked for, in quarter hours, and the one of a house that obeys at once.
const DELAYS: usize = 3;
/// What is left of an old difference after a quarter hour.
const REMEMBERED: f64 = 0.97;
/// A quarter hour counts no more than this, in kW: what a full tank refuses says nothing of the delay.
const DIFFERENCE_MAX: f64 = 0.5;
/// By so many kW in all another delay has to be better.
const BETTER: f64 = 0.5;

/// The delay, and what was sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Delay {
    slots: usize,
    differences: [f64; DELAYS],
    /// The newest last.
    sent: VecDeque<Sent>,
}

/// What was sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Sent {
    /// The answer.
    pub answer: Answer,
    /// The plan behind it, and the quarter hour that it was made for.
    pub plan: Option<(Plan, Slot)>,
}

impl Delay {
    /// Something was sent.
    pub(super) fn send(&mut self, sent: Sent) {
        self.sent.push_back(sent);
        if self.sent.len() > DELAYS {
            self.sent.pop_front();
        }
    }

    /// What flowed in the quarter hour after the last answer.
    pub(super) fn hear(&mut self, last: &Last) {
        if self.sent.len() < DELAYS {
            return;
        }
        for (difference, Sent { answer, .. }) in self.differences.iter_mut().zip(self.sent.iter().rev()) {
            let off = |said: Option<f64>, did: f64| said.map_or(0.0, |said| (did - said / 1000.0).abs());
            let now = off(answer.p_hp_sh_w, last.psh) + off(answer.p_hp_dhw_w, last.pdw);
            *difference = REMEMBERED * *difference + now.min(DIFFERENCE_MAX);
        }
        let held = self.differences[self.slots];
        let best = (0..DELAYS).min_by(|a, b| self.differences[*a].total_cmp(&self.differences[*b]));
        if let Some(best) = best.filter(|best| self.differences[*best] < held - BETTER) {
            self.slots = best;
        }
    }

    /// What is still under way, the nearest first.
    pub(super) fn pending(&self) -> Vec<PlannedSlot> {
        let under_way = self.sent.iter().skip(self.sent.len().saturating_sub(self.slots));
        under_way
            .filter_map(|sent| {
                let (plan, from) = sent.plan.as_ref()?;
                plan.slots.iter().find(|planned| planned.slot == *from).cloned()
            })
            .collect()
    }

    /// The plan by which the house lived in `slot`, the last.
    pub(super) fn obeyed(&self, slot: Slot) -> Option<Plan> {
        let (plan, from) = self.sent.iter().rev().nth(self.slots)?.plan.as_ref()?;
        Some(beginning(plan, *from, slot))
    }
}

/// `plan`, made for the time from `from` on, as if it were for that from `to` on.
pub(super) fn beginning(plan: &Plan, from: Slot, to: Slot) -> Plan {
    let mut plan = plan.clone();
    if from != to {
        plan.made_at = to.start();
        for planned in &mut plan.slots {
            planned.slot = planned.slot.plus(to.0 - from.0);
            planned.start = planned.slot.start();
        }
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::*;
    use plant::command::Mode;
    use plant::units::Eur;

    fn plan(slot: Slot) -> Option<(Plan, Slot)> {
        let plan = Plan { made_at: slot.start(), mode: Mode::Auto, slots: Vec::new(), expected_net: Eur::ZERO };
        Some((plan, slot))
    }

    fn last(psh: f64) -> Last {
        serde_json::from_value(serde_json::json!({"pc": 0.0, "pbat": 0.0, "psh": psh, "pdw": 0.0, "g": 0.0, "x": 0.0}))
            .unwrap()
    }

    /// A house that does at `step` what it was asked `late` steps before; when its delay is found.
    fn found(late: usize) -> (Delay, Option<usize>) {
        let mut delay = Delay::default();
        let power = |step: usize| [0.0, 800.0, 1500.0, 400.0, 2000.0][step % 5];
        let mut found = None;
        for step in 0..60_usize {
            if step > 0 {
                let obeyed = step.checked_sub(late + 1).map_or(0.0, power);
                delay.hear(&last(obeyed / 1000.0));
            }
            if delay.slots == late {
                found = found.or(Some(step));
            }
            let answer = Answer { p_hp_sh_w: Some(power(step)), p_hp_dhw_w: Some(0.0), ..Answer::default() };
            delay.send(Sent { answer, plan: plan(Slot(step as i64)) });
        }
        (delay, found)
    }

    #[test]
    fn a_delay_is_found_within_an_hour_or_two() {
        for late in 0..DELAYS {
            let (delay, step) = found(late);
            assert_eq!(delay.slots, late);
            assert!(step.is_some_and(|step| step < 8), "{late}: {step:?}");
            // The house lives by the plan that was sent so many quarter hours before.
            let lived = delay.sent.iter().rev().nth(late).and_then(|sent| sent.plan.clone()).unwrap();
            assert_eq!(lived.1, Slot(59 - late as i64));
            assert_eq!(delay.obeyed(Slot(59)).unwrap().made_at, Slot(59).start());
        }
    }

    #[test]
    fn who_sends_no_power_learns_no_delay() {
        let mut delay = Delay::default();
        for step in 0..60 {
            delay.hear(&last(if step % 3 == 0 { 2.0 } else { 0.0 }));
            delay.send(Sent { answer: Answer::default(), plan: plan(Slot(step)) });
        }
        assert_eq!(delay.slots, 0);
        assert!(delay.pending().is_empty());
    }
}
