use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn noon() -> Timestamp {
    at("2026-06-10T12:00:00Z")
}

/// Entries of the day, by `HH:MM:SS`; NaN for one without a number.
fn entries(rows: &[(&str, f64)]) -> Vec<Entry> {
    let entry = |(time, price): &(&str, f64)| Entry {
        start: at(&format!("2026-06-10T{time}Z")),
        end: None,
        price: Some(*price).filter(|price| price.is_finite()),
    };
    rows.iter().map(entry).collect()
}

fn known(entries: Vec<Entry>) -> Vec<(String, f64)> {
    let spread = spread(entries, &(-5.0..=5.0), Needs::All, noon());
    spread.known.iter().map(|(slot, price)| (slot.start().format("%H:%M").to_string(), *price)).collect()
}

fn row(time: &str, price: f64) -> (String, f64) {
    (time.to_owned(), price)
}

#[test]
fn each_price_stands_until_the_next_one_an_hour_at_most() {
    let left_out = [("10:00:00", 0.1), ("10:15:00", 0.2), ("11:00:00", 0.3), ("11:45:00", 0.4), ("12:00:00", 0.5)];
    let slots = known(entries(&left_out));
    let prices: Vec<f64> = slots.iter().map(|(_, price)| *price).collect();
    assert_eq!(prices, [0.1, 0.2, 0.2, 0.2, 0.3, 0.3, 0.3, 0.4, 0.5]);
    // Three hours are missing: one of them still has the price before.
    let hole = known(entries(&[("06:00:00", 0.1), ("06:15:00", 0.2), ("09:15:00", 0.3)]));
    assert_eq!(hole.len(), 1 + 4 + 4);
    assert_eq!((hole[4].clone(), hole[5].clone()), (row("07:00", 0.2), row("09:15", 0.3)));
}

#[test]
fn the_step_may_change_within_one_answer() {
    let quarters = [("08:00:00", 0.10), ("08:15:00", 0.11), ("08:30:00", 0.12), ("08:45:00", 0.13)];
    let hours = [("09:00:00", 0.2), ("10:00:00", 0.3), ("11:00:00", 0.4), ("12:00:00", 0.5), ("13:00:00", 0.6)];
    let slots = known(entries(&[&quarters[..], &hours[..]].concat()));
    assert_eq!(slots.len(), 4 + 5 * 4);
    assert_eq!(slots[13], row("11:15", 0.4));
    // Hours first, and the last quarter is one.
    let slots = known(entries(&[&[("06:00:00", 0.9), ("07:00:00", 0.8)][..], &quarters[..]].concat()));
    assert_eq!((slots.len(), slots[7].clone(), slots[11].clone()), (12, row("07:45", 0.8), row("08:45", 0.13)));
}

#[test]
fn odd_starts_are_weighted_and_late_ones_belong_to_their_slot() {
    let slots = known(entries(&[("21:38:00", 0.30), ("22:38:00", 0.10), ("23:00:00", 0.2)]));
    assert_eq!(slots[0], row("21:45", 0.30), "nobody knows the price before 21:38");
    let (time, price) = &slots[3];
    assert!(time == "22:30" && (price - (0.30 * 8.0 + 0.10 * 7.0) / 15.0).abs() < 1e-12, "{price}");
    assert_eq!(slots[4], row("22:45", 0.10));
    let late = known(entries(&[("12:00:01", 0.1), ("12:15:01", 0.2), ("12:29:59", 0.3)]));
    assert_eq!(late, [row("12:00", 0.1), row("12:15", 0.2), row("12:30", 0.3)]);
    let second = known(entries(&[("05:00:00", 0.1), ("05:12:34", 0.2), ("05:15:00", 0.3)]));
    assert_eq!(second.len(), 2, "and nothing is refused for it");
}

#[test]
fn what_is_no_plausible_price_makes_its_slot_unknown_and_no_other() {
    let rows = [("12:00:00", 0.05), ("12:15:00", 17.5), ("12:30:00", f64::NAN), ("12:45:00", 0.06)];
    let spread = spread(entries(&rows), &(-5.0..=5.0), Needs::All, noon());
    let slots = |slots: &BTreeSet<Slot>| slots.iter().map(|slot| slot.start()).collect::<Vec<_>>();
    assert_eq!(slots(&spread.unknown), [at("2026-06-10T12:15:00Z"), at("2026-06-10T12:30:00Z")]);
    assert_eq!(spread.known.values().copied().collect::<Vec<_>>(), [0.05, 0.06]);
    assert_eq!(spread.implausible, Some((at("2026-06-10T12:15:00Z"), 17.5)));
}

#[test]
fn the_sequence_does_not_count_and_doubles_are_one() {
    let mut backwards = entries(&[("12:00:00", 0.1), ("12:15:00", 0.2), ("12:15:00", 0.2), ("12:30:00", 0.3)]);
    let forwards = known(backwards.clone());
    backwards.reverse();
    assert_eq!(known(backwards), forwards);
    assert_eq!(forwards, [row("12:00", 0.1), row("12:15", 0.2), row("12:30", 0.3)]);
}

#[test]
fn an_end_of_its_own_counts() {
    let entry = |start: &str, end: &str, price| Entry { start: at(start), end: Some(at(end)), price: Some(price) };
    let slots = known(vec![
        entry("2026-06-10T00:00:00Z", "2026-06-10T06:00:00Z", 0.1),
        entry("2026-06-10T06:00:00Z", "2026-06-10T06:15:00Z", 0.2),
        entry("2026-06-10T08:00:00Z", "2027-06-10T00:00:00Z", 0.3),
    ]);
    assert_eq!(
        (slots[23].clone(), slots[24].clone(), slots[25].clone()),
        (row("05:45", 0.1), row("06:00", 0.2), row("08:00", 0.3))
    );
    assert_eq!(slots.len(), 25 + 64 + 14 * 96 + 48, "fifteen days ahead are enough");
    // Five minutes each, from second 1 on; the running slot has begun before the first.
    let five = |minute: i64, price| Entry {
        start: noon() + TimeDelta::minutes(minute) + TimeDelta::seconds(1),
        end: Some(noon() + TimeDelta::minutes(minute + 5)),
        price: Some(price),
    };
    let now = noon() + TimeDelta::minutes(6);
    let rows = vec![five(5, 0.1), five(10, 0.2), five(15, 0.3), five(20, 0.3), five(25, 0.3)];
    let spread = spread(rows, &(-5.0..=5.0), Needs::All, now);
    let prices: Vec<f64> = spread.known.values().copied().collect();
    assert!(prices.len() == 2 && (prices[0] - 0.15).abs() < 0.01 && prices[1] == 0.3, "{prices:?}");
}

#[test]
fn the_hour_that_is_written_twice_is_two_hours() {
    let hours = ["22:00", "23:00", "00:00", "00:00", "02:00", "03:00"];
    let entry = |(index, hour): (usize, &&str)| Entry {
        start: at(&format!("2026-10-{}T{hour}:00Z", if index < 2 { 24 } else { 25 })),
        end: None,
        price: Some(index as f64),
    };
    let entries = hours.iter().enumerate().map(entry).collect();
    let spread = spread(entries, &(-50.0..=50.0), Needs::All, at("2026-10-25T00:00:00Z"));
    let price = |time: &str| spread.known[&Slot::containing(at(time))];
    assert_eq!((price("2026-10-25T00:45:00Z"), price("2026-10-25T01:45:00Z")), (2.0, 3.0));
    assert_eq!(spread.known.len(), 24);
}

#[test]
fn a_part_of_a_slot_is_enough_for_a_forecast() {
    let spread = |needs| spread(entries(&[("05:12:34", 0.5), ("06:00:00", 0.6)]), &(0.0..=1.0), needs, noon()).known;
    // The second one stands as long as the first, 47 minutes.
    assert_eq!(spread(Needs::Part).len(), 4 + 3);
    assert_eq!(spread(Needs::All).len(), 3 + 3);
}
