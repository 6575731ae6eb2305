//! Tool calls in a model's answer.
//!
//! The usual form is `<tool_call>{"name": .., "arguments": {..}}</tool_call>` (Hermes, Qwen and those trained after
//! them); some models answer with the bare object. Text before the first call is shown as it comes, the rest is held
//! back until it can be read.

use serde_json::{Map, Value};

const OPEN: &str = "<tool_call>";
const CLOSE: &str = "</tool_call>";

/// A tool the model wants to be called.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ToolCall {
    pub name: String,
    pub arguments: Map<String, Value>,
}

/// Splits an answer into text and tool calls as it grows.
#[derive(Debug)]
pub(crate) struct ToolScanner {
    enabled: bool,
    /// What may be a call, or the beginning of one.
    held: String,
    /// Whether any text was shown: after it a bare object is no call.
    shown: bool,
}

impl ToolScanner {
    /// A scanner that passes everything through unless tools were offered.
    pub(crate) fn new(enabled: bool) -> Self {
        Self { enabled, held: String::new(), shown: false }
    }

    /// Adds text and gives what may be shown.
    pub(crate) fn push(&mut self, text: &str) -> String {
        self.held.push_str(text);
        if !self.enabled {
            return std::mem::take(&mut self.held);
        }
        let start = self.held.trim_start();
        if !self.shown && (start.is_empty() || start.starts_with('{')) {
            return String::new();
        }
        let keep = match self.held.find(OPEN) {
            Some(at) => self.held.len() - at,
            None => (1..OPEN.len()).rev().find(|&length| self.held.ends_with(&OPEN[..length])).unwrap_or(0),
        };
        let rest = self.held.split_off(self.held.len() - keep);
        let text = std::mem::replace(&mut self.held, rest);
        self.shown |= !text.trim().is_empty();
        text
    }

    /// The rest, when the answer is complete: text that was no call after all, and the calls.
    pub(crate) fn finish(&mut self) -> (String, Vec<ToolCall>) {
        let held = std::mem::take(&mut self.held);
        if !self.enabled {
            return (held, Vec::new());
        }
        let (mut text, mut calls) = (String::new(), Vec::new());
        if let Some(call) = parse(&held) {
            return (text, vec![call]);
        }
        let mut rest = held.as_str();
        while let Some((before, after)) = rest.split_once(OPEN) {
            let (inside, next) = after.split_once(CLOSE).unwrap_or((after, ""));
            match parse(inside) {
                Some(call) => {
                    text.push_str(before.trim_end());
                    calls.push(call);
                }
                None => text.push_str(&rest[..rest.len() - next.len()]),
            }
            rest = next;
        }
        text.push_str(if calls.is_empty() { rest } else { rest.trim() });
        (text, calls)
    }
}

fn parse(text: &str) -> Option<ToolCall> {
    let Value::Object(mut object) = serde_json::from_str(text.trim()).ok()? else { return None };
    let Some(Value::String(name)) = object.remove("name") else { return None };
    let arguments = match object.remove("arguments").or_else(|| object.remove("parameters")) {
        Some(Value::Object(arguments)) => arguments,
        Some(Value::String(text)) => serde_json::from_str(&text).ok()?,
        None | Some(Value::Null) => Map::new(),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_)) => return None,
    };
    Some(ToolCall { name, arguments })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(answer: &str, enabled: bool) -> (String, Vec<String>) {
        let mut scanner = ToolScanner::new(enabled);
        let mut text = String::new();
        for letter in answer.chars() {
            text.push_str(&scanner.push(&letter.to_string()));
        }
        let (rest, calls) = scanner.finish();
        (
            text + &rest,
            calls.iter().map(|call| format!("{}{}", call.name, Value::Object(call.arguments.clone()))).collect(),
        )
    }

    #[test]
    fn rows() {
        let one = r#"<tool_call>{"name": "on", "arguments": {"id": 1}}</tool_call>"#;
        let rows = [
            ("plain <b>text</b>".to_owned(), "plain <b>text</b>", vec![]),
            (one.to_owned(), "", vec!["on{\"id\":1}"]),
            (format!("Sure.\n{one}\n{one}"), "Sure.\n", vec!["on{\"id\":1}", "on{\"id\":1}"]),
            (r#"{"name": "off", "parameters": {}}"#.to_owned(), "", vec!["off{}"]),
            (r#"{"answer": 42}"#.to_owned(), r#"{"answer": 42}"#, vec![]),
            ("<tool_call>nonsense".to_owned(), "<tool_call>nonsense", vec![]),
        ];
        for (answer, text, calls) in rows {
            let (got_text, got_calls) = scan(&answer, true);
            assert_eq!(got_text, text, "{answer}");
            assert_eq!(got_calls, calls, "{answer}");
            assert_eq!(scan(&answer, false), (answer, vec![]));
        }
    }
}
