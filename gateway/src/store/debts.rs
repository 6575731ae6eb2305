//! The debts on disk, and what is spent of the budgets of writes. Kept twice, in `debts.json` and `debts.backup.json`.
//!
//! - *debt*: a control that may hold one of our settings; [`drivers::debt`] has the rest.
//! - *budget*: writes to memory that wears out are counted for each control and day of the house. In numbers: a control with 12 a
//!   day has spent 10; a debt that will cost 3 is refused, one that costs 2 is taken; at midnight 12 are there again.
//! - *lost*: there was an earlier run, and neither copy can be read. It stands until somebody confirms it.

use super::{Disk, Found, Owed, Twice};
use chrono::NaiveDate;
use drivers::debt::{Cost, Debt};
use plant::decision::Control;
use plant::point::DeviceId;
use serde::{Deserialize, Serialize};

/// The shape of what is kept.
const VERSION: u32 = 1;

/// The debts and the budgets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DebtBook {
    /// What is owed, one of a kind for each control.
    pub debts: Vec<Debt>,
    /// What is spent of the budgets.
    pub spent: Vec<Spent>,
    /// Whether debts of earlier runs are lost, and nobody has confirmed that yet.
    pub lost: bool,
}

/// Writes of a control in a day of the house.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// The device.
    pub device: DeviceId,
    /// What of it.
    pub control: Control,
    /// The day.
    pub day: NaiveDate,
    /// So many.
    pub writes: u32,
}

/// The debts as they were found on disk.
#[derive(Debug)]
pub struct FoundDebts {
    /// Where they are written.
    pub file: Twice,
    /// What was found.
    pub book: DebtBook,
    /// Whether no copy could be read.
    pub missing: bool,
    /// What was set aside, a sentence for each copy.
    pub aside: Vec<String>,
}

impl DebtBook {
    /// Reads what is kept on `disk`.
    pub fn open(disk: &Disk) -> FoundDebts {
        let Found { file, body, aside } = Twice::open(disk, "debts", VERSION);
        FoundDebts { file, missing: body.is_none(), book: body.unwrap_or_default(), aside }
    }

    /// Takes over what version 0.1.0 remembered: that a control was set, and nothing else of it.
    pub fn take_over(&mut self, owed: Vec<Owed>) {
        for (device, control) in owed {
            if !self.owes(&device, control) {
                self.debts.push(Debt { device, control, place: None, registers: Vec::new() });
            }
        }
    }

    /// Whether a control is owed something.
    pub fn owes(&self, device: &DeviceId, control: Control) -> bool {
        self.debts.iter().any(|debt| debt.device == *device && debt.control == control)
    }

    /// Takes a debt in place of an older one of its control, and counts what it costs.
    ///
    /// # Errors
    /// The control's budget of the day is used up, in words.
    pub fn owe(&mut self, debt: Debt, cost: Option<Cost>, today: NaiveDate) -> Result<(), String> {
        if let Some(cost) = cost {
            self.spend(&debt, cost, today)?;
        }
        match self.debts.iter_mut().find(|known| known.device == debt.device && known.control == debt.control) {
            Some(known) => *known = debt,
            None => self.debts.push(debt),
        }
        Ok(())
    }

    /// Forgets the debt of a control.
    pub fn settle(&mut self, device: &DeviceId, control: Control) {
        self.debts.retain(|debt| debt.device != *device || debt.control != control);
    }

    fn spend(&mut self, Debt { device, control, .. }: &Debt, cost: Cost, today: NaiveDate) -> Result<(), String> {
        let Cost { writes, daily } = cost;
        self.spent.retain(|spent| spent.day == today);
        let known = self.spent.iter_mut().find(|spent| spent.device == *device && spent.control == *control);
        let so_far = known.as_ref().map_or(0, |spent| spent.writes);
        let total = so_far.saturating_add(writes);
        if total > daily {
            return Err(format!(
                "its {daily} writes of today to memory that wears out are used up; it stays under its own control until tomorrow"
            ));
        }
        match known {
            Some(spent) => spent.writes = total,
            None => {
                self.spent.push(Spent { device: device.clone(), control: *control, day: today, writes: total });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn debt(device: &str) -> Debt {
        Debt { device: DeviceId(device.into()), control: Control::BatteryMode, place: None, registers: Vec::new() }
    }

    #[test]
    fn a_budget_lasts_for_a_day_of_the_house_and_is_kept() {
        let disk = Disk::Memory(std::sync::Arc::new(crate::store::Memory::new("budget")));
        let (today, tomorrow) = (NaiveDate::from_ymd_opt(2026, 11, 29), NaiveDate::from_ymd_opt(2026, 11, 30));
        let (today, tomorrow) = (today.unwrap(), tomorrow.unwrap());
        let cost = |writes| Some(Cost { writes, daily: 12 });
        let FoundDebts { mut file, mut book, .. } = DebtBook::open(&disk);
        book.owe(debt("box"), cost(10), today).unwrap();
        file.write(&book).unwrap();

        let mut book = DebtBook::open(&disk).book;
        let before = book.clone();
        let words = book.owe(debt("box"), cost(3), today).unwrap_err();
        assert!(words.starts_with("its 12 writes of today"), "{words}");
        assert_eq!(book, before, "nothing is owed and nothing is spent");
        book.owe(debt("box"), cost(2), today).unwrap();
        book.owe(debt("other"), cost(12), today).unwrap();
        book.owe(debt("box"), None, today).unwrap();
        book.owe(debt("box"), cost(12), tomorrow).unwrap();
        book.owe(debt("box"), cost(1), tomorrow).unwrap_err();
    }

    #[test]
    fn what_0_1_0_remembered_is_owed_where_nothing_better_is_known() {
        let mut book = DebtBook::default();
        let registers = vec![drivers::debt::Kept {
            fc: 6,
            start: 1,
            found: Some(vec![7]),
            written: vec![0],
            earlier: Vec::new(),
            width: 1,
            sunspec: None,
        }];
        let better = Debt { registers, ..debt("box") };
        book.owe(better.clone(), None, NaiveDate::default()).unwrap();
        let owed = ["box", "other"].map(|device| (DeviceId(device.into()), Control::BatteryMode));
        book.take_over(owed.to_vec());
        assert_eq!(book.debts, [better, debt("other")]);
    }
}
