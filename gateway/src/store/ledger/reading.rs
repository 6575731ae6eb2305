//! What of the ledger is read: its head, entries in order, and what they add up to.

use super::{ENTRY, Ledger, LedgerError, entry_of, unsigned};
use chrono::NaiveDate;
use chrono_tz::Tz;
use plant::entry::{Booking, Entry, Head, SlotAccount};
use plant::ledger;
use plant::time::Slot;
use plant::totals::{Earnings, EnergyTotals, Totals};
use plant::units::Currency;
use rusqlite::{OptionalExtension, params};
use std::collections::{BTreeMap, BTreeSet};

impl Ledger {
    /// The newest link.
    pub fn head(&self) -> Result<Head, LedgerError> {
        let row = self
            .reader()?
            .query_row("SELECT sequence, hash FROM entry ORDER BY sequence DESC LIMIT 1", [], |row| {
                Ok(Head { sequence: unsigned(row.get(0)?), hash: row.get(1)? })
            })
            .optional();
        Ok(row.map_err(|source| self.sqlite(source))?.unwrap_or_default())
    }

    /// At most `limit` entries after number `sequence`, in order.
    pub fn after(&self, sequence: u64, limit: usize) -> Result<Vec<Entry>, LedgerError> {
        let mut entries = Vec::new();
        self.each_after(sequence, limit, |entry| {
            entries.push(entry);
            Ok(())
        })?;
        Ok(entries)
    }

    /// Which of these receipts are booked, by their ids.
    pub fn booked_receipts(&self, ids: &[String]) -> Result<BTreeSet<String>, LedgerError> {
        let connection = self.reader()?;
        let read = || -> rusqlite::Result<BTreeSet<String>> {
            let mut statement = connection.prepare(
                "SELECT EXISTS (SELECT 1 FROM entry
                    WHERE iif(json_valid(body), body ->> '$.receipt.id', NULL) = ?1 AND kind = 'receipt')",
            )?;
            let mut booked = BTreeSet::new();
            for id in ids {
                self.count_rows(1);
                if statement.query_row([id], |row| row.get(0))? {
                    booked.insert(id.clone());
                }
            }
            Ok(booked)
        };
        read().map_err(|source| self.sqlite(source))
    }

    /// Whether the entry that `head` names is there; the chain's beginning always is.
    pub fn holds(&self, head: &Head) -> Result<bool, LedgerError> {
        if *head == Head::default() {
            return Ok(true);
        }
        let Some(before) = head.sequence.checked_sub(1) else { return Ok(false) };
        Ok(self
            .after(before, 1)?
            .first()
            .is_some_and(|entry| entry.sequence == head.sequence && entry.hash == head.hash))
    }

    /// What the closed slots add up to; amounts that are not in `currency` are left out.
    pub fn counted(&self, currency: Currency) -> Result<Totals, LedgerError> {
        let mut totals = Totals::default();
        self.each_after(0, usize::MAX, |entry| {
            if let Ok(Booking::Slot(account)) = ledger::booking(&entry) {
                if account.currency == currency {
                    totals += &*account;
                } else {
                    totals.energy += EnergyTotals::from(&*account);
                }
            }
            Ok(())
        })?;
        Ok(totals)
    }

    /// How many entries there are.
    pub fn count(&self) -> Result<u64, LedgerError> {
        self.reader()?
            .query_row("SELECT count(*) FROM entry", [], |row| row.get(0))
            .map(unsigned)
            .map_err(|source| self.sqlite(source))
    }

    /// The accounts of the slots from `from` to before `to`, in order. A slot that a set clock has passed twice has several.
    pub fn slots(&self, from: Slot, to: Slot) -> Result<Vec<SlotAccount>, LedgerError> {
        let connection = self.reader()?;
        let read = || -> rusqlite::Result<Vec<SlotAccount>> {
            let query = format!(
                "SELECT {ENTRY} FROM entry WHERE slot IS NOT NULL AND slot >= ?1 AND slot < ?2 ORDER BY slot, sequence"
            );
            let mut statement = connection.prepare(&query)?;
            let mut rows = statement.query(params![from.0, to.0])?;
            let mut accounts = Vec::new();
            while let Some(row) = rows.next()? {
                self.count_rows(1);
                if let Ok(Booking::Slot(account)) = ledger::booking(&entry_of(row)?) {
                    accounts.push(*account);
                }
            }
            Ok(accounts)
        };
        read().map_err(|source| self.sqlite(source))
    }

    /// Earnings in `currency` of each local day, for the slots after `since` that entries up to number `last` book.
    pub fn days_since(
        &self,
        (zone, currency): (Tz, Currency),
        since: Slot,
        last: u64,
    ) -> Result<BTreeMap<NaiveDate, Earnings>, LedgerError> {
        let connection = self.reader()?;
        let read = || -> rusqlite::Result<BTreeMap<NaiveDate, Earnings>> {
            let mut days: BTreeMap<NaiveDate, Earnings> = BTreeMap::new();
            let query = format!(
                "SELECT {ENTRY} FROM entry WHERE slot IS NOT NULL AND slot > ?1 AND sequence <= ?2 ORDER BY slot"
            );
            let mut statement = connection.prepare(&query)?;
            let mut rows = statement.query(params![since.0, i64::try_from(last).unwrap_or(i64::MAX)])?;
            while let Some(row) = rows.next()? {
                self.count_rows(1);
                if let Ok(Booking::Slot(account)) = ledger::booking(&entry_of(row)?)
                    && account.currency == currency
                {
                    let day = account.start.with_timezone(&zone).date_naive();
                    *days.entry(day).or_default() += Earnings::from(&*account);
                }
            }
            Ok(days)
        };
        read().map_err(|source| self.sqlite(source))
    }

    /// Visits the entries of the newest slots, the newest first and no more than `most`, that were booked after number `sequence`. Nothing
    /// else is read, however much lies between them.
    pub(in crate::store) fn newest_slots(
        &self,
        sequence: u64,
        most: usize,
        mut visit: impl FnMut(&Entry),
    ) -> Result<(), LedgerError> {
        let connection = self.reader()?;
        let mut read = || -> rusqlite::Result<()> {
            let query = format!(
                "SELECT {ENTRY} FROM entry WHERE slot IS NOT NULL AND sequence > ?1 ORDER BY slot DESC, sequence DESC LIMIT ?2"
            );
            let mut statement = connection.prepare(&query)?;
            let bounds = params![i64::try_from(sequence).unwrap_or(i64::MAX), i64::try_from(most).unwrap_or(i64::MAX)];
            let mut rows = statement.query(bounds)?;
            while let Some(row) = rows.next()? {
                self.count_rows(1);
                visit(&entry_of(row)?);
            }
            Ok(())
        };
        read().map_err(|source| self.sqlite(source))
    }

    pub(super) fn each_after(
        &self,
        sequence: u64,
        limit: usize,
        mut visit: impl FnMut(Entry) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        let connection = self.reader()?;
        let mut statement = connection
            .prepare(
                "SELECT sequence, booked_at, body, previous, hash FROM entry WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
            )
            .map_err(|source| self.sqlite(source))?;
        let bounds = params![i64::try_from(sequence).unwrap_or(i64::MAX), i64::try_from(limit).unwrap_or(i64::MAX)];
        let rows = statement.query_map(bounds, entry_of).map_err(|source| self.sqlite(source))?;
        for entry in rows {
            self.count_rows(1);
            visit(entry.map_err(|source| self.sqlite(source))?)?;
        }
        Ok(())
    }
}
