//! What a crate's files name of each other, read from their words alone: no compiler, no meaning, no macros.
//!
//! A *module* is a file, found from the crate's root by its `mod` lines. What stands under `#[cfg(test)]` is left out, and
//! so are the files it declares. A path is followed to the module that answers for its item, be it that the item is defined
//! there or that a child's is handed on.

use super::words::{without_tests, words};
use std::collections::{BTreeMap, BTreeSet};

/// A module's place below the crate's root.
type Place = Vec<String>;

/// How many imports of one file may lie between a name and what it stands for.
const STEPS_MAX: usize = 5;

/// One file.
#[derive(Default)]
struct Module {
    file: String,
    /// Its words and signs, in their order.
    words: Vec<String>,
    children: BTreeSet<String>,
    uses: Vec<Use>,
}

/// One name of a `use`, whole.
#[derive(Debug, PartialEq)]
struct Use {
    path: Vec<String>,
    /// The name it has here; `*` for all.
    name: String,
    public: bool,
}

/// The files of a crate whose root is one of `sources` (file to text), and the files whose items each of them names. What a
/// module only hands on of its children is not named by it; and what stands in the modules around a file is at home in it.
pub(super) fn arrows(root: &str, sources: &BTreeMap<String, String>) -> BTreeMap<String, BTreeSet<String>> {
    let modules = modules(root, sources);
    let mut arrows = BTreeMap::new();
    for (place, module) in &modules {
        let named = paths(&module.words).into_iter().filter_map(|path| follow(&modules, place, &path, 0));
        let used = module.uses.iter().filter(|one| !is_shown_child(module, one));
        let used = used.filter_map(|one| follow(&modules, place, &one.path, 0));
        let around = |file: &String| {
            (0..=place.len()).any(|depth| modules.get(&place[..depth]).is_some_and(|one| one.file == *file))
        };
        let files = named.chain(used).filter(|file| !around(file));
        arrows.insert(module.file.clone(), files.collect());
    }
    arrows
}

/// Whether a module only hands on what a child of its own has.
fn is_shown_child(module: &Module, one: &Use) -> bool {
    let first = one.path.iter().find(|word| *word != "self");
    one.public && first.is_some_and(|word| module.children.contains(word))
}

fn modules(root: &str, sources: &BTreeMap<String, String>) -> BTreeMap<Place, Module> {
    let mut modules = BTreeMap::new();
    let mut open = vec![(Place::new(), root.to_owned())];
    while let Some((place, file)) = open.pop() {
        let Some(text) = sources.get(&file) else { continue };
        let module = module(file, without_tests(words(text)));
        let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
        for child in &module.children {
            let below = [place.as_slice(), std::slice::from_ref(child)].concat();
            let path = format!("{folder}/{}", below.join("/"));
            let there =
                [format!("{path}.rs"), format!("{path}/mod.rs")].into_iter().find(|file| sources.contains_key(file));
            open.extend(there.map(|file| (below, file)));
        }
        modules.insert(place, module);
    }
    modules
}

fn module(file: String, words: Vec<String>) -> Module {
    let mut module = Module { file, ..Module::default() };
    let mut at = 0;
    while at < words.len() {
        let next = |ahead: usize| words.get(at + ahead).map_or("", String::as_str);
        match words[at].as_str() {
            "mod" if next(2) == ";" => drop(module.children.insert(next(1).to_owned())),
            "use" => {
                let public = at > 0 && matches!(words[at - 1].as_str(), "pub" | ")");
                let end = words[at..].iter().position(|word| word == ";").map_or(words.len(), |length| at + length);
                tree(&words[at + 1..end], &mut Vec::new(), public, &mut module.uses);
                at = end;
            }
            _ => {}
        }
        at += 1;
    }
    module.words = words;
    module
}

/// One tree of a `use`: `a::b as c`, `a::{b, c::d}`, `a::*`.
fn tree(words: &[String], prefix: &mut Vec<String>, public: bool, uses: &mut Vec<Use>) {
    let brace = words.iter().position(|word| word == "{");
    let alias = words.iter().position(|word| word == "as");
    let end = brace.or(alias).unwrap_or(words.len());
    let own: Vec<String> = words[..end].iter().filter(|word| *word != "::").cloned().collect();
    let length = prefix.len();
    prefix.extend(own);
    if let Some(brace) = brace {
        let last = words.iter().rposition(|word| word == "}").unwrap_or(words.len());
        for branch in branches(&words[brace + 1..last]) {
            tree(branch, prefix, public, uses);
        }
    } else if let Some(last) = prefix.last().cloned() {
        let mut path = prefix.clone();
        if last == "self" && path.len() > 1 {
            path.pop();
        }
        let name = alias.and_then(|at| words.get(at + 1)).or_else(|| path.last()).cloned().unwrap_or_default();
        uses.push(Use { path, name, public });
    }
    prefix.truncate(length);
}

/// The parts of a list, split at the commas that no inner brace encloses.
fn branches(words: &[String]) -> Vec<&[String]> {
    let (mut depth, mut from, mut found) = (0, 0, Vec::new());
    for (at, word) in words.iter().enumerate() {
        match word.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            "," if depth == 0 => {
                found.push(&words[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    found.push(&words[from..]);
    found.retain(|branch| !branch.is_empty());
    found
}

/// Every path of two words or more, `use` lines aside.
fn paths(words: &[String]) -> Vec<Vec<String>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < words.len() {
        if words[at] == "use" {
            at += words[at..].iter().position(|word| word == ";").unwrap_or(0);
        }
        let mut path = vec![words[at].clone()];
        while words.get(at + 1).is_some_and(|word| word == "::") && words.get(at + 2).is_some_and(|word| is_name(word))
        {
            path.push(words[at + 2].clone());
            at += 2;
        }
        if path.len() > 1 {
            found.push(path);
        }
        at += 1;
    }
    found
}

/// The file that answers for what a path names, read in the module at `place`; `None` for modules as such and for what is not
/// of this crate.
fn follow(modules: &BTreeMap<Place, Module>, place: &[String], path: &[String], step: usize) -> Option<String> {
    let module = modules.get(place)?;
    let (first, rest) = path.split_first()?;
    match first.as_str() {
        "crate" => within(modules, &[], rest),
        "self" => within(modules, place, rest),
        "super" => within(modules, place.split_last()?.1, rest),
        _ if module.children.contains(first) => within(modules, place, path),
        _ if step > STEPS_MAX => None,
        _ => {
            let one = module.uses.iter().find(|one| one.name == *first)?;
            follow(modules, place, &[one.path.as_slice(), rest].concat(), step + 1)
        }
    }
}

/// The same for a path below the module at `place`.
fn within(modules: &BTreeMap<Place, Module>, place: &[String], path: &[String]) -> Option<String> {
    let (first, rest) = path.split_first()?;
    let module = modules.get(place)?;
    if first == "super" {
        within(modules, place.split_last()?.1, rest)
    } else if module.children.contains(first) {
        within(modules, &[place, std::slice::from_ref(first)].concat(), rest)
    } else {
        Some(module.file.clone())
    }
}

fn is_name(word: &str) -> bool {
    word.starts_with(|first: char| first.is_alphabetic() || first == '_')
}
