//! A device at work on bad days: each ends in words or in "no value", never in a number, and the device is read again as
//! soon as the day is over.

use crate::peer;
use drivers::debt::Debts;
use drivers::definition;
use drivers::device::{self, Channels, DeviceConfig, Report, probe, read_once};
use drivers::lease::Wanted;
use drivers::pace::Pace;
use plant::point::{DeviceId, Point};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How the device's day is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    Well,
    /// Answers nothing.
    Silent,
    /// Half an answer, then nothing.
    Half,
    /// Half an answer, then the connection is closed.
    Cut,
    /// Bytes that are no Modbus.
    Noise,
    /// Refuses with this code.
    Exception(u8),
    /// The markers that mean "no value".
    Nan,
}

/// A device with unit 1; others get no answer.
async fn moody() -> (SocketAddr, watch::Sender<Mood>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (mood, moods) = watch::channel(Mood::Well);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, moods.clone()));
        }
    });
    (address, mood)
}

async fn serve(mut stream: TcpStream, moods: watch::Receiver<Mood>) {
    let mut request = [0u8; 12];
    while stream.read_exact(&mut request).await.is_ok() {
        let mood = *moods.borrow();
        let (unit, function, count) = (request[6], request[7], usize::from(request[11]));
        let words = match mood {
            Mood::Nan => [0x80, 0x00].repeat(count),
            Mood::Well | Mood::Silent | Mood::Half | Mood::Cut | Mood::Noise | Mood::Exception(_) => {
                [0x00, 0x2A].repeat(count)
            }
        };
        let body = match mood {
            Mood::Exception(code) => vec![unit, function | 0x80, code],
            Mood::Well | Mood::Silent | Mood::Half | Mood::Cut | Mood::Noise | Mood::Nan => {
                [vec![unit, function, words.len() as u8], words].concat()
            }
        };
        let mut frame = vec![request[0], request[1], 0, 0, 0, body.len() as u8];
        frame.extend(body);
        match mood {
            _ if unit != 1 => continue,
            Mood::Silent => continue,
            Mood::Half | Mood::Cut => frame.truncate(frame.len() - 1),
            Mood::Noise => frame = b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
            Mood::Well | Mood::Exception(_) | Mood::Nan => {}
        }
        if stream.write_all(&frame).await.is_err() || mood == Mood::Cut {
            return;
        }
    }
}

fn config(address: SocketAddr, unit: Option<u8>) -> DeviceConfig {
    let text = "id = 'meter'\nproducts = ['Meter']\ntransport = ['tcp']\ntiming = { timeout_ms = 400 }\n\
        [[point]]\nname = 'grid.power'\nfc = 3\naddress = 5\ntype = 'i16'\nunit = 'W'\nnot_available = [-32768]\n\
        [[point]]\nname = 'grid.import_energy'\nfc = 3\naddress = 6\ntype = 'u16'\nunit = 'kWh'\nslow = true\nnot_available = [32768]\n";
    DeviceConfig {
        id: DeviceId("meter".into()),
        definition: Arc::new(definition::from_toml("meter.toml", text).unwrap()),
        address: format!("tcp://{address}").parse().unwrap(),
        unit,
        points: None,
        broker: None,
        controls: BTreeSet::new(),
        parameters: BTreeMap::new(),
        interval: Duration::from_millis(200),
    }
}

async fn until(reports: &mut mpsc::Receiver<Report>, what: &str, met: impl Fn(&Report) -> bool) {
    let found =
        timeout(Duration::from_secs(60), async { while !met(&reports.recv().await.expect("the device works")) {} });
    assert!(found.await.is_ok(), "not in time: {what}");
}

fn shows(report: &Report, expected: Option<f64>) -> bool {
    match report {
        Report::Values { values, .. } => values.contains(&(Point::GridPower, expected)),
        Report::Unavailable { .. } | Report::Applied { .. } => false,
    }
}

/// A day of this mood between two good ones; `None` where the device is there and has no value.
async fn a_day(mood: Mood, words: Option<&str>) {
    let (address, moods) = moody().await;
    let (sender, mut reports) = mpsc::channel(4);
    let (_wanted, received) = watch::channel(Wanted::default());
    let (leases, _) = watch::channel(Vec::new());
    let channels = Channels { reports: sender, wanted: received, leases, debts: Debts::none() };
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(device::run(config(address, None), Pace::default(), channels, shutdown.clone()));
    until(&mut reports, "the first value", |report| shows(report, Some(42.0))).await;
    moods.send_replace(mood);
    match words {
        None => until(&mut reports, "no value", |report| shows(report, None)).await,
        Some(words) => {
            let said = |report: &Report| match report {
                Report::Unavailable { why, .. } => {
                    assert!(why.contains(words) && why.contains(&address.to_string()), "{mood:?}: {why}");
                    true
                }
                Report::Values { .. } => {
                    assert!(shows(report, Some(42.0)), "{mood:?} gives {report:?}");
                    false
                }
                Report::Applied { .. } => false,
            };
            until(&mut reports, "unavailable", said).await;
        }
    }
    moods.send_replace(Mood::Well);
    // What is read seldom is there at once again, too.
    let back = |report: &Report| match report {
        Report::Values { values, .. } => {
            shows(report, Some(42.0)) && (words.is_none() || values.contains(&(Point::GridImportEnergy, Some(42.0))))
        }
        Report::Unavailable { .. } | Report::Applied { .. } => false,
    };
    until(&mut reports, "the value again", back).await;
    shutdown.cancel();
    timeout(Duration::from_secs(30), task).await.expect("the device ends").unwrap();
}

#[tokio::test]
async fn a_bad_day_has_its_words_and_an_end() {
    tokio::join!(
        a_day(Mood::Silent, Some("unit 1: no answer within 400 ms")),
        a_day(Mood::Half, Some("unit 1: no answer within 400 ms")),
        a_day(Mood::Cut, Some("closed the connection")),
        a_day(Mood::Noise, Some("")),
        a_day(Mood::Exception(6), Some("unit 1: the device is busy (exception 6)")),
        a_day(Mood::Exception(11), Some("does not answer (exception 11)")),
        a_day(Mood::Nan, None),
    );
}

#[tokio::test]
async fn a_register_that_the_device_lacks_has_no_value() {
    let (address, moods) = moody().await;
    moods.send_replace(Mood::Exception(2));
    let readings = read_once(&config(address, None)).await.unwrap();
    assert_eq!(readings.iter().map(|reading| reading.value).collect::<Vec<_>>(), [None, None]);
}

#[tokio::test]
async fn a_wrong_unit_is_named() {
    let (address, _moods) = moody().await;
    let why = read_once(&config(address, Some(77))).await.unwrap_err();
    assert_eq!(why.to_string(), format!("tcp://{address} unit 77: no answer within 400 ms"));
    let address = format!("tcp://{address}").parse().unwrap();
    let found = probe::units(&address, &[7, 1, 9], |_| {}).await.unwrap();
    assert_eq!(found.iter().map(|present| (present.unit, present.models.len())).collect::<Vec<_>>(), [(1, 0)]);
}

#[tokio::test]
async fn what_describes_itself_is_found_with_what_fits_it() {
    let Some(peer) = peer::dump("sunspec_zoo_1", &["--alias", "1=200", "--unknown-unit", "exception"]).await else {
        return;
    };
    let address = format!("tcp://{}", peer.address).parse().unwrap();
    let found = probe::units(&address, &[1, 2, 200], |_| {}).await.unwrap();
    assert_eq!(found.iter().map(|present| present.unit).collect::<Vec<_>>(), [1, 200]);
    assert_eq!(found[0].text("Mn"), Some("X-9"));
    assert_eq!(found[0].definition().map(|definition| definition.id).as_deref(), Some("sunspec-hybrid"));
    assert!(found[0].models.iter().any(|found| found.block.model == 203 && !found.values.is_empty()));

    let nobody = format!("tcp://127.0.0.1:{}", peer::free_port()).parse().unwrap();
    let why = probe::units(&nobody, &[1], |_| {}).await.unwrap_err().to_string();
    assert!(why.contains("nothing listens there"), "{why}");
}
