//! The description of the REST interface: paths, methods, parameters, bodies and answers.
//!
//! Names of schemas are names of types inside, so references are followed first. An answer may come to say more, and a
//! request to be asked for less, never the other way round: a type, a word or a field of an answer stays, a request that
//! was understood is understood.

use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
/// References deeper than this go round in a circle.
const DEPTH_MAX: usize = 12;

/// Who sends what is described.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Answer,
    Request,
}

/// What a description says about one place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Facts {
    types: BTreeSet<String>,
    words: BTreeSet<String>,
    format: Option<String>,
    required: bool,
}

type Places = BTreeMap<String, Facts>;

/// Everything in `then` that `today` says no more, or otherwise.
pub(super) fn differences(then: &Value, today: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (path, item) in entries(&then["paths"]) {
        for method in METHODS.iter().filter(|method| item.get(**method).is_some()) {
            let name = format!("{} {path}", method.to_uppercase());
            match today["paths"][path].get(*method) {
                Some(operation) => Operation { name, then, today }.compare(&item[*method], operation, &mut found),
                None => found.push(format!("{name}: gone")),
            }
        }
    }
    found
}

/// One operation, and the two documents that its references lead into.
struct Operation<'a> {
    name: String,
    then: &'a Value,
    today: &'a Value,
}

impl Operation<'_> {
    fn compare(&self, then: &Value, today: &Value, found: &mut Vec<String>) {
        self.parameters(then, today, found);
        found.extend(self.bodies("the request", Direction::Request, &then["requestBody"], &today["requestBody"]));
        for (code, answer) in entries(&then["responses"]) {
            match today["responses"].get(code) {
                Some(now) => found.extend(self.bodies(code, Direction::Answer, answer, now)),
                None => found.push(format!("{}: {code}: gone", self.name)),
            }
        }
    }

    fn parameters(&self, then: &Value, today: &Value, found: &mut Vec<String>) {
        let named = |operation: &Value, document: &Value| -> Places {
            let all = operation["parameters"].as_array().into_iter().flatten();
            let places = all.map(|parameter| {
                let (place, name) = (text(parameter, "in"), text(parameter, "name"));
                let mut facts = Places::new();
                Place::root(document, parameter["required"] == true).gather(&parameter["schema"], &mut facts);
                (format!("parameter {name} in {place}"), facts.remove("").unwrap_or_default())
            });
            places.collect()
        };
        let (then, today) = (named(then, self.then), named(today, self.today));
        found.extend(compare(&self.name, Direction::Request, &then, &today));
    }

    fn bodies(&self, what: &str, direction: Direction, then: &Value, today: &Value) -> Vec<String> {
        let mut found = Vec::new();
        for (kind, content) in entries(&then["content"]) {
            let name = format!("{}: {what}", self.name);
            let Some(now) = today["content"].get(kind) else {
                found.push(format!("{name}: {kind}: gone"));
                continue;
            };
            let mut places = [Places::new(), Places::new()];
            Place::root(self.then, true).gather(&content["schema"], &mut places[0]);
            Place::root(self.today, true).gather(&now["schema"], &mut places[1]);
            found.extend(compare(&name, direction, &places[0], &places[1]));
        }
        found
    }
}

/// A place in a value that a schema describes, on the way down from its root.
struct Place<'a> {
    document: &'a Value,
    path: String,
    required: bool,
    depth: usize,
}

impl Place<'_> {
    fn root(document: &Value, required: bool) -> Place<'_> {
        Place { document, path: String::new(), required, depth: 0 }
    }

    fn below(&self, path: String, required: bool) -> Self {
        Self { document: self.document, path, required, depth: self.depth + 1 }
    }

    /// Adds what `schema` says about this place and everything below it.
    fn gather(&self, schema: &Value, places: &mut Places) {
        if self.depth > DEPTH_MAX {
            return;
        }
        let same = || self.below(self.path.clone(), self.required);
        if let Some(reference) = schema["$ref"].as_str() {
            let target = self.document.pointer(reference.trim_start_matches('#')).unwrap_or(&Value::Null);
            return same().gather(target, places);
        }
        for part in ["allOf", "oneOf", "anyOf"].iter().flat_map(|key| schema[*key].as_array().into_iter().flatten()) {
            same().gather(part, places);
        }
        let facts = places.entry(self.path.clone()).or_default();
        facts.required |= self.required;
        facts.types.extend(texts(&schema["type"]));
        facts.words.extend(texts(&schema["enum"]));
        facts.format = schema["format"].as_str().map(str::to_owned).or(facts.format.take());
        let needed: BTreeSet<String> = texts(&schema["required"]).collect();
        for (key, schema) in entries(&schema["properties"]) {
            self.below(format!("{}.{key}", self.path), needed.contains(key)).gather(schema, places);
        }
        for (key, sign) in [("items", "[]"), ("additionalProperties", ".*")] {
            if schema[key].is_object() {
                self.below(format!("{}{sign}", self.path), false).gather(&schema[key], places);
            }
        }
    }
}

fn compare(name: &str, direction: Direction, then: &Places, today: &Places) -> Vec<String> {
    let mut found = Vec::new();
    for (place, facts) in then {
        let said = match today.get(place) {
            Some(now) => facts.changes(now, direction),
            None => vec!["gone".to_owned()],
        };
        found.extend(said.into_iter().map(|said| format!("{name}: {place}: {said}")));
    }
    let asked = |place: &&String| direction == Direction::Request && !then.contains_key(*place);
    let more = today.iter().filter(|(place, facts)| facts.required && asked(place));
    found.extend(more.map(|(place, _)| format!("{name}: {place}: is demanded")));
    found
}

impl Facts {
    fn changes(&self, today: &Self, direction: Direction) -> Vec<String> {
        let mut found = Vec::new();
        // An answer may not get a type that nobody expects; a request may.
        let (narrow, wide) = if direction == Direction::Answer { (today, self) } else { (self, today) };
        let unequal = narrow.types.is_empty() != wide.types.is_empty() && direction == Direction::Answer;
        if unequal || (!wide.types.is_empty() && !narrow.types.is_subset(&wide.types)) {
            found.push(format!("{:?} became {:?}", self.types, today.types));
        }
        if !today.words.is_superset(&self.words) || (self.words.is_empty() && !today.words.is_empty()) {
            found.push(format!("the words {:?} became {:?}", self.words, today.words));
        }
        if self.types.contains("string") && self.format != today.format {
            found.push(format!("the format {:?} became {:?}", self.format, today.format));
        }
        match (self.required, today.required, direction) {
            (true, false, Direction::Answer) => found.push("may be left out".to_owned()),
            (false, true, Direction::Request) => found.push("is demanded".to_owned()),
            (true | false, _, Direction::Answer | Direction::Request) => {}
        }
        found
    }
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

/// A text, or the texts of a list; of a list of types also null's.
fn texts(value: &Value) -> impl Iterator<Item = String> {
    let one = value.as_str().into_iter();
    one.chain(value.as_array().into_iter().flatten().filter_map(Value::as_str)).map(str::to_owned)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

#[test]
fn an_interface_may_say_more_and_ask_for_less() {
    let schema = |body: &str| -> Value {
        let text = format!(
            r##"{{"paths": {{"/a": {{"post": {{"parameters": [{{"name": "n", "in": "query", "schema": {{"type": "integer"}}}}],
            "requestBody": {{"content": {{"json": {{"schema": {{"$ref": "#/parts/B"}}}}}}}},
            "responses": {{"200": {{"content": {{"json": {{"schema": {{"$ref": "#/parts/B"}}}}}}}}}}}}}}}}, "parts": {{"B": {body}}}}}"##
        );
        serde_json::from_str(&text).unwrap_or_default()
    };
    let whole = r#"{"type": "object", "required": ["x"], "properties": {"x": {"type": "number"}, "w": {"type": "string", "enum": ["on"]}}}"#;
    let rows: [(&str, &str, &[&str]); 6] = [
        ("number", "number", &[]),
        (r#""enum": ["on"]"#, r#""enum": ["on", "off"]"#, &[]),
        (r#""enum": ["on"]"#, r#""enum": ["off"]"#, &["the request: .w: the words", "200: .w: the words"]),
        (r#""number""#, r#"["number", "null"]"#, &["200: .x: {\"number\"} became"]),
        (r#"["x"]"#, r#"["x", "w"]"#, &["the request: .w: is demanded"]),
        (r#""x": {"type": "number"}, "#, "", &["the request: .x: gone", "200: .x: gone"]),
    ];
    for (from, to, expected) in rows {
        let found = differences(&schema(whole), &schema(&whole.replace(from, to)));
        let fits =
            found.len() == expected.len() && found.iter().zip(expected).all(|(said, words)| said.contains(words));
        assert!(fits, "{from} to {to}: {found:#?}");
    }
    let gone = differences(&schema(whole), &serde_json::json!({"paths": {"/a": {"post": {}}}}));
    assert_eq!(gone.len(), 3, "{gone:#?}");
}
