//! Houses before the box is bought: from the site alone, and from a database as Home Assistant's recorder keeps it.

use super::history::{History, usual_end};
use super::roles::Choice;
use super::year::tests::maker;
use super::*;
use crate::config;
use crate::simulate::trace::Row;
use plant::site::HeatSource;
use plant::units::{EurPerKwh, Watts};
use rusqlite::{Connection, params};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const ZONE: chrono_tz::Tz = chrono_tz::Europe::Berlin;

/// A house that is described, and has no device yet.
const HOUSE: &str = r#"
[site]
timezone = "Europe/Berlin"
[pv]
peak_w = 9800
[battery]
capacity_kwh = 10.2
charge_max_w = 5000
discharge_max_w = 5000
[compute]
max_w = 900
price_eur = 1900
[heat]
kind = "electric"
[room]
low_c = 20.5
high_c = 23
capacity_kwh_per_k = 6
loss_kw_per_k = 0.18
[tariff.import]
kind = "fixed"
price_eur_per_kwh = 0.30
[tariff.export]
kind = "fixed"
price_eur_per_kwh = 0.079
[work]
standing_eur_per_kwh = 0.30
"#;

fn site() -> Site {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("house.toml");
    std::fs::write(&file, HOUSE).unwrap();
    let said = config::load(&file).unwrap_err().to_string();
    assert!(said.contains("no device offers grid.power"), "{said}");
    let site = config::load_unbuilt(&file).unwrap().site;
    assert!(site.devices.is_empty());
    site
}

fn question(site: Site) -> Question {
    Question {
        site,
        place: Place { timezone: ZONE, ..Place::default() },
        price: 1900.0,
        household_kwh: None,
        sold: 0.8,
        history: None,
        days: 1,
        seed: 1,
    }
}

#[test]
fn from_the_site_alone_the_answer_is_a_range_and_heat_counts_by_what_it_replaces() {
    // Without a battery there is nothing to plan without a box.
    let electric = question(Site { battery: None, ..site() }).answer(|_| {});
    assert_eq!(electric.plan_alone_eur_per_year, 0.0);
    let range = electric.gain_eur_per_year;
    assert!(range.low < range.expected && range.expected < range.high, "{electric:#?}");
    assert_eq!((electric.months.len(), electric.effects.len()), (12, 6));
    let gain: f64 = electric.months.iter().map(|month| month.gain_eur).sum();
    assert!((gain - range.expected).abs() < 0.03 * range.expected.abs() + 1.0, "{gain} {range:?}");
    let heat = |prospect: &Prospect, months: &[u32]| -> f64 {
        let chosen = prospect.months.iter().filter(|month| months.contains(&month.month));
        chosen.map(|month| month.heat_saved_eur).sum()
    };
    assert!(heat(&electric, &[12, 1, 2]) > heat(&electric, &[6, 7, 8]) + 10.0, "{:#?}", electric.months);

    assert!(
        electric.words().contains("0.30 EUR for each kWh, and is there in 80 % of the hours"),
        "{}",
        electric.words()
    );
    let nothing = question(Site { displaced: None, ..site() });
    let january = day(&nothing, 1);
    assert!(january.heat_saved.0.abs() < 0.01, "{january:?}");
    assert!(january.gain.0 < day(&question(site()), 1).gain.0 - 0.5, "{january:?}");
    let said = nothing.assumptions().join(" ");
    assert!(said.contains("Its heat replaces nothing and is worth nothing"), "{said}");
}

/// A day of a month as expected.
fn day(question: &Question, month: u32) -> Earnings {
    let (rows, end, _) = question.year();
    let sum = question.simulate(Task { case: Case::Expected, month }, &rows, end, &|_| {});
    assert!((0.9..1.1).contains(&sum.days), "{sum:?}");
    sum.earnings
}

#[test]
fn what_the_plan_brings_without_a_box_is_none_of_its_gain() {
    let both = |expected: f64, alone: f64| {
        let sum =
            |gain: f64| Sum { earnings: Earnings { gain: plant::units::Eur(gain), ..Earnings::default() }, days: 2.0 };
        let tasks = [Case::Expected, Case::NoBox].map(|case| Task { case, month: 4 });
        let spans = [sum(expected), sum(alone)];
        let found = Found { tasks: &tasks, spans: &spans };
        assert_eq!(found.sum(Case::NoBox, 5).days, 0.0, "a month that was not simulated");
        (found.a_year(Case::Expected, &[4]), found.a_year(Case::NoBox, &[4]))
    };
    assert_eq!(both(3.0, 1.0), (1.5 * DAYS_A_YEAR, 0.5 * DAYS_A_YEAR));
    let count = |site: Site| {
        let question = question(site);
        let tasks = Case::ALL.into_iter().flat_map(|case| (1..=12).map(move |month| Task { case, month }));
        tasks.filter(|task| question.asks(*task)).count()
    };
    let mut idle = site();
    idle.work.standing = EurPerKwh::ZERO;
    assert_eq!((count(site()), count(Site { battery: None, ..site() }), count(idle)), (48, 36, 12));
}

#[test]
fn work_that_pays_nothing_never_pays_a_box() {
    let mut site = Site { displaced: None, ..site() };
    site.work.standing = EurPerKwh::ZERO;
    let question = question(site);
    for month in [1, 7] {
        let earnings = day(&question, month);
        assert!(earnings.energy.0 < 0.1 && earnings.gain.0.abs() < 0.25, "{earnings:?}");
    }
    let prospect = question.answer(|_| {});
    assert_eq!((prospect.gain_eur_per_year.expected, prospect.effects.len()), (0.0, 0));
    assert_ne!(prospect.plan_alone_eur_per_year, 0.0, "the battery is planned all the same");
    assert!(prospect.words().contains("It never pays for itself.\n") && prospect.words().contains("It would not run"));
    let said = question.assumptions().join(" ");
    assert!(said.contains("No work pays: work.standing_eur_per_kwh is 0"), "{said}");
}

/// A database as the recorder of Home Assistant 2026 keeps it, with the hours of `rows` from July to September.
fn database(folder: &TempDir, rows: &BTreeMap<Slot, Row>, more: &[(&str, &str)]) -> PathBuf {
    let file = folder.path().join("home-assistant_v2.db");
    let mut connection = Connection::open(&file).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE statistics_meta (id INTEGER PRIMARY KEY, statistic_id VARCHAR(255), source VARCHAR(32),
               unit_of_measurement VARCHAR(255), unit_class VARCHAR(255), has_mean BOOLEAN, has_sum BOOLEAN, name VARCHAR(255), mean_type INTEGER);
             CREATE TABLE statistics (id INTEGER PRIMARY KEY, created DATETIME, created_ts FLOAT, metadata_id INTEGER, start DATETIME,
               start_ts FLOAT, mean FLOAT, mean_weight FLOAT, min FLOAT, max FLOAT, last_reset DATETIME, last_reset_ts FLOAT, state FLOAT, sum FLOAT);",
        )
        .unwrap();
    let meta = [
        ("sensor.solar_energy", "Wh", true),
        ("sensor.solar_power", "W", false),
        ("sensor.grid_import_energy", "kWh", true),
        ("sensor.grid_export_energy", "kWh", true),
        ("sensor.battery_charge_energy", "kWh", true),
        ("sensor.battery_discharge_energy", "kWh", true),
        ("sensor.heatpump_energy", "kWh", true),
        ("sensor.outdoor_temperature", "°F", false),
        ("sensor.battery_state_of_charge", "%", false),
    ];
    let all = meta.into_iter().chain(more.iter().map(|(entity, unit)| (*entity, *unit, unit.ends_with("Wh"))));
    let transaction = connection.transaction().unwrap();
    for ((entity, unit, counts), id) in all.zip(1i64..) {
        let sql = "INSERT INTO statistics_meta (id, statistic_id, source, unit_of_measurement, has_mean, has_sum) VALUES (?1, ?2, 'recorder', ?3, ?4, ?5)";
        transaction.execute(sql, params![id, entity, unit, !counts, counts]).unwrap();
    }
    let mut sums = [0.0; 7];
    let hours = rows.iter().filter(|(slot, _)| slot.0 % 4 == 0 && (7..10).contains(&slot.start().month()));
    for (slot, _) in hours {
        let mean = |value: fn(&Row) -> f64| (0..4).map(|n| value(&rows[&slot.plus(n)])).sum::<f64>() / 4.0;
        // 9.8 kWp of which a tenth less arrives than is simulated; a household of one and a half times; a heat pump of 300 W.
        let (pv, load) = (mean(|row| row.pv_per_kwp) * 9.8 * 0.9 / 1000.0, mean(|row| row.load.0) * 1.5 / 1000.0);
        let left = pv - load - 0.3;
        let powers = [pv * 1000.0, 0.0, (-left).max(0.0), left.max(0.0), 0.0, 0.0, 0.3];
        for (number, power) in powers.iter().enumerate().filter(|(number, _)| *number != 1) {
            sums[number] += power;
            let sql = "INSERT INTO statistics (metadata_id, start_ts, state, sum) VALUES (?1, ?2, ?3, ?3)";
            transaction
                .execute(sql, params![number as i64 + 1, slot.start().timestamp() as f64, sums[number]])
                .unwrap();
        }
        let outdoor = (mean(|row| row.outdoor.0) + 2.0) * 1.8 + 32.0;
        let sql = "INSERT INTO statistics (metadata_id, start_ts, mean) VALUES (?1, ?2, ?3)";
        transaction.execute(sql, params![8, slot.start().timestamp() as f64, outdoor]).unwrap();
    }
    transaction.commit().unwrap();
    file
}

fn read(file: &Path, choices: &[&str]) -> Result<History, String> {
    let choices: Vec<Choice> = choices.iter().map(|text| text.parse().unwrap()).collect();
    History::read(file, &choices, &site()).map_err(|error| format!("{error:#}"))
}

fn sum(rows: &BTreeMap<Slot, Row>, month: u32, value: fn(&Row) -> f64) -> f64 {
    let of_month = rows.iter().filter(|(slot, _)| slot.start().with_timezone(&ZONE).month() == month);
    of_month.map(|(_, row)| value(row)).sum()
}

#[test]
fn a_summer_of_home_assistant_is_taken_as_it_was_and_gives_the_rest_of_the_year_its_size() {
    let folder = TempDir::new().unwrap();
    let place = Place { timezone: ZONE, ..Place::default() };
    let made = year::Maker { place, ..maker() }.year(usual_end());
    let history = read(&database(&folder, &made, &[]), &[]).unwrap();
    assert_eq!(history.end(ZONE), NaiveDate::from_ymd_opt(2025, 10, 1));
    let mut rows = made.clone();
    let said = history.put_into(&mut rows, 9.8, false);
    for month in [2, 8, 12] {
        let times = |value: fn(&Row) -> f64| sum(&rows, month, value) / sum(&made, month, value);
        let (load, pv) = (times(|row| row.load.0), times(|row| row.pv_per_kwp));
        assert!((load - 1.5).abs() < 0.03 && (pv - 0.9).abs() < 0.02, "month {month}: load {load}, PV {pv}");
        let count = sum(&made, month, |_| 1.0);
        let warmer = (sum(&rows, month, |row| row.outdoor.0) - sum(&made, month, |row| row.outdoor.0)) / count;
        assert!((warmer - 2.0).abs() < 0.1, "month {month}: {warmer} K");
    }
    for words in [
        "PV is sensor.solar_energy.",
        "the heat pump is sensor.heatpump_energy.",
        "Of the load the history knows 25 % of a year: a typical household's course in its size stands in for the rest.",
        "Of spot prices the history knows nothing: the typical days of 2024/25 (DE-LU) stands in.",
    ] {
        assert!(said.iter().any(|said| said.contains(words)), "{words} is not in {said:#?}");
    }
}

#[test]
fn what_a_statistic_is_has_to_be_clear() {
    let folder = TempDir::new().unwrap();
    let made = maker().year(usual_end());
    let file = database(&folder, &made, &[("sensor.solar_energy_garage", "kWh"), ("sensor.wallbox_energy", "kWh")]);
    let rows = [
        (
            vec![],
            "several statistics of the history may be PV: sensor.solar_energy, sensor.solar_energy_garage; expected --entity pv=ENTITY",
        ),
        (
            vec!["pv=sensor.solar_enregy"],
            "--entity pv=sensor.solar_enregy: the history has no such statistic; expected one of PV, for example sensor.solar_energy",
        ),
        (
            vec!["outdoor=sensor.solar_power", "pv=none"],
            "no such statistic; expected one of the air outside, for example sensor.outdoor_temperature",
        ),
    ];
    for (choices, words) in rows {
        let said = read(&file, &choices).unwrap_err();
        assert!(said.contains(words), "{said}\nlacks {words}");
    }
    let without = read(&file, &["pv=none"]).unwrap();
    let lack = "The load of the house cannot be told from the history: PV is missing, say it with --entity pv=ENTITY.";
    assert!(without.words.iter().any(|said| said == lack), "{:?}", without.words);
    assert!("pv".parse::<Choice>().unwrap_err().contains("expected ROLE=ENTITY, as pv=sensor.solar_energy"));
    assert!("roof=sensor.a".parse::<Choice>().unwrap_err().contains("roles: load, pv, import"));
}

#[test]
fn what_is_no_history_is_refused_in_words() {
    let folder = TempDir::new().unwrap();
    let file = |name: &str| folder.path().join(name);
    std::fs::write(file("photo.jpg"), [0xff, 0xd8, 0x00]).unwrap();
    Connection::open(file("other.db")).unwrap().execute_batch("CREATE TABLE quarter (slot INTEGER);").unwrap();
    let old = "CREATE TABLE statistics (start DATETIME); CREATE TABLE statistics_meta (id INTEGER);";
    Connection::open(file("old.db")).unwrap().execute_batch(old).unwrap();
    for (name, words) in [
        ("nothing.db", "does not exist; expected home-assistant_v2.db, or quarter hours as CSV"),
        ("photo.jpg", "photo.jpg: not text"),
        ("other.db", "has no table of long-term statistics"),
        ("old.db", "expected those of Home Assistant 2023.3 or newer"),
    ] {
        let said = read(&file(name), &[]).unwrap_err();
        assert!(said.contains(words), "{said}\nlacks {words}");
    }
}

#[test]
fn a_history_of_quarter_hours_counts_as_it_is() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("year.csv");
    let made = maker().year(usual_end());
    let mut text = "time_utc,price_eur_mwh,pv_w_per_kwp,load_w,t_out_c,ghi_w_m2\n".to_owned();
    for slot in made.keys().take(365 * 96) {
        text += &format!("{},50,100,777,3,100\n", slot.start().to_rfc3339());
    }
    std::fs::write(&file, text).unwrap();
    let history = read(&file, &[]).unwrap();
    let mut rows = made.clone();
    let said = history.put_into(&mut rows, 9.8, false);
    assert!((sum(&rows, 5, |row| row.load.0) / sum(&rows, 5, |_| 1.0) - 777.0).abs() < 20.0);
    assert!(
        sum(&rows, 5, |row| row.price.0 - 0.05).abs() < 1e-6 && sum(&rows, 5, |row| row.outdoor.0 - 3.0).abs() < 1e-6
    );
    assert!(said.contains(&"Of PV the history knows the whole year.".to_owned()), "{said:#?}");
    let said = read(&file, &["pv=sensor.a"]).unwrap_err();
    assert!(said.contains("--entity pv=sensor.a: names a statistic of Home Assistant"), "{said}");
}

#[test]
fn cold_rooms_and_dear_gas_are_worth_more() {
    let gas = |price: f64| {
        let displaced = Some(HeatSource::Gas { price: EurPerKwh(price), efficiency: 0.92 });
        day(&question(Site { displaced, ..site() }), 1).heat_saved.0
    };
    let (cheap, dear) = (gas(0.06), gas(0.18));
    assert!(cheap > 0.05 && dear > 2.0 * cheap, "{cheap} {dear}");
    let planned = outfit::outfitted(&site());
    assert_eq!(planned.devices.len(), 1);
    assert!(
        planned.offers(plant::point::Point::RoomTemperature) && !planned.offers(plant::point::Point::TankTemperature)
    );
    assert_eq!(Watts(900.0), planned.compute.max);
}
