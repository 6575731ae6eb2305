//! Prices on their real way: over HTTP from a server that fails first, and over MQTT from the real Mosquitto.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests stop at the first surprise")]

use drivers::mqtt::Broker;
use gateway::clock::Clock;
use gateway::config::tariff::{OutlookSource, SpotSource, TariffConfig};
use gateway::feeds;
use plant::event::Event;
use plant::outlook::Outlook;
use plant::time::Timestamp;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(30);

fn noon() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

async fn outlook(events: &mut mpsc::Receiver<Event>) -> Outlook {
    match tokio::time::timeout(PATIENCE, events.recv()).await.expect("an outlook in time") {
        Some(Event::Outlook(outlook)) => *outlook,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn prices_come_over_http_in_either_shape() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/marketdata", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let body = r#"{"unix_seconds":[1780315200,1780318800],"price":[83.4,-5.0]}"#;
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 2048];
            let _ = stream.read(&mut request).await;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        }
    });
    let spot = SpotSource { url: Some(url), ..SpotSource::default() };
    let config = TariffConfig { spot: Some(spot), ..TariffConfig::default() };
    let (sender, mut events) = mpsc::channel(4);
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(feeds::run(config, None::<Broker>, Clock::sped(noon(), 1.0), sender, shutdown.clone()));
    let outlook = outlook(&mut events).await;
    assert_eq!(outlook.spot.len(), 8);
    shutdown.cancel();
    tokio::time::timeout(PATIENCE, task).await.unwrap().unwrap();
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
    let (sender, mut events) = mpsc::channel(4);
    let task = tokio::spawn(feeds::run(config, Some(broker), Clock::sped(noon(), 1.0), sender, shutdown.clone()));
    assert_eq!(outlook(&mut events).await.spot.values().next().map(|price| price.0), Some(0.0834));
    for garbage in ["", "null", "{\"slots\":[{\"start\":1}]}", "\u{0}\u{1}"] {
        link.publish("demo/spot", garbage, true);
    }
    link.publish("demo/outlook", r#"{"slots":[{"start":"2026-06-01T12:00:00Z","w":1200}]}"#, true);
    assert_eq!(outlook(&mut events).await.pv.values().next().map(|power| power.0), Some(1200.0));
    shutdown.cancel();
    tokio::time::timeout(PATIENCE, task).await.unwrap().unwrap();
    mosquitto.kill().unwrap();
    mosquitto.wait().unwrap();
}
