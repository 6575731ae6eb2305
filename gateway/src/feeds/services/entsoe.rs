//! The transparency platform of ENTSO-E: day-ahead prices (A44) as XML, with a key in the address.
//!
//! - *curve A03*: a position that is left out has the price of the one before it, to the end of its period.
//! - *sequence*: some areas have two auctions. The first is the market's, the second that of 10:15 (EXAA); it comes first in the morning
//!   and in the document, and is not what contracts bill. It is not used.
//! - Where hours and quarters stand for the same time, quarters count.

use crate::feeds::answer::{Answer, Entry, Refused};
use crate::feeds::lenient::{self, text};
use crate::feeds::service::{Ask, Pace, Place, Service, escaped, european, time};
use crate::feeds::unit;
use crate::feeds::xml::{self, Element};
use chrono::TimeDelta;
use plant::time::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// The codes (EIC) of bidding zones.
const ZONES: [(&str, &str); 32] = [
    ("AT", "10YAT-APG------L"),
    ("BE", "10YBE----------2"),
    ("BG", "10YCA-BULGARIA-R"),
    ("CH", "10YCH-SWISSGRIDZ"),
    ("CZ", "10YCZ-CEPS-----N"),
    ("DE-LU", "10Y1001A1001A82H"),
    ("DK1", "10YDK-1--------W"),
    ("DK2", "10YDK-2--------M"),
    ("EE", "10Y1001A1001A39I"),
    ("ES", "10YES-REE------0"),
    ("FI", "10YFI-1--------U"),
    ("FR", "10YFR-RTE------C"),
    ("GR", "10YGR-HTSO-----Y"),
    ("HR", "10YHR-HEP------M"),
    ("HU", "10YHU-MAVIR----U"),
    ("IT-NORTH", "10Y1001A1001A73I"),
    ("LT", "10YLT-1001A0008Q"),
    ("LV", "10YLV-1001A00074"),
    ("NL", "10YNL----------L"),
    ("NO1", "10YNO-1--------2"),
    ("NO2", "10YNO-2--------T"),
    ("NO3", "10YNO-3--------J"),
    ("NO4", "10YNO-4--------9"),
    ("NO5", "10Y1001A1001A48H"),
    ("PL", "10YPL-AREA-----S"),
    ("PT", "10YPT-REN------W"),
    ("RO", "10YRO-TEL------P"),
    ("SE1", "10Y1001A1001A44P"),
    ("SE2", "10Y1001A1001A45N"),
    ("SE3", "10Y1001A1001A46L"),
    ("SE4", "10Y1001A1001A47J"),
    ("SK", "10YSK-SEPS-----K"),
];
/// Most points of a period: a year of quarter hours.
const POINTS_MAX: i64 = 366 * 96;

pub(super) static SERVICE: Service = Service {
    base: |_| "https://web-api.tp.entsoe.eu",
    zone: european,
    earlier: TimeDelta::zero(),
    pace: Pace::Daily(time(13, 0)),
    least: Duration::from_secs(300),
    asks: |place, days, _| {
        let zone = escaped(code(&place.zone));
        let form = "%Y%m%d%H%M";
        let (from, to) = (days.start().format(form), days.end().format(form));
        let (base, key) = (&place.base, escaped(place.key.reveal()));
        vec![Ask::get(format!(
            "{base}/api?securityToken={key}&documentType=A44&in_Domain={zone}&out_Domain={zone}&periodStart={from}&periodEnd={to}"
        ))]
    },
    read,
};

/// The code of a bidding zone; one that is none by name is taken for a code.
fn code(zone: &str) -> &str {
    ZONES.iter().find(|(name, _)| name.eq_ignore_ascii_case(zone)).map_or(zone, |(_, code)| code)
}

/// Whether a zone is known by name, or has the form of a code.
pub(super) fn knows(zone: &str) -> bool {
    code(zone).len() == 16 && code(zone).is_ascii()
}

fn read(body: &[u8], _: &Place) -> Result<Answer, Refused> {
    if body.starts_with(b"PK") {
        return Err(Refused::Wrong("is a ZIP archive; expected XML".into()));
    }
    let text = text(body)?;
    if !text.starts_with('<') || text.get(..15).is_some_and(|start| start.to_lowercase().starts_with("<!doctype html"))
    {
        return Err(Refused::Wrong("is no document of ENTSO-E".into()));
    }
    let root = xml::read(text)?;
    let said = || root.find("text").or_else(|| root.find("Reason")).map(|reason| reason.text.trim().to_owned());
    match root.name.as_str() {
        "Publication_MarketDocument" => prices(&root),
        "Acknowledgement_MarketDocument" => Err(Refused::Nothing(format!("says: {}", said().unwrap_or_default()))),
        _ => Err(Refused::Wrong(match said() {
            Some(words) => format!("is no document with prices; it says: {words}"),
            None => format!("is no document of ENTSO-E, but {}", root.name),
        })),
    }
}

/// A period of a time series.
struct Period {
    start: Timestamp,
    end: Timestamp,
    step: TimeDelta,
    holds: bool,
    points: BTreeMap<i64, Option<f64>>,
}

fn prices(root: &Element) -> Result<Answer, Refused> {
    let sequence =
        |series: &Element| series.get("classificationSequence_AttributeInstanceComponent.position").map(str::to_owned);
    let day_ahead = |series: &&Element| series.get("contract_MarketAgreement.type").is_none_or(|kind| kind == "A01");
    let all: Vec<&Element> = root.all("TimeSeries").filter(day_ahead).collect();
    let ours: Vec<&Element> =
        all.iter().filter(|series| sequence(series).is_none_or(|number| number == "1")).copied().collect();
    if ours.is_empty() && !all.is_empty() {
        let words = "has only the prices of a second auction (sequence 2), which are not the market's";
        return Err(Refused::Nothing(words.into()));
    }
    let mut currency = None;
    let mut periods = Vec::new();
    for series in ours {
        let money = series.get("currency_Unit.name").unwrap_or("EUR");
        // The unit of energy stands in a field of its own; some documents have the currency in it.
        let energy = series.get("price_Measure_Unit.name").filter(|energy| *energy != money).unwrap_or("MWH");
        unit::expect(&format!("{money}/MWh"), Some(&format!("{money}/{energy}")))?;
        currency = Some(money.to_owned());
        let holds = series.get("curveType").is_none_or(|curve| curve == "A03");
        for period in series.all("Period") {
            periods.push(self::period(period, holds)?);
        }
    }
    // Finer periods are laid over coarser ones.
    periods.sort_by_key(|period| std::cmp::Reverse(period.step));
    let mut entries = BTreeMap::new();
    for period in &periods {
        lay(period, &mut entries);
    }
    Answer::of(entries.into_values().collect(), currency.as_deref())
}

fn period(period: &Element, holds: bool) -> Result<Period, Refused> {
    let interval = period.all("timeInterval").next();
    let edge = |name: &str| {
        let text = interval.and_then(|interval| interval.get(name));
        lenient::time(text.ok_or_else(|| format!("has a period without {name}"))?)
    };
    let minutes = match period.get("resolution") {
        Some("PT15M") => 15,
        Some("PT30M") => 30,
        Some("PT60M" | "PT1H") => 60,
        other => return Err(Refused::Wrong(format!("has a period of steps of {}", other.unwrap_or("no length")))),
    };
    let point = |point: &Element| {
        let position =
            point.get("position")?.parse::<i64>().ok().filter(|position| (1..=POINTS_MAX).contains(position))?;
        let price = point.get("price.amount").and_then(|price| price.parse::<f64>().ok());
        Some((position, price.filter(|price| price.is_finite()).map(|price| price / 1000.0)))
    };
    let points = period.all("Point").filter_map(point).collect();
    Ok(Period { start: edge("start")?, end: edge("end")?, step: TimeDelta::minutes(minutes), holds, points })
}

/// Lays a period over what is there, in quarter hours.
fn lay(period: &Period, entries: &mut BTreeMap<Timestamp, Entry>) {
    let quarter = TimeDelta::minutes(15);
    let mut points = period.points.iter().peekable();
    while let Some((position, price)) = points.next() {
        let at = |position: i64| period.start + TimeDelta::minutes(period.step.num_minutes() * (position - 1));
        let next = if period.holds { points.peek().map(|(next, _)| at(**next)) } else { Some(at(position + 1)) };
        let mut start = at(*position);
        let end = next.unwrap_or(period.end).min(period.end);
        while start < end && entries.len() < POINTS_MAX as usize {
            entries.insert(start, Entry { start, end: Some(start + quarter), price: *price });
            start += quarter;
        }
    }
}
