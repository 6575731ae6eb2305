//! A definition file read and checked as a whole.

use super::check;
use super::rows::Definition;
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
