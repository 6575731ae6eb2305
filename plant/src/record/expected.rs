//! What the day is expected to cost.

use super::Record;
use crate::plan::{HouseIntent, PlannedSlot};
use crate::time::{Slot, Timestamp};
use crate::units::Eur;
use chrono::NaiveDate;

impl Record {
    /// What the local day is expected to cost, and what it would cost without compute and plan: the bill so far, less what others paid, and
    /// the plan for the rest. `None` where the plan is not of the whole house, or ends before the day.
    pub fn expected_today(&self) -> (Option<Eur>, Option<Eur>) {
        let Some(plan) = &self.plan else { return (None, None) };
        let day_of = |at: Timestamp| at.with_timezone(&self.timezone).date_naive();
        let today: NaiveDate = day_of(self.at);
        let ahead: Vec<&PlannedSlot> =
            plan.slots.iter().filter(|slot| slot.slot.end() > self.at && day_of(slot.start) == today).collect();
        let whole = ahead.first().is_some_and(|slot| slot.start <= self.at)
            && ahead.last().is_some_and(|slot| day_of(slot.slot.end()) != today);
        if !whole {
            return (None, None);
        }
        let sum = |of: fn(&HouseIntent) -> Option<Eur>| {
            let cost = |slot: &&PlannedSlot| {
                let left_s = (slot.slot.end() - slot.start.max(self.at)).as_seconds_f64();
                Some(of(slot.house.as_ref()?)? * (left_s / Slot::SECONDS as f64))
            };
            ahead.iter().map(cost).sum::<Option<Eur>>()
        };
        let so_far = self.today.cost - self.today.revenue;
        let expected = sum(|house| Some(house.cost)).map(|cost| so_far + cost);
        let without = sum(|house| house.cost_without).zip(self.today.known_cost_without());
        (expected, without.map(|(ahead, so_far)| so_far + ahead))
    }
}
