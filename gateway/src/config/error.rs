//! What is wrong with a configuration: every mistake found, each with file, line, key, value and what was expected.

use std::fmt;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Line and column in the file, counted from one, where they are known.
    pub place: Option<Place>,
    /// The key, as `battery.reserve_percent` or `device[0].unit`; empty for the file as a whole.
    pub key: String,
    /// The value, as written; a secret shows as asterisks, absence as `None`.
    pub value: Option<String>,
    /// What is wrong and what was expected.
    pub expected: String,
    /// The nearest known key.
    pub nearest: Option<String>,
}

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line, from one.
    pub line: usize,
    /// Column, from one.
    pub column: usize,
}

impl ConfigError {
    /// A mistake at `key`.
    pub fn new(key: impl Into<String>, value: Option<String>, expected: impl Into<String>) -> Self {
        Self { place: None, key: key.into(), value, expected: expected.into(), nearest: None }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.key.is_empty() {
            f.write_str(&self.key)?;
            if let Some(value) = &self.value {
                write!(f, " = {value}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.expected)?;
        match &self.nearest {
            Some(nearest) => write!(f, "; did you mean {nearest}?"),
            None => Ok(()),
        }
    }
}

/// Everything that is wrong with one file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors {
    /// The file.
    pub file: String,
    /// Whether the file could not be read at all.
    pub unreadable: bool,
    /// The mistakes, in the order of the file.
    pub errors: Vec<ConfigError>,
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            f.write_str(&self.file)?;
            if let Some(Place { line, column }) = error.place {
                write!(f, ":{line}:{column}")?;
            }
            write!(f, ": {error}")?;
        }
        Ok(())
    }
}
