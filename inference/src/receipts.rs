//! The worker's own record of served work: on disk before the client hears the end of its answer.
//!
//! A *receipt* is proof of one served piece of work; its *sequence* counts up without gaps, over restarts too. The
//! *journal* is an append-only log of them, one JSON object a line, each synced. A kill at any moment leaves at most
//! half a line (a torn write), which the next start cuts off: its client has not heard the end. Whoever asks for the
//! receipts after a sequence says that those up to it are *fetched*; the log is compacted now and then, so the file
//! stays small.
//!
//! Example: receipts 1 to 3 are written, and the power fails in the middle of the fourth. The next start finds three
//! lines and a half, cuts the half off, and the next work gets the sequence 4. The gateway asks for those after 2: it
//! gets 3 and 4, and 1 and 2 may go. When 4097 may go, the file is written anew without them; the newest stays, for its
//! sequence.
//!
//! A *journal's name* is made at random each time it is opened, and stands in each receipt that is written from then on. Sequences come
//! again where the newest receipts were lost with the power, or where somebody put back an older file; name and sequence together
//! never do. Example: receipts 1 to 3 are of `9f3a`, the worker is started again, and the next is number 4 of `77c0`. Receipts of
//! version 0.1.0 have no name; 0.1.0 reads those that have one.
//!
//! A journal may state its *version* in a line of its own, as `{"version":1}`; one that does not is of version 1, and so are those
//! written here, which every version reads. What stands in its place and cannot be read, and a journal of a newer version, are
//! renamed, never written: the worker serves all the same.
//!
//! Invariant: a receipt is never lost in silence. Where the disk refuses, it stays in memory and is written with the
//! next one.

use crate::engine::work::{Class, Served};
use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The file in the worker's data folder.
const FILE: &str = "receipts.jsonl";
/// The newest version of a journal that is read here.
const VERSION: u64 = 1;
/// Fetched receipts that may lie around before the file is rewritten without them. Chosen: about a megabyte at 200
/// bytes a line, so rewriting is cheap and rare.
const MOST_FETCHED: usize = 4096;
/// Receipts kept for a gateway that never comes; then the oldest go. Chosen: three weeks at an answer every ten
/// seconds, 40 MB.
const MOST_KEPT: usize = 200_000;

/// Proof of one served piece of work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The request's id; unique over restarts.
    pub id: String,
    /// Counts up without gaps, over restarts.
    pub sequence: u64,
    /// The name of the journal in which that sequence was given; `None` for those of version 0.1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<String>,
    /// The job whose work it is, as the one who asked has named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// Whether the answer came to its end; `None` for those of version 0.1.0. A client that left or an engine that failed has a part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole: Option<bool>,
    /// The expert's name.
    pub expert: String,
    /// Whether somebody waited for it.
    pub interactive: bool,
    /// Prompt tokens.
    pub tokens_in: u64,
    /// Generated tokens.
    pub tokens_out: u64,
    /// Energy it took, in joules of real time.
    pub joules: f64,
    /// Its share of the engine's computing time, in seconds.
    pub seconds: f64,
    /// When it was finished, in milliseconds since 1970 UTC.
    pub finished_at_ms: i64,
}

/// A place in the receipts: behind one of them, or before the first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The journal of that receipt; `None` where it has none.
    pub journal: Option<String>,
    /// Its sequence; 0 before the first.
    pub sequence: u64,
}

/// Receipts in order, in memory and on disk.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    name: String,
    file: File,
    /// Bytes of the file that are whole lines.
    length: u64,
    kept: VecDeque<Receipt>,
    /// The sequence of the next receipt.
    next: u64,
    /// How many of the newest are not on the disk.
    unsaved: usize,
    /// The sequence up to which somebody else has them.
    fetched: u64,
}

impl Journal {
    /// Opens the journal in `folder`, both made where missing. Half a line at the end is cut off, a damaged one left
    /// out, both with a warning.
    ///
    /// # Errors
    /// [`Error::File`]: the folder or the file cannot be made, read or written.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        std::fs::create_dir_all(folder).map_err(Error::file(folder))?;
        let path = folder.join(FILE);
        let (mut file, text) = opened(&path)
            .or_else(|error| {
                set_aside(&path, "broken", &error.to_string())?;
                opened(&path)
            })
            .map_err(Error::file(&path))?;
        if let Some(version) = stated_version(&text).filter(|version| *version > VERSION) {
            drop(file);
            let why = format!("it is of version {version}, which a newer HeatMine wrote; this one knows {VERSION}");
            set_aside(&path, "newer", &why).map_err(Error::file(&path))?;
            return Self::open(folder);
        }
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        if whole < text.len() {
            tracing::warn!(bytes = text.len() - whole, "half a receipt at the end of the journal was cut off");
            file.set_len(whole as u64).map_err(Error::file(&path))?;
        }
        let mut kept = VecDeque::new();
        for line in text[..whole].split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice::<Receipt>(line) {
                Ok(receipt) => kept.push_back(receipt),
                Err(_) if stated_version(line).is_some() => {}
                Err(error) => tracing::warn!(%error, "a damaged receipt was left out"),
            }
        }
        file.seek(SeekFrom::End(0)).map_err(Error::file(&path))?;
        let next = kept.iter().map(|receipt| receipt.sequence).max().unwrap_or(0) + 1;
        Ok(Self { path, name: random_name(), file, length: whole as u64, kept, next, unsaved: 0, fetched: 0 })
    }

    /// Adds served work. Where the disk refuses it fails, but the receipt is kept and written with the next one.
    pub(crate) fn append(&mut self, served: Served, finished_at_ms: i64) -> Result<(), Error> {
        self.kept.push_back(Receipt {
            id: served.id,
            sequence: self.next,
            journal: Some(self.name.clone()),
            job: served.job,
            whole: Some(served.whole),
            expert: served.expert,
            interactive: served.class == Class::Interactive,
            tokens_in: served.tokens_in as u64,
            tokens_out: served.tokens_out as u64,
            joules: served.joules,
            seconds: served.seconds,
            finished_at_ms,
        });
        self.next += 1;
        self.unsaved += 1;
        while self.kept.len() > MOST_KEPT {
            self.kept.pop_front();
        }
        self.unsaved = self.unsaved.min(self.kept.len());
        let fetched = self.kept.iter().take_while(|receipt| receipt.sequence <= self.fetched).count();
        if fetched > MOST_FETCHED || self.kept.len() == MOST_KEPT { self.rewrite(fetched) } else { self.save() }
    }

    /// Gives the receipts after `place`, at most `most`; asking says that those up to it are safe elsewhere. Where its journal is none
    /// of those here, all of them are new.
    pub fn after(&mut self, place: &Place, most: usize) -> Vec<Receipt> {
        let Place { journal, sequence } = place;
        let (start, fetched) = match journal {
            None => {
                let start = self.kept.partition_point(|receipt| receipt.sequence <= *sequence);
                (start, *sequence.min(&self.last()))
            }
            Some(_) => {
                let known = |receipt: &Receipt| receipt.journal == *journal && receipt.sequence <= *sequence;
                let start = self.kept.iter().rposition(known).map_or(0, |at| at + 1);
                (start, start.checked_sub(1).and_then(|at| self.kept.get(at)).map_or(0, |receipt| receipt.sequence))
            }
        };
        self.fetched = self.fetched.max(fetched);
        self.kept.range(start..).take(most).cloned().collect()
    }

    /// Gives the newest receipt's sequence; 0 before the first.
    pub fn last(&self) -> u64 {
        self.next - 1
    }

    fn save(&mut self) -> Result<(), Error> {
        let text = lines(self.kept.range(self.kept.len() - self.unsaved..));
        let written = self.file.write_all(&text).and_then(|()| self.file.sync_data());
        if let Err(source) = written {
            // What half a write left behind is cut off, as far as the disk still obeys.
            let _ = self.file.set_len(self.length).and_then(|()| self.file.seek(SeekFrom::Start(self.length)));
            return Err(Error::File { path: self.path.clone(), source });
        }
        self.length += text.len() as u64;
        self.unsaved = 0;
        Ok(())
    }

    /// Writes the journal anew without its first `dropped` receipts; the newest stays, for its sequence.
    fn rewrite(&mut self, dropped: usize) -> Result<(), Error> {
        self.kept.drain(..dropped.min(self.kept.len().saturating_sub(1)));
        let draft = self.path.with_extension("draft");
        let text = lines(self.kept.iter());
        let written = File::create(&draft).and_then(|mut file| {
            file.write_all(&text)?;
            file.sync_all()?;
            std::fs::rename(&draft, &self.path)?;
            Ok(file)
        });
        self.file = written.map_err(Error::file(&draft))?;
        self.length = text.len() as u64;
        self.unsaved = 0;
        Ok(())
    }
}

/// Opens the file, or makes it, and reads it.
fn opened(path: &Path) -> io::Result<(File, Vec<u8>)> {
    let file = OpenOptions::new().create(true).read(true).write(true).truncate(false).open(path)?;
    Ok((file, std::fs::read(path)?))
}

/// A name that no other journal has: 64 bits from the system's source of chance.
fn random_name() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

/// The version that a journal's first line states.
fn stated_version(text: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Stated {
        version: u64,
    }
    let first = text.split(|&byte| byte == b'\n').next()?;
    serde_json::from_slice(first).ok().map(|Stated { version }| version)
}

/// Renames what stands in the journal's place, so that nothing of it is lost.
fn set_aside(path: &Path, mark: &str, why: &str) -> io::Result<()> {
    let taken = |number: &u32| !path.with_file_name(format!("{FILE}.{mark}-{number}")).exists();
    let number = (1..).find(taken).unwrap_or_default();
    let aside = path.with_file_name(format!("{FILE}.{mark}-{number}"));
    std::fs::rename(path, &aside)?;
    tracing::warn!(path = %path.display(), aside = %aside.display(), why, "the receipts could not be read and were set aside");
    Ok(())
}

fn lines<'a>(receipts: impl Iterator<Item = &'a Receipt>) -> Vec<u8> {
    let mut text = Vec::new();
    for receipt in receipts {
        // A receipt is plain data; only a float that is no number could fail, and is written as null.
        if serde_json::to_writer(&mut text, receipt).is_ok() {
            text.push(b'\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(id: &str) -> Served {
        let (expert, class) = ("m".to_owned(), Class::Deferrable);
        Served {
            id: id.into(),
            job: None,
            whole: true,
            expert,
            class,
            tokens_in: 3,
            tokens_out: 4,
            joules: 1.5,
            seconds: 0.1,
        }
    }

    /// Behind a receipt without a journal.
    fn behind(sequence: u64) -> Place {
        Place { journal: None, sequence }
    }

    fn ids(receipts: &[Receipt]) -> Vec<(u64, &str)> {
        receipts.iter().map(|receipt| (receipt.sequence, receipt.id.as_str())).collect()
    }

    #[test]
    fn survives_half_a_line_and_garbage() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        journal.append(served("a"), 1).unwrap();
        journal.append(served("b"), 2).unwrap();
        drop(journal);
        let path = folder.path().join(FILE);
        let mut text = std::fs::read(&path).unwrap();
        text.extend(b"not a receipt\n{\"id\":\"c\",\"seq");
        std::fs::write(&path, text).unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        journal.append(served("d"), 3).unwrap();
        assert_eq!(ids(&journal.after(&behind(0), 9)), [(1, "a"), (2, "b"), (3, "d")]);
        assert_eq!(ids(&journal.after(&behind(1), 1)), [(2, "b")]);
        drop(journal);
        assert_eq!(ids(&Journal::open(folder.path()).unwrap().after(&behind(2), 9)), [(3, "d")]);
    }

    #[test]
    fn what_cannot_be_read_or_is_newer_is_set_aside_and_the_worker_serves() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        std::fs::create_dir(&path).unwrap();
        Journal::open(folder.path()).unwrap().append(served("a"), 1).unwrap();
        assert!(folder.path().join("receipts.jsonl.broken-1").is_dir());

        let newer = "{\"version\":7}\n{\"what\":\"a receipt may look like then\"}\n";
        std::fs::write(&path, newer).unwrap();
        Journal::open(folder.path()).unwrap().append(served("b"), 2).unwrap();
        assert_eq!(std::fs::read_to_string(folder.path().join("receipts.jsonl.newer-1")).unwrap(), newer);
        assert_eq!(ids(&Journal::open(folder.path()).unwrap().after(&behind(0), 9)), [(1, "b")]);

        let today = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{{\"version\":1}}\n{today}")).unwrap();
        assert_eq!(ids(&Journal::open(folder.path()).unwrap().after(&behind(0), 9)), [(1, "b")]);
    }

    #[test]
    fn what_was_fetched_is_dropped_but_the_count_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        for _ in 0..MOST_FETCHED {
            journal.kept.push_back(Receipt { sequence: journal.next, ..receipt() });
            journal.next += 1;
            journal.unsaved += 1;
        }
        journal.append(served("x"), 1).unwrap();
        assert_eq!(journal.after(&behind(journal.last()), 9), []);
        journal.append(served("y"), 2).unwrap();
        assert_eq!(journal.kept.len(), 1);
        drop(journal);
        let journal = Journal::open(folder.path()).unwrap();
        assert_eq!((journal.kept.len(), journal.last()), (1, MOST_FETCHED as u64 + 2));
    }

    fn receipt() -> Receipt {
        let (id, expert) = (String::new(), String::new());
        Receipt {
            id,
            sequence: 0,
            journal: None,
            job: None,
            whole: None,
            expert,
            interactive: true,
            tokens_in: 0,
            tokens_out: 0,
            joules: 0.0,
            seconds: 0.0,
            finished_at_ms: 0,
        }
    }

    /// The place of a receipt.
    fn place(receipt: &Receipt) -> Place {
        Place { journal: receipt.journal.clone(), sequence: receipt.sequence }
    }

    #[test]
    fn each_opening_names_its_receipts_and_a_place_is_found_over_openings() {
        let folder = tempfile::tempdir().unwrap();
        let write = |id: &str, at| {
            let mut journal = Journal::open(folder.path()).unwrap();
            journal.append(served(id), at).unwrap();
            journal
        };
        drop(write("a", 1));
        let mut journal = write("b", 2);
        let all = journal.after(&Place::default(), 9);
        let [a, b] = all.as_slice() else { panic!("{all:?}") };
        assert!(a.journal.is_some() && b.journal.is_some() && a.journal != b.journal, "{all:?}");
        assert_eq!(journal.after(&place(a), 9), std::slice::from_ref(b));
        assert_eq!(journal.after(&place(b), 9), []);

        // The journal is begun anew: a place of the old one says nothing of the new one, and nothing is given up.
        std::fs::remove_file(folder.path().join(FILE)).unwrap();
        let mut anew = write("c", 3);
        assert_eq!((ids(&anew.after(&place(b), 9)), anew.fetched), (vec![(1, "c")], 0));
        assert_eq!(anew.after(&place(&anew.kept[0].clone()), 9), []);
        assert_eq!(anew.fetched, 1);
    }

    #[test]
    fn a_number_that_comes_again_is_told_apart_by_the_journal() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        journal.append(served("a"), 1).unwrap();
        let backup = std::fs::read(folder.path().join(FILE)).unwrap();
        journal.append(served("b"), 2).unwrap();
        let b = place(&journal.kept[1]);
        drop(journal);
        std::fs::write(folder.path().join(FILE), backup).unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        journal.append(served("c"), 3).unwrap();
        // The place is behind the first receipt, which is of the same journal; the one that has the number 2 now is given.
        assert_eq!(ids(&journal.after(&b, 9)), [(2, "c")]);
    }

    #[test]
    fn a_receipt_of_0_1_0_is_read_and_0_1_0_reads_ours() {
        let old = r#"{"id":"1","sequence":7,"expert":"m","interactive":false,"tokens_in":1,"tokens_out":2,"joules":0.5,"seconds":0.1,"finished_at_ms":9}"#;
        let old: Receipt = serde_json::from_str(old).unwrap();
        assert_eq!((&old.journal, &old.job, old.whole), (&None, &None, None));
        // 0.1.0 takes an object with these fields, whatever else is in it.
        let ours = Receipt { journal: Some("9f".into()), job: Some("12".into()), whole: Some(false), ..old };
        let ours = serde_json::to_value(ours).unwrap();
        for field in [
            "id",
            "sequence",
            "expert",
            "interactive",
            "tokens_in",
            "tokens_out",
            "joules",
            "seconds",
            "finished_at_ms",
        ] {
            assert!(ours.get(field).is_some(), "{field}");
        }
    }
}
