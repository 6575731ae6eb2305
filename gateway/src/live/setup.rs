//! The house before its configuration is right, or the machine's clock. The page is there and says what is missing or wrong; what an
//! earlier run left set is given back; nothing is decided, nothing else is written to any device, and the engine is not started. The
//! configuration is looked at every two seconds: once it is right, and has been the same for two looks, the house starts, unless the time cannot be:
//! then it waits until that is confirmed ([`Clock::doubt_at_start`]), so that no day is turned and nothing is booked by it.
//!
//! ```text
//!   wrong --looked at--> wrong, otherwise --> a new round --> ..
//!                    +-> right, twice the same --> the time is believed --> the house starts
//!                                              +-> it is not --> a new round, which waits for the time
//! ```

use super::debts::Debts;
use super::page;
use super::wires::Wires;
use super::{Shell, given_back, restart::Restart};
use crate::clock::Clock;
use crate::config::{ConfigErrors, Known, Loaded, Partial};
use crate::http::setup::{self as setup_page, Findings};
use crate::publish::home_assistant::setup as setup_entity;
use crate::source::{Found, Source};
use crate::store::Disk;
use anyhow::Result;
use drivers::pace::Pace;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How often the configuration is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Waits for a configuration that is right; `None` where `shutdown` comes first. `banner` says whether somebody reads the terminal.
///
/// # Errors
/// The page's port cannot be had, another HeatMine works on the same data, or a device was not given back in the end.
pub async fn setup(
    source: &mut Source,
    mut found: Found,
    shell: &Shell,
    banner: bool,
    shutdown: &CancellationToken,
) -> Result<Option<Found>> {
    let (mut announced, clock) = (!banner, Clock::real());
    loop {
        let (partial, time) = match &found.configuration {
            Ok(loaded) => {
                let time = Time { clock: clock.clone(), disk: Disk::Folder(loaded.data_dir.clone()) };
                if time.doubt().is_none() {
                    return Ok(Some(found));
                }
                (waiting(loaded), Some(time))
            }
            Err(partial) => (partial.clone(), None),
        };
        let listener = page::listen(partial.known.http_listen).await?;
        let address = listener.local_addr()?;
        let what = if time.is_some() { "clock" } else { "configuration" };
        if !std::mem::replace(&mut announced, true) {
            page::announce_setup(address, what);
        }
        for error in &partial.errors.errors {
            tracing::error!(file = partial.errors.file, "{error}");
        }
        let awaited = time.as_ref().and_then(Time::doubt).unwrap_or_else(|| WAITS.to_owned());
        tracing::warn!(page = %address, "HeatMine waits: {awaited}");
        shell.notify.ready(&format!("waits for its {what}; http://{address} says more"));
        let mut round = Round::start(partial, time, listener, shell)?;
        let next = shutdown.run_until_cancelled(round.changes(source, found.mark, shell)).await;
        if next.is_none() {
            shell.notify.stopping();
        }
        let owed = round.end().await;
        match next {
            Some(next) => found = next,
            None => return given_back(&owed).map(|()| None),
        }
    }
}

/// What a house waits for whose configuration is not right.
const WAITS: &str = "nothing is decided until the configuration is in order";

/// A configuration that is right, for a house that waits for something else.
fn waiting(loaded: &Loaded) -> Box<Partial> {
    let file = loaded.file.display().to_string();
    let errors = ConfigErrors { file, unreadable: false, errors: Vec::new() };
    Box::new(Partial { errors, known: Known::from(loaded) })
}

/// The machine's time, and the books that it is compared with.
struct Time {
    clock: Clock,
    disk: Disk,
}

impl Time {
    /// Why it is not believed.
    fn doubt(&self) -> Option<String> {
        self.clock.doubt_at_start(crate::store::newest_entry(&self.disk))
    }
}

/// The time for which the same things are wrong.
struct Round {
    /// The machine's time, where the house waits for that.
    time: Option<Time>,
    findings: watch::Sender<Arc<Findings>>,
    debts: Debts,
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl Round {
    fn start(partial: Box<Partial>, time: Option<Time>, listener: TcpListener, shell: &Shell) -> Result<Self> {
        let Partial { errors, known } = *partial;
        let (wires, disk) = (Wires::new(Pace::default())?, Disk::Folder(known.data_dir.clone()));
        let debts = Debts::start(&wires, &disk, &known, &shell.troubles)?;
        let notes = time.as_ref().and_then(Time::doubt).into_iter().collect();
        let findings = Findings { site: known.site.clone(), file: errors.file, errors: errors.errors, notes };
        let findings = watch::Sender::new(Arc::new(findings));
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        let restart = Restart { troubles: shell.troubles.clone(), stop: stop.clone() };

        let (http, shown, ends) = (known.http.clone(), findings.subscribe(), stop.clone());
        let listener = listener.into_std()?;
        tracker.spawn(restart.clone().keep("the page".to_owned(), move || {
            let (http, listener, shown, ends) = (http.clone(), listener.try_clone(), shown.clone(), ends.clone());
            async move {
                setup_page::serve(&http, TcpListener::from_std(listener?)?, shown, &ends).await;
                Ok(())
            }
        }));
        if let (Some(broker), true) = (known.broker, known.home_assistant.enabled) {
            let (config, prefix) = (known.home_assistant, known.topic_prefix);
            let (shown, ends) = (findings.subscribe(), stop.clone());
            tracker.spawn(restart.keep("the publisher for Home Assistant".to_owned(), move || {
                let said =
                    setup_entity::run(config.clone(), prefix.clone(), broker.clone(), shown.clone(), ends.clone());
                async move {
                    said.await;
                    Ok(())
                }
            }));
        }
        tracker.close();
        Ok(Self { time, findings, debts, stop, tracker })
    }

    /// Looks at the configuration until it is another one, and another one that is right for two looks.
    async fn changes(&mut self, source: &mut Source, mark: u64, shell: &Shell) -> Found {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut before = mark;
        loop {
            let debts = &mut self.debts;
            tokio::select! {
                _ = looks.tick() => {}
                () = async { debts.carry_out().await; std::future::pending().await } => {}
            }
            self.say(shell);
            shell.notify.alive();
            let found = source.look_again(&shell.troubles).await;
            let same = std::mem::replace(&mut before, found.mark) == found.mark;
            let awaited = self.time.as_ref().is_some_and(|time| time.doubt().is_some());
            let right = found.configuration.is_ok() && (!awaited || found.mark != mark);
            if (right && same) || (found.configuration.is_err() && found.mark != mark) {
                return found;
            }
        }
    }

    fn say(&self, shell: &Shell) {
        let doubt = self.time.as_ref().and_then(Time::doubt).into_iter();
        let notes: Vec<String> = doubt.chain(shell.troubles.all()).chain(self.debts.open()).collect();
        self.findings.send_if_modified(|findings| {
            let changed = findings.notes != notes;
            if changed {
                *findings = Arc::new(Findings { notes, ..Findings::clone(findings) });
            }
            changed
        });
    }

    /// Returns what is still owed.
    async fn end(self) -> Vec<String> {
        self.stop.cancel();
        let owed = self.debts.end().await;
        self.tracker.wait().await;
        owed
    }
}
