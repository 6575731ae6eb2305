//! Prometheus' families: name, type, labels. What a label says stays too, but for the version and the reason of the moment.

use std::collections::{BTreeMap, BTreeSet};

/// Labels whose values are of the moment.
const MOMENTARY: [&str; 2] = ["version", "reason"];

/// The families of one or more expositions.
#[derive(Debug, Default)]
pub(super) struct Families {
    types: BTreeMap<String, String>,
    series: BTreeSet<String>,
}

impl Families {
    /// Adds what an exposition says.
    pub(super) fn add(&mut self, text: &str) {
        for line in text.lines() {
            if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
                self.types.insert(name.to_owned(), kind.to_owned());
            } else if let Some((series, _)) = line.rsplit_once(' ').filter(|_| !line.starts_with('#')) {
                self.series.insert(lasting(series));
            }
        }
    }

    /// What is here and not in `today`, or there with another type.
    pub(super) fn differences(&self, today: &Self) -> Vec<String> {
        let types = self.types.iter().filter_map(|(name, kind)| match today.types.get(name) {
            None => Some(format!("{name}: gone")),
            Some(now) => (now != kind).then(|| format!("{name}: {kind} became {now}")),
        });
        let series = self.series.difference(&today.series).map(|series| format!("{series}: gone"));
        types.chain(series).collect()
    }
}

/// A series without the values of the moment.
fn lasting(series: &str) -> String {
    let Some((name, labels)) = series.split_once('{') else { return series.to_owned() };
    let labels = labels.trim_end_matches('}').split(',').map(|label| match label.split_once('=') {
        Some((key, _)) if MOMENTARY.contains(&key) => format!("{key}=*"),
        Some(_) | None => label.to_owned(),
    });
    format!("{name}{{{}}}", labels.collect::<Vec<_>>().join(","))
}

#[test]
fn a_family_keeps_its_type_and_labels() {
    let then = "# TYPE a gauge\na{reason=\"idle\",x=\"1\"} 2\n# TYPE b counter\nb 3\n";
    let rows: [(&str, &str, &[&str]); 5] = [
        ("idle", "boost", &[]),
        ("b 3", "b 4\nc 1", &[]),
        ("gauge", "counter", &["a: gauge became counter"]),
        ("x=", "y=", &["a{reason=*,x=\"1\"}: gone"]),
        ("# TYPE b counter\nb 3\n", "", &["b: gone", "b: gone"]),
    ];
    let families = |text: &str| {
        let mut families = Families::default();
        families.add(text);
        families
    };
    for (from, to, expected) in rows {
        assert_eq!(families(then).differences(&families(&then.replace(from, to))), expected, "{from} to {to}");
    }
}
