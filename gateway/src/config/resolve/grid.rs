//! `[grid]`, `[dimming]` and `[wallbox]`: phases, the way of the grid operator's signal, who gets the surplus first.
//!
//! Example: a connection of three phases of 25 A and a box of 3680 W that names no phase. 3680 W are no more than the 4600 W that
//! a single phase may carry beyond the others, so the box is taken to be on one phase, and on the fullest: 25 A times 230 V are
//! 5750 W there.

use super::devices::Resolved;
use super::{Faults, quoted};
use crate::config::Config;
use crate::config::dimming::{DimmingConfig, Load, Signal};
use crate::config::grid::phase_name;
use crate::config::installation::{First, WallboxConfig};
use plant::point::Point;
use plant::site::{Dimming, Grid, Island, Phase, Phases, Wallbox};
use plant::units::Watts;
use std::collections::BTreeSet;

/// More than this is not connected to a single phase: what a phase may carry beyond the others (VDE-AR-N 4100, 4.6 kVA).
const ONE_PHASE_MAX_W: f64 = 4600.0;

/// The connection.
pub(super) fn grid(config: &Config, devices: &[Resolved], faults: &mut Faults) -> Grid {
    let grid = &config.grid;
    if grid.phases == 2 {
        faults.wrong("grid.phases", grid.phases, "expected 1 or 3");
    }
    let phases = grid.phase_limit_a.map(|limit_a| phases(config, limit_a, faults));
    check_signal(config, devices, faults);
    check_island(config, devices, faults);
    Grid {
        import_limit: Watts(grid.import_limit_w),
        export_limit: grid.export_limit_w.map(Watts),
        phases,
        dimming: dimming(&config.dimming),
        island: grid.island,
    }
}

fn phases(config: &Config, limit_a: f64, faults: &mut Faults) -> Phases {
    let (grid, max_w) = (&config.grid, config.compute.max_w);
    let compute = box_phases(config, faults);
    let share = max_w / compute.len().max(1) as f64;
    let most = limit_a * grid.voltage_v;
    if share > most {
        let phase = if compute.len() > 1 { "each of its phases" } else { "its phase" };
        let expected = format!(
            "expected at most {most} W on {phase}, grid.phase_limit_a = {limit_a} at {} V: the fuse would blow",
            grid.voltage_v
        );
        faults.wrong("compute.max_w", max_w, expected);
    }
    Phases { limit_a, voltage: grid.voltage_v, compute }
}

/// The phases that the box is on; none where it is on one and nobody says on which.
fn box_phases(config: &Config, faults: &mut Faults) -> BTreeSet<Phase> {
    let named: BTreeSet<Phase> = config.compute.phases.iter().copied().collect();
    if config.grid.phases == 1 {
        if let Some(index) = config.compute.phases.iter().position(|phase| *phase != Phase::L1) {
            let written = quoted(&phase_name(config.compute.phases[index]).to_lowercase());
            faults.wrong(format!("compute.phases[{index}]"), written, "expected \"l1\": grid.phases is 1");
        }
        return BTreeSet::from([Phase::L1]);
    }
    match () {
        () if !named.is_empty() => named,
        () if config.compute.max_w <= ONE_PHASE_MAX_W => BTreeSet::new(),
        () => BTreeSet::from([Phase::L1, Phase::L2, Phase::L3]),
    }
}

fn dimming(config: &DimmingConfig) -> Dimming {
    let dims = |load| config.loads.contains(&load);
    Dimming {
        limit: Watts(config.limit_w),
        compute: dims(Load::Compute),
        heat_pump: dims(Load::HeatPump),
        battery: dims(Load::Battery),
        wallbox: dims(Load::Wallbox),
    }
}

/// The grid operator's signal has a way to come.
fn check_signal(config: &Config, devices: &[Resolved], faults: &mut Faults) {
    let dimming = &config.dimming;
    let signal = dimming.signal;
    let key = "dimming.signal";
    if signal == Signal::Device && !offers(config, devices, Point::GridDimmed) {
        let expected = "no device offers grid.dimmed; expected a [[device]] that reads the operator's relay";
        faults.wrong(key, quoted(signal.name()), expected);
    }
    if signal == Signal::Mqtt && config.mqtt.is_none() {
        faults.wrong(key, quoted(signal.name()), "needs a broker; expected a section [mqtt]");
    }
    if signal == Signal::Mqtt && !config.home_assistant.enabled {
        faults.wrong(
            key,
            quoted(signal.name()),
            "needs home_assistant.enabled = true, which listens to commands there",
        );
    }
    if signal == Signal::HomeAssistant && config.home_assistant.url.is_none() {
        let expected =
            "needs home_assistant.url and home_assistant.token (the app of Home Assistant has both by itself)";
        faults.wrong(key, quoted(signal.name()), expected);
    }
    match (&dimming.entity, signal) {
        (None, Signal::HomeAssistant) => {
            let expected = "missing; expected the entity that says whether the operator dims, as binary_sensor.dimming";
            faults.about("dimming.entity", expected);
        }
        (Some(entity), Signal::HomeAssistant) if !is_entity(entity) => {
            faults.wrong("dimming.entity", quoted(entity), "expected an entity, as binary_sensor.dimming");
        }
        (Some(entity), Signal::Rest | Signal::Device | Signal::Mqtt) => {
            let expected = format!("is for signal = \"home_assistant\"; expected none for \"{}\"", signal.name());
            faults.wrong("dimming.entity", quoted(entity), expected);
        }
        (Some(_), Signal::HomeAssistant) | (None, Signal::Rest | Signal::Device | Signal::Mqtt) => {}
    }
}

/// What compute may do while the grid is lost needs somebody who says so.
fn check_island(config: &Config, devices: &[Resolved], faults: &mut Faults) {
    if config.grid.island == Island::Surplus && !offers(config, devices, Point::GridIsland) {
        let expected = "no device offers grid.island; expected a [[device]] that says whether the grid is lost";
        faults.wrong("grid.island", quoted("surplus"), expected);
    }
}

/// Whether a device offers the point, or one with a mistake might.
fn offers(config: &Config, devices: &[Resolved], point: Point) -> bool {
    devices.len() < config.device.len() || devices.iter().any(|resolved| resolved.device.points.contains(&point))
}

/// Whether a text is the name of an entity of Home Assistant: `domain.name`, of a-z, 0-9 and _.
fn is_entity(text: &str) -> bool {
    let plain =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    text.split_once('.').is_some_and(|(domain, name)| plain(domain) && plain(name))
}

/// The wallbox.
pub(super) fn wallbox(wallbox: &WallboxConfig, faults: &mut Faults) -> Wallbox {
    let (min_w, max_w) = (wallbox.min_w, wallbox.max_w);
    if min_w > max_w {
        faults.wrong("wallbox.min_w", min_w, format!("expected at most wallbox.max_w, {max_w} W"));
    }
    Wallbox { before_compute: wallbox.first == First::Wallbox, min: Watts(min_w), max: Watts(max_w) }
}
