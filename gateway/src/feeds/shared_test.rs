//! Every sample of prices in `../shared/feeds`, through the server that moves them to today, with each of its faults.

use super::answer::Answer;
use super::fetch::{self, Failure, fetch};
use super::service::Ask;
use super::services::{self, Source};
use super::slots::{Needs, Spread, spread};
use crate::clock::Clock;
use crate::config::spot::{SpotService, SpotSource};
use plant::time::{Slot, Timestamp};
use std::io::BufRead;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// Where the samples are.
pub(super) fn folder() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/feeds");
    if folder.join("serve_feeds.py").is_file() {
        return Some(folder);
    }
    eprintln!("SKIPPED: the samples of ../shared are not here");
    None
}

/// The server of the samples.
pub(super) struct Server {
    child: Child,
    pub(super) base: String,
    pub(super) client: reqwest::Client,
    pub(super) clock: Clock,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    pub(super) fn start() -> Option<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let program = folder()?.join("serve_feeds.py");
        let child = Command::new("python3").arg(program).args(["--port", "0"]).stdout(Stdio::piped()).spawn();
        let mut child = child.expect("Python 3.11 or later");
        let mut lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
        let base = lines.next().unwrap().unwrap().trim_end_matches('/').to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { child, base, client: fetch::client().unwrap(), clock: Clock::real() })
    }

    /// What a source reads of a sample with a fault.
    async fn read(&self, source: &Source, fault: &str, sample: &str) -> Result<(Answer, Spread), Failure> {
        let ask = Ask::get(format!("{}/~{fault}/{sample}", self.base));
        let body = fetch(&self.client, &ask, &self.clock).await?;
        let answer = (source.read)(&body, &source.place)?;
        let now = if fault.contains("raw") { answer.entries[0].start } else { self.clock.now() };
        let spread = spread(answer.entries.clone(), &(-1000.0..=1000.0), Needs::All, now);
        Ok((answer, spread))
    }
}

fn source(service: SpotService, zone: &str, currency: &str) -> Source {
    let config = SpotSource {
        source: Some(service),
        zone: Some(zone.to_owned()),
        url: Some("http://127.0.0.1:1".into()),
        ..SpotSource::default()
    };
    services::source(&config, currency, None).unwrap()
}

/// The samples with prices: service, zone, currency, and how many slots are known and unknown of each.
type Row = (SpotService, &'static str, &'static str, &'static [(&'static str, usize, usize)]);

const GOOD: &[Row] = &[
    (
        SpotService::EnergyCharts,
        "AT",
        "EUR",
        &[
            ("energy-charts/price_DE-LU_60min_2days.json", 192, 0),
            ("energy-charts/price_AT_15min_negative_2026-05-01.json", 96, 0),
            ("energy-charts/price_AT_15min_plain_2026-08-21.json", 96, 0),
            ("energy-charts/price_AT_15min_2days_2026-08-20.json", 192, 0),
            ("energy-charts/price_AT_60to15_switch_2025-09-30.json", 192, 0),
            ("energy-charts/price_AT_15min_tomorrow_null_MADE.json", 96, 96),
            ("energy-charts/price_AT_15min_hole_MADE.json", 87, 0),
            ("energy-charts/price_AT_15min_no_unit_MADE.json", 96, 0),
        ],
    ),
    (
        SpotService::Awattar,
        "AT",
        "EUR",
        &[
            ("awattar/marketdata_AT_60min_negative_2026-05-01.json", 96, 0),
            ("awattar/marketdata_AT_60min_minus500_2023-07-02.json", 96, 0),
            ("awattar/marketdata_AT_60min_plain_2026-08-21.json", 96, 0),
            ("awattar/marketdata_AT_60min_2days_2026-08-20.json", 192, 0),
            ("awattar/marketdata_DE_60min_MADE.json", 96, 0),
        ],
    ),
    (
        SpotService::Entsoe,
        "DE-LU",
        "EUR",
        &[
            ("entsoe/BE_60M.xml", 96, 0),
            ("entsoe/BE_15M_exact4.xml", 4, 0),
            ("entsoe/BE_15M_avg.xml", 28, 0),
            ("entsoe/BE_60M_15M_mix.xml", 288, 0),
            ("entsoe/DE_60M_15M_overlap.xml", 192, 0),
            ("entsoe/publication_a03_gaps.xml", 24, 0),
            ("entsoe/NL_60M_2024-09-01.xml", 96, 0),
            ("entsoe/AT_60M_negative_2024-07-27.xml", 96, 0),
            ("entsoe/DE-LU_15M_two_sequences_2026-02-02.xml", 192, 0),
        ],
    ),
    (
        SpotService::Nordpool,
        "SE3",
        "SEK",
        &[("nordpool/PriceIndices_SE3_SEK_15min.json", 96, 0), ("nordpool/PriceIndices_SE3_SEK_60min.json", 96, 0)],
    ),
    (SpotService::Nordpool, "SE3", "EUR", &[("nordpool/DayAheadPrices_SE3_EUR_60min.json", 96, 0)]),
    (SpotService::Nordpool, "NO3", "NOK", &[("nordpool/DayAheadPrices_DK1-NO3_NOK_60min.json", 96, 0)]),
    (SpotService::Tibber, "", "SEK", &[("tibber/priceinfo_SEK_60min.json", 192, 0)]),
    (SpotService::Tibber, "", "EUR", &[("tibber/priceinfo_EUR_15min.json", 192, 0)]),
    (
        SpotService::Octopus,
        "A",
        "GBP",
        &[
            ("octopus/agile_negative_2020-05-23.json", 22, 0),
            ("octopus/agile_day_ends_2300_MADE.json", 92, 0),
            ("octopus/agile_paged_MADE.json", 4, 0),
        ],
    ),
    (
        SpotService::Energidataservice,
        "DK1",
        "DKK",
        &[
            ("energidataservice/DayAheadPrices_DK1_15min_desc.json", 12, 0),
            ("energidataservice/Elspotprices_60min_old_MADE.json", 8, 0),
        ],
    ),
    (SpotService::Energidataservice, "DK2", "EUR", &[("energidataservice/DayAheadPrices_DK2_one.json", 1, 0)]),
    (
        SpotService::Evcc,
        "",
        "EUR",
        &[
            ("evcc/api_tariff_grid_MADE.json", 96, 0),
            ("evcc/api_tariff_grid_old_MADE.json", 8, 0),
            ("evcc/api_state_forecast_MADE.json", 2, 0),
            ("evcc/custom_forecast_MADE.json", 4, 0),
        ],
    ),
    (SpotService::Energyzero, "", "EUR", &[("energyzero/electricity_15min.json", 96, 0)]),
    (SpotService::Easyenergy, "", "EUR", &[("easyenergy/energy_15min.json", 5, 0)]),
    (
        SpotService::HomeAssistant,
        "",
        "SEK",
        &[
            ("ha-attributes/nordpool_custom_60min.json", 192, 0),
            ("ha-attributes/nordpool_custom_60min_negative.json", 96, 0),
            ("ha-attributes/nordpool_custom_15min.json", 192, 0),
            ("ha-attributes/nordpool_custom_15min_tomorrow_1h_MADE.json", 100, 0),
            ("ha-attributes/energidataservice.json", 192, 0),
            ("ha-attributes/entsoe_custom.json", 192, 0),
            ("ha-attributes/generic_time_price_15min.json", 96, 0),
            ("ha-attributes/epex_spot_total_price.json", 12, 0),
            ("ha-attributes/epex_spot_market_price.json", 12, 0),
            ("ha-attributes/octopus_current_day_rates_MADE.json", 92, 0),
        ],
    ),
];

/// Samples that are refused, and why.
const BAD: &[(SpotService, &str, &str)] = &[
    (SpotService::EnergyCharts, "energy-charts/error_404_no_content_MADE.json", "no content"),
    (SpotService::EnergyCharts, "energy-charts/error_422_MADE.json", "invalid date format"),
    (SpotService::Awattar, "awattar/marketdata_empty_MADE.json", "has no prices"),
    (SpotService::Entsoe, "entsoe/acknowledgement_no_data.xml", "No matching data"),
    (SpotService::Entsoe, "entsoe/acknowledgement_not_available.xml", "says: "),
    (SpotService::Entsoe, "entsoe/acknowledgement_too_many.xml", "exceeds the allowed maximum"),
    (SpotService::Entsoe, "entsoe/error_503_reason.xml", "Service Unavailable"),
    (SpotService::Entsoe, "entsoe/DE-LU_15M_only_sequence2_MADE.xml", "second auction"),
    (SpotService::Nordpool, "nordpool/PriceIndices_preliminary_partial_MADE.json", "preliminary"),
    (SpotService::Tibber, "tibber/priceinfo_quarter_empty_MADE.json", "has no prices"),
    (SpotService::Tibber, "tibber/error_unauthenticated_MADE.json", "says: Unauthorized"),
    (SpotService::Tibber, "tibber/error_429_MADE.json", "says: Too Many Requests"),
    (SpotService::Octopus, "octopus/error_404_MADE.json", "has no rates"),
    (SpotService::Energidataservice, "energidataservice/empty_MADE.json", "has no prices"),
    (SpotService::Energidataservice, "energidataservice/error_429_MADE.json", "has no records"),
    (SpotService::Amber, "amber/error_429_MADE.json", "has no list"),
    (SpotService::Energyzero, "energyzero/error_response.json", "says: invalid"),
    (SpotService::Energyzero, "energyzero/graphql_no_prices.json", "has no prices"),
];

fn rows() -> impl Iterator<Item = (Source, &'static str, usize, usize)> {
    let row = |(service, zone, currency, samples): &'static Row| {
        samples
            .iter()
            .map(move |(sample, known, unknown)| (source(*service, zone, currency), *sample, *known, *unknown))
    };
    GOOD.iter().flat_map(row)
}

#[tokio::test]
async fn every_sample_is_read_or_refused_in_words() {
    let Some(server) = Server::start() else { return };
    let mut wrong = Vec::new();
    for (source, sample, known, unknown) in rows() {
        match server.read(&source, "", sample).await {
            Ok((answer, spread)) => {
                let found = (spread.known.len(), spread.unknown.len());
                if found != (known, unknown) {
                    wrong.push(format!("{sample}: {found:?}, expected {known} and {unknown}"));
                }
                let other = answer.currency.as_ref().is_some_and(|currency| *currency != source.place.currency);
                if other && source.place.currency != "SEK" {
                    wrong.push(format!("{sample}: {:?}", answer.currency));
                }
            }
            Err(failure) => wrong.push(format!("{sample}: {:?}", failure.refused)),
        }
    }
    for (service, sample, words) in BAD {
        match server.read(&source(*service, "SE3", "EUR"), "", sample).await {
            Ok(_) => wrong.push(format!("{sample} is not refused")),
            Err(failure) if !failure.refused.words().contains(words) => {
                wrong.push(format!("{sample}: {:?}", failure.refused));
            }
            Err(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_sample_stands_every_fault() {
    let Some(server) = Server::start() else { return };
    let mut wrong = Vec::new();
    for (source, sample, ..) in rows() {
        let (_, plain) =
            server.read(&source, "", sample).await.unwrap_or_else(|failure| panic!("{sample}: {failure:?}"));
        let open_ended = sample.contains("fixed");
        for fault in ["gzip", "redirect", "dup", "reverse"] {
            match server.read(&source, fault, sample).await {
                Ok((_, spread)) if spread == plain => {}
                other => wrong.push(format!("{sample} {fault}: {:?}", other.map(|(_, spread)| spread.known.len()))),
            }
        }
        match server.read(&source, "gap", sample).await {
            Ok((_, spread)) => {
                let invented = spread.known.iter().filter(|(slot, _)| !plain.known.contains_key(slot)).count();
                if invented > 0 && !open_ended {
                    wrong.push(format!("{sample} gap: {invented} slots more than without it"));
                }
            }
            Err(failure) => wrong.push(format!("{sample} gap: {:?}", failure.refused)),
        }
        let now = server.clock.now().with_timezone(&chrono_tz::Europe::Berlin).date_naive();
        let tomorrow = Slot::containing(super::days::midnight(chrono_tz::Europe::Berlin, super::days::after(now)));
        // Of XML the server leaves out whole series only, and these two have today and tomorrow in one.
        let one_series = sample.contains("mix") || sample.contains("overlap");
        match server.read(&source, "late", sample).await {
            Ok(_) if one_series => {}
            Ok((_, spread)) if spread.known.keys().all(|slot| *slot < tomorrow.plus(1)) => {}
            Ok((_, spread)) => {
                let last: Option<Timestamp> = spread.known.keys().max().map(|slot| slot.start());
                wrong.push(format!("{sample} late: {last:?}"));
            }
            Err(_) => {}
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
            ("503", "answers 503"),
            ("429", "answers 429"),
        ] {
            match server.read(&source, fault, sample).await {
                Ok(_) => wrong.push(format!("{sample} {fault}: is not refused")),
                Err(failure) => {
                    let demanded = failure.demanded.map(|demanded| demanded.as_secs());
                    if !failure.refused.words().contains(words) || (fault == "429") != (demanded == Some(120)) {
                        wrong.push(format!("{sample} {fault}: {:?} {demanded:?}", failure.refused));
                    }
                }
            }
        }
    }
    for fault in ["slow:1", "drip:1"] {
        let charts = source(SpotService::EnergyCharts, "AT", "EUR");
        let read = server.read(&charts, fault, "energy-charts/price_AT_15min_2days_2026-08-20.json").await;
        assert_eq!(read.map(|(_, spread)| spread.known.len()).ok(), Some(192), "{fault}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The days of a clock change as they were, and values that were looked up by hand.
#[tokio::test]
async fn the_nights_of_the_clock_change_have_92_and_100_quarters() {
    let Some(server) = Server::start() else { return };
    let rows = [
        (SpotService::EnergyCharts, "energy-charts/price_AT_15min_dst25h_2025-10-26.json", 100),
        (SpotService::EnergyCharts, "energy-charts/price_AT_15min_dst23h_2026-03-29.json", 92),
        (SpotService::Awattar, "awattar/marketdata_AT_60min_dst_2025-10-26.json", 96),
        (SpotService::Awattar, "awattar/marketdata_AT_60min_dst_2026-03-29.json", 96),
        (SpotService::HomeAssistant, "ha-attributes/nordpool_custom_dst23.json", 92),
        (SpotService::HomeAssistant, "ha-attributes/nordpool_custom_dst25.json", 100),
        (SpotService::Energidataservice, "energidataservice/DayAheadPrices_dst_dup_local_null_MADE.json", 16),
    ];
    for (service, sample, quarters) in rows {
        let currency = if service == SpotService::HomeAssistant { "SEK" } else { "EUR" };
        let (_, spread) = server.read(&source(service, "DK1", currency), "raw", sample).await.unwrap();
        assert_eq!(spread.known.len(), quarters, "{sample}");
    }
    let dst25 = source(SpotService::HomeAssistant, "", "SEK");
    let (_, spread) = server.read(&dst25, "raw", "ha-attributes/nordpool_custom_dst25.json").await.unwrap();
    let price = |time: &str| spread.known[&Slot::containing(time.parse().unwrap())];
    assert_eq!(
        (price("2022-10-30T00:45:00Z"), price("2022-10-30T01:45:00Z"), price("2022-10-30T02:00:00Z")),
        (93.42, 93.42, 93.25)
    );
    let fixed = source(SpotService::Octopus, "A", "GBP");
    let (_, spread) = server.read(&fixed, "", "octopus/fixed_open_ended_MADE.json").await.unwrap();
    assert!(spread.known.len() > 14 * 96 && spread.known.values().all(|price| (price - 0.24528).abs() < 1e-9));
}

/// The running quarter and what is ahead, from the moving list of Amber.
#[tokio::test]
async fn a_list_of_five_and_thirty_minutes_becomes_quarters() {
    let Some(server) = Server::start() else { return };
    let amber = source(SpotService::Amber, "", "AUD");
    let (answer, _) = server.read(&amber, "", "amber/prices_current_MADE.json").await.unwrap();
    let now = answer.entries[1].start;
    let spread = spread(answer.entries, &(-25.0..=25.0), Needs::All, now);
    let prices: Vec<f64> = spread.known.values().map(|price| (price * 1e4).round() / 1e4).collect();
    // 10:45 is running: of it, 10:50 to 11:00 is known. 11:00 has 5 min at 24.33, 5 at 22.1, 5 at -1.2.
    assert_eq!(prices.len(), 5, "{prices:?}");
    assert!((prices[1] - (24.33 + 22.1 - 1.2) / 300.0).abs() < 2e-3, "{prices:?}");
}

#[test]
fn the_small_cases_of_sensors_do_no_harm() {
    let Some(folder) = folder() else { return };
    let sensor = source(SpotService::HomeAssistant, "", "EUR");
    for family in ["nordpool_custom", "amber", "amber2mqtt", "aemo", "flow_power"] {
        let text = std::fs::read_to_string(folder.join(format!("ha-attributes/{family}_cases.json"))).unwrap();
        let cases: serde_json::Value = serde_json::from_str(&text).unwrap();
        for (kind, good) in [("good", true), ("bad", false)] {
            for case in cases[kind].as_array().unwrap() {
                let read = (sensor.read)(case.to_string().as_bytes(), &sensor.place);
                assert!(read.is_ok() || !good, "{family}: {case}: {read:?}");
                let values = read.iter().flat_map(|answer| &answer.entries).filter_map(|entry| entry.price);
                assert!(values.into_iter().all(f64::is_finite));
            }
        }
    }
}
