//! Messages of devices in the form that their makers describe, and what each of them says.

use super::*;
use crate::definition::find;

/// Definition, parameters, messages, and what they say.
type Row = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [(&'static str, &'static str)],
    &'static [(&'static str, Option<f64>)],
);

const ROWS: &[Row] = &[
    (
        "shelly-pro3em",
        &[],
        &[
            (
                "x/status/em:0",
                r#"{"a_act_power": 375.5, "a_current": 2.392, "b_act_power": -170.8, "b_current": 1.037,
                    "c_act_power": 12.7, "c_current": 0.428, "n_current": null, "total_act_power": 217.4}"#,
            ),
            ("x/events/rpc", r#"{"method": "NotifyStatus", "params": {"em:0": {"a_act_power": 400.5}}}"#),
        ],
        &[
            ("grid.power", Some(217.4)),
            ("grid.power_l1", Some(400.5)),
            ("grid.power_l2", Some(-170.8)),
            ("grid.current_l1", Some(2.392)),
            ("grid.current_l3", Some(0.428)),
        ],
    ),
    (
        "shelly-pro3em",
        &[("grid_sign", "export")],
        &[("x/status/em:0", r#"{"a_act_power": 375.5, "a_current": -2.392}"#)],
        &[("grid.power_l1", Some(-375.5)), ("grid.current_l1", Some(2.392)), ("grid.power_l2", None)],
    ),
    (
        "evcc",
        &[("loadpoint", "2")],
        &[
            ("x/loadpoints/1/chargePower", "7400"),
            ("x/loadpoints/2/chargePower", "3680.5"),
            ("x/loadpoints/2/chargeTotalImport", "1234.5"),
        ],
        &[("wallbox.power", Some(3680.5)), ("wallbox.energy", Some(1234.5))],
    ),
    (
        "go-e-charger",
        &[],
        &[("x/nrg", "[230,231,229,1,16.1,16,15.9,3700,3690,3640,0,11030,99,99,99,0]"), ("x/eto", "1234500")],
        &[("wallbox.power", Some(11_030.0)), ("wallbox.energy", Some(1234.5))],
    ),
    ("shelly-input", &[], &[("x/status/input:0", r#"{"id": 0, "state": true}"#)], &[("grid.dimmed", Some(1.0))]),
    (
        "shelly-input",
        &[("channel", "1")],
        &[
            ("x/status/input:1", r#"{"id": 1, "state": true}"#),
            ("x/events/rpc", r#"{"params": {"input:1": {"id": 1, "state": false}}}"#),
        ],
        &[("grid.dimmed", Some(0.0))],
    ),
    // An input that is a push button has no state.
    ("shelly-input", &[], &[("x/status/input:0", r#"{"id": 0, "state": null}"#)], &[("grid.dimmed", None)]),
    ("zigbee2mqtt-contact", &[], &[("x", r#"{"battery": 97, "contact": true}"#)], &[("grid.dimmed", Some(1.0))]),
    ("zigbee2mqtt-contact", &[], &[("x", r#"{"battery": 97, "contact": false}"#)], &[("grid.dimmed", Some(0.0))]),
    ("generic-mqtt", &[], &[("x", "ON")], &[("grid.dimmed", Some(1.0)), ("grid.island", Some(1.0))]),
    ("generic-mqtt", &[], &[("x", "off")], &[("grid.dimmed", Some(0.0))]),
    ("generic-mqtt", &[], &[("x", "true")], &[("grid.dimmed", Some(1.0))]),
    ("generic-mqtt", &[("path", "relay")], &[("x", r#"{"relay": "OFF"}"#)], &[("grid.dimmed", Some(0.0))]),
    // What is neither is not known, and so not taken for an open contact.
    ("generic-mqtt", &[], &[("x", "4200")], &[("grid.dimmed", None)]),
    ("generic-mqtt", &[], &[("x", "unavailable")], &[("grid.dimmed", None)]),
    ("generic-mqtt", &[], &[("x", "-7.5")], &[("grid.current_l2", Some(7.5)), ("grid.power_l2", Some(-7.5))]),
    (
        "victron-gx-mqtt",
        &[],
        &[("N/x/system/0/Ac/ActiveIn/Source", r#"{"value": 240}"#)],
        &[("grid.island", Some(1.0))],
    ),
    ("victron-gx-mqtt", &[], &[("N/x/system/0/Ac/ActiveIn/Source", r#"{"value": 1}"#)], &[("grid.island", Some(0.0))]),
    ("victron-gx-mqtt", &[], &[("N/x/system/0/Ac/ActiveIn/Source", r#"{"value": null}"#)], &[("grid.island", None)]),
];

#[tokio::test]
async fn messages_say_what_their_makers_describe() {
    for (id, given, messages, expected) in ROWS {
        let definition = find(id).unwrap();
        let given = given.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let mut parameters = Parameters::fill(&definition, &given).unwrap();
        parameters.0.insert("topic".to_owned(), "x".to_owned());
        let names = definition.point.iter().map(|row| row.name.clone()).collect();
        let mut topics = Topics::new(&definition, &parameters, &names);
        for (topic, payload) in *messages {
            topics.message(topic, payload.as_bytes(), false, Instant::now());
        }
        let mut parts = topics.parts();
        values::derive(&definition, &parameters, &mut parts);
        for (name, value) in *expected {
            assert_eq!(parts[*name], *value, "{id} {name} after {messages:?}");
        }
    }
}

#[test]
fn what_not_every_house_means_is_there_where_its_owner_lists_it() {
    use plant::point::Point::{ComputeTemperature, GridDimmed, GridIsland, GridPower, WallboxPower};
    let rows = [
        ("evcc", GridPower, WallboxPower),
        ("victron-gx", GridPower, GridIsland),
        ("victron-gx-mqtt", GridPower, GridIsland),
        ("generic-mqtt", GridPower, GridDimmed),
        ("generic-mqtt", GridPower, ComputeTemperature),
    ];
    for (id, usual, on_request) in rows {
        let definition = find(id).unwrap();
        assert!(definition.usual_points().contains(&usual), "{id} {usual}");
        assert!(!definition.usual_points().contains(&on_request), "{id} {on_request}");
        assert!(definition.points().contains(&on_request), "{id} {on_request}");
    }
}
