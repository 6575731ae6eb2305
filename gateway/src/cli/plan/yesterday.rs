//! What yesterday's plan said against what happened, hour by hour.

use super::table::clock;
use chrono_tz::Tz;
use plant::review::{Review, Reviewed};

/// Quarter hours in a line.
const HOUR: usize = 4;

/// The sentence, and a line for each hour: what came, and what was planned.
pub(super) fn table(review: &Review, timezone: Tz) -> String {
    let mut text = format!("{}: {}\n", review.day.format("%A %d.%m.%Y"), review.sentence);
    if review.slots.iter().all(|slot| slot.planned.is_none()) {
        return text;
    }
    text +=
        "Powers in W, charge in %, prices by the kWh; what came, and what was planned in brackets. - is not known.\n\n";
    text +=
        &format!("{:<11}{:>14}{:>14}{:>14}{:>11}{:>16}{:>16}\n", "", "pv", "load", "compute", "soc", "import", "cost");
    for hour in hours(&review.slots) {
        text += &line(hour, timezone).unwrap_or_default();
    }
    text
}

/// Slots of the same hour.
fn hours(slots: &[Reviewed]) -> impl Iterator<Item = &[Reviewed]> {
    slots.chunk_by(|one, other| one.slot.0.div_euclid(HOUR as i64) == other.slot.0.div_euclid(HOUR as i64))
}

fn line(hour: &[Reviewed], timezone: Tz) -> Option<String> {
    let (first, last) = (hour.first()?, hour.last()?);
    let mean = |of: &dyn Fn(&Reviewed) -> Option<f64>| {
        let known: Vec<f64> = hour.iter().filter_map(of).collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    };
    let sum = |of: &dyn Fn(&Reviewed) -> Option<f64>| hour.iter().map(of).sum::<Option<f64>>();
    let both = |came: Option<f64>, planned: Option<f64>, digits: usize| {
        let shown =
            |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{:.digits$}", value + 0.0));
        format!("{} ({})", shown(came), shown(planned))
    };
    Some(format!(
        "{}-{}{:>14}{:>14}{:>14}{:>11}{:>16}{:>16}\n",
        clock(first.start, timezone),
        clock(last.slot.plus(1).start(), timezone),
        both(mean(&|slot| Some(slot.happened.pv?.0)), mean(&|slot| Some(slot.planned?.pv?.0)), 0),
        both(mean(&|slot| Some(slot.happened.load?.0)), mean(&|slot| Some(slot.planned?.load?.0)), 0),
        both(mean(&|slot| Some(slot.happened.compute?.0)), mean(&|slot| Some(slot.planned?.compute.0)), 0),
        both(last.happened.soc.map(|soc| soc.0), last.planned.and_then(|planned| Some(planned.soc?.0)), 0),
        both(mean(&|slot| Some(slot.happened.import_price?.0)), mean(&|slot| Some(slot.planned?.import_price?.0)), 3),
        both(sum(&|slot| Some(slot.happened.cost?.0)), sum(&|slot| Some(slot.planned?.cost?.0)), 3),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use plant::entry::Planned;
    use plant::review::{Happened, Sums};
    use plant::units::{Eur, EurPerKwh, Percent, Watts};

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
            ..Planned::of(&plan.slots[0], plan.made_at)
        };
        let slot = |index: i64, pv: f64| Reviewed {
            slot: plan.slots[0].slot.plus(index),
            start: plan.slots[0].slot.plus(index).start(),
            planned: Some(planned),
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
            planned: Sums::default(),
            happened: Sums::default(),
            sentence: "The sun gave less.".into(),
        };
        let text = table(&review, chrono_tz::Europe::Berlin);
        let lines: Vec<String> =
            text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(lines[0], "Saturday 21.11.2026: The sun gave less.");
        assert_eq!(lines[4], "12:00-13:00 600 (2000) 400 (-) - (1000) 70 (80) - (0.300) 0.080 (0.040)");
        assert!(lines[5].starts_with("13:00-13:15 0 (2000)"), "{text}");
        let nothing = Review { slots: Vec::new(), ..review };
        assert_eq!(table(&nothing, chrono_tz::Europe::Berlin), "Saturday 21.11.2026: The sun gave less.\n");
    }
}
