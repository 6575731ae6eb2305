//! What a compute box would bring a house before it is bought: a year in its own conditions, simulated with HeatMine and without compute,
//! as a range and not as one number.
//!
//! ```text
//! site ---------> a made-up year --+--> a week of each month ----> gain a year, by part        expected
//! history ------> what is known ---+--> the same without work ---> what the plan alone brings: none of the box's
//!                                  +--> a week of each season,
//!                                       one thing otherwise -----> what that changes           low, high
//! ```
//!
//! The uncertainties are taken as independent: what each changes for the worse adds up as the root of the sum of squares, and so does what
//! each changes for the better. Books are those of the real house: the bill with compute beside that of the same house without it.

/// What it rests on.
mod assumptions;
/// One thing otherwise.
mod cases;
/// What a house's history says.
pub(crate) mod history;
/// The site as if everything were there.
mod outfit;
/// The answer.
pub(crate) mod report;
/// Which statistic is what.
pub(crate) mod roles;
/// Home Assistant's long-term statistics.
mod statistics;
/// A made-up year.
mod year;

#[cfg(test)]
mod tests;

use crate::simulate::trace::Row;
use crate::simulate::{Service, Source, play};
use cases::Case;
use chrono::{Datelike, Days, NaiveDate};
use drivers::sim::place::Place;
use history::History;
use plant::site::{HeatSource, Site};
use plant::time::Slot;
use plant::totals::Earnings;
use plant::units::EurPerKwh;
use report::{Effect, Month, Prospect};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Where a house stands of which nobody says it, degrees north: the middle of Europe.
pub(crate) const LATITUDE: f64 = 49.0;
/// Days of a simulation before those that count: stores and knowledge come to what they are.
const LEAD_IN: u64 = 2;
/// Of the months, these stand for their season where one thing is otherwise.
const SEASONS: [u32; 4] = [1, 4, 7, 10];
const YEAR: [u32; 12] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
const DAYS_A_YEAR: f64 = 365.25;

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// The house and the box, with what its heat replaces.
    pub site: Site,
    /// Where it stands.
    pub place: Place,
    /// What the box costs.
    pub price: f64,
    /// What the household draws in a year, kWh, where the owner says so.
    pub household_kwh: Option<f64>,
    /// Share of the hours in which HeatMine would run that has work, 0 to 1.
    pub sold: f64,
    /// Of the owner's house.
    pub history: Option<History>,
    /// Days of each month that are simulated.
    pub days: u64,
    /// Of everything that is made up.
    pub seed: u64,
}

/// What a household draws where nobody says: kWh a year.
pub(crate) const HOUSEHOLD_KWH: f64 = 3500.0;

/// A span of time that is simulated under a case.
#[derive(Clone, Copy, Debug)]
struct Task {
    case: Case,
    month: u32,
}

/// What came of the days of a task that count.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    earnings: Earnings,
    days: f64,
}

/// What came of all tasks.
#[derive(Clone, Copy, Debug)]
struct Found<'a> {
    tasks: &'a [Task],
    spans: &'a [Sum],
}

impl Found<'_> {
    /// What came of a month of a case; nothing where it was not simulated.
    fn sum(&self, case: Case, month: u32) -> Sum {
        let place = self.tasks.iter().position(|task| (task.case, task.month) == (case, month));
        place.and_then(|place| self.spans.get(place)).copied().unwrap_or_default()
    }

    /// The gain of a year that is like these months.
    fn a_year(&self, case: Case, months: &[u32]) -> f64 {
        let sum: f64 = months.iter().map(|month| per_day(&self.sum(case, *month))).sum();
        sum / months.len() as f64 * DAYS_A_YEAR
    }
}

impl Question {
    /// Answers; `progress` hears the share done.
    pub(crate) fn answer(&self, progress: impl Fn(f64) + Sync) -> Prospect {
        let (rows, end, mut assumptions) = self.year();
        let tasks: Vec<Task> = Case::ALL
            .into_iter()
            .flat_map(|case| (1..=12).map(move |month| Task { case, month }))
            .filter(|task| self.asks(*task))
            .collect();
        let spans: Vec<Sum> =
            self.in_parallel(&tasks, &progress, |task, share| self.simulate(*task, &rows, end, share));
        let found = Found { tasks: &tasks, spans: &spans };
        // What battery and heat pump bring without a box is none of its gain.
        let boxs = |case: Case, months: &[u32]| {
            if self.works() {
                found.a_year(case, months) - found.a_year(Case::NoBox, months) * case.without()
            } else {
                0.0
            }
        };
        let usual = boxs(Case::Expected, &SEASONS) * self.sold;
        let gas = matches!(self.site.displaced, Some(HeatSource::Gas { .. }));
        let otherwise = |case: &Case| !matches!(case, Case::Expected | Case::NoBox) && self.works();
        let effects: Vec<Effect> = Case::ALL
            .into_iter()
            .filter(otherwise)
            .map(|case| {
                // Of a season's week what changes, as it is in the whole year.
                let changes = boxs(case, &SEASONS) * case.sold(self.sold) - usual;
                Effect { what: case.words(self.sold, gas), group: case.group(), eur_per_year: changes }
            })
            .collect();
        let month = |month: u32| {
            let of = |case: Case| {
                let sum = found.sum(case, month);
                Month::of(month, &sum.earnings, self.sold / sum.days.max(1.0) * DAYS_A_YEAR / 12.0)
            };
            if self.works() { of(Case::Expected).less(&of(Case::NoBox)) } else { Month { month, ..Month::default() } }
        };
        assumptions.extend(self.assumptions());
        Prospect::new(
            (self.price, self.site.currency),
            (boxs(Case::Expected, &YEAR) * self.sold, found.a_year(Case::NoBox, &YEAR)),
            effects,
            YEAR.map(month).into(),
            assumptions,
        )
    }

    /// Whether there is work that pays.
    fn works(&self) -> bool {
        self.site.work.standing > EurPerKwh::ZERO
    }

    /// Whether a task is simulated: without work nothing else counts, and what nothing can be planned of brings nothing without a box.
    fn asks(&self, task: Task) -> bool {
        match task.case {
            Case::Expected => self.works(),
            Case::NoBox => outfit::is_planned(&self.site),
            Case::WorkLess
            | Case::WorkMore
            | Case::PowerCheaper
            | Case::PowerDearer
            | Case::YearDull
            | Case::YearBright => self.works() && SEASONS.contains(&task.month),
        }
    }

    /// The year, the local day behind it, and what was assumed for it.
    fn year(&self) -> (BTreeMap<Slot, Row>, NaiveDate, Vec<String>) {
        let zone = self.place.timezone;
        let end = self.history.as_ref().and_then(|history| history.end(zone)).unwrap_or_else(history::usual_end);
        let maker = year::Maker {
            place: self.place,
            currency: self.site.currency,
            household_kwh: self.household_kwh.unwrap_or(HOUSEHOLD_KWH),
            seed: self.seed,
        };
        let mut rows = maker.year(end);
        let peak_kw = self.site.pv.map_or(0.0, |pv| pv.peak.0 / 1000.0);
        let mut said = Vec::new();
        if let Some(history) = &self.history {
            said.extend(history.put_into(&mut rows, peak_kw, self.household_kwh.is_some()));
        } else {
            said.push(self.made_up());
        }
        let sum =
            |value: fn(&Row) -> f64| rows.values().map(value).sum::<f64>() * 0.25e-3 * 365.0 * 96.0 / rows.len() as f64;
        said.push(format!("The household draws {:.0} kWh a year.", sum(|row| row.load.0)));
        if peak_kw > 0.0 {
            let of_kwp = sum(|row| row.pv_per_kwp);
            said.push(format!("PV makes {:.0} kWh a year, {of_kwp:.0} for each kWp.", of_kwp * peak_kw));
        }
        (rows, end, said)
    }

    fn simulate(&self, task: Task, rows: &BTreeMap<Slot, Row>, end: NaiveDate, progress: &dyn Fn(f64)) -> Sum {
        let zone = self.place.timezone;
        // The month lies within the year before its end.
        let middle = |year: i32| NaiveDate::from_ymd_opt(year, task.month, 15);
        let this_year = middle(end.year()).filter(|day| *day + Days::new(self.days) <= end);
        let Some(middle) = this_year.or_else(|| middle(end.year() - 1)) else { return Sum::default() };
        let first = middle - Days::new(self.days / 2);
        let begin = self.place.midnight(first - Days::new(LEAD_IN));
        let stop = self.place.midnight(first + Days::new(self.days));
        let mut site = outfit::outfitted(&self.site);
        let changed: BTreeMap<Slot, Row> = rows
            .range(Slot::containing(begin)..Slot::containing(stop).plus(3 * 96))
            .map(|(slot, row)| (*slot, task.case.row(*row)))
            .collect();
        task.case.site(&mut site);
        site.timezone = zone;
        let service = Service { source: Source::Service, seed: self.seed };
        let Some(result) = play(site, &changed, (begin, stop), service, progress) else { return Sum::default() };
        let counted = result.days.iter().filter(|(day, _)| day.parse::<NaiveDate>().is_ok_and(|day| day >= first));
        counted.fold(Sum::default(), |mut sum, (_, earnings)| {
            // What is left of the last slot at midnight is no day.
            if earnings.is_known() {
                sum.earnings += *earnings;
                sum.days += earnings.observed_s / 86_400.0;
            }
            sum
        })
    }

    /// Does `tasks` on all cores, and gives the results in their order. `work` tells the share of its task that is done.
    fn in_parallel<T: Sync, R: Send + Default + Clone>(
        &self,
        tasks: &[T],
        progress: &(impl Fn(f64) + Sync),
        work: impl Fn(&T, &dyn Fn(f64)) -> R + Sync,
    ) -> Vec<R> {
        let next = AtomicUsize::new(0);
        let done = Mutex::new(vec![0.0; tasks.len()]);
        let tell = |number: usize, share: f64| {
            let mut done = done.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if let Some(own) = done.get_mut(number) {
                *own = share;
            }
            progress(done.iter().sum::<f64>() / tasks.len() as f64);
        };
        let results: Mutex<Vec<R>> = Mutex::new(vec![R::default(); tasks.len()]);
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(tasks.len().max(1));
        std::thread::scope(|scope| {
            for _ in 0..cores {
                scope.spawn(|| {
                    while let Some((number, task)) =
                        Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|n| Some((n, tasks.get(n)?)))
                    {
                        let result = work(task, &|share| tell(number, share));
                        tell(number, 1.0);
                        let mut results = results.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                        if let Some(place) = results.get_mut(number) {
                            *place = result;
                        }
                    }
                });
            }
        });
        results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The gain of a day.
fn per_day(sum: &Sum) -> f64 {
    if sum.days > 0.0 { sum.earnings.gain.0 / sum.days } else { 0.0 }
}
