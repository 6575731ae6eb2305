//! Every mistake in a configuration gets its own message: file, place, key, value, expectation and the nearest known key.

use gateway::config::{Loaded, load, load_toml};
use std::path::Path;

/// A house that is right; `extra` goes behind it.
const HOUSE: &str = r#"
[grid]
import_limit_w = 17250
[pv]
peak_w = 9800
[battery]
capacity_kwh = 10
charge_max_w = 5000
discharge_max_w = 5000
[compute]
max_w = 900
[mqtt]
host = "broker"
[[device]]
name = "inverter"
type = "fronius-gen24"
address = "tcp://192.168.1.20:502"
"#;

/// The house with each `(from, to)` replaced.
fn changed(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(HOUSE.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    })
}

fn loaded(text: &str) -> Loaded {
    load_toml(Path::new("house.toml"), text).unwrap_or_else(|errors| panic!("{errors}"))
}

fn complaint(text: &str) -> String {
    load_toml(Path::new("house.toml"), text).map(|_| ()).expect_err(text).to_string()
}

#[test]
fn a_house_that_is_right_resolves() {
    let loaded = loaded(HOUSE);
    assert_eq!(loaded.site.compute.max.0, 900.0);
    assert_eq!(loaded.site.compute.min.0, 117.0);
    assert_eq!(loaded.site.devices.len(), 1);
    assert_eq!(loaded.broker.map(|broker| broker.host).as_deref(), Some("broker"));
    assert_eq!(loaded.schedule.len(), 1);
}

#[test]
fn each_mistake_has_its_message() {
    let rows: &[(&[(&str, &str)], &str)] = &[
        (
            &[("import_limit_w = 17250", "import_limt_w = 24000")],
            "house.toml:3:1: grid.import_limt_w = 24000: unknown key; did you mean import_limit_w?",
        ),
        (
            &[("import_limit_w = 17250", "import_limit_kw = 17.25")],
            "house.toml:3:1: grid.import_limit_kw = 17.25: wrong unit; expected W, as import_limit_w = 17250; did you mean import_limit_w?",
        ),
        (
            &[("import_limit_w = 17250", "import_limit = 17250")],
            "house.toml:3:1: grid.import_limit = 17250: unknown key; the unit, W, is part of the name; did you mean import_limit_w?",
        ),
        (
            &[("capacity_kwh = 10", "capacity_wh = 10000\ncapacity_kwh = 10")],
            "house.toml:7:1: battery.capacity_wh = 10000: wrong unit; expected kWh, as capacity_kwh = 10; did you mean capacity_kwh?",
        ),
        (
            &[("max_w = 900", "max_w = 900\nreserve_percent = 10")],
            "house.toml:12:1: compute.reserve_percent = 10: unknown key; did you mean reject_percent?",
        ),
        (
            &[("max_w = 900", "max_w = 900\ncapacity_kwh = 10")],
            "house.toml:12:1: compute.capacity_kwh = 10: unknown key; did you mean capacity_kwh in [battery]?",
        ),
        (&[("[pv]", "[pvv]\nx = 1\n[pv]")], "house.toml:4:2: pvv = {..}: unknown key; did you mean pv?"),
        (
            &[("max_w = 900", "max_w = \"900 W\"")],
            "house.toml:11:1: compute.max_w = \"900 W\": expected a number from 5 to 1000000, in W",
        ),
        (
            &[("max_w = 900", "max_w = -900")],
            "house.toml:11:1: compute.max_w = -900: expected a number from 5 to 1000000, in W",
        ),
        (
            &[("max_w = 900", "max_w = nan")],
            "house.toml:11:1: compute.max_w = \"nan\": expected a number from 5 to 1000000, in W",
        ),
        (
            &[("max_w = 900", "")],
            "house.toml:10:2: compute.max_w: missing; expected a number from 5 to 1000000, in W (Greatest power)",
        ),
        (
            &[("[compute]\nmax_w = 900", "")],
            "house.toml: compute: missing; expected a section headed [compute] (The compute box)",
        ),
        (
            &[("max_w = 900", "max_w = 900\nheat_into = \"rooom\"")],
            "house.toml:12:1: compute.heat_into = \"rooom\": expected one of room, tank, heat_pump_source or outside",
        ),
        (
            &[("max_w = 900", "max_w = 900\nheat_into = \"tank\"")],
            "house.toml:12:1: compute.heat_into = \"tank\": needs a section [tank]",
        ),
        (
            &[("max_w = 900", "max_w = 900\nidle_w = 950")],
            "house.toml:12:1: compute.idle_w = 950: expected less than compute.max_w, 900 W",
        ),
        (
            &[("max_w = 900", "max_w = 900\nmin_w = 1000")],
            "house.toml:12:1: compute.min_w = 1000: expected from compute.idle_w, 30 W, to compute.max_w, 900 W",
        ),
        (
            &[("max_w = 900", "max_w = 20000")],
            "house.toml:11:1: compute.max_w = 20000: expected at most grid.import_limit_w, 17250 W: the fuse would blow",
        ),
        (
            &[("capacity_kwh = 10", "capacity_kwh = 10\nreserve_percent = 140")],
            "house.toml:8:1: battery.reserve_percent = 140: expected a number from 0 to 100, in %",
        ),
        (
            &[("[pv]", "[site]\ntimezone = \"Europe/Berln\"\n[pv]")],
            "house.toml:5:1: site.timezone = \"Europe/Berln\": unknown time zone; expected one as Europe/Berlin",
        ),
        (
            &[("[[device]]", "[device]")],
            "house.toml:14:2: device = {..}: expected a list of sections, each headed [[device]]",
        ),
        (
            &[("fronius-gen24", "fronius-gen23")],
            "house.toml:16:1: device[0].type = \"fronius-gen23\": there is no device definition 'fronius-gen23'; expected fronius-gen24 (heatmine device list shows all)",
        ),
        (
            &[("tcp://192.168.1.20:502", "http://192.168.1.20")],
            "house.toml:17:1: device[0].address = \"http://192.168.1.20\": address 'http://192.168.1.20' has the unknown scheme 'http'; expected tcp://host:port, rtu:///dev/ttyUSB0?baud=9600, rtu+tcp://host:port or mqtt://host:port/topic",
        ),
        (
            &[("tcp://192.168.1.20:502", "rtu:///dev/ttyUSB0")],
            "house.toml:17:1: device[0].address = \"rtu:///dev/ttyUSB0?baud=9600&parity=N&stop=1\": fronius-gen24 is reached over tcp, not over rtu",
        ),
        (
            &[("address = \"tcp://192.168.1.20:502\"", "")],
            "house.toml:14:1: device[0]: expected exactly one of address (tcp://host:port, rtu:///dev/ttyUSB0) and topic (MQTT)",
        ),
        (
            &[("name = \"inverter\"", "name = \"worker\"")],
            "house.toml:15:1: device[0].name = \"worker\": is the name of the engine; expected another one",
        ),
        (
            &[("name = \"inverter\"", "name = \"inverter\"\nunit = 300")],
            "house.toml:16:1: device[0].unit = 300: expected a whole number from 0 to 255",
        ),
        (
            &[("name = \"inverter\"", "name = \"inverter\"\nmax_age_s = 1")],
            "house.toml:16:1: device[0].max_age_s = 1: expected at least interval_s, 2",
        ),
        (
            &[("host = \"broker\"", "host = \"broker\"\npasswort = \"geheim\"")],
            "house.toml:14:1: mqtt.passwort = ***: unknown key; did you mean password?",
        ),
        (
            &[("host = \"broker\"", "host = \"broker\"\nport = 70000")],
            "house.toml:14:1: mqtt.port = 70000: expected a whole number from 1 to 65535",
        ),
        (
            &[("host = \"broker\"", "host = \"broker\"\ntopic_prefix = \"heat/#\"")],
            "house.toml:14:1: mqtt.topic_prefix = \"heat/#\": expected a topic without + and #, and without / at its ends",
        ),
        (
            &[("host = \"broker\"", "host = \"broker\"\npassword = \"a\"\npassword_file = \"b\"")],
            "house.toml:15:1: mqtt.password_file = \"b\": expected either mqtt.password or its file, not both",
        ),
        (
            &[("[pv]", "[http]\nlisten = \"8099\"\n[pv]")],
            "house.toml:5:1: http.listen = \"8099\": expected an IP address and a port, as 0.0.0.0:8099 or 127.0.0.1:8099",
        ),
        (
            &[("[pv]", "[worker]\nlisten = \"127.0.0.1:8099\"\n[pv]")],
            "house.toml:5:1: worker.listen = \"127.0.0.1:8099\": expected another port than that of http.listen, 8099",
        ),
        (
            &[("[pv]", "[influx]\nenabled = true\nurl = \"localhost\"\n[pv]")],
            "house.toml:6:1: influx.url = \"localhost\": expected an address, as http://host:8086",
        ),
        (
            &[("[pv]", "[tariff.import]\nkind = \"spot\"\n[pv]")],
            "house.toml:5:1: tariff.import.kind = \"spot\": needs a section [tariff.spot] with topic or url",
        ),
        (
            &[("[pv]", "[tariff.import]\nkind = \"time_of_use\"\n[pv]")],
            "house.toml:4:9: tariff.import.windows: missing; expected the windows of kind = \"time_of_use\", each with from, to and price_eur_per_kwh",
        ),
        (
            &[("[pv]", "[tariff.import]\nprice_ct_per_kwh = 32\n[pv]")],
            "house.toml:5:1: tariff.import.price_ct_per_kwh = 32: wrong unit; expected EUR/kWh, as price_eur_per_kwh = 0.32; did you mean price_eur_per_kwh?",
        ),
        (
            &[("[pv]", "[[schedule]]\ncron = \"0 0 25 * * *\"\nmode = \"eco\"\n[pv]")],
            "house.toml:5:1: schedule[0].cron = \"0 0 25 * * *\": ",
        ),
        (
            &[("[pv]", "[[schedule]]\ncron = \"0 0 2 * * *\"\nmode = \"eco\"\nboost_s = 60\n[pv]")],
            "house.toml:4:1: schedule[0]: expected exactly one of mode, boost_s, power_limit_w and job beside cron = \"0 0 2 * * *\"",
        ),
        (
            &[("[pv]", "[room]\nlow_c = 24\nhigh_c = 22\ncapacity_kwh_per_k = 5\nloss_kw_per_k = 0.2\n[pv]")],
            "house.toml:4:2: room: no device offers room.temperature; expected a [[device]] that is a thermometer in the room\nhouse.toml:6:1: room.high_c = 22: expected more than room.low_c, 24 °C",
        ),
        (
            &[("[pv]", "[heat]\nkind = \"gas\"\n[pv]")],
            "house.toml:4:2: heat.gas_eur_per_kwh: missing; expected what a kilowatt-hour of gas costs, in EUR/kWh",
        ),
    ];
    for (changes, expected) in rows {
        let found = complaint(&changed(changes));
        if expected.ends_with(": ") {
            assert!(found.starts_with(expected), "{found}");
        } else {
            assert_eq!(found, *expected);
        }
    }
}

#[test]
fn every_mistake_is_reported_together_in_the_order_of_the_file() {
    let text = changed(&[
        ("import_limit_w = 17250", "import_limit_w = \"much\""),
        ("peak_w = 9800", "peak_kwp = 9.8"),
        ("max_w = 900", "max_w = 900\nidle_w = 1000"),
    ]);
    let found = complaint(&text);
    let keys: Vec<&str> = found.lines().filter_map(|line| line.split(": ").nth(1)).collect();
    assert_eq!(keys.len(), 4, "{found}");
    assert!(keys[0].starts_with("grid.import_limit_w"), "{found}");
}

#[test]
fn two_devices_do_not_measure_the_same_connection() {
    let second = "[[device]]\nname = \"second\"\ntype = \"fronius-gen24\"\naddress = \"tcp://192.168.1.30\"\n";
    let found = complaint(&format!("{HOUSE}{second}"));
    assert!(
        found.contains("device[1].name = \"second\": grid.power comes from device \"inverter\" already"),
        "{found}"
    );
    loaded(&format!("{HOUSE}{second}points = [\"pv.power\"]\n"));
}

#[test]
fn a_control_needs_what_it_controls() {
    let text = changed(&[("[battery]\ncapacity_kwh = 10\ncharge_max_w = 5000\ndischarge_max_w = 5000\n", "")]);
    let found = complaint(&format!("{text}controls = [\"battery.mode\"]\n"));
    assert!(found.contains("device[0].controls = \"battery.mode\": needs a section [battery]"), "{found}");
}

#[test]
fn syntax_errors_name_line_and_column() {
    let found = complaint("[grid]\nimport_limit_w = 17 250\n");
    assert!(found.starts_with("house.toml:2:18: not valid TOML: "), "{found}");
    assert!(found.ends_with(", in: import_limit_w = 17 250"), "{found}");
    assert!(!found.contains('\n'), "{found}");
}

#[test]
fn options_of_the_app_are_the_same_structure() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("options.json");
    let options = r#"{"compute": {"max_w": 900, "temperature_max_c": null}, "battery": null,
        "device": [{"name": "inverter", "type": "fronius-gen24", "address": "tcp://192.168.1.20"}]}"#;
    std::fs::write(&file, options).unwrap();
    let loaded = load(&file).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(loaded.data_dir, dir.path().join("heatmine-data"));

    std::fs::write(&file, "{\"compute\": {\"max_kw\": 0.9}").unwrap();
    let found = load(&file).unwrap_err().to_string();
    assert!(found.contains("options.json:1:27: not valid JSON: EOF while parsing an object"), "{found}");

    std::fs::write(&file, [0xff, 0xfe, 0x00]).unwrap();
    assert!(load(&file).unwrap_err().to_string().ends_with("is not text: byte 0 is no UTF-8"));
    let missing = load(&dir.path().join("nothing.toml")).unwrap_err();
    assert!(missing.unreadable && missing.to_string().contains("does not exist"));
}

#[test]
fn secrets_come_from_files_and_are_never_shown() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("secret"), "geheim\n").unwrap();
    let file = dir.path().join("house.toml");
    std::fs::write(&file, changed(&[("host = \"broker\"", "host = \"broker\"\npassword_file = \"secret\"")])).unwrap();
    let loaded = load(&file).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(loaded.broker.as_ref().and_then(|broker| broker.password.as_deref()), Some("geheim"));
    let shown = format!("{:?} {}", loaded.config, serde_json::to_string(&loaded.config).unwrap());
    assert!(!shown.contains("geheim") && shown.contains("***"), "{shown}");
}

#[test]
fn the_example_resolves() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../heatmine.example.toml");
    let text = std::fs::read_to_string(example).unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("mqtt-password"), "x").unwrap();
    let file = dir.path().join("heatmine.toml");
    std::fs::write(&file, text).unwrap();
    load(&file).unwrap_or_else(|errors| panic!("{errors}"));
}
