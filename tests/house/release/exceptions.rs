//! The rows of `exceptions.toml`, and the judgement over differences: each needs a row, each row needs a difference.

use crate::peer::workspace;
use anyhow::{Context, Result, ensure};

const FILE: &str = "tests/house/release/exceptions.toml";

/// The files of the release that a test holds the program against.
const HELD: [&str; 19] = [
    "data/ledger.db",
    "demo.recording.gz",
    "demo.recording.gz (form)",
    "golden/health.txt",
    "golden/jobs.json",
    "golden/ledger_days.json",
    "golden/ledger_days.json (the day)",
    "golden/ledger_entries.json",
    "golden/ledger_months.json",
    "golden/metrics.txt",
    "golden/mqtt_all.txt",
    "golden/mqtt_discovery.txt",
    "golden/mqtt_retained.txt",
    "golden/openapi.json",
    "golden/plan.json",
    "golden/record.json",
    "heatmine.example.toml",
    "options.json",
    "schema.json",
];

/// What is different on purpose.
#[derive(Debug, Default)]
pub(super) struct Exceptions(Vec<Exception>);

/// A row.
#[derive(Clone, Debug)]
struct Exception {
    file: String,
    difference: String,
}

impl Exceptions {
    /// Reads the rows.
    pub(super) fn read() -> Result<Self> {
        Self::parse(&std::fs::read_to_string(workspace().join(FILE)).context(FILE)?)
    }

    fn parse(text: &str) -> Result<Self> {
        let table: toml::Table = text.parse()?;
        let rows = table["exception"].as_array().context("no list of exceptions")?;
        let row = |row: &toml::Value| {
            let field = |name: &str| {
                let text = row.get(name).and_then(toml::Value::as_str).filter(|text| !text.is_empty());
                text.map(str::to_owned).with_context(|| format!("{row}: no {name}"))
            };
            let (file, difference) = (field("file")?, field("difference")?);
            field("since")?;
            field("reason")?;
            ensure!(HELD.contains(&file.as_str()), "{row}: no test looks at {file}");
            Ok(Exception { file, difference })
        };
        Ok(Self(rows.iter().map(row).collect::<Result<_>>()?))
    }

    /// The differences from `file` that have no row.
    pub(super) fn unlisted(&self, file: &str, differences: &[String]) -> Vec<String> {
        let listed = |said: &&String| self.of(file).any(|row| fits(&row.difference, said));
        differences.iter().filter(|said| !listed(said)).cloned().collect()
    }

    /// Whether each difference from `file` has its row, and each row its difference.
    pub(super) fn judge(&self, file: &str, differences: &[String]) -> Result<()> {
        ensure!(HELD.contains(&file), "{file} is not among the files that are held");
        let unlisted = self.unlisted(file, differences);
        ensure!(
            unlisted.is_empty(),
            "{} differences from {file} of 0.1.0 that {FILE} does not list, the first of them:\n  {}",
            unlisted.len(),
            unlisted.iter().take(30).cloned().collect::<Vec<_>>().join("\n  ")
        );
        let needed = |row: &&Exception| differences.iter().any(|said| fits(&row.difference, said));
        let unneeded: Vec<&Exception> = self.of(file).filter(|row| !needed(row)).collect();
        ensure!(unneeded.is_empty(), "rows of {FILE} that no difference needs: {unneeded:?}");
        Ok(())
    }

    fn of(&self, file: &str) -> impl Iterator<Item = &Exception> {
        self.0.iter().filter(move |row| row.file == file)
    }
}

/// Whether a text fits a pattern in which `*` stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(start) else { return false };
    text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| fits(rest, &text[at..]))
}

#[test]
fn a_pattern_fits_what_it_says() {
    let rows = [
        ("a: gone", "a: gone", true),
        ("a: gone", "a: gone now", false),
        ("* gone", "a: gone", true),
        ("*", "", true),
        ("a*c*e", "abcde", true),
        ("a*c*e", "abde", false),
        ("*°*", "1 °C", true),
    ];
    for (pattern, text, expected) in rows {
        assert_eq!(fits(pattern, text), expected, "{pattern} and {text}");
    }
}

#[test]
fn a_difference_needs_a_row_and_a_row_needs_a_difference() -> Result<()> {
    let row =
        |more: &str| format!("[[exception]]\nfile = \"schema.json\"\ndifference = \"a.*\"\nsince = \"0.2.0\"\n{more}");
    let exceptions = Exceptions::parse(&row("reason = \"b\""))?;
    let judge = |differences: &[&str]| {
        let differences: Vec<String> = differences.iter().map(|said| (*said).to_owned()).collect();
        exceptions.judge("schema.json", &differences).map_err(|error| error.to_string())
    };
    assert_eq!(judge(&["a.b: gone", "a.c: gone"]), Ok(()));
    assert!(
        judge(&["a.b: gone", "b: gone"]).is_err_and(|said| said.contains("1 differences") && said.contains("b: gone"))
    );
    assert!(judge(&[]).is_err_and(|said| said.contains("no difference needs")));
    assert!(Exceptions::parse(&row("")).is_err_and(|error| error.to_string().contains("no reason")));
    let strange = row("reason = \"b\"").replace("schema", "nothing");
    assert!(Exceptions::parse(&strange).is_err_and(|error| error.to_string().contains("no test looks at")));
    Ok(())
}

#[test]
fn every_row_says_what_since_when_and_why() -> Result<()> {
    Exceptions::read().map(drop)
}
