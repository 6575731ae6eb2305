//! Devices as data: what a device offers, where it stands on the wire, and what it lets itself be told.
//!
//! A definition is a TOML file; the ones that ship are embedded, a user's own file is loaded with [`from_toml`]. Files
//! are checked as a whole ([`check`]): an unknown key, a wrong type, an unknown canonical name, an impossible address or
//! unit is refused with the file, the key and what was expected. The sign convention of the house (grid import +,
//! battery discharge +) is made here, per point, and nowhere else.

/// How old samples may be.
pub mod ages;
/// What a definition must satisfy beyond its types.
pub mod check;
/// The rows of a definition file that say what a device lets itself be told.
pub mod control_rows;
/// Names of the user's own devices put into topics and texts.
pub mod parameters;
/// The rows of a definition file, as they are written.
pub mod rows;

mod catalog;

pub use catalog::{find, load_builtin};
pub use control_rows::{ControlRow, Write};
pub use rows::*;

use plant::decision::Control;
use plant::point::Point;
use plant::site::ControlRange;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A definition that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {key}: {why}")]
pub struct Error {
    /// The file, or the id of an embedded definition.
    pub file: String,
    /// The key, in the file's own path notation.
    pub key: String,
    /// What is wrong and what was expected.
    pub why: String,
}

/// A definition from the text of a TOML file. `file` is its name in messages.
pub fn from_toml(file: &str, text: &str) -> Result<Definition, Error> {
    let error = |key: String, why: String| Error { file: file.to_owned(), key, why };
    let table = toml::Deserializer::parse(text).map_err(|e| error("file".to_owned(), e.message().to_owned()))?;
    let definition: Definition = serde_path_to_error::deserialize(table).map_err(|e| {
        let key = e.path().to_string();
        error(key, e.into_inner().message().to_owned())
    })?;
    check::check(&definition).map_err(|fault| error(fault.key, fault.why))?;
    Ok(definition)
}

/// A definition from a user's own file.
pub fn from_file(path: &Path) -> Result<Definition, Error> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|e| Error {
        file: file.clone(),
        key: "file".to_owned(),
        why: format!("cannot be read: {e}"),
    })?;
    from_toml(&file, &text)
}

impl Definition {
    /// The canonical points it offers, those of every variant included.
    pub fn points(&self) -> BTreeSet<Point> {
        let rows = self.point.iter().map(|row| &row.name);
        let derived = self.derived.iter().map(|row| &row.name);
        rows.chain(derived).filter_map(|name| name.parse().ok()).collect()
    }

    /// What it lets itself be told, with bounds, as the site wants to know it.
    pub fn controls(&self) -> BTreeMap<Control, ControlRange> {
        self.control
            .iter()
            .map(|row| {
                let [min, max] = row.range.unwrap_or([0.0, 0.0]);
                let range = ControlRange { min, max, min_interval: row.min_interval(), keep_alive: row.keep_alive() };
                (row.name, range)
            })
            .collect()
    }

    /// Whether the device is reached over this transport (`tcp`, `rtu`, `rtu+tcp`, `mqtt`).
    pub fn speaks(&self, transport: &str) -> bool {
        self.transport.iter().any(|known| known == transport)
    }
}

#[cfg(test)]
mod tests;
