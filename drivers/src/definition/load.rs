//! A definition file read and checked as a whole.

use super::check;
use super::rows::Definition;
use crate::error::Error;
use std::path::Path;

/// A definition from the text of a TOML file. `file` is its name in messages.
///
/// # Errors
/// The first key that is unknown, of a wrong type, or impossible.
pub fn from_toml(file: &str, text: &str) -> Result<Definition, Error> {
    let error = |key: String, why: String| Error::Definition { file: file.to_owned(), key, why };
    let table = toml::Deserializer::parse(text).map_err(|e| error("file".to_owned(), e.message().to_owned()))?;
    let definition: Definition = serde_path_to_error::deserialize(table).map_err(|e| {
        let key = e.path().to_string();
        error(key, e.into_inner().message().to_owned())
    })?;
    check::check(&definition).map_err(|wrong| error(wrong.key, wrong.why))?;
    Ok(definition)
}

/// A definition from a user's own file.
///
/// # Errors
/// The file cannot be read, or as for [`from_toml`].
pub fn from_file(path: &Path) -> Result<Definition, Error> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|e| Error::Definition {
        file: file.clone(),
        key: "file".to_owned(),
        why: format!("cannot be read: {e}"),
    })?;
    from_toml(&file, &text)
}
