use super::*;
use crate::config::spot::{SpotService, SpotSource};
use crate::feeds::services;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn source(service: SpotService) -> Source {
    let config = SpotSource { source: Some(service), zone: Some("DE-LU".into()), ..SpotSource::default() };
    services::source(&config, "EUR", None).unwrap()
}

/// The slots from one moment to another.
fn known(from: &str, to: &str) -> BTreeMap<Slot, f64> {
    (Slot::containing(at(from)).0..Slot::containing(at(to)).0).map(|slot| (Slot(slot), 0.1)).collect()
}

/// Least and greatest minutes until the next question.
fn minutes(source: &Source, now: &str, known: &BTreeMap<Slot, f64>) -> (i64, i64) {
    let all: Vec<i64> = (0..50).map(|_| (next(source, at(now), known) - at(now)).num_minutes()).collect();
    (*all.iter().min().unwrap(), *all.iter().max().unwrap())
}

#[test]
fn tomorrow_is_asked_for_until_all_of_it_is_there_and_then_rarely() {
    let charts = source(SpotService::EnergyCharts);
    // 1 June 2026 in Berlin: 22:00 UTC of the day before to 22:00 UTC.
    let today = known("2026-05-31T22:00:00Z", "2026-06-01T22:00:00Z");
    let both = known("2026-05-31T22:00:00Z", "2026-06-02T22:00:00Z");
    let part = known("2026-05-31T22:00:00Z", "2026-06-01T23:00:00Z");
    let rows = [
        // In the morning: at 13:00 there, and a while later at random, but at least every six hours.
        ("2026-06-01T09:00:00Z", &today, 120, 135),
        ("2026-06-01T00:00:00Z", &today, 360, 360),
        // From then on again and again, also where an hour of tomorrow came.
        ("2026-06-01T11:05:00Z", &today, 10, 15),
        ("2026-06-01T11:05:00Z", &part, 10, 15),
        ("2026-06-01T20:00:00Z", &today, 25, 35),
        // Once more before the last price that is known has passed.
        ("2026-06-01T21:40:00Z", &today, 10, 14),
        // With tomorrow known, rarely.
        ("2026-06-01T11:30:00Z", &both, 360, 360),
        // A hole in today.
        ("2026-06-01T09:00:00Z", &known("2026-05-31T22:00:00Z", "2026-06-01T12:00:00Z"), 15, 20),
    ];
    for (now, known, least, most) in rows {
        let (from, to) = minutes(&charts, now, known);
        assert!(least <= from && to <= most, "{now}: {from} to {to} minutes, expected {least} to {most}");
    }
    assert!(
        suffices(&charts, at("2026-06-01T09:00:00Z"), &today) && !suffices(&charts, at("2026-06-01T12:00:00Z"), &today)
    );
    assert!(late(&charts, at("2026-06-01T13:00:00Z"), &part) && !late(&charts, at("2026-06-01T12:00:00Z"), &part));
    let spread = minutes(&charts, "2026-06-01T09:00:00Z", &today);
    assert!(spread.0 < spread.1, "not every house asks in the same second");
}

#[test]
fn at_midnight_yesterdays_tomorrow_is_today() {
    let charts = source(SpotService::EnergyCharts);
    let both = known("2026-05-31T22:00:00Z", "2026-06-02T22:00:00Z");
    let midnight = at("2026-06-01T22:00:10Z");
    assert_eq!(days(&charts, midnight).first, "2026-06-02".parse().unwrap());
    assert!(suffices(&charts, midnight, &both));
}

#[test]
fn quotas_and_the_owner_are_respected() {
    let config = SpotSource {
        source: Some(SpotService::Awattar),
        zone: Some("AT".into()),
        refresh_s: Some(60),
        ..SpotSource::default()
    };
    let awattar = services::source(&config, "EUR", None).unwrap();
    let both = known("2026-05-31T22:00:00Z", "2026-06-02T22:00:00Z");
    assert_eq!(minutes(&awattar, "2026-06-01T13:00:00Z", &both), (15, 15), "a hundred questions a day, no more");
    let mut charts = source(SpotService::EnergyCharts);
    charts.refresh = Some(Duration::from_secs(1800));
    assert_eq!(minutes(&charts, "2026-06-01T13:00:00Z", &both), (30, 30));
}

#[test]
fn the_days_of_octopus_end_at_eleven_in_the_evening() {
    let octopus = source(SpotService::Octopus);
    let days = days(&octopus, at("2026-06-01T22:30:00Z"));
    assert_eq!(days.first, "2026-06-02".parse().unwrap());
    assert_eq!((days.start(), days.end()), (at("2026-06-01T22:00:00Z"), at("2026-06-03T22:00:00Z")));
    let today = known("2026-06-01T22:00:00Z", "2026-06-02T22:00:00Z");
    assert!(whole(&days, days.first, &today) && !whole(&days, days.last, &today));
}

#[test]
fn pauses_grow_to_an_hour_and_are_not_shorter_than_demanded() {
    let seconds = |failures, demanded| pause(failures, demanded).num_seconds();
    for (failures, least) in [(1, 30), (2, 60), (3, 120), (5, 480), (8, 3600), (200, 3600)] {
        let pause = seconds(failures, None);
        assert!((least..=least + least / 10).contains(&pause), "{failures}: {pause}");
    }
    assert!(seconds(1, Some(Duration::from_secs(120))) >= 120);
}
