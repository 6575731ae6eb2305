//! `heatmine simulate` and `heatmine replay`.

use super::progress::Progress;
use super::{Failure, Outcome, moment, print_json, print_line};
use crate::simulate::picture::pictures;
use crate::simulate::{Options, Service, Simulated, Source};
use crate::{config, replay, simulate};
use clap::Args;
use plant::time::Timestamp;
use plant::units::{Currency, EurPerKwh, KilowattHours};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Arguments of `heatmine simulate`.
#[derive(Debug, Args)]
pub(super) struct Simulate {
    /// The configuration; an outside simulator describes its own site.
    #[arg(required_unless_present = "world")]
    file: Option<PathBuf>,
    /// An outside simulator is the house: its lines come on standard input, the answers go to standard output.
    #[arg(long, value_name = "WHERE", value_parser = ["stdio"], conflicts_with_all = ["file", "trace", "from", "to"])]
    world: Option<String>,
    /// Quarter hours as CSV (also gzipped): time_utc, price_eur_mwh, pv_w_per_kwp, load_w, t_out_c, ghi_w_m2, dhw_w. Where it has them,
    /// these are what was expected: pv_forecast_w_per_kwp, t_out_forecast_c, ghi_forecast_w_m2.
    #[arg(long, value_name = "CSV", required_unless_present = "world")]
    trace: Option<PathBuf>,
    /// Only from this moment on, as 2024-06-01T00:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<Timestamp>,
    /// Only up to this moment.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    to: Option<Timestamp>,
    /// What the house is told of sun and weather ahead.
    #[arg(long, value_enum, default_value_t, conflicts_with = "world")]
    forecast: Source,
    /// Of the errors of the forecasts: the same seed gives the same errors.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, conflicts_with = "world")]
    seed: u64,
    /// Draw the months and a typical day of each season into this folder, as SVG.
    #[arg(long, value_name = "FOLDER", conflicts_with = "world")]
    pictures: Option<PathBuf>,
    /// Write the result into this file; to standard output where not given.
    #[arg(long, value_name = "JSON")]
    out: Option<PathBuf>,
    /// With `--world`: write HeatMine's own books at the end into this file, under the names of the simulator's result.
    #[arg(long, value_name = "JSON", requires = "world")]
    books: Option<PathBuf>,
    /// With `--world`: write the entries of the ledger into this file, one JSON object a line.
    #[arg(long, value_name = "JSONL", requires = "world")]
    ledger: Option<PathBuf>,
}

impl Simulate {
    /// Runs the simulation.
    pub(super) fn run(self) -> Outcome {
        let (Some(file), Some(trace)) = (&self.file, &self.trace) else { return self.play() };
        let loaded = config::load(file)?;
        let (standing, currency) = (loaded.site.work.standing, loaded.site.currency);
        let progress = Progress::new();
        let service = Service { source: self.forecast, seed: self.seed };
        let options = Options { from: self.from, to: self.to, service };
        let result = simulate::run(loaded.site, trace, options, |odd| progress.warn(&odd), |share| progress.at(share));
        progress.end();
        let result = result.map_err(|error| Failure::new(Failure::NO_INPUT, format!("{error:#}")))?;
        if let Some(folder) = &self.pictures {
            draw(folder, &result, currency)?;
        }
        let Some(out) = self.out else { return print_json(&result) };
        write_json(&out, &result)?;
        let total = &result.total;
        print_line(format_args!(
            "{} quarter hours: {} with HeatMine, {} without; compute ran {:.1} hours on {:.1}. Details are in {}.",
            result.slots,
            currency.amount(total.cost),
            currency.amount(total.cost_without),
            result.compute_hours,
            total.energy,
            out.display()
        ))?;
        for line in report(&result) {
            print_line(line)?;
        }
        if result.compute_hours == 0.0 && standing == EurPerKwh::ZERO {
            print_line("A simulation has no queue: work.standing_eur_per_kwh says what its work pays, and it is 0.")?;
        }
        Ok(())
    }
}

impl Simulate {
    /// Plays a house that somebody else simulates. Standard output is the simulator's.
    fn play(self) -> Outcome {
        let played = simulate::world::play(std::io::stdin().lock(), std::io::stdout().lock())
            .map_err(|error| Failure::new(Failure::DATA, format!("the outside simulator: {error:#}")))?;
        if let Some(file) = &self.books {
            let books = played.books.as_ref().ok_or_else(|| {
                Failure::new(Failure::USAGE, "--books: a house of seconds has no books; expected one of quarter hours")
            })?;
            write_json(file, books)?;
        }
        if let Some(file) = &self.ledger {
            let lines: Result<Vec<String>, _> = played.ledger.iter().map(serde_json::to_string).collect();
            write(file, lines.map_err(|error| Failure::new(70, error.to_string()))?.join("\n") + "\n")?;
        }
        self.out.map_or(Ok(()), |out| write_json(&out, &played.result))
    }
}

/// What a simulation came to, in lines for a person.
fn report(result: &Simulated) -> Vec<String> {
    let (total, energy, without) = (&result.total, &result.energy, &result.energy_without);
    let kwh = |name: &str, with: KilowattHours, without: KilowattHours| format!("{name} {with:.0} ({without:.0})");
    let mut lines = vec![
        format!(
            "Money: gain {:.2} = bill without compute {:.2} - bill {:.2} + wear without {:.2} - wear and starts {:.2} + revenue {:.2} + \
             inventory {:.2} - colder room {:.2}.",
            total.gain,
            total.cost_without,
            total.cost,
            total.wear_without,
            total.wear,
            total.revenue,
            total.inventory,
            total.colder_room
        ),
        format!(
            "Energy, and without compute: {}.",
            [
                kwh("PV", energy.pv, without.pv),
                kwh("left on the roof", energy.curtailed, without.curtailed),
                kwh("import", energy.import, without.import),
                kwh("export", energy.export, without.export),
                kwh("from the battery", energy.discharged, without.discharged),
                kwh("heat pump", energy.heat_pump, without.heat_pump),
                kwh("fuel", energy.fuel, without.fuel),
            ]
            .join(", ")
        ),
        format!("{} starts of compute; its heat found a use for {:.0}.", result.starts, energy.compute_heat),
    ];
    let room = result.comfort.room_below_kh.zip(result.comfort.room_above_kh);
    if let Some((below, above)) = room {
        lines.push(format!(
            "Room: {:.1} °C on average, {below:.1} kelvin hours too cold, {above:.1} too warm.",
            result.comfort.room_mean_c
        ));
    }
    lines
}

/// Draws the pictures of a simulation into `folder`, which is made where it is not there.
fn draw(folder: &Path, result: &Simulated, currency: Currency) -> Outcome {
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::new(Failure::CANT_CREATE, format!("cannot make {}: {error}", folder.display())))?;
    for (name, svg) in pictures(result, currency) {
        write(&folder.join(name), svg)?;
    }
    Ok(())
}

fn write_json(file: &Path, value: &impl Serialize) -> Outcome {
    write(file, serde_json::to_string_pretty(value).map_err(|error| Failure::new(70, error.to_string()))?)
}

fn write(file: &Path, text: String) -> Outcome {
    std::fs::write(file, text)
        .map_err(|error| Failure::new(Failure::CANT_CREATE, format!("cannot write {}: {error}", file.display())))
}

/// Arguments of `heatmine replay`.
#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The recording, made with `heatmine run --record` or `heatmine demo --record`.
    recording: PathBuf,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

impl Replay {
    /// Plays the recording.
    pub(super) fn run(self) -> Outcome {
        let replayed =
            replay::run(&self.recording).map_err(|error| Failure::new(Failure::NO_INPUT, format!("{error:#}")))?;
        if self.json {
            print_json(&replayed)?;
        }
        if let Some(first) = replayed.differences.first() {
            let decided =
                first.replayed.as_ref().map_or("nothing".into(), |now| format!("{} ({})", now.budget, now.reason));
            return Err(Failure::new(
                1,
                format!(
                    "{} of {} decisions are different; the first at line {}: {} ({}) was decided, now {decided}",
                    replayed.different, replayed.decisions, first.line, first.recorded.budget, first.recorded.reason
                ),
            ));
        }
        if !self.json {
            print_line(format_args!("{} events, {} decisions, all identical.", replayed.events, replayed.decisions))?;
        }
        Ok(())
    }
}
