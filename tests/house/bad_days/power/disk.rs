//! A data folder on a disk that forgets what was not synced. `shim.c`, preloaded into the gateway, has the model; here the power
//! is cut.
//!
//! A cut begins with signal 9. What the folder then holds is what was written, the page cache; what the disk below it holds is what
//! was synced. Two kinds of cut make one of them:
//!
//! - *strict*: the folder becomes what was synced. Nothing else survives.
//! - *torn*: a disk writes what it likes in the sequence that it likes. Of what was written and not synced, each name and each page
//!   of 4096 bytes survives or not, by chance; so does each new length, and what lies between is zero.
//!
//! In numbers: of a log of 3 synced pages and 2 more, a strict cut leaves 3; a torn one leaves 3, or 5 of which the fourth is the
//! old one, zeros here, and the fifth new.

use super::chance::Chance;
use anyhow::{Context, Result, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

/// What a disk writes at once.
const PAGE: usize = 4096;
/// The model.
const SHIM: &str = include_str!("shim.c");

/// A folder and the disk below it.
pub(super) struct Disk {
    folder: PathBuf,
    disk: PathBuf,
    shim: PathBuf,
}

/// A file by inode and time of birth, as the shim names it.
type Identity = String;
/// The files of a tree by their path in it.
type Names = BTreeMap<PathBuf, Identity>;

impl Disk {
    /// A disk for `folder`, all of whose contents are synced; what it needs lies in `beside`.
    pub(super) fn new(folder: &Path, beside: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let (source, shim) = (beside.join("shim.c"), beside.join("shim.so"));
        fs::create_dir_all(beside)?;
        fs::write(&source, SHIM)?;
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).args([&shim, &source]).args(["-ldl"]);
        let output = compiler.output().context("cc, which compiles SQLite too")?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let disk = Self { folder: folder.canonicalize()?, disk: beside.canonicalize()?.join("disk"), shim };
        disk.remember()?;
        Ok(disk)
    }

    /// The environment of a program whose writes it sees.
    pub(super) fn environment(&self) -> Vec<(String, String)> {
        let text = |path: &Path| path.display().to_string();
        let variables = [
            ("LD_PRELOAD", text(&self.shim)),
            ("HEATMINE_POWER_FOLDER", text(&self.folder)),
            ("HEATMINE_POWER_DISK", text(&self.disk)),
        ];
        variables.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }

    /// Bytes that the program has written to files of the folder, over all of its lives.
    pub(super) fn written(&self) -> Result<u64> {
        match fs::read(self.disk.join("written")) {
            Ok(bytes) => Ok(u64::from_ne_bytes(bytes.try_into().ok().context("a count of 8 bytes")?)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// Cuts the power: the folder becomes what was synced, and by `chance` some of what was not. Whoever wrote there is dead.
    pub(super) fn cut(&self, chance: Option<&mut Chance>) -> Result<()> {
        let synced = names(&self.disk.join("names"))?;
        let known: BTreeMap<Identity, Identity> = contents(&self.disk)?;
        let synced: Names =
            synced.into_iter().map(|(path, link)| (path, known.get(&link).cloned().unwrap_or(link))).collect();
        let left = match chance {
            None => self.strict(&synced)?,
            Some(chance) => self.torn(&synced, chance)?,
        };
        clear(&self.folder)?;
        for (path, bytes) in left {
            write(&self.folder.join(path), &bytes)?;
        }
        self.remember()
    }

    /// Takes everything in the folder for synced.
    pub(super) fn remember(&self) -> Result<()> {
        let written = fs::read(self.disk.join("written")).ok();
        fs::create_dir_all(&self.disk)?;
        clear(&self.disk)?;
        for folder in ["contents", "names"] {
            fs::create_dir_all(self.disk.join(folder))?;
        }
        if let Some(written) = written {
            fs::write(self.disk.join("written"), written)?;
        }
        for (path, identity) in names(&self.folder)? {
            let contents = self.disk.join("contents").join(identity);
            fs::copy(self.folder.join(&path), &contents)?;
            let name = self.disk.join("names").join(path);
            fs::create_dir_all(name.parent().context("a folder")?)?;
            fs::hard_link(contents, name)?;
        }
        Ok(())
    }

    fn strict(&self, synced: &Names) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
        let read = |(path, identity): (&PathBuf, &Identity)| Ok((path.clone(), self.synced(identity)?));
        synced.iter().map(read).collect()
    }

    fn torn(&self, synced: &Names, chance: &mut Chance) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
        let live = names(&self.folder)?;
        let (mut left, mut blended) = (BTreeMap::new(), BTreeMap::<Identity, Vec<u8>>::new());
        let paths: BTreeSet<&PathBuf> = synced.keys().chain(live.keys()).collect();
        for path in paths {
            let newer = chance.coin();
            let Some(identity) = (if newer { live.get(path) } else { synced.get(path) }) else { continue };
            if !blended.contains_key(identity) {
                let old = self.synced(identity)?;
                let place = live.iter().find(|(_, known)| *known == identity).map(|(place, _)| self.folder.join(place));
                let new = place.map_or_else(|| Ok(old.clone()), fs::read)?;
                blended.insert(identity.clone(), blend(&old, &new, chance));
            }
            left.insert(path.clone(), blended[identity].clone());
        }
        Ok(left)
    }

    /// What is synced of a file's contents: nothing where it never was.
    fn synced(&self, identity: &str) -> Result<Vec<u8>> {
        match fs::read(self.disk.join("contents").join(identity)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            read => Ok(read?),
        }
    }
}

/// Each page is the old one or the new one, and so is the length: what was cut off and is there all the same is what it was.
fn blend(old: &[u8], new: &[u8], chance: &mut Chance) -> Vec<u8> {
    let page = |of: &[u8], at: usize| of.get(at..(at + PAGE).min(of.len())).unwrap_or_default().to_vec();
    let length = if chance.coin() { new.len() } else { old.len() };
    let mut blended = Vec::new();
    for at in (0..length).step_by(PAGE) {
        let (mut left, newer) = (page(old, at), page(new, at));
        left.resize(PAGE, 0);
        if chance.coin() {
            left[..newer.len()].copy_from_slice(&newer);
        }
        blended.extend(left);
    }
    blended.truncate(length);
    blended
}

/// The files in a tree, but SQLite's index, which it makes anew.
fn names(root: &Path) -> Result<Names> {
    let (mut found, mut open) = (Names::new(), vec![root.to_path_buf()]);
    while let Some(folder) = open.pop() {
        for entry in folder.read_dir().with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            let about = path.symlink_metadata()?;
            if about.is_dir() {
                open.push(path);
            } else if about.is_file() && !path.to_string_lossy().ends_with("-shm") {
                found.insert(path.strip_prefix(root)?.to_path_buf(), identity(&about));
            }
        }
    }
    Ok(found)
}

/// The identities of the files whose contents are synced, by those of the copies.
fn contents(disk: &Path) -> Result<BTreeMap<Identity, Identity>> {
    let copies = names(&disk.join("contents"))?.into_iter();
    let copies = copies.map(|(path, copy)| (copy, path.to_string_lossy().into_owned()));
    Ok(copies.filter(|(_, name)| !name.starts_with("naming")).collect())
}

fn identity(about: &fs::Metadata) -> Identity {
    let born = about.created().ok().and_then(|born| born.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    format!("{}-{}.{:09}", about.ino(), born.as_secs(), born.subsec_nanos())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::create_dir_all(path.parent().context("a folder")?)?;
    Ok(fs::write(path, bytes)?)
}

fn clear(folder: &Path) -> Result<()> {
    for entry in folder.read_dir()? {
        let path = entry?.path();
        if path.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
    }
    Ok(())
}

#[cfg(test)]
#[path = "disk_test.rs"]
mod tests;
