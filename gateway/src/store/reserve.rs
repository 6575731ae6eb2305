//! Room for a start on a full disk: half a megabyte that is kept for it.
//!
//! SQLite needs some room to open even what it only reads. Where there is none, the reserve is deleted, the house starts, and what
//! it books waits until somebody makes room. The next start that finds room keeps some again.

use super::Disk;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// The reserve.
const FILE: &str = "reserve";
/// Its size, in bytes: each of four databases takes 32 kB to open, and some to write.
const SIZE: usize = 512 << 10;

impl Disk {
    /// Keeps room for a start on a full disk, as far as there is any.
    pub fn keep_reserve(&self) {
        let Disk::Folder(folder) = self else { return };
        let path = folder.join(FILE);
        if fs::metadata(&path).is_ok_and(|file| file.len() >= SIZE as u64) {
            return;
        }
        if let Err(error) = fill(&path) {
            let _ = fs::remove_file(&path);
            tracing::warn!(%error, "no room could be kept for a start on a full disk");
        }
    }

    /// Gives the room back; `false` where there is none.
    pub(super) fn give_reserve(&self) -> bool {
        let given = matches!(self, Disk::Folder(folder) if fs::remove_file(folder.join(FILE)).is_ok());
        if given {
            tracing::warn!("the disk is full; the room that is kept for a start was given");
        }
        given
    }
}

fn fill(path: &Path) -> io::Result<()> {
    let mut file = File::create(path)?;
    // Nothing that a file system stores as a hole.
    file.write_all(&vec![0x5a; SIZE])?;
    file.sync_all()
}
