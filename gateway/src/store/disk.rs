//! The disk under everything that is kept: the one border to files, so that a test runs on memory and the program on
//! its data folder.
//!
//! A database in memory is SQLite's own `memdb`: every connection of this process that names it sees the same pages,
//! and it is gone with the last of them.

mod files;

use anyhow::{Context, Result, bail};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Where everything is kept.
#[derive(Clone, Debug)]
pub enum Disk {
    /// The data folder.
    Folder(PathBuf),
    /// Memory of this process.
    Memory(Arc<Memory>),
}

/// A disk in memory; each name is one of its own.
#[derive(Debug)]
pub struct Memory {
    name: String,
    files: Mutex<BTreeMap<PathBuf, Contents>>,
}

type Contents = Arc<Mutex<Vec<u8>>>;

/// The databases of a run; one that was begun has made the first of them.
const DATABASES: [&str; 3] = ["ledger.db", "state.db", "jobs.db"];

/// How a database is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Every write is on the disk when it returns: books.
    Full,
    /// A power cut may take the newest writes: everything else.
    Normal,
}

impl Disk {
    /// Claims the disk for this process, until the file is dropped; memory needs no claim.
    pub fn claim(&self) -> Result<Option<File>> {
        let Disk::Folder(folder) = self else { return Ok(None) };
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make the data folder {}", folder.display()))?;
        let path = folder.join("lock");
        let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => bail!("another HeatMine is already at work in {}", folder.display()),
            Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
        }
    }

    /// Whether a run has begun here before: what is missing then is lost.
    pub fn has_earlier_run(&self) -> bool {
        DATABASES.into_iter().any(|file| self.holds(file))
    }

    /// Where a file of this disk lies, for messages and for programs that are started.
    pub fn path(&self, file: &str) -> PathBuf {
        match self {
            Disk::Folder(folder) => folder.join(file),
            Disk::Memory(memory) => Path::new("/memory").join(&memory.name).join(file),
        }
    }

    /// Opens or creates a database. A writer that finds it locked waits for `busy`.
    pub fn database(&self, file: &str, durability: Durability, busy: Duration) -> rusqlite::Result<Connection> {
        let connection = self.connection(file)?;
        connection.busy_timeout(busy)?;
        durability.set(&connection)?;
        Ok(connection)
    }

    /// Opens or creates a database, and does nothing with it.
    pub(super) fn connection(&self, file: &str) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        self.connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE | flags)
    }

    /// Opens a database that is there, to be read: its file is left as it is.
    pub fn existing_database(&self, file: &str) -> rusqlite::Result<Connection> {
        let connection = self.connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        Ok(connection)
    }

    /// Makes a file at `path`, which lies where its owner wants it: a recording.
    pub fn create(&self, path: &Path) -> io::Result<Box<dyn Write + Send>> {
        match self {
            Disk::Folder(_) => Ok(Box::new(File::create(path)?)),
            Disk::Memory(memory) => {
                let contents = Contents::default();
                lock(&memory.files).insert(path.to_owned(), Arc::clone(&contents));
                Ok(Box::new(MemoryFile(contents)))
            }
        }
    }

    fn connect(&self, file: &str, flags: OpenFlags) -> rusqlite::Result<Connection> {
        let path = self.path(file);
        match self {
            Disk::Folder(_) => Connection::open_with_flags(path, flags),
            Disk::Memory(_) => {
                let name = format!("file:{}?vfs=memdb", path.display());
                Connection::open_with_flags(name, flags | OpenFlags::SQLITE_OPEN_URI)
            }
        }
    }
}

impl Durability {
    /// Writes `connection` so from now on, with a write-ahead log.
    pub(super) fn set(self, connection: &Connection) -> rusqlite::Result<()> {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        let synchronous = match self {
            Durability::Full => "FULL",
            Durability::Normal => "NORMAL",
        };
        connection.pragma_update(None, "synchronous", synchronous)
    }
}

impl Memory {
    /// An empty disk.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), files: Mutex::default() }
    }

    /// What a file holds; nothing where it was never made.
    pub fn read(&self, path: &Path) -> Vec<u8> {
        let contents = lock(&self.files).get(path).cloned();
        contents.map(|contents| lock(&contents).clone()).unwrap_or_default()
    }
}

/// A file in memory that is being written.
struct MemoryFile(Contents);

impl Write for MemoryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes are appended whole: a thread that died holding the lock left nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
