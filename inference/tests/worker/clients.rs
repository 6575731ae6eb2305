//! Clients that others have written: the `openai` and `ollama` packages for Python.

use crate::bench::Bench;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;

/// A Python that has both packages; says so where there is none.
async fn python() -> Option<PathBuf> {
    let named = std::env::var_os("HEATMINE_PYTHON").filter(|name| !name.is_empty()).map(PathBuf::from);
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.cache/peers/bin/python");
    let python = named.unwrap_or(usual);
    let imported = Command::new(&python).args(["-c", "import openai, ollama"]).output().await;
    let there = imported.is_ok_and(|output| output.status.success());
    if !there {
        eprintln!("SKIPPED: {} has no packages openai and ollama (./run setup installs them)", python.display());
    }
    there.then_some(python)
}

#[tokio::test]
async fn published_clients_are_content() {
    let Some(python) = python().await else { return };
    let Some(bench) = Bench::start(|_| {}).await else { return };
    let mut script = Command::new(python);
    script.args(["-c", include_str!("clients.py")]).arg(&bench.worker.url);
    // A proxy of the machine's owner is not asked for the loopback interface.
    script.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1").kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(240), script.output()).await.unwrap().unwrap();
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{wrong}");
    eprintln!("{said}");
}
