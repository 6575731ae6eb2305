//! The layout of the models, as data: `definitions/sunspec/models.txt`, parsed once.

use std::collections::BTreeMap;
use std::sync::OnceLock;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Model {
    pub id: u16,
    /// Its name, for a person.
    pub name: String,
    /// What stands after ID and length.
    pub body: Group,
}

/// Points and groups that stand together, possibly repeated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Group {
    /// Its name; empty for the model itself.
    pub name: String,
    /// How often it stands there.
    pub repeat: Repeat,
    pub points: Vec<PointDef>,
    pub groups: Vec<Group>,
}

/// How often a group stands there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Once, without an index.
    #[default]
    Single,
    /// As often as this point says.
    Point(String),
    Times(usize),
    /// As often as fits into the model's length.
    Length,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PointDef {
    pub name: String,
    pub kind: Kind,
    /// Registers it takes.
    pub size: usize,
    pub scale: Scale,
    /// Its unit, empty where it has none.
    pub unit: String,
}

/// Where a point's power of ten comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    None,
    Fixed(i32),
    /// Another point of this group or one around it.
    Point(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Signed,
    /// Unsigned number, enumeration or bits.
    Unsigned,
    /// Counter, not there when 0.
    Counter,
    Float,
    ScaleFactor,
    Text,
    /// Filler.
    Pad,
    Ip4,
    Ip6,
    Mac,
}

impl Group {
    /// Registers of one instance, nested groups that stand once included.
    pub(crate) fn size(&self) -> usize {
        let points: usize = self.points.iter().map(|point| point.size).sum();
        let groups: usize = self.groups.iter().filter(|group| group.repeat == Repeat::Single).map(Group::size).sum();
        points + groups
    }
}

/// The model of this number, where it is a known one.
pub(crate) fn find(id: u16) -> Option<&'static Model> {
    static MODELS: OnceLock<BTreeMap<u16, Model>> = OnceLock::new();
    MODELS.get_or_init(|| parse(include_str!("../../definitions/sunspec/models.txt"))).get(&id)
}

fn parse(text: &str) -> BTreeMap<u16, Model> {
    let mut models = BTreeMap::new();
    let mut lines = text.lines().filter(|line| !line.starts_with('#')).peekable();
    while let Some(line) = lines.next() {
        let mut words = line.splitn(3, ' ').skip(1);
        let Some(id) = words.next().and_then(|word| word.parse().ok()) else { continue };
        let name = words.next().unwrap_or_default().to_owned();
        let mut body = Group::default();
        fill(&mut body, 1, &mut lines);
        models.insert(id, Model { id, name, body });
    }
    models
}

fn fill<'a>(group: &mut Group, depth: usize, lines: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>) {
    while let Some(line) = lines.peek() {
        let indent = line.len() - line.trim_start().len();
        if indent < depth {
            return;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        lines.next();
        match words.as_slice() {
            ["group", name, count @ ..] => {
                let mut inner =
                    Group { name: (*name).to_owned(), repeat: repeat(count.first().copied()), ..Group::default() };
                fill(&mut inner, depth + 1, lines);
                group.groups.push(inner);
            }
            [name, kind, rest @ ..] => group.points.extend(point(name, kind, rest)),
            _ => {}
        }
    }
}

fn repeat(count: Option<&str>) -> Repeat {
    match count {
        None => Repeat::Single,
        Some("*") => Repeat::Length,
        Some(word) => word.parse().map_or_else(|_| Repeat::Point(word.to_owned()), Repeat::Times),
    }
}

fn point(name: &str, kind: &str, rest: &[&str]) -> Option<PointDef> {
    let word = |key: &str| rest.iter().find_map(|word| word.strip_prefix(key)).map(str::to_owned);
    let (kind, size) = match kind {
        "i16" => (Kind::Signed, 1),
        "i32" => (Kind::Signed, 2),
        "i64" => (Kind::Signed, 4),
        "u16" | "e16" | "b16" => (Kind::Unsigned, 1),
        "u32" | "e32" | "b32" => (Kind::Unsigned, 2),
        "u64" | "b64" => (Kind::Unsigned, 4),
        "a16" => (Kind::Counter, 1),
        "a32" => (Kind::Counter, 2),
        "a64" => (Kind::Counter, 4),
        "f32" => (Kind::Float, 2),
        "f64" => (Kind::Float, 4),
        "sf" => (Kind::ScaleFactor, 1),
        "pad" => (Kind::Pad, 1),
        "ip4" => (Kind::Ip4, 2),
        "ip6" => (Kind::Ip6, 8),
        "eui" => (Kind::Mac, 4),
        text => (Kind::Text, text.strip_prefix("str")?.parse().ok()?),
    };
    let scale = match word("sf=") {
        None => Scale::None,
        Some(word) => word.parse().map_or(Scale::Point(word), Scale::Fixed),
    };
    let unit = word("unit=").unwrap_or_default().replace('_', " ");
    Some(PointDef { name: name.to_owned(), kind, size, scale, unit })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_models_have_the_lengths_the_standard_gives_them() {
        for (id, length) in [
            (1, 66),
            (101, 50),
            (103, 50),
            (113, 60),
            (120, 26),
            (121, 30),
            (123, 24),
            (124, 24),
            (203, 105),
            (213, 124),
            (701, 153),
            (704, 65),
            (713, 7),
            (802, 62),
        ] {
            assert_eq!(find(id).unwrap().body.size(), length, "model {id}");
        }
        let module = &find(160).unwrap().body.groups[0];
        assert_eq!((module.size(), &module.repeat), (20, &Repeat::Length));
        assert!(find(9999).is_none());
    }
}
