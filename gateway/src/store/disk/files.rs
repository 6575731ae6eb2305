//! Small files of a disk: read whole, replaced whole, set aside.
//!
//! A file is replaced in four steps: its new contents are written beside it, synced, renamed over it, and the folder is synced.
//! A power cut at any moment leaves the old contents or the new ones, never half of them; when the call returns, the new ones.

use super::{Contents, Disk, lock};
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// Rights of a file: as far as the user's mask lets everybody, and its owner alone.
const EVERYBODY: u32 = 0o666;
const OWNER: u32 = 0o600;

impl Disk {
    /// Whether the file is there, readable or not.
    pub fn holds(&self, file: &str) -> bool {
        match self {
            Disk::Folder(folder) => folder.join(file).exists(),
            Disk::Memory(memory) => lock(&memory.files).contains_key(&self.path(file)),
        }
    }

    /// What a file holds; nothing where there is none.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub fn read(&self, file: &str) -> io::Result<Option<Vec<u8>>> {
        match self {
            Disk::Folder(folder) => match std::fs::read(folder.join(file)) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            },
            Disk::Memory(memory) => {
                let contents = lock(&memory.files).get(&self.path(file)).cloned();
                Ok(contents.map(|contents| lock(&contents).clone()))
            }
        }
    }

    /// Replaces what a file holds; it is on the disk when this returns.
    ///
    /// # Errors
    /// It could not be written; the file holds what it held.
    pub fn replace(&self, file: &str, bytes: &[u8]) -> io::Result<()> {
        self.replace_as(file, bytes, EVERYBODY)
    }

    /// The same of a file that nobody else on this machine may read.
    ///
    /// # Errors
    /// As of [`replace`](Self::replace).
    pub(in crate::store) fn replace_secret(&self, file: &str, bytes: &[u8]) -> io::Result<()> {
        self.replace_as(file, bytes, OWNER)
    }

    fn replace_as(&self, file: &str, bytes: &[u8], mode: u32) -> io::Result<()> {
        match self {
            Disk::Folder(folder) => {
                let (path, beside) = (folder.join(file), folder.join(format!("{file}.new")));
                // A file that is left of another time has rights of its own.
                let _ = std::fs::remove_file(&beside);
                let written = write_synced(&beside, bytes, mode).and_then(|()| std::fs::rename(&beside, &path));
                if written.is_err() {
                    // A full disk gets its room back.
                    let _ = std::fs::remove_file(&beside);
                }
                written?;
                File::open(folder)?.sync_all()
            }
            Disk::Memory(memory) => {
                let contents: Contents = Arc::new(Mutex::new(bytes.to_vec()));
                lock(&memory.files).insert(self.path(file), contents);
                Ok(())
            }
        }
    }

    /// Renames a file to `file.mark`, so that nobody reads it by mistake and nothing of it is lost; returns where it lies now.
    ///
    /// # Errors
    /// It could not be renamed.
    pub fn set_aside(&self, file: &str, mark: &str) -> io::Result<PathBuf> {
        let aside = format!("{file}.{mark}");
        match self {
            Disk::Folder(folder) => {
                std::fs::rename(folder.join(file), folder.join(&aside))?;
                File::open(folder)?.sync_all()?;
            }
            Disk::Memory(memory) => {
                let mut files = lock(&memory.files);
                if let Some(contents) = files.remove(&self.path(file)) {
                    files.insert(self.path(&aside), contents);
                }
            }
        }
        Ok(self.path(&aside))
    }
}

fn write_synced(path: &PathBuf, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = File::options().write(true).create(true).truncate(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
