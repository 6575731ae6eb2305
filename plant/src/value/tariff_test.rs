//! Prices of contracts, each row with the value that a bill would show.

use super::*;
use chrono_tz::Europe::Berlin;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Zones with an hour's change, with half an hour's, with none, and with hours that begin at other minutes.
const ZONES: [Tz; 5] = [Berlin, Tz::Australia__Lord_Howe, Tz::Asia__Tokyo, Tz::Asia__Kathmandu, Tz::America__New_York];

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn import(import: Price) -> Tariff {
    Tariff::new(import, Price::fixed(EurPerKwh(0.08)))
}

fn export(export: Price) -> Tariff {
    Tariff::new(Price::fixed(EurPerKwh(0.30)), export)
}

/// The spot prices of consecutive quarters from `from`; none beyond.
fn quarters(from: &str, prices: &[f64]) -> impl Fn(Slot) -> Option<EurPerKwh> + use<> {
    let first = Slot::containing(at(from));
    let known: BTreeMap<Slot, f64> = (0..).map(|ahead| first.plus(ahead)).zip(prices.iter().copied()).collect();
    move |slot| known.get(&slot).copied().map(EurPerKwh)
}

fn always(price: Option<f64>) -> impl Fn(Slot) -> Option<EurPerKwh> {
    move |_| price.map(EurPerKwh)
}

fn close(found: Option<EurPerKwh>, expected: Option<f64>, what: &str) {
    match (found, expected) {
        (Some(found), Some(expected)) => assert!((found.0 - expected).abs() < 1e-9, "{what}: {found:?}, {expected}"),
        (found, expected) => assert_eq!(found.map(|price| price.0), expected, "{what}"),
    }
}

fn time_of_use() -> Price {
    let windows = vec![
        PriceWindow::daily(22 * 60, 6 * 60, EurPerKwh(0.20)),
        PriceWindow::daily(12 * 60, 14 * 60, EurPerKwh(0.10)),
    ];
    Price::time_of_use(EurPerKwh(0.30), windows)
}

#[test]
fn time_of_use_follows_local_time_through_dst() {
    let rows = [
        ("2026-01-10T20:59:00Z", 0.30), // 21:59 CET
        ("2026-01-10T21:00:00Z", 0.20), // 22:00 CET
        ("2026-07-10T19:59:00Z", 0.30), // 21:59 CEST
        ("2026-07-10T20:00:00Z", 0.20), // 22:00 CEST
        ("2026-07-10T10:00:00Z", 0.10), // 12:00 CEST
        ("2026-07-10T12:00:00Z", 0.30), // 14:00 CEST
        ("2026-03-29T04:00:00Z", 0.30), // the night an hour is skipped: 06:00 CEST
        ("2026-03-29T03:45:00Z", 0.20), // 05:45 CEST
        ("2026-10-25T00:30:00Z", 0.20), // 02:30 for the first time
        ("2026-10-25T01:30:00Z", 0.20), // 02:30 for the second
        ("2026-10-25T05:00:00Z", 0.30), // 06:00 CET
    ];
    for (text, expected) in rows {
        let found = prices(&import(time_of_use()), Berlin, at(text), always(None)).import;
        assert_eq!(found, Some(EurPerKwh(expected)), "{text}");
    }
}

#[test]
fn spot_adds_fee_and_tax_and_stays_unknown() {
    let tariff = import(Price::spot(EurPerKwh(0.18), 0.19));
    for (spot, expected) in [(Some(0.10), Some(0.3332)), (Some(-0.30), Some(-0.1428)), (None, None)] {
        let found = prices(&tariff, Berlin, at("2026-05-01T10:00:00Z"), always(spot));
        close(found.import, expected, &format!("{spot:?}"));
    }
}

#[test]
fn an_hourly_contract_bills_the_mean_of_the_local_clock_hour() {
    let hourly = |share| {
        let mut price = Price::spot(EurPerKwh(0.0), 0.0);
        price.parts[0].rate = Rate::Spot { share, billed: Billed::Hour };
        import(price)
    };
    let spot = quarters("2026-05-01T10:00:00Z", &[0.0, 0.0, 0.0, 0.80, 0.4, 0.4, 0.4]);
    for minute in [0, 14, 15, 45, 59] {
        let moment = at("2026-05-01T10:00:00Z") + TimeDelta::minutes(minute);
        close(prices(&hourly(1.0), Berlin, moment, &spot).import, Some(0.20), &format!("10:{minute}"));
        close(prices(&hourly(0.5), Berlin, moment, &spot).import, Some(0.10), &format!("half of 10:{minute}"));
    }
    // One quarter of the next hour is not published: none of it has a price.
    close(prices(&hourly(1.0), Berlin, at("2026-05-01T11:00:00Z"), &spot).import, None, "11:00");
    // In Kolkata the clock hour begins at half past the hour of UTC, in Kathmandu at a quarter past.
    let spot = quarters("2026-05-01T10:30:00Z", &[0.1, 0.2, 0.3, 0.4]);
    close(prices(&hourly(1.0), chrono_tz::Asia::Kolkata, at("2026-05-01T11:15:00Z"), &spot).import, Some(0.25), "half");
    let spot = quarters("2026-05-01T10:15:00Z", &[0.1, 0.2, 0.3, 0.4]);
    let found = prices(&hourly(1.0), chrono_tz::Asia::Kathmandu, at("2026-05-01T11:00:00Z"), &spot).import;
    close(found, Some(0.25), "quarter");
}

#[test]
fn the_hour_that_autumn_repeats_has_two_means() {
    let mut price = Price::spot(EurPerKwh(0.0), 0.0);
    price.parts[0].rate = Rate::Spot { share: 1.0, billed: Billed::Hour };
    let spot = quarters("2026-10-25T00:00:00Z", &[0.1, 0.1, 0.1, 0.1, 0.3, 0.3, 0.3, 0.3]);
    for (text, expected) in [("2026-10-25T00:45:00Z", 0.1), ("2026-10-25T01:45:00Z", 0.3)] {
        close(prices(&import(price.clone()), Berlin, at(text), &spot).import, Some(expected), text);
    }
    // In spring 03:00 CEST follows 01:45 CET: 28 March 2027.
    let spot = quarters("2027-03-28T00:00:00Z", &[0.1, 0.1, 0.1, 0.1, 0.3, 0.3, 0.3, 0.3]);
    for (text, expected) in [("2027-03-28T00:45:00Z", 0.1), ("2027-03-28T01:00:00Z", 0.3)] {
        close(prices(&import(price.clone()), Berlin, at(text), &spot).import, Some(expected), text);
    }
}

#[test]
fn network_fees_by_time_and_season_add_to_the_spot_price_before_the_tax() {
    let window = |from: u16, to: u16, price, months: &[u8]| PriceWindow {
        months: months.iter().copied().collect(),
        ..PriceWindow::daily(from * 60, to * 60, EurPerKwh(price))
    };
    let winter = [1, 2, 3, 10, 11, 12];
    let windows = vec![window(17, 20, 0.16, &winter), window(22, 6, 0.01, &winter)];
    let mut price = Price::spot(EurPerKwh(0.02), 0.19);
    price.parts.push(Part::net("network", Rate::Clock { price: EurPerKwh(0.09), windows }));
    let rows = [
        ("2026-01-15T11:00:00Z", 0.09), // noon in winter
        ("2026-01-15T16:00:00Z", 0.16), // 17:00
        ("2026-01-15T21:30:00Z", 0.01), // 22:30
        ("2026-07-15T15:30:00Z", 0.09), // 17:30 in summer
        ("2026-09-30T21:59:00Z", 0.09), // 23:59 on the last day of summer
        ("2026-09-30T22:00:00Z", 0.01), // midnight: winter begins inside the night
        ("2026-03-31T21:59:00Z", 0.01), // 23:59 on the last day of winter
        ("2026-03-31T22:00:00Z", 0.09), // midnight
    ];
    for (text, network) in rows {
        let found = prices(&import(price.clone()), Berlin, at(text), always(Some(0.10))).import;
        close(found, Some((0.10 + 0.02 + network) * 1.19), text);
    }
}

#[test]
fn a_window_belongs_to_the_weekday_on_which_it_begins() {
    let weekdays = (1..=5).collect();
    let night = PriceWindow { weekdays, ..PriceWindow::daily(22 * 60 + 38, 6 * 60, EurPerKwh(0.20)) };
    let weekend = PriceWindow { weekdays: [6, 7].into(), ..PriceWindow::daily(0, 24 * 60, EurPerKwh(0.25)) };
    let tariff = import(Price::time_of_use(EurPerKwh(0.30), vec![night, weekend]));
    let rows = [
        ("2026-05-01T20:37:00Z", 0.30), // Friday 22:37
        ("2026-05-01T20:38:00Z", 0.20), // Friday 22:38
        ("2026-05-02T03:59:00Z", 0.20), // Saturday 05:59: the night of Friday
        ("2026-05-02T04:00:00Z", 0.25), // Saturday 06:00
        ("2026-05-03T21:59:00Z", 0.25), // Sunday 23:59
        ("2026-05-03T22:00:00Z", 0.30), // Monday 00:00: no window begins on Sunday evening
        ("2026-05-04T20:38:00Z", 0.20), // Monday 22:38
    ];
    for (text, expected) in rows {
        let found = prices(&tariff, Berlin, at(text), always(None)).import;
        assert_eq!(found, Some(EurPerKwh(expected)), "{text}");
    }
}

#[test]
fn a_slot_in_which_a_window_begins_has_the_mean_of_its_minutes() {
    let night = PriceWindow::daily(22 * 60 + 38, 6 * 60, EurPerKwh(0.15));
    let tariff = import(Price::time_of_use(EurPerKwh(0.30), vec![night]));
    let slot = |text| slot_prices(&tariff, Berlin, Slot::containing(at(text)), always(None));
    close(slot("2026-05-01T20:15:00Z").import, Some(0.30), "22:15");
    close(slot("2026-05-01T20:30:00Z").import, Some((8.0 * 0.30 + 7.0 * 0.15) / 15.0), "22:30");
    close(slot("2026-05-01T20:45:00Z").import, Some(0.15), "22:45");
    close(slot("2026-05-01T20:30:00Z").export, Some(0.08), "the other side");
}

#[test]
fn a_new_plant_earns_nothing_while_the_spot_price_is_negative() {
    let since = NaiveDate::from_ymd_opt(2027, 1, 1);
    let fixed = Price { negative: Negative::Unpaid { since }, ..Price::fixed(EurPerKwh(0.0778)) };
    let rows = [
        ("2027-06-01T10:00:00Z", Some(0.05), Some(0.0778)),
        ("2027-06-01T10:00:00Z", Some(0.0), Some(0.0778)),
        ("2027-06-01T10:00:00Z", Some(-0.00001), Some(0.0)),
        ("2027-06-01T10:00:00Z", None, None),
        // The rule begins at local midnight, an hour before that of UTC; before it, nobody asks for the spot price.
        ("2026-12-31T22:59:00Z", Some(-0.10), Some(0.0778)),
        ("2026-12-31T22:59:00Z", None, Some(0.0778)),
        ("2026-12-31T23:00:00Z", Some(-0.10), Some(0.0)),
    ];
    for (text, spot, expected) in rows {
        let found = prices(&export(fixed.clone()), Berlin, at(text), always(spot));
        close(found.export, expected, &format!("{text}, {spot:?}"));
        assert_eq!(found.import, Some(EurPerKwh(0.30)), "the import price is as known as ever");
    }
    let old = prices(&export(Price::fixed(EurPerKwh(0.0778))), Berlin, at("2027-06-01T10:00:00Z"), always(Some(-0.1)));
    close(old.export, Some(0.0778), "an older plant");
}

#[test]
fn a_share_of_spot_for_feed_in_may_stop_at_zero() {
    let share = |negative| {
        let spot = Rate::Spot { share: 0.9, billed: Billed::Quarter };
        let fee = Rate::Clock { price: EurPerKwh(-0.01), windows: Vec::new() };
        let parts = vec![Part::net(Part::SPOT, spot), Part::net(Part::FEE, fee)];
        export(Price { parts, negative, ..Price::default() })
    };
    let unpaid = Negative::Unpaid { since: None };
    let rows = [
        (Negative::Paid, 0.10, 0.08),
        (Negative::Paid, -0.10, -0.10),
        (Negative::Paid, 0.005, -0.0055),
        (Negative::Floor, 0.005, 0.0),
        (Negative::Floor, -0.10, 0.0),
        (Negative::Floor, 0.10, 0.08),
        (unpaid, -0.10, 0.0),
        (unpaid, 0.005, -0.0055),
    ];
    for (negative, spot, expected) in rows {
        let found = prices(&share(negative), Berlin, at("2026-06-01T10:00:00Z"), always(Some(spot)));
        close(found.export, Some(expected), &format!("{negative:?}, {spot}"));
    }
}

#[test]
fn taxes_are_added_to_what_does_not_include_them_and_only_to_that() {
    let mut price = Price::spot(EurPerKwh(0.02), 0.20);
    price.parts[0].taxes_included = true;
    let found = prices(&import(price), Berlin, at("2026-06-01T10:00:00Z"), always(Some(0.12))).import;
    close(found, Some(0.12 + 0.02 * 1.2), "a gross spot price");
}

#[test]
fn a_price_is_the_sum_of_its_parts_at_every_moment_of_a_year() {
    let windows = |price| {
        let months = [4, 5, 6, 7, 8, 9].into();
        let weekdays = [1, 2, 3, 4, 5].into();
        vec![
            PriceWindow { months, ..PriceWindow::daily(600, 960, EurPerKwh(price)) },
            PriceWindow { weekdays, ..PriceWindow::daily(1371, 367, EurPerKwh(price * 2.0)) },
        ]
    };
    let mut price = Price::spot(EurPerKwh(0.021), 0.19);
    price.parts.push(Part::net("network", Rate::Clock { price: EurPerKwh(0.07), windows: windows(0.03) }));
    price.parts.push(Part {
        taxes_included: true,
        ..Part::net("levies", Rate::Clock { price: EurPerKwh(0.02), windows: windows(0.01) })
    });
    let spot = |slot: Slot| Some(EurPerKwh((slot.0 % 97) as f64 / 300.0 - 0.05));
    let mut moment = at("2026-01-01T00:00:00Z");
    while moment < at("2027-01-01T00:00:00Z") {
        let (mut net, mut gross) = (0.0, 0.0);
        for (part, value) in parts(&price, Berlin, moment, spot) {
            let value = value.unwrap().0;
            if part.taxes_included { gross += value } else { net += value }
        }
        let found = prices(&import(price.clone()), Berlin, moment, spot).import;
        close(found, Some(net * 1.19 + gross), &moment.to_string());
        moment += TimeDelta::minutes(37);
    }
}

/// Any contract: its windows anywhere, its parts with or without taxes.
fn contracts() -> impl Strategy<Value = Price> {
    let weekdays = prop::collection::btree_set(1u8..=7, 0..4);
    let months = prop::collection::btree_set(1u8..=12, 0..6);
    let window =
        (0u16..1440, 0u16..=1440, -0.2..1.0, weekdays, months).prop_map(|(from, to, price, weekdays, months)| {
            PriceWindow { weekdays, months, ..PriceWindow::daily(from, to, EurPerKwh(price)) }
        });
    let clock = (-0.1..0.6, prop::collection::vec(window, 0..4))
        .prop_map(|(price, windows)| Rate::Clock { price: EurPerKwh(price), windows });
    let spot = (0.0..2.0, any::<bool>())
        .prop_map(|(share, hourly)| Rate::Spot { share, billed: if hourly { Billed::Hour } else { Billed::Quarter } });
    let part = (prop_oneof![clock, spot], any::<bool>())
        .prop_map(|(rate, taxes_included)| Part { taxes_included, ..Part::net("part", rate) });
    let since =
        (0u32..800).prop_map(|days| NaiveDate::from_ymd_opt(2025, 1, 1).map(|day| day + Days::new(days.into())));
    let negative =
        prop_oneof![Just(Negative::Paid), Just(Negative::Floor), since.prop_map(|since| Negative::Unpaid { since }),];
    (prop::collection::vec(part, 0..5), 0.0..0.3, negative).prop_map(|(parts, tax, negative)| Price {
        parts,
        tax,
        negative,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_contract_at_any_moment(
        price in contracts(), minute in 0i64..2_000_000, zone in prop::sample::select(&ZONES), spot in -0.5..1.0,
    ) {
        let moment = at("2025-01-01T00:00:00Z") + TimeDelta::minutes(minute);
        let tariff = import(price.clone());
        let found = prices(&tariff, zone, moment, always(Some(spot))).import;
        // It is known where the spot price is, and what it is made of says what it is.
        let found = found.expect("a price").0;
        let (mut net, mut gross) = (0.0, 0.0);
        for (part, value) in parts(&price, zone, moment, always(Some(spot))) {
            let value = value.expect("a part").0;
            if part.taxes_included { gross += value } else { net += value }
        }
        let sum = net * (1.0 + price.tax) + gross;
        match price.negative {
            Negative::Paid => prop_assert!((found - sum).abs() < 1e-9),
            Negative::Floor => prop_assert!((found - sum.max(0.0)).abs() < 1e-9),
            Negative::Unpaid { .. } => prop_assert!(found == 0.0 && spot < 0.0 || (found - sum).abs() < 1e-9),
        }
        // Without the spot price it is the same where it needs none, and unknown where it needs one.
        let blind = prices(&tariff, zone, moment, always(None)).import;
        prop_assert!(blind.is_none() && price.needs_spot() || blind == Some(EurPerKwh(found)));
        // A file keeps it as it is.
        let text = serde_json::to_string(&tariff).unwrap();
        prop_assert_eq!(serde_json::from_str::<Tariff>(&text).unwrap(), tariff.clone());
        // The mean of a slot lies between its dearest and its cheapest minute.
        let slot = Slot::containing(moment);
        let minutes: Vec<f64> = (0..SLOT_MINUTES)
            .map(|minute| slot.start() + TimeDelta::minutes(minute))
            .filter_map(|at| prices(&tariff, zone, at, always(Some(spot))).import)
            .map(|price| price.0)
            .collect();
        let mean = slot_prices(&tariff, zone, slot, always(Some(spot))).import.expect("a mean").0;
        let (least, most) = minutes.iter().fold((f64::MAX, f64::MIN), |(a, b), price| (a.min(*price), b.max(*price)));
        prop_assert!(least - 1e-9 <= mean && mean <= most + 1e-9, "{least} {mean} {most}");
    }
}
