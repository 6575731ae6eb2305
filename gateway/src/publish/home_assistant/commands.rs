//! What arrives on the command topics, understood or refused.

use crate::jobs::JobRequest;
use plant::command::{BOOST_MAX, Command, HOUSE_MAX, Mode};
use plant::units::Watts;
use serde_json::Value;
use std::time::Duration;

/// Every command.
pub const NAMES: [&str; 6] = ["mode", "power_limit", "boost", DIMMING, "job", "confirm"];
/// The grid operator's dimming; a command only where the configuration makes this its way.
pub const DIMMING: &str = "grid_dimming";
/// What Home Assistant's button sends.
pub const PRESS: &str = "PRESS";
/// The longest payload of a command other than a job.
const PAYLOAD_MAX: usize = 64;
/// The longest job.
const JOB_MAX: usize = 256 * 1024;
/// The keys of a job, and of a message in it.
const JOB_KEYS: [&str; 6] = ["title", "messages", "expert", "deadline", "max_tokens", "value"];
const MESSAGE_KEYS: [&str; 2] = ["role", "content"];
/// The same, for the message to those who ask for another.
const KNOWN: &str =
    "a topic that ends in mode/set, power_limit/set, boost/set, grid_dimming/set, job/set or confirm/set";

/// A request that was understood.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// For the plant.
    Plant(Command),
    /// Work for the queue.
    Job(JobRequest),
    /// Somebody has seen the notices.
    Confirm,
}

/// Reads the command `name`; where it makes no sense, says what was expected. `power_max` is the most that the site's
/// compute can draw, once it is known.
pub fn read(name: &str, payload: &[u8], power_max: Option<Watts>) -> Result<Request, String> {
    match name {
        "mode" => mode(text(payload)),
        "power_limit" => power_limit(text(payload), power_max),
        "boost" => boost(text(payload)),
        DIMMING => grid_dimming(text(payload)),
        "job" => job(payload),
        "confirm" => confirm(text(payload)),
        _ => Err(KNOWN.to_owned()),
    }
}

fn mode(text: Option<&str>) -> Result<Request, String> {
    let known = text.and_then(|text| text.parse::<Mode>().ok());
    known.map(|mode| Request::Plant(Command::SetMode(mode))).ok_or_else(|| {
        let names = Mode::ALL.map(Mode::name);
        format!("one of {}", names.join(", "))
    })
}

fn power_limit(text: Option<&str>, power_max: Option<Watts>) -> Result<Request, String> {
    let most = power_max.unwrap_or(Watts(f64::MAX));
    match text.and_then(number) {
        Some(watts) if (0.0..=most.0).contains(&watts) => Ok(Request::Plant(Command::SetPowerLimit(Watts(watts)))),
        Some(_) | None => Err(match power_max {
            Some(most) => format!("watts from 0 to {:.0}", most.0),
            None => "watts, 0 or more".to_owned(),
        }),
    }
}

fn boost(text: Option<&str>) -> Result<Request, String> {
    if text == Some(PRESS) {
        return Ok(Request::Plant(Command::SetMode(Mode::Boost)));
    }
    let most = BOOST_MAX.as_secs_f64() / 60.0;
    match text.and_then(number) {
        Some(minutes) if (0.0..=most).contains(&minutes) => {
            Ok(Request::Plant(Command::Boost(Duration::from_secs_f64(minutes * 60.0))))
        }
        Some(_) | None => Err(format!("{PRESS} for the usual time, or minutes from 0 to {most:.0}")),
    }
}

fn grid_dimming(text: Option<&str>) -> Result<Request, String> {
    if text == Some("none") {
        return Ok(Request::Plant(Command::GridDimming(None)));
    }
    match text.and_then(number) {
        Some(watts) if (0.0..=HOUSE_MAX.0).contains(&watts) => {
            Ok(Request::Plant(Command::GridDimming(Some(Watts(watts)))))
        }
        Some(_) | None => {
            Err(format!("watts that the grid operator leaves, 0 to {:.0}, or none to lift the dimming", HOUSE_MAX.0))
        }
    }
}

fn confirm(text: Option<&str>) -> Result<Request, String> {
    if text == Some(PRESS) { Ok(Request::Confirm) } else { Err(format!("{PRESS}, to confirm the notices")) }
}

fn job(payload: &[u8]) -> Result<Request, String> {
    let expected = || format!("a JSON object with title, messages and max_tokens, at most {} KiB", JOB_MAX / 1024);
    if payload.len() > JOB_MAX {
        return Err(expected());
    }
    let wrong = |error: serde_json::Error| format!("{}: {error}", expected());
    let body: Value = serde_json::from_slice(payload).map_err(wrong)?;
    only(&body, "", &JOB_KEYS)?;
    for (at, message) in body["messages"].as_array().into_iter().flatten().enumerate() {
        only(message, &format!("messages[{at}]."), &MESSAGE_KEYS)?;
    }
    serde_json::from_value(body).map(Request::Job).map_err(wrong)
}

/// Refuses a key that means nothing, by its name: it may be a deadline that is misspelt.
fn only(object: &Value, place: &str, known: &[&str]) -> Result<(), String> {
    let unknown =
        object.as_object().into_iter().flat_map(|fields| fields.keys()).find(|key| !known.contains(&key.as_str()));
    match unknown {
        Some(key) => Err(format!("{}; {place}{key} is none of them", known.join(", "))),
        None => Ok(()),
    }
}

fn text(payload: &[u8]) -> Option<&str> {
    if payload.len() > PAYLOAD_MAX { None } else { std::str::from_utf8(payload).ok().map(str::trim) }
}

fn number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plant(command: Command) -> Option<Request> {
        Some(Request::Plant(command))
    }

    #[test]
    fn commands_are_understood_or_refused() {
        let job = serde_json::json!({"title": "a", "messages": [{"role": "user", "content": "b"}], "max_tokens": 9});
        let text = job.to_string();
        let rows: &[(&str, &[u8], Option<Request>)] = &[
            ("mode", b"surplus", plant(Command::SetMode(Mode::Surplus))),
            ("mode", b" off\n", plant(Command::SetMode(Mode::Off))),
            ("mode", b"Auto", None),
            ("mode", b"", None),
            ("mode", b"\xff\xfe", None),
            ("power_limit", b"450", plant(Command::SetPowerLimit(Watts(450.0)))),
            ("power_limit", b"450.0", plant(Command::SetPowerLimit(Watts(450.0)))),
            ("power_limit", b"0", plant(Command::SetPowerLimit(Watts(0.0)))),
            ("power_limit", b"601", None),
            ("power_limit", b"-1", None),
            ("power_limit", b"NaN", None),
            ("power_limit", b"inf", None),
            ("power_limit", b"450 W", None),
            ("boost", b"PRESS", plant(Command::SetMode(Mode::Boost))),
            ("boost", b"30", plant(Command::Boost(Duration::from_secs(1800)))),
            ("boost", b"0", plant(Command::Boost(Duration::ZERO))),
            ("boost", b"1e300", None),
            ("boost", b"press", None),
            ("grid_dimming", b"4200", plant(Command::GridDimming(Some(Watts(4200.0))))),
            ("grid_dimming", b"none", plant(Command::GridDimming(None))),
            ("grid_dimming", b"-4200", None),
            ("job", text.as_bytes(), serde_json::from_value(job.clone()).map(Request::Job).ok()),
            ("job", b"{\"prompt\":\"hello\"}", None),
            ("job", b"hello", None),
            ("job", b"[1,2]", None),
            ("reboot", b"now", None),
        ];
        for (name, payload, expected) in rows {
            let read = read(name, payload, Some(Watts(600.0)));
            assert_eq!(read.ok(), *expected, "{name} {}", String::from_utf8_lossy(payload));
        }
    }

    #[test]
    fn a_refusal_says_what_was_expected() {
        assert_eq!(read("power_limit", b"x", Some(Watts(600.0))).unwrap_err(), "watts from 0 to 600");
        assert_eq!(read("mode", b"x", None).unwrap_err(), "one of off, auto, surplus, heat, boost, eco");
        assert!(read("job", &vec![b' '; JOB_MAX + 1], None).is_err());
        assert!(read("mode", &vec![b'a'; 1 << 20], None).is_err());
    }

    #[test]
    fn a_job_with_a_misspelt_key_is_refused_by_its_name() {
        let job = |key: &str, inside: &str| {
            let message = serde_json::json!({"role": "user", "content": "b", inside: "x"});
            let body = serde_json::json!({"title": "a", "messages": [message], "max_tokens": 9, key: null});
            read("job", body.to_string().as_bytes(), None)
        };
        assert!(job("deadline", "role").is_ok());
        for (key, inside, named) in [
            ("dead_line", "role", "dead_line is none of them"),
            ("valeu", "role", "valeu is none of them"),
            ("value", "contents", "messages[0].contents is none of them"),
        ] {
            let refused = job(key, inside).unwrap_err();
            assert!(refused.contains(named), "{refused}");
        }
    }
}
