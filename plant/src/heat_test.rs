//! Mode `heat` over a day, in a room of true physics behind a thermometer of one digit.

use crate::command::Mode;
use crate::point::Point;
use crate::site::Store;
use crate::test_loop::{Loop, Meter, restless};
use crate::test_site::site;
use crate::units::Celsius;

#[test]
fn a_day_of_heat_demand_is_a_handful_of_starts() {
    // A room of 1 kWh/K that loses 40 W/K: at 5 °C outside it needs 680 W at 22 °C.
    for (digit, low, high) in [(0.1, 20.0, 23.0), (0.5, 21.0, 22.0)] {
        let mut site = site();
        site.room =
            Some(Store { capacity_kwh_per_k: 1.0, loss_kw_per_k: 0.04, low: Celsius(low), high: Celsius(high) });
        let meters = [
            Meter::new("meter", Point::GridPower, 1, 1),
            Meter::new("inverter", Point::PvPower, 5, 0),
            Meter::new("inverter", Point::BatteryPower, 5, 0),
            Meter::new("inverter", Point::BatterySoc, 5, 0),
            Meter::new("heat pump", Point::HeatPumpPower, 10, 0),
            Meter { digit, ..Meter::new("heat pump", Point::RoomTemperature, 30, 20) },
            Meter { digit: 0.1, ..Meter::new("heat pump", Point::OutdoorTemperature, 30, 0) },
            Meter::new("plug", Point::ComputePower, 2, 1),
        ];
        let mut house = Loop::new(site, Mode::Heat, &meters);
        let mut room: f64 = 20.0;
        let (mut coldest, mut warmest) = (room, room);
        house.live(86_400, |_, compute, second| {
            room += (0.97 * compute - 40.0 * (room - 5.0)) / 1000.0 / 3600.0;
            if second > 6 * 3600 {
                (coldest, warmest) = (room.min(coldest), room.max(warmest));
            }
            vec![
                (Point::GridPower, 400.0 + restless(second) + compute),
                (Point::PvPower, 0.0),
                (Point::BatteryPower, 0.0),
                (Point::BatterySoc, 60.0),
                (Point::HeatPumpPower, 0.0),
                (Point::RoomTemperature, room),
                (Point::OutdoorTemperature, 5.0),
            ]
        });
        assert!((1..=12).contains(&house.starts), "{digit}: {} starts, {}", house.starts, house.why());
        assert!(warmest < high + 0.5 && coldest > 19.9, "{digit}: {coldest} to {warmest}");
    }
}
