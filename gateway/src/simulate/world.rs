//! An outside simulator is the house: one JSON object a line, its readings on standard input, our setpoints on standard output.
//!
//! ```text
//! simulator                                                         heatmine
//!   {"type":"hello","dt_s":900,"node":{..},"own_rule":{..}} ------>   the site
//!   {"type":"obs","step":0,"soc_kwh":5.0,..}                ------>   samples, news of prices and queue, and cycles
//!                                                           <------   {"p_compute_w":600,"track_hi_w":5000}
//!   {"type":"end","result":{..}}                            ------>   the end
//! ```
//!
//! Steps are of one second (`seconds.rs`) or of a quarter hour (`quarters.rs`). Signs are the simulator's: what is charged is positive.

use anyhow::{Context, Result, bail, ensure};
use books::Books;
use plant::entry::Entry;
use serde_json::Value;
use std::io::{BufRead, Write};

/// The books at the end, under the simulator's names.
mod books;
/// A house of quarter hours.
mod quarters;
#[cfg(test)]
mod quarters_test;
/// A house of seconds.
mod seconds;

/// What came of a house that somebody else simulated.
pub(crate) struct Played {
    /// What the simulator says it came to.
    pub result: Value,
    /// What the books say; a house of seconds has none.
    pub books: Option<Books>,
    /// The entries of its ledger.
    pub ledger: Vec<Entry>,
}

/// Plays the house that `input` simulates until its end.
///
/// # Errors
///
/// Where the simulator speaks another language, or its lines end before its end.
pub(crate) fn play(input: impl BufRead, mut output: impl Write) -> Result<Played> {
    let mut lines = input.lines().zip(1u64..);
    let (first, _) = lines.next().context("the simulator said nothing; expected a hello")?;
    let mut house = House::new(&first.context("line 1 cannot be read")?).context("line 1")?;
    for (line, number) in lines {
        let line = line.with_context(|| format!("line {number} cannot be read"))?;
        let value: Value = serde_json::from_str(&line).with_context(|| format!("line {number} is no JSON"))?;
        match value["type"].as_str() {
            Some("obs") => {
                let answer = house.answer(value).with_context(|| format!("line {number}: obs"))?;
                output.write_all(answer.as_bytes())?;
                output.write_all(b"\n")?;
                output.flush()?;
            }
            Some("end") => {
                let (books, ledger) = house.books();
                return Ok(Played { result: value["result"].clone(), books, ledger });
            }
            _ => bail!("line {number}: type is {}; expected obs or end", value["type"]),
        }
    }
    bail!("the simulator's lines ended before its end")
}

/// The house, by the length of its steps.
enum House {
    Seconds(Box<seconds::World>),
    Quarters(Box<quarters::World>),
}

impl House {
    fn new(line: &str) -> Result<Self> {
        let hello: Value = serde_json::from_str(line).context("no JSON")?;
        ensure!(hello["type"] == "hello", "type is {}; expected hello", hello["type"]);
        match hello["dt_s"].as_f64() {
            Some(1.0) => Ok(Self::Seconds(Box::new(seconds::World::new(hello)?))),
            Some(900.0) => Ok(Self::Quarters(Box::new(quarters::World::new(hello)?))),
            _ => bail!("dt_s is {}; expected 1, a house of seconds, or 900, one of quarter hours", hello["dt_s"]),
        }
    }

    fn answer(&mut self, seen: Value) -> Result<String> {
        Ok(match self {
            Self::Seconds(world) => serde_json::to_string(&world.answer(seen)?)?,
            Self::Quarters(world) => serde_json::to_string(&world.answer(seen)?)?,
        })
    }

    /// Its books, and the entries that they add up.
    fn books(&self) -> (Option<Books>, Vec<Entry>) {
        match self {
            Self::Seconds(_) => (None, Vec::new()),
            Self::Quarters(world) => {
                let (books, ledger) = world.books();
                (Some(books), ledger)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: &str = r#"{"type":"hello","dt_s":1,"battery":true,"node":{"pc_max_w":5000,"pc_min_w":300}}"#;
    const END: &str = r#"{"type":"end","result":{"starts":1}}"#;

    fn played(lines: &[&str]) -> (Result<Value>, String) {
        let mut answers = Vec::new();
        let result = play(lines.join("\n").as_bytes(), &mut answers);
        (result.map(|played| played.result), String::from_utf8(answers).unwrap())
    }

    #[test]
    fn every_observation_has_an_answer() {
        let seen = r#"{"type":"obs","t":0,"grid_w":-900,"grid_age_s":1,"plug_w":0,"battery_w":0,"soc":0.5}"#;
        let (result, answers) = played(&[HELLO, seen, r#"{"type":"obs","t":1,"grid_w":null}"#, END]);
        assert_eq!(result.unwrap(), serde_json::json!({"starts": 1}));
        assert_eq!(answers.lines().count(), 2, "{answers}");
    }

    #[test]
    fn what_no_house_can_be_is_refused_in_words() {
        let rows = [
            (vec![""], "the simulator said nothing"),
            (vec!["hello"], "line 1: no JSON"),
            (vec![r#"{"type":"obs"}"#], "expected hello"),
            (vec![r#"{"type":"hello","dt_s":60,"node":{}}"#], "dt_s is 60; expected 1"),
            (vec![r#"{"type":"hello","dt_s":1,"node":{"pc_max_w":1e30}}"#], "pc_max_w is 1000"),
            (vec![HELLO, r#"{"type":"obs","t":9223372036854775807}"#], "expected seconds from 0"),
            (vec![HELLO, r#"{"type":"obs","t":0,"grid_age_s":-5}"#], "line 2: obs: grid_age_s is -5"),
            (vec![HELLO, "{}"], "expected obs or end"),
            (vec![HELLO], "ended before its end"),
        ];
        for (lines, expected) in rows {
            let said = format!("{:#}", played(&lines).0.unwrap_err());
            assert!(said.contains(expected), "{said}\nlacks {expected}");
        }
        // Odd times are held within what a house can take.
        let odd = r#"{"type":"hello","dt_s":1,"node":{"start_s":-1,"command_s":-30,"plug_every_s":1e30}}"#;
        assert!(played(&[odd, END]).0.is_ok());
    }
}
