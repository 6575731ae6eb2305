//! What the app's form cannot say as the file does: it has no tables with free keys, so a device's parameters are a list of
//! `name=value` there.

use serde_json::{Map, Value};

/// Turns such lists into tables; what is none stays as it is, for the schema to complain about.
pub(super) fn complete(document: &mut Value) {
    let Some(devices) = document.get_mut("device").and_then(Value::as_array_mut) else { return };
    for parameters in devices.iter_mut().filter_map(|device| device.get_mut("parameters")) {
        if let Some(table) = parameters.as_array().and_then(|list| table(list)) {
            *parameters = Value::Object(table);
        }
    }
}

fn table(list: &[Value]) -> Option<Map<String, Value>> {
    let pair = |item: &Value| {
        let (name, value) = item.as_str()?.split_once('=')?;
        Some((name.trim().to_owned(), Value::String(value.trim().to_owned())))
    };
    list.iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_list_of_parameters_is_a_table() {
        let rows = [
            (json!(["meter_unit=240", "topic = a=b"]), json!({"meter_unit": "240", "topic": "a=b"})),
            (json!([]), json!({})),
            (json!({"meter_unit": "240"}), json!({"meter_unit": "240"})),
            (json!(["meter_unit"]), json!(["meter_unit"])),
            (json!([5]), json!([5])),
        ];
        for (given, expected) in rows {
            let mut document = json!({"device": [{"name": "meter", "parameters": given}]});
            complete(&mut document);
            assert_eq!(document["device"][0]["parameters"], expected);
        }
    }
}
