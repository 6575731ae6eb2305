//! What each service is asked, what is made of its answers, and how long it is left alone.

use super::super::fetch::Failure;
use super::*;
use serde_json::json as object;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn plane(peak_w: f64, azimuth_deg: f64) -> PlaneConfig {
    PlaneConfig { peak_w, tilt_deg: 35.0, azimuth_deg }
}

/// A source of a house with these planes.
fn source(text: &str, planes: &[PlaneConfig]) -> Source {
    let file = "[site]\nname = \"house\"\n[grid]\nimport_limit_w = 17250\n[compute]\nmax_w = 900\n\
                [home_assistant]\nurl = \"http://homeassistant.local:8123/\"\ntoken = \"token\"\n\
                [[device]]\nname = \"meter\"\ntype = \"em24\"\naddress = \"tcp://127.0.0.1:5020\"\n";
    let file = format!("{file}[[forecast]]\n{text}\n");
    let loaded = crate::config::load_toml(std::path::Path::new("house.toml"), &file);
    let mut config = loaded.unwrap_or_else(|errors| panic!("{errors}")).config;
    config.plane = planes.to_vec();
    sources(&config).remove(0)
}

pub(super) fn open_meteo(planes: &[PlaneConfig]) -> Source {
    source("source = \"open-meteo\"\nlatitude = 48.37\nlongitude = 10.9", planes)
}

pub(super) fn solar(planes: &[PlaneConfig]) -> Source {
    let mut source = open_meteo(planes);
    (source.service, source.place.base) = (&solar::SERVICE, "https://api.forecast.solar".into());
    source
}

pub(super) fn solcast(sites: &str) -> Source {
    source(&format!("source = \"solcast\"\nsite = \"{sites}\"\nkey = \"secret\""), &[])
}

pub(super) fn home_assistant(entities: &str) -> Source {
    source(&format!("source = \"home_assistant\"\nentity = \"{entities}\""), &[])
}

fn asked(source: &Source) -> Vec<String> {
    (source.service.asks)(&source.place).into_iter().map(|ask| ask.url).collect()
}

/// What is made of answers to the questions of a round.
fn read(source: &Source, now: &str, bodies: &[Value]) -> Result<Outlook, Refused> {
    let mut answers = Vec::new();
    for (number, body) in bodies.iter().enumerate() {
        answers.push((source.service.read)(body.to_string().as_bytes(), &source.place, number)?);
    }
    Ok(source.whole(answers, at(now)).0)
}

/// The values of the slots from `from` on; NaN where one is not known.
fn values<V: Copy>(map: &BTreeMap<Slot, V>, from: &str, count: i64, value: impl Fn(V) -> f64) -> Vec<f64> {
    let first = Slot::containing(at(from));
    let of = |ahead| map.get(&first.plus(ahead)).map_or(f64::NAN, |found| (value(*found) * 10.0).round() / 10.0);
    (0..count).map(of).collect()
}

fn powers(outlook: &Outlook, from: &str, count: i64) -> Vec<f64> {
    values(&outlook.pv, from, count, |power| power.0)
}

#[test]
fn each_service_is_asked_in_its_own_degrees_and_with_its_key_where_it_belongs() {
    let roof = [plane(5000.0, 90.0), plane(4000.0, 270.0)];
    let wanted = "minutely_15=temperature_2m,shortwave_radiation";
    let end = "&forecast_days=4&timezone=UTC&timeformat=unixtime";
    let place = "https://api.open-meteo.com/v1/forecast?latitude=48.37&longitude=10.9";
    assert_eq!(asked(&open_meteo(&[])), [format!("{place}&{wanted}{end}")]);
    let tilted = |azimuth: &str| format!("{place}&{wanted},global_tilted_irradiance&tilt=35&azimuth={azimuth}{end}");
    assert_eq!(asked(&open_meteo(&roof)), [tilted("-90"), tilted("90")]);
    let paid = source("source = \"open-meteo\"\nlatitude = 1\nlongitude = 2\nkey = \"k y\"", &[]);
    let url = &asked(&paid)[0];
    assert!(url.starts_with("https://customer-api.open-meteo.com/") && url.ends_with("&apikey=k%20y"), "{url}");

    let estimate = "https://api.forecast.solar/estimate/48.37/10.9/35";
    assert_eq!(asked(&solar(&roof)), [format!("{estimate}/-90/5?time=utc"), format!("{estimate}/90/4?time=utc")]);
    let sites = "https://api.solcast.com.au/rooftop_sites";
    let end = "forecasts?format=json&hours=72";
    assert_eq!(asked(&solcast("a-1, b-2")), [format!("{sites}/a-1/{end}"), format!("{sites}/b-2/{end}")]);
    let asks = (solcast::SERVICE.asks)(&solcast("a-1").place);
    assert_eq!(asks[0].bearer.as_ref().map(Secret::reveal), Some("secret"), "a key in a header is in no log");

    let home = home_assistant("sensor.sun, weather.home");
    let api = "http://homeassistant.local:8123/api";
    assert_eq!(
        asked(&home),
        [
            format!("{api}/states/sensor.sun"),
            format!("{api}/states/weather.home"),
            format!("{api}/services/weather/get_forecasts?return_response"),
        ]
    );
    let asks = (home_assistant::SERVICE.asks)(&home.place);
    assert_eq!(asks[2].body, Some(object!({"entity_id": "weather.home", "type": "hourly"})));
    assert_eq!(asks[0].bearer.as_ref().map(Secret::reveal), Some("token"), "Home Assistant's own");
}

#[test]
fn no_service_is_asked_more_often_than_its_free_plan_allows() {
    let south = [plane(5000.0, 180.0)];
    let roof = [plane(5000.0, 90.0), plane(5000.0, 180.0), plane(4000.0, 270.0)];
    let rounds = |source: &Source, span: TimeDelta| span.num_seconds() / source.pace().num_seconds();
    let (hour, day) = (TimeDelta::hours(1), TimeDelta::days(1));
    assert_eq!(rounds(&solar(&south), hour), 1);
    let hasty = |mut source: Source| {
        source.refresh = Some(Duration::from_secs(60));
        source
    };
    for planes in [&south[..], &roof[..]] {
        let most = rounds(&hasty(solar(planes)), hour) * planes.len() as i64;
        assert!(most <= 6, "{most} of 12 an hour");
    }
    for sites in 1..=4 {
        let sites = vec!["a"; sites].join(",");
        let source = solcast(&sites);
        let most = rounds(&source, day) * source.place.parts.len() as i64;
        assert!((6..=8).contains(&most), "{sites}: {most} of 10 a day");
    }
    assert!(rounds(&hasty(open_meteo(&roof)), hour) * 3 * 24 < 1000);
}

#[test]
fn radiation_stands_for_the_time_before_its_stamp_and_temperature_for_the_moment() {
    let noon = at("2026-06-01T12:00:00Z").timestamp();
    let body = object!({"utc_offset_seconds": 7200, "minutely_15": {
        "time": [noon, noon + 900, noon + 1800],
        "temperature_2m": [20.0, 22.0, null], "shortwave_radiation": [100.0, 400.0, 800.0],
        "global_tilted_irradiance": [0.0, 500.0, 1000.0]}});
    let outlook = read(&open_meteo(&[plane(5000.0, 180.0)]), "2026-06-01T11:00:00Z", &[body]).unwrap();
    assert_eq!(values(&outlook.irradiance, "2026-06-01T11:45:00Z", 4, |sun| sun)[..3], [100.0, 400.0, 800.0]);
    assert_eq!(values(&outlook.outdoor, "2026-06-01T12:00:00Z", 1, |at| at.0), [21.0]);
    assert_eq!(outlook.outdoor.len(), 1, "between one moment and an unknown one nobody knows");
    // 500 W/m2 at 22 °C: cells of 37.5 °C, 5 % less than at 25 °C, and losses of 17.44 %.
    let expected = 5000.0 * 0.5 * (1.0 - 0.004 * 12.5) * 0.86 * 0.96;
    let found = powers(&outlook, "2026-06-01T11:45:00Z", 3);
    assert!((found[1] - expected).abs() < 0.06 && found[0] == 0.0, "{found:?}");
    assert!((3800.0..=4000.0).contains(&found[2]), "{found:?}: at 1 kW/m2 of a roof of 5 kW");
}

#[test]
fn a_time_without_an_offset_is_made_with_the_one_of_the_answer_and_never_by_a_zone() {
    // The clock goes forward; the answer keeps one offset and has an hour that is on no wall.
    let times: Vec<String> =
        (0..8).map(|quarter| format!("2026-03-29T0{}:{:02}", 1 + quarter / 4, quarter % 4 * 15)).collect();
    let sun: Vec<f64> = (0..8).map(f64::from).collect();
    let body = object!({"utc_offset_seconds": 3600, "minutely_15": {"time": times, "shortwave_radiation": sun}});
    let outlook = read(&open_meteo(&[]), "2026-03-29T00:00:00Z", &[body]).unwrap();
    let found = values(&outlook.irradiance, "2026-03-28T23:45:00Z", 8, |sun| sun);
    assert_eq!(found, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
}

#[test]
fn an_hour_is_four_quarters_and_a_null_is_unknown() {
    let body = object!({"utc_offset_seconds": 0, "hourly": {"time": ["2026-06-01T12:00", "2026-06-01T13:00", "2026-06-01T14:00"],
        "temperature_2m": [10.0, 14.0, null], "shortwave_radiation": [400.0, null, 200.0]}});
    let outlook = read(&open_meteo(&[]), "2026-06-01T11:00:00Z", &[body]).unwrap();
    let found = values(&outlook.irradiance, "2026-06-01T11:00:00Z", 12, |sun| sun);
    assert_eq!(found[..4], [400.0; 4]);
    assert!(found[4..8].iter().all(|sun| sun.is_nan()) && found[8..] == [200.0; 4], "{found:?}");
    assert_eq!(values(&outlook.outdoor, "2026-06-01T12:00:00Z", 4, |at| at.0), [10.5, 11.5, 12.5, 13.5]);
    assert_eq!(outlook.outdoor.len(), 4);
}

#[test]
fn planes_add_up_where_all_of_them_are_known() {
    let body = |first: &str, energy: f64| object!({"result": {"watt_hours": {first: 0, "2026-06-01T10:00:00Z": energy, "2026-06-01T11:00:00Z": energy + 1000.0}}});
    let roof = [plane(5000.0, 90.0), plane(4000.0, 270.0)];
    let bodies = [body("2026-06-01T09:00:00Z", 500.0), body("2026-06-01T09:30:00Z", 200.0)];
    let outlook = read(&solar(&roof), "2026-06-01T08:00:00Z", &bodies).unwrap();
    let found = powers(&outlook, "2026-06-01T09:00:00Z", 8);
    assert!(found[0].is_nan() && found[1].is_nan(), "{found:?}: the west plane is not known yet");
    assert_eq!(found[2..], [900.0, 900.0, 2000.0, 2000.0, 2000.0, 2000.0]);
}

#[test]
fn a_sum_of_the_day_that_falls_back_is_a_night() {
    let body = object!({"result": {"watt_hours": {
        "2026-06-01 17:00:00": 8000, "2026-06-01 18:00:00": 8400, "2026-06-01 20:10:20": 8400,
        "2026-06-02 06:20:17": 0, "2026-06-02 07:00:00": 89}}, "message": {"info": {"timezone": "Europe/Berlin"}}});
    let outlook = read(&solar(&[plane(5000.0, 180.0)]), "2026-06-01T14:00:00Z", &[body]).unwrap();
    assert_eq!(powers(&outlook, "2026-06-01T15:00:00Z", 5), [400.0, 400.0, 400.0, 400.0, 0.0]);
    let night = powers(&outlook, "2026-06-01T18:00:00Z", 40);
    assert!(night.iter().all(|power| *power == 0.0), "{night:?}");
    // 89 Wh in 2,383 s from 06:20:17 in Berlin on.
    let morning = powers(&outlook, "2026-06-02T04:30:00Z", 2);
    assert_eq!(morning, [134.5, 134.5]);
    // A morning that is missing, as behind a hole in the answer, is unknown and not spread over the night.
    let body = object!({"result": {"watt_hours": {"2026-06-01T18:00:00Z": 8400, "2026-06-02T08:00:00Z": 1691, "2026-06-02T09:00:00Z": 2516}}});
    let outlook = read(&solar(&[plane(5000.0, 180.0)]), "2026-06-01T14:00:00Z", &[body]).unwrap();
    assert_eq!((outlook.pv.len(), powers(&outlook, "2026-06-02T08:00:00Z", 1)), (4, vec![825.0]));
}

#[test]
fn a_period_of_solcast_ends_with_its_stamp() {
    let row = |end: &str, power: Value, period: &str| object!({"period_end": end, "period": period, "pv_estimate": power, "pv_estimate10": 0});
    let body = object!({"forecasts": [
        row("2026-06-01T12:30:00.0000000Z", object!(3.5), "PT30M"), row("2026-06-01T13:00:00.0000000Z", object!(null), "PT30M"),
        row("2026-06-01T13:15:00.0000000Z", object!(1.25), "PT15M"), {"period_end": "bad"}, 7]});
    let outlook = read(&solcast("a"), "2026-06-01T12:00:00Z", std::slice::from_ref(&body)).unwrap();
    let found = powers(&outlook, "2026-06-01T12:00:00Z", 5);
    assert!(found[..2] == [3500.0; 2] && found[2].is_nan() && found[3].is_nan() && found[4] == 1250.0, "{found:?}");
    let both = read(&solcast("a,b"), "2026-06-01T12:00:00Z", &[body.clone(), body]).unwrap();
    assert_eq!(powers(&both, "2026-06-01T12:00:00Z", 1), [7000.0]);
}

#[test]
fn sensors_of_home_assistant_are_read_in_each_of_their_forms() {
    let state = |attributes: Value| object!({"entity_id": "sensor.sun", "state": "1", "attributes": attributes});
    let start = "2026-06-01T14:00:00+02:00";
    let forms = [
        (
            object!({"detailedForecast": [{"period_start": start, "pv_estimate": 2.0}, {"period_start": "2026-06-01T14:30:00+02:00", "pv_estimate": 1.0}]}),
            2000.0,
        ),
        (object!({"detailedForecast": [{"period_start": start, "power_w": 1500}]}), 1500.0),
        (object!({"watts": {start: 1200, "bad": 4}, "wh_period": {start: 9999}}), 1200.0),
        (object!({"wh_period": {start: 800, "2026-06-01T15:00:00+02:00": 900}}), 800.0),
        (object!({"wh_hours": {start: 700}}), 700.0),
        (object!({"wh_period": {start: 200, "2026-06-01T14:15:00+02:00": 250}}), 800.0),
        (object!({"forecasts": [{"date": start, "p_pv_forecast": "1600.0"}]}), 1600.0),
        (object!({"forecast": [{"time": start, "value": 1000, "energy_wh": 250}]}), 1000.0),
    ];
    for (attributes, expected) in forms {
        let found = read(&home_assistant("sensor.sun"), "2026-06-01T11:00:00Z", &[state(attributes.clone())]).unwrap();
        assert_eq!(powers(&found, "2026-06-01T12:00:00Z", 1), [expected], "{attributes}");
    }
    // Today and tomorrow join, two planes of a day add up.
    let of = |day: &str, power: f64| state(object!({"watts": {format!("{day}T12:00:00Z"): power}}));
    let bodies = [of("2026-06-01", 100.0), of("2026-06-01", 50.0), of("2026-06-02", 70.0)];
    let found = read(&home_assistant("sensor.a,sensor.b,sensor.c"), "2026-06-01T11:00:00Z", &bodies).unwrap();
    assert_eq!(powers(&found, "2026-06-01T12:00:00Z", 1), [150.0]);
    assert_eq!(powers(&found, "2026-06-02T12:00:00Z", 1), [70.0]);
    let away = object!({"entity_id": "sensor.sun", "state": "unavailable", "attributes": {"friendly_name": "Sun"}});
    let refused = read(&home_assistant("sensor.sun"), "2026-06-01T11:00:00Z", &[away]).unwrap_err();
    assert_eq!(refused, Refused::Nothing("is unavailable".into()));
}

#[test]
fn a_weather_entity_gives_the_hourly_temperatures_in_its_own_unit() {
    let answer = object!({"changed_states": [], "service_response": {"weather.home": {"forecast": [
        {"datetime": "2026-06-01T12:00:00+00:00", "temperature": 50, "condition": "sunny"},
        {"datetime": "2026-06-01T13:00:00+00:00", "temperature": 68}]}}});
    let state =
        |unit: &str| object!({"entity_id": "weather.home", "state": "sunny", "attributes": {"temperature_unit": unit}});
    for (unit, expected) in [("°F", [11.3, 13.8, 16.3, 18.8]), ("°C", [52.3, 56.8, f64::NAN, f64::NAN])] {
        let bodies = [state(unit), answer.clone()];
        let outlook = read(&home_assistant("weather.home"), "2026-06-01T11:00:00Z", &bodies).unwrap();
        let found = values(&outlook.outdoor, "2026-06-01T12:00:00Z", 4, |at| at.0);
        let same = found
            .iter()
            .zip(expected)
            .all(|(one, other)| one.is_nan() == other.is_nan() && (one.is_nan() || (one - other).abs() < 0.11));
        assert!(same, "{unit}: {found:?}");
    }
}

#[test]
fn what_a_service_says_of_a_refusal_is_passed_on_and_kept_to() {
    let now = at("2026-06-01T22:00:00Z");
    let failure = |body: Value| Failure {
        refused: Refused::Wrong("answers 429 Too Many Requests".into()),
        demanded: Some(Duration::from_secs(120)),
        body: body.to_string().into_bytes(),
        heard: true,
    };
    let rows = [
        (
            solcast("a"),
            object!({"response_status": {"error_code": "TooManyRequests", "message": "You have exceeded your free daily limit."}}),
            "answers 429 Too Many Requests: You have exceeded your free daily limit",
            2 * 3600 + 120,
        ),
        (
            solar(&[plane(1.0, 1.0)]),
            object!({"result": "Rate limit", "message": {"text": "Rate limit for API calls reached.",
                "ratelimit": {"retry-at": "2026-06-02T00:40:00+02:00"}}}),
            "answers 429 Too Many Requests: Rate limit for API calls reached",
            40 * 60,
        ),
        (
            open_meteo(&[]),
            object!({"error": true, "reason": "Daily API request limit exceeded. Please try again tomorrow."}),
            "answers 429 Too Many Requests: Daily API request limit exceeded. Please try again tomorrow",
            2 * 3600,
        ),
        (
            home_assistant("sensor.sun"),
            object!({"message": "Entity not found."}),
            "answers 429 Too Many Requests: Entity not found",
            120,
        ),
        (
            solcast("a"),
            object!({"error": "the key secret is bad"}),
            "answers 429 Too Many Requests: the key *** is bad",
            120,
        ),
        (solcast("a"), Value::Null, "answers 429 Too Many Requests", 120),
    ];
    for (source, body, words, seconds) in rows {
        let found = said(failure(body), &source, now);
        assert_eq!(
            (found.refused.words(), found.demanded),
            (words, Some(Duration::from_secs(seconds))),
            "{}",
            source.title
        );
    }
}

#[test]
fn what_is_no_answer_is_refused_by_name() {
    let rows = [
        (open_meteo(&[]), object!({"a": 1}), "is no forecast of Open-Meteo (minutely_15 or hourly)"),
        (open_meteo(&[]), object!({"error": true, "reason": "bad place"}), "says: bad place"),
        (open_meteo(&[]), object!({"minutely_15": {"time": ["tomorrow"]}}), "tomorrow is no time"),
        (solar(&[]), object!({"result": "Invalid"}), "says: Invalid"),
        (solar(&[]), object!({"result": {"watt_hours": {}}}), "has no values"),
        (
            solar(&[]),
            object!({"result": {"watt_hours": {"2026-06-01 17:00:00": 1, "2026-06-01 18:00:00": 2}}}),
            "has no offset",
        ),
        (solcast("a"), object!({"forecasts": []}), "has no values"),
        (
            solcast("a"),
            object!({"forecasts": [{"period_end": "2026-06-01T12:00:00Z", "period": "P1D", "pv_estimate": 1}]}),
            "has a period of P1D",
        ),
        (
            home_assistant("sensor.sun"),
            object!({"state": "1", "attributes": {"watts": "text"}}),
            "has no map from times to values",
        ),
        (
            home_assistant("sensor.sun"),
            object!({"state": "1", "attributes": {}}),
            "lists no forecast in its attributes",
        ),
        (home_assistant("sensor.sun"), object!([1]), "is no state of Home Assistant"),
    ];
    for (source, body, words) in rows {
        let refused = read(&source, "2026-06-01T12:00:00Z", &[body]).unwrap_err();
        assert!(refused.words().contains(words), "{}: {refused:?}", source.title);
    }
}
