//! A configuration that is not right: what an earlier run left set is given back all the same, the page says what is wrong, nothing
//! else is written, and the house can start once that is corrected.
//!
//! The inverter and the heat pump are the simulated house's over real Modbus.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests stop at the first surprise")]

use drivers::address::Address;
use drivers::modbus::{At, Endpoint, Timing};
use drivers::{broker, sim};
use gateway::config::{self, Partial};
use gateway::live::{self, Shell};
use gateway::source::{Found, Source};
use gateway::store::{DebtBook, Disk, Ledger, StateStore};
use plant::decision::Control;
use plant::entry::{Booking, Head, SlotAccount};
use plant::ledger;
use plant::point::DeviceId;
use plant::time::Slot;
use plant::units::Watts;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Anything on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);
/// Where the inverter's storage control is switched: `StorCtl_Mod` in its model 124; 2 keeps the battery from discharging.
const STORAGE: At = At { unit: 1, fc: 16, start: 40_270 };

struct House {
    sim: sim::Running,
    broker: broker::Running,
    folder: tempfile::TempDir,
    page: SocketAddr,
    stop: CancellationToken,
}

impl House {
    /// A house whose battery an earlier run left on hold, with that debt on the disk.
    async fn left_on_hold() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let broker = broker::start("127.0.0.1:0".parse().unwrap()).unwrap();
        let (host, port) = ("127.0.0.1".to_owned(), Some(broker.address.port()));
        let reached = drivers::mqtt::Broker { host, port, ..drivers::mqtt::Broker::default() };
        let now = "2026-04-14T20:00:00Z".parse().unwrap();
        let draw = watch::Sender::new(Watts::ZERO);
        let config = sim::SimConfig::new(Arc::new(move || now), 1.0, reached, draw.subscribe(), 7);
        let stop = CancellationToken::new();
        let sim = sim::start(config, stop.clone()).await.unwrap();
        let page = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let house = Self { sim, broker, folder, page, stop };

        let data = house.folder.path().join("data");
        std::fs::create_dir_all(&data).unwrap();
        let disk = Disk::Folder(data);
        StateStore::open(&disk).unwrap();
        let mut debts = DebtBook::open(&disk);
        debts.book.take_over(vec![(DeviceId("inverter".into()), Control::BatteryMode)]);
        debts.file.write(&debts.book).unwrap();
        let address: Address = format!("tcp://{}", house.sim.inverter).parse().unwrap();
        Endpoint::open(&address).write(STORAGE, vec![2], &Timing::default()).await.unwrap();
        assert!(house.holds());
        house
    }

    fn holds(&self) -> bool {
        self.sim.truth().controls.storage.limit_discharge
    }

    /// Writes the configuration with these lines among it, and another device.
    fn write(&self, lines: &str, device: &str) -> PathBuf {
        let file = self.folder.path().join("heatmine.toml");
        let text = format!(
            "[data]\ndir = \"data\"\n[http]\nlisten = \"{}\"\n[home_assistant]\nenabled = false\n{lines}\n[compute]\nmax_w = 900\n\
             [[device]]\nname = \"inverter\"\ntype = \"fronius-gen24\"\naddress = \"tcp://{}\"\ncontrols = [\"battery.mode\"]\n{device}",
            self.page, self.sim.inverter
        );
        std::fs::write(&file, text).unwrap();
        file
    }

    async fn end(self) {
        self.stop.cancel();
        timeout(PATIENCE, self.sim.stopped()).await.expect("the house ends");
        self.broker.stop();
    }
}

const BATTERY: &str = "[battery]\ncapacity_kwh = 10\ncharge_max_w = 5000\ndischarge_max_w = 5000";

fn partial(file: &Path) -> Partial {
    *config::load_partly(file, |_| None).map(|_| ()).expect_err("it is wrong")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_configuration_is_refused_only_after_the_debts_of_what_is_right_in_it() {
    // What is wrong: the whole, another section, the section of the control alone, a line that is no TOML.
    for wrong in [BATTERY, "[grid]\nimport_limit_w = \"much\"", "", "[grid]\nimport_limit_w = "] {
        let house = House::left_on_hold().await;
        let file =
            house.write(wrong, "[[device]]\nname = \"other\"\ntype = \"froniuss\"\naddress = \"tcp://127.0.0.1:1\"\n");
        let partial = partial(&file);
        timeout(PATIENCE, live::give_back(&partial.known, &CancellationToken::new())).await.expect("it is bounded");
        assert!(!house.holds(), "{wrong}: {}", partial.errors);
        let debts = DebtBook::open(&Disk::Folder(house.folder.path().join("data")));
        assert_eq!((debts.missing, debts.book.debts), (false, Vec::new()), "{wrong}");
        house.end().await;
    }
}

#[tokio::test]
async fn a_device_whose_own_section_is_wrong_is_not_addressed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("heatmine.toml");
    let device = "name = \"inverter\"\ntype = \"fronius-gen24\"\naddress = \"tcp://127.0.0.1:1\"\n";
    // The lines of a section, and whether the device is surely the one that is meant.
    let rows = [
        (device.to_owned(), true),
        (format!("{device}controls = [\"pv.limits\"]\n"), true),
        (format!("{device}max_age_s = 0.1\n"), true),
        (format!("{device}points = [\"room.temperature\"]\n"), true),
        (format!("{device}unit = 300\n"), false),
        (format!("{device}uint = 3\n"), false),
        (format!("{device}unit = \n"), false),
        (format!("{device}parameters = {{ meter = \"3\" }}\n"), false),
        (format!("{device}[[device]]\n{device}"), false),
        (device.replace("gen24", "gen25"), false),
        (device.replace("name = \"inverter\"", "name = \"In Verter\""), false),
    ];
    for (lines, addressed) in rows {
        std::fs::write(&file, format!("[compute]\nmax_w = \"much\"\n[[device]]\n{lines}")).unwrap();
        let known = partial(&file).known;
        assert_eq!(known.devices.len(), usize::from(addressed), "{lines}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_setup_the_page_says_what_is_wrong_and_a_corrected_file_starts_the_house() {
    let house = House::left_on_hold().await;
    let other = "[[device]]\nname = \"other\"\ntype = \"froniuss\"\naddress = \"tcp://127.0.0.1:1\"\n";
    let file = house.write("[grid]\nimport_limit_w = \"much\"", other);
    let said = partial(&file).errors;
    assert_eq!(said.errors.len(), 3, "{said}");
    let (shutdown, shell) = (CancellationToken::new(), Shell::default());
    let ends = shutdown.clone();
    let setup = tokio::spawn(async move {
        let mut source = Source::new(Some(file));
        let found = source.read(&shell.troubles).await;
        live::setup(&mut source, found, &shell, false, &ends).await
    });

    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let page = async |path: &str| {
        let answer = client.get(format!("http://{}{path}", house.page)).send().await.ok()?;
        answer.text().await.ok()
    };
    let findings = async || {
        let body: Value = serde_json::from_str(&page("/api/v1/setup").await?).ok()?;
        Some((body["findings"].as_array()?.clone(), body["notes"].as_array()?.clone()))
    };
    let waited = timeout(PATIENCE, async {
        loop {
            // The same words as `check` has, and the debt until it is carried out.
            if let Some((found, notes)) = findings().await
                && found.len() == 3
                && notes.is_empty()
                && !house.holds()
            {
                return found;
            }
            sleep(Duration::from_millis(100)).await;
        }
    });
    let found = waited.await.expect("the findings, and the battery under its own control");
    for (found, said) in found.iter().zip(&said.errors) {
        assert_eq!(found["sentence"], said.to_string());
    }
    let html = page("/").await.unwrap();
    assert!(html.contains("froniuss") && html.contains("grid.import_limit_w"), "{html}");

    // One mistake less: the page shows the rest by itself.
    house.write("[grid]\nimport_limit_w = 17250", other);
    timeout(PATIENCE, async {
        while findings().await.is_none_or(|(found, _)| found.len() != 2) {
            sleep(Duration::from_millis(100)).await;
        }
    })
    .await
    .expect("the mistakes that are left");
    assert!(!setup.is_finished());

    house.write(BATTERY, "");
    let started = timeout(PATIENCE, setup).await.expect("it goes on by itself").unwrap().unwrap();
    let Some(Found { configuration: Ok(loaded), .. }) = started else { panic!("{started:?}") };
    assert_eq!(loaded.devices.len(), 1);
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn setup_ends_when_it_is_asked_to() {
    let house = House::left_on_hold().await;
    let file = house.write("", "");
    let (shutdown, shell) = (CancellationToken::new(), Shell::default());
    let mut source = Source::new(Some(file));
    let found = source.read(&shell.troubles).await;
    shutdown.cancel();
    let ended = timeout(PATIENCE, live::setup(&mut source, found, &shell, false, &shutdown)).await;
    assert!(ended.expect("it ends").unwrap().is_none());
    assert!(!house.holds(), "not without giving back");
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_before_the_books_end_is_waited_for_and_nothing_is_left_set_meanwhile() {
    let house = House::left_on_hold().await;
    let file = house.write(BATTERY, "");
    let data = house.folder.path().join("data");
    let newest = "2099-01-01T00:00:00Z".parse().unwrap();
    let entry = ledger::seal(&Head::default(), newest, &Booking::Slot(Box::new(SlotAccount::new(Slot(1)))));
    Ledger::open(&Disk::Folder(data.clone())).unwrap().append(&entry).unwrap();

    let (shutdown, shell) = (CancellationToken::new(), Shell::default());
    let ends = shutdown.clone();
    let setup = tokio::spawn(async move {
        let mut source = Source::new(Some(file));
        let found = source.read(&shell.troubles).await;
        live::setup(&mut source, found, &shell, false, &ends).await
    });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let page = async |path: &str| {
        let answer = client.get(format!("http://{}{path}", house.page)).send().await.ok()?;
        answer.text().await.ok()
    };
    timeout(PATIENCE, async {
        loop {
            let said = page("/api/v1/setup").await.unwrap_or_default();
            if said.contains("but the books go on to 2099-01-01 00:00 UTC") && !house.holds() {
                break;
            }
            sleep(Duration::from_millis(100)).await;
        }
    })
    .await
    .expect("the doubt, and the battery under its own control");
    assert!(page("/").await.unwrap().contains("The configuration is in order"));
    assert!(!setup.is_finished());

    // With the books of another house in their place the time is right.
    std::fs::remove_file(data.join("ledger.db")).unwrap();
    let started = timeout(PATIENCE, setup).await.expect("it goes on by itself").unwrap().unwrap();
    assert!(matches!(started, Some(Found { configuration: Ok(_), .. })), "{started:?}");
    house.end().await;
}
