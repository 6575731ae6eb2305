//! The building that such a house describes, and the own rules of what heats it.
//!
//! Two kinds of houses are known by name: their heating curves, and what their rules do beyond what they say of them, are part of the
//! model, and count where the model is shown.

use super::hello::{Hello, House, Node};
use super::own_rule::OwnRule;
use plant::site::building::{
    Building, Comfort, ComputeHeat, Cooling, Fabric, HeatCurve, HeatPumpMap, HotWater, Legionella, TankSink, Thermostat,
};
use plant::units::{Celsius, Watts};
use std::time::Duration;

/// Share of heat that warms the air of a house which says nothing of it; the rest warms its mass.
const HALF: f64 = 0.5;

/// The building of `hello`.
pub(super) fn building(hello: &Hello) -> Building {
    let Hello { node, own_rule, house, .. } = hello;
    let fabric = fabric(node);
    Building {
        area_m2: node.area_m2,
        fabric,
        summer_above: Celsius(node.summer_mean24_c),
        heat_pump: heat_pump(node, fabric.map(|_| *house)),
        thermostat: thermostat(node, own_rule, *house),
        hot_water: hot_water(node, own_rule, fabric.map(|_| *house)),
        legionella: own_rule.hot_water.legionella.map(|rule| Legionella {
            temperature: Celsius(node.legionella_c),
            hold: hours(node.legionella_h),
            after: hours(rule.after_days * 24.0),
            hour: rule.at_hour_local,
        }),
        cooling: own_rule.cooling.map(|rule| {
            let usual = Cooling::default();
            Cooling {
                on_above: Celsius(rule.on_above_c),
                off_below: Celsius(rule.off_below_c),
                gain_kw_per_k: rule.gain_kw_per_k,
                base_kw: usual.base_kw,
                carnot: node.cool_carnot.unwrap_or(usual.carnot),
                flow: node.cool_flow_c.map_or(usual.flow, Celsius),
                condenser_k: node.cool_condenser_k.unwrap_or(usual.condenser_k),
                eer_max: node.cool_eer_max.unwrap_or(usual.eer_max),
            }
        }),
        compute_heat: compute_heat(node, own_rule),
        comfort: comfort(node),
    }
}

fn comfort(node: &Node) -> Comfort {
    let usual = Comfort::default();
    Comfort {
        room_low: Celsius(node.room_low_c),
        room_high: Celsius(node.room_high_c),
        room_high_summer: node.room_high_summer_c.map_or(usual.room_high_summer, Celsius),
        tank_low: Celsius(node.tank_lo),
        cold_eur_per_kh: node.cold_eur_per_kh.unwrap_or(usual.cold_eur_per_kh),
        warm_eur_per_kh: node.warm_eur_per_kh.unwrap_or(usual.warm_eur_per_kh),
        tank_eur_per_kh: node.tank_eur_per_kh.unwrap_or(usual.tank_eur_per_kh),
    }
}

fn hours(hours: f64) -> Duration {
    Duration::from_secs_f64(hours.max(0.0) * 3600.0)
}

/// What the building is made of, where the house tells it.
fn fabric(node: &Node) -> Option<Fabric> {
    Some(Fabric {
        air_kwh_per_k: node.air_kwh_per_k?,
        mass_kwh_per_k: node.mass_kwh_per_k?,
        coupling_kw_per_k: node.coupling_kw_per_k?,
        envelope_kw_per_k: node.envelope_kw_per_k?,
        ventilation_winter_kw_per_k: node.airing_kw_per_k?,
        ventilation_summer_kw_per_k: node.airing_in_summer_kw_per_k?,
        gain_kw: node.gain_int_kw?,
        gain_of_household: node.gain_load_frac?,
        gain_of_sun_m2: node.gain_ghi_m2?,
        summer_shade: node.shade_summer?,
        heat_pump_to_air: node.air_share_heat_pump.unwrap_or(HALF),
        compute_to_air: node.air_share_compute.unwrap_or(HALF),
    })
}

/// The heat pump; of the `house` whose model is shown.
fn heat_pump(node: &Node, house: Option<House>) -> HeatPumpMap {
    let usual = HeatPumpMap::default();
    let curve = |at_limit: f64, slope, min: f64, max: f64| HeatCurve {
        limit: Celsius(18.0),
        at_limit: Celsius(at_limit),
        slope,
        min: Celsius(min),
        max: Celsius(max),
    };
    HeatPumpMap {
        curve: Some(match house {
            Some(House::A) => curve(33.0, 0.5, 30.0, 50.0),
            Some(House::B) => curve(27.0, 0.45, 28.0, 43.0),
            None => HeatCurve::default(),
        }),
        cop_min: node.hp_cop_min.unwrap_or(usual.cop_min),
        cop_max: node.hp_cop_max.unwrap_or(usual.cop_max),
        lift_min_k: node.hp_min_lift_k.unwrap_or(usual.lift_min_k),
        power_min: Watts(node.hp_min_kw * 1000.0),
        source_loop: node.source_c.map_or(usual.source_loop, Celsius),
    }
}

fn thermostat(node: &Node, own_rule: &OwnRule, house: House) -> Thermostat {
    let usual = Thermostat::default();
    Thermostat {
        setpoint: Celsius(own_rule.room.setpoint_c.unwrap_or(node.room_low_c)),
        gain_kw_per_k: own_rule.room.gain_kw_per_k.unwrap_or(usual.gain_kw_per_k),
        summer_below_k: match house {
            House::A => None,
            House::B => Some(0.5),
        },
    }
}

fn hot_water(node: &Node, own_rule: &OwnRule, house: Option<House>) -> HotWater {
    let (rule, usual) = (own_rule.hot_water, HotWater::default());
    HotWater {
        on_below: Celsius(rule.on_below_c.unwrap_or(node.tank_lo)),
        off_above: Celsius(rule.off_above_c.unwrap_or(node.tank_hi)),
        power: rule.w.map_or(usual.power, Watts),
        max: Celsius(node.tank_hi),
        coil_max: node.tank_coil_kw.map(|coil| Watts(coil * 1000.0)),
        sink: match (node.tank_sink_k, house) {
            (Some(kelvin), _) => TankSink::Above { kelvin },
            (None, Some(House::A)) => TankSink::Fixed { flow: Celsius(55.0) },
            (None, Some(House::B) | None) => usual.sink,
        },
    }
}

fn compute_heat(node: &Node, own_rule: &OwnRule) -> ComputeHeat {
    let (rule, usual) = (own_rule.compute_heat, ComputeHeat::default());
    ComputeHeat {
        leak: node.pc_leak.unwrap_or(usual.leak),
        room_below_winter: rule.to_room_below_c_winter.map(Celsius),
        room_below_summer: rule.to_room_below_c_summer.map(Celsius),
        tank_below: rule.tank_first_below_c.map(Celsius),
        exchanger_kw_per_k: node.loop_hx_kw_per_k.unwrap_or(usual.exchanger_kw_per_k),
        loop_max: if node.loop_max_c > 0.0 { Celsius(node.loop_max_c) } else { usual.loop_max },
    }
}
