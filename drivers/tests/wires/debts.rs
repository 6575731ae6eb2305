//! Where a device under test has its debts written down: in memory, for the test to look at.

use drivers::debt::{Debt, DebtEntry, Debts};
use plant::decision::Control;
use plant::point::DeviceId;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;

/// The debts as a disk would have them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Book {
    debts: Arc<Mutex<Vec<Debt>>>,
    /// Every debt that was ever written down, in its sequence.
    all: Arc<Mutex<Vec<Debt>>>,
    spent: Arc<Mutex<u32>>,
}

impl Book {
    /// A book that an earlier run has left so.
    pub(crate) fn of(debts: Vec<Debt>) -> Self {
        Self { debts: Arc::new(Mutex::new(debts)), ..Self::default() }
    }

    /// A book in which nothing is known of these controls but that they are owed.
    pub(crate) fn unknown(controls: impl IntoIterator<Item = Control>) -> Self {
        let device = || DeviceId("device".into());
        let debt = |control| Debt { device: device(), control, place: None, registers: Vec::new() };
        Self::of(controls.into_iter().map(debt).collect())
    }

    /// The way to it, for a device.
    pub(crate) fn debts(&self) -> Debts {
        let (entries, mut received) = mpsc::channel(8);
        let book = self.clone();
        tokio::spawn(async move {
            while let Some(entry) = received.recv().await {
                book.write(entry);
            }
        });
        Debts { known: self.now(), lost: BTreeSet::new(), entries }
    }

    /// What is owed now.
    pub(crate) fn now(&self) -> Vec<Debt> {
        self.debts.lock().unwrap().clone()
    }

    /// Every debt that was written down.
    pub(crate) fn all(&self) -> Vec<Debt> {
        self.all.lock().unwrap().clone()
    }

    fn write(&self, entry: DebtEntry) {
        let mut debts = self.debts.lock().unwrap();
        match entry {
            DebtEntry::Owe { debt, cost, done } => {
                let mut spent = self.spent.lock().unwrap();
                if cost.is_some_and(|cost| *spent + cost.writes > cost.daily) {
                    let _ = done.send(Err("its writes of today are used up".into()));
                    return;
                }
                *spent += cost.map_or(0, |cost| cost.writes);
                debts.retain(|known| (&known.device, known.control) != (&debt.device, debt.control));
                debts.push(debt.clone());
                self.all.lock().unwrap().push(debt);
                let _ = done.send(Ok(()));
            }
            DebtEntry::Settle { device, control } => {
                debts.retain(|known| (&known.device, known.control) != (&device, control));
            }
        }
    }
}
