//! The second copy of the running state: a small file that is written in place, after `state.db`.
//!
//! ```text
//! heatmine-state 1 <SHA-256 of the text> <bytes that follow>
//! <the text as JSON, deflated>
//! ```
//!
//! A power cut may leave half of it: `state.db`, written before it, is whole then. Rot in `state.db` leaves this one. Written in
//! place it costs a page each time; deflated, 3 kB of running state are half of that.

use super::{Disk, sha256};
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use plant::checkpoint::Checkpoint;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// What it begins with: its name and version.
const HEAD: &str = "heatmine-state 1";
/// The most that is read, packed and unpacked.
const SIZE_MAX: u64 = 1 << 20;

/// The file, if the disk is a folder; memory keeps no copies.
#[derive(Debug)]
pub(super) struct Copy {
    path: PathBuf,
    kept: bool,
    file: Option<File>,
    /// Whether it could not be written the last time.
    failing: bool,
}

impl Copy {
    /// The copy of the database `file`.
    pub(super) fn beside(disk: &Disk, file: &str) -> Self {
        let path = disk.path(&file.replace(".db", ".copy"));
        Self { path, kept: matches!(disk, Disk::Folder(_)), file: None, failing: false }
    }

    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds, where that is whole.
    pub(super) fn read(&self) -> Option<Checkpoint> {
        let mut bytes = Vec::new();
        File::open(&self.path).ok()?.take(SIZE_MAX).read_to_end(&mut bytes).ok()?;
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let (head, rest) = bytes.split_at_checked(end + 1)?;
        let head = str::from_utf8(head).ok()?.strip_prefix(HEAD)?;
        let (sum, length) = head.trim().split_once(' ')?;
        let packed = rest.get(..length.parse().ok()?)?;
        let mut body = String::new();
        ZlibDecoder::new(packed).take(SIZE_MAX).read_to_string(&mut body).ok()?;
        (sum == sha256(&body)).then_some(())?;
        serde_json::from_str(&body).ok()
    }

    /// Writes it to the disk itself. Where that fails it is logged once: the first copy is there.
    pub(super) fn write(&mut self, body: &str) {
        if !self.kept {
            return;
        }
        let written = self.replace(body);
        if let (Err(error), false) = (&written, self.failing) {
            tracing::warn!(%error, copy = %self.path.display(), "the copy of the running state cannot be written");
        }
        self.failing = written.is_err();
    }

    fn replace(&mut self, body: &str) -> io::Result<()> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(body.as_bytes())?;
        let packed = encoder.finish()?;
        let mut bytes = format!("{HEAD} {} {}\n", sha256(body), packed.len()).into_bytes();
        bytes.extend(packed);
        let file = match self.file.take() {
            Some(file) => file,
            None => File::options().write(true).create(true).truncate(false).open(&self.path)?,
        };
        file.write_all_at(&bytes, 0)?;
        file.sync_data()?;
        self.file = Some(file);
        Ok(())
    }
}
