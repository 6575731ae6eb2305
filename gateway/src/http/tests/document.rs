//! The OpenAPI document is walked: every operation is called, and every answer held against its description.

use super::*;

/// A body that each operation with one understands.
const BODIES: &[(&str, &str)] = &[
    ("/api/v1/mode", r#"{"mode":"eco"}"#),
    ("/api/v1/power-limit", r#"{"watts":100}"#),
    ("/api/v1/boost", r#"{"minutes":30}"#),
    ("/api/v1/grid-dimming", r#"{"watts":4200}"#),
    ("/api/v1/confirm", r#"{"confirm":true}"#),
    ("/api/v1/jobs", r#"{"prompt":"Name three uses of waste heat."}"#),
];

#[tokio::test]
async fn every_documented_route_answers_as_described() {
    let mut house = House::open().await;
    let mut confirmations = std::mem::replace(&mut house.confirmations, mpsc::channel(1).1);
    tokio::spawn(async move {
        while let Some(kept) = confirmations.recv().await {
            kept.send(Ok(())).unwrap();
        }
    });
    let (_, document) = house.get("/api/v1/openapi.json").await;
    let mut walked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            walk(&house, &document, path, method, operation).await;
            while house.commands.try_recv().is_ok() {}
            walked += 1;
        }
    }
    assert!(walked >= 16, "{walked} operations");
}

async fn walk(house: &House, document: &Value, path: &str, method: &str, operation: &Value) {
    let what = format!("{} {path}", method.to_uppercase());
    assert!(operation["summary"].is_string(), "{what} says what it does");
    // The newest job of the fixture waits, so that it can be read and taken back.
    let url = format!("{}{}", house.url, path.replace("{id}", "5"));
    let mut request = house.client.request(method.to_uppercase().parse().unwrap(), url);
    if operation.get("requestBody").is_some() {
        let (_, body) = BODIES.iter().find(|(known, _)| *known == path).unwrap_or_else(|| panic!("a body for {what}"));
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        check(document, schema, &serde_json::from_str(body).unwrap(), &what, false);
        request = request.header("content-type", "application/json").body(*body);
    }
    let response = request.send().await.unwrap();
    let described = &operation["responses"][response.status().as_str()];
    assert!(described.is_object(), "{what} answered {}, which is not described", response.status());
    let kind = response.headers()["content-type"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let schema = &described["content"][&kind]["schema"];
    assert!(schema.is_object(), "{what} answered {kind}, which is not described");
    if kind == "application/json" {
        check(document, schema, &response.json().await.unwrap(), &what, true);
    }
}

/// Holds a value against a schema; `exact` wants every property of the value described.
#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is not ours")]
fn check(document: &Value, schema: &Value, value: &Value, at: &str, exact: bool) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(reference.trim_start_matches('#'));
        return check(document, target.unwrap_or_else(|| panic!("{reference} leads nowhere")), value, at, exact);
    }
    if let Some(either) = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array()) {
        let fits = either.iter().find(|option| (option["type"] == "null") == value.is_null());
        return check(
            document,
            fits.unwrap_or_else(|| panic!("{at}: {value} fits no option of {schema}")),
            value,
            at,
            exact,
        );
    }
    if let Some(parts) = schema["allOf"].as_array() {
        return parts.iter().for_each(|part| check(document, part, value, at, false));
    }
    if let Some(words) = schema["enum"].as_array() {
        assert!(words.contains(value), "{at}: {value} is not one of {words:?}");
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return,
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    assert!(kinds.contains(&kind) || (kind == "integer" && kinds.contains(&"number")), "{at}: {value} is no {kinds:?}");
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        check(document, &schema["items"], item, &format!("{at}[{index}]"), exact);
    }
    if let Some(object) = value.as_object() {
        check_object(document, schema, object, at, exact);
    }
}

fn check_object(document: &Value, schema: &Value, object: &serde_json::Map<String, Value>, at: &str, exact: bool) {
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        assert!(object.contains_key(name), "{at}: {name} is promised and missing");
    }
    for (name, value) in object {
        let at = format!("{at}.{name}");
        match (schema["properties"].get(name), schema.get("additionalProperties")) {
            (Some(schema), _) | (None, Some(schema)) => check(document, schema, value, &at, exact),
            (None, None) => assert!(!exact, "{at} is sent and not described"),
        }
    }
}
