//! `heatmine plan`: what a running HeatMine intends, and why; or what the planner makes of a request in a file.

/// The plan as a table.
mod table;
/// The day before.
mod yesterday;

use super::{Failure, Outcome, print_json, print_text, runtime, zone};
use crate::solver::Solver;
use chrono_tz::Tz;
use clap::Args;
use plant::plan::{Plan as Intended, PlanRequest};
use plant::review::Review;
use plant::units::Currency;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long the gateway may take to answer.
const ANSWER: Duration = Duration::from_secs(10);

/// Arguments of `heatmine plan`.
#[derive(Debug, Args)]
pub(super) struct Plan {
    /// The running HeatMine: the address of its page.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8099")]
    url: String,
    /// Hours ahead.
    #[arg(long, value_name = "N", default_value_t = 36, value_parser = clap::value_parser!(u16).range(1..=72))]
    hours: u16,
    /// The time zone that times are shown in; the house's where not given.
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    timezone: Option<Tz>,
    /// What the plan of yesterday said against what happened, instead.
    #[arg(long)]
    yesterday: bool,
    /// Plan this request here instead, in JSON as the core writes it: everything that a plan depends on.
    #[arg(long, value_name = "FILE", conflicts_with = "yesterday")]
    request: Option<PathBuf>,
    /// Print all of it as JSON.
    #[arg(long)]
    json: bool,
}

impl Plan {
    /// Asks for the plan and prints it.
    pub(super) fn run(self) -> Outcome {
        if let Some(file) = &self.request {
            return self.planned(&request(file)?);
        }
        let runtime = runtime()?;
        let house = || runtime.block_on(ask::<House>(&self.url, "record"));
        if self.yesterday {
            let review: Review = runtime.block_on(ask(&self.url, "plan/review"))?;
            return if self.json {
                print_json(&review)
            } else {
                print_text(yesterday::table(&review, self.zone(&house()?)))
            };
        }
        let plan: Intended = runtime.block_on(ask(&self.url, "plan"))?;
        if self.json {
            return print_json(&plan);
        }
        let house = house()?;
        print_text(table::table(&plan, self.zone(&house), house.currency, self.hours))
    }

    /// Plans `request` and prints that.
    fn planned(&self, request: &PlanRequest) -> Outcome {
        let plan = Solver::default().plan(request);
        if self.json {
            return print_json(&plan);
        }
        let site = &request.site;
        print_text(table::table(&plan, self.timezone.unwrap_or(site.timezone), site.currency, self.hours))
    }

    fn zone(&self, house: &House) -> Tz {
        self.timezone.or(house.timezone).unwrap_or(Tz::Europe__Berlin)
    }
}

/// The request in a file.
fn request(file: &Path) -> Result<PlanRequest, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::new(Failure::NO_INPUT, format!("{}: {error}", file.display())))?;
    let wrong = |error| Failure::new(Failure::DATA, format!("{}: no request of a plan: {error}", file.display()));
    serde_json::from_str(&text).map_err(wrong)
}

/// What a record says of the house; one of an older HeatMine says nothing.
#[derive(Deserialize)]
struct House {
    timezone: Option<Tz>,
    #[serde(default)]
    currency: Currency,
}

/// What the gateway answers where it has no plan.
#[derive(Deserialize)]
struct Refused {
    error: String,
}

async fn ask<T: DeserializeOwned>(page: &str, what: &str) -> Result<T, Failure> {
    let url = format!("{}/api/v1/{what}", page.trim_end_matches('/'));
    let wrong = |why: String| Failure::new(Failure::UNAVAILABLE, why);
    let fine = reqwest::Url::parse(&url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if !fine {
        let words = format!("--url {page} is no address; expected one as http://127.0.0.1:8099");
        return Err(Failure::new(Failure::USAGE, words));
    }
    let client = reqwest::Client::builder().no_proxy().timeout(ANSWER).build();
    let client = client.map_err(|error| wrong(format!("cannot ask {url}: {error}")))?;
    let answer = client.get(&url).send().await.map_err(|error| {
        let why = if error.is_timeout() { "does not answer in time" } else { "cannot be reached" };
        wrong(format!("{page} {why}; expected the page of a running HeatMine (heatmine run, heatmine demo), or --url"))
    })?;
    let status = answer.status();
    let text = answer.text().await.map_err(|error| wrong(format!("{url}: {error}")))?;
    if !status.is_success() {
        let why = serde_json::from_str(&text).map_or_else(|_| status.to_string(), |refused: Refused| refused.error);
        return Err(wrong(format!("{page}: {why}")));
    }
    serde_json::from_str(&text).map_err(|error| wrong(format!("{url} answers something that is no {what}: {error}")))
}
