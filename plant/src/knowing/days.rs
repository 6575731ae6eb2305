//! What is remembered of the quarter hours that have passed: 400 days of numbers in columns.
//!
//! Clones share the days, and only the one that is written to is copied.

use crate::time::Slot;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Quarter hours of a day.
pub(super) const QUARTERS: i64 = 96;
/// The same as a length.
pub(super) const PER_DAY: usize = QUARTERS as usize;
/// Days that are remembered: a year and a month, so that last year's season is among them.
const DAYS_MAX: usize = 400;

/// Days after which is learnt anew what is learnt from many; each day in the first three weeks.
const RELEARNT: i64 = 7;
const YOUNG: i64 = 21;

/// What a column holds. Powers in kW, temperatures in °C; NaN where nothing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// PV that was not held back.
    Pv,
    /// What the weather service had expected of it.
    ExpectedPv,
    /// What it yields on a bright day, as the three weeks before had it.
    Envelope,
    /// The household.
    Load,
    /// The heat pump.
    HeatPump,
    /// Outside.
    Outdoor,
    /// What the weather service had expected of it.
    ExpectedOutdoor,
    /// Sun on the ground, W/m2.
    Sun,
    /// Heat drawn from the tank.
    Drawn,
    /// Work that arrived, kWh.
    Arrived,
    /// The room at the slot's end.
    Room,
    /// Heat of the heat pump into the rooms, by the COP's formula; below zero, cooling.
    Pumped,
    /// Heat of compute into the rooms.
    ComputeHeat,
    /// One in summer, zero in the heating season.
    Summer,
}

const COLUMNS: usize = 14;

/// One UTC day.
#[derive(Clone, Debug)]
struct Day([[f32; PER_DAY]; COLUMNS]);

/// The days that are remembered, by their number since the Unix epoch.
#[derive(Clone, Debug, Default)]
pub(super) struct Days(BTreeMap<i64, Arc<Day>>);

/// The UTC day of `slot`.
pub(super) fn day_of(slot: Slot) -> i64 {
    slot.0.div_euclid(QUARTERS)
}

/// The quarter hour of its UTC day.
pub(super) fn quarter_of(slot: Slot) -> usize {
    slot.0.rem_euclid(QUARTERS) as usize
}

impl Days {
    /// What `column` holds for `slot`.
    pub(super) fn get(&self, column: Column, slot: Slot) -> Option<f64> {
        let value = f64::from(self.day(column, day_of(slot))?[quarter_of(slot)]);
        (!value.is_nan()).then_some(value)
    }

    /// A day of `column`; `None` where nothing of it is remembered. Unknown values are NaN.
    pub(super) fn day(&self, column: Column, day: i64) -> Option<&[f32; PER_DAY]> {
        self.0.get(&day).map(|values| &values.0[column as usize])
    }

    /// The first and the last day that are remembered.
    pub(super) fn span(&self) -> Option<(i64, i64)> {
        Some((*self.0.first_key_value()?.0, *self.0.last_key_value()?.0))
    }

    /// Days of which something is remembered.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// The day before which is learnt, on `day`, what is learnt from many days; `None` where nothing is remembered.
    pub(super) fn due(&self, day: i64) -> Option<i64> {
        let (first, _) = self.span()?;
        let last_young = first + YOUNG - 1;
        Some(if day <= last_young { day } else { last_young.max(day.div_euclid(RELEARNT) * RELEARNT) })
    }

    /// Remembers what is known of `slot`. What lies farthest from it is forgotten where there is too much.
    pub(super) fn remember(&mut self, slot: Slot, values: &[(Column, Option<f64>)]) {
        let empty = || Arc::new(Day([[f32::NAN; PER_DAY]; COLUMNS]));
        let day = day_of(slot);
        let row = Arc::make_mut(self.0.entry(day).or_insert_with(empty));
        for (column, value) in values {
            row.0[*column as usize][quarter_of(slot)] = value.map_or(f32::NAN, |value| value as f32);
        }
        while self.0.len() > DAYS_MAX
            && let Some((first, last)) = self.span()
        {
            if day.abs_diff(first) > day.abs_diff(last) {
                self.0.pop_first()
            } else {
                self.0.pop_last()
            };
        }
    }
}

/// The local time of slots.
///
/// Example: in Berlin the slot of 22:00 UTC on 31 March 2024 is the first quarter hour of 1 April.
#[derive(Clone, Copy, Debug)]
pub(super) struct LocalTime(pub chrono_tz::Tz);

impl LocalTime {
    /// Local day, counted from 1 January 1970, and quarter hour of `slot`.
    pub(super) fn at(self, slot: Slot) -> (i64, usize) {
        split(slot, self.offset(slot))
    }

    /// The same of all slots of a UTC day.
    pub(super) fn of_day(self, day: i64) -> impl Iterator<Item = (Slot, i64, usize)> {
        let first = Slot(day * QUARTERS);
        let (early, late) = (self.offset(first), self.offset(first.plus(QUARTERS - 1)));
        (0..QUARTERS).map(move |quarter| {
            let slot = first.plus(quarter);
            let offset = if early == late { early } else { self.offset(slot) };
            let (day, quarter) = split(slot, offset);
            (slot, day, quarter)
        })
    }

    /// Seconds by which local time is ahead of UTC.
    fn offset(self, slot: Slot) -> i64 {
        use chrono::Offset;
        i64::from(slot.start().with_timezone(&self.0).offset().fix().local_minus_utc())
    }
}

fn split(slot: Slot, offset: i64) -> (i64, usize) {
    let local = Slot(slot.0 + offset.div_euclid(Slot::SECONDS));
    (day_of(local), quarter_of(local))
}

/// The `share` quantile of `values`, between neighbours by their distance; sorts them. Zero where there are none.
pub(super) fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else { return 0.0 };
    let at = share * last as f64;
    let (low, part) = (at.floor() as usize, at.fract());
    let high = (low + 1).min(last);
    values[low] + part * (values[high] - values[low])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_remembered_until_400_others_are() {
        let mut days = Days::default();
        for day in 0..401 {
            days.remember(Slot(day * QUARTERS + 5), &[(Column::Pv, Some(day as f64)), (Column::Load, None)]);
        }
        assert_eq!(days.get(Column::Pv, Slot(5)), None);
        assert_eq!(days.get(Column::Pv, Slot(QUARTERS + 5)), Some(1.0));
        assert_eq!(days.get(Column::Load, Slot(QUARTERS + 5)), None);
        // A clock that is wrong for a while costs no more than its own days.
        days.remember(Slot(90_000 * QUARTERS), &[(Column::Pv, Some(1.0))]);
        days.remember(Slot(401 * QUARTERS), &[(Column::Pv, Some(401.0))]);
        assert_eq!(days.span(), Some((2, 401)));
    }

    #[test]
    fn summer_time_moves_the_local_day() {
        let berlin = LocalTime(chrono_tz::Europe::Berlin);
        let slot = |text: &str| Slot::containing(text.parse().unwrap());
        let (day, quarter) = berlin.at(slot("2024-03-31T22:00:00Z"));
        assert_eq!((day, quarter), (19_814, 0));
        assert_eq!(berlin.at(slot("2024-03-30T22:00:00Z")), (19_812, 92));
        let all: Vec<_> = berlin.of_day(19_813).map(|(_, _, quarter)| quarter).collect();
        // 00:45 UTC is 01:45, 01:00 UTC is 03:00.
        assert_eq!((all[3], all[4]), (7, 12));
    }

    #[test]
    fn a_quantile_lies_between_its_neighbours() {
        assert_eq!(quantile(&mut [3.0, 1.0, 2.0, 4.0, 5.0], 0.9), 4.6);
        assert_eq!((quantile(&mut [], 0.5), quantile(&mut [7.0], 0.9)), (0.0, 7.0));
    }
}
