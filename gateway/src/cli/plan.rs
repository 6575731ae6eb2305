//! `heatmine plan`: what a running HeatMine intends, and why.

use super::{Failure, Outcome, print_json, print_text, runtime, zone};
use chrono::{LocalResult, TimeDelta, TimeZone};
use chrono_tz::Tz;
use clap::Args;
use plant::plan::{Plan as Intended, PlannedSlot};
use plant::time::{Slot, Timestamp};
use plant::units::{Currency, EurPerKwh, Watts};
use serde::Deserialize;
use serde::de::DeserializeOwned;
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
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u16).range(1..=72))]
    hours: u16,
    /// The time zone that times are shown in; the house's where not given.
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    timezone: Option<Tz>,
    /// Print the whole plan as JSON.
    #[arg(long)]
    json: bool,
}

impl Plan {
    /// Asks for the plan and prints it.
    pub(super) fn run(self) -> Outcome {
        let runtime = runtime()?;
        let plan: Intended = runtime.block_on(ask(&self.url, "plan"))?;
        if self.json {
            return print_json(&plan);
        }
        let house: House = runtime.block_on(ask(&self.url, "record"))?;
        let timezone = self.timezone.or(house.timezone).unwrap_or(Tz::Europe__Berlin);
        print_text(table(&plan, timezone, house.currency, self.hours))
    }
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

/// Slots in a row of which the same is intended, as one line.
struct Stretch<'a> {
    slots: Vec<&'a PlannedSlot>,
}

impl<'a> Stretch<'a> {
    fn takes(&self, slot: &PlannedSlot, timezone: Tz) -> bool {
        let day = |slot: &PlannedSlot| slot.start.with_timezone(&timezone).date_naive();
        let known = |slot: &PlannedSlot| {
            (slot.import_price.is_some(), slot.estimated_from.is_some(), slot.pv.is_some(), slot.load.is_some())
        };
        self.slots.last().is_some_and(|last| {
            known(last) == known(slot)
                && (last.reason, last.floor, last.ceiling) == (slot.reason, slot.floor, slot.ceiling)
                && day(last) == day(slot)
        })
    }

    fn mean(&self, value: impl Fn(&PlannedSlot) -> f64) -> f64 {
        self.slots.iter().map(|slot| value(slot)).sum::<f64>() / self.slots.len() as f64
    }

    fn line(&self, timezone: Tz) -> Option<String> {
        let (first, last) = (self.slots.first()?, self.slots.last()?);
        let end = last.start + TimeDelta::seconds(Slot::SECONDS);
        let clock = |at| clock(at, timezone);
        let some = |value: fn(&PlannedSlot) -> Option<f64>, digits: usize| {
            value(first).map_or_else(
                || "-".to_owned(),
                |_| format!("{:.digits$}", self.mean(|slot| value(slot).unwrap_or_default())),
            )
        };
        let estimated = if first.estimated_from.is_some() { "~" } else { "" };
        let watts = |value: fn(&PlannedSlot) -> Watts| format!("{:.0}", self.mean(|slot| value(slot).0));
        let price = |value: fn(&PlannedSlot) -> EurPerKwh| format!("{:.3}", self.mean(|slot| value(slot).0));
        let charge = last.battery_soc.map(|percent| format!("{:.0}", percent.0)).unwrap_or_default();
        Some(format!(
            "{}-{}{:>8}{:>8}{:>7}{:>7}{:>9}{:>7}{:>6}{:>9}{:>7}{:>7}{:>7}  {}\n",
            clock(first.start),
            clock(end),
            estimated.to_owned() + &some(|slot| Some(slot.import_price?.0), 3),
            price(|slot| slot.export_price),
            some(|slot| Some(slot.pv?.0), 0),
            some(|slot| Some(slot.load?.0), 0),
            watts(|slot| slot.compute),
            watts(|slot| slot.heat),
            charge,
            price(|slot| slot.worth.revenue),
            price(|slot| slot.worth.heat),
            price(|slot| slot.worth.electricity),
            price(|slot| slot.worth.net()),
            first.reason.sentence()
        ))
    }
}

/// A time of the wall; with its offset in the night in which it comes twice.
fn clock(at: Timestamp, timezone: Tz) -> String {
    let local = at.with_timezone(&timezone);
    let twice = matches!(timezone.from_local_datetime(&local.naive_local()), LocalResult::Ambiguous(_, _));
    local.format(if twice { "%H:%M%:z" } else { "%H:%M" }).to_string()
}

fn table(plan: &Intended, timezone: Tz, currency: Currency, hours: u16) -> String {
    let made = plan.made_at.with_timezone(&timezone);
    let mut text = format!(
        "Made {} ({timezone}); expected net of all of it: {}.\nPrices and worth in {currency}/kWh, powers in W, charge in %. ~ is an estimated price, - is not known.\n\n",
        made.format("%a %d.%m.%Y %H:%M"),
        currency.amount(plan.expected_net)
    );
    text += &format!(
        "{:<11}{:>8}{:>8}{:>7}{:>7}{:>9}{:>7}{:>6}{:>9}{:>7}{:>7}{:>7}  {}\n",
        "", "import", "export", "pv", "load", "compute", "heat", "soc", "revenue", "+heat", "-power", "=net", "why"
    );
    let mut stretches: Vec<Stretch<'_>> = Vec::new();
    for slot in plan.slots.iter().take(usize::from(hours) * 4) {
        match stretches.last_mut() {
            Some(last) if last.takes(slot, timezone) => last.slots.push(slot),
            Some(_) | None => stretches.push(Stretch { slots: vec![slot] }),
        }
    }
    let mut day = None;
    for stretch in stretches {
        let Some(first) = stretch.slots.first() else { continue };
        let date = first.start.with_timezone(&timezone).date_naive();
        if day.replace(date) != Some(date) {
            text += &format!("{}\n", date.format("%A %d.%m."));
        }
        text += &stretch.line(timezone).unwrap_or_default();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::Europe::Berlin;

    #[test]
    fn a_time_that_comes_twice_says_which_it_is() {
        let now = "2026-10-25T00:00:00Z".parse().unwrap();
        let mut plan = crate::http::fixture::record(now).plan.unwrap();
        plan.slots.truncate(2);
        for (slot, start) in plan.slots.iter_mut().zip(["2026-10-25T00:15:00Z", "2026-10-25T01:15:00Z"]) {
            slot.start = start.parse().unwrap();
        }
        plan.slots[1].ceiling = Watts(plan.slots[0].ceiling.0 + 1.0);
        let text = table(&plan, Berlin, "CZK".parse().unwrap(), 24);
        for part in ["02:15 CEST-02:30 CEST", "02:15 CET-02:30 CET", "Prices and worth in CZK/kWh", " CZK.\n"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        plan.slots[0].start = "2027-03-28T00:45:00Z".parse().unwrap();
        assert!(table(&plan, Berlin, Currency::EUR, 24).contains("01:45-03:00"));
    }
}
