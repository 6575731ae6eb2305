//! A database of the data folder, of whatever age and in whatever state it is found.
//!
//! Terms. The *shape* is a file's name, its tables and their *version* (SQLite's `user_version`; 0.1.0 wrote 0). What is
//! *broken* is set aside under a dated name, with its write-ahead log, and a new file is begun. What is *newer* than this
//! program is neither written nor moved: this program works in a file of its own beside it.
//!
//! Example: page 3 of `jobs.db` holds noise on 29 November at 10 o'clock. `jobs.db` becomes
//! `jobs.db.broken-2026-11-29T10-00-00Z`, a new `jobs.db` is made, and the house starts. A `jobs.db` of version 7 stays as it
//! is; a program that knows version 1 keeps its jobs in `jobs.version-1.db` until somebody installs the newer one again.

use super::disk::{Disk, Durability};
use super::log::Log;
use crate::clock::wall_time;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, ffi};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The pages of a database up to this size are all checked at the start: a second or two on a slow card. In a larger one, what
/// the start reads.
const CHECKED_MAX: u64 = 256 << 20;
/// A version above this is no version, but noise.
const VERSION_MAX: i32 = 1000;
/// What lies beside a database and belongs to it.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// What a database looks like.
pub(crate) struct Shape {
    /// Its name in the data folder.
    pub file: &'static str,
    /// The version of its tables.
    pub version: i32,
    /// How it is written.
    pub durability: Durability,
    /// Who finds it locked waits this long.
    pub busy: Duration,
    /// Whether nobody else reads it while it is open: SQLite then needs no file for the index of its log, whose pages would be
    /// written with every commit.
    pub alone: bool,
    /// The statements that make the tables where they are missing.
    pub tables: &'static [&'static str],
}

/// In what state a database was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It was there, and whole.
    Whole,
    /// There was none, or an empty file.
    Nothing,
    /// It was broken.
    Broken {
        /// Where it lies now.
        aside: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A newer version wrote it.
    Newer {
        /// The file, which stays as it is.
        file: PathBuf,
        /// Its version.
        version: i32,
        /// The newest version that this program knows.
        known: i32,
        /// Where this program works instead.
        instead: PathBuf,
    },
}

/// An open database.
pub(crate) struct Opened {
    pub connection: Connection,
    /// Its name in the data folder.
    pub file: String,
    pub condition: Condition,
}

impl Shape {
    /// Opens or creates the database. `probe` reads what the start needs of it: where that fails, the file is broken.
    pub(crate) fn open(
        &self,
        disk: &Disk,
        probe: impl Fn(&Connection) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<Opened> {
        let Disk::Folder(folder) = disk else {
            let connection = disk.database(self.file, self.durability, self.busy)?;
            connection.execute_batch(&self.tables.concat())?;
            return Ok(Opened { connection, file: self.file.to_owned(), condition: Condition::Whole });
        };
        let (file, path) = (self.file.to_owned(), folder.join(self.file));
        match stated_version(&path) {
            Some(version) if (self.version + 1..=VERSION_MAX).contains(&version) => {
                let beside = file.replace(".db", &format!(".version-{}.db", self.version));
                let instead = folder.join(&beside);
                let (connection, _) = self.whole_or_anew(disk, &beside, &probe)?;
                let condition = Condition::Newer { file: path, version, known: self.version, instead };
                Ok(Opened { connection, file: beside, condition })
            }
            Some(_) | None => {
                let (connection, condition) = self.whole_or_anew(disk, &file, &probe)?;
                Ok(Opened { connection, file, condition })
            }
        }
    }

    fn whole_or_anew(
        &self,
        disk: &Disk,
        file: &str,
        probe: &impl Fn(&Connection) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<(Connection, Condition)> {
        let path = disk.path(file);
        let mut opened = self.whole(disk, file, probe);
        if opened.as_ref().is_err_and(is_full) && disk.give_reserve() {
            opened = self.whole(disk, file, probe);
        }
        match opened {
            Ok((connection, true)) => Ok((connection, Condition::Nothing)),
            Ok((connection, false)) => Ok((connection, Condition::Whole)),
            Err(error) if is_rot(&error) || is_unusable(&path) => {
                let aside = set_aside(&path).map_err(io_error)?;
                let (connection, _) = self.whole(disk, file, probe)?;
                Ok((connection, Condition::Broken { aside, why: error.to_string() }))
            }
            Err(error) if is_full(&error) => Err(full(&error)),
            Err(error) => Err(error),
        }
    }

    /// Opens the database where it is whole; says whether it was empty. Nothing is written before that is known.
    fn whole(
        &self,
        disk: &Disk,
        file: &str,
        probe: &impl Fn(&Connection) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<(Connection, bool)> {
        let path = disk.path(file);
        let log = fs::read(suffixed(&path, "-wal")).unwrap_or_default();
        if Log::read(&log).is_rotten() {
            return Err(corrupt("a page in its log has rotted".to_owned()));
        }
        let connection = disk.connection(file)?;
        if connection.is_readonly("main")? {
            return Err(corrupt("this user may not write it".to_owned()));
        }
        // A broken file is not written on its way out, either.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.busy_timeout(self.busy)?;
        if self.alone {
            connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        }
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        let version: i32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if tables > 0 {
            if fs::metadata(&path).is_ok_and(|file| file.len() <= CHECKED_MAX) {
                check(&connection)?;
            }
            probe(&connection)?;
            if version < self.version {
                keep_a_copy(&connection, &path, version);
            }
        }
        self.durability.set(&connection)?;
        connection.execute_batch(&self.tables.concat())?;
        if version < self.version {
            connection.pragma_update(None, "user_version", self.version)?;
            // Other programs read the version in the file itself.
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        }
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        Ok((connection, tables == 0))
    }
}

impl Condition {
    /// What a person has to hear of it; nothing where all is well.
    pub fn words(&self) -> Option<String> {
        match self {
            Condition::Whole | Condition::Nothing => None,
            Condition::Broken { aside, why } => {
                let (name, folder) = (name(aside), aside.parent().unwrap_or(Path::new(".")).display().to_string());
                let file = name.split(".broken-").next().unwrap_or_default();
                Some(format!(
                    "{file} in {folder} was broken ({why}); it was set aside as {name}, and a new one is begun. \
                     `heatmine repair --data {folder}` says what of it can be read"
                ))
            }
            Condition::Newer { file, version, known, instead } => Some(format!(
                "{} is of version {version}, and this HeatMine knows versions up to {known}: a newer HeatMine wrote it. \
                 It stays as it is; until a newer HeatMine is installed again, {} is used instead",
                file.display(),
                name(instead)
            )),
        }
    }
}

/// The version that a database states in its first hundred bytes; `None` where these are not a database's.
pub(crate) fn stated_version(path: &Path) -> Option<i32> {
    let mut head = [0; 100];
    File::open(path).ok()?.read_exact(&mut head).ok()?;
    let bytes: [u8; 4] = head[60..64].try_into().ok()?;
    head.starts_with(b"SQLite format 3\0").then(|| i32::from_be_bytes(bytes))
}

/// Moves a file away, under a dated name in the same folder, with what belongs to it; returns the new path.
pub(crate) fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let time = wall_time().format("%Y-%m-%dT%H-%M-%SZ");
    let names = (1..).map(|turn| match turn {
        1 => suffixed(path, &format!(".broken-{time}")),
        _ => suffixed(path, &format!(".broken-{time}-{turn}")),
    });
    let aside = names.into_iter().find(|name| !name.exists()).unwrap_or_default();
    // The log first: a new file of the old name must not find it.
    for suffix in BESIDE {
        match fs::rename(suffixed(path, suffix), suffixed(&aside, suffix)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    match fs::rename(path, &aside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(aside)
}

/// A path with something added to its name.
pub(crate) fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Whether all pages fit together.
fn check(connection: &Connection) -> rusqlite::Result<()> {
    let said: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if said == "ok" { Ok(()) } else { Err(corrupt(said)) }
}

fn corrupt(why: String) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), Some(why))
}

/// Keeps a file of an older version as it was, beside the one that goes on. Where there is no room for it, the file goes on
/// without: its tables are those of today.
fn keep_a_copy(connection: &Connection, path: &Path, version: i32) {
    let mut copy = suffixed(path, &format!(".from-{version}"));
    if copy.exists() {
        copy = suffixed(&copy, &wall_time().format("-%Y-%m-%dT%H-%M-%SZ").to_string());
    }
    match connection.execute("VACUUM INTO ?1", [copy.display().to_string()]) {
        Ok(_) => {
            tracing::info!(file = %path.display(), version, copy = %copy.display(), "a file of an older version goes on; its copy is kept");
        }
        Err(error) => {
            tracing::warn!(file = %path.display(), version, %error, "a file of an older version goes on without a copy");
            let _ = fs::remove_file(copy);
        }
    }
}

/// Whether an error says that the file is no good, and not that the disk is full or somebody else is at work in it.
#[expect(clippy::wildcard_enum_match_arm, reason = "the enums are not ours")]
fn is_rot(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown | ErrorCode::TypeMismatch => true,
            ErrorCode::SystemIoFailure => {
                [ffi::SQLITE_IOERR_READ, ffi::SQLITE_IOERR_SHORT_READ, ffi::SQLITE_IOERR_CORRUPTFS]
                    .contains(&failure.extended_code)
            }
            _ => false,
        },
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::SqlInputError { .. }
        | rusqlite::Error::Utf8Error(..) => true,
        _ => false,
    }
}

/// Whether an error says that there is no room, or may come of that.
fn is_full(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure)) && !is_rot(error)
}

fn full(error: &rusqlite::Error) -> rusqlite::Error {
    let words = format!("there seems to be no room on its disk ({error}): make some, and start again");
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_FULL), Some(words))
}

/// Whether something stands in the place of the file, or of what belongs to it, that no program can use.
fn is_unusable(path: &Path) -> bool {
    let refuses = |path: &Path| match File::options().read(true).write(true).open(path) {
        Ok(_) => false,
        Err(error) => matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::IsADirectory),
    };
    refuses(path) || BESIDE.iter().any(|suffix| refuses(&suffixed(path, suffix)))
}

fn io_error(error: io::Error) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(error))
}
