//! Compares a document with the schema of the configuration and reports every unknown key, missing key, wrong type and
//! impossible value at once. The schema is the one that editors use: ranges stand at the fields and nowhere else.

use super::currency;
use super::document::join;
use super::error::ConfigError;
use super::secret::may_be_secret;
use super::unit;
use plant::units::Currency;
use serde_json::{Map, Value};

/// Words written less alike than this are not suggested for each other.
const LIKENESS_MIN: f64 = 0.6;

/// The schema of the configuration.
pub struct Schema {
    root: Value,
    currency: Currency,
}

impl Schema {
    /// The schema of [`super::Config`].
    pub fn of_config() -> Self {
        Self { root: schemars::schema_for!(super::Config).to_value(), currency: Currency::EUR }
    }

    /// The same for amounts in `currency`.
    pub(super) fn in_currency(self, currency: Currency) -> Self {
        Self { currency, ..self }
    }

    /// The schema as a JSON document.
    pub fn json(&self) -> &Value {
        &self.root
    }

    /// Every mistake in `document`, in the order of the document.
    pub fn check(&self, document: &Value) -> Vec<ConfigError> {
        let mut errors = Vec::new();
        self.node(document, &self.root, "", &mut errors);
        errors
    }

    /// The document with something possible for every required key that it lacks, so that the rest can be checked.
    pub fn filled(&self, document: &Value) -> Value {
        self.fill(Some(document), &self.root)
    }

    fn fill(&self, value: Option<&Value>, schema: &Value) -> Value {
        let schema = self.resolve(schema);
        let no_properties = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&no_properties);
        match (kind(schema), value) {
            ("object", Some(Value::Object(map))) if !properties.is_empty() => {
                let known = |key: &str| properties.get(key).unwrap_or(&Value::Null);
                let mut map: Map<String, Value> =
                    map.iter().map(|(key, value)| (key.clone(), self.fill(Some(value), known(key)))).collect();
                for key in required(schema) {
                    if !map.contains_key(key) {
                        map.insert(key.to_owned(), self.fill(None, known(key)));
                    }
                }
                Value::Object(map)
            }
            ("object", None) => self.fill(Some(&Value::Object(Map::new())), schema),
            ("array", Some(Value::Array(items))) => {
                let item_schema = schema.get("items").unwrap_or(&Value::Null);
                Value::Array(items.iter().map(|item| self.fill(Some(item), item_schema)).collect())
            }
            (_, Some(value)) => value.clone(),
            ("number" | "integer", None) => schema.get("minimum").cloned().unwrap_or_else(|| Value::from(0)),
            ("boolean", None) => Value::Bool(false),
            ("array", None) => Value::Array(Vec::new()),
            (_, None) => choices(schema).first().copied().unwrap_or_default().into(),
        }
    }

    /// Follows references and drops the alternative "absent".
    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let target = reference.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
            return target.map_or(schema, |target| self.resolve(target));
        }
        let alternatives = schema.get("anyOf").and_then(Value::as_array);
        match alternatives.and_then(|all| all.iter().find(|one| one.get("type") != Some(&Value::from("null")))) {
            Some(present) => self.resolve(present),
            None => schema,
        }
    }

    fn node(&self, value: &Value, schema: &Value, path: &str, errors: &mut Vec<ConfigError>) {
        let schema = self.resolve(schema);
        match (kind(schema), value) {
            ("object", Value::Object(map)) => self.object(map, schema, path, errors),
            ("array", Value::Array(items)) => {
                let item_schema = schema.get("items").unwrap_or(&Value::Null);
                for (index, item) in items.iter().enumerate() {
                    self.node(item, item_schema, &format!("{path}[{index}]"), errors);
                }
            }
            (_, value) if fits(value, schema, self.scale(path)) => {}
            (_, value) => {
                let expected = format!("expected {}", self.expectation(schema, path));
                let mut error = ConfigError::new(path, Some(shown(path, value)), expected);
                error.nearest = value.as_str().and_then(|text| nearest(text, choices(schema).into_iter()));
                errors.push(error);
            }
        }
    }

    fn object(&self, map: &Map<String, Value>, schema: &Value, path: &str, errors: &mut Vec<ConfigError>) {
        let no_properties = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&no_properties);
        let others = schema.get("additionalProperties").filter(|others| others.is_object());
        for (key, value) in map {
            let path = join(path, key);
            match properties.get(key).or(others) {
                Some(schema) => self.node(value, schema, &path, errors),
                None => errors.push(self.unknown(key, &path, value, properties)),
            }
        }
        for key in required(schema).filter(|key| !map.contains_key(*key)) {
            let path = join(path, key);
            let schema = properties.get(key).map_or(&Value::Null, |schema| self.resolve(schema));
            let about = properties.get(key).and_then(|schema| schema.get("description")).and_then(Value::as_str);
            let about = about.map(|text| format!(" ({})", text.trim_end_matches('.'))).unwrap_or_default();
            let expected = format!("missing; expected {}{about}", self.expectation(schema, &path));
            errors.push(ConfigError::new(path, None, expected));
        }
    }

    fn unknown(&self, key: &str, path: &str, value: &Value, properties: &Map<String, Value>) -> ConfigError {
        let known = properties.keys().map(String::as_str);
        let mut error = ConfigError::new(path, Some(shown(path, value)), "unknown key");
        if let Some((found, factor)) = unit::same_quantity(key, known.clone()) {
            error.expected = match (unit::of(found), factor, value.as_f64()) {
                (Some(unit), Some(factor), Some(number)) if factor != 1.0 => {
                    let unit = self.unit(unit);
                    format!("wrong unit; expected {unit}, as {found} = {}", rounded(number * factor))
                }
                (Some(unit), _, _) => format!("unknown key; the unit, {}, is part of the name", self.unit(unit)),
                (None, _, _) => error.expected,
            };
            error.nearest = Some(found.to_owned());
            return error;
        }
        error.nearest = nearest(key, known.clone()).or_else(|| self.elsewhere(key));
        if error.nearest.is_none() {
            error.expected = format!("unknown key; known here are {}", listed(known, "and"));
        }
        error
    }

    /// The same key in another section.
    fn elsewhere(&self, key: &str) -> Option<String> {
        let sections = self.root.get("properties")?.as_object()?;
        sections.iter().find_map(|(section, schema)| {
            let resolved = self.resolve(schema);
            let (resolved, name) = match resolved.get("items") {
                Some(items) => (self.resolve(items), format!("[[{section}]]")),
                None => (resolved, format!("[{section}]")),
            };
            resolved.get("properties")?.get(key).map(|_| format!("{key} in {name}"))
        })
    }

    /// How many times as far as in the schema the bounds of a number are: amounts follow the currency.
    fn scale(&self, path: &str) -> f64 {
        let is_amount = unit::of(path).is_some_and(|unit| unit.starts_with(unit::EURO));
        if is_amount { currency::scale(self.currency) } else { 1.0 }
    }

    /// A unit in the site's currency.
    fn unit(&self, unit: &str) -> String {
        unit.replacen(unit::EURO, self.currency.code(), 1)
    }

    /// What a schema asks for, in words.
    fn expectation(&self, schema: &Value, path: &str) -> String {
        let choices = choices(schema);
        if !choices.is_empty() {
            return format!("one of {}", listed(choices.into_iter(), "or"));
        }
        let number = |noun: &str| {
            let bound =
                |name: &str| schema.get(name).and_then(Value::as_f64).map(|bound| rounded(bound * self.scale(path)));
            let range = match (bound("minimum"), bound("maximum")) {
                (Some(least), Some(most)) => format!(" from {least} to {most}"),
                (Some(least), None) => format!(" of at least {least}"),
                (None, Some(most)) => format!(" of at most {most}"),
                (None, None) => String::new(),
            };
            let unit = unit::of(path).map(|unit| format!(", in {}", self.unit(unit))).unwrap_or_default();
            format!("{noun}{range}{unit}")
        };
        match kind(schema) {
            "number" => number("a number"),
            "integer" => number("a whole number"),
            "boolean" => "true or false".into(),
            "array" if path.contains('.') => "a list".into(),
            "array" => format!("a list of sections, each headed [[{path}]]"),
            "object" => match path.rsplit_once('[') {
                Some((list, _)) => format!("a section of the list {list}, with keys and values"),
                None => format!("a section headed [{path}]"),
            },
            _ => match schema.get("maxLength").and_then(Value::as_u64) {
                Some(most) => format!("a text of 1 to {most} characters"),
                None if schema.get("minLength").is_some() => "a text that is not empty".into(),
                None => "a text".into(),
            },
        }
    }
}

/// The known word that is written most like `word`, where one is alike enough.
fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let likeness = |name: &str| strsim::normalized_damerau_levenshtein(word, name);
    let near = known.map(|name| (likeness(name), name)).max_by(|a, b| a.0.total_cmp(&b.0));
    near.filter(|(likeness, _)| *likeness >= LIKENESS_MIN).map(|(_, name)| name.to_owned())
}

fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// The type that a schema asks for, "absent" aside.
fn kind(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or(""),
        _ => "",
    }
}

/// The texts that a schema allows, where it allows only some.
fn choices(schema: &Value) -> Vec<&str> {
    let plain = schema.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let described = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    let described = described.flat_map(|one| {
        let several = one.get("enum").and_then(Value::as_array).into_iter().flatten();
        one.get("const").into_iter().chain(several).filter_map(Value::as_str)
    });
    plain.chain(described).collect()
}

/// Whether a value is what a schema asks for; the bounds of a number are `scale` times as far.
fn fits(value: &Value, schema: &Value, scale: f64) -> bool {
    let choices = choices(schema);
    if !choices.is_empty() {
        return value.as_str().is_some_and(|text| choices.contains(&text));
    }
    let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
    let in_range = |number: f64| {
        bound("minimum").is_none_or(|least| number >= least * scale)
            && bound("maximum").is_none_or(|most| number <= most * scale)
    };
    match kind(schema) {
        "number" => value.as_f64().is_some_and(in_range),
        "integer" => (value.is_i64() || value.is_u64()) && value.as_f64().is_some_and(in_range),
        "boolean" => value.is_boolean(),
        "string" => value.as_str().is_some_and(|text| {
            let length = text.chars().count() as f64;
            bound("minLength").is_none_or(|least| length >= least)
                && bound("maxLength").is_none_or(|most| length <= most)
        }),
        _ => false,
    }
}

/// A value as it was written, shortened; asterisks where it may be a secret.
#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is not ours")]
pub fn shown(path: &str, value: &Value) -> String {
    const LENGTH_MAX: usize = 60;
    let key = path.rsplit('.').next().unwrap_or(path);
    if may_be_secret(key) && !key.ends_with("_file") && value.is_string() {
        return "***".into();
    }
    match value {
        Value::Object(_) => "{..}".into(),
        Value::Array(_) => "[..]".into(),
        other => {
            let text = other.to_string();
            if text.chars().count() <= LENGTH_MAX {
                text
            } else {
                text.chars().take(LENGTH_MAX).collect::<String>() + ".."
            }
        }
    }
}

/// `a, b and c`.
pub fn listed<'a>(names: impl Iterator<Item = &'a str>, word: &str) -> String {
    let names: Vec<&str> = names.collect();
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, before)) => format!("{} {word} {last}", before.join(", ")),
        None => "none".into(),
    }
}

fn rounded(number: f64) -> String {
    let text = format!("{number:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
