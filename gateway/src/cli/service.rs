//! `heatmine service`: a unit for systemd, printed and not installed.
//!
//! Terms. The *watchdog* ends a process that gives no sign of life for [`WATCHDOG_S`]; the control loop gives them, so that a loop
//! that hangs is started again. That is long after its leases have let go of the devices. The *state directory* is the only place
//! that the service may write to; systemd names it to HeatMine, which keeps its data there unless the file names another place.

use super::{Failure, Outcome, print_text};
use crate::config;
use clap::Args;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Without a sign of life for this many seconds it is ended and started again.
const WATCHDOG_S: u32 = 90;
/// Seconds that it may take to stop: the slowest device is given back within 60.
const STOP_S: u32 = 90;
/// Who may use serial ports, on Debian and elsewhere, and graphics cards to compute on; of each row the first that there is.
const GROUPS: [&[&str]; 3] = [&["dialout", "uucp"], &["render"], &["video"]];
/// Where a service sees nothing if homes are hidden from it.
const HOMES: [&str; 3] = ["/home", "/root", "/run/user"];

/// Arguments of `heatmine service`.
#[derive(Debug, Args)]
pub(super) struct Service {
    /// The configuration.
    #[arg(default_value = "/etc/heatmine/heatmine.toml")]
    file: PathBuf,
    /// The user it runs as; one that systemd makes for it where not given.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
}

impl Service {
    /// Prints the unit.
    pub(super) fn run(self) -> Outcome {
        let absolute = |path: &Path| {
            std::path::absolute(path)
                .map_err(|error| Failure::new(Failure::USAGE, format!("{}: {error}", path.display())))
        };
        let program = std::env::current_exe().map_err(|error| {
            Failure::new(Failure::UNAVAILABLE, format!("the path of this program is unknown: {error}"))
        })?;
        let file = absolute(&self.file)?;
        let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
        let data = config::own_data_dir(&file);
        let unit = Unit {
            program,
            groups: GROUPS
                .into_iter()
                .filter_map(|row| row.iter().copied().find(|group| has(&groups, group)))
                .collect(),
            data,
            file,
            user: self.user,
        };
        print_text(unit.text())
    }
}

/// Whether a list of groups, as in /etc/group, has this one.
fn has(groups: &str, name: &str) -> bool {
    groups.lines().any(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(':')))
}

/// What differs from machine to machine.
struct Unit {
    program: PathBuf,
    file: PathBuf,
    user: Option<String>,
    groups: Vec<&'static str>,
    /// A data folder of the owner's own.
    data: Option<PathBuf>,
}

impl Unit {
    fn text(&self) -> String {
        let Self { program, file, user, groups, data } = self;
        let (program, path) = (quoted(program), quoted(file));
        let mut text = format!(
            "# HeatMine as a service of systemd. To install it:
#
#   heatmine service {path} | sudo tee /etc/systemd/system/heatmine.service
#   sudo systemctl daemon-reload && sudo systemctl enable --now heatmine
#
# Its data lie in /var/lib/heatmine, unless [data] dir in the configuration names another folder.
[Unit]
Description=HeatMine, the energy gateway
Documentation={}
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart={program} run --setup {path}
Restart=always
RestartSec=5
# Wrong arguments: starting again would not help.
RestartPreventExitStatus=64
# The control loop gives a sign of life; one that hangs is ended, with its devices given back, and started again.
WatchdogSec={WATCHDOG_S}
WatchdogSignal=SIGTERM
# Every device is given back its own control first.
TimeoutStopSec={STOP_S}
KillMode=mixed
# An engine that takes too much memory ends alone, and is started again by HeatMine.
OOMPolicy=continue
",
            env!("CARGO_PKG_REPOSITORY"),
        );
        let who = match user {
            Some(user) => format!("User={user}"),
            None => "DynamicUser=yes".to_owned(),
        };
        let homes = [program.as_str(), path.as_str()].iter().any(|path| HOMES.iter().any(|home| below(path, home)));
        let homes = if homes { "read-only" } else { "yes" };
        let _ = write!(
            text,
            "
{who}
StateDirectory=heatmine
StateDirectoryMode=0700
WorkingDirectory=%S/heatmine
UMask=0077
ProtectHome={homes}
"
        );
        if let Some(data) = data {
            let _ = writeln!(text, "ReadWritePaths=-{}", quoted(data));
        }
        if !groups.is_empty() {
            let _ = writeln!(text, "SupplementaryGroups={}", groups.join(" "));
        }
        text + RIGHTS
    }
}

/// A path in a unit file.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string().replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
    if text.contains(char::is_whitespace) { format!("\"{text}\"") } else { text }
}

fn below(path: &str, folder: &str) -> bool {
    path.trim_start_matches('"').strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// The fewest rights that reading devices and computing take.
const RIGHTS: &str = "ProtectSystem=strict
PrivateTmp=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectProc=invisible
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
LockPersonality=yes
RemoveIPC=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
# Devices, broker and page over IP; systemd and the name service over local sockets; the list of addresses over netlink.
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
# Serial ports and graphics cards, nothing else. MemoryDenyWriteExecute is left out: a card's driver compiles at run time.
DevicePolicy=closed
DeviceAllow=char-ttyUSB rw
DeviceAllow=char-ttyACM rw
DeviceAllow=char-ttyAMA rw
DeviceAllow=char-ttyS rw
DeviceAllow=char-drm rw
DeviceAllow=char-nvidia* rw
DeviceAllow=/dev/kfd rw

[Install]
WantedBy=multi-user.target
";

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(program: &str, file: &str) -> Unit {
        let (program, file) = (program.into(), file.into());
        Unit { program, file, user: None, groups: vec!["dialout", "render"], data: None }
    }

    #[test]
    fn a_unit_starts_this_program_and_hides_homes_unless_something_lies_there() {
        let text = unit("/usr/bin/heatmine", "/etc/heatmine/heatmine.toml").text();
        for line in [
            "ExecStart=/usr/bin/heatmine run --setup /etc/heatmine/heatmine.toml",
            "Type=notify",
            "WatchdogSec=90",
            "Restart=always",
            "TimeoutStopSec=90",
            "DynamicUser=yes",
            "ProtectHome=yes",
            "SupplementaryGroups=dialout render",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        let text = Unit { user: Some("ada".into()), ..unit("/home/ada/my bin/heatmine", "/etc/a.toml") }.text();
        for line in
            ["ExecStart=\"/home/ada/my bin/heatmine\" run --setup /etc/a.toml", "User=ada", "ProtectHome=read-only"]
        {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        assert!(!text.contains("DynamicUser"));
    }

    #[test]
    fn only_groups_that_are_there_are_asked_for() {
        let groups = "root:x:0:\ndialout:x:20:\nvideos:x:44:\n";
        assert!(has(groups, "dialout") && !has(groups, "video") && !has(groups, "render"));
    }
}
