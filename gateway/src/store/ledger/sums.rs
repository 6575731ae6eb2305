//! What each local day and month has earned: sums that are written with the entries they are of, so that nobody adds up years.
//!
//! Terms. The sums *stand* at an entry: they hold every closed slot up to it, and what is beyond it is read from the entries. They are
//! a copy and can be made anew at any time: where they are missing, or time zone or currency of the house are others, that is done a
//! thousand entries at a time beside everything else. Amounts of another currency than that of the newest slot are in no sum.
//!
//! Example: the sums of `Europe/Berlin` stand at entry 263,000. Entry 263,001 closes the slot of 12:00 on 21 June 2026 with 0.02 EUR:
//! in its transaction the rows `2026-06-21` and `2026-06` grow by it, and the sums stand at 263,001. Who asks for that day reads one
//! row.

use super::{ENTRY, Ledger, LedgerError, entry_of, unsigned};
use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;
use plant::entry::{Booking, Entry, SlotAccount};
use plant::ledger;
use plant::totals::Earnings;
use plant::units::Currency;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::collections::BTreeMap;
use std::time::Duration;

/// The form of the sums; those of another form are made anew.
const FORM: i64 = 1;
/// Entries that are added up at once.
const CHUNK: usize = 1000;
/// The pause between two of these: others write, too.
const PAUSE: Duration = Duration::from_millis(5);

/// The tables.
pub(super) const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS sum (
        zone TEXT NOT NULL, period TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (zone, period)) STRICT;
    CREATE TABLE IF NOT EXISTS sums (
        zone TEXT PRIMARY KEY, form INTEGER NOT NULL, currency TEXT NOT NULL, sequence INTEGER NOT NULL) STRICT;";

/// Sums, and where they stand.
#[derive(Clone, Debug)]
struct Sums {
    zone: String,
    currency: Currency,
    /// The entry that they stand at.
    stand: u64,
}

/// A span of time that has a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Span {
    Day,
    Month,
}

impl Span {
    /// The name of the span in `zone` that a slot lies in, as `2026-06-21` or `2026-06`.
    fn of(self, account: &SlotAccount, zone: Tz) -> String {
        let day = account.start.with_timezone(&zone).date_naive();
        match self {
            Span::Day => day.to_string(),
            Span::Month => format!("{:04}-{:02}", day.year(), day.month()),
        }
    }

    /// How long its names are.
    fn length(self) -> i64 {
        match self {
            Span::Day => 10,
            Span::Month => 7,
        }
    }
}

impl Ledger {
    /// Earnings of each local day from `from` to `to`, both included; days without entries are left out.
    pub fn days(&self, zone: Tz, from: NaiveDate, to: NaiveDate) -> Result<Vec<(String, Earnings)>, LedgerError> {
        // Names of four digits a year sort by time.
        let first = NaiveDate::from_ymd_opt(0, 1, 1).unwrap_or(from);
        let last = NaiveDate::from_ymd_opt(9999, 12, 31).unwrap_or(to);
        let between = (from.clamp(first, last).to_string(), to.clamp(first, last).to_string());
        self.earned(zone, Span::Day, &between)
    }

    /// Earnings of each local month.
    pub fn months(&self, zone: Tz) -> Result<Vec<(String, Earnings)>, LedgerError> {
        self.earned(zone, Span::Month, &("0000-00".to_owned(), "9999-99".to_owned()))
    }

    /// The house's time zone, as its sums have it; `None` where there are none.
    pub fn zone(&self) -> Result<Option<Tz>, LedgerError> {
        let found = sums(&self.reader()?).map_err(|source| self.sqlite(source))?;
        Ok(found.into_iter().find_map(|sums| sums.zone.parse().ok()))
    }

    /// Brings the sums of `zone` up to the newest entry, a part at a time, and drops those of other zones. May take as long as it takes
    /// to read all books; whoever reads or appends meanwhile hardly notices. What is missing when it is `stopped` is added up another time.
    ///
    /// # Errors
    /// The ledger cannot be read or written.
    pub fn sum_up(&self, zone: Tz, stopped: &dyn Fn() -> bool) -> Result<(), LedgerError> {
        while self.sum_up_part(zone).map_err(|source| self.sqlite(source))? && !stopped() {
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Adds up the next entries; says whether there may be more.
    fn sum_up_part(&self, zone: Tz) -> rusqlite::Result<bool> {
        let mut writer = self.lock();
        let transaction = writer.transaction()?;
        let currency = newest_currency(&transaction)?;
        let sums = match of_zone(&transaction, zone)?.filter(|sums| sums.currency == currency) {
            Some(sums) => sums,
            None => begin(&transaction, zone, currency)?,
        };
        let entries: Vec<Entry> = {
            let query = format!("SELECT {ENTRY} FROM entry WHERE sequence > ?1 ORDER BY sequence LIMIT ?2");
            let mut statement = transaction.prepare_cached(&query)?;
            let rows = statement.query_map(params![signed(sums.stand), CHUNK as i64], entry_of)?;
            rows.collect::<rusqlite::Result<_>>()?
        };
        self.count_rows(entries.len());
        if let Some(last) = entries.last() {
            add(&transaction, (zone, currency), &entries)?;
            stand(&transaction, zone, last.sequence)?;
        }
        transaction.commit()?;
        Ok(entries.len() == CHUNK)
    }

    fn earned(
        &self,
        zone: Tz,
        span: Span,
        (from, to): &(String, String),
    ) -> Result<Vec<(String, Earnings)>, LedgerError> {
        let connection = self.reader()?;
        let read = || -> rusqlite::Result<BTreeMap<String, Earnings>> {
            // One look at sums and entries.
            let look = connection.unchecked_transaction()?;
            let currency = newest_currency(&look)?;
            let (mut sums, mut stands) = (BTreeMap::new(), 0);
            if let Some(known) = of_zone(&look, zone)?.filter(|known| known.currency == currency)
                && let Some(summed) = self.summed(&look, zone, span, (from, to))?
            {
                (sums, stands) = (summed, known.stand);
            }
            let query = format!("SELECT {ENTRY} FROM entry WHERE sequence > ?1 AND slot IS NOT NULL ORDER BY sequence");
            let mut statement = look.prepare(&query)?;
            let mut rows = statement.query([signed(stands)])?;
            while let Some(row) = rows.next()? {
                self.count_rows(1);
                if let Ok(Booking::Slot(account)) = ledger::booking(&entry_of(row)?)
                    && account.currency == currency
                {
                    let name = span.of(&account, zone);
                    if (from..=to).contains(&&name) {
                        *sums.entry(name).or_default() += Earnings::from(&*account);
                    }
                }
            }
            Ok(sums)
        };
        Ok(read().map_err(|source| self.sqlite(source))?.into_iter().collect())
    }

    /// The sums themselves; `None` where one of them cannot be read.
    fn summed(
        &self,
        connection: &Connection,
        zone: Tz,
        span: Span,
        (from, to): (&str, &str),
    ) -> rusqlite::Result<Option<BTreeMap<String, Earnings>>> {
        let mut statement = connection.prepare(
            "SELECT period, body FROM sum WHERE zone = ?1 AND period BETWEEN ?2 AND ?3 AND length(period) = ?4",
        )?;
        let mut rows = statement.query(params![zone.name(), from, to, span.length()])?;
        let mut sums = BTreeMap::new();
        while let Some(row) = rows.next()? {
            self.count_rows(1);
            let Ok(earnings) = serde_json::from_str(&row.get::<_, String>(1)?) else { return Ok(None) };
            sums.insert(row.get(0)?, earnings);
        }
        Ok(Some(sums))
    }
}

/// Adds appended entries to all sums that stand at the slot before them; sums of another currency end.
pub(super) fn follow(transaction: &Transaction<'_>, entries: &[Entry]) -> rusqlite::Result<()> {
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Ok(()) };
    let currency = newest_currency(transaction)?;
    for sums in sums(transaction)? {
        let between = "SELECT EXISTS (SELECT 1 FROM entry WHERE sequence > ?1 AND sequence < ?2 AND slot IS NOT NULL)";
        let behind: bool = transaction
            .prepare_cached(between)?
            .query_row([signed(sums.stand), signed(first.sequence)], |row| row.get(0))?;
        if sums.currency != currency {
            end(transaction, &sums.zone)?;
        } else if let (false, true, Ok(zone)) = (behind, sums.stand < first.sequence, sums.zone.parse()) {
            add(transaction, (zone, currency), entries)?;
            stand(transaction, zone, last.sequence)?;
        }
    }
    Ok(())
}

/// The sums of `zone`; `None` where there are none that can be used.
fn of_zone(connection: &Connection, zone: Tz) -> rusqlite::Result<Option<Sums>> {
    Ok(sums(connection)?.into_iter().find(|sums| sums.zone == zone.name()))
}

/// The sums there are. Books that nobody has opened for writing have none.
fn sums(connection: &Connection) -> rusqlite::Result<Vec<Sums>> {
    if !connection.table_exists(None, "sums")? {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare_cached("SELECT zone, currency, sequence FROM sums WHERE form = ?1")?;
    let rows = statement.query_map([FORM], |row| {
        let currency = row.get::<_, String>(1)?.parse().unwrap_or(Currency::EUR);
        Ok(Sums { zone: row.get(0)?, currency, stand: unsigned(row.get(2)?) })
    })?;
    rows.collect()
}

/// The currency of the newest slot.
fn newest_currency(connection: &Connection) -> rusqlite::Result<Currency> {
    let query = format!("SELECT {ENTRY} FROM entry WHERE slot IS NOT NULL ORDER BY sequence DESC LIMIT 1");
    let newest = connection.prepare_cached(&query)?.query_row([], entry_of).optional()?;
    Ok(match newest.as_ref().map(ledger::booking) {
        Some(Ok(Booking::Slot(account))) => account.currency,
        Some(Ok(Booking::Receipt(_) | Booking::Day(_)) | Err(_)) | None => Currency::EUR,
    })
}

/// Begins the sums of `zone` at nothing, in place of all others.
fn begin(transaction: &Transaction<'_>, zone: Tz, currency: Currency) -> rusqlite::Result<Sums> {
    transaction.execute_batch("DELETE FROM sum; DELETE FROM sums;")?;
    let row = "INSERT INTO sums VALUES (?1, ?2, ?3, 0)";
    transaction.execute(row, params![zone.name(), FORM, currency.code()])?;
    Ok(Sums { zone: zone.name().to_owned(), currency, stand: 0 })
}

/// No reader takes these sums any more; they are made anew.
fn end(transaction: &Transaction<'_>, zone: &str) -> rusqlite::Result<()> {
    transaction.execute("DELETE FROM sums WHERE zone = ?1", [zone]).map(drop)
}

fn stand(transaction: &Transaction<'_>, zone: Tz, sequence: u64) -> rusqlite::Result<()> {
    let statement = "UPDATE sums SET sequence = ?2 WHERE zone = ?1";
    transaction.prepare_cached(statement)?.execute(params![zone.name(), signed(sequence)])?;
    Ok(())
}

/// Adds the closed slots among `entries` to the days and months of `zone`.
fn add(transaction: &Transaction<'_>, (zone, currency): (Tz, Currency), entries: &[Entry]) -> rusqlite::Result<()> {
    let mut more: BTreeMap<String, Earnings> = BTreeMap::new();
    for entry in entries {
        if let Ok(Booking::Slot(account)) = ledger::booking(entry)
            && account.currency == currency
        {
            for span in [Span::Day, Span::Month] {
                *more.entry(span.of(&account, zone)).or_default() += Earnings::from(&*account);
            }
        }
    }
    for (period, more) in more {
        let known: Option<String> = transaction
            .prepare_cached("SELECT body FROM sum WHERE zone = ?1 AND period = ?2")?
            .query_row([zone.name(), &period], |row| row.get(0))
            .optional()?;
        let mut sum: Earnings = match known.as_deref().map(serde_json::from_str) {
            Some(Ok(known)) => known,
            None => Earnings::default(),
            // Rotten.
            Some(Err(_)) => return end(transaction, zone.name()),
        };
        sum += more;
        let body =
            serde_json::to_string(&sum).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        transaction
            .prepare_cached(
                "INSERT INTO sum VALUES (?1, ?2, ?3) ON CONFLICT (zone, period) DO UPDATE SET body = excluded.body",
            )?
            .execute([zone.name(), &period, &body])?;
    }
    Ok(())
}

fn signed(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}
