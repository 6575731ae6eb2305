//! The simulated devices on the wire, read by clients of other makers.

mod definitions;

use super::*;
use crate::broker;
use crate::mqtt::LinkEvent;
use chrono::{DateTime, TimeDelta};
use std::process::Command;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_modbus::client::{Context, tcp};
use tokio_modbus::prelude::{Reader, Slave, SlaveContext, Writer};

const SOON: Duration = Duration::from_secs(20);
/// 10 April 2026, 11:30 UTC: a sunny spring noon.
const NOON: i64 = 1_775_820_600;

struct Stage {
    house: Running,
    broker: broker::Running,
    address: mqtt::Broker,
    time: Arc<AtomicI64>,
    compute: watch::Sender<Watts>,
    shutdown: CancellationToken,
}

async fn stage() -> Stage {
    let broker = broker::start("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = mqtt::Broker {
        host: broker.address.ip().to_string(),
        port: Some(broker.address.port()),
        ..mqtt::Broker::default()
    };
    let time = Arc::new(AtomicI64::new(NOON));
    let shown = time.clone();
    let clock: Clock = Arc::new(move || DateTime::from_timestamp(shown.load(Ordering::Relaxed), 0).unwrap());
    let (compute, watts) = watch::channel(Watts::ZERO);
    let shutdown = CancellationToken::new();
    let mut config = SimConfig::new(clock, 1.0, address.clone(), watts, 2);
    // What is read is compared with the truth.
    config.latency = Latency::NONE;
    let house = start(config, shutdown.clone()).await.unwrap();
    Stage { house, broker, address, time, compute, shutdown }
}

impl Stage {
    /// Lets house time pass and waits until the house has followed.
    async fn pass(&self, seconds: i64) {
        let now = self.time.fetch_add(seconds, Ordering::Relaxed) + seconds;
        self.until(|world| world.at.timestamp() >= now).await;
    }

    async fn until(&self, met: impl Fn(&World) -> bool) {
        timeout(SOON, async {
            while !met(&self.house.truth()) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await
        .expect("the house follows in time");
    }

    fn link(&self, id: &str, topics: &[&str]) -> (mqtt::Link, mpsc::Receiver<LinkEvent>) {
        let topics = topics.iter().map(|topic| (*topic).to_owned()).collect();
        mqtt::connect(self.address.clone(), id, None, topics, self.shutdown.clone())
    }

    async fn end(self) {
        self.shutdown.cancel();
        timeout(SOON, self.house.stopped()).await.expect("the house ends in time");
        self.broker.stop();
    }
}

async fn client(address: SocketAddr, unit: u8) -> Context {
    timeout(SOON, tcp::connect_slave(address, Slave(unit))).await.unwrap().unwrap()
}

async fn read(client: &mut Context, address: u16, count: u16) -> Vec<u16> {
    timeout(SOON, client.read_holding_registers(address, count)).await.unwrap().unwrap().unwrap()
}

/// The address of a model's first point.
async fn model(client: &mut Context, wanted: u16) -> u16 {
    let mut at = 40_002;
    loop {
        let head = read(client, at, 2).await;
        assert_ne!(head[0], 0xFFFF, "model {wanted} is not in the chain");
        if head[0] == wanted {
            return at + 2;
        }
        at += head[1] + 2;
    }
}

async fn message(events: &mut mpsc::Receiver<LinkEvent>, topic: &str) -> (String, bool) {
    loop {
        match timeout(SOON, events.recv()).await.expect("a message in time").expect("the link lives") {
            LinkEvent::Message { topic: on, payload, retain } if on == topic => {
                return (String::from_utf8(payload).unwrap(), retain);
            }
            LinkEvent::Message { .. } | LinkEvent::Connected | LinkEvent::Disconnected { .. } => {}
        }
    }
}

#[tokio::test]
async fn the_wire_shows_the_truth_and_takes_settings() {
    let stage = stage().await;
    let (mut inverter, mut meter) = (client(stage.house.inverter, 1).await, client(stage.house.inverter, 200).await);
    stage.pass(60).await;
    let truth = stage.house.truth();
    let w = model(&mut meter, 203).await + 16;
    assert_eq!(read(&mut meter, w, 1).await[0] as i16, truth.flows.grid.0.round() as i16);
    let modules = model(&mut inverter, 160).await + 8;
    let watts = |image: &[u16], module: usize| f64::from(image[module * 20 + 11]) / 10.0;
    let image = read(&mut inverter, modules, 80).await;
    assert!((watts(&image, 0) + watts(&image, 1) - truth.flows.pv.0).abs() < 0.2);
    assert!((watts(&image, 3) - watts(&image, 2) - truth.flows.battery.0).abs() < 0.2);

    let storage = model(&mut inverter, 124).await;
    inverter.write_multiple_registers(storage + 10, &[(-4_000i16) as u16, 4_000]).await.unwrap().unwrap();
    inverter.write_single_register(storage + 15, 1).await.unwrap().unwrap();
    inverter.write_single_register(storage + 3, 3).await.unwrap().unwrap();
    stage.pass(10).await;
    assert_eq!(stage.house.truth().flows.battery, Watts(-2_000.0));
    assert_eq!(read(&mut inverter, storage + 9, 1).await, [4]);

    let mut pump = client(stage.house.heat_pump, 1).await;
    assert!(pump.write_single_register(102, 2_500).await.unwrap().is_err());
    pump.write_multiple_registers(102, &[2_500]).await.unwrap().unwrap();
    stage.until(|world| world.offered() == Watts(2_500.0)).await;
    let room = f64::from(read(&mut pump, 5004, 1).await[0]) / 10.0;
    assert!((room - stage.house.truth().state.room.0).abs() <= 0.06);
    // A block with a hole, a unit that is not there, a function it does not know.
    assert!(pump.read_holding_registers(1012, 20).await.unwrap().is_err());
    assert!(pump.read_input_registers(1012, 1).await.unwrap().is_err());
    pump.set_slave(Slave(7));
    assert!(pump.read_holding_registers(1012, 1).await.unwrap().is_err());
    stage.end().await;
}

#[tokio::test]
async fn faults_come_and_go() {
    let stage = stage().await;
    let faults = stage.house.faults();
    let mut meter = client(stage.house.inverter, 200).await;
    let w = model(&mut meter, 203).await + 16;

    faults.set(Device::Meter, Fault::Nan);
    assert_eq!(read(&mut meter, w, 1).await, [0x8000]);
    faults.set(Device::Meter, Fault::Frozen);
    let before = read(&mut meter, w, 1).await;
    stage.pass(3_600).await;
    assert_eq!(read(&mut meter, w, 1).await, before);
    faults.set(Device::Meter, Fault::Silent);
    assert!(timeout(Duration::from_millis(300), meter.read_holding_registers(w, 1)).await.is_err());
    faults.set(Device::Meter, Fault::None);
    let mut inverter = client(stage.house.inverter, 1).await;
    faults.set(Device::Inverter, Fault::Refused);
    // The open connection is cut, and no new one is accepted.
    assert!(timeout(SOON, inverter.read_holding_registers(40_000, 2)).await.unwrap().is_err());
    timeout(SOON, async {
        while tcp::connect_slave(stage.house.inverter, Slave(1)).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("the port closes");
    faults.set(Device::Inverter, Fault::None);
    let mut back = timeout(SOON, async {
        loop {
            match tcp::connect_slave(stage.house.inverter, Slave(1)).await {
                Ok(client) => return client,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    })
    .await
    .expect("the port opens again");
    assert_eq!(read(&mut back, 40_000, 2).await, [0x5375, 0x6E53]);
    stage.end().await;
}

#[tokio::test]
async fn the_plug_and_the_prices_speak_over_mqtt() {
    let stage = stage().await;
    let status = format!("{PREFIX}/status/switch:0");
    let online = format!("{PREFIX}/online");
    let (link, mut events) = stage.link("watch", &[&status, &online, SPOT]);
    assert_eq!(message(&mut events, &online).await.0, "true");
    stage.compute.send_replace(Watts(432.1));
    stage.pass(30).await;
    let seen = loop {
        let seen: serde_json::Value = serde_json::from_str(&message(&mut events, &status).await.0).unwrap();
        if seen["apower"] == 432.1 {
            break seen;
        }
    };
    assert_eq!(seen["output"], true);
    assert!(seen["aenergy"]["total"].as_f64().unwrap() > 311_700.0);

    link.publish(format!("{PREFIX}/command/switch:0"), "off", false);
    stage.until(|world| !world.controls.plug_on).await;
    stage.pass(30).await;
    assert_eq!(stage.house.truth().flows.compute, Watts::ZERO);
    link.publish(format!("{PREFIX}/command/switch:0"), "nonsense \u{0}", false);
    link.publish(format!("{PREFIX}/command/switch:0"), "on", false);
    stage.until(|world| world.controls.plug_on).await;

    stage.house.faults().set(Device::Plug, Fault::Nan);
    while !message(&mut events, &status).await.0.contains("\"apower\":null") {}
    stage.house.faults().set(Device::Plug, Fault::Refused);
    while message(&mut events, &online).await.0 != "false" {}
    stage.house.faults().set(Device::Plug, Fault::None);
    while message(&mut events, &online).await.0 != "true" {}

    let (_late, mut late) = stage.link("late", &[SPOT]);
    let (prices, retain) = message(&mut late, SPOT).await;
    let prices: serde_json::Value = serde_json::from_str(&prices).unwrap();
    let slots = prices["slots"].as_array().unwrap();
    // 13:30 in Vienna: today and tomorrow, from local midnight on.
    assert_eq!((retain, slots.len(), slots[0]["start"].as_str()), (true, 192, Some("2026-04-09T22:00:00Z")));
    assert!(slots.iter().any(|slot| slot["eur_per_kwh"].as_f64().unwrap() < 0.0));
    stage.pass(39_600).await;
    let (renewed, _) = message(&mut late, SPOT).await;
    let renewed: serde_json::Value = serde_json::from_str(&renewed).unwrap();
    assert_eq!(renewed["slots"].as_array().unwrap().len(), 96, "past midnight only the new day is known");
    stage.end().await;
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let stage = stage().await;
    let (_, watts) = watch::channel(Watts::ZERO);
    let clock: Clock = Arc::new(|| DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
    let mut config = SimConfig::new(clock, 1.0, stage.address.clone(), watts, 1);
    config.heat_pump = stage.house.heat_pump;
    let error = start(config, CancellationToken::new()).await.unwrap_err().to_string();
    assert!(error.contains("heat pump") && error.contains(&stage.house.heat_pump.to_string()), "{error}");
    stage.end().await;
}

/// Runs a peer and gives what it printed; `None`, loudly, where it is not installed.
async fn peer(program: &str, arguments: &[&str], what: &str) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    match output {
        Ok(output) if output.status.success() => Some(String::from_utf8(output.stdout).unwrap()),
        Ok(output) if output.status.code() == Some(77) => {
            eprintln!("SKIPPED: {what} is not installed");
            None
        }
        Ok(output) => panic!("{what}: {}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => {
            eprintln!("SKIPPED: {what} does not start ({error})");
            None
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mbpoll_reads_and_writes() {
    let stage = stage().await;
    let (inverter, pump) = (stage.house.inverter.port().to_string(), stage.house.heat_pump.port().to_string());
    let common = ["-m", "tcp", "-0", "-1", "-t", "4", "-p"];
    let run = async |port: &str, rest: &[&str]| {
        let arguments: Vec<&str> = common.iter().copied().chain([port]).chain(rest.iter().copied()).collect();
        peer("mbpoll", &arguments, "mbpoll").await
    };
    let Some(head) = run(&inverter, &["-a", "200", "-r", "40000", "-c", "4", "127.0.0.1"]).await else {
        return stage.end().await;
    };
    for register in ["[40000]: \t21365", "[40001]: \t28243", "[40002]: \t1", "[40003]: \t65"] {
        assert!(head.contains(register), "{head}");
    }
    let mut client = client(stage.house.inverter, 1).await;
    let rates = (model(&mut client, 124).await + 10).to_string();
    // Two values are written with function 16, one with function 6, which the heat pump does not know.
    run(&inverter, &["-a", "1", "-r", &rates, "127.0.0.1", "2500", "5000"]).await.unwrap();
    let storage = stage.house.truth().controls.storage;
    assert_eq!((storage.discharge_pct, storage.charge_pct), (25.0, 50.0));
    let back = run(&inverter, &["-a", "1", "-r", &rates, "-c", "2", "127.0.0.1"]).await.unwrap();
    assert!(back.contains(&format!("[{rates}]: \t2500")), "{back}");
    let refused = Command::new("mbpoll").args(common).args([&pump, "-r", "102", "127.0.0.1", "1800"]).output().unwrap();
    assert!(!refused.status.success());
    assert_eq!(stage.house.truth().controls.surplus, None);
    stage.end().await;
}

/// The reference client of the SunSpec Alliance, which knows the models from their official descriptions.
const PYSUNSPEC: &str = r#"
import json, sys
try:
    import sunspec2.modbus.client as client
except ImportError:
    sys.exit(77)
out = {}
for unit in (1, 200):
    device = client.SunSpecModbusClientDeviceTCP(slave_id=unit, ipaddr="127.0.0.1", ipport=int(sys.argv[1]))
    device.scan()
    out[unit] = {}
    for key, models in device.models.items():
        if isinstance(key, int):
            out[unit][key] = {name: point.cvalue for name, point in models[0].points.items()}
            for group, members in models[0].groups.items():
                out[unit][key][group] = [{n: p.cvalue for n, p in m.points.items()} for m in members]
    device.close()
print(json.dumps(out))
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reference_sunspec_client_finds_every_model_and_value() {
    let stage = stage().await;
    stage.pass(60).await;
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/../.cache/peers/bin/python");
    let port = stage.house.inverter.port().to_string();
    let what = "pysunspec2 (in .cache/peers; ./run setup installs it)";
    let Some(seen) = peer(python, &["-c", PYSUNSPEC, &port], what).await else {
        return stage.end().await;
    };
    let seen: serde_json::Value = serde_json::from_str(&seen).unwrap();
    let truth = stage.house.truth();
    let models = |unit: &str| seen[unit].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(models("1"), ["1", "103", "120", "123", "160", "124"]);
    assert_eq!(models("200"), ["1", "203"]);
    let near = |path: &str, expected: f64, tolerance: f64| {
        let value = seen.pointer(path).and_then(serde_json::Value::as_f64);
        assert!(value.is_some_and(|value| (value - expected).abs() <= tolerance), "{path}: {value:?}, not {expected}");
    };
    let (flows, counters) = (&truth.flows, &truth.state.counters);
    near("/1/103/W", (flows.pv + flows.battery).0, 0.5);
    near("/1/103/WH", counters.inverter.0 * 1e3, 0.6);
    near("/1/103/St", 4.0, 0.0);
    near("/1/103/PhVphB", 231.0, 0.01);
    near("/1/120/WRtg", 10_000.0, 0.0);
    near("/1/120/WHRtg", 10_000.0, 0.0);
    near("/1/120/MaxDisChaRte", 5_000.0, 0.0);
    near("/1/123/WMaxLimPct", 100.0, 0.0);
    near("/1/123/WMaxLim_Ena", 0.0, 0.0);
    near("/1/124/WChaMax", 5_000.0, 0.0);
    near("/1/124/ChaState", truth.state.stored.0 * 10.0, 0.01);
    near("/1/124/MinRsvPct", 5.0, 0.0);
    near("/1/124/OutWRte", 100.0, 0.0);
    near("/1/124/ChaSt", 4.0, 0.0);
    near("/1/160/N", 4.0, 0.0);
    let [first, second] = house::strings(flows.pv);
    near("/1/160/module/0/DCW", first.0, 0.06);
    near("/1/160/module/1/DCW", second.0, 0.06);
    near("/1/160/module/2/DCW", -flows.battery.0, 0.06);
    near("/1/160/module/3/DCW", 0.0, 0.0);
    near("/1/160/module/2/DCWH", counters.charged.0 * 1e3, 0.6);
    near("/200/203/W", flows.grid.0, 0.5);
    near("/200/203/TotWhImp", counters.import.0 * 1e3, 0.6);
    near("/200/203/TotWhExp", counters.export.0 * 1e3, 0.6);
    near("/200/203/Hz", 50.01, 1e-9);
    assert_eq!(seen.pointer("/1/160/module/3/IDStr").unwrap(), "StDisCha 4");
    assert_eq!(seen.pointer("/1/1/Md").unwrap(), "Symo GEN24 10.0 Plus");
    stage.end().await;
}
