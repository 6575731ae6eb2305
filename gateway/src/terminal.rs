//! Standard output. Who reads it may have seen enough (`| head`): that is for the caller to know, and ends no gateway.

use std::fmt::Display;
use std::io::{Result, Write, stdout};

/// Prints a text as it is.
pub fn print(text: impl Display) -> Result<()> {
    let mut out = stdout().lock();
    write!(out, "{text}")?;
    out.flush()
}

/// Prints a line for whoever looks; nobody has to.
pub fn say(words: impl Display) {
    let _ = print(format_args!("{words}\n"));
}
