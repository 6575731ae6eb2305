//! What compute drew at a moment: between two numbers, where a budget was just set and no meter has spoken since.
//!
//! A meter's value is older than the budget of this second, and the plug's is older or newer than the grid meter's. Who
//! subtracts one from another asks here what compute drew when the other was taken.
//!
//! Terms: compute is *settled* when its budget has not changed for as long as the box may take to obey. It is *bound* when it
//! draws what it may, and not when its work takes less.
//!
//! Example: 900 W at 10:00:00, when the budget becomes 5000 W; the plug speaks every ten seconds, the box takes four to obey. At
//! 10:00:02 compute draws between 900 and 5000 W, at 10:00:05 5000 W, and from 10:00:10 on what the plug says.

use crate::site::Compute;
use crate::time::Moment;
use crate::units::Watts;
use std::collections::VecDeque;
use std::time::Duration;

/// What is remembered: as long as the slowest reading of a house's power stands.
const MEMORY: Duration = Duration::from_secs(600);
/// How late a plug may show what compute drew: plugs average over a second, and their word travels. Until then it may be of the way.
const LATE: Duration = Duration::from_secs(2);
/// Compute that draws less than this share of its budget is not bound by it: meters and throttles are exact to some percent.
const BOUND: f64 = 0.9;

/// A power that lies between two numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Span {
    /// At least.
    pub least: Watts,
    /// At most.
    pub most: Watts,
}

impl Span {
    /// A power that is known.
    pub(crate) fn exactly(power: Watts) -> Self {
        Self { least: power, most: power }
    }

    fn with(self, other: Self) -> Self {
        Self { least: self.least.min(other.least), most: self.most.max(other.most) }
    }
}

/// The budgets and readings of the last minutes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draw {
    budgets: VecDeque<(Moment, Watts)>,
    readings: VecDeque<(Moment, Watts)>,
}

impl Draw {
    /// Compute may draw `budget` from `moment` on.
    pub(crate) fn set(&mut self, moment: Moment, budget: Watts) {
        if self.budgets.back().is_none_or(|(_, last)| *last != budget) {
            self.budgets.push_back((moment, budget));
        }
        // The one that was in force when memory begins stays.
        while self.budgets.get(1).is_some_and(|(set, _)| moment.since(*set) > MEMORY) {
            self.budgets.pop_front();
        }
    }

    /// The budget in force; `None` before the first.
    pub(crate) fn budget(&self) -> Option<Watts> {
        self.budgets.back().map(|(_, budget)| *budget)
    }

    /// A meter says that compute drew `power` at `taken`.
    pub(crate) fn read(&mut self, taken: Moment, power: Watts) {
        if self.readings.back().is_some_and(|(last, _)| *last >= taken) {
            return;
        }
        self.readings.push_back((taken, power.positive()));
        while self.readings.get(1).is_some_and(|(read, _)| taken.since(*read) > MEMORY) {
            self.readings.pop_front();
        }
    }

    /// What compute drew at `moment`.
    pub(crate) fn at(&self, moment: Moment, compute: &Compute) -> Span {
        if let Some((_, power)) = self.readings.iter().rev().find(|(read, _)| *read == moment) {
            return Span::exactly(*power);
        }
        let change = self.budgets.iter().rposition(|(set, _)| *set <= moment);
        let Some(change) = change else {
            // Before the first budget there was no command.
            return Span::exactly(self.near(moment).unwrap_or(Watts::ZERO));
        };
        let next = self.budgets.get(change + 1).map(|(set, _)| *set);
        let obeyed = self.obeyed(change, compute);
        if moment >= obeyed {
            return self.settled(obeyed, moment, next).map_or_else(|| self.expected(change, compute), Span::exactly);
        }
        self.former(change, moment, compute).with(self.expected(change, compute))
    }

    /// What compute may still draw at `moment` of the budgets before number `change`: the box obeys each of them in its time. Where a
    /// reading is newer than the last that it has obeyed, that is what it drew.
    fn former(&self, change: usize, moment: Moment, compute: &Compute) -> Span {
        let newest = self.readings.iter().rev().find(|(read, _)| *read <= moment);
        let mut span: Option<Span> = None;
        let mut include = |drawn: Span| *span.insert(span.map_or(drawn, |span| span.with(drawn)));
        for number in (0..change).rev() {
            let (obeyed, next) = (self.obeyed(number, compute), self.budgets[number + 1].0);
            if let Some((_, power)) = newest.filter(|(read, _)| *read >= obeyed) {
                return include(Span::exactly(*power));
            }
            let settled = self.settled(obeyed, just_before(next), Some(next));
            let drawn = include(settled.map_or_else(|| self.expected(number, compute), Span::exactly));
            if obeyed <= moment {
                return drawn;
            }
        }
        let first = self.budgets.front().map(|(set, _)| *set);
        let before = newest.filter(|(read, _)| first.is_some_and(|first| *read > first)).map(|(_, power)| *power);
        let before = before.or_else(|| first.and_then(|first| self.near(first)));
        include(Span::exactly(before.unwrap_or(Watts::ZERO)))
    }

    /// When the box has obeyed the budget number `change`: it takes its time, and the rest of its start where it still starts.
    fn obeyed(&self, change: usize, compute: &Compute) -> Moment {
        let set = self.budgets[change].0;
        let runs = |number: &usize| self.budgets[*number].1 > Watts::ZERO;
        let started = (0..=change).rev().take_while(runs).last();
        let start = started.map_or(set, |number| self.budgets[number].0.after(compute.starts_within));
        set.max(start).after(compute.obeys_within)
    }

    /// The newest reading at or before `moment`, else the first one after it.
    fn near(&self, moment: Moment) -> Option<Watts> {
        let before = self.readings.iter().rev().find(|(read, _)| *read <= moment);
        before.or(self.readings.front()).map(|(_, power)| *power)
    }

    /// The reading that stands for `moment`, of those under the budget that was obeyed at `obeyed` and lasted until `next`.
    fn settled(&self, obeyed: Moment, moment: Moment, next: Option<Moment>) -> Option<Watts> {
        let within = |read: Moment| read >= obeyed.after(LATE) && next.is_none_or(|next| read <= next);
        let before = self.readings.iter().rev().find(|(read, _)| *read <= moment).filter(|(read, _)| within(*read));
        let after = self.readings.iter().find(|(read, _)| *read > moment).filter(|(read, _)| within(*read));
        before.or(after).map(|(_, power)| *power)
    }

    /// What compute will draw under the budget number `change`: as much of it as of the budgets before. Where it took less of them than
    /// it might, it may take all of this one, what it took, or its share; where nobody knows, anything.
    fn expected(&self, change: usize, compute: &Compute) -> Span {
        let (set, budget) = self.budgets[change];
        let share = |(read, power): &(Moment, Watts)| {
            let Span { least, most } = self.obeying(*read, compute)?;
            // A reading on the way from one budget to another says nothing of its share.
            (least > Watts::ZERO && least >= most * BOUND).then(|| ((*power / most).min(1.0), *power))
        };
        let least = match self.readings.iter().rev().filter(|(read, _)| *read <= set).find_map(share) {
            Some((share, _)) if share >= BOUND * BOUND => budget * share,
            Some((share, power)) => (budget * share).min(power),
            None => Watts::ZERO,
        };
        Span { least, most: budget }
    }

    /// The budgets that the box may have drawn at `moment`; `None` before it had obeyed any.
    fn obeying(&self, moment: Moment, compute: &Compute) -> Option<Span> {
        let mut span: Option<Span> = None;
        for number in (0..self.budgets.len()).rev().filter(|number| self.budgets[*number].0 <= moment) {
            let budget = Span::exactly(self.budgets[number].1);
            let all = *span.insert(span.map_or(budget, |span| span.with(budget)));
            if self.obeyed(number, compute) <= moment {
                return Some(all);
            }
        }
        None
    }
}

fn just_before(moment: Moment) -> Moment {
    moment.before(Duration::from_millis(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_site::site;

    fn moment(seconds: u64) -> Moment {
        Moment::default().after(Duration::from_secs(3600 + seconds))
    }

    #[test]
    fn on_its_way_compute_draws_between_the_budgets_that_it_may_still_obey() {
        // The box obeys within 4 s, within 10 s where it starts; its plug spoke at 10:00:00 and speaks again at 10:00:40.
        let mut draw = Draw::default();
        draw.set(moment(0), Watts(900.0));
        draw.read(moment(20), Watts(900.0));
        draw.set(moment(21), Watts(5000.0));
        draw.set(moment(23), Watts(2000.0));
        draw.set(moment(26), Watts(2100.0));
        draw.read(moment(60), Watts(2090.0));
        let rows = [
            // seconds -> at least, at most
            (20, 900.0, 900.0),
            (22, 900.0, 5000.0),
            (24, 900.0, 5000.0),
            // The jump to 5000 W is obeyed or replaced, the one to 2000 W on its way.
            (25, 2000.0, 5000.0),
            // From 2000 to 2100 W; whoever was slowest has obeyed 2000 W at 27.
            (26, 2000.0, 5000.0),
            (27, 2000.0, 2100.0),
            (30, 2090.0, 2090.0),
            (60, 2090.0, 2090.0),
        ];
        for (seconds, least, most) in rows {
            let span = draw.at(moment(seconds), &site().compute);
            assert_eq!(span, Span { least: Watts(least), most: Watts(most) }, "{seconds} s");
        }
    }

    #[test]
    fn a_box_that_takes_less_than_it_may_takes_something_between_its_share_and_all() {
        let rows = [
            // next budget -> at least, at most; it took 800 of 2000 W
            (4000.0, 800.0, 4000.0),
            (1000.0, 400.0, 1000.0),
            (500.0, 200.0, 500.0),
        ];
        for (budget, least, most) in rows {
            let mut draw = Draw::default();
            draw.set(moment(0), Watts(2000.0));
            draw.read(moment(20), Watts(800.0));
            draw.set(moment(21), Watts(budget));
            let span = draw.at(moment(30), &site().compute);
            assert_eq!(span, Span { least: Watts(least), most: Watts(most) }, "{budget}");
        }
    }

    #[test]
    fn a_reading_of_the_same_moment_is_what_it_drew() {
        let mut draw = Draw::default();
        draw.set(moment(0), Watts(900.0));
        draw.set(moment(30), Watts(5000.0));
        draw.read(moment(32), Watts(1700.0));
        assert_eq!(draw.at(moment(32), &site().compute), Span::exactly(Watts(1700.0)));
    }
}
