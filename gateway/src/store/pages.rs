//! Rows straight out of the pages of a broken SQLite file, where SQLite itself gives up.
//!
//! Terms. A table's rows lie in *leaf pages*; a row is a *cell* there, with its number (*rowid*) and its columns. What does
//! not fit goes on in *overflow pages*. The *write-ahead log* holds newer copies of pages (*frames*).
//!
//! Nothing but the leaf itself is needed to read its rows: with the header, the schema and every inner page gone, the rows
//! of all other pages are still found. A row that does not decode to the last byte is left out. Rows of an older copy of a
//! page may come up again: whoever takes them must be able to tell (the ledger by its hashes).
//!
//! Example: a ledger of 35 pages whose first page holds noise. SQLite says "file is not a database"; here 31 leaf pages give
//! their 117 rows, and the one row that lay across the first page is missing.
//!
//! The format: <https://www.sqlite.org/fileformat2.html>.

use super::log::Log;
use super::shape::suffixed;
use rusqlite::types::Value;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// The pages of our own files, where no header says so.
const PAGE_SIZE: usize = 4096;
/// The first byte of a leaf page of a table.
const TABLE_LEAF: u8 = 13;

/// A row, as its page has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// Its number; the value of an `INTEGER PRIMARY KEY`, whose column is null.
    pub id: i64,
    /// Its columns.
    pub values: Vec<Value>,
}

/// Every row that can be read in a file and the log beside it, in the order of the pages.
///
/// # Errors
/// The file cannot be read at all.
pub(crate) fn rows(path: &Path) -> io::Result<Vec<Row>> {
    let file = std::fs::read(path)?;
    let log = std::fs::read(suffixed(path, "-wal")).unwrap_or_default();
    let log = Log::read(&log);
    let size = stated_size(&file).or(log.page_size).unwrap_or(PAGE_SIZE);
    let mut pages: BTreeMap<usize, &[u8]> =
        file.chunks_exact(size).enumerate().map(|(at, page)| (at + 1, page)).collect();
    if log.page_size == Some(size) {
        pages.extend(log.sound().map(|frame| (frame.number, frame.page)));
    }
    let book = Book { pages, size };
    Ok(book.pages.iter().flat_map(|(at, page)| book.leaf(*at, page)).collect())
}

/// The size of the pages, where the file has a header that says so.
fn stated_size(file: &[u8]) -> Option<usize> {
    let stated = number(file, 16, 2).filter(|_| file.starts_with(b"SQLite format 3\0"));
    stated.filter(|size| size.is_power_of_two() && (512..=65536).contains(size))
}

/// The pages by their numbers.
struct Book<'a> {
    pages: BTreeMap<usize, &'a [u8]>,
    size: usize,
}

impl Book<'_> {
    /// The rows of a page; none where it is no leaf of a table.
    fn leaf(&self, at: usize, page: &[u8]) -> Vec<Row> {
        // The file's own header takes the first hundred bytes of the first page.
        let head = if at == 1 { 100 } else { 0 };
        if page.get(head) != Some(&TABLE_LEAF) {
            return Vec::new();
        }
        let cells = number(page, head + 3, 2).unwrap_or(0).min(self.size / 4);
        let places = (0..cells).filter_map(|cell| number(page, head + 8 + 2 * cell, 2));
        places.filter_map(|place| self.cell(page.get(place..)?)).collect()
    }

    fn cell(&self, cell: &[u8]) -> Option<Row> {
        let mut at = 0;
        let length = usize::try_from(varint(cell, &mut at)?).ok()?;
        let id = varint(cell, &mut at)?;
        let local = self.local(length);
        let mut payload = cell.get(at..at + local)?.to_vec();
        let mut next = if local < length { number(cell, at + local, 4)? } else { 0 };
        // A chain is never longer than the file has pages.
        for _ in 0..self.pages.len() {
            let missing = length - payload.len();
            if missing == 0 {
                break;
            }
            let page = self.pages.get(&next)?;
            payload.extend_from_slice(page.get(4..)?.get(..missing.min(self.size - 4))?);
            next = number(page, 0, 4)?;
        }
        (payload.len() == length).then_some(())?;
        Some(Row { id, values: record(&payload)? })
    }

    /// How much of a row lies in its leaf.
    fn local(&self, length: usize) -> usize {
        let most = self.size - 35;
        if length <= most {
            return length;
        }
        let least = (self.size - 12) * 32 / 255 - 23;
        let fitting = least + (length - least) % (self.size - 4);
        if fitting <= most { fitting } else { least }
    }
}

/// The columns of a row.
fn record(payload: &[u8]) -> Option<Vec<Value>> {
    let mut at = 0;
    let header = usize::try_from(varint(payload, &mut at)?).ok()?;
    let mut body = header;
    let mut values = Vec::new();
    while at < header {
        let kind = varint(payload, &mut at)?;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => usize::try_from(kind).ok()?,
            5 => 6,
            6 | 7 => 8,
            12.. => usize::try_from((kind - 12) / 2).ok()?,
            _ => return None,
        };
        let bytes = payload.get(body..body.checked_add(length)?)?;
        body += length;
        values.push(match kind {
            0 => Value::Null,
            8 => Value::Integer(0),
            9 => Value::Integer(1),
            7 => Value::Real(f64::from_be_bytes(bytes.try_into().ok()?)),
            1..=6 => Value::Integer(signed(bytes)),
            _ if kind % 2 == 0 => Value::Blob(bytes.to_vec()),
            _ => Value::Text(String::from_utf8(bytes.to_vec()).ok()?),
        });
    }
    (at == header && body == payload.len()).then_some(values)
}

/// SQLite's integer of one to nine bytes, the high bit of each saying that another follows.
fn varint(bytes: &[u8], at: &mut usize) -> Option<i64> {
    let mut value: u64 = 0;
    for turn in 0..9 {
        let byte = *bytes.get(*at)?;
        *at += 1;
        if turn == 8 {
            value = value << 8 | u64::from(byte);
        } else {
            value = value << 7 | u64::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                break;
            }
        }
    }
    Some(value.cast_signed())
}

fn signed(bytes: &[u8]) -> i64 {
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    bytes.iter().fold(if negative { -1 } else { 0 }, |value, byte| value << 8 | i64::from(*byte))
}

/// An unsigned big-endian number of at most four bytes.
fn number(bytes: &[u8], at: usize, length: usize) -> Option<usize> {
    Some(bytes.get(at..at + length)?.iter().fold(0, |value, byte| value << 8 | usize::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    #[test]
    fn rows_of_every_kind_are_read_as_sqlite_reads_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let database = Connection::open(&path).unwrap();
        database.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)").unwrap();
        let long = "ä".repeat(20_000);
        let values: Vec<Value> = [0, 1, -1, 127, -129, 40_000, 1 << 40, i64::MIN].map(Value::Integer).into();
        let mut expected = Vec::new();
        for (id, value) in
            values.into_iter().chain([Value::Null, Value::Real(-1.5), Value::Blob(vec![1, 0])]).enumerate()
        {
            let id = i64::try_from(id * 1000).unwrap();
            database.execute("INSERT INTO t VALUES (?1, ?2, ?3)", rusqlite::params![id, value, long]).unwrap();
            expected.push(Row { id, values: vec![Value::Null, value, Value::Text(long.clone())] });
        }
        // Once out of the log, once out of the file.
        for turn in 0..2 {
            let mut rows = rows(&path).unwrap();
            rows.retain(|row| row.values.len() == 3);
            rows.sort_by_key(|row| row.id);
            assert!(rows == expected, "{turn}: {} rows", rows.len());
            database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        }
    }
}
