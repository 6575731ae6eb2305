//! What yesterday's plan said against what happened, hour by hour.

use super::table::clock;
use chrono::{NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use plant::review::{Review, Reviewed};
use plant::time::{Slot, Timestamp};
use plant::units::KilowattHours;

/// Quarter hours in a line.
const HOUR: usize = 4;

/// A column: its head, its width, and what an hour has in it.
type Column = (&'static str, usize, fn(&[Reviewed]) -> String);

/// What is compared, of an hour: powers and prices are means, levels and temperatures those of its end, costs are sums.
const COLUMNS: [Column; 8] = [
    ("pv", 14, |hour| {
        both(hour, 0, mean, |slot| slot.planned?.pv.map(|pv| pv.0), |slot| slot.happened.pv.map(|pv| pv.0))
    }),
    ("load", 14, |hour| {
        both(hour, 0, mean, |slot| slot.planned?.load.map(|load| load.0), |slot| slot.happened.load.map(|load| load.0))
    }),
    ("compute", 14, |hour| {
        both(hour, 0, mean, |slot| Some(slot.planned?.compute.0), |slot| slot.happened.compute.map(|power| power.0))
    }),
    ("soc", 11, |hour| {
        both(hour, 0, end, |slot| slot.planned?.soc.map(|soc| soc.0), |slot| slot.happened.soc.map(|soc| soc.0))
    }),
    ("room", 14, |hour| {
        both(hour, 1, end, |slot| slot.planned?.room.map(|room| room.0), |slot| slot.happened.room.map(|room| room.0))
    }),
    ("tank", 14, |hour| {
        both(hour, 1, end, |slot| slot.planned?.tank.map(|tank| tank.0), |slot| slot.happened.tank.map(|tank| tank.0))
    }),
    ("price", 16, |hour| {
        let price = |slot: &Reviewed| slot.happened.import_price.map(|price| price.0);
        both(hour, 3, mean, |slot| slot.planned?.import_price.map(|price| price.0), price)
    }),
    ("cost", 17, |hour| {
        both(hour, 3, sum, |slot| slot.planned?.cost.map(|cost| cost.0), |slot| slot.happened.cost.map(|cost| cost.0))
    }),
];

/// What the values of an hour's slots come to.
type Over = fn(&[Option<f64>]) -> Option<f64>;

fn mean(values: &[Option<f64>]) -> Option<f64> {
    let known: Vec<f64> = values.iter().copied().flatten().collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
}

fn end(values: &[Option<f64>]) -> Option<f64> {
    values.last().copied().flatten()
}

fn sum(values: &[Option<f64>]) -> Option<f64> {
    values.iter().copied().sum()
}

/// `600 (2000)`: what came, and what was planned.
fn both(
    hour: &[Reviewed],
    digits: usize,
    over: Over,
    planned: impl Fn(&Reviewed) -> Option<f64>,
    came: impl Fn(&Reviewed) -> Option<f64>,
) -> String {
    let values = |of: &dyn Fn(&Reviewed) -> Option<f64>| over(&hour.iter().map(of).collect::<Vec<_>>());
    let shown = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{:.digits$}", value + 0.0));
    format!("{} ({})", shown(values(&came)), shown(values(&planned)))
}

/// The sentence, a line for each hour with what came and what was planned, and the sums. What nothing is known of is said.
pub(super) fn table(review: &Review, timezone: Tz) -> String {
    let mut text = format!("{}: {}\n", review.day.format("%A %d.%m.%Y"), review.sentence);
    if review.slots.iter().all(|slot| slot.planned.is_none()) {
        return text;
    }
    text += "What came, and in brackets what was planned when the day began: powers in W, battery in %, temperatures in °C; price by the\n\
             kWh; cost less what was earned, so that less than zero was earned. - is not known.\n";
    text += &plans(&review.slots, timezone);
    let known = |column: &&Column| {
        let (name, _, of) = column;
        !matches!(*name, "room" | "tank" | "soc") || hours(&review.slots).any(|hour| of(hour) != "- (-)")
    };
    let columns: Vec<&Column> = COLUMNS.iter().filter(known).collect();
    text += &format!("\n{:<11}", "");
    columns.iter().for_each(|(name, width, _)| text += &format!("{name:>width$}"));
    text += "\n";
    let mut next = begin(review.day, timezone);
    for hour in hours(&review.slots) {
        let (Some(first), Some(last)) = (hour.first(), hour.last()) else { continue };
        text += &gap(next, first.slot, timezone);
        next = Some(last.slot.plus(1));
        text += &format!("{}-{}", clock(first.start, timezone), clock(last.slot.end(), timezone));
        columns.iter().for_each(|(_, width, of)| text += &format!("{:>width$}", of(hour)));
        text += "\n";
    }
    let ends = review.day.succ_opt().and_then(|day| begin(day, timezone));
    text += &ends.map_or(String::new(), |ends| gap(next, ends, timezone));
    text + &sums(review)
}

/// Slots of the same hour that follow each other.
fn hours(slots: &[Reviewed]) -> impl Iterator<Item = &[Reviewed]> {
    let hour = |slot: &Reviewed| slot.slot.0.div_euclid(HOUR as i64);
    slots.chunk_by(move |one, other| hour(one) == hour(other) && other.slot == one.slot.plus(1))
}

/// The first slot of a local day.
fn begin(day: NaiveDate, timezone: Tz) -> Option<Slot> {
    let midnight = day.and_time(NaiveTime::MIN).and_local_timezone(timezone).earliest()?;
    Some(Slot::containing(midnight.with_timezone(&Utc)))
}

/// A line for the time in which nothing was known.
fn gap(from: Option<Slot>, to: Slot, timezone: Tz) -> String {
    let Some(from) = from.filter(|from| *from < to) else { return String::new() };
    format!("{}-{}  nothing was recorded\n", clock(from.start(), timezone), clock(to.start(), timezone))
}

/// Which plans the day is held against: the one it began with, and the first after a restart.
fn plans(slots: &[Reviewed], timezone: Tz) -> String {
    let planned = slots.iter().filter_map(|slot| Some((slot.start, slot.planned?.made_at)));
    let mut made: Vec<(Timestamp, Timestamp)> = planned.collect();
    made.dedup_by_key(|(_, made_at)| *made_at);
    let plan = |at: &Timestamp| at.with_timezone(&timezone).format("%d.%m. %H:%M").to_string();
    let words = made.iter().enumerate().map(|(index, (from, made_at))| match index {
        0 => format!("The plan is that of {}", plan(made_at)),
        _ => format!("from {} on that of {}", clock(*from, timezone), plan(made_at)),
    });
    words.collect::<Vec<_>>().join("; ") + ".\n"
}

/// The sums over what is known of both.
fn sums(review: &Review) -> String {
    let Review { planned, happened, .. } = review;
    let energy = |came: Option<KilowattHours>, planned: Option<KilowattHours>| {
        came.zip(planned).map(|(came, planned)| format!("{:.1} ({:.1}) kWh", came.0, planned.0))
    };
    let money = happened.cost.zip(planned.cost).map(|(came, planned)| format!("{:.2} ({:.2})", came.0, planned.0));
    let parts = [
        ("pv", energy(happened.pv, planned.pv)),
        ("load", energy(happened.load, planned.load)),
        ("compute", energy(happened.compute, planned.compute)),
        ("cost", money),
    ];
    let words = parts.into_iter().filter_map(|(name, words)| Some(format!("{name} {}", words?)));
    let words = words.collect::<Vec<_>>().join(", ");
    if words.is_empty() { words } else { format!("Where both are known: {words}\n") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plant::entry::Planned;
    use plant::review::{Happened, Sums};
    use plant::units::{Celsius, Eur, EurPerKwh, Percent, Watts};

    #[test]
    fn an_hour_is_a_line_of_what_came_and_what_was_planned() {
        let plan = crate::http::fixture::record("2026-11-21T11:00:00Z".parse().unwrap()).plan.unwrap();
        let planned = Planned {
            pv: Some(Watts(2000.0)),
            load: None,
            compute: Watts(1000.0),
            soc: Some(Percent(80.0)),
            import_price: Some(EurPerKwh(0.3)),
            cost: Some(Eur(0.01)),
            room: Some(Celsius(21.0)),
            tank: Some(Celsius(50.0)),
            ..Planned::of(&plan.slots[0], "2026-11-20T21:45:00Z".parse().unwrap())
        };
        let restarted = Planned { made_at: "2026-11-21T12:00:00Z".parse().unwrap(), ..planned };
        let slot = |index: i64, pv: f64| Reviewed {
            slot: plan.slots[0].slot.plus(index),
            start: plan.slots[0].slot.plus(index).start(),
            planned: Some(if index < 4 { planned } else { restarted }),
            happened: Happened {
                pv: Some(Watts(pv)),
                load: Some(Watts(400.0)),
                soc: Some(Percent(70.0)),
                cost: Some(Eur(0.02)),
                ..Happened::default()
            },
        };
        let slots = [500.0, 700.0, 500.0, 700.0, 0.0].into_iter().zip(0..).map(|(pv, index)| slot(index, pv)).collect();
        let review = Review {
            day: "2026-11-21".parse().unwrap(),
            slots,
            planned: Sums { pv: Some(KilowattHours(2.5)), cost: Some(Eur(0.05)), ..Sums::default() },
            happened: Sums { pv: Some(KilowattHours(0.6)), cost: Some(Eur(0.10)), ..Sums::default() },
            sentence: "The sun gave less.".into(),
        };
        let text = table(&review, chrono_tz::Europe::Berlin);
        let lines: Vec<String> =
            text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(lines[0], "Saturday 21.11.2026: The sun gave less.");
        assert_eq!(lines[3], "The plan is that of 20.11. 22:45; from 13:00 on that of 21.11. 13:00.");
        assert_eq!(lines[5], "pv load compute soc room tank price cost");
        assert_eq!(lines[6], "00:00-12:00 nothing was recorded");
        let hour = "12:00-13:00 600 (2000) 400 (-) - (1000) 70 (80) - (21.0) - (50.0) - (0.300) 0.080 (0.040)";
        assert_eq!(lines[7], hour);
        assert!(lines[8].starts_with("13:00-13:15 0 (2000)"), "{text}");
        assert_eq!(lines[9], "13:15-00:00 nothing was recorded");
        assert_eq!(lines[10], "Where both are known: pv 0.6 (2.5) kWh, cost 0.10 (0.05)");
        let nothing = Review { slots: Vec::new(), ..review };
        assert_eq!(table(&nothing, chrono_tz::Europe::Berlin), "Saturday 21.11.2026: The sun gave less.\n");
    }
}
