//! Wrong definitions are refused with the key and what was expected.

use super::from_toml;

const HEAD: &str = "id = 'x'\nproducts = ['X']\ntransport = ['tcp', 'mqtt']\n";

#[test]
fn a_wrong_definition_names_the_key_and_what_is_expected() {
    let point = "[[point]]\nname = 'grid.power'\nfc = 3\naddress = 1\ntype = 'i16'\nunit = 'W'\n";
    let surplus = |row: &str, write: &str| {
        format!(
            "[[control]]\nname = 'heat_pump.surplus'\nrange = [0, 1]\n{row}\nwrite = [{{ fc = 6, address = 1, type = 'i16'{write} }}]\n"
        )
    };
    let rows: [(&str, &[&str]); 26] = [
        ("[[point]]\nname = 'grid.power'\nscael = 2\n", &["point[0]", "scael", "scale"]),
        ("[[point]]\nname = 'grid.power'\nfc = 'three'\n", &["point[0].fc", "three", "u8"]),
        ("[[point]]\nname = 'grid.voltage'\nunit = 'V'\n", &["grid.voltage", "grid.power"]),
        ("[[point]]\nname = 'grid.power'\nunit = 'W'\n", &["exactly one of address, sunspec and topic"]),
        (&point.replace("'W'", "'°C'"), &["unit", "family of W"]),
        (&point.replace("'W'", "'horses'"), &["horses", "kWh"]),
        (&point.replace("fc = 3", "fc = 5"), &[".fc", "3 (holding) or 4"]),
        (&point.replace("address = 1", "address = 70000"), &["address", "65535"]),
        (&format!("{point}sign = 2\n"), &["sign", "neither 1 nor -1"]),
        (&format!("{point}range = [5, -5]\n"), &["range", "lesser value first"]),
        (&format!("{point}{point}"), &["twice"]),
        (
            "[[point]]\nname = 'grid.power'\nunit = 'W'\nmodels = [203]\nsunspec = 'Watt'\n",
            &["model 203 has no such point"],
        ),
        ("[[point]]\nname = 'grid.power'\nunit = 'W'\ntopic = '{room}/power'\n", &["parameter 'room'"]),
        ("[[derived]]\nname = 'grid.power'\nadd = ['import']\n", &["'import'", "above it"]),
        (
            &format!(
                "{point}[[derived]]\nname = 'pv.power'\nadd = ['grid.power']\nvalid_when = {{ part = 'flag', value = 1 }}\n"
            ),
            &["'flag'", "above it"],
        ),
        (
            &format!("{point}[[derived]]\nname = 'pv.power'\nadd = ['grid.power']\nadd_count_parameter = 'phases'\n"),
            &["add_count_parameter", "'phases'"],
        ),
        ("[[control]]\nname = 'battery.mode'\n[control.mode]\nhold = []\n", &["mode.normal"]),
        (
            "[[control]]\nname = 'heat_pump.surplus'\nrange = [0, 1]\nwrite = [{ fc = 6, address = 1, type = 'i32' }]\n",
            &["fc", "expected 16"],
        ),
        (&surplus("renew_safe = true", ""), &["renew_safe", "needs keep_alive_s"]),
        (&surplus("", ", same_as = 2, value = 3"), &["same_as", "no value"]),
        (&surplus("", ", same_as = 70000"), &["same_as", "65535"]),
        (&surplus("", ", above_parameter = 'room_c'"), &["above_parameter", "'room_c'"]),
        (&surplus("", ", share_of = 'WChaMax'"), &["share_of", "beside model and sunspec"]),
        (
            "[[control]]\nname = 'battery.charge_power'\npart_of = 'battery.mode'\nrange = [0, 1]\n",
            &["part_of", "mode.charge_power"],
        ),
        (
            "[[control]]\nname = 'battery.mode'\n[control.mode]\nnormal = []\ncharge_power = []\n",
            &["mode.charge_power", "normal, hold, charge"],
        ),
        (
            "[[control]]\nname = 'heat_pump.room_power'\nrange = [0, 1]\nwrite = [{ fc = 6, address = 1, type = 'i16' }]\n",
            &["mode.normal for its own rule"],
        ),
    ];
    for (text, parts) in rows {
        let error = from_toml("mine.toml", &format!("{HEAD}{text}")).unwrap_err().to_string();
        assert!(error.starts_with("mine.toml: "), "{error}");
        for part in parts {
            assert!(error.contains(part), "{text}\n{error}\nlacks {part}");
        }
    }
}

#[test]
fn a_file_that_is_no_toml_says_so() {
    let error = from_toml("mine.toml", "id = 'x\n").unwrap_err().to_string();
    assert!(error.contains("mine.toml"), "{error}");
}
