//! A small file that is kept twice, for what must outlive a power cut and a rotten page: debts, commands in force, notices.
//!
//! - *copy*: `debts.json` and `debts.backup.json` hold the same. One is replaced after the other, each as a whole and synced, so
//!   that at every moment one of them is whole.
//! - *generation*: counts the writings. After a cut between the two copies one has 12 and the other 11; 12 is read.
//! - *checksum*: over version, generation and body. A copy that it does not fit is broken: it is set aside under a dated name, as
//!   `debts.json.broken-2026-11-29T10-00-00Z`, and the other one is read.
//! - *version*: the shape of the body. A copy of a newer shape is set aside as well, as `debts.json.newer-..`.
//!
//! ```text
//! {"version":1,"generation":12,"sha256":"..","body":{"debts":[..]}}
//! ```

use super::{Disk, sha256};
use crate::clock::wall_time;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io;

/// A file that is kept twice.
#[derive(Clone, Debug)]
pub struct Twice {
    disk: Disk,
    copies: [String; 2],
    version: u32,
    generation: u64,
}

/// What a file that is kept twice was found to hold.
#[derive(Debug)]
pub struct Found<T> {
    /// The file, to be written.
    pub file: Twice,
    /// The newest contents that can be read; `None` where there are none.
    pub body: Option<T>,
    /// What was set aside, a sentence for each copy.
    pub aside: Vec<String>,
}

/// What a copy holds beside its body.
#[derive(Serialize, Deserialize)]
struct Copy {
    version: u32,
    generation: u64,
    sha256: String,
    body: Value,
}

/// Why a copy is not read.
enum Fault {
    Broken(String),
    Newer(u32),
}

impl Twice {
    /// Reads `name.json` and `name.backup.json`, whose bodies have the shape `version`. What cannot be read is set aside.
    pub fn open<T: DeserializeOwned>(disk: &Disk, name: &str, version: u32) -> Found<T> {
        let copies = [format!("{name}.json"), format!("{name}.backup.json")];
        let mut file = Self { disk: disk.clone(), copies, version, generation: 0 };
        let (mut newest, mut aside) = (None, Vec::new());
        for copy in &file.copies {
            match file.read(copy) {
                Ok(Some((generation, body))) => {
                    if newest.as_ref().is_none_or(|(known, _)| *known < generation) {
                        newest = Some((generation, body));
                    }
                }
                Ok(None) => {}
                Err(fault) => aside.push(file.set_aside(copy, &fault)),
            }
        }
        let body = newest.map(|(generation, body)| {
            file.generation = generation;
            body
        });
        Found { file, body, aside }
    }

    /// Writes both copies; they are on the disk when this returns.
    ///
    /// # Errors
    /// One could not be written. The first one may hold `body` then.
    pub fn write<T: Serialize>(&mut self, body: &T) -> io::Result<()> {
        let body = serde_json::to_value(body)?;
        let generation = self.generation + 1;
        let sha256 = checksum(self.version, generation, &body);
        let text = serde_json::to_vec(&Copy { version: self.version, generation, sha256, body })?;
        self.generation = generation;
        self.copies.iter().try_for_each(|copy| self.disk.replace(copy, &text))
    }

    /// The same on a thread that may wait for the disk.
    ///
    /// # Errors
    /// As of [`write`](Self::write).
    pub async fn write_aside<T: Serialize + Send + 'static>(&mut self, body: T) -> io::Result<()> {
        let mut file = self.clone();
        let work = tokio::task::spawn_blocking(move || {
            let result = file.write(&body);
            (file, result)
        });
        let (file, result) = work.await.map_err(io::Error::other)?;
        *self = file;
        result
    }

    fn read<T: DeserializeOwned>(&self, copy: &str) -> Result<Option<(u64, T)>, Fault> {
        let broken = |why: String| Fault::Broken(why);
        let Some(bytes) = self.disk.read(copy).map_err(|error| broken(error.to_string()))? else { return Ok(None) };
        let read: Copy = serde_json::from_slice(&bytes).map_err(|error| broken(error.to_string()))?;
        if checksum(read.version, read.generation, &read.body) != read.sha256 {
            return Err(broken("its checksum does not fit".to_owned()));
        }
        if read.version > self.version {
            return Err(Fault::Newer(read.version));
        }
        let body = serde_json::from_value(read.body).map_err(|error| broken(error.to_string()))?;
        Ok(Some((read.generation, body)))
    }

    /// Sets a copy aside; returns the sentence about it.
    fn set_aside(&self, copy: &str, fault: &Fault) -> String {
        let (mark, what) = match fault {
            Fault::Broken(why) => ("broken", format!("is broken ({why})")),
            Fault::Newer(version) => (
                "newer",
                format!("is of version {version}, which a newer HeatMine wrote; this one knows {}", self.version),
            ),
        };
        let path = self.disk.path(copy);
        let date = wall_time().format("%Y-%m-%dT%H-%M-%SZ");
        let sentence = match self.disk.set_aside(copy, &format!("{mark}-{date}")) {
            Ok(aside) => format!("{} {what}; it was set aside as {}", path.display(), aside.display()),
            Err(error) => format!("{} {what}, and could not be set aside: {error}", path.display()),
        };
        tracing::warn!(sentence, "a file cannot be read");
        sentence
    }
}

fn checksum(version: u32, generation: u64, body: &Value) -> String {
    sha256(&format!("{version} {generation} {body}"))
}

#[cfg(test)]
#[path = "twice_test.rs"]
mod tests;
