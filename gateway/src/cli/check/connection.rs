//! The connection for a person to read: its limits and phases, what the grid operator may dim, who gets the surplus first.

use super::row::{Row, row};
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

#[cfg(test)]
mod tests {
    use super::super::advice;
    use super::*;
    use std::path::Path;

    /// A house with these keys of `[grid]` and `[compute]`, and a meter of this kind.
    fn house(grid: &str, compute: &str, meter: &str) -> Loaded {
        let text = format!(
            "[grid]\nimport_limit_w = 17250\n{grid}\n[compute]\nmax_w = 3680\n{compute}\n[[device]]\nname = \"m\"\n\
             type = \"{meter}\"\naddress = \"tcp://127.0.0.1:1\"\n"
        );
        crate::config::load_toml(Path::new("house.toml"), &text).unwrap_or_else(|errors| panic!("{errors}"))
    }

    fn said(loaded: &Loaded, name: &str) -> String {
        rows(loaded).into_iter().find(|(known, _)| known == name).map(|(_, words)| words).unwrap_or_default()
    }

    #[test]
    fn a_person_reads_which_phase_the_box_is_taken_to_be_on() {
        let fuses = "phases = 3\nphase_limit_a = 25";
        let rows = [
            (
                fuses,
                "",
                "3, each 25 A at 230 V; the box is taken to be on one of them, and as compute.phases does not say on which, on the fullest",
            ),
            (fuses, "phases = [\"l2\"]", "3, each 25 A at 230 V; the box is on L2"),
            (fuses, "phases = [\"l1\", \"l2\", \"l3\"]", "3, each 25 A at 230 V; the box is on L1, L2 and L3"),
            ("phases = 1\nphase_limit_a = 63", "", "1, each 63 A at 230 V; the box is on L1"),
            ("", "", ""),
        ];
        for (grid, compute, expected) in rows {
            assert_eq!(said(&house(grid, compute, "eastron-sdm630"), "phases"), expected, "{grid} {compute}");
        }
    }

    #[test]
    fn what_is_not_guarded_or_not_seen_is_worth_knowing() {
        let fuses = "phases = 3\nphase_limit_a = 25";
        let (sum, unseen) = ("guards the sum of the three phases only", "the worst case is assumed");
        let rows = [
            ("", "eastron-sdm630", Some(sum)),
            (fuses, "eastron-sdm630", None),
            (fuses, "kostal-plenticore", Some(unseen)),
            ("phases = 1", "kostal-plenticore", None),
        ];
        for (grid, meter, expected) in rows {
            let advice = advice::of(&house(grid, "", meter));
            for words in [sum, unseen] {
                let found = advice.iter().any(|sentence| sentence.contains(words));
                assert_eq!(found, expected == Some(words), "{grid} {meter}: {advice:?}");
            }
        }
    }

    #[test]
    fn the_loads_that_may_be_dimmed_and_the_way_of_the_signal_are_named() {
        let text = said(&house("", "", "eastron-sdm630"), "dimming");
        let expected = "the signal comes by POST /api/v1/grid-dimming; it leaves heat pump, battery, wallbox and compute 4200 W from the grid where it names no power";
        assert_eq!(text, expected);
    }
}
