//! Every sample of a forecast in `../shared/feeds`, through the server that moves them to today, with each of its faults.

use super::super::shared_test::{Server, folder};
use super::tests::{home_assistant, open_meteo, plane, solar, solcast};
use super::*;

const OPEN_METEO: [&str; 5] = [
    "open-meteo/forecast_60min_Berlin.json",
    "open-meteo/forecast_60min_nulls_MADE.json",
    "open-meteo/minutely15_Berlin_MADE.json",
    "open-meteo/minutely15_dst_ghost_hour_MADE.json",
    "open-meteo/minutely15_unixtime_MADE.json",
];

/// The samples, each with the source that reads it, and how many slots of PV, temperature and irradiance are in it.
fn rows() -> Vec<(Source, &'static str, [usize; 3])> {
    let open_meteo = || open_meteo(&[plane(5000.0, 180.0)]);
    let solar = || solar(&[plane(5000.0, 180.0)]);
    let sensor = || home_assistant("sensor.sun");
    let counts = [[0, 284, 288], [0, 204, 208], [192, 191, 0], [96, 95, 0], [96, 95, 0]];
    let weather = OPEN_METEO.into_iter().zip(counts).map(|(sample, counts)| (open_meteo(), sample, counts));
    let others = [
        // From a quarter hour with sunrise to the one with sunset of the last day, the night between included.
        (solar(), "forecast-solar/forecast.json", [156, 0, 0]),
        (solar(), "forecast-solar/forecast_personal.json", [348, 0, 0]),
        (solcast("a"), "solcast/rooftop_forecasts_30min.json", [194, 0, 0]),
        (sensor(), "ha-attributes/solcast_forecast_today.json", [96, 0, 0]),
        (sensor(), "ha-attributes/solcast_forecast_tomorrow.json", [96, 0, 0]),
        (sensor(), "ha-attributes/open_meteo_solar_today.json", [96, 0, 0]),
        (sensor(), "ha-attributes/forecast_solar_action_get_forecast.json", [5, 0, 0]),
        (sensor(), "ha-attributes/energy_solar_forecast_ws.json", [16, 0, 0]),
    ];
    weather.chain(others).collect()
}

/// What is read of a sample with a fault; with `raw`, as of the first moment in it.
async fn read(server: &Server, source: &Source, fault: &str, sample: &str) -> Result<Outlook, Failure> {
    let ask = Ask::get(format!("{}/~{fault}/{sample}", server.base));
    let now = server.clock.now();
    let body = fetch(&server.client, &ask, &server.clock).await.map_err(|failure| said(failure, source, now))?;
    let brought = (source.service.read)(&body, &source.place, 0)?;
    let first =
        [&brought.pv, &brought.outdoor, &brought.irradiance].into_iter().flatten().map(|entry| entry.start).min();
    let now = first.filter(|_| fault.contains("raw")).unwrap_or(now);
    Ok(source.whole(vec![brought], now).0)
}

fn counts(outlook: &Outlook) -> [usize; 3] {
    [outlook.pv.len(), outlook.outdoor.len(), outlook.irradiance.len()]
}

#[tokio::test]
async fn every_sample_of_a_forecast_is_read_or_refused_in_words() {
    let Some(server) = Server::start() else { return };
    let mut wrong = Vec::new();
    for (source, sample, expected) in rows() {
        match read(&server, &source, "raw", sample).await {
            Ok(outlook) if counts(&outlook) == expected => {}
            other => {
                wrong.push(format!("{sample}: {:?}, expected {expected:?}", other.map(|outlook| counts(&outlook))))
            }
        }
        if let Err(failure) = read(&server, &source, "", sample).await {
            wrong.push(format!("{sample}, moved to today: {failure:?}"));
        }
    }
    let bad = [
        (open_meteo(&[]), "open-meteo/error_400.json", "says: Data corrupted"),
        (open_meteo(&[]), "open-meteo/error_429_MADE.json", "says: Daily API request limit exceeded"),
        (solar(&[]), "forecast-solar/ratelimit.json", "says: Rate limit"),
        (solar(&[]), "forecast-solar/validate_key.json", "is no estimate"),
        (solar(&[]), "forecast-solar/validate_plane.json", "is no estimate"),
        (solcast("a"), "solcast/rooftop_sites.json", "is no forecast"),
        (solcast("a"), "solcast/usage.json", "is no forecast"),
        (solcast("a"), "solcast/error_429.json", "is no forecast"),
    ];
    for (source, sample, words) in bad {
        match read(&server, &source, "raw", sample).await {
            Err(failure) if failure.refused.words().contains(words) => {}
            other => wrong.push(format!("{sample}: {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Values that were looked up by hand: the same sun in all three forms of time, an end for a start, a step for a sum.
#[tokio::test]
async fn the_values_of_the_samples_lie_in_the_right_quarter_hours() {
    let Some(server) = Server::start() else { return };
    let pv = async |source: &Source, sample: &str, at: &str| {
        let outlook = read(&server, source, "raw", sample).await.unwrap();
        outlook.pv.get(&Slot::containing(at.parse().unwrap())).map(|power| (power.0 * 10.0).round() / 10.0)
    };
    let roof = open_meteo(&[plane(1000.0, 180.0)]);
    // 41.8 W/m2 at 4 °C of air, up to 06:45 in winter time; on the day of the clock change too.
    let dawn = (41.8 * (1.0 - 0.004 * (4.0 + 0.031 * 41.8 - 25.0)) * 0.86 * 0.96_f64 * 10.0).round() / 10.0;
    assert_eq!(pv(&roof, OPEN_METEO[2], "2026-03-02T05:30:00Z").await, Some(dawn));
    assert_eq!(pv(&roof, OPEN_METEO[2], "2026-03-02T05:15:00Z").await, Some(0.0));
    for sample in &OPEN_METEO[3..] {
        assert_eq!(pv(&roof, sample, "2026-03-29T05:30:00Z").await, Some(dawn), "{sample}");
    }
    let hours = read(&server, &roof, "raw", OPEN_METEO[0]).await.unwrap();
    let sun = |at: &str| hours.irradiance[&Slot::containing(at.parse().unwrap())];
    // 12:00 in Berlin stands for the hour before it.
    assert_eq!(
        (sun("2026-03-02T10:00:00Z"), sun("2026-03-02T10:45:00Z"), sun("2026-03-02T11:00:00Z")),
        (487.2, 487.2, 519.5)
    );
    let south = solar(&[plane(5000.0, 180.0)]);
    let sample = "forecast-solar/forecast.json";
    assert_eq!(pv(&south, sample, "2024-04-26T05:00:00Z").await, Some(376.0), "07:00 to 08:00 in Amsterdam");
    assert_eq!(pv(&south, sample, "2024-04-26T23:00:00Z").await, Some(0.0), "the night");
    let sample = "solcast/rooftop_forecasts_30min.json";
    assert_eq!(pv(&solcast("a"), sample, "2024-12-27T08:00:00Z").await, Some(11.1));
    assert_eq!(pv(&solcast("a"), sample, "2024-12-27T08:15:00Z").await, Some(11.1));
    assert_eq!(pv(&solcast("a"), sample, "2024-12-27T08:30:00Z").await, Some(32.0));
}

#[tokio::test]
async fn every_sample_of_a_forecast_stands_every_fault() {
    let Some(server) = Server::start() else { return };
    let mut wrong = Vec::new();
    for (source, sample, _) in rows() {
        let plain = read(&server, &source, "", sample).await.unwrap_or_else(|failure| panic!("{sample}: {failure:?}"));
        for fault in ["gzip", "redirect", "dup", "reverse"] {
            match read(&server, &source, fault, sample).await {
                Ok(outlook) if outlook == plain => {}
                other => wrong.push(format!("{sample} {fault}: {:?}", other.map(|outlook| counts(&outlook)))),
            }
        }
        match read(&server, &source, "gap", sample).await {
            Ok(outlook) => {
                let invented = outlook.pv.keys().filter(|slot| !plain.pv.contains_key(slot)).count();
                if invented > 0 {
                    wrong.push(format!("{sample} gap: {invented} slots more than without it"));
                }
            }
            Err(failure) => wrong.push(format!("{sample} gap: {:?}", failure.refused)),
        }
        for (fault, words) in [
            ("empty", "is empty"),
            ("html", ""),
            ("half", ""),
            ("cut", ""),
            ("loop", "without end"),
            ("403", "answers 403"),
            ("404", "answers 404"),
            ("500", "answers 500"),
            ("429", "answers 429"),
        ] {
            match read(&server, &source, fault, sample).await {
                Ok(_) => wrong.push(format!("{sample} {fault}: is not refused")),
                Err(failure) => {
                    let demanded = failure.demanded.map_or(0, |demanded| demanded.as_secs());
                    if !failure.refused.words().contains(words) || (fault == "429" && demanded < 120) {
                        wrong.push(format!("{sample} {fault}: {:?} {demanded:?}", failure.refused));
                    }
                }
            }
        }
    }
    for fault in ["slow:1", "drip:1"] {
        let found = read(&server, &open_meteo(&[]), fault, OPEN_METEO[0]).await;
        assert!(found.is_ok_and(|outlook| outlook.irradiance.len() > 280), "{fault}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_small_cases_of_forecast_sensors_do_no_harm() {
    let Some(folder) = folder() else { return };
    let sensor = home_assistant("sensor.sun");
    for family in ["open_meteo_solar", "solcast", "volcast"] {
        let text = std::fs::read_to_string(folder.join(format!("ha-attributes/{family}_cases.json"))).unwrap();
        let cases: Value = serde_json::from_str(&text).unwrap();
        for (kind, good) in [("good", true), ("bad", false)] {
            for case in cases[kind].as_array().unwrap() {
                let read = (sensor.service.read)(case.to_string().as_bytes(), &sensor.place, 0);
                assert!(read.is_ok() || !good, "{family}: {case}: {read:?}");
                let powers = read.iter().flat_map(|answer| &answer.pv).filter_map(|entry| entry.price);
                assert!(powers.into_iter().all(f64::is_finite), "{family}: {case}");
            }
        }
    }
}
