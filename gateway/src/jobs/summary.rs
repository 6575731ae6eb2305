//! The day's telemetry as a job: the numbers as text, so that a small expert has nothing to reckon.

use super::{JobRequest, Message};
use chrono::{NaiveDate, TimeDelta};
use plant::time::Timestamp;
use plant::totals::Earnings;
use plant::units::Currency;
use plant::verdict::{When, verdict};

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

/// The house that a summary is about.
#[derive(Clone, Copy, Debug)]
pub struct House<'a> {
    /// Its name.
    pub site: &'a str,
    /// What its amounts are in.
    pub currency: Currency,
}

/// A summary of `day` for `reader`, to be written when there is power.
pub fn request(
    reader: Reader,
    house: House<'_>,
    (day, earnings): (NaiveDate, &Earnings),
    now: Timestamp,
) -> JobRequest {
    let facts = facts(house, day, earnings);
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

fn facts(House { site, currency }: House<'_>, day: NaiveDate, earnings: &Earnings) -> String {
    let tokens = earnings.tokens_in.saturating_add(earnings.tokens_out);
    let bill = match earnings.known_cost_without() {
        Some(without) => {
            let (cost, without) = (currency.amount(earnings.cost), currency.amount(without));
            format!("The house's energy cost {cost}; without the computer {without}.")
        }
        None => format!("The house's energy cost {}.", currency.amount(earnings.cost)),
    };
    [
        format!("House: {site}. Day: {}.", day.format("%A, %-d %B %Y")),
        format!("Energy used by the computer: {:.2}.", earnings.energy),
        format!("Its heat that the house could use: {:.2}.", earnings.heat),
        format!("Text it read and wrote: {tokens} tokens."),
        format!("Paid for its work: {}.", currency.amount(earnings.revenue)),
        bill,
        verdict(&When::Period(day.to_string()), earnings, currency),
        format!(
            "Beside that, the household's own questions were worth {} to it, which nobody pays.",
            currency.amount(earnings.household)
        ),
    ]
    .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUSE: House<'_> = House { site: "Demo house", currency: Currency::EUR };
    use plant::units::{Eur, KilowattHours};

    #[test]
    fn the_numbers_stand_in_the_prompt_as_people_write_them() {
        let earnings = Earnings {
            revenue: Eur(0.4567),
            net: Eur(0.31),
            cost: Eur(2.0),
            cost_without: Eur(1.30),
            gain: Eur(-0.2433),
            observed_s: 86_400.0,
            compared_s: 86_400.0,
            energy: KilowattHours(3.2),
            tokens_in: 1000,
            tokens_out: 234,
            ..Earnings::default()
        };
        let day = NaiveDate::from_ymd_opt(2026, 6, 21).unwrap();
        let job = request(Reader::Family, HOUSE, (day, &earnings), "2026-06-22T00:05:00Z".parse().unwrap());
        let text = &job.messages[1].content;
        let lost = "On 2026-06-21 the house was 0.24 EUR worse off by computing, because its power cost 0.70 EUR";
        let bill = "The house's energy cost 2.00 EUR; without the computer 1.30 EUR.";
        for part in
            ["Demo house", "Sunday, 21 June 2026", "3.20 kWh", "1234 tokens", "0.46 EUR", "three friendly", lost, bill]
        {
            assert!(text.contains(part), "{part} is not in: {text}");
        }
        let crowns = House { currency: "CZK".parse().unwrap(), ..HOUSE };
        let text = facts(crowns, day, &earnings);
        assert!(
            text.contains("energy cost 2.00 CZK; without the computer 1.30 CZK") && !text.contains("EUR"),
            "{text}"
        );
        let unknown = Earnings { compared_s: 0.0, ..earnings };
        let text = facts(HOUSE, day, &unknown);
        assert!(text.contains("nothing could be compared") && !text.contains("without the computer"), "{text}");
        assert_eq!(job.deadline, Some("2026-06-23T00:05:00Z".parse().unwrap()));
    }
}
