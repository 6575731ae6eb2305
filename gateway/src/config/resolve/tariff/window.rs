//! Windows of local time: their times, weekdays and months.

use crate::config::resolve::Faults;
use crate::config::tariff::Window;
use plant::site::PriceWindow;
use plant::units::EurPerKwh;
use std::collections::BTreeSet;

/// The weekdays, Monday first.
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const MONTHS: u8 = 12;

/// The windows at `key`; `None` where one of them is not right.
pub(super) fn all(key: &str, windows: &[Window], faults: &mut Faults) -> Option<Vec<PriceWindow>> {
    let windows = windows.iter().enumerate();
    let windows: Vec<_> = windows.map(|(index, row)| window(&format!("{key}.windows[{index}]"), row, faults)).collect();
    windows.into_iter().collect()
}

fn window(key: &str, window: &Window, faults: &mut Faults) -> Option<PriceWindow> {
    let from = faults.take(&format!("{key}.from"), &window.from, minute(&window.from, 23 * 60 + 59));
    let to = faults.take(&format!("{key}.to"), &window.to, minute(&window.to, 24 * 60));
    let weekdays = set(&format!("{key}.weekdays"), window.weekdays.as_deref(), weekdays, faults);
    let months = set(&format!("{key}.months"), window.months.as_deref(), months, faults);
    let (from_minute, to_minute) = (from?, to?);
    if from_minute == to_minute {
        faults.wrong(format!("{key}.to"), super::quoted(&window.to), "expected another time than from");
    }
    Some(PriceWindow {
        weekdays: weekdays?,
        months: months?,
        ..PriceWindow::daily(from_minute, to_minute, EurPerKwh(window.price_eur_per_kwh))
    })
}

fn set(
    key: &str,
    text: Option<&str>,
    parse: fn(&str) -> Result<BTreeSet<u8>, String>,
    faults: &mut Faults,
) -> Option<BTreeSet<u8>> {
    match text {
        Some(text) => faults.take(key, text, parse(text)),
        None => Some(BTreeSet::new()),
    }
}

fn minute(text: &str, most: u16) -> Result<u16, String> {
    let parts = text.split_once(':').filter(|(hour, minute)| hour.len() == 2 && minute.len() == 2);
    let parsed = parts.and_then(|(hour, minute)| Some((hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?)));
    let minutes = parsed.filter(|(_, minute)| *minute < 60).map(|(hour, minute)| hour.saturating_mul(60) + minute);
    let expected = || format!("expected a time of day as 06:30, {:02}:{:02} at most", most / 60, most % 60);
    minutes.filter(|minutes| *minutes <= most).ok_or_else(expected)
}

fn weekdays(text: &str) -> Result<BTreeSet<u8>, String> {
    let day = |name: &str| {
        let name = name.to_ascii_lowercase();
        (1..).zip(WEEKDAYS).find(|(_, known)| *known == name).map(|(number, _)| number)
    };
    let days = numbers(text, day, WEEKDAYS.len() as u8);
    days.ok_or_else(|| format!("expected weekdays as mon-fri or sat,sun, of {}", WEEKDAYS.join(", ")))
}

fn months(text: &str) -> Result<BTreeSet<u8>, String> {
    let month = |text: &str| text.parse::<u8>().ok().filter(|month| (1..=MONTHS).contains(month));
    numbers(text, month, MONTHS).ok_or_else(|| "expected months from 1 to 12, as 10-3 or 1-3,10-12".into())
}

/// The numbers of a list with ranges: `10-3` of twelve are 10, 11, 12, 1, 2 and 3.
fn numbers(text: &str, number: impl Fn(&str) -> Option<u8>, count: u8) -> Option<BTreeSet<u8>> {
    let mut all = BTreeSet::new();
    for item in text.split(',') {
        let (first, last) = item.split_once('-').unwrap_or((item, item));
        let (first, last) = (number(first.trim())?, number(last.trim())?);
        let length = if first <= last { last - first } else { last + count - first };
        all.extend((0..=length).map(|ahead| (first - 1 + ahead) % count + 1));
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_ranges_of_weekdays_and_months() {
        let rows: [(&str, &[u8]); 5] = [
            ("mon-fri", &[1, 2, 3, 4, 5]),
            ("sat,sun", &[6, 7]),
            ("Fri-Mon", &[1, 5, 6, 7]),
            ("wed", &[3]),
            ("mon - sun", &[1, 2, 3, 4, 5, 6, 7]),
        ];
        for (text, expected) in rows {
            assert_eq!(weekdays(text), Ok(expected.iter().copied().collect()), "{text}");
        }
        let rows: [(&str, &[u8]); 4] = [
            ("10-3", &[1, 2, 3, 10, 11, 12]),
            ("1-3,10-12", &[1, 2, 3, 10, 11, 12]),
            ("7", &[7]),
            ("4-9", &[4, 5, 6, 7, 8, 9]),
        ];
        for (text, expected) in rows {
            assert_eq!(months(text), Ok(expected.iter().copied().collect()), "{text}");
        }
        for text in ["", "mo", "mon-", "mon-fry", "1-5", "mon;tue"] {
            assert!(weekdays(text).is_err(), "{text}");
        }
        for text in ["", "0", "13", "1-13", "jan", "-3", "300", "1.5"] {
            assert!(months(text).is_err(), "{text}");
        }
    }
}
