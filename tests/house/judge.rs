//! The judge beside the checkout (`../shared/judge`): houses that somebody else simulates, played by the built binary.

use crate::peer::{binary, workspace};
use anyhow::{Result, ensure};
use std::process::Command;

/// What `tests/bench/{script}` says when it plays the built binary with `arguments`; `None`, with a word on why, where the judge or the
/// Python that runs it is not there. An error when the script fails.
pub(crate) fn plays(script: &str, options: &[&str], arguments: &[&str]) -> Result<Option<String>> {
    let judge = workspace().join("../shared/judge");
    if !judge.is_dir() {
        eprintln!("SKIPPED: the judge is not in ../shared");
        return Ok(None);
    }
    let python = workspace().join(".cache/peers/bin/python");
    if !python.exists() {
        eprintln!("SKIPPED: the Python peers are not in .cache/peers (./run setup installs them)");
        return Ok(None);
    }
    let table = Command::new(python)
        .arg(workspace().join("tests/bench").join(script))
        .args(options)
        .args([judge.as_os_str(), binary()?.as_os_str()])
        .args(arguments)
        .output()?;
    let said = [&table.stdout, &table.stderr].map(|text| String::from_utf8_lossy(text).into_owned()).concat();
    eprintln!("{said}");
    ensure!(table.status.success(), "{said}");
    Ok(Some(said))
}
