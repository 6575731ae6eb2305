//! A Grafana dashboard is asked as Grafana asks it: every query of every panel, with its variables filled in, against the
//! database that the demo has filled. A query without an answer is a fault of the dashboard.

use crate::database::{Database, Kind, NAME};
use crate::peer::{wait_until, workspace};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The width of a curve's step where the panel has none of its own.
const INTERVAL: &str = "1m";
/// How long a database may take until what it has taken can be asked for.
const VISIBLE: Duration = Duration::from_secs(60);

/// The first and the last moment with data, in milliseconds.
#[derive(Clone, Copy, Debug)]
struct Range {
    from: i64,
    to: i64,
}

impl Range {
    fn seconds(self) -> (String, String) {
        ((self.from / 1000).to_string(), (self.to / 1000).to_string())
    }
}

/// Asks every query of the dashboard in `file`, and one that is misspelt, which has to come out empty.
pub(super) async fn shows_something_everywhere(database: &Database, file: &str) -> Result<()> {
    let dashboard = read(file)?;
    let range = range(database).await?;
    let site = site(database, &dashboard, range).await?;
    let targets = targets(&dashboard);
    ensure!(targets.len() > 40, "only {} queries in {file}", targets.len());
    for target in &targets {
        let query = filled(&target.query, &target.interval, &site, range)?;
        let answers = async || (rows(database, target, &query, range).await.ok()? > 0).then_some(());
        let what = format!("rows for {} '{}': {query}", file, target.panel);
        wait_until(VISIBLE, &what, answers).await?;
    }
    let first = targets.first().context("no query")?;
    let query = filled(&first.query, &first.interval, &site, range)?.replace("power", "pover");
    ensure!(rows(database, first, &query, range).await? == 0, "a misspelt query has an answer: {query}");
    Ok(())
}

fn read(file: &str) -> Result<Value> {
    let path = workspace().join("dashboards/grafana").join(file);
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

/// One query of a panel.
struct Target {
    panel: String,
    query: String,
    interval: String,
    instant: bool,
}

fn targets(dashboard: &Value) -> Vec<Target> {
    let mut targets = Vec::new();
    for panel in list(&dashboard["panels"]) {
        for target in list(&panel["targets"]) {
            targets.push(Target {
                panel: panel["title"].as_str().unwrap_or_default().to_owned(),
                query: target["query"].as_str().or(target["expr"].as_str()).unwrap_or_default().to_owned(),
                interval: panel["interval"].as_str().unwrap_or(INTERVAL).to_owned(),
                instant: target["instant"] == true,
            });
        }
    }
    targets
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Fills Grafana's variables in, as Grafana does.
fn filled(query: &str, interval: &str, site: &str, range: Range) -> Result<String> {
    let Range { from, to } = range;
    let filled = query
        .replace("$timeFilter", &format!("time >= {from}ms and time <= {to}ms"))
        .replace("$__interval", interval)
        .replace("$__range", &format!("{}s", (to - from) / 1000))
        .replace("$site", site);
    // The dollar that is left may only be the end of a regular expression.
    ensure!(!filled.replace("$/", "").contains('$'), "an unknown variable in {query}");
    Ok(filled)
}

/// Runs the dashboard's own query for the house; there is exactly one.
async fn site(database: &Database, dashboard: &Value, range: Range) -> Result<String> {
    let variables: Vec<&Value> = list(&dashboard["templating"]["list"]).collect();
    let variable = variables.iter().find(|one| one["name"] == "site").context("no variable for the house")?;
    let query = &variable["query"];
    let sites: BTreeSet<String> = match database.kind {
        Kind::Influx => {
            let answer = database.ask(query.as_str().context("no query for the house")?).await?;
            let rows = answer.pointer("/results/0/series/0/values").cloned().unwrap_or_default();
            list(&rows).filter_map(|row| row[1].as_str().map(str::to_owned)).collect()
        }
        Kind::Victoria => {
            let text = query["query"].as_str().context("no query for the house")?;
            let inside = text.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
            let (metric, label) = inside.and_then(|inside| inside.split_once(", ")).context("no label_values()")?;
            let (from, to) = range.seconds();
            let parameters = [("match[]", metric), ("start", &from), ("end", &to)];
            let answer = database.get("/api/v1/series", &parameters).await?;
            let answer: Value = serde_json::from_str(&answer)?;
            list(&answer["data"]).filter_map(|row| row[label].as_str().map(str::to_owned)).collect()
        }
    };
    ensure!(sites.len() == 1, "{sites:?}");
    sites.into_iter().next().context("no house")
}

async fn range(database: &Database) -> Result<Range> {
    let times: Vec<i64> = match database.kind {
        Kind::Influx => {
            let mut times = Vec::new();
            for which in ["first", "last"] {
                let answer = database.ask(&format!("SELECT {which}(\"limit\") FROM \"heatmine_power\"")).await?;
                times.extend(answer.pointer("/results/0/series/0/values/0/0").and_then(Value::as_i64));
            }
            times
        }
        Kind::Victoria => {
            let match_ = [("match[]", "heatmine_power_limit"), ("start", "0")];
            let text = database.get("/api/v1/export", &match_).await?;
            let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            lines.flat_map(|line| list(&line["timestamps"]).filter_map(Value::as_i64).collect::<Vec<_>>()).collect()
        }
    };
    let from = *times.iter().min().context("no data")?;
    Ok(Range { from, to: *times.iter().max().context("no data")? })
}

/// How many values an answer has.
async fn rows(database: &Database, target: &Target, query: &str, range: Range) -> Result<usize> {
    match database.kind {
        Kind::Influx => {
            let answer = database.ask(query).await?;
            let values = list(&answer["results"]).flat_map(|result| list(&result["series"]));
            Ok(values.flat_map(|series| list(&series["values"])).filter(|row| row[1].is_number()).count())
        }
        Kind::Victoria => {
            let (from, to) = range.seconds();
            let text = if target.instant {
                database.get("/api/v1/query", &[("query", query), ("time", &to)]).await?
            } else {
                let step = [("query", query), ("start", &from), ("end", &to), ("step", &target.interval)];
                database.get("/api/v1/query_range", &step).await?
            };
            let answer: Value = serde_json::from_str(&text)?;
            let series = answer.pointer("/data/result").cloned().unwrap_or_default();
            Ok(list(&series).map(|one| list(&one["values"]).count() + usize::from(one["value"].is_array())).sum())
        }
    }
}

/// What a dashboard shows: its panels by title, with how many queries each.
fn shape(dashboard: &Value) -> BTreeMap<String, (String, usize)> {
    let panel = |panel: &Value| {
        let title = panel["title"].as_str().unwrap_or_default().to_owned();
        (title, (panel["type"].as_str().unwrap_or_default().to_owned(), list(&panel["targets"]).count()))
    };
    list(&dashboard["panels"]).map(panel).collect()
}

#[test]
fn both_languages_show_the_same_in_the_same_places() -> Result<()> {
    let (influxql, promql) = (read("heatmine-influxql.json")?, read("heatmine-promql.json")?);
    assert_eq!(shape(&influxql), shape(&promql));
    for dashboard in [&influxql, &promql] {
        let mut ids = BTreeSet::new();
        let mut cells = BTreeSet::new();
        for panel in list(&dashboard["panels"]) {
            let title = &panel["title"];
            assert!(ids.insert(panel["id"].as_i64()), "{title}: its id is given twice");
            let side = |key: &str| panel["gridPos"][key].as_i64().unwrap_or_default();
            assert!(side("w") > 0 && side("h") > 0 && side("x") + side("w") <= 24, "{title}: off the grid");
            for x in side("x")..side("x") + side("w") {
                for y in side("y")..side("y") + side("h") {
                    assert!(cells.insert((x, y)), "{title}: over another panel");
                }
            }
            let plain = panel["type"] != "row";
            assert!(!plain || panel["datasource"]["uid"] == "${datasource}", "{title}: a fixed data source");
        }
    }
    assert_eq!(NAME, "heatmine", "the name that dashboards/grafana/README.md tells");
    Ok(())
}
