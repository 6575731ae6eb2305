//! Prices on their real way: over HTTP from a server that a test scripts, and over MQTT from the real Mosquitto.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests stop at the first surprise")]

use chrono::TimeDelta;
use drivers::mqtt::Broker;
use gateway::clock::Clock;
use gateway::config::secret::Secret;
use gateway::config::spot::{OutlookSource, SpotService, SpotSource};
use gateway::config::tariff::TariffConfig;
use gateway::feeds::{self, Board, Feeds, Shore};
use gateway::store::Disk;
use gateway::troubles::Troubles;
use plant::event::Event;
use plant::outlook::Outlook;
use plant::record::FeedStatus;
use plant::time::{Slot, Timestamp};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(30);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn noon() -> Timestamp {
    at("2026-06-01T12:00:00Z")
}

/// A house that listens to its feeds.
struct House {
    events: mpsc::Receiver<Event>,
    board: Board,
    troubles: Troubles,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl House {
    fn start(tariff: TariffConfig, broker: Option<Broker>, now: Timestamp, folder: Option<&Path>) -> Self {
        Self::listen(Feeds { tariff, currency: "EUR".into(), ..Feeds::default() }, broker, now, folder)
    }

    fn listen(feeds: Feeds, broker: Option<Broker>, now: Timestamp, folder: Option<&Path>) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (sender, events) = mpsc::channel(16);
        let (board, troubles, shutdown) = (Board::default(), Troubles::default(), CancellationToken::new());
        let shore = Shore {
            clock: Clock::sped(now, 1.0),
            events: sender,
            board: board.clone(),
            troubles: troubles.clone(),
            timezone: chrono_tz::Europe::Berlin,
            disk: folder.map(|folder| Disk::Folder(folder.to_owned())),
        };
        let task = tokio::spawn(feeds::run(feeds, broker, shore, shutdown.clone()));
        Self { events, board, troubles, shutdown, task }
    }

    fn of(spot: SpotSource, now: Timestamp, folder: Option<&Path>) -> Self {
        Self::start(TariffConfig { spot: Some(spot), ..TariffConfig::default() }, None, now, folder)
    }

    async fn outlook(&mut self) -> Outlook {
        match tokio::time::timeout(PATIENCE, self.events.recv()).await.expect("an outlook in time") {
            Some(Event::Outlook(outlook)) => *outlook,
            other => panic!("{other:?}"),
        }
    }

    /// The feed's state once that is as the test wants it.
    async fn status(&self, wanted: impl Fn(&FeedStatus) -> bool) -> FeedStatus {
        for _ in 0..600 {
            if let Some(status) = self.board.all().into_iter().find(&wanted) {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{:?} {:?}", self.board.all(), self.troubles.all());
    }

    /// Its trouble in words.
    async fn trouble(&self) -> String {
        self.status(|status| status.error.is_some()).await;
        for _ in 0..100 {
            if let Some(words) = self.troubles.all().first() {
                return words.clone();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("no trouble is said")
    }

    async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap();
    }
}

/// An answer: its status line, headers and body.
type Said = (&'static str, String, Vec<u8>);

/// What a server answers to a path.
type Script = dyn Fn(&str) -> Said + Send + Sync;

/// A server that answers as scripted; its address, and the paths it was asked for.
async fn serve(script: Arc<Script>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let paths = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 8192];
            let length = stream.read(&mut request).await.unwrap_or(0);
            let head = String::from_utf8_lossy(&request[..length]).into_owned();
            let path = head.split_whitespace().nth(1).unwrap_or_default().to_owned();
            paths.lock().unwrap().push(path.clone());
            let (status, headers, body) = script(&path);
            let head =
                format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(&body).await;
            let _ = stream.shutdown().await;
        }
    });
    (base, asked)
}

fn ok(body: impl Into<Vec<u8>>) -> Said {
    ("200 OK", String::new(), body.into())
}

/// Quarter hours in the form of Energy-Charts, from a moment on.
fn charts(from: &str, quarters: i64, price: impl Fn(i64) -> f64) -> String {
    let seconds: Vec<String> =
        (0..quarters).map(|quarter| (at(from).timestamp() + quarter * 900).to_string()).collect();
    let prices: Vec<String> = (0..quarters).map(|quarter| price(quarter).to_string()).collect();
    format!(
        r#"{{"license_info":"CC BY 4.0 of a test","unix_seconds":[{}],"price":[{}],"unit":"EUR / MWh"}}"#,
        seconds.join(","),
        prices.join(",")
    )
}

fn energy_charts(base: &str) -> SpotSource {
    SpotSource {
        source: Some(SpotService::EnergyCharts),
        zone: Some("DE-LU".into()),
        url: Some(base.to_owned()),
        ..SpotSource::default()
    }
}

fn price(outlook: &Outlook, at: Timestamp) -> Option<f64> {
    outlook.spot.get(&Slot::containing(at)).map(|price| price.0)
}

#[tokio::test]
async fn prices_come_over_http_in_either_shape() {
    let body = r#"{"unix_seconds":[1780315200,1780318800],"price":[83.4,-5.0]}"#;
    let (base, _) = serve(Arc::new(move |_| ok(body))).await;
    let mut house =
        House::of(SpotSource { url: Some(format!("{base}/v1/marketdata")), ..SpotSource::default() }, noon(), None);
    assert_eq!(house.outlook().await.spot.len(), 8);
    house.stop().await;
}

/// The address of the shipped example of older versions, without dates: the service answers it with today alone.
#[tokio::test]
async fn an_address_without_dates_gets_tomorrow_s_prices_too() {
    let script = |path: &str| {
        let both = path.contains("end=2026-06-02") && path.contains("start=2026-06-01");
        ok(charts(
            "2026-05-31T22:00:00Z",
            if both { 192 } else { 96 },
            |quarter| if quarter < 96 { 50.0 } else { 400.0 },
        ))
    };
    let (base, asked) = serve(Arc::new(script)).await;
    let spot = SpotSource { url: Some(format!("{base}/price?bzn=DE-LU")), ..SpotSource::default() };
    let mut house = House::of(spot, at("2026-06-01T14:00:00Z"), None);
    let outlook = house.outlook().await;
    assert_eq!(
        (price(&outlook, at("2026-06-01T18:00:00Z")), price(&outlook, at("2026-06-02T18:00:00Z"))),
        (Some(0.05), Some(0.4))
    );
    // At midnight nothing is missing.
    for moment in ["2026-06-01T22:00:10Z", "2026-06-01T22:25:00Z"] {
        assert_eq!(price(&outlook, at(moment)), Some(0.4), "{moment}");
    }
    let status = house.status(|status| status.next.is_some_and(|next| next > at("2026-06-01T19:00:00Z"))).await;
    assert_eq!(status.source, "energy-charts (DE-LU)");
    assert_eq!(status.until, Some(at("2026-06-02T22:00:00Z")));
    assert_eq!(status.license.as_deref(), Some("CC BY 4.0 of a test"));
    assert_eq!(asked.lock().unwrap().as_slice(), ["/price?bzn=DE-LU&start=2026-06-01&end=2026-06-02"]);
    house.stop().await;
}

#[tokio::test]
async fn what_is_not_published_yet_loses_nothing_of_today() {
    let script = |path: &str| match path.contains("end=2026-06-01") {
        true => ok(charts("2026-05-31T22:00:00Z", 96, |_| 50.0)),
        false => ("404 Not Found", String::new(), br#"{"detail":"no content available"}"#.to_vec()),
    };
    let (base, asked) = serve(Arc::new(script)).await;
    let mut house = House::of(energy_charts(&base), at("2026-06-01T11:30:00Z"), None);
    assert_eq!(house.outlook().await.spot.len(), 96);
    let status = house
        .status(|status| {
            status.until.is_some() && status.next.is_some_and(|next| next > noon() - TimeDelta::minutes(25))
        })
        .await;
    let pause = (status.next.unwrap() - at("2026-06-01T11:30:00Z")).num_minutes();
    assert!((10..=15).contains(&pause), "tomorrow is asked for again in {pause} minutes");
    assert_eq!((status.error, house.troubles.all()), (None, Vec::new()), "half an hour late is no trouble");
    let ends: Vec<bool> = asked.lock().unwrap().iter().map(|path| path.ends_with("end=2026-06-02")).collect();
    assert_eq!(ends, [true, false]);
    house.stop().await;

    // In the evening it is.
    let script = |_: &str| ok(charts("2026-05-31T22:00:00Z", 96, |_| 50.0));
    let (base, _) = serve(Arc::new(script)).await;
    let house = House::of(energy_charts(&base), at("2026-06-01T18:00:00Z"), None);
    let words = house.trouble().await;
    assert!(words.starts_with("prices from energy-charts (DE-LU): has no prices of all of tomorrow yet"), "{words}");
    house.stop().await;
}

#[tokio::test]
async fn a_service_that_wants_to_be_left_alone_is() {
    let rows = [
        ("429 Too Many Requests", "retry-after: 120\r\n", "answers 429", 120, 133),
        ("503 Service Unavailable", "retry-after: 3600\r\n", "answers 503", 3600, 3965),
        ("500 Internal Server Error", "", "answers 500", 30, 34),
        ("404 Not Found", "", "answers 404", 30, 34),
        ("401 Unauthorized", "", "answers 401", 30, 34),
    ];
    for (status, headers, words, least, most) in rows {
        let (base, asked) = serve(Arc::new(move |_| (status, headers.into(), Vec::new()))).await;
        let house = House::of(energy_charts(&base), noon(), None);
        let said = house.trouble().await;
        let expected = format!("prices from energy-charts (DE-LU): {words}");
        assert!(said.starts_with(&expected) && said.contains("no prices are known; asked again at 1"), "{said}");
        let next = house.status(|feed| feed.error.is_some()).await.next.unwrap();
        let pause = (next - noon()).num_seconds();
        assert!((least..=most + 20).contains(&pause), "{status}: {pause} s");
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(asked.lock().unwrap().len() <= 3, "{status}: {:?}", asked.lock().unwrap());
        house.stop().await;
    }
}

/// What a server may answer, and how many slots come of it, or which words.
#[tokio::test]
async fn answers_of_all_kinds_are_used_or_refused_in_words() {
    let plain = || charts("2026-06-01T12:00:00Z", 4, |quarter| 10.0 * quarter as f64);
    let packed = || {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(plain().as_bytes()).unwrap();
        packer.finish().unwrap()
    };
    let good: Vec<(&str, Said, usize)> = vec![
        ("plain", ok(plain()), 4),
        ("gzip", ("200 OK", "content-encoding: gzip\r\n".into(), packed()), 4),
        ("mark of the byte order", ok(format!("\u{feff}{}", plain())), 4),
        ("negative", ok(charts("2026-06-01T12:00:00Z", 4, |_| -498.65)), 4),
        ("a spike", ok(plain().replace("20,30]", "17500,30]")), 3),
        ("NaN", ok(plain().replace("20,30]", "NaN,30]")), 3),
        ("no unit", ok(plain().replace("EUR / MWh", "No Unit")), 4),
    ];
    for (name, answer, slots) in good {
        let (base, _) = serve(Arc::new(move |_| answer.clone())).await;
        let mut house = House::of(energy_charts(&base), noon(), None);
        assert_eq!(house.outlook().await.spot.len(), slots, "{name}");
        house.stop().await;
    }
    let bad: Vec<(&str, Said, &str)> = vec![
        ("HTML", ok("<!DOCTYPE html><p>Back soon"), "is a page of HTML"),
        ("empty", ok(""), "is empty"),
        ("204", ("204 No Content", String::new(), Vec::new()), "answers 204"),
        ("loop", ("302 Found", "location: /price\r\n".into(), Vec::new()), "from one address to the next"),
        ("half", ok(plain()[..60].to_owned()), "cannot be read: EOF"),
        ("packed otherwise", ("200 OK", "content-encoding: br\r\n".into(), vec![1, 2]), "is packed with br"),
        ("kroner", ok(plain().replace("EUR / MWh", "SEK / MWh")), "is in SEK / MWh; expected EUR/MWh"),
        ("cents", ok(plain().replace("EUR / MWh", "ct/kWh")), "is in ct/kWh; expected EUR/MWh"),
        ("another day", ok(charts("2025-06-01T12:00:00Z", 4, |_| 1.0)), "has nothing for the days around 2026-06-01"),
        ("another shape", ok("{}"), "has no prices as Energy-Charts gives them"),
    ];
    for (name, answer, words) in bad {
        let (base, _) = serve(Arc::new(move |_| answer.clone())).await;
        let house = House::of(energy_charts(&base), noon(), None);
        let said = house.trouble().await;
        assert!(said.contains(words), "{name}: {said}");
        house.stop().await;
    }
}

#[tokio::test]
async fn an_implausible_price_is_said_and_takes_the_older_one_back() {
    let spike = Arc::new(Mutex::new(false));
    let spiked = spike.clone();
    let script = move |_: &str| {
        let body = charts("2026-05-31T22:00:00Z", 96, |_| 50.0);
        ok(if *spiked.lock().unwrap() { body.replacen("50,50,50", "50,17500,50", 1) } else { body })
    };
    let (base, _) = serve(Arc::new(script)).await;
    let spot = SpotSource { url: Some(format!("{base}/prices")), ..SpotSource::default() };
    let folder = tempfile::tempdir().unwrap();
    let mut house = House::of(spot.clone(), noon(), Some(folder.path()));
    assert!(house.outlook().await.unpriced.is_empty());
    house.status(|status| status.at.is_some()).await;
    house.stop().await;
    *spike.lock().unwrap() = true;
    let mut house = House::of(spot, noon(), Some(folder.path()));
    assert_eq!(house.outlook().await.spot.len(), 96, "what the disk has");
    let news = house.outlook().await;
    let slot = Slot::containing(at("2026-05-31T22:15:00Z"));
    assert_eq!((news.spot.len(), news.unpriced.into_iter().collect::<Vec<_>>()), (95, vec![slot]));
    let words = house.trouble().await;
    assert!(words.contains("says 17.5 EUR/kWh for 00:15, beyond any plausible price"), "{words}");
    house.stop().await;
}

#[tokio::test]
async fn the_last_answer_outlasts_a_restart_with_its_age_and_costs_no_question() {
    let folder = tempfile::tempdir().unwrap();
    let (base, asked) = serve(Arc::new(|_: &str| ok(charts("2026-05-31T22:00:00Z", 192, |_| 50.0)))).await;
    let mut house = House::of(energy_charts(&base), noon(), Some(folder.path()));
    assert_eq!(house.outlook().await.spot.len(), 192);
    house.status(|status| status.next.is_some_and(|next| next > noon() + TimeDelta::hours(1))).await;
    house.stop().await;
    let later = noon() + TimeDelta::hours(3);
    let mut house = House::of(energy_charts(&base), later, Some(folder.path()));
    assert_eq!(house.outlook().await.spot.len(), 192);
    let status = house.status(|status| status.next.is_some()).await;
    let age = (later - status.at.unwrap()).num_minutes();
    assert!((179..=180).contains(&age), "{age}");
    assert_eq!(status.license.as_deref(), Some("CC BY 4.0 of a test"));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(asked.lock().unwrap().len(), 1, "a restart costs no question");
    house.stop().await;
    // Another place's prices are not these.
    let other = SpotSource { zone: Some("FR".into()), ..energy_charts("http://127.0.0.1:1") };
    let house = House::of(other, later, Some(folder.path()));
    let words = house.trouble().await;
    assert!(words.contains("cannot be reached") && words.contains("no prices are known"), "{words}");
    assert_eq!(house.board.all()[0].at, None);
    house.stop().await;
}

#[tokio::test]
async fn no_key_is_said() {
    let (base, asked) = serve(Arc::new(|_: &str| ("500 Oops", String::new(), b"<html>".to_vec()))).await;
    for base in [base.as_str(), "http://127.0.0.1:1"] {
        let spot =
            SpotSource { source: Some(SpotService::Entsoe), key: Some(Secret::new("s3cret")), ..energy_charts(base) };
        let house = House::of(spot, noon(), None);
        let words = house.trouble().await;
        let all = format!("{words} {:?}", house.board.all());
        assert!(!all.contains("s3cret") && !all.contains("127.0.0.1"), "{all}");
        house.stop().await;
    }
    assert!(asked.lock().unwrap()[0].contains("securityToken=s3cret"), "it was asked with it");
}

#[tokio::test]
async fn another_currency_than_the_house_s_is_refused_by_name() {
    let body = r#"{"currency":"SEK","multiIndexEntries":[{"deliveryStart":"2026-06-01T12:00:00Z",
        "deliveryEnd":"2026-06-01T12:15:00Z","entryPerArea":{"SE3":500.0}}]}"#;
    let (base, _) = serve(Arc::new(move |_| ok(body))).await;
    let spot = SpotSource { source: Some(SpotService::Nordpool), zone: Some("SE3".into()), ..energy_charts(&base) };
    let house = House::of(spot, noon(), None);
    let words = house.trouble().await;
    assert!(words.starts_with("prices from nordpool (SE3): is in SEK; this house counts in EUR"), "{words}");
    house.stop().await;
}

/// Energi Data Service gives each price in crowns and in euros.
#[tokio::test]
async fn prices_are_in_the_currency_of_the_configuration_also_after_it_has_changed() {
    let body = r#"{"records":[{"TimeUTC":"2026-06-01T12:00:00","PriceArea":"DK1","DayAheadPriceDKK":373.0,"DayAheadPriceEUR":50.0},
        {"TimeUTC":"2026-06-01T12:15:00","PriceArea":"DK1","DayAheadPriceDKK":40000.0,"DayAheadPriceEUR":5361.0}]}"#;
    let (base, _) = serve(Arc::new(move |_| ok(body))).await;
    let folder = tempfile::tempdir().unwrap();
    let listen = |currency: &str| {
        let text = format!(
            "[site]\nname = \"house\"\ncurrency = \"{currency}\"\n[grid]\nimport_limit_w = 17250\n[compute]\nmax_w = 900\n\
             [tariff.import]\nkind = \"spot\"\nfee_eur_per_kwh = 0.9\n\
             [tariff.export]\nprice_eur_per_kwh = 0.3\n\
             [tariff.spot]\nsource = \"energidataservice\"\nzone = \"DK1\"\nurl = \"{base}\"\n\
             [[device]]\nname = \"meter\"\ntype = \"em24\"\naddress = \"tcp://127.0.0.1:5020\"\n"
        );
        let loaded = gateway::config::load_toml(Path::new("house.toml"), &text);
        let config = loaded.unwrap_or_else(|errors| panic!("{errors}")).config;
        House::listen(Feeds::of(&config), None, noon(), Some(folder.path()))
    };
    for (currency, expected) in [("DKK", [Some(0.373), Some(40.0)]), ("EUR", [Some(0.05), None])] {
        let mut house = listen(currency);
        // The first thing that is heard: prices in another currency are not recalled.
        let outlook = house.outlook().await;
        let found = [noon(), noon() + TimeDelta::minutes(15)].map(|at| price(&outlook, at));
        assert_eq!(found, expected, "{currency}");
        house.status(|status| status.at.is_some()).await;
        house.stop().await;
    }
}

#[tokio::test]
async fn prices_and_forecasts_come_over_mqtt_and_garbage_does_not() {
    let program = ["mosquitto", "/usr/sbin/mosquitto"]
        .into_iter()
        .find(|program| Command::new(program).arg("-h").output().is_ok());
    let Some(program) = program else {
        eprintln!("SKIPPED: mosquitto is not installed");
        return;
    };
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "listener {port} 127.0.0.1\nallow_anonymous true").unwrap();
    let mut mosquitto =
        Command::new(program).arg("-c").arg(file.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();

    let broker = Broker { host: "127.0.0.1".into(), port: Some(port), ..Broker::default() };
    let shutdown = CancellationToken::new();
    let (link, _arrivals) = drivers::mqtt::connect(broker.clone(), "test", None, Vec::new(), shutdown.clone());
    link.publish("demo/spot", r#"{"slots":[{"start":"2026-06-01T12:00:00Z","eur_per_kwh":0.0834}]}"#, true);

    let config = TariffConfig {
        spot: Some(SpotSource { topic: Some("demo/spot".into()), ..SpotSource::default() }),
        outlook: Some(OutlookSource { topic: "demo/outlook".into() }),
        ..TariffConfig::default()
    };
    let mut house = House::start(config, Some(broker), noon(), None);
    assert_eq!(house.outlook().await.spot.values().next().map(|price| price.0), Some(0.0834));
    for garbage in ["", "null", "{\"slots\":[{\"start\":1}]}", "\u{0}\u{1}"] {
        link.publish("demo/spot", garbage, true);
    }
    // One bad entry makes its own slot unknown; the price before it was of the same slot.
    let mixed = r#"{"slots":[{"start":"2026-06-01T12:00:00Z","eur_per_kwh":17.5},{"start":"2026-06-01T12:15:01Z","eur_per_kwh":0.1}]}"#;
    link.publish("demo/spot", mixed, true);
    let mixed = loop {
        let outlook = house.outlook().await;
        if !outlook.unpriced.is_empty() && !outlook.spot.is_empty() {
            break outlook;
        }
    };
    let slot = Slot::containing(noon());
    assert_eq!((mixed.spot.get(&slot), mixed.spot.get(&slot.plus(1)).map(|price| price.0)), (None, Some(0.1)));
    link.publish("demo/outlook", r#"{"slots":[{"start":"2026-06-01T12:00:00Z","w":1200}]}"#, true);
    assert_eq!(house.outlook().await.pv.values().next().map(|power| power.0), Some(1200.0));
    house.stop().await;
    shutdown.cancel();
    mosquitto.kill().unwrap();
    mosquitto.wait().unwrap();
}

/// The feeds of a house with these sections.
fn forecasts(sections: &str) -> Feeds {
    let house = "[grid]\nimport_limit_w = 17250\n[compute]\nmax_w = 900\n[pv]\npeak_w = 9000\n\
                 [[plane]]\npeak_w = 5000\ntilt_deg = 30\nazimuth_deg = 90\n\
                 [[plane]]\npeak_w = 4000\ntilt_deg = 30\nazimuth_deg = 270\n\
                 [[device]]\nname = \"inverter\"\ntype = \"fronius-gen24\"\naddress = \"tcp://127.0.0.1:5020\"\n";
    let loaded = gateway::config::load_toml(Path::new("house.toml"), &format!("{house}{sections}"));
    Feeds::of(&loaded.unwrap_or_else(|errors| panic!("{errors}")).config)
}

fn solcast(base: &str) -> String {
    format!("[[forecast]]\nsource = \"solcast\"\nsite = \"my-roof\"\nkey = \"geheim\"\nurl = \"{base}\"\n")
}

fn solar(base: &str, key: &str) -> String {
    format!("[[forecast]]\nsource = \"forecast.solar\"\nlatitude = 48.37\nlongitude = 10.9\nurl = \"{base}\"\n{key}")
}

fn open_meteo(base: &str) -> String {
    format!("[[forecast]]\nsource = \"open-meteo\"\nlatitude = 48.37\nlongitude = 10.9\nurl = \"{base}\"\n")
}

/// Half hours of one power in kW from noon on, as Solcast has them.
fn half_hours(count: i64, power: f64) -> Said {
    let row = |number: i64| {
        let end = (noon() + TimeDelta::minutes(30 * (number + 1))).to_rfc3339();
        format!(r#"{{"period_end":"{end}","period":"PT30M","pv_estimate":{power}}}"#)
    };
    let rows: Vec<String> = (0..count).map(row).collect();
    ok(format!(r#"{{"forecasts":[{}]}}"#, rows.join(",")))
}

fn power(outlook: &Outlook, moment: &str) -> Option<f64> {
    outlook.pv.get(&Slot::containing(at(moment))).map(|power| power.0)
}

#[tokio::test]
async fn of_several_forecasts_the_first_that_answers_counts() {
    // The estimate of each of two planes: 1 kW until 13:00, and nothing is said of later.
    let estimate = r#"{"result":{"watt_hours":{"2026-06-01T11:00:00Z":0,"2026-06-01T12:00:00Z":1000,"2026-06-01T13:00:00Z":2000}}}"#;
    let (first, asked) = serve(Arc::new(move |_| ok(estimate))).await;
    let (second, _) = serve(Arc::new(|_| half_hours(4, 3.0))).await;
    let feeds = forecasts(&format!("{}{}", solar(&first, ""), solcast(&second)));
    let mut house = House::listen(feeds, None, noon(), None);
    house.outlook().await;
    let outlook = house.outlook().await;
    assert_eq!(
        (power(&outlook, "2026-06-01T12:30:00Z"), power(&outlook, "2026-06-01T13:30:00Z")),
        (Some(2000.0), Some(3000.0))
    );
    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked, ["/estimate/48.37/10.9/30/-90/5?time=utc", "/estimate/48.37/10.9/30/90/4?time=utc"]);
    let status = house
        .status(|status| status.source == "solcast (my-roof)" && status.next > Some(noon() + TimeDelta::hours(2)))
        .await;
    let pause = (status.next.unwrap() - noon()).num_minutes();
    assert!((180..=190).contains(&pause) && status.what == "forecast", "{pause} min");
    house.stop().await;
}

#[tokio::test]
async fn a_forecast_that_fails_says_so_and_the_next_one_stands_in() {
    let away = r#"{"error":true,"reason":"Daily API request limit exceeded. Please try again tomorrow."}"#;
    let (first, _) = serve(Arc::new(move |_| ("429 Too Many Requests", String::new(), away.into()))).await;
    let (second, _) = serve(Arc::new(|_| half_hours(4, 3.0))).await;
    let mut house =
        House::listen(forecasts(&format!("{}{}", open_meteo(&first), solcast(&second))), None, noon(), None);
    assert_eq!(power(&house.outlook().await, "2026-06-01T12:30:00Z"), Some(3000.0));
    let words = house.trouble().await;
    assert!(
        words.starts_with("forecast from open-meteo: answers 429 Too Many Requests: Daily API request limit exceeded"),
        "{words}"
    );
    let failed = house.status(|status| status.source == "open-meteo" && status.error.is_some()).await;
    assert!(failed.next >= Some(at("2026-06-02T00:00:00Z")), "its day begins at midnight: {failed:?}");
    assert_eq!(house.status(|status| status.source.starts_with("solcast")).await.error, None);
    house.stop().await;
}

#[tokio::test]
async fn half_a_roof_is_no_forecast() {
    let estimate = r#"{"result":{"watt_hours":{"2026-06-01T12:00:00Z":0,"2026-06-01T13:00:00Z":2000}}}"#;
    let script = move |path: &str| {
        if path.contains("/-90/") { ok(estimate) } else { ("500 Internal Server Error", String::new(), Vec::new()) }
    };
    let (base, asked) = serve(Arc::new(script)).await;
    let mut house = House::listen(forecasts(&solar(&base, "key = \"very-secret\"\n")), None, noon(), None);
    let words = house.trouble().await;
    assert!(words.starts_with("forecast from forecast.solar: answers 500"), "{words}");
    assert!(!words.contains("very-secret") && asked.lock().unwrap()[0].starts_with("/very-secret/estimate/"));
    assert!(house.events.try_recv().is_err());
    let next = house.status(|status| status.error.is_some()).await.next.unwrap();
    assert!(next - noon() >= TimeDelta::minutes(20), "both planes may be asked again: {next}");
    house.stop().await;
}

#[tokio::test]
async fn a_restart_costs_a_forecast_no_question() {
    let folder = tempfile::tempdir().unwrap();
    let (base, asked) = serve(Arc::new(|_| half_hours(40, 3.0))).await;
    let start = |now| House::listen(forecasts(&solcast(&base)), None, now, Some(folder.path()));
    let mut house = start(noon());
    house.outlook().await;
    house.status(|status| status.next > Some(noon() + TimeDelta::hours(1))).await;
    house.stop().await;
    for minutes in [1, 40, 170] {
        let mut house = start(noon() + TimeDelta::minutes(minutes));
        assert_eq!(power(&house.outlook().await, "2026-06-01T16:00:00Z"), Some(3000.0));
        let status = house.status(|status| status.next.is_some()).await;
        assert_eq!(status.next.map(|next| (next - noon()).num_minutes()), Some(180));
        house.stop().await;
    }
    assert_eq!(asked.lock().unwrap().len(), 1);
    let mut house = start(noon() + TimeDelta::minutes(200));
    house.outlook().await;
    house.outlook().await;
    assert_eq!(asked.lock().unwrap().len(), 2);
    house.stop().await;
}

#[tokio::test]
async fn a_network_that_is_not_up_yet_costs_a_forecast_half_a_minute_and_no_more() {
    let house = House::listen(forecasts(&solcast("http://127.0.0.1:1")), None, noon(), None);
    let words = house.trouble().await;
    assert!(words.starts_with("forecast from solcast (my-roof): cannot be reached"), "{words}");
    assert!(words.contains("; no forecasts are known; asked again at 14:00"), "{words}");
    let next = house.status(|status| status.error.is_some()).await.next.unwrap();
    assert!((29..=40).contains(&(next - noon()).num_seconds()), "{next}");
    house.stop().await;
}
