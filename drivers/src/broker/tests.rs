//! The broker against clients of other makers: mosquitto's command-line clients, and ours.

use super::*;
use crate::mqtt::{self, LinkEvent, Will};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(20);

fn broker() -> Running {
    start("127.0.0.1:0".parse().unwrap()).unwrap()
}

fn link(
    broker: &Running,
    id: &str,
    will: Option<Will>,
    topics: &[&str],
    shutdown: &CancellationToken,
) -> (mqtt::Link, mpsc::Receiver<LinkEvent>) {
    let address = mqtt::Broker {
        host: broker.address.ip().to_string(),
        port: Some(broker.address.port()),
        ..mqtt::Broker::default()
    };
    mqtt::connect(address, id, will, topics.iter().map(|topic| (*topic).to_owned()).collect(), shutdown.clone())
}

async fn message(events: &mut mpsc::Receiver<LinkEvent>) -> (String, String, bool) {
    loop {
        match timeout(SOON, events.recv()).await.expect("a message in time").expect("the link lives") {
            LinkEvent::Message { topic, payload, retain } => {
                return (topic, String::from_utf8(payload).unwrap(), retain);
            }
            LinkEvent::Connected | LinkEvent::Disconnected { .. } => {}
        }
    }
}

async fn connected(events: &mut mpsc::Receiver<LinkEvent>) {
    assert_eq!(timeout(SOON, events.recv()).await.unwrap(), Some(LinkEvent::Connected));
}

#[tokio::test]
async fn retained_messages_meet_late_subscribers_and_can_be_deleted() {
    let (broker, shutdown) = (broker(), CancellationToken::new());
    let (link_a, mut a) = link(&broker, "a", None, &["house/#"], &shutdown);
    connected(&mut a).await;
    link_a.publish("house/one", "1", true);
    link_a.publish("house/two", "2", true);
    link_a.publish("house/passing", "x", false);
    for expected in ["house/one", "house/two", "house/passing"] {
        let (topic, _, retain) = message(&mut a).await;
        assert_eq!((topic.as_str(), retain), (expected, false));
    }
    let (_link_b, mut b) = link(&broker, "b", None, &["house/+"], &shutdown);
    assert_eq!(message(&mut b).await, ("house/one".into(), "1".into(), true));
    assert_eq!(message(&mut b).await, ("house/two".into(), "2".into(), true));
    link_a.publish("house/one", "", true);
    assert_eq!(message(&mut b).await, ("house/one".into(), String::new(), false));
    let (_link_c, mut c) = link(&broker, "c", None, &["#"], &shutdown);
    assert_eq!(message(&mut c).await.0, "house/two");
    shutdown.cancel();
    broker.stop();
}

#[tokio::test]
async fn a_successor_of_the_same_name_outlives_its_predecessors_will() {
    let (broker, shutdown) = (broker(), CancellationToken::new());
    let (_watch, mut events) = link(&broker, "watch", None, &["box/online"], &shutdown);
    connected(&mut events).await;
    // The first connection is raw, so that it stays open, silent, while the second takes its name.
    let mut raw = TcpStream::connect(broker.address).unwrap();
    raw.write_all(b"\x10\x20\x00\x04MQTT\x04\x26\x00\x3c\x00\x03box\x00\x0abox/online\x00\x03off").unwrap();
    let mut ack = [0u8; 4];
    raw.read_exact(&mut ack).unwrap();
    assert_eq!(ack, [0x20, 2, 0, 0]);
    let (successor, mut s) = link(&broker, "box", None, &[], &shutdown);
    connected(&mut s).await;
    successor.publish("box/online", "on", true);
    assert_eq!(message(&mut events).await.1, "off");
    assert_eq!(message(&mut events).await.1, "on");
    let (_late, mut late) = link(&broker, "late", None, &["box/online"], &shutdown);
    assert_eq!(message(&mut late).await, ("box/online".into(), "on".into(), true));
    shutdown.cancel();
    broker.stop();
}

#[test]
fn a_port_in_use_is_named() {
    let first = broker();
    let error = start(first.address).unwrap_err().to_string();
    assert!(error.contains(&first.address.to_string()) && error.contains("in use"), "{error}");
    first.stop();
}

#[tokio::test]
async fn garbage_ends_its_connection_and_nothing_else() {
    let (broker, shutdown) = (broker(), CancellationToken::new());
    let (sender, mut events) = link(&broker, "steady", None, &["#", "ä/#"], &shutdown);
    connected(&mut events).await;
    let connect = b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01z";
    let attacks: [&[u8]; 6] = [
        b"GET / HTTP/1.1\r\nHost: a-house-that-speaks-mqtt-and-nothing-else.example\r\nAccept: */*\r\n\r\n",
        b"\x10\x0d\x00\x04MQTT\x05\x02\x00\x3c\x00\x01z",
        b"\x30\x05\x00\x03a/b",
        b"\x30\x05\x00\x03a/#",
        b"\x30\x06\x00\x02\xff\xfexx",
        b"\x30\xff\xff\xff\xff\x7f",
    ];
    for (index, attack) in attacks.into_iter().enumerate() {
        let mut stream = TcpStream::connect(broker.address).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        if index >= 3 {
            stream.write_all(connect).unwrap();
        }
        stream.write_all(attack).unwrap();
        let mut rest = Vec::new();
        // Closed by the broker: end of file or reset, never a time-out.
        if let Err(error) = stream.read_to_end(&mut rest) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "attack {index}");
        }
    }
    sender.publish("ä", "multi-byte first letter", false);
    assert_eq!(message(&mut events).await.0, "ä");
    shutdown.cancel();
    broker.stop();
}

fn mosquitto(program: &str, broker: &Running, arguments: &[&str]) -> Option<Child> {
    let port = broker.address.port().to_string();
    Command::new(program)
        .args(["-h", "127.0.0.1", "-p", &port])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| eprintln!("SKIPPED: {program} does not start ({error}); install mosquitto-clients"))
        .ok()
}

fn printed(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn mosquittos_clients_publish_subscribe_and_leave_wills() {
    let (broker, shutdown) = (broker(), CancellationToken::new());
    let (_watch, mut events) = link(&broker, "watch", None, &["m/#"], &shutdown);
    connected(&mut events).await;
    for qos in ["0", "1", "2"] {
        let Some(child) = mosquitto("mosquitto_pub", &broker, &["-t", "m/q", "-m", qos, "-q", qos, "-r"]) else {
            return;
        };
        printed(child);
        assert_eq!(message(&mut events).await.1, qos);
    }
    for qos in ["0", "1", "2"] {
        let arguments = ["-t", "m/+", "-q", qos, "-C", "1", "-W", "20", "-F", "%r %t %p"];
        let Some(child) = mosquitto("mosquitto_sub", &broker, &arguments) else { return };
        assert_eq!(printed(child).trim(), "1 m/q 2");
    }
    let arguments = ["-t", "x", "--will-topic", "m/gone", "--will-payload", "dead", "--will-retain", "-k", "5"];
    let Some(mut doomed) = mosquitto("mosquitto_sub", &broker, &arguments) else { return };
    // Without leave: the process is killed once its connection stands, which its own subscription shows.
    let (prober, _probe) = link(&broker, "probe", None, &[], &shutdown);
    let mut out = doomed.stdout.take().unwrap();
    let reader = std::thread::spawn(move || out.read_exact(&mut [0u8; 1]));
    while !reader.is_finished() {
        prober.publish("x", "ping", false);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    doomed.kill().unwrap();
    doomed.wait().unwrap();
    assert_eq!(message(&mut events).await, ("m/gone".into(), "dead".into(), false));
    shutdown.cancel();
    broker.stop();
}
