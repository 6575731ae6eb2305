//! What a device is owed while it may hold one of our settings, and the way to where that is written down.
//!
//! - *found*: the value of a register before we wrote it. Whoever set it is its owner, and gets it back.
//! - *debt*: the registers of a control that we wrote, each with what was found. It is on the disk before the first of them is
//!   written, so that whoever starts after a power cut knows what to write back, and where.
//! - *to settle*: the device has confirmed that it has its own control back; the debt is forgotten.
//!
//! In numbers: the owner of a Victron has limited its inverter to 1500 W, register 2704 holds 150. Before a hold the driver reads that,
//! has `2704: found 150, written 0` written down and waits for the disk; then it writes 0. The mains go. The next start reads the
//! debt, finds 0 in the register, writes 150 and settles. Had it found 200 there, somebody else was at work: nothing is written.

use plant::decision::Control;
use plant::point::DeviceId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// How long a device waits for the disk.
const PATIENCE: Duration = Duration::from_secs(5);

/// A control that may hold one of our settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Debt {
    /// The device.
    pub device: DeviceId,
    /// What of it was set.
    pub control: Control,
    /// Where the device is, for a debt that outlives its place in the configuration; absent in those of versions before.
    pub place: Option<Place>,
    /// What was written, in the order of writing. Empty where nothing is known of it: then it gets the definition's safe value.
    pub registers: Vec<Kept>,
}

/// Where a device is and what it is: as its section of the configuration says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Id of its definition.
    pub definition: String,
    /// Its address, as `tcp://host:port`.
    pub address: String,
    /// Its Modbus unit, where it is not the definition's.
    pub unit: Option<u8>,
    /// The definition's parameters.
    pub parameters: BTreeMap<String, String>,
}

/// Holding registers that were written in one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Modbus function that writes them: 6 or 16.
    pub fc: u8,
    /// The first register, as it goes over the wire.
    pub start: u16,
    /// What they held before; `None` where they could not be read.
    pub found: Option<Vec<u16>>,
    /// What we write.
    pub written: Vec<u16>,
    /// What we wrote before, and what the device made of it: it may hold that as well.
    #[serde(default)]
    pub earlier: Vec<Vec<u16>>,
    /// Registers of each number among them; 0 where all are one.
    #[serde(default)]
    pub width: u16,
    /// SunSpec model and the offset in it: its registers move where the device gets other models.
    #[serde(default)]
    pub sunspec: Option<(u16, u16)>,
}

impl Kept {
    /// Whether what the registers hold comes from us.
    pub fn is_ours(&self, held: &[u16]) -> bool {
        held == self.written || self.earlier.iter().any(|words| words == held)
    }

    /// What is to be written back where this is held: what was found in place of each number that comes from us. `None` where none does.
    pub fn given_back(&self, held: &[u16]) -> Option<Vec<u16>> {
        let found = self.found.as_ref().filter(|found| found.len() == held.len())?;
        let width = if self.width == 0 { held.len() } else { usize::from(self.width) };
        let (mut words, mut ours) = (held.to_vec(), false);
        for from in (0..held.len()).step_by(width.max(1)) {
            let number = from..(from + width).min(held.len());
            let mut known = std::iter::once(&self.written).chain(&self.earlier);
            if known.any(|known| known.get(number.clone()) == held.get(number.clone())) {
                ours = true;
                words[number.clone()].copy_from_slice(&found[number]);
            }
        }
        ours.then_some(words)
    }

    /// Takes note that something else is written now.
    pub fn replace(&mut self, written: Vec<u16>) {
        let before = std::mem::replace(&mut self.written, written);
        self.add(before);
    }

    /// Takes note of words that come from us.
    pub fn add(&mut self, words: Vec<u16>) {
        if !self.is_ours(&words) {
            self.earlier.push(words);
        }
    }
}

/// The way to where debts are written down.
#[derive(Clone, Debug)]
pub struct Debts {
    /// What an earlier run owes this device.
    pub known: Vec<Debt>,
    /// Where both copies of the earlier debts are lost, the controls that we may set: one that holds one of our settings gets its
    /// safe value.
    pub lost: BTreeSet<Control>,
    /// Where they are written down.
    pub entries: mpsc::Sender<DebtEntry>,
}

/// What is to be written down.
#[derive(Debug)]
pub enum DebtEntry {
    /// A debt, in place of an older one of its control. Nothing is written to the device before `done` says that it is on the disk.
    Owe {
        /// The debt.
        debt: Debt,
        /// What it costs of the control's daily budget of writes, where it has one.
        cost: Option<Cost>,
        /// Whether it is on the disk; why not, in words.
        done: oneshot::Sender<Result<(), String>>,
    },
    /// The device has its own control back.
    Settle {
        /// The device.
        device: DeviceId,
        /// What of it.
        control: Control,
    },
}

/// Writes to memory that wears out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// So many are to be made, the way back included.
    pub writes: u32,
    /// So many are allowed in a day of the house.
    pub daily: u32,
}

impl Debts {
    /// The debts of a device that nobody writes down: it is only read.
    pub fn none() -> Self {
        let (entries, _) = mpsc::channel(1);
        Self { known: Vec::new(), lost: BTreeSet::new(), entries }
    }

    /// Has a debt written down; returns when it is on the disk.
    ///
    /// # Errors
    /// It could not be written, or its budget is used up; in words.
    pub async fn owe(&self, debt: Debt, cost: Option<Cost>) -> Result<(), String> {
        let lost = || "it could not be remembered: nobody writes debts down".to_owned();
        let (done, answer) = oneshot::channel();
        let written = async {
            self.entries.send(DebtEntry::Owe { debt, cost, done }).await.map_err(|_| lost())?;
            answer.await.map_err(|_| lost())?
        };
        // Whoever waits holds up what else is to be done at its device.
        let late = |_| format!("it could not be remembered: the disk has not answered in {} s", PATIENCE.as_secs());
        timeout(PATIENCE, written).await.map_err(late)?
    }

    /// Has a debt forgotten.
    pub async fn settle(&self, device: DeviceId, control: Control) {
        // Where nobody writes it down in time, it stands: the next start gives the device back once more.
        let _ = timeout(PATIENCE, self.entries.send(DebtEntry::Settle { device, control })).await;
    }
}
