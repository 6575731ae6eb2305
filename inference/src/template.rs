//! From a conversation to the text the model was trained on: its own Jinja chat template.
//!
//! Templates are written for Hugging Face's Python renderer, so Python's string methods, its JSON spacing and its two
//! extra functions (`raise_exception`, `strftime_now`) are provided. A model without a template gets ChatML.

use crate::error::Error;
use crate::expert::gguf::Head;
use crate::stopwatch::WallClock;
use chrono::DateTime;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde, Value};
use minijinja::{Environment, ErrorKind, context};
use serde::Serialize;
use std::fmt::Write;

/// The form most instruct models know, for those that do not say.
const CHATML: &str = "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n\
                      {% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
/// The only template in an expert's environment.
const NAME: &str = "chat";

/// What is to be said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conversation {
    /// Messages in the form of OpenAI's API, arguments of tool calls as objects.
    pub messages: Vec<serde_json::Value>,
    /// Tools in the form of OpenAI's API.
    pub tools: Vec<serde_json::Value>,
    /// Whether a model that can think aloud may.
    pub think: bool,
}

pub(crate) struct Template {
    environment: Environment<'static>,
    expert: String,
    bos: String,
    eos: String,
    /// Whether it knows tools.
    pub tools: bool,
}

impl Template {
    /// Reads, checks and tries the template in the head of `expert`'s file.
    pub(crate) fn of(expert: &str, head: &Head, clock: WallClock) -> Result<Self, Error> {
        let source = head.text("tokenizer.chat_template").unwrap_or(CHATML).to_owned();
        let token = |key: &str| head.token(&format!("tokenizer.ggml.{key}")).unwrap_or_default().to_owned();
        let tools = source.contains("tools");
        let mut environment = Environment::new();
        environment.set_syntax(hugging_face_syntax(expert)?);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", |message: String| -> Result<Value, minijinja::Error> {
            Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
        });
        environment.add_function("strftime_now", move |format: String| strftime(&format, clock()));
        environment.add_filter("tojson", to_json);
        let broken = |error: minijinja::Error| Error::Template { expert: expert.to_owned(), why: reason(&error) };
        environment.add_template_owned(NAME, source).map_err(broken)?;
        let template = Self {
            environment,
            expert: expert.to_owned(),
            bos: token("bos_token_id"),
            eos: token("eos_token_id"),
            tools,
        };
        let hello = serde_json::json!({"role": "user", "content": "Hello"});
        template.try_render(&Conversation { messages: vec![hello], ..Conversation::default() }).map_err(broken)?;
        Ok(template)
    }

    /// The prompt for a conversation; what the template refuses is the request's fault.
    pub(crate) fn render(&self, conversation: &Conversation) -> Result<String, Error> {
        self.try_render(conversation).map_err(|error| {
            let message = format!("the chat template of {} refuses these messages: {}", self.expert, reason(&error));
            Error::request("messages", message)
        })
    }

    fn try_render(&self, conversation: &Conversation) -> Result<String, minijinja::Error> {
        let tools = Some(&conversation.tools).filter(|tools| self.tools && !tools.is_empty());
        self.environment.get_template(NAME)?.render(context! {
            messages => Value::from(Serde(&conversation.messages)),
            tools => tools.map(|tools| Value::from(Serde(tools))),
            add_generation_prompt => true,
            enable_thinking => conversation.think,
            bos_token => self.bos.as_str(),
            eos_token => self.eos.as_str(),
        })
    }
}

/// A tag takes the line break after it and the spaces before it along, as in the `transformers` library.
fn hugging_face_syntax(expert: &str) -> Result<SyntaxConfig, Error> {
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    syntax.map_err(|error| Error::Template { expert: expert.to_owned(), why: reason(&error) })
}

fn strftime(format: &str, now_ms: i64) -> Result<String, minijinja::Error> {
    let now = DateTime::from_timestamp_millis(now_ms).unwrap_or_default();
    let mut text = String::new();
    write!(text, "{}", now.format(format))
        .map_err(|_| minijinja::Error::new(ErrorKind::InvalidOperation, format!("no time format: {format:?}")))?;
    Ok(text)
}

/// JSON as Python writes it; without the HTML escapes of minijinja's own filter.
fn to_json(value: &Value, options: Kwargs) -> Result<Value, minijinja::Error> {
    let indent: Option<usize> = options.get("indent")?;
    // Templates may ask for Python's other options, which change nothing here.
    let _ = options.get::<Option<Value>>("ensure_ascii")?;
    let mut bytes = Vec::new();
    let written = match indent {
        Some(width) => {
            let spaces = vec![b' '; width.min(16)];
            let pretty = serde_json::ser::PrettyFormatter::with_indent(&spaces);
            value.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, pretty))
        }
        None => value.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, PythonFormatter)),
    };
    written.map_err(|error| minijinja::Error::new(ErrorKind::BadSerialization, error.to_string()))?;
    Ok(Value::from_safe_string(String::from_utf8_lossy(&bytes).into_owned()))
}

struct PythonFormatter;

impl serde_json::ser::Formatter for PythonFormatter {
    fn begin_array_value<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }
    fn begin_object_key<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }
    fn begin_object_value<W: ?Sized + std::io::Write>(&mut self, writer: &mut W) -> std::io::Result<()> {
        writer.write_all(b": ")
    }
}

fn reason(error: &minijinja::Error) -> String {
    let text = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    error.line().map_or(text.clone(), |line| format!("{text} (line {line})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expert::gguf;

    fn template(source: Option<&str>) -> Result<Template, Error> {
        let mut head = Head::default();
        let text = |text: &str| gguf::Value::Text(text.into());
        if let Some(source) = source {
            head.metadata.insert("tokenizer.chat_template".into(), text(source));
        }
        head.metadata.insert("tokenizer.ggml.bos_token_id".into(), gguf::Value::Integer(1));
        head.metadata.insert("tokenizer.ggml.tokens".into(), gguf::Value::Texts(vec!["<unk>".into(), "<s>".into()]));
        Template::of("m", &head, || 1_763_726_400_000)
    }

    fn say(text: &str) -> Conversation {
        let messages = vec![serde_json::json!({"role": "user", "content": text})];
        Conversation { messages, ..Conversation::default() }
    }

    #[test]
    fn a_model_without_a_template_gets_chatml() {
        let prompt = template(None).unwrap().render(&say("Hi")).unwrap();
        assert_eq!(prompt, "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
    }

    #[test]
    fn python_habits_work() {
        let source = "{{ bos_token }}{%- for m in messages %}\n  {% if loop.index > 9 %}{% break %}{% endif %}\n\
                      {{ m['content'].strip().upper() }}{% endfor %} {{ strftime_now('%d %b %Y') }} {{ {'a': '<b>', 'c': [1, 2]} | tojson }}";
        let prompt = template(Some(source)).unwrap().render(&say(" hi ")).unwrap();
        assert_eq!(prompt, "<s>HI 21 Nov 2025 {\"a\": \"<b>\", \"c\": [1, 2]}");
    }

    #[test]
    fn broken_templates_are_named_at_load() {
        for source in ["{% for x in %}", "{{ messages[0].content.nonsense() }}", "{{ raise_exception('never') }}"] {
            let error = template(Some(source)).err().map(|error| error.to_string()).unwrap();
            assert!(error.starts_with("chat template of m: "), "{error}");
        }
        let source = "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}x";
        let mut conversation = say("x");
        conversation.messages[0]["role"] = "system".into();
        let error = template(Some(source)).unwrap().render(&conversation).unwrap_err().to_string();
        assert!(error.contains("no system role"), "{error}");
    }
}
