//! The connection to a real Mosquitto on bad days.

use crate::peer::{self, Peer};
use drivers::mqtt::{self, Broker, Client, Link, LinkEvent, Will};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Long enough for a machine that has other things to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// The broker that was started.
pub(crate) fn broker(peer: &Peer) -> Broker {
    Broker { host: "127.0.0.1".into(), port: Some(peer.address.port()), ..Broker::default() }
}

/// Waits until what is published arrives again.
pub(crate) async fn subscribed(link: &Link, events: &mut mpsc::Receiver<LinkEvent>, topic: &str) {
    let arrives = timeout(PATIENCE, async {
        loop {
            link.publish(topic, "?", false);
            let answer = timeout(Duration::from_secs(1), events.recv()).await;
            match answer {
                Ok(Some(LinkEvent::Message { topic: found, .. })) if found == topic => return,
                Ok(Some(_)) | Err(_) => {}
                Ok(None) => panic!("the link has ended"),
            }
        }
    });
    assert!(arrives.await.is_ok(), "nothing arrives on {topic}");
}

pub(crate) async fn any_message(events: &mut mpsc::Receiver<LinkEvent>) -> (String, Vec<u8>) {
    let found = timeout(PATIENCE, async {
        loop {
            match events.recv().await.expect("the link has ended") {
                LinkEvent::Message { topic, payload, .. } => return (topic, payload),
                LinkEvent::Connected | LinkEvent::Disconnected { .. } => {}
            }
        }
    });
    found.await.expect("nothing is heard")
}

#[tokio::test]
async fn a_broker_that_restarts_empty_gets_everything_again() {
    let folder = tempfile::tempdir().unwrap();
    let Some(peer) = peer::mosquitto(folder.path(), "").await else { return };
    let broker = broker(&peer);
    let (link, mut events) = mqtt::connect(broker.clone(), "us", None, vec!["to/us".into()], CancellationToken::new());
    assert_eq!(events.recv().await, Some(LinkEvent::Connected));
    let large = vec![b'x'; 200_000];
    link.publish("state/large", large.clone(), true);
    link.publish("state/newest", "1", true);
    let file = folder.path().join("mosquitto.conf").display().to_string();
    drop(peer);
    let lost = timeout(PATIENCE, events.recv()).await.unwrap();
    assert!(
        matches!(&lost, Some(LinkEvent::Disconnected { error }) if error.to_string().contains("127.0.0.1")),
        "{lost:?}"
    );
    link.publish("state/newest", "2", true);
    let port = broker.port.unwrap();
    let Some(_peer) = peer::start(std::path::Path::new("/usr/sbin/mosquitto"), &["-c".into(), file], port).await else {
        return;
    };
    let (other, mut heard) = mqtt::connect(broker, "other", None, vec!["state/#".into()], CancellationToken::new());
    let mut state = BTreeMap::new();
    while state.len() < 2 {
        let (topic, payload) = any_message(&mut heard).await;
        state.insert(topic, payload);
    }
    assert_eq!((&state["state/large"], state["state/newest"].as_slice()), (&large, b"2".as_slice()));
    // The subscription is made again.
    subscribed(&other, &mut events, "to/us").await;
}

#[tokio::test]
async fn the_will_is_published_for_a_crash_and_not_for_a_farewell() {
    let folder = tempfile::tempdir().unwrap();
    let Some(peer) = peer::mosquitto(folder.path(), "").await else { return };
    let (watch, mut heard) = mqtt::connect(broker(&peer), "watch", None, vec!["us/#".into()], CancellationToken::new());
    subscribed(&watch, &mut heard, "us/ready").await;
    let will = Will { topic: "us/will".into(), payload: b"gone".to_vec(), retain: false };
    let (link, mut events) = mqtt::connect(broker(&peer), "us", Some(will), Vec::new(), CancellationToken::new());
    assert_eq!(events.recv().await, Some(LinkEvent::Connected));
    for n in 0..500 {
        link.publish(format!("us/n/{n}"), n.to_string(), n % 2 == 0);
    }
    link.publish("us/last", "offline", true);
    link.close().await;
    let mut seen = 0;
    let last = timeout(PATIENCE, async {
        loop {
            match heard.recv().await.expect("the link has ended") {
                LinkEvent::Message { topic, .. } if topic == "us/will" => panic!("the will after a farewell"),
                LinkEvent::Message { topic, .. } if topic == "us/ready" => {}
                LinkEvent::Message { .. } => seen += 1,
                LinkEvent::Connected | LinkEvent::Disconnected { .. } => {}
            }
            if seen == 501 {
                return;
            }
        }
    });
    assert!(last.await.is_ok(), "{seen} of 501 messages arrived before the farewell");
    let more = timeout(Duration::from_millis(500), heard.recv()).await;
    assert!(more.is_err(), "nothing more, no will: {more:?}");
}

#[tokio::test]
async fn refused_credentials_are_said_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let passwords = folder.path().join("passwords");
    std::fs::write(&passwords, "").unwrap();
    let port = peer::free_port();
    let file = folder.path().join("strict.conf");
    let lines = format!("listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {}\n", passwords.display());
    std::fs::write(&file, lines).unwrap();
    let arguments = ["-c".to_owned(), file.display().to_string()];
    let Some(peer) = peer::start(std::path::Path::new("/usr/sbin/mosquitto"), &arguments, port).await else { return };
    let broker = Broker { username: Some("who".into()), password: Some("what".into()), ..broker(&peer) };
    let (_link, mut events) = mqtt::connect(broker, "us", None, Vec::new(), CancellationToken::new());
    let refused = events.recv().await;
    assert!(
        matches!(&refused, Some(LinkEvent::Disconnected { error })
            if ["password", "authorise"].iter().any(|word| error.to_string().contains(word))),
        "{refused:?}"
    );
}

/// A client with a lasting session that was away for so long.
fn lasting(peer: &Peer, away: Duration) -> (Link, mpsc::Receiver<LinkEvent>) {
    let client = Client {
        id: "heatmineLasting".into(),
        subscriptions: vec!["to/us".into()],
        away: Some(away),
        ..Client::default()
    };
    mqtt::connect_as(broker(peer), client, CancellationToken::new())
}

/// The next message, and whether the broker kept it for everybody; it is dealt with where `taken`.
async fn next(link: &Link, events: &mut mpsc::Receiver<LinkEvent>, taken: bool) -> (String, bool) {
    let found = timeout(PATIENCE, async {
        loop {
            if let LinkEvent::Message { payload, retain, .. } = events.recv().await.expect("the link has ended") {
                return (String::from_utf8(payload).unwrap(), retain);
            }
        }
    });
    let found = found.await.expect("nothing is heard");
    if taken {
        link.taken();
    }
    found
}

#[tokio::test]
async fn a_lasting_session_gets_what_came_while_it_was_away_unless_that_is_long_ago() {
    let folder = tempfile::tempdir().unwrap();
    let Some(peer) = peer::mosquitto(folder.path(), "").await else { return };
    let (other, mut heard) = mqtt::connect(broker(&peer), "other", None, vec!["to/#".into()], CancellationToken::new());
    subscribed(&other, &mut heard, "to/other").await;
    let say = async |text: &str, retain: bool, heard: &mut mpsc::Receiver<LinkEvent>| {
        other.publish("to/us", text, retain);
        while any_message(heard).await.1 != text.as_bytes() {}
    };
    // Nobody knows this client yet: it begins clean.
    let (link, mut events) = lasting(&peer, Duration::MAX);
    subscribed(&link, &mut events, "to/us").await;
    link.taken();
    link.close().await;

    say("while away", false, &mut heard).await;
    let (link, mut events) = lasting(&peer, Duration::from_secs(300));
    assert_eq!(next(&link, &mut events, true).await, ("while away".into(), false));
    link.close().await;

    // What was kept for everybody says so, also to one who was away.
    say("kept", true, &mut heard).await;
    let (link, mut events) = lasting(&peer, Duration::from_secs(300));
    let both = [next(&link, &mut events, true).await, next(&link, &mut events, true).await];
    let kept = || ("kept".to_owned(), true);
    assert_eq!(both, [kept(), kept()], "once as it was published, once as it is kept: both are of some time ago");
    link.close().await;
    other.publish("to/us", "", true);

    say("long ago", false, &mut heard).await;
    let (link, mut events) = lasting(&peer, mqtt::AWAY_MAX + Duration::from_secs(1));
    while events.recv().await != Some(LinkEvent::Connected) {}
    say("now", false, &mut heard).await;
    assert_eq!(next(&link, &mut events, true).await, ("now".into(), false));
}

#[tokio::test]
async fn what_was_not_dealt_with_comes_again_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let Some(peer) = peer::mosquitto(folder.path(), "").await else { return };
    let (link, mut events) = lasting(&peer, Duration::MAX);
    subscribed(&link, &mut events, "to/us").await;
    link.taken();
    for text in ["first", "second", "third"] {
        link.publish("to/us", text, false);
    }
    assert_eq!(next(&link, &mut events, true).await.0, "first");
    assert_eq!(next(&link, &mut events, false).await.0, "second");
    // The broker hears of the first before the connection ends without a word.
    tokio::time::sleep(Duration::from_millis(500)).await;
    drop((link, events));

    let (link, mut events) = lasting(&peer, Duration::ZERO);
    assert_eq!(next(&link, &mut events, true).await.0, "second");
    assert_eq!(next(&link, &mut events, true).await.0, "third");
}
