//! What is shipped: the licences, duplicates and sources of the crates in the binary, held against deny.toml.
//!
//! The same file serves cargo-deny. This check needs nothing but cargo and no network, so that everybody runs it; it reads
//! the parts `graph.targets`, `licenses`, `bans` and `sources`.

/// No circle of files.
mod circles;
/// What files name of each other.
mod source;
/// The words of a file.
mod words;

use crate::peer::workspace;
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// One crate of the binary.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Crate {
    name: String,
    version: String,
    licence: String,
    /// `None` for the workspace's own.
    source: Option<String>,
}

/// The crates of the binary for one target, by cargo's id, and whom each of them needs.
struct Shipped {
    crates: BTreeMap<String, Crate>,
    needs: BTreeMap<String, Vec<String>>,
}

impl Shipped {
    /// Asks cargo. Needs of tests alone are left out.
    fn of(target: &str) -> Result<Self> {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version=1", "--locked", "--offline", "--filter-platform", target])
            .current_dir(workspace())
            .output()?;
        anyhow::ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
        let metadata: Value = serde_json::from_slice(&output.stdout)?;
        let text = |value: &Value, key: &str| value[key].as_str().map(str::to_owned);
        let all: BTreeMap<String, Crate> = list(&metadata["packages"])
            .map(|package| {
                let one = Crate {
                    name: text(package, "name").unwrap_or_default(),
                    version: text(package, "version").unwrap_or_default(),
                    licence: text(package, "license").unwrap_or_default(),
                    source: text(package, "source"),
                };
                (text(package, "id").unwrap_or_default(), one)
            })
            .collect();
        let needs: BTreeMap<String, Vec<String>> = list(&metadata["resolve"]["nodes"])
            .map(|node| {
                let shipped = |need: &&Value| list(&need["dep_kinds"]).any(|kind| kind["kind"] != "dev");
                let needs = list(&node["deps"]).filter(shipped).filter_map(|need| text(need, "pkg")).collect();
                (text(node, "id").unwrap_or_default(), needs)
            })
            .collect();
        let members = list(&metadata["workspace_members"]).filter_map(|id| id.as_str().map(str::to_owned));
        let reached = below(&needs, members);
        let crates = all.into_iter().filter(|(id, _)| reached.contains(id)).collect();
        Ok(Self { crates, needs })
    }

    /// The ids of the crates that a rule names as `name@version`, the version as far as it goes.
    fn named(&self, rule: &str) -> Vec<String> {
        let (name, version) = rule.split_once('@').unwrap_or((rule, ""));
        let fits = |one: &Crate| {
            let rest = one.version.strip_prefix(version);
            one.name == name
                && (version.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
        };
        self.crates.iter().filter(|(_, one)| fits(one)).map(|(id, _)| id.clone()).collect()
    }
}

/// Everything that can be reached from `starts`, themselves included.
fn below(needs: &BTreeMap<String, Vec<String>>, starts: impl Iterator<Item = String>) -> BTreeSet<String> {
    let (mut open, mut reached): (Vec<String>, BTreeSet<String>) = (starts.collect(), BTreeSet::new());
    while let Some(id) = open.pop() {
        open.extend(needs.get(&id).into_iter().flatten().filter(|need| !reached.contains(*need)).cloned());
        reached.insert(id);
    }
    reached
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// deny.toml.
fn rules() -> Result<Value> {
    let text = std::fs::read_to_string(workspace().join("deny.toml"))?;
    Ok(serde_json::to_value(toml::from_str::<toml::Value>(&text)?)?)
}

/// The names in a list of texts, or of tables with the key `crate`.
fn names(rules: &Value, pointer: &str) -> Result<Vec<String>> {
    let items = rules.pointer(pointer).with_context(|| format!("deny.toml has no {pointer}"))?;
    Ok(list(items).filter_map(|item| item.as_str().or_else(|| item["crate"].as_str())).map(str::to_owned).collect())
}

/// Whether one of the ways in which an SPDX expression may be fulfilled is made of `allowed` licences alone. Older crates
/// write `/` for `OR`.
fn permitted(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words: Vec<&str> = spaced.split_whitespace().rev().collect();
    let met = any_of(&mut words, allowed);
    met && words.is_empty()
}

fn any_of(words: &mut Vec<&str>, allowed: &BTreeSet<String>) -> bool {
    let mut met = all_of(words, allowed);
    while words.last() == Some(&"OR") {
        words.pop();
        met |= all_of(words, allowed);
    }
    met
}

fn all_of(words: &mut Vec<&str>, allowed: &BTreeSet<String>) -> bool {
    let mut met = one(words, allowed);
    while words.last() == Some(&"AND") {
        words.pop();
        met &= one(words, allowed);
    }
    met
}

fn one(words: &mut Vec<&str>, allowed: &BTreeSet<String>) -> bool {
    match words.pop() {
        Some("(") => {
            let met = any_of(words, allowed);
            words.pop() == Some(")") && met
        }
        Some(licence) if words.last() == Some(&"WITH") => {
            words.pop();
            let exception = words.pop().unwrap_or_default();
            allowed.contains(&format!("{licence} WITH {exception}"))
        }
        Some(licence) => allowed.contains(licence),
        None => false,
    }
}

#[test]
fn a_licence_expression_is_weighed() {
    let allowed = BTreeSet::from(["MIT", "ISC", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned));
    let rows = [
        ("MIT", true),
        ("MIT/GPL-3.0-only", true),
        ("GPL-3.0-only", false),
        ("MIT AND MPL-2.0", false),
        ("(MIT OR GPL-2.0) AND ISC", true),
        ("(MIT OR Apache-2.0) AND GPL-2.0", false),
        ("GPL-2.0 OR Apache-2.0 WITH LLVM-exception", true),
        ("ISC WITH LLVM-exception", false),
        ("", false),
        ("(GPL-2.0 AND ISC) OR MIT", true),
    ];
    for (expression, expected) in rows {
        assert_eq!(permitted(expression, &allowed), expected, "{expression}");
    }
}

#[test]
fn what_is_shipped_keeps_to_the_policy() -> Result<()> {
    let rules = rules()?;
    let (skip, skip_tree) = (names(&rules, "/bans/skip")?, names(&rules, "/bans/skip-tree")?);
    let mut faults = BTreeSet::new();
    let mut used = BTreeSet::new();
    for target in names(&rules, "/graph/targets")? {
        let shipped = Shipped::of(&target)?;
        faults.extend(licences(&rules, &shipped)?);
        faults.extend(origins(&rules, &shipped)?);
        faults.extend(duplicates(&shipped, &skip, &skip_tree, &mut used));
    }
    let idle = skip.iter().chain(&skip_tree).filter(|rule| !used.contains(*rule));
    faults.extend(idle.map(|rule| format!("deny.toml: bans.skip names {rule}, which is not there twice")));
    assert!(faults.is_empty(), "{faults:#?}");
    Ok(())
}

fn licences(rules: &Value, shipped: &Shipped) -> Result<Vec<String>> {
    let allowed: BTreeSet<String> = names(rules, "/licenses/allow")?.into_iter().collect();
    let mut exceptions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for exception in rules.pointer("/licenses/exceptions").into_iter().flat_map(list) {
        let more = list(&exception["allow"]).filter_map(Value::as_str).map(str::to_owned);
        let name = exception["crate"].as_str().unwrap_or_default().to_owned();
        exceptions.entry(name).or_insert_with(|| allowed.clone()).extend(more);
    }
    let fault = |one: &&Crate| !permitted(&one.licence, exceptions.get(&one.name).unwrap_or(&allowed));
    let words = |one: &Crate| format!("{} {}: licence '{}' is not allowed", one.name, one.version, one.licence);
    Ok(shipped.crates.values().filter(fault).map(words).collect())
}

fn origins(rules: &Value, shipped: &Shipped) -> Result<Vec<String>> {
    let banned = names(rules, "/bans/deny")?;
    let mut faults = Vec::new();
    for one in shipped.crates.values() {
        if banned.contains(&one.name) {
            faults.push(format!("{} {} is banned", one.name, one.version));
        }
        if one.source.as_deref().is_some_and(|source| source != CRATES_IO) {
            faults.push(format!("{} {} comes from {:?}", one.name, one.version, one.source));
        }
    }
    Ok(faults)
}

fn duplicates(
    shipped: &Shipped,
    skip: &[String],
    skip_tree: &[String],
    used: &mut BTreeSet<String>,
) -> BTreeSet<String> {
    let mut versions: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
    for (id, one) in &shipped.crates {
        versions.entry(&one.name).or_default().push(id);
    }
    versions.retain(|_, ids| ids.len() > 1);
    let mut excused = BTreeSet::new();
    let trees = skip_tree.iter().map(|rule| (rule, below(&shipped.needs, shipped.named(rule).into_iter())));
    let single = skip.iter().map(|rule| (rule, shipped.named(rule).into_iter().collect::<BTreeSet<_>>()));
    for (rule, ids) in trees.chain(single) {
        if versions.values().flatten().any(|id| ids.contains(*id)) {
            used.insert(rule.clone());
        }
        excused.extend(ids);
    }
    let left = |ids: &Vec<&String>| ids.iter().filter(|id| !excused.contains(**id)).count();
    let several = versions.iter().filter(|(_, ids)| left(ids) > 1);
    several.map(|(name, ids)| format!("{name} is there {} times: {ids:?}", ids.len())).collect()
}

#[test]
fn our_own_licence_is_said_everywhere_alike() -> Result<()> {
    let shipped = Shipped::of("x86_64-unknown-linux-gnu")?;
    let own: Vec<&Crate> = shipped.crates.values().filter(|one| one.source.is_none()).collect();
    assert_eq!(own.len(), 5, "{own:?}");
    assert!(own.iter().all(|one| one.licence == "Apache-2.0 OR MIT"), "{own:?}");
    for (file, words) in [
        ("LICENSE-APACHE", ["Apache License", "END OF TERMS AND CONDITIONS"]),
        ("LICENSE-MIT", ["Permission is hereby granted, free of charge", "WITHOUT WARRANTY OF ANY KIND"]),
    ] {
        let text = std::fs::read_to_string(workspace().join(file))?;
        assert!(words.iter().all(|word| text.contains(word)), "{file} is not the licence's full text");
    }
    Ok(())
}
