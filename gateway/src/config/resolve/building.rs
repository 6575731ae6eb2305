//! From `[building]`, `[heat]` and `[room]` to the building and its own rules.

use super::Faults;
use super::devices::Resolved;
use crate::config::Config;
use plant::decision::Control;
use plant::site::building::{Building, Comfort, Cooling, Legionella};
use plant::units::{Celsius, Watts};
use std::time::Duration;

/// Cooling stops so many K below where it starts.
const COOLING_BAND_K: f64 = 0.5;
/// The hour of the programme against legionella where only its days are stated: the sun helps.
const LEGIONELLA_HOUR: u32 = 12;

/// The building, with defaults for what nobody states.
pub(super) fn building(config: &Config, devices: &[Resolved], faults: &mut Faults) -> Building {
    let stated = &config.building;
    let mut building = Building::default();
    building.area_m2 = stated.area_m2.unwrap_or(building.area_m2);
    building.summer_above = stated.summer_above_c.map_or(building.summer_above, Celsius);
    let room = config.room.as_ref().map(|room| room.low_c);
    building.thermostat.setpoint = stated.setpoint_c.or(room).map_or(building.thermostat.setpoint, Celsius);
    if let Some(least) = config.heat.power_min_w {
        if least > config.heat.power_max_w {
            let expected = format!("expected at most heat.power_max_w, {} W", config.heat.power_max_w);
            faults.wrong("heat.power_min_w", least, expected);
        }
        building.heat_pump.power_min = Watts(least);
    }
    building.heat_pump.power_min = building.heat_pump.power_min.min(Watts(config.heat.power_max_w));
    hot_water(config, &mut building, faults);
    building.legionella = legionella(config, devices, faults);
    building.cooling = stated.cooling_above_c.map(|above| Cooling {
        on_above: Celsius(above),
        off_below: Celsius(above - COOLING_BAND_K),
        ..Cooling::default()
    });
    building.comfort = comfort(config, &building, faults);
    building
}

/// The programme against legionella, as stated. Who sets the hot water answers for it: where a device takes that, it is weekly unless
/// another is stated.
fn legionella(config: &Config, devices: &[Resolved], faults: &mut Faults) -> Option<Legionella> {
    let (stated, usual) = (&config.building, Legionella::default());
    let sets = |control| devices.iter().any(|resolved| resolved.device.controls.contains_key(&control));
    let set = sets(Control::HeatPumpHotWaterShift) || sets(Control::HeatPumpHotWaterPower);
    let after = match stated.legionella_days {
        Some(days) => Duration::from_secs_f64(days * 86_400.0),
        None if config.tank.is_some() && set => usual.after,
        None => {
            if let Some(hour) = stated.legionella_hour {
                faults.wrong("building.legionella_hour", hour, "needs building.legionella_days");
            }
            return None;
        }
    };
    Some(Legionella { after, hour: stated.legionella_hour.unwrap_or(LEGIONELLA_HOUR), ..usual })
}

/// The comfort that is stated, else what `[room]`, `[tank]` and the own rules keep.
fn comfort(config: &Config, building: &Building, faults: &mut Faults) -> Comfort {
    let (stated, usual) = (&config.building, Comfort::default());
    let kept = config.room.as_ref().map(|room| (Celsius(room.low_c).min(building.thermostat.setpoint), room.high_c));
    let low = match kept {
        Some((low, _)) => low,
        None => building.thermostat.setpoint.min(usual.room_low),
    };
    let room_low = stated.comfort_low_c.map_or(low, Celsius);
    let high = kept.map_or(usual.room_high, |(_, high)| Celsius(high));
    let room_high = stated.comfort_high_c.map_or(high, Celsius);
    let tank = config.tank.as_ref().map_or(usual.tank_low, |tank| Celsius(tank.low_c));
    let upper = [
        ("building.comfort_high_c", stated.comfort_low_c.or(stated.comfort_high_c).map(|_| room_high)),
        ("building.comfort_high_summer_c", stated.comfort_high_summer_c.map(Celsius)),
    ];
    for (key, value) in upper {
        if let Some(value) = value.filter(|value| *value <= room_low) {
            faults.wrong(key, value.0, format!("expected more than building.comfort_low_c, {} °C", room_low.0));
        }
    }
    Comfort {
        room_low,
        room_high,
        room_high_summer: stated.comfort_high_summer_c.map_or(usual.room_high_summer.max(room_high), Celsius),
        tank_low: stated.comfort_hot_water_c.map_or(tank.min(building.hot_water.on_below), Celsius),
        cold_eur_per_kh: stated.cold_eur_per_kh.unwrap_or(usual.cold_eur_per_kh),
        warm_eur_per_kh: stated.warm_eur_per_kh.unwrap_or(usual.warm_eur_per_kh),
        tank_eur_per_kh: stated.hot_water_eur_per_kh.unwrap_or(usual.tank_eur_per_kh),
    }
}

fn hot_water(config: &Config, building: &mut Building, faults: &mut Faults) {
    let stated = &config.building;
    let rule = &mut building.hot_water;
    rule.on_below = stated.hot_water_on_c.map_or(rule.on_below, Celsius);
    let band = 6.0;
    rule.off_above = stated.hot_water_off_c.map_or(rule.on_below + Celsius(band), Celsius);
    rule.power = stated.hot_water_power_w.map_or(rule.power, Watts).min(Watts(config.heat.power_max_w));
    if rule.on_below >= rule.off_above {
        let expected = format!("expected more than building.hot_water_on_c, {} °C", rule.on_below.0);
        faults.wrong("building.hot_water_off_c", rule.off_above.0, expected);
    }
    // Where only the tank's bounds are stated, its heating keeps within them.
    if let Some(tank) = &config.tank {
        if stated.hot_water_on_c.is_none() {
            rule.on_below = rule.on_below.max(Celsius(tank.low_c));
        }
        rule.max = Celsius(tank.high_c);
    }
}
