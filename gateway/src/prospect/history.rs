//! What a house's own history says of its year: hours of load, PV, air and prices, from Home Assistant's statistics or quarter hours as
//! CSV. What it lacks stays made up, in the size of what it has, and is said.
//!
//! ```text
//! load = import - export + PV + discharge - charge - heat pump - wallbox      where the owner names no statistic for it
//! ```

use super::roles::{Choice, Role, chosen};
use super::statistics::Recorder;
use crate::simulate::trace::{Row, Trace};
use anyhow::{Result, bail};
use chrono::{Days, NaiveDate};
use chrono_tz::Tz;
use plant::site::{HeatSource, Site};
use plant::time::Slot;
use plant::units::{Celsius, EurPerKwh, Watts};
use std::collections::BTreeMap;
use std::path::Path;

/// Hours that are needed to say how large a house's load or sun is: two weeks.
const ENOUGH: usize = 14 * 24;
/// A quarter hour is no more than so many times the mean of its hour.
const PEAK: f64 = 3.0;
/// Hours of a year.
const HOURS_A_YEAR: f64 = 8760.0;
/// How PV may differ from the made-up roof.
const SUN_RANGE: (f64, f64) = (0.2, 2.0);

/// Hours by their number since 1970.
type Hours = BTreeMap<i64, f64>;

/// What a history knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct History {
    /// The household without heat pump and compute, W.
    load: Hours,
    /// W.
    pv: Hours,
    /// °C.
    outdoor: Hours,
    /// Of the exchange, by kWh.
    spot: Hours,
    /// Where each of them came from, and what is missing.
    pub words: Vec<String>,
}

impl History {
    /// Reads the history in `file`; `choices` say which statistic is which.
    pub(crate) fn read(file: &Path, choices: &[Choice], site: &Site) -> Result<Self> {
        if is_sqlite(file) {
            return Self::of_recorder(file, choices, site);
        }
        if let Some(choice) = choices.first() {
            bail!("--entity {choice}: names a statistic of Home Assistant; expected --history with its database");
        }
        if !file.exists() {
            bail!("{}: does not exist; expected home-assistant_v2.db, or quarter hours as CSV", file.display());
        }
        Ok(Self::of_trace(&Trace::read(file)?.rows, site))
    }

    fn of_trace(rows: &BTreeMap<Slot, Row>, site: &Site) -> Self {
        let peak_kw = site.pv.map_or(0.0, |pv| pv.peak.0 / 1000.0);
        let mut sums: BTreeMap<i64, Vec<&Row>> = BTreeMap::new();
        for (slot, row) in rows {
            sums.entry(slot.0.div_euclid(4)).or_default().push(row);
        }
        let means = |value: &dyn Fn(&Row) -> f64| -> Hours {
            let mean = |rows: &[&Row]| rows.iter().map(|row| value(row)).sum::<f64>() / rows.len() as f64;
            sums.iter().filter(|(_, rows)| rows.len() == 4).map(|(hour, rows)| (*hour, mean(rows))).collect()
        };
        Self {
            load: means(&|row| row.load.0),
            pv: if peak_kw > 0.0 { means(&|row| row.pv_per_kwp * peak_kw) } else { Hours::new() },
            outdoor: means(&|row| row.outdoor.0),
            spot: means(&|row| row.price.0),
            words: Vec::new(),
        }
    }

    fn of_recorder(file: &Path, choices: &[Choice], site: &Site) -> Result<Self> {
        let recorder = Recorder::open(file)?;
        let statistics = recorder.statistics()?;
        let found = chosen(&statistics, choices, site)?;
        let mut words = Vec::new();
        let mut hours: BTreeMap<Role, Hours> = BTreeMap::new();
        for (role, statistics) in found {
            let mut sum: Option<Hours> = None;
            for statistic in &statistics {
                let own = recorder.hours(statistic)?;
                sum = Some(sum.map_or_else(|| own.clone(), |sum| combined(&sum, &own, 1.0)));
            }
            let names: Vec<&str> = statistics.iter().map(|statistic| statistic.entity.as_str()).collect();
            words.push(format!("{} is {}.", role.words(), names.join(" + ")));
            hours.insert(role, sum.unwrap_or_default());
        }
        let load = load(&hours, site).unwrap_or_else(|lack| {
            words.push(format!("The load of the house cannot be told from the history: {lack}."));
            Hours::new()
        });
        let mut take = |role: Role| hours.remove(&role).unwrap_or_default();
        Ok(Self { load, pv: take(Role::Pv), outdoor: take(Role::Outdoor), spot: take(Role::Spot), words })
    }

    /// The local day after the last whole one that it knows anything of; `None` where it knows nothing.
    pub(crate) fn end(&self, zone: Tz) -> Option<NaiveDate> {
        let last =
            [&self.load, &self.pv, &self.outdoor].into_iter().filter_map(|hours| hours.keys().next_back()).max()?;
        Some(Slot(last.saturating_add(1).saturating_mul(4)).start().with_timezone(&zone).date_naive())
    }

    /// Puts what it knows into a made-up year of a house with a PV of `peak_kw`, and brings the rest of the year to its size.
    pub(crate) fn put_into(&self, rows: &mut BTreeMap<Slot, Row>, peak_kw: f64, own_household: bool) -> Vec<String> {
        let mut said = self.words.clone();
        let made = made_up(rows);
        let load = ratio(&self.load, &made, |made| made.load).filter(|_| !own_household);
        let sun = ratio(&self.pv, &made, |made| made.pv * peak_kw).map(|sun| sun.clamp(SUN_RANGE.0, SUN_RANGE.1));
        let air = difference(&self.outdoor, &made);
        for (slot, row) in rows.iter_mut() {
            let hour = slot.0.div_euclid(4);
            let Some(made) = made.get(&hour) else { continue };
            let shape = |quarter: f64, mean: f64| if mean > 1e-6 { (quarter / mean).clamp(0.0, PEAK) } else { 1.0 };
            row.load = match self.load.get(&hour) {
                Some(load) => Watts(load * shape(row.load.0, made.load)),
                None => row.load * load.unwrap_or(1.0),
            };
            row.pv_per_kwp = match self.pv.get(&hour).filter(|_| peak_kw > 0.0) {
                Some(pv) => pv / peak_kw * shape(row.pv_per_kwp, made.pv),
                None => row.pv_per_kwp * sun.unwrap_or(1.0),
            };
            row.outdoor = self.outdoor.get(&hour).map_or(row.outdoor + Celsius(air), |outdoor| Celsius(*outdoor));
            row.price = self.spot.get(&hour).map_or(row.price, |spot| EurPerKwh(*spot));
        }
        said.extend([
            covered("the load", &self.load, &made, "a typical household's course"),
            covered("PV", &self.pv, &made, "simulated sun"),
            covered("the air outside", &self.outdoor, &made, "a typical year"),
            covered("spot prices", &self.spot, &made, "the typical days of 2024/25 (DE-LU)"),
        ]);
        said
    }
}

/// Means of an hour of the made-up year.
struct MadeUp {
    load: f64,
    pv: f64,
    outdoor: f64,
}

fn made_up(rows: &BTreeMap<Slot, Row>) -> BTreeMap<i64, MadeUp> {
    let mut hours: BTreeMap<i64, MadeUp> = BTreeMap::new();
    for (slot, row) in rows {
        let hour = hours.entry(slot.0.div_euclid(4)).or_insert(MadeUp { load: 0.0, pv: 0.0, outdoor: 0.0 });
        hour.load += row.load.0 / 4.0;
        hour.pv += row.pv_per_kwp / 4.0;
        hour.outdoor += row.outdoor.0 / 4.0;
    }
    hours
}

/// What the history has times of what was made up for the same hours; `None` where it has too few.
fn ratio(known: &Hours, made: &BTreeMap<i64, MadeUp>, value: impl Fn(&MadeUp) -> f64) -> Option<f64> {
    let both = known.iter().filter_map(|(hour, known)| Some((*known, value(made.get(hour)?))));
    let (count, known, made) =
        both.fold((0, 0.0, 0.0), |(count, a, b), (known, made)| (count + 1, a + known, b + made));
    (count >= ENOUGH && made > 0.0 && known > 0.0).then_some(known / made)
}

/// Kelvin by which the history is warmer than what was made up; 0 where it has too few hours.
fn difference(known: &Hours, made: &BTreeMap<i64, MadeUp>) -> f64 {
    let both: Vec<f64> = known.iter().filter_map(|(hour, known)| Some(known - made.get(hour)?.outdoor)).collect();
    if both.len() < ENOUGH { 0.0 } else { both.iter().sum::<f64>() / both.len() as f64 }
}

fn covered(what: &str, known: &Hours, made: &BTreeMap<i64, MadeUp>, instead: &str) -> String {
    let share = known.keys().filter(|hour| made.contains_key(hour)).count() as f64 / HOURS_A_YEAR;
    match (share * 100.0).min(100.0) {
        none if none <= 0.0 => format!("Of {what} the history knows nothing: {instead} stands in."),
        most if most >= 99.0 => format!("Of {what} the history knows the whole year."),
        some => {
            format!("Of {what} the history knows {some:.0} % of a year: {instead} in its size stands in for the rest.")
        }
    }
}

/// The household: as the owner names it, or what the meters leave.
fn load(hours: &BTreeMap<Role, Hours>, site: &Site) -> Result<Hours, String> {
    let heats = matches!(site.displaced, Some(HeatSource::HeatPump { .. } | HeatSource::Electric));
    let missing = |role: Role| format!("{} is missing, say it with --entity {}=ENTITY", role.words(), role.name());
    let get = |role: Role| hours.get(&role).ok_or_else(|| missing(role));
    let mut sum = match hours.get(&Role::Load) {
        Some(load) => load.clone(),
        None => {
            let mut sum = get(Role::Import)?.clone();
            for (role, sign, needed) in [
                (Role::Export, -1.0, site.pv.is_some()),
                (Role::Pv, 1.0, site.pv.is_some()),
                (Role::Discharge, 1.0, site.battery.is_some()),
                (Role::Charge, -1.0, site.battery.is_some()),
            ] {
                if needed || hours.contains_key(&role) {
                    sum = combined(&sum, get(role)?, sign);
                }
            }
            if heats { combined(&sum, get(Role::HeatPump)?, -1.0) } else { sum }
        }
    };
    if let Some(wallbox) = hours.get(&Role::Wallbox).filter(|_| !hours.contains_key(&Role::Load)) {
        sum = combined(&sum, wallbox, -1.0);
    }
    sum.values_mut().for_each(|watts| *watts = watts.max(0.0));
    Ok(sum)
}

/// The first plus `sign` times the second, in the hours that both know.
fn combined(first: &Hours, second: &Hours, sign: f64) -> Hours {
    first.iter().filter_map(|(hour, value)| Some((*hour, value + sign * second.get(hour)?))).collect()
}

fn is_sqlite(file: &Path) -> bool {
    use std::io::Read;
    let mut head = [0; 16];
    let read = std::fs::File::open(file).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head.starts_with(b"SQLite format 3")
}

/// The last day of a made-up year where no history names one.
pub(crate) fn usual_end() -> NaiveDate {
    NaiveDate::from_ymd_opt(2025, 12, 31).and_then(|day| day.checked_add_days(Days::new(1))).unwrap_or_default()
}
