//! The day's telemetry as a job: the numbers as text, so that a small expert has nothing to reckon.

use super::{JobRequest, Message};
use chrono::{NaiveDate, TimeDelta};
use plant::time::Timestamp;
use plant::totals::Earnings;

/// Tokens a summary may take.
const TOKENS: u32 = 160;
/// A summary is worth reading for this long.
const WORTH_READING: TimeDelta = TimeDelta::hours(24);

/// For whom a summary is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// The people in the house.
    Family,
    /// Whoever looks after the installation.
    Technician,
    /// The owner, who wants to know what to do better.
    Owner,
}

impl Reader {
    /// Every reader.
    pub const ALL: [Reader; 3] = [Reader::Family, Reader::Technician, Reader::Owner];

    fn title(self) -> &'static str {
        match self {
            Reader::Family => "The day in the house",
            Reader::Technician => "Report on the installation",
            Reader::Owner => "What could have gone better",
        }
    }

    fn instruction(self) -> &'static str {
        match self {
            Reader::Family => "Write three friendly sentences for the family about how their house used its energy.",
            Reader::Technician => "Write a short, factual report for the technician. Use only the numbers given.",
            Reader::Owner => "Name the one number that stands out and suggest one thing to do differently tomorrow.",
        }
    }
}

/// A summary of `day` for `reader`, to be written when there is power.
pub fn request(reader: Reader, site: &str, day: NaiveDate, earnings: &Earnings, now: Timestamp) -> JobRequest {
    let facts = facts(site, day, earnings);
    let message = |role: &str, content: String| Message { role: role.into(), content };
    JobRequest {
        title: format!("{}: {day}", reader.title()),
        messages: vec![
            message("system", "You write short, plain summaries of a house's energy data.".into()),
            message("user", format!("{facts}\n\n{}", reader.instruction())),
        ],
        expert: None,
        deadline: now.checked_add_signed(WORTH_READING),
        max_tokens: TOKENS,
        value: None,
    }
}

fn facts(site: &str, day: NaiveDate, earnings: &Earnings) -> String {
    let tokens = earnings.tokens_in + earnings.tokens_out;
    [
        format!("House: {site}. Day: {}.", day.format("%A, %-d %B %Y")),
        format!("Energy used by the computer: {:.2}.", earnings.energy),
        format!("Its heat that the house could use: {:.2}.", earnings.heat),
        format!("Text it read and wrote: {tokens} tokens."),
        format!("Paid for its work: {:.2}.", earnings.revenue),
        format!("Worth of its heat: {:.2}.", earnings.heat_value),
        format!("Cost of its electricity: {:.2}.", earnings.electricity_cost),
        format!("The house's energy cost {:.2}; without the computer {:.2}.", earnings.cost, earnings.cost_without),
        format!("In all the house is better off by {:.2}.", earnings.gain),
    ]
    .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use plant::units::{Eur, KilowattHours};

    #[test]
    fn the_numbers_stand_in_the_prompt_as_people_write_them() {
        let earnings = Earnings {
            revenue: Eur(0.4567),
            net: Eur(0.31),
            energy: KilowattHours(3.2),
            tokens_in: 1000,
            tokens_out: 234,
            ..Earnings::default()
        };
        let day = NaiveDate::from_ymd_opt(2026, 6, 21).unwrap();
        let job = request(Reader::Family, "Demo house", day, &earnings, "2026-06-22T00:05:00Z".parse().unwrap());
        let text = &job.messages[1].content;
        for part in ["Demo house", "Sunday, 21 June 2026", "3.20 kWh", "1234 tokens", "0.46 EUR", "three friendly"] {
            assert!(text.contains(part), "{part} is not in: {text}");
        }
        assert_eq!(job.deadline, Some("2026-06-23T00:05:00Z".parse().unwrap()));
    }
}
