//! Those who write down beside the loop what it may not wait for: debts, commands in force, and what somebody has confirmed.

use super::outside::Outside;
use super::restart::say_failed;
use super::tasks::Tasks;
use crate::commands::{CommandKeeper, CommandWay, Kept as Answer};
use crate::confirm::Confirmer;
use crate::debts::{self, DebtKeeper, Ways};
use crate::notices::Notices;
use crate::store::{DebtBook, KeptCommands, Twice};
use drivers::debt::Debt;
use drivers::device::DeviceConfig;
use drivers::mqtt::Broker;
use plant::point::DeviceId;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

/// A device that takes nothing for this long may be gone for good.
const UNREACHED: Duration = Duration::from_secs(60);

/// What they write, and where.
pub(super) struct Kept {
    /// What must be confirmed.
    pub notices: Notices,
    /// Where debts are written, and those of the last run.
    pub debts: (Twice, DebtBook),
    /// Where commands are written, and those in force.
    pub commands: (Twice, KeptCommands),
}

/// The ways to them.
pub(super) struct Keepers {
    /// What must be confirmed.
    pub notices: Notices,
    /// Where debts are written down.
    pub debts: Ways,
    /// Devices that are only there to be given back.
    pub gone: Vec<DeviceConfig>,
    /// What is still owed.
    pub owed: Owed,
    /// Where commands are written down.
    pub commands: CommandWay,
}

/// What is owed to the devices that can be given back.
pub(super) struct Owed {
    devices: BTreeSet<DeviceId>,
    all: watch::Receiver<Vec<Debt>>,
}

impl Owed {
    /// The controls that may still hold one of our settings, as `device (control)`.
    pub(super) fn list(&self) -> Vec<String> {
        debts::owed(&self.all.borrow(), &self.devices)
    }
}

impl Kept {
    /// Starts those who write it down, for these devices.
    pub(super) fn start(
        self,
        outside: &impl Outside,
        tasks: &Tasks,
        configured: (&[DeviceConfig], Option<&Broker>),
        confirmations: mpsc::Receiver<Answer>,
    ) -> Keepers {
        let Self { notices, debts: (file, mut book), commands: (commands_file, in_force) } = self;
        let (devices, broker) = configured;
        let placed = debts::place(&mut book, devices, broker);
        placed.notices().for_each(|(key, words)| notices.add(&key, words));
        let there = devices.iter().chain(&placed.gone).map(|device| device.id.clone()).collect();
        let (keeper, debts) = DebtKeeper::new(file, book, &placed, tasks.clock.clone(), tasks.timezone);
        let troubles = || tasks.restart.troubles.clone();
        tasks.tracker.spawn(outside.apart(say_failed(troubles(), "the keeper of the debts", keeper.run())));
        let (keeper, commands, stand_in) = CommandKeeper::new(commands_file, in_force);
        tasks.tracker.spawn(say_failed(troubles(), "the keeper of the commands", keeper.run()));
        let confirmed = debts.confirmed.clone();
        let confirmer =
            Confirmer { notices: notices.clone(), stand_in, debts: confirmed, wiring: tasks.wiring.clone() };
        tasks.tracker.spawn(say_failed(troubles(), "the keeper of what is confirmed", confirmer.run(confirmations)));
        for config in &placed.gone {
            tasks.tracker.spawn(say_unreached(config.clone(), debts.all.clone(), notices.clone()));
        }
        let owed = Owed { devices: there, all: debts.all.clone() };
        Keepers { notices, debts, gone: placed.gone, owed, commands }
    }
}

/// Says that a device which left the configuration does not take what it is owed: nobody may have it any more.
async fn say_unreached(config: DeviceConfig, mut all: watch::Receiver<Vec<Debt>>, notices: Notices) {
    let settled = all.wait_for(|all| all.iter().all(|debt| debt.device != config.id));
    if timeout(UNREACHED, settled).await.is_err() {
        let DeviceConfig { id, address, .. } = &config;
        let words = format!(
            "{id} at {address} is not configured any more, may still hold a setting of HeatMine, and does not take its own control back. \
             That is tried on; to confirm forgets it, as where the device is gone for good."
        );
        notices.add(&format!("debts.{id}.gone"), words);
    }
}
