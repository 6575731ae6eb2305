//! No circle of files: what a file names lies below it, so that it can be read, and moved, without what stands above.
//!
//! An *arrow* leads from a file to each file whose items it names, but for the modules that it is a part of: a folder's parts
//! share the words of its head. Cargo keeps circles of crates away; this keeps away those within one.

use super::below;
use super::source::arrows;
use crate::peer::workspace;
use anyhow::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const CRATES: [&str; 4] = ["plant", "drivers", "inference", "gateway"];

/// The sources below a folder of the workspace, by their paths in it.
fn sources(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.append(&mut sources(&path)?);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let name = path.strip_prefix(workspace())?.display().to_string();
            found.insert(name, std::fs::read_to_string(&path)?);
        }
    }
    Ok(found)
}

/// Sets of files that can all be reached from each other.
fn circles(arrows: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<BTreeSet<String>> {
    let needs = arrows.iter().map(|(file, needs)| (file.clone(), needs.iter().cloned().collect())).collect();
    let reached: BTreeMap<&String, BTreeSet<String>> =
        arrows.iter().map(|(file, named)| (file, below(&needs, named.iter().cloned()))).collect();
    let with = |file: &String| {
        let back = |other: &&String| reached.get(other).is_some_and(|far| far.contains(file));
        reached[file].iter().filter(back).cloned().collect::<BTreeSet<_>>()
    };
    arrows.keys().map(with).filter(|circle| circle.len() > 1).collect()
}

/// A circle with what ties it.
fn described(circle: &BTreeSet<String>, arrows: &BTreeMap<String, BTreeSet<String>>) -> String {
    let ties =
        circle.iter().flat_map(|file| arrows[file].intersection(circle).map(move |to| format!("{file} -> {to}")));
    format!("a circle: {}", ties.collect::<Vec<_>>().join(", "))
}

#[test]
fn files_form_no_circle() -> Result<()> {
    let mut faults = Vec::new();
    for name in CRATES {
        let folder = workspace().join(name).join("src");
        let arrows = arrows(&format!("{name}/src/lib.rs"), &sources(&folder)?);
        assert!(arrows.len() > 5, "{name} has no more files than {:?}", arrows.keys());
        faults.extend(circles(&arrows).iter().map(|circle| described(circle, &arrows)));
    }
    assert!(faults.is_empty(), "{faults:#?}");
    Ok(())
}

#[test]
fn an_arrow_leads_to_the_file_that_answers_for_a_name() {
    let rest = [
        ("src/lib.rs", "mod one; pub mod two; #[cfg(test)] mod rows; pub use two::Shown;"),
        ("src/two.rs", "mod inner; pub use inner::Shown; pub struct Two; mod other; fn f() { other::g() }"),
        ("src/two/inner.rs", "use super::Two; pub struct Shown;"),
        ("src/two/other.rs", "pub fn g() {}"),
        ("src/rows.rs", "use crate::one::*;"),
    ];
    let rows: [(&str, &[&str]); 12] = [
        ("use crate::two::Two;", &["src/two.rs"]),
        ("use crate::two::{inner::Shown as S, Two};", &["src/two.rs", "src/two/inner.rs"]),
        ("use crate::two::Shown;", &["src/two.rs"]),
        ("use crate::two::inner as i; fn f() -> i::Shown {}", &["src/two/inner.rs"]),
        ("use crate::two;", &[]),
        ("use crate::two; fn f(two: two::Two) {}", &["src/two.rs"]),
        ("fn f() { crate::two::other::g() }", &["src/two/other.rs"]),
        ("use crate::two::*;", &["src/two.rs"]),
        ("use std::fmt; fn f() -> fmt::Result { u32::MAX }", &[]),
        ("// crate::two::Two\nconst A: &str = \"crate::two::Two\"; const B: &str = r#\"use \"crate::two::Two\"#;", &[]),
        ("#[cfg(test)] mod tests { use crate::two::Two; } fn f<'a>(a: &'a str) -> char { '\"' }", &[]),
        ("#[cfg(test)]\nuse crate::two::Two; use crate::two::inner::Shown;", &["src/two/inner.rs"]),
    ];
    for (text, expected) in rows {
        let sources = rest.into_iter().chain([("src/one.rs", text)]);
        let sources = sources.map(|(file, text)| (file.to_owned(), text.to_owned())).collect();
        let arrows = arrows("src/lib.rs", &sources);
        assert_eq!(arrows["src/one.rs"].iter().collect::<Vec<_>>(), expected, "{text}");
        assert_eq!(arrows["src/two.rs"].iter().collect::<Vec<_>>(), ["src/two/other.rs"], "{text}");
        assert!(arrows["src/lib.rs"].is_empty() && arrows["src/two/inner.rs"].is_empty(), "{arrows:?}");
        assert!(!arrows.contains_key("src/rows.rs"), "{arrows:?}");
    }
}

#[test]
fn a_circle_is_found() {
    let arrows = |rows: &[(&str, &[&str])]| -> BTreeMap<String, BTreeSet<String>> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        rows.iter().map(|(file, named)| ((*file).to_owned(), owned(named))).collect()
    };
    let found = circles(&arrows(&[("a", &["b", "d"]), ("b", &["c"]), ("c", &["a"]), ("d", &["e"]), ("e", &[])]));
    assert_eq!(found, BTreeSet::from([["a", "b", "c"].map(str::to_owned).into()]));
}
