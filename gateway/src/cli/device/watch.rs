//! `heatmine device watch`: what changes, as the gateway itself would hear of it.

use super::{Target, number};
use crate::cli::{Failure, Outcome, print_line, run, runtime};
use crate::clock::wall_time;
use clap::Args;
use drivers::debt::Debts;
use drivers::device::{self, Channels, DeviceConfig, Report};
use drivers::lease::Wanted;
use drivers::pace::Pace;
use plant::point::Point;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// Arguments of `heatmine device watch`.
#[derive(Debug, Args)]
pub(super) struct Watch {
    #[command(flatten)]
    target: Target,
    /// Time between two readings, as 2s.
    #[arg(long, value_name = "DURATION", value_parser = run::duration)]
    interval: Option<Duration>,
    /// How long to watch, as 30s, 10m or 2h; until Ctrl-C where not given.
    #[arg(long = "for", value_name = "DURATION", value_parser = run::duration)]
    duration: Option<Duration>,
}

impl Watch {
    /// Watches.
    pub(super) fn run(self, json: bool) -> Outcome {
        let device = self.target.find(self.interval)?;
        if !json {
            print_line(format_args!("{} at {}; Ctrl-C ends.", device.definition.id, device.address))?;
        }
        runtime()?.block_on(watch(device, self.duration, json))
    }
}

async fn watch(device: DeviceConfig, duration: Option<Duration>, json: bool) -> Outcome {
    let shutdown = CancellationToken::new();
    let (sender, mut reports) = mpsc::channel(16);
    let (_wanted, received) = watch::channel(Wanted::default());
    let (leases, _) = watch::channel(Vec::new());
    let channels = Channels { reports: sender, wanted: received, leases, debts: Debts::unkept(Vec::new()) };
    let task = tokio::spawn(device::run(device, Pace::default(), channels, shutdown.clone()));
    let end = async {
        match duration {
            Some(duration) => tokio::time::sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(end);
    let mut seen = Seen::default();
    let mut printed = Ok(());
    while printed.is_ok() {
        tokio::select! {
            report = reports.recv() => match report {
                Some(report) => printed = seen.take(report, json),
                None => break,
            },
            _ = tokio::signal::ctrl_c() => break,
            () = &mut end => break,
        }
    }
    shutdown.cancel();
    let _ = task.await;
    printed?;
    match seen.why {
        Some(why) if seen.values.is_empty() => Err(Failure::new(Failure::UNAVAILABLE, why)),
        Some(_) | None => Ok(()),
    }
}

/// What was printed last.
#[derive(Default)]
struct Seen {
    values: BTreeMap<Point, Option<f64>>,
    why: Option<String>,
}

impl Seen {
    fn take(&mut self, report: Report, json: bool) -> Outcome {
        match report {
            Report::Values { values, .. } => {
                self.why = None;
                for (point, value) in values {
                    if self.values.insert(point, value) != Some(value) {
                        print_value(point, value, json)?;
                    }
                }
            }
            Report::Unavailable { why, .. } => {
                if self.why.as_ref() != Some(&why) {
                    print_failure(&why, json)?;
                }
                self.values.values_mut().for_each(|value| *value = None);
                self.why = Some(why);
            }
            Report::Applied { .. } => {}
        }
        Ok(())
    }
}

fn print_value(point: Point, value: Option<f64>, json: bool) -> Outcome {
    let at = wall_time();
    if json {
        let value = serde_json::json!({"at": at, "point": point.name(), "value": value, "unit": point.unit()});
        return print_line(value);
    }
    let value = value.map_or("no value".to_owned(), |value| format!("{:>12} {}", number(value), point.unit()));
    print_line(format_args!("{}  {:<30} {value:>12}", at.format("%H:%M:%SZ"), point.name()))
}

fn print_failure(why: &str, json: bool) -> Outcome {
    let at = wall_time();
    if json {
        print_line(serde_json::json!({"at": at, "unavailable": why}))
    } else {
        print_line(format_args!("{}  cannot be read: {why}", at.format("%H:%M:%SZ")))
    }
}
