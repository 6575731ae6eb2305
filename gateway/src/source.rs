//! Where the configuration comes from: a file, the environment, and for an app what Home Assistant's Supervisor says. It can be
//! looked at again and again, so that what was corrected acts without a restart.

use crate::addon::supervisor::{self, MqttService};
use crate::config::{self, Loaded, Partial};
use crate::troubles::Troubles;
use drivers::mqtt::Broker;
use std::cell::Cell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

/// What is read where no file is named, the first that is there: the owner's own file in the add-on's folder, the add-on's
/// options, and the file beside which HeatMine was started.
const FILES: [&str; 3] = ["/config/heatmine.toml", "/data/options.json", "heatmine.toml"];
/// How long the Supervisor may take to answer before the page is there.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often it is asked again for the broker.
const ASK: Duration = Duration::from_secs(5);
/// How often the file is looked at while the house runs.
const LOOK: Duration = Duration::from_secs(5);
/// Under these names it is said what is wrong.
const SUPERVISOR: &str = "supervisor";
const CHANGED: &str = "configuration";

/// The configuration's source.
#[derive(Clone, Debug)]
pub struct Source {
    file: Option<PathBuf>,
    broker: Option<MqttService>,
    page: Option<String>,
    open: Open,
    asked: Option<Instant>,
}

/// What the file and the environment leave to the Supervisor, which has not said it yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Open {
    broker: bool,
    page: bool,
}

/// What was found there.
#[derive(Debug)]
pub struct Found {
    /// The configuration, or what can be used of it.
    pub configuration: Result<Loaded, Box<Partial>>,
    /// The same for the same content.
    pub mark: u64,
    open: Open,
}

impl Source {
    /// The file that is named, or the usual ones.
    pub fn new(file: Option<PathBuf>) -> Self {
        Self { file, broker: None, page: None, open: Open::default(), asked: None }
    }

    /// The file that counts just now.
    pub fn file(&self) -> PathBuf {
        let usual = || FILES.into_iter().find(|file| Path::new(file).exists()).unwrap_or("heatmine.toml").into();
        self.file.clone().unwrap_or_else(usual)
    }

    /// Reads it, and asks the Supervisor for a moment for what the file and the environment leave open.
    pub async fn read(&mut self, troubles: &Troubles) -> Found {
        let found = self.look();
        self.open = found.open;
        if supervisor::is_asked() && self.open != Open::default() {
            if timeout(PATIENCE, self.ask(troubles)).await.is_err() {
                troubles.say(SUPERVISOR, no_broker("the Supervisor does not answer"));
            }
            return self.look();
        }
        found
    }

    /// The same again and again; the Supervisor is asked every few seconds.
    pub async fn look_again(&mut self, troubles: &Troubles) -> Found {
        if self.awaits_broker() && self.asked.is_none_or(|at| at.elapsed() >= ASK) {
            self.asked = Some(Instant::now());
            return self.read(troubles).await;
        }
        self.look()
    }

    /// Reads it with what is known of the Supervisor.
    pub fn look(&self) -> Found {
        let file = self.file();
        let open = Cell::new(Open::default());
        let supervised = |name: &str| {
            let known = open.get();
            match name {
                "HEATMINE_HTTP_URL" => {
                    open.set(Open { page: self.page.is_none(), ..known });
                    self.page.clone()
                }
                "HEATMINE_MQTT_HOST" if self.broker.is_none() => {
                    open.set(Open { broker: true, ..known });
                    None
                }
                _ => self.broker.as_ref().and_then(|broker| broker.variable(name)),
            }
        };
        let configuration = config::load_partly(&file, |name| config::of_machine(name).or_else(|| supervised(name)));
        let mut mark = DefaultHasher::new();
        (&file, std::fs::read(&file).ok()).hash(&mut mark);
        let said = match &configuration {
            Ok(loaded) => format!("{:?}", loaded.broker),
            Err(partial) => format!("{:?} {}", partial.known.broker, partial.errors),
        };
        said.hash(&mut mark);
        Found { configuration, mark: mark.finish(), open: open.get() }
    }

    /// Asks the Supervisor for what is not known, and says where it does not help.
    async fn ask(&mut self, troubles: &Troubles) {
        if self.open.page && self.page.is_none() {
            self.page = supervisor::page().await;
        }
        if !self.open.broker {
            return;
        }
        let why = match supervisor::broker().await {
            Ok(Some(service)) => {
                self.broker = Some(service);
                troubles.over(SUPERVISOR);
                return;
            }
            Ok(None) => "the Supervisor knows no MQTT broker; install and start the Mosquitto broker app".to_owned(),
            Err(error) => format!("the Supervisor cannot be asked for the MQTT broker: {error:#}"),
        };
        if troubles.say(SUPERVISOR, no_broker(&why)) {
            tracing::warn!("{}", no_broker(&why));
        }
    }

    /// Whether the broker may still come from the Supervisor.
    pub fn awaits_broker(&self) -> bool {
        supervisor::is_asked() && self.open.broker && self.broker.is_none()
    }

    /// Asks again and again until the broker is known.
    pub async fn find_broker(&mut self, troubles: &Troubles) -> Broker {
        loop {
            sleep(ASK).await;
            self.ask(troubles).await;
            if let Some(MqttService { host, port, username, password, ssl }) = self.broker.clone() {
                return Broker { host, port: Some(port), username, password, tls: ssl };
            }
        }
    }

    /// Beside a house that runs on `mark`: says where the file is another one by now, and hands on the broker once it is known.
    /// Ends never.
    pub async fn watch(mut self, mark: u64, found: watch::Sender<Option<Broker>>, troubles: Troubles) {
        let looked = self.clone();
        let changes = async {
            loop {
                sleep(LOOK).await;
                let now = looked.look();
                if now.mark == mark {
                    troubles.over(CHANGED);
                    continue;
                }
                let file = looked.file();
                let words = match now.configuration {
                    Ok(_) => format!("{} has changed; what it says takes effect at the next start", file.display()),
                    Err(partial) => format!("{} has changed and is wrong: {}", file.display(), first(&partial)),
                };
                if troubles.say(CHANGED, &*words) {
                    tracing::warn!("{words}");
                }
            }
        };
        let broker = async {
            if self.awaits_broker() && found.receiver_count() > 0 {
                let broker = self.find_broker(&troubles).await;
                found.send_replace(Some(broker));
            }
            std::future::pending::<()>().await;
        };
        tokio::join!(changes, broker);
    }
}

fn no_broker(why: &str) -> String {
    format!("Home Assistant does not see HeatMine: {why}")
}

fn first(partial: &Partial) -> String {
    partial.errors.errors.first().map(ToString::to_string).unwrap_or_default()
}
