//! Power that the feed-in cap holds back, in closed loops: an inverter that throttles with a delay of its own, and true powers.

use crate::command::Mode;
use crate::point::Point;
use crate::reason::Reason;
use crate::site::{Price, Site};
use crate::test_loop::{Commanded, Loop, Meter, restless};
use crate::test_site::site;
use crate::units::{EurPerKwh, Watts};

/// A house with a cap on its feed-in and a box of `least` to `most` W.
fn capped(cap: f64, least: f64, most: f64) -> Site {
    let mut site = site();
    site.grid.export_limit = Some(Watts(cap));
    (site.compute.min, site.compute.max) = (Watts(least), Watts(most));
    site
}

fn meters() -> Vec<Meter> {
    vec![
        Meter::new("meter", Point::GridPower, 1, 1),
        Meter::new("inverter", Point::PvPower, 2, 1),
        Meter::new("inverter", Point::BatteryPower, 2, 1),
        Meter::new("inverter", Point::BatterySoc, 10, 0),
        Meter::new("plug", Point::ComputePower, 3, 1),
        Meter::new("heat pump", Point::HeatPumpPower, 10, 0),
        Meter::new("heat pump", Point::RoomTemperature, 30, 0),
    ]
}

/// An inverter that holds the export at its cap: it follows its load within some seconds.
#[derive(Default)]
struct Roof {
    made: f64,
    curtailed: f64,
}

impl Roof {
    fn world(
        &mut self,
        cap: f64,
        possible: impl Fn(u64) -> f64,
    ) -> impl FnMut(&Commanded, f64, u64) -> Vec<(Point, f64)> {
        move |_, compute, second| {
            let load = 500.0 + restless(second);
            let most = possible(second).min(load + compute + cap);
            self.made += (most - self.made).clamp(-self.made.max(2000.0), 400.0);
            self.made = self.made.min(possible(second));
            self.curtailed += (possible(second) - self.made) / 3.6e6;
            vec![
                (Point::PvPower, self.made),
                (Point::GridPower, load + compute - self.made),
                (Point::BatteryPower, 0.0),
                (Point::BatterySoc, 100.0),
                (Point::HeatPumpPower, 0.0),
                (Point::RoomTemperature, 24.0),
            ]
        }
    }
}

#[test]
fn the_sun_behind_a_cap_is_found_at_any_size() {
    let rows = [
        // cap, box, what the roof could make
        (0.0, (300.0, 3000.0), 4500.0),
        (0.0, (300.0, 5000.0), 4500.0),
        (0.0, (900.0, 3000.0), 4500.0),
        (800.0, (300.0, 3000.0), 4500.0),
        (800.0, (1500.0, 5000.0), 5000.0),
        (100.0, (600.0, 2000.0), 4000.0),
    ];
    for mode in [Mode::Surplus, Mode::Auto, Mode::Eco] {
        for (cap, (least, most), sun) in rows {
            let mut house = Loop::new(capped(cap, least, most), mode, &meters());
            let mut roof = Roof { made: 560.0 + cap, ..Roof::default() };
            house.live(60, roof.world(cap, |_| sun));
            let case = format!("{mode} cap {cap} box {least}..{most}: {}", house.why());
            assert!(house.compute > 1000.0, "{case}");
            house.live(240, roof.world(cap, |_| sun));
            let possible = (sun - 620.0).min(most);
            assert!(house.compute > possible - 0.12 * most, "{} of {possible}, {case}", house.compute);
            if mode != Mode::Surplus {
                continue;
            }
            house.live(3300, roof.world(cap, |_| sun));
            assert!(house.imported < 0.06, "{} kWh imported, {case}", house.imported);
            assert!(house.computed > 0.85 * possible / 1000.0, "{} of {possible}, {case}", house.computed);
            assert_eq!(house.starts, 1, "{case}");
        }
    }
}

#[test]
fn the_probe_steps_back_when_the_sun_goes() {
    let mut house = Loop::new(capped(0.0, 300.0, 3000.0), Mode::Surplus, &meters());
    let mut roof = Roof::default();
    house.live(300, roof.world(0.0, |_| 3500.0));
    assert!(house.compute > 2000.0, "{}", house.why());
    let before = house.imported;
    house.live(30, roof.world(0.0, |_| 1500.0));
    assert!((500.0..1100.0).contains(&house.compute), "{}", house.compute);
    house.live(300, roof.world(0.0, |_| 1500.0));
    assert!(house.imported - before < 0.02, "{}", house.imported - before);
}

#[test]
fn nothing_is_probed_for_ever() {
    let rows = [
        // What the roof makes is all that it can; at night nothing; the battery covers what the house takes.
        (Mode::Surplus, 560.0, 0.0, 4),
        (Mode::Surplus, 0.0, 560.0, 0),
        (Mode::Surplus, 300.0, 260.0, 0),
        (Mode::Heat, 4500.0, 0.0, 0),
        (Mode::Off, 4500.0, 0.0, 0),
    ];
    for (mode, pv, battery, starts) in rows {
        let mut house = Loop::new(capped(0.0, 300.0, 3000.0), mode, &meters());
        house.live(3 * 3600, |_, compute, _| {
            let shown = if pv > 4000.0 { 560.0 + compute } else { pv };
            vec![
                (Point::PvPower, shown),
                (Point::GridPower, if battery > 0.0 { 0.0 } else { 560.0 + compute - shown }),
                (Point::BatteryPower, if battery > 0.0 { 560.0 + compute - pv } else { 0.0 }),
                (Point::BatterySoc, 100.0),
                (Point::HeatPumpPower, 0.0),
                (Point::RoomTemperature, 24.0),
            ]
        });
        assert!(house.starts <= starts, "{mode} {pv} {battery}: {} starts in three hours", house.starts);
    }
}

#[test]
fn without_work_nothing_is_probed_for() {
    for standing in [0.0, 0.15] {
        let mut site = capped(0.0, 300.0, 3000.0);
        site.work.standing = EurPerKwh(standing);
        let mut house = Loop::new(site, Mode::Surplus, &meters());
        let mut roof = Roof::default();
        house.live(120, roof.world(0.0, |_| 4500.0));
        assert_eq!(house.compute > 0.0, standing > 0.0, "{standing}");
    }
}

#[test]
fn with_the_import_price_missing_compute_follows_the_sun() {
    for mode in [Mode::Auto, Mode::Surplus] {
        let mut site = capped(9000.0, 300.0, 2000.0);
        site.tariff.import = Price::spot(EurPerKwh(0.15), 0.19);
        site.work.standing = EurPerKwh(0.30);
        let mut house = Loop::new(site, mode, &meters());
        let world = |sun: f64| {
            move |_: &_, compute: f64, second: u64| {
                vec![
                    (Point::PvPower, sun),
                    (Point::GridPower, 500.0 + restless(second) + compute - sun),
                    (Point::BatteryPower, 0.0),
                    (Point::BatterySoc, 100.0),
                    (Point::HeatPumpPower, 0.0),
                    (Point::RoomTemperature, 24.0),
                ]
            }
        };
        house.live(180, world(3600.0));
        assert!(house.compute > 1900.0, "{mode}: {}", house.why());
        assert!(house.why().contains("import price is missing"), "{}", house.why());
        assert_eq!(house.record.as_ref().unwrap().decision.reason, Reason::Surplus);
        let before = house.imported;
        house.live(1200, world(0.0));
        assert_eq!(house.compute, 0.0, "{mode}: {}", house.why());
        house.live(3600, world(0.0));
        let bought = house.imported - before - 0.56 * 4800.0 / 3600.0;
        assert!(bought < 0.3, "{mode}: {bought} kWh bought");
    }
}
