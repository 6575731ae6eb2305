//! Pictures of a simulation for who lives in the house: the months, and a typical day of each season. SVG: every browser shows it.

mod canvas;

use super::Simulated;
use super::diary::{Look, Season};
use canvas::{Canvas, Panel};
use plant::totals::Earnings;
use plant::units::{Currency, Eur};
use std::collections::BTreeMap;

const WIDTH: f64 = 860.0;
const DAY_S: f64 = 86_400.0;
const LEFT: f64 = 60.0;
const SUN: &str = "#f4b400";
const HOUSE: &str = "#555555";
const PUMP: &str = "#1e88e5";
const COMPUTE: &str = "#e53935";
const BATTERY: &str = "#43a047";
const WEAR: &str = "#8e24aa";
const STORES: &str = "#00897b";
const BEFORE: &str = "#bbbbbb";

/// The pictures: names of files and what is in them.
pub(crate) fn pictures(result: &Simulated, currency: Currency) -> Vec<(String, String)> {
    let months = months(&result.days);
    let mut pictures = vec![("months.svg".to_owned(), months_svg(&months, currency))];
    for season in Season::ALL {
        if let Some(day) = result.diary.day(season) {
            let svg = day_svg(&day, (season, result.diary.days(season)), currency);
            pictures.push((format!("day-{}.svg", season.name()), svg));
        }
    }
    pictures
}

/// The months, from their days.
fn months(days: &BTreeMap<String, Earnings>) -> Vec<(String, Earnings)> {
    let mut months: BTreeMap<String, Earnings> = BTreeMap::new();
    for (day, earnings) in days {
        // A day is written as 2024-06-01.
        *months.entry(day.get(..7).unwrap_or(day).to_owned()).or_default() += *earnings;
    }
    // What is left of a last hour at the turn of the year is no month.
    let whole = months.values().any(|month| month.observed_s >= DAY_S);
    months.into_iter().filter(|(_, month)| !whole || month.observed_s >= DAY_S).collect()
}

/// What a gain consists of: names, colours and amounts; they add up to it.
fn parts(earnings: &Earnings) -> [(&'static str, &'static str, Eur); 6] {
    let parts = earnings.parts().unwrap_or_default();
    [
        ("paid for work", SUN, parts.revenue),
        ("heat saved", COMPUTE, parts.heat_saved),
        ("power from the grid", HOUSE, parts.power),
        ("feed-in", PUMP, parts.feed_in),
        ("wear and starts", WEAR, parts.wear),
        ("stores", STORES, parts.inventory + parts.colder_room),
    ]
}

fn months_svg(months: &[(String, Earnings)], currency: Currency) -> String {
    let mut canvas = Canvas::new(WIDTH, 600.0);
    canvas.words((LEFT, 28.0), (18, "start"), "The months, with and without compute");
    let columns = months.len().max(1) as f64;
    let panel =
        |top: f64| Panel { left: LEFT, top, width: WIDTH - LEFT - 20.0, height: 190.0, least: 0.0, most: 0.0, columns };
    let bills = months.iter().flat_map(|(_, month)| [month.cost.0, month.cost_without.0]);
    let bill = panel(80.0).holding(bills, true);
    canvas.scale(&bill, &format!("What the house pays for energy, {currency} (below zero: it earns)"));
    canvas.legend((LEFT + 420.0, 72.0), &[("without compute", BEFORE), ("with compute", SUN)]);
    let both = months.iter().flat_map(|(_, month)| {
        let sum = |sign: f64| parts(month).iter().map(|(_, _, part)| (part.0 * sign).max(0.0)).sum::<f64>() * sign;
        [sum(1.0), sum(-1.0)]
    });
    let gain = panel(350.0).holding(both, true);
    canvas.scale(&gain, &format!("What compute brings, {currency}, by part; the line is what is left"));
    let wide = bill.width / columns;
    for ((name, month), column) in months.iter().zip(0i32..) {
        let left = bill.x(f64::from(column));
        let zero = bill.y(0.0);
        for (amount, shift, colour) in [(month.cost_without, 0.12, BEFORE), (month.cost, 0.5, SUN)] {
            canvas.filled((left + shift * wide, zero), (0.36 * wide, bill.y(amount.0) - zero), colour);
        }
        stack(&mut canvas, &gain, (left + 0.2 * wide, 0.6 * wide), month);
        for y in [bill.top + bill.height + 16.0, gain.top + gain.height + 16.0] {
            canvas.words((left + 0.5 * wide, y), (11, "middle"), name);
        }
    }
    let lines: Vec<Option<f64>> = months.iter().map(|(_, month)| month.known_gain().map(|gain| gain.0)).collect();
    canvas.stroke(&gain, &lines, canvas::INK);
    canvas.legend((LEFT, 588.0), &parts(&Earnings::default()).map(|(name, colour, _)| (name, colour)));
    canvas.svg()
}

/// The parts of a month's gain on top of each other, losses below zero.
fn stack(canvas: &mut Canvas, panel: &Panel, (left, width): (f64, f64), month: &Earnings) {
    let (mut above, mut below) = (0.0, 0.0);
    for (_, colour, part) in parts(month) {
        let from = if part.0 >= 0.0 { &mut above } else { &mut below };
        let (start, end) = (panel.y(*from), panel.y(*from + part.0));
        canvas.filled((left, start), (width, end - start), colour);
        *from += part.0;
    }
}

fn day_svg(day: &[Look], (season, days): (Season, f64), currency: Currency) -> String {
    let mut canvas = Canvas::new(WIDTH, 800.0);
    let title = format!("A typical day in {}: the mean of {days:.0} days", season.name());
    canvas.words((LEFT, 28.0), (18, "start"), &title);
    let panel = |top: f64, height: f64| Panel {
        left: LEFT,
        top,
        width: WIDTH - LEFT - 20.0,
        height,
        least: 0.0,
        most: 0.0,
        columns: day.len() as f64,
    };
    let column = |value: fn(&Look) -> f64| -> Vec<f64> { day.iter().map(value).collect() };
    let known = |value: fn(&Look) -> Option<f64>| -> Vec<Option<f64>> { day.iter().map(value).collect() };

    let prices = known(|look| look.price);
    let price = panel(70.0, 110.0).holding(prices.iter().flatten().copied(), true);
    canvas.scale(&price, &format!("A kilowatt-hour from the grid, {currency}"));
    canvas.stroke(&price, &prices, canvas::INK);

    let rows = [column(|look| look.pv), column(|look| look.household), column(|look| look.heat_pump)];
    let (compute, battery) = (column(|look| look.compute), column(|look| look.battery));
    let all = rows.iter().chain([&compute, &battery]).flatten().copied();
    let power = panel(240.0, 230.0).holding(all, true);
    canvas.scale(&power, "Power, kW (the battery charges below zero)");
    canvas.area(&power, &rows[0], SUN);
    canvas.area(&power, &compute, COMPUTE);
    for (values, colour) in [(&rows[1], HOUSE), (&rows[2], PUMP), (&battery, BATTERY)] {
        canvas.stroke(&power, &values.iter().copied().map(Some).collect::<Vec<_>>(), colour);
    }
    let names = [("PV", SUN), ("household", HOUSE), ("heat pump", PUMP), ("compute", COMPUTE), ("battery", BATTERY)];
    canvas.legend((LEFT + 380.0, 232.0), &names);

    let stored = known(|look| look.soc);
    let soc = Panel { most: 100.0, ..panel(530.0, 80.0) };
    canvas.scale(&soc, "Battery, %");
    canvas.stroke(&soc, &stored, BATTERY);

    let rooms = known(|look| Some(look.room));
    let room = panel(670.0, 80.0).holding(rooms.iter().flatten().copied(), false);
    canvas.scale(&room, "Room, °C");
    canvas.stroke(&room, &rooms, COMPUTE);
    for hour in (0..=24).step_by(3) {
        for one in [price, power, soc, room] {
            let at = (one.x(f64::from(hour) / 24.0 * one.columns), one.top + one.height + 16.0);
            canvas.words(at, (11, "middle"), &format!("{hour}:00"));
        }
    }
    canvas.svg()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_months_show_both_bills_and_parts_that_add_up() {
        let month = Earnings {
            cost: Eur(50.0),
            cost_without: Eur(40.0),
            revenue: Eur(25.0),
            heat_saved: Eur(6.0),
            export_revenue: Eur(1.0),
            export_revenue_without: Eur(4.0),
            inventory: Eur(0.5),
            wear: Eur(1.0),
            wear_without: Eur(0.5),
            gain: Eur(15.0),
            observed_s: 1.0,
            compared_s: 1.0,
            ..Earnings::default()
        };
        let sum: f64 = parts(&month).iter().map(|(_, _, part)| part.0).sum();
        assert!((sum - month.gain.0).abs() < 1e-9, "{sum}");
        let days = [("2024-06-01", month), ("2024-06-02", month), ("2024-07-01", month)];
        let months = months(&days.map(|(day, earnings)| (day.to_owned(), earnings)).into());
        assert_eq!(
            months.iter().map(|(name, month)| (name.as_str(), month.cost.0)).collect::<Vec<_>>(),
            [("2024-06", 100.0), ("2024-07", 50.0)]
        );
        let whole = Earnings { observed_s: 30.0 * DAY_S, ..month };
        let turn = [("2024-12-01", whole), ("2025-01-01", month)].map(|(day, earnings)| (day.to_owned(), earnings));
        assert_eq!(super::months(&turn.into()).len(), 1, "the hour after midnight is no month");
        let svg = months_svg(&months, Currency::EUR);
        for said in ["2024-06</text>", "without compute", "heat saved", "What the house pays for energy, EUR"] {
            assert!(svg.contains(said), "{said} is not in {svg}");
        }
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n") && !svg.contains("NaN"));
    }

    #[test]
    fn a_typical_day_shows_all_that_moves() {
        let look = Look { pv: 2.0, household: 0.5, compute: 0.9, battery: -0.6, room: 21.3, ..Look::default() };
        let svg = day_svg(&[look; 96], (Season::Winter, 90.0), Currency::EUR);
        for said in ["A typical day in winter: the mean of 90 days", "Battery, %", "Room, °C", "24:00", "compute"] {
            assert!(svg.contains(said), "{said} is not in {svg}");
        }
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }
}
