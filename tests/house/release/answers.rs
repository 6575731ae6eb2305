//! What the REST interface answered, and the bodies in the books.

use super::shape::Shape;
use super::{files, json, text};
use crate::peer::Demo;
use anyhow::{Context, Result};
use rusqlite::Connection;
use serde_json::Value;
use std::collections::BTreeMap;

/// The books, whose entries have bodies of their own.
pub(super) const BOOKS: &str = "data/ledger.db";
/// The release's entries, cut off in the middle of one.
const ENTRIES: &str = "golden/ledger_entries.json";
const ENTRIES_PATH: &str = "/api/v1/ledger/entries?limit=1000";

/// Files of the release, and where their answers came from.
const ANSWERS: [(&str, &str); 6] = [
    ("golden/record.json", "/api/v1/record"),
    ("golden/plan.json", "/api/v1/plan"),
    ("golden/jobs.json", "/api/v1/jobs?limit=1000"),
    ("golden/ledger_days.json", "/api/v1/ledger/days"),
    ("golden/ledger_months.json", "/api/v1/ledger/months"),
    ("golden/health.txt", "/health"),
];

/// The shapes of answers and of bodies in the books, by the release's file.
#[derive(Debug, Default)]
pub(super) struct Answers(BTreeMap<&'static str, Shape>);

impl Answers {
    /// What the release has; `None` where there is no release.
    pub(super) fn of_the_release() -> Result<Option<Self>> {
        let (Some(folder), Some(entries)) = (files(), text(ENTRIES)?) else { return Ok(None) };
        let mut answers = Self::default();
        for (file, _) in ANSWERS {
            answers.add(file, "", &json(file)?.unwrap_or_default());
        }
        answers.add(ENTRIES, "", &whole(&entries)?);
        // A copy: whoever opens books may write beside them.
        let copy = tempfile::NamedTempFile::new()?;
        std::fs::write(copy.path(), std::fs::read(folder.join(BOOKS))?)?;
        let books = Connection::open(copy.path())?;
        let mut rows = books.prepare("SELECT body FROM entry ORDER BY sequence")?;
        for body in rows.query_map([], |row| row.get::<_, String>(0))? {
            answers.add_body(&body?)?;
        }
        Ok(Some(answers))
    }

    /// Adds what a house answers; of the books only what was booked after the entry `known`.
    pub(super) async fn hear(&mut self, demo: &Demo, known: u64) -> Result<()> {
        for (file, path) in ANSWERS {
            self.add(file, "", &demo.get(path).await.context(path)?);
        }
        let booked = demo.get(&format!("{ENTRIES_PATH}&after={known}")).await.context(ENTRIES_PATH)?;
        self.add(ENTRIES, "", &booked);
        for entry in booked.as_array().context("no list of entries")? {
            self.add_body(entry["body"].as_str().context("an entry without a body")?)?;
        }
        Ok(())
    }

    /// The differences by file.
    pub(super) fn differences(&self, today: &Self) -> Vec<(&'static str, Vec<String>)> {
        let nothing = Shape::default();
        let of = |file| today.0.get(file).unwrap_or(&nothing);
        self.0.iter().map(|(file, shape)| (*file, shape.differences(of(*file)))).collect()
    }

    fn add(&mut self, file: &'static str, place: &str, value: &Value) {
        self.0.entry(file).or_default().add(place, value);
    }

    fn add_body(&mut self, body: &str) -> Result<()> {
        let body: Value = serde_json::from_str(body).with_context(|| body.to_owned())?;
        let kind = body["kind"].as_str().context("a body without a kind")?.to_owned();
        self.add(BOOKS, &kind, &body);
        Ok(())
    }
}

/// A list of entries that was cut off, without the one that it was cut off in.
fn whole(text: &str) -> Result<Value> {
    let end = text.rfind(",{\"sequence\"").context("no entry is whole")?;
    serde_json::from_str(&format!("{}]", &text[..end])).context("the entries before the cut")
}
