//! The connection: its phases, the box on them, what the grid operator may dim and how its signal comes, the wallbox.

use crate::{changed, complaint, loaded};
use plant::point::Point;
use plant::site::{Island, Phase, Phases, Wallbox};
use plant::units::Watts;

/// A house with three phases of 25 A, and `extra` among the keys of its box.
fn phases(extra: &str) -> Option<Phases> {
    let grid = "import_limit_w = 17250\nphases = 3\nphase_limit_a = 25";
    let text = changed(&[("import_limit_w = 17250", grid), ("max_w = 900", extra)]);
    loaded(&text).site.grid.phases
}

#[test]
fn a_box_that_names_no_phase_is_on_one_of_them_unless_it_is_too_large_for_one() {
    let rows: [(&str, &[Phase]); 5] = [
        ("max_w = 3680", &[]),
        ("max_w = 4600", &[]),
        ("max_w = 4700", &[Phase::L1, Phase::L2, Phase::L3]),
        ("max_w = 3680\nphases = [\"l2\"]", &[Phase::L2]),
        ("max_w = 5000\nphases = [\"l3\", \"l1\", \"l1\"]", &[Phase::L1, Phase::L3]),
    ];
    for (extra, expected) in rows {
        let compute = expected.iter().copied().collect();
        assert_eq!(phases(extra), Some(Phases { limit_a: 25.0, voltage: 230.0, compute }), "{extra}");
    }
    // A connection of one phase leaves no doubt.
    let one = changed(&[(
        "import_limit_w = 17250",
        "import_limit_w = 8000\nphases = 1\nphase_limit_a = 35\nvoltage_v = 240",
    )]);
    let expected = Phases { limit_a: 35.0, voltage: 240.0, compute: [Phase::L1].into() };
    assert_eq!(loaded(&one).site.grid.phases, Some(expected));
    assert_eq!(loaded(&changed(&[])).site.grid.phases, None, "the sum alone");
}

#[test]
fn the_grid_operator_dims_what_the_owner_lists() {
    let dimming = loaded(&changed(&[])).site.grid.dimming;
    assert_eq!(dimming.limit, Watts(4200.0));
    assert!(dimming.compute && dimming.heat_pump && dimming.battery && dimming.wallbox);
    let listed = "[dimming]\nlimit_w = 8400\nloads = [\"heat_pump\", \"wallbox\"]\n[pv]";
    let dimming = loaded(&changed(&[("[pv]", listed)])).site.grid.dimming;
    assert_eq!(dimming.limit, Watts(8400.0));
    assert!(!dimming.compute && dimming.heat_pump && !dimming.battery && dimming.wallbox);
}

/// What is changed in the house, and what is said about it.
const MISTAKES: &[(&[(&str, &str)], &str)] = &[
    (
        &[("import_limit_w = 17250", "import_limit_w = 17250\nphases = 2")],
        "house.toml:4:1: grid.phases = 2: expected 1 or 3",
    ),
    (
        &[("import_limit_w = 17250", "import_limit_w = 17250\nphase_limit_ampere = 25")],
        "house.toml:4:1: grid.phase_limit_ampere = 25: unknown key; the unit, A, is part of the name; did you mean phase_limit_a?",
    ),
    (
        &[("import_limit_w = 17250", "import_limit_w = 17250\nphase_limit_a = 16"), ("max_w = 900", "max_w = 3700")],
        "house.toml:12:1: compute.max_w = 3700: expected at most 3680 W on its phase, grid.phase_limit_a = 16 at 230 V: the fuse would blow",
    ),
    (
        &[("import_limit_w = 17250", "import_limit_w = 17250\nphase_limit_a = 16"), ("max_w = 900", "max_w = 12000")],
        "house.toml:12:1: compute.max_w = 12000: expected at most 3680 W on each of its phases, grid.phase_limit_a = 16 at 230 V: the fuse would blow",
    ),
    (
        &[
            ("import_limit_w = 17250", "import_limit_w = 5750\nphases = 1\nphase_limit_a = 25"),
            ("max_w = 900", "max_w = 900\nphases = [\"l2\"]"),
        ],
        "house.toml:14:11: compute.phases[0] = \"l2\": expected \"l1\": grid.phases is 1",
    ),
    (
        &[("max_w = 900", "max_w = 900\nphases = [\"l4\"]")],
        "house.toml:12:11: compute.phases[0] = \"l4\": expected one of l1, l2 or l3",
    ),
    (
        &[("max_w = 900", "max_w = 900\ntemperature_max_c = 80")],
        "house.toml:12:1: compute.temperature_max_c = 80: no device offers compute.temperature, so nothing would stop compute at that temperature; expected a [[device]] with a thermometer in the box, or the key left out",
    ),
    (
        &[("import_limit_w = 17250", "import_limit_w = 17250\nisland = \"surplus\"")],
        "house.toml:4:1: grid.island = \"surplus\": no device offers grid.island; expected a [[device]] that says whether the grid is lost",
    ),
    (
        &[("[pv]", "[wallbox]\nmin_w = 1400\n[pv]")],
        "house.toml:4:2: wallbox.first: missing; expected one of wallbox or compute (Who gets the surplus first: `wallbox` or `compute`)",
    ),
    (
        &[("[pv]", "[wallbox]\nfirst = \"compute\"\nmin_w = 4200\nmax_w = 3700\n[pv]")],
        "house.toml:4:2: wallbox: no device offers wallbox.power; expected a [[device]] that is the wallbox, or evcc\nhouse.toml:6:1: wallbox.min_w = 4200: expected at most wallbox.max_w, 3700 W",
    ),
    (
        &[("[pv]", "[dimming]\nloads = [\"fridge\"]\n[pv]")],
        "house.toml:5:10: dimming.loads[0] = \"fridge\": expected one of heat_pump, battery, wallbox or compute",
    ),
    (
        &[("[pv]", "[dimming]\nsignal = \"device\"\n[pv]")],
        "house.toml:5:1: dimming.signal = \"device\": no device offers grid.dimmed; expected a [[device]] that reads the operator's relay",
    ),
    (
        &[("[pv]", "[dimming]\nsignal = \"mqtt\"\n[pv]"), ("[mqtt]\nhost = \"broker\"\n", "")],
        "house.toml:5:1: dimming.signal = \"mqtt\": needs a broker; expected a section [mqtt]",
    ),
    (
        &[("[pv]", "[dimming]\nsignal = \"mqtt\"\n[home_assistant]\nenabled = false\n[pv]")],
        "house.toml:5:1: dimming.signal = \"mqtt\": needs home_assistant.enabled = true, which listens to commands there",
    ),
    (
        &[("[pv]", "[dimming]\nsignal = \"home_assistant\"\n[pv]")],
        "house.toml:4:2: dimming.entity: missing; expected the entity that says whether the operator dims, as binary_sensor.dimming\nhouse.toml:5:1: dimming.signal = \"home_assistant\": needs home_assistant.url and home_assistant.token (the app of Home Assistant has both by itself)",
    ),
    (
        &[("[pv]", "[dimming]\nentity = \"binary_sensor.dimming\"\n[pv]")],
        "house.toml:5:1: dimming.entity = \"binary_sensor.dimming\": is for signal = \"home_assistant\"; expected none for \"rest\"",
    ),
    (
        &[(
            "[pv]",
            "[dimming]\nsignal = \"home_assistant\"\nentity = \"Dimming\"\n[home_assistant]\nurl = \"http://ha:8123\"\n[pv]",
        )],
        "house.toml:6:1: dimming.entity = \"Dimming\": expected an entity, as binary_sensor.dimming\nhouse.toml:7:2: home_assistant.token: missing; expected a long-lived access token for home_assistant.url",
    ),
];

#[test]
fn what_could_never_act_is_refused() {
    for (changes, expected) in MISTAKES {
        assert_eq!(complaint(&changed(changes)), *expected);
    }
}

#[test]
fn a_wallbox_has_its_turn_and_an_island_its_rule() {
    let box_of = |first: &str| {
        let wallbox = format!("[wallbox]\nfirst = \"{first}\"\n[pv]");
        let device = "[[device]]\nname = \"evcc\"\ntype = \"evcc\"\ntopic = \"evcc\"\npoints = [\"wallbox.power\"]\n";
        loaded(&format!("{}{device}", changed(&[("[pv]", &wallbox)]))).site.wallbox
    };
    let expected = |before_compute| Some(Wallbox { before_compute, min: Watts(1400.0), max: Watts(11_000.0) });
    assert_eq!((box_of("wallbox"), box_of("compute")), (expected(true), expected(false)));

    let grid = "import_limit_w = 17250\nisland = \"surplus\"";
    let device = "[[device]]\nname = \"island\"\ntype = \"generic-mqtt\"\ntopic = \"a\"\npoints = [\"grid.island\"]\n";
    let site = loaded(&format!("{}{device}", changed(&[("import_limit_w = 17250", grid)]))).site;
    assert_eq!(site.grid.island, Island::Surplus);
    assert!(site.devices.iter().any(|device| device.points.contains(&Point::GridIsland)));
}
