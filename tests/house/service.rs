//! HeatMine as a service of systemd: the unit that it prints, and the messages that it sends.

use crate::peer::{Process, binary, free_port, program};
use anyhow::{Context, Result, ensure};
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// How long a message may take on a machine that is busy with other things.
const LIMIT: Duration = Duration::from_secs(60);

fn unit() -> Result<String> {
    let output = Command::new(binary()?).args(["service", "/etc/heatmine/heatmine.toml"]).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

#[test]
fn the_unit_starts_this_very_program_in_setup_with_a_watchdog() -> Result<()> {
    let unit = unit()?;
    let program = binary()?.canonicalize()?;
    let start = format!("ExecStart={} run --setup /etc/heatmine/heatmine.toml", program.display());
    for line in [start.as_str(), "Type=notify", "WatchdogSec=90", "NoNewPrivileges=yes", "ProtectSystem=strict"] {
        ensure!(unit.lines().any(|found| found == line), "{line} is missing in\n{unit}");
    }
    Ok(())
}

#[test]
fn systemd_takes_the_unit() -> Result<()> {
    let Some(analyze) = program("systemd-analyze") else { return Ok(()) };
    let folder = TempDir::new()?;
    let file = folder.path().join("heatmine.service");
    std::fs::write(&file, unit()?)?;
    let output = Command::new(analyze).arg("verify").arg("--man=no").arg(&file).output()?;
    let words = String::from_utf8_lossy(&output.stderr);
    // What other units of this machine say is not ours to judge.
    let ours: Vec<&str> = words.lines().filter(|line| line.contains("heatmine")).collect();
    ensure!(ours.is_empty(), "{ours:#?}");
    Ok(())
}

/// The messages until the first that begins with `last`.
fn hear(systemd: &UnixDatagram, last: &str) -> Result<Vec<String>> {
    let (mut heard, mut buffer) = (Vec::new(), [0; 4096]);
    while heard.last().is_none_or(|message: &String| !message.starts_with(last)) {
        let length = systemd.recv(&mut buffer).with_context(|| format!("waited for {last} after {heard:?}"))?;
        heard.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
    }
    Ok(heard)
}

#[tokio::test]
async fn systemd_hears_that_it_is_ready_that_its_loop_goes_on_and_that_it_stops() -> Result<()> {
    let meter = "[[device]]\nname = \"meter\"\ntype = \"em24\"\naddress = \"tcp://127.0.0.1:1\"\n";
    for (devices, status) in [(meter, "runs"), ("", "waits for its configuration")] {
        let folder = TempDir::new()?;
        let systemd = UnixDatagram::bind(folder.path().join("notify"))?;
        systemd.set_read_timeout(Some(LIMIT))?;
        let file = folder.path().join("heatmine.toml");
        let port = free_port()?;
        let text = format!(
            "[http]\nlisten = \"127.0.0.1:{port}\"\n[worker]\nlisten = \"127.0.0.1:0\"\n[compute]\nmax_w = 200\n{devices}"
        );
        std::fs::write(&file, text)?;
        let mut command = Command::new(binary()?);
        command
            .args(["run", "--setup"])
            .arg(&file)
            .env("NO_COLOR", "1")
            .env("STATE_DIRECTORY", folder.path().join("state"));
        command.env("NOTIFY_SOCKET", folder.path().join("notify")).env("WATCHDOG_USEC", "4000000");
        let mut process = Process::start("heatmine run", command, &folder.path().join("log"))?;
        let ready = hear(&systemd, "READY=1")?;
        ensure!(ready.last().is_some_and(|message| message.contains(status)), "{ready:?}\n{}", process.tail());
        for _ in 0..3 {
            hear(&systemd, "WATCHDOG=1")?;
        }
        ensure!(folder.path().join("state/state.db").exists() != devices.is_empty(), "its data lie elsewhere");
        process.signal("TERM")?;
        hear(&systemd, "STOPPING=1")?;
        let end = process.stop().await?;
        ensure!(end.success(), "{end}\n{}", process.tail());
    }
    Ok(())
}

#[tokio::test]
async fn a_process_that_hangs_gives_no_sign_of_life() -> Result<()> {
    let folder = TempDir::new()?;
    let systemd = UnixDatagram::bind(folder.path().join("notify"))?;
    systemd.set_read_timeout(Some(LIMIT))?;
    let file = folder.path().join("heatmine.toml");
    std::fs::write(&file, format!("[http]\nlisten = \"127.0.0.1:{}\"\n[compute]\nmax_w = 200\n", free_port()?))?;
    let mut command = Command::new(binary()?);
    command.args(["run", "--setup"]).arg(&file).env("NO_COLOR", "1");
    command.env("NOTIFY_SOCKET", folder.path().join("notify")).env("WATCHDOG_USEC", "4000000");
    let process = Process::start("heatmine run", command, &folder.path().join("log"))?;
    hear(&systemd, "WATCHDOG=1")?;
    process.signal("STOP")?;
    systemd.set_read_timeout(Some(Duration::from_secs(1)))?;
    // What was on its way may still arrive.
    while systemd.recv(&mut [0; 4096]).is_ok() {}
    systemd.set_read_timeout(Some(Duration::from_secs(4)))?;
    let heard = systemd.recv(&mut [0; 4096]);
    process.signal("CONT")?;
    ensure!(heard.is_err(), "a frozen process says that it is alive");
    Ok(())
}
