//! The plan that a local day began with: what happens in the day is held against it, not against plans that knew better later.
//!
//! Example: the plan of 23:45 expects 12 kWh of sun for the day that begins at 00:00. Every slot of that day keeps what this plan
//! says of it, whatever the plans of the morning say. After a restart the rest of the day is held against the first plan after it.

use crate::entry::Planned;
use crate::plan::Plan;
use crate::time::{Slot, Timestamp};
use chrono::NaiveDate;
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// The plan of one local day.
#[derive(Clone, Debug, Default)]
pub(super) struct DayPlan {
    day: Option<NaiveDate>,
    made_at: Option<Timestamp>,
    /// Whether it knows what the house uses: one that was made before anything was read yields to the next.
    knows: bool,
    slots: BTreeMap<Slot, Planned>,
}

impl DayPlan {
    /// Takes over what the plan in force at `now` says of the local day, once a day.
    pub(super) fn follow(&mut self, plan: Option<&Plan>, timezone: Tz, now: Timestamp) {
        let day_of = |at: Timestamp| at.with_timezone(&timezone).date_naive();
        let today = day_of(now);
        if self.day != Some(today) {
            *self = Self { day: Some(today), ..Self::default() };
        }
        let Some(plan) = plan.filter(|plan| !self.knows && self.made_at != Some(plan.made_at)) else { return };
        let Some(current) = plan.at(now) else { return };
        let of_today = plan.slots.iter().filter(|planned| day_of(planned.start) == today);
        self.slots = of_today.map(|planned| (planned.slot, Planned::of(planned, plan.made_at))).collect();
        (self.made_at, self.knows) = (Some(plan.made_at), current.load.is_some());
    }

    /// What it says of a slot.
    pub(super) fn get(&self, slot: Slot) -> Option<Planned> {
        self.slots.get(&slot).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Mode;
    use crate::plan::PlannedSlot;
    use crate::reason::{Reason, Worth};
    use crate::units::{Eur, EurPerKwh, Watts};

    /// A plan made at a moment whose slots expect so many watts of PV.
    fn plan(made_at: &str, pv: f64, slots: i64) -> Plan {
        let made_at: Timestamp = made_at.parse().unwrap();
        let first = Slot::containing(made_at);
        let planned = |ahead| PlannedSlot {
            slot: first.plus(ahead),
            start: first.plus(ahead).start(),
            import_price: Some(EurPerKwh(0.3)),
            export_price: EurPerKwh(0.08),
            estimated_from: None,
            pv: Some(Watts(pv)),
            load: Some(Watts(400.0)),
            compute: Watts::ZERO,
            floor: Watts::ZERO,
            ceiling: Watts::ZERO,
            battery_first: true,
            stored: EurPerKwh::ZERO,
            heat: Watts::ZERO,
            battery_soc: None,
            outdoor: None,
            reason: Reason::Idle,
            worth: Worth::default(),
            pv_spread: Watts::ZERO,
            load_spread: Watts::ZERO,
            house: None,
        };
        Plan { made_at, mode: Mode::Auto, slots: (0..slots).map(planned).collect(), expected_net: Eur::ZERO }
    }

    #[test]
    fn a_day_is_held_against_the_plan_it_began_with() {
        let (evening, morning) = (plan("2026-11-20T22:45:00Z", 1200.0, 144), plan("2026-11-21T06:00:00Z", 300.0, 144));
        let at = |at: &str| at.parse::<Timestamp>().unwrap();
        let mut kept = DayPlan::default();
        kept.follow(Some(&evening), chrono_tz::Europe::Berlin, at("2026-11-20T23:00:00Z"));
        kept.follow(Some(&morning), chrono_tz::Europe::Berlin, at("2026-11-21T06:00:01Z"));
        let noon = Slot::containing(at("2026-11-21T11:00:00Z"));
        let planned = kept.get(noon).unwrap();
        assert_eq!((planned.made_at, planned.pv), (at("2026-11-20T22:45:00Z"), Some(Watts(1200.0))));
        assert_eq!(kept.get(Slot::containing(at("2026-11-21T23:00:00Z"))), None, "the next day has a plan of its own");
        assert_eq!(kept.slots.len(), 96);
    }

    #[test]
    fn a_day_without_a_plan_takes_its_first() {
        let now = "2026-11-21T09:00:00Z".parse().unwrap();
        let mut kept = DayPlan::default();
        kept.follow(None, chrono_tz::Europe::Berlin, now);
        assert_eq!(kept.get(Slot::containing(now)), None);
        // One that ended before now says nothing of it.
        kept.follow(Some(&plan("2026-11-20T22:45:00Z", 1200.0, 8)), chrono_tz::Europe::Berlin, now);
        assert_eq!(kept.get(Slot::containing(now)), None);
        // One that does not know what the house uses yields to the next.
        let mut blind = plan("2026-11-21T09:00:00Z", 200.0, 8);
        blind.slots.iter_mut().for_each(|slot| slot.load = None);
        kept.follow(Some(&blind), chrono_tz::Europe::Berlin, now);
        assert_eq!(kept.get(Slot::containing(now)).and_then(|planned| planned.pv), Some(Watts(200.0)));
        kept.follow(Some(&plan("2026-11-21T09:00:01Z", 300.0, 8)), chrono_tz::Europe::Berlin, now);
        kept.follow(Some(&plan("2026-11-21T09:00:02Z", 400.0, 8)), chrono_tz::Europe::Berlin, now);
        assert_eq!(kept.get(Slot::containing(now)).and_then(|planned| planned.pv), Some(Watts(300.0)));
    }
}
