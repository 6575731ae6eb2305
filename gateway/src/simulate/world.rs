//! An outside simulator is the house: one JSON object a line, its readings on standard input, our setpoints on standard output.
//!
//! ```text
//! simulator                                                         heatmine
//!   {"type":"hello","dt_s":1,"battery":true,"node":{..}}   ------->   the site
//!   {"type":"obs","t":0,"grid_w":-700,"grid_age_s":1,..}   ------->   samples, each as old as it says, and a cycle
//!                                                          <-------   {"p_compute_w":600}
//!   {"type":"end","result":{..}}                           ------->   the end
//! ```
//!
//! Signs are the simulator's: what is charged is positive. Powers in W, times in s, `soc` from 0 to 1.

use anyhow::{Context, Result, bail, ensure};
use plant::checkpoint::Restored;
use plant::command::{Command, Mode};
use plant::decision::{BatteryMode, Setting};
use plant::effect::Effect;
use plant::event::Event;
use plant::plant::Plant;
use plant::point::{Point, Sample};
use plant::site::Site;
use plant::time::Timestamp;
use plant::work::{WorkerState, WorkerStatus};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::{BufRead, Write};

/// The site that an outside simulator describes.
mod site;

/// Simulated seconds that a house may last, and the greatest age of a reading: thirty years.
const SECONDS_MAX: i64 = 1_000_000_000;
/// When the simulated time begins: a summer noon, which nothing depends on.
const START: i64 = 1_750_000_500;

/// What the simulator says first.
#[derive(Debug, Deserialize)]
struct Hello {
    dt_s: f64,
    #[serde(default)]
    battery: bool,
    node: site::Node,
}

/// What the meters show; a value without an age was read just now.
#[derive(Debug, Deserialize)]
struct Seen {
    t: i64,
    grid_w: Option<f64>,
    #[serde(default)]
    grid_age_s: Option<f64>,
    plug_w: Option<f64>,
    #[serde(default)]
    plug_age_s: Option<f64>,
    battery_w: Option<f64>,
    #[serde(default)]
    battery_age_s: Option<f64>,
    soc: Option<f64>,
}

impl Seen {
    fn check(&self) -> Result<()> {
        ensure!((0..=SECONDS_MAX).contains(&self.t), "t is {}; expected seconds from 0 to {SECONDS_MAX}", self.t);
        let ages =
            [("grid_age_s", self.grid_age_s), ("plug_age_s", self.plug_age_s), ("battery_age_s", self.battery_age_s)];
        for (name, age) in ages {
            let age = age.unwrap_or(0.0);
            ensure!((0.0..=SECONDS_MAX as f64).contains(&age), "{name} is {age}; expected 0 to {SECONDS_MAX}");
        }
        Ok(())
    }
}

/// What is to be done.
#[derive(Debug, Serialize)]
struct Answer {
    p_compute_w: f64,
    /// The least battery power: 0 while it is held.
    p_bat_min_w: Option<f64>,
}

/// Plays the house that `input` simulates until its end; gives back what the simulator says it came to.
///
/// # Errors
///
/// Where the simulator speaks another language, or its lines end before its end.
pub(crate) fn play(input: impl BufRead, mut output: impl Write) -> Result<Value> {
    let mut lines = input.lines().zip(1u64..);
    let (first, _) = lines.next().context("the simulator said nothing; expected a hello")?;
    let mut world = World::new(&first.context("line 1 cannot be read")?).context("line 1")?;
    for (line, number) in lines {
        let line = line.with_context(|| format!("line {number} cannot be read"))?;
        let value: Value = serde_json::from_str(&line).with_context(|| format!("line {number} is no JSON"))?;
        match value["type"].as_str() {
            Some("obs") => {
                let seen = serde_json::from_value(value).with_context(|| format!("line {number}: obs"))?;
                let answer = world.answer(&seen).with_context(|| format!("line {number}: obs"))?;
                serde_json::to_writer(&mut output, answer)?;
                output.write_all(b"\n")?;
                output.flush()?;
            }
            Some("end") => return Ok(value["result"].clone()),
            _ => bail!("line {number}: type is {}; expected obs or end", value["type"]),
        }
    }
    bail!("the simulator's lines ended before its end")
}

/// The core, and the house that somebody else simulates.
struct World {
    plant: Plant,
    start: Timestamp,
    answer: Answer,
}

impl World {
    fn new(line: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(line).context("no JSON")?;
        ensure!(value["type"] == "hello", "type is {}; expected hello", value["type"]);
        let hello: Hello = serde_json::from_value(value).context("hello")?;
        ensure!(hello.dt_s == 1.0, "dt_s is {}; this version plays a house whose steps are 1 s", hello.dt_s);
        hello.node.check()?;
        let site = site::site(&hello.node, hello.battery);
        let start = Timestamp::from_timestamp(START, 0).unwrap_or_default();
        let mut plant = Plant::new(site, Restored::default(), start);
        let engine = WorkerStatus { state: WorkerState::Busy, ..WorkerStatus::default() };
        plant.handle(Event::Worker(Box::new(engine)), start);
        plant.handle(Event::Command(Command::SetMode(Mode::Surplus)), start);
        Ok(Self { plant, start, answer: Answer { p_compute_w: 0.0, p_bat_min_w: None } })
    }

    fn answer(&mut self, seen: &Seen) -> Result<&Answer> {
        seen.check()?;
        let now = self.start + chrono::TimeDelta::seconds(seen.t);
        for sample in samples(self.plant.site(), seen, now) {
            self.handle(Event::Sample(sample), now);
        }
        self.handle(Event::Wake, now);
        Ok(&self.answer)
    }

    fn handle(&mut self, event: Event, now: Timestamp) {
        let mut effects = self.plant.handle(event, now);
        while let Some(effect) = (!effects.is_empty()).then(|| effects.remove(0)) {
            match effect {
                Effect::Apply(wanted) => wanted.setpoints.iter().for_each(|setpoint| self.obey(setpoint.setting)),
                Effect::Plan(request) => {
                    let plan = plant::plan(&request);
                    effects.extend(self.plant.handle(Event::Plan(Box::new(plan)), now));
                }
                Effect::Append(_) | Effect::Checkpoint(_) | Effect::Publish(_) => {}
            }
        }
    }

    fn obey(&mut self, setting: Setting) {
        match setting {
            Setting::ComputeBudget(watts) => self.answer.p_compute_w = watts.0,
            Setting::BatteryMode(mode) => self.answer.p_bat_min_w = (mode != BatteryMode::Normal).then_some(0.0),
            Setting::HeatPumpMode(_) | Setting::HeatPumpSurplus(_) | Setting::PvLimit(_) => {}
        }
    }
}

/// The readings, each at the moment at which it was taken.
fn samples(site: &Site, seen: &Seen, now: Timestamp) -> Vec<Sample> {
    let readings = [
        (Point::GridPower, seen.grid_w, seen.grid_age_s),
        (Point::ComputePower, seen.plug_w, seen.plug_age_s),
        (Point::BatteryPower, seen.battery_w.map(|charge| -charge), seen.battery_age_s),
        (Point::BatterySoc, seen.soc.map(|share| share * 100.0), None),
    ];
    let sample = |(point, value, age): (Point, Option<f64>, Option<f64>)| {
        let device = site.devices.iter().find(|device| device.points.contains(&point))?;
        let age = chrono::TimeDelta::milliseconds((age.unwrap_or(0.0) * 1000.0) as i64);
        Some(Sample { device: device.id.clone(), point, value: Some(value?), at: now - age })
    };
    readings.into_iter().filter_map(sample).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: &str = r#"{"type":"hello","dt_s":1,"battery":true,"node":{"pc_max_w":5000,"pc_min_w":300}}"#;
    const END: &str = r#"{"type":"end","result":{"starts":1}}"#;

    fn played(lines: &[&str]) -> (Result<Value>, String) {
        let mut answers = Vec::new();
        let result = play(lines.join("\n").as_bytes(), &mut answers);
        (result, String::from_utf8(answers).unwrap())
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
            (vec![r#"{"type":"hello","dt_s":900,"node":{}}"#], "dt_s is 900"),
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
