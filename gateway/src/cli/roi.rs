//! `heatmine roi`: what the box has earned of its price, and when it has earned all of it if things go on like this. Before there are
//! books: what it would bring in a year, from the site and, where there is one, the house's history.

mod books;

use super::progress::Progress;
use super::{Failure, Outcome, print_json, print_line};
use crate::config;
use crate::prospect::history::History;
use crate::prospect::roles::Choice;
use crate::prospect::{LATITUDE, Question};
use clap::{Args, ValueEnum};
use config::Loaded;
use drivers::sim::place::Place;
use plant::site::{HeatSource, Site};
use plant::units::{Celsius, Currency, EurPerKwh, Watts};
use std::path::{Path, PathBuf};

/// Heat that leaves the house through an air conditioner costs a third of it in power (EER 3).
const AIR_CONDITIONER: f64 = 1.0 / 3.0;

/// Arguments of `heatmine roi`.
#[derive(Debug, Args)]
pub(super) struct Roi {
    /// The configuration: it names the data folder, what the box cost (compute.price_eur) and, for a look ahead, the house.
    #[arg(default_value = "heatmine.toml")]
    file: PathBuf,
    /// The folder that HeatMine keeps its data in; the configuration's where not given.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// What the box cost; the configuration's where not given.
    #[arg(long, value_name = "AMOUNT", value_parser = price)]
    price: Option<f64>,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    ahead: Ahead,
}

/// What a look ahead is asked.
#[derive(Debug, Args)]
#[command(next_help_heading = "Before the box is bought")]
struct Ahead {
    /// What it would bring in a year, whatever the books say; without books this is what is answered.
    #[arg(long, conflicts_with = "data")]
    ahead: bool,
    /// The house's history: Home Assistant's home-assistant_v2.db, or quarter hours as CSV, as for simulate --trace.
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    history: Option<PathBuf>,
    /// Which statistic of Home Assistant is what, as pv=sensor.solar_energy; several add up with +, none is none.
    #[arg(long, value_name = "ROLE=ENTITY", requires = "history")]
    entity: Vec<Choice>,
    /// What its heat replaces; what [heat] says where not given.
    #[arg(long, value_enum)]
    replaces: Option<Replaced>,
    /// What a kilowatt-hour of gas costs, with --replaces gas.
    #[arg(long, value_name = "AMOUNT", value_parser = by_kwh)]
    gas_price: Option<f64>,
    /// How heat that nobody needs leaves the house; what compute.reject_percent says where not given.
    #[arg(long, value_enum)]
    rejects: Option<Rejected>,
    /// What a kilowatt-hour of compute would be paid; what work.standing_eur_per_kwh says where not given.
    #[arg(long, value_name = "AMOUNT", value_parser = by_kwh)]
    work: Option<f64>,
    /// In how many of the hours in which HeatMine would run there is work, in percent.
    #[arg(long, value_name = "PERCENT", default_value = "80", value_parser = percent)]
    sold: f64,
    /// What the household draws in a year without heat pump and wallbox; from the history, or 3500, where not given.
    #[arg(long, value_name = "KWH", value_parser = yearly)]
    household: Option<f64>,
    /// Days of each month that are simulated.
    #[arg(long, value_name = "DAYS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=28))]
    days: u64,
    /// Of all that is made up: the same seed makes the same year.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

/// What compute's heat replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Replaced {
    /// Nothing: it is worth nothing.
    None,
    /// A heat pump.
    HeatPump,
    /// A gas boiler.
    Gas,
    /// Direct electric heating.
    Electric,
}

/// How heat leaves the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Rejected {
    /// A fan or an open window.
    Fan,
    /// An air conditioner.
    AirConditioner,
}

impl Roi {
    /// Compares the books with the price, or looks ahead.
    pub(super) fn run(self) -> Outcome {
        let asks_ahead = self.ahead.ahead || self.ahead.history.is_some();
        let (data, price, currency) = match (&self.data, self.price) {
            (Some(data), Some(price)) => (data.clone(), price, currency(&self.file)),
            (None, _) if asks_ahead => return self.look_ahead(),
            (data, price) => {
                let loaded = match config::load(&self.file) {
                    Ok(loaded) => loaded,
                    // A house without devices yet has no books.
                    Err(errors) if data.is_none() && config::load_unbuilt(&self.file).is_ok() => {
                        drop(errors);
                        return self.look_ahead();
                    }
                    Err(errors) => return Err(errors.into()),
                };
                if data.is_none() && !books::are_in(&loaded.data_dir) {
                    return self.look_ahead();
                }
                let price = price.or(loaded.config.compute.price_eur).ok_or_else(|| self.no_price())?;
                (data.clone().unwrap_or(loaded.data_dir), price, loaded.site.currency)
            }
        };
        let earned = books::earned(&data, (price, currency))?;
        if self.json {
            return print_json(&earned);
        }
        print_line(earned.words())
    }

    fn no_price(&self) -> Failure {
        let file = self.file.display();
        let words = format!("{file}: compute.price_eur: missing; expected what the box cost, or --price");
        Failure::new(Failure::USAGE, words)
    }

    /// What the box would bring.
    fn look_ahead(&self) -> Outcome {
        let loaded = config::load_unbuilt(&self.file)?;
        let price = self.price.or(loaded.config.compute.price_eur).ok_or_else(|| self.no_price())?;
        let question = self.ahead.question(&loaded, price)?;
        let progress = Progress::new();
        let prospect = question.answer(|share| progress.at(share));
        progress.end();
        if self.json {
            return print_json(&prospect);
        }
        print_line(prospect.words())
    }
}

impl Ahead {
    fn question(&self, loaded: &Loaded, price: f64) -> Result<Question, Failure> {
        let mut site = loaded.site.clone();
        self.replace(&mut site)?;
        match self.rejects {
            Some(Rejected::AirConditioner) => site.compute.reject_share = AIR_CONDITIONER,
            Some(Rejected::Fan) | None => {}
        }
        if let Some(work) = self.work {
            site.work.standing = EurPerKwh(work);
        }
        let read = |file: &PathBuf| History::read(file, &self.entity, &site);
        let history = self.history.as_ref().map(read).transpose();
        let history = history.map_err(|error| Failure::new(Failure::NO_INPUT, format!("{error:#}")))?;
        Ok(Question {
            place: place(loaded),
            site,
            price,
            household_kwh: self.household,
            sold: self.sold / 100.0,
            history,
            days: self.days,
            seed: self.seed,
        })
    }

    /// Puts what compute's heat replaces into the site.
    fn replace(&self, site: &mut Site) -> Result<(), Failure> {
        let Some(replaced) = self.replaces else { return Ok(()) };
        let gas = |site: &Site| match site.displaced {
            Some(HeatSource::Gas { price, efficiency }) => Some((price.0, efficiency)),
            Some(HeatSource::HeatPump { .. } | HeatSource::Electric) | None => None,
        };
        site.displaced = match replaced {
            Replaced::None => None,
            Replaced::Electric => Some(HeatSource::Electric),
            Replaced::HeatPump if matches!(site.displaced, Some(HeatSource::HeatPump { .. })) => site.displaced,
            Replaced::HeatPump => {
                Some(HeatSource::HeatPump { carnot: 0.42, flow: Celsius(35.0), power_max: Watts(4000.0) })
            }
            Replaced::Gas => {
                let (stated, efficiency) = gas(site).map_or((None, 0.92), |(price, share)| (Some(price), share));
                let price = self.gas_price.or(stated).ok_or_else(|| {
                    let words =
                        "--replaces gas: what gas costs is missing; expected --gas-price, or heat.gas_eur_per_kwh";
                    Failure::new(Failure::USAGE, words)
                })?;
                Some(HeatSource::Gas { price: EurPerKwh(price), efficiency })
            }
        };
        if !matches!(site.displaced, Some(HeatSource::HeatPump { .. })) {
            // What is steered is gone.
            for device in &mut site.devices {
                device.controls.retain(|control, _| !control.name().starts_with("heat_pump"));
            }
        }
        Ok(())
    }
}

/// Where the house stands, as far as the configuration says so.
fn place(loaded: &Loaded) -> Place {
    let stated = loaded.config.forecast.iter().find_map(|source| source.latitude.zip(source.longitude));
    let planes = &loaded.config.plane;
    let peak: f64 = planes.iter().map(|plane| plane.peak_w).sum();
    let tilt = planes.iter().map(|plane| plane.tilt_deg * plane.peak_w).sum::<f64>() / peak.max(1.0);
    let usual = Place::default();
    let (latitude, longitude) = stated.unwrap_or((LATITUDE, usual.longitude));
    Place {
        latitude,
        longitude,
        timezone: loaded.site.timezone,
        tilt: if planes.is_empty() { usual.tilt } else { tilt },
    }
}

/// The currency of the house whose configuration lies in `file`; the euro where there is none.
fn currency(file: &Path) -> Currency {
    config::load(file).map_or(Currency::EUR, |loaded| loaded.site.currency)
}

fn number(text: &str, [least, most]: [f64; 2], expected: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| expected.to_owned())
}

fn price(text: &str) -> Result<f64, String> {
    number(text, [0.0, 1e7], "expected an amount from 0 to 10000000, as 1900")
}

fn by_kwh(text: &str) -> Result<f64, String> {
    number(text, [0.0, 100.0], "expected an amount by the kilowatt-hour from 0 to 100, as 0.30")
}

fn percent(text: &str) -> Result<f64, String> {
    number(text, [0.0, 100.0], "expected a share from 0 to 100, as 80")
}

fn yearly(text: &str) -> Result<f64, String> {
    number(text, [100.0, 1e6], "expected kilowatt-hours a year from 100 to 1000000, as 3500")
}
