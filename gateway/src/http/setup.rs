//! The page before the house starts: what is missing or wrong in its configuration, in one view, in the words of `heatmine check`,
//! or that the machine's clock is not believed. It shows the newest findings by itself, and the house once that runs.

use super::access::{Access, guard, harden};
use super::refusal::Refusal;
use super::{FAREWELL, connections, page};
use crate::config::ConfigError;
use crate::config::http::HttpConfig;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const PAGE: &str = include_str!("../../web/setup.html");
/// The app's options; the Supervisor writes them.
const OPTIONS: &str = "options.json";

/// What is missing or wrong.
#[derive(Clone, Debug)]
pub struct Findings {
    /// The site's name.
    pub site: String,
    /// The configuration's file.
    pub file: String,
    /// The mistakes in it.
    pub errors: Vec<ConfigError>,
    /// Whatever else a person should know, a sentence each.
    pub notes: Vec<String>,
}

type Shown = watch::Receiver<Arc<Findings>>;

/// Serves until `shutdown`.
pub async fn serve(config: &HttpConfig, listener: TcpListener, findings: Shown, shutdown: &CancellationToken) {
    let serving = connections::serve(listener, router(config, findings), shutdown);
    tokio::select! {
        () = serving => {}
        () = async { shutdown.cancelled().await; tokio::time::sleep(FAREWELL).await } => {}
    }
}

fn router(config: &HttpConfig, findings: Shown) -> Router {
    Router::new()
        .route("/", get(shown))
        .route("/assets/{name}", get(page::asset))
        .route("/api/v1/setup", get(async |State(findings): State<Shown>| Json(body(&findings.borrow()))))
        .route("/health", get(async || Json(json!({"status": "setup"}))))
        .fallback(refuse)
        .layer(axum::middleware::from_fn_with_state(Access::new(config), guard))
        .layer(axum::middleware::from_fn(harden))
        .with_state(findings)
}

async fn refuse(State(findings): State<Shown>) -> Refusal {
    let Findings { errors, notes, .. } = &**findings.borrow();
    let first = errors.first().map(|error| format!(" ({error})")).unwrap_or_default();
    Refusal::not_now(
        match (errors.as_slice(), notes.first()) {
            ([], Some(note)) => format!("HeatMine waits. {note}"),
            _ => format!("HeatMine waits for its configuration{first}; its page says what is missing"),
        },
        5,
    )
}

async fn shown(State(findings): State<Shown>, headers: HeaderMap) -> Response {
    let findings = Arc::clone(&findings.borrow());
    let Findings { site, file, errors, notes } = findings.as_ref();
    let many = match errors.len() {
        0 => "nothing to correct".to_owned(),
        1 => "1 thing to correct".to_owned(),
        number => format!("{number} things to correct"),
    };
    let todo = if errors.is_empty() {
        "The configuration is in order. HeatMine starts by itself once what stands below is over.".to_owned()
    } else if file.ends_with(OPTIONS) {
        "In Home Assistant open <b>Settings</b>, <b>Apps</b>, <b>HeatMine</b>, <b>Configuration</b>. Correct what stands below \
         there, save, and let Home Assistant restart the app."
            .to_owned()
    } else {
        format!(
            "Correct what stands below in <code>{}</code> and save it. HeatMine looks at it every two seconds and starts by itself.",
            escaped(&std::path::absolute(file).unwrap_or_else(|_| file.into()).display().to_string())
        )
    };
    let notes: String = notes.iter().map(|note| format!("<li>{}</li>", escaped(note))).collect();
    let notes = match notes.as_str() {
        "" => notes,
        _ => format!("<section class=\"card wide\"><h2>Besides</h2><ul class=\"problems\">{notes}</ul></section>"),
    };
    let html = PAGE
        .replace("{site}", &escaped(site))
        .replace("{many}", &many)
        .replace("{todo}", &todo)
        .replace("{findings}", &errors.iter().map(finding).collect::<String>())
        .replace("<!-- notes -->", &notes);
    page::shown(&headers, html)
}

fn finding(error: &ConfigError) -> String {
    let value = error.value.as_ref().map(|value| format!(" = {value}")).unwrap_or_default();
    let key = match error.key.as_str() {
        "" => "The file".to_owned(),
        key => format!("<code>{}</code>", escaped(&format!("{key}{value}"))),
    };
    let place = error.place.map(|place| format!("<p class=\"place\">line {}</p>", place.line)).unwrap_or_default();
    let nearest = error.nearest.as_ref().map(|nearest| format!("; did you mean {nearest}?")).unwrap_or_default();
    format!("<li><h3>{key}</h3><p>{}</p>{place}</li>", escaped(&format!("{}{nearest}", error.expected)))
}

fn body(findings: &Findings) -> Value {
    let Findings { site, file, errors, notes } = findings;
    let errors = errors.iter().map(|error| {
        json!({
            "line": error.place.map(|place| place.line),
            "key": error.key,
            "value": error.value,
            "expected": error.expected,
            "nearest": error.nearest,
            "sentence": error.to_string(),
        })
    });
    json!({"site": site, "file": file, "findings": errors.collect::<Vec<_>>(), "notes": notes})
}

/// Text of strangers as text in a page.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::extract::Request;
    use axum::http::StatusCode;
    use tower::ServiceExt;

    fn findings() -> Shown {
        let wrong = ConfigError::new("site.name", Some("\"<b>{todo}\"".into()), "expected a name");
        let missing = ConfigError::new("", None, "does not exist; expected a configuration");
        let notes = vec!["inverter (battery.mode) is not given back yet: no answer".to_owned()];
        let findings = Findings { site: "<i>".into(), file: "house.toml".into(), errors: vec![missing, wrong], notes };
        watch::channel(Arc::new(findings)).1
    }

    async fn get(path: &str) -> (StatusCode, String) {
        let request = Request::get(path).header("host", "127.0.0.1").body(Body::empty()).unwrap();
        let answer = router(&HttpConfig::default(), findings()).oneshot(request).await.unwrap();
        let status = answer.status();
        let bytes = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn the_page_says_everything_that_is_wrong_and_nothing_of_it_is_markup() {
        let (status, html) = get("/").await;
        assert_eq!(status, StatusCode::OK);
        for words in
            ["2 things to correct", "does not exist; expected", "expected a name", "house.toml", "not given back yet"]
        {
            assert!(html.contains(words), "{words} in {html}");
        }
        assert!(html.contains("&lt;b&gt;") && !html.contains("<b>{") && !html.contains("<i>"), "{html}");
    }

    #[tokio::test]
    async fn programs_read_the_same_and_everything_else_is_refused_in_words() {
        let (status, body) = get("/api/v1/setup").await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &body["findings"][1]["key"]), (StatusCode::OK, &json!("site.name")));
        assert_eq!(get("/health").await, (StatusCode::OK, "{\"status\":\"setup\"}".to_owned()));
        let (status, body) = get("/api/v1/record").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(body.contains("waits for its configuration (does not exist; expected"), "{body}");
    }
}
