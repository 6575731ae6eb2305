//! The connection for a person to read: its limits and phases, what the grid operator may dim, who gets the surplus first.

use super::report::{Row, row};
use crate::config::Loaded;
use crate::config::check::listed;
use crate::config::dimming::Signal;
use crate::config::grid::phase_name;
use plant::point::Point;
use plant::site::{Dimming, Island, Phases, Site, Wallbox};

/// What concerns the grid.
pub(super) fn rows(loaded: &Loaded) -> Vec<Row> {
    let Site { grid, devices, .. } = &loaded.site;
    let cap = grid.export_limit.map_or("no cap on feeding in".into(), |cap| format!("at most {cap} into it"));
    let mut rows = vec![row("grid", format!("at most {} from it, {cap}", grid.import_limit))];
    rows.extend(grid.phases.as_ref().map(|phases| row("phases", self::phases(loaded.config.grid.phases, phases))));
    rows.push(row("dimming", dimming(loaded, grid.dimming)));
    if devices.iter().any(|device| device.points.contains(&Point::GridIsland)) {
        let words = match grid.island {
            Island::Off => "no compute while the grid is lost",
            Island::Surplus => "compute follows the surplus while the grid is lost",
        };
        rows.push(row("island", words));
    }
    rows
}

fn phases(count: u8, phases: &Phases) -> String {
    let names = phases.compute.iter().map(|phase| phase_name(*phase));
    let compute = match phases.compute.len() {
        0 => {
            "the box is taken to be on one of them, and as compute.phases does not say on which, on the fullest".into()
        }
        _ => format!("the box is on {}", listed(names, "and")),
    };
    format!("{count}, each {} A at {} V; {compute}", phases.limit_a, phases.voltage)
}

fn dimming(loaded: &Loaded, dimming: Dimming) -> String {
    let config = &loaded.config.dimming;
    let way = match config.signal {
        Signal::Rest => "POST /api/v1/grid-dimming".into(),
        Signal::Device => "grid.dimmed of a device".into(),
        Signal::HomeAssistant => format!("{} in Home Assistant", config.entity.as_deref().unwrap_or_default()),
        Signal::Mqtt => "the topic grid_dimming/set".into(),
    };
    let loads = [
        (dimming.heat_pump, "heat pump"),
        (dimming.battery, "battery"),
        (dimming.wallbox, "wallbox"),
        (dimming.compute, "compute"),
    ];
    let loads = listed(loads.into_iter().filter(|(dims, _)| *dims).map(|(_, name)| name), "and");
    format!("the signal comes by {way}; it leaves {loads} {} from the grid where it names no power", dimming.limit)
}

/// What the wallbox takes, and when.
pub(super) fn wallbox(wallbox: Wallbox) -> String {
    let turn = if wallbox.before_compute { "before" } else { "after" };
    format!("{} to {}, gets surplus {turn} compute", wallbox.min, wallbox.max)
}
