//! A fortnight in winter and one in summer in the house of the example: what a key says is what the house does.

use super::energy::Energy;
use super::model::Model;
use super::{Options, Simulated, run};
use crate::config;
use plant::decision::{BatteryMode, Setting};
use plant::house::Around;
use plant::point::Point;
use plant::time::Slot;
use plant::units::{Celsius, Watts};
use std::fmt::Write;
use std::path::Path;
use tempfile::TempDir;

/// Midnight of 8 January 2024, UTC.
const WINTER: Slot = Slot(1_894_080);
/// Midnight of 10 June 2024, UTC.
const SUMMER: Slot = Slot(1_908_864);
const DAYS: i64 = 8;
const TANK: &str = "[tank]\nlow_c = 45\nhigh_c = 60\ncapacity_kwh_per_k = 0.35\nloss_kw_per_k = 0.0025\n";

/// The example's house, where work pays and power always costs the same, with `changes` of its text.
fn site(folder: &TempDir, changes: &[(&str, &str)]) -> plant::site::Site {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../heatmine.example.toml");
    let mut text = std::fs::read_to_string(example).unwrap();
    let always = [
        ("standing_eur_per_kwh = 0.0 ", "standing_eur_per_kwh = 0.30 "),
        ("kind = \"spot\"", "kind = \"fixed\"\nprice_eur_per_kwh = 0.30"),
        ("fee_eur_per_kwh = 0.155", "#"),
        ("tax_percent = 19", "#"),
    ];
    for (from, to) in always.iter().chain(changes) {
        assert!(text.contains(from), "the example says {from:?}");
        text = text.replacen(from, to, 1);
    }
    let file = folder.path().join("heatmine.toml");
    std::fs::write(&file, text).unwrap();
    config::load(&file).unwrap().site
}

/// A trace: cold and grey, or warm and bright; a shower each morning.
fn trace(folder: &TempDir, start: Slot) -> std::path::PathBuf {
    let (warmth, sun) = if start == SUMMER { (18.0, 1.0) } else { (0.0, 0.25) };
    let mut text = "time_utc,price_eur_mwh,pv_w_per_kwp,load_w,t_out_c,ghi_w_m2,dhw_w\n".to_owned();
    for number in 0..DAYS * 96 {
        let quarter = number % 96;
        let noon = (-((quarter as f64 / 4.0 - 12.0) / 3.0).powi(2)).exp();
        let evening = (-((quarter as f64 / 4.0 - 19.0) / 2.0).powi(2)).exp();
        let drawn = if (28..32).contains(&quarter) { 3_000 } else { 0 };
        writeln!(
            text,
            "{},80,{:.0},{:.0},{:.2},{:.0},{drawn}",
            start.plus(number).start().to_rfc3339(),
            850.0 * sun * noon,
            300.0 + 1_500.0 * evening,
            warmth + 6.0 * noon,
            800.0 * sun * noon,
        )
        .unwrap();
    }
    let file = folder.path().join("trace.csv");
    std::fs::write(&file, text).unwrap();
    file
}

fn simulated(start: Slot, changes: &[(&str, &str)]) -> Simulated {
    let folder = TempDir::new().unwrap();
    let site = site(&folder, changes);
    let result = run(site, &trace(&folder, start), Options::default(), |odd| panic!("{odd}"), |_| {}).unwrap();
    for energy in [result.energy, result.energy_without] {
        let share = energy.imbalance().abs() / (energy.pv + energy.import);
        assert!(share < 1e-3, "energy closes: {share} in {energy:?}");
    }
    result
}

fn with_tank() -> (&'static str, String) {
    ("[tariff.import]", format!("{TANK}\n[tariff.import]"))
}

#[test]
fn the_cap_on_feed_in_keeps_sun_on_the_roof() {
    let (usual, capped) =
        (simulated(SUMMER, &[]), simulated(SUMMER, &[("export_limit_w = 6000", "export_limit_w = 1000")]));
    assert!(capped.energy.export.0 < usual.energy.export.0 - 10.0, "{:?} {:?}", capped.energy, usual.energy);
    assert!(capped.energy.curtailed.0 > usual.energy.curtailed.0 + 10.0);
}

#[test]
fn a_battery_that_gives_less_leaves_more_to_the_grid() {
    let slow = [("discharge_max_w = 5000", "discharge_max_w = 300")];
    let (usual, slow) = (simulated(SUMMER, &[]), simulated(SUMMER, &slow));
    assert!(slow.energy_without.discharged < usual.energy_without.discharged * 0.9);
    assert!(slow.energy_without.import.0 > usual.energy_without.import.0 + 1.0);
    assert!(slow.battery_wear < usual.battery_wear);
}

#[test]
fn a_room_that_loses_more_costs_more_heat() {
    let usual = simulated(WINTER, &[]);
    let leaky = simulated(WINTER, &[("loss_kw_per_k = 0.18", "loss_kw_per_k = 0.27")]);
    let (more, less) = (leaky.energy_without, usual.energy_without);
    assert!(more.heat > less.heat * 1.3 && more.heat_pump > less.heat_pump * 1.3, "{more:?} {less:?}");
}

#[test]
fn a_room_that_stores_less_is_cold_sooner() {
    let weak = ("power_max_w = 3500", "power_max_w = 600");
    let heavy = simulated(WINTER, &[weak, ("capacity_kwh_per_k = 6 ", "capacity_kwh_per_k = 40 ")]).comfort_without;
    let light = simulated(WINTER, &[weak, ("capacity_kwh_per_k = 6 ", "capacity_kwh_per_k = 4 ")]).comfort_without;
    assert!(light.room_below_kh.unwrap() > heavy.room_below_kh.unwrap() + 20.0, "{light:?} {heavy:?}");
}

#[test]
fn the_heat_pump_is_the_one_of_the_site() {
    let usual = simulated(WINTER, &[]).energy_without;
    let hot = simulated(WINTER, &[("flow_c = 35", "flow_c = 50")]).energy_without;
    let poor = simulated(WINTER, &[("flow_c = 35", "flow_c = 35\ncarnot_percent = 30")]).energy_without;
    assert!(hot.heat_pump > usual.heat_pump * 1.15, "{hot:?} {usual:?}");
    assert!(poor.heat_pump > usual.heat_pump * 1.2, "{poor:?} {usual:?}");
    let small = simulated(WINTER, &[("power_max_w = 3500", "power_max_w = 600")]);
    assert!(small.comfort_without.room_below_kh > Some(5.0), "{:?}", small.comfort_without);
}

#[test]
fn a_boiler_burns_fuel_and_a_heater_draws_its_heat() {
    let none = ("controls = [\"heat_pump.surplus\"]", "controls = []");
    let gas = [none, ("kind = \"heat_pump\"", "kind = \"gas\"\ngas_eur_per_kwh = 0.12")];
    let electric = [none, ("kind = \"heat_pump\"", "kind = \"electric\"")];
    let (gas, electric) = (simulated(WINTER, &gas), simulated(WINTER, &electric));
    assert!(gas.energy.fuel < gas.energy_without.fuel, "{:?}", gas.energy);
    assert_eq!(gas.energy.heat_pump.0, 0.0);
    let Energy { heat, heat_pump, fuel, .. } = electric.energy_without;
    assert!((heat.0 - heat_pump.0).abs() < 0.01 && fuel.0 == 0.0, "{:?}", electric.energy_without);
}

#[test]
fn a_tank_is_heated_and_its_size_counts() {
    let (none, tank) = (simulated(WINTER, &[]), simulated(WINTER, &[(with_tank().0, &with_tank().1)]));
    assert_eq!(none.energy.hot_water.0, 0.0);
    assert_eq!(none.comfort.tank_below_kh, None);
    // 3 kWh a day are drawn, 30 K above the cellar lose 1.8 kWh a day more; 0.42 x 328 K / 53 K is a COP of 2.6.
    let expected = (3.0 + 1.8) * DAYS as f64 / 2.6;
    let own = tank.energy_without.hot_water.0;
    assert!((own - expected).abs() < 0.1 * expected, "{:?}", tank.energy_without);
    let leaky = with_tank().1.replace("loss_kw_per_k = 0.0025", "loss_kw_per_k = 0.010");
    let leaky = simulated(WINTER, &[(with_tank().0, &leaky)]);
    assert!(leaky.energy_without.hot_water.0 > own + 10.0, "{:?} {:?}", leaky.energy, tank.energy);
    assert_eq!(tank.comfort.tank_below_kh, Some(0.0));
}

#[test]
fn a_battery_that_is_set_to_charge_charges_from_the_grid_and_one_that_is_held_gives_nothing() {
    let folder = TempDir::new().unwrap();
    let mut model = Model::new(&site(&folder, &[]));
    let night = Around {
        pv: Watts::ZERO,
        sun: 0.0,
        outdoor: Celsius(20.0),
        household: Watts(700.0),
        hot_water: Watts::ZERO,
        compute: Watts::ZERO,
        export_pays: true,
    };
    let mut power = |mode| {
        model.obey(Setting::BatteryMode(mode));
        model.step(SUMMER.start(), night, std::time::Duration::from_secs(60));
        (model.value(Point::BatteryPower).unwrap(), model.value(Point::GridPower).unwrap())
    };
    assert_eq!(power(BatteryMode::Charge), (-5_000.0, 5_700.0));
    assert_eq!(power(BatteryMode::Hold), (0.0, 700.0));
    assert_eq!(power(BatteryMode::Normal), (700.0, 0.0));
}

#[test]
fn the_books_baseline_is_the_house_without_compute() {
    let result = simulated(WINTER, &[]);
    assert!(result.compute_hours > 20.0 && result.starts > 0, "{result:?}");
    let expected = result.energy_without.import.0 * 0.30;
    let booked = result.total.import_cost_without.0;
    // Of this building nothing is stated, and compute, which always runs, tells little of it: the books say how far they may be off.
    let spread = result.total.spread.0;
    assert!(spread < 0.1 * expected, "{spread}");
    assert!(
        (booked - expected).abs() < spread.max(0.05 * expected),
        "{booked} booked, {expected} expected: {result:#?}"
    );
    assert!(result.energy.heat_pump < result.energy_without.heat_pump);
}
