//! The page and its parts, built into the binary. Every link in it is relative, so that it works below any path.

use crate::http::State;
use crate::http::refusal::Refusal;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

const PAGE: &str = include_str!("../../web/page.html");

/// The longest path prefix that is believed.
const BASE_MAX: usize = 256;

macro_rules! assets {
    ($($name:literal $kind:literal;)*) => {
        /// Every file of the page: name, media type, content.
        const ASSETS: &[(&str, &str, &str)] = &[$(($name, $kind, include_str!(concat!("../../web/", $name))),)*];
    };
}

assets! {
    "page.css" "text/css; charset=utf-8";
    "icon.svg" "image/svg+xml";
    "main.js" "text/javascript; charset=utf-8";
    "dom.js" "text/javascript; charset=utf-8";
    "format.js" "text/javascript; charset=utf-8";
    "link.js" "text/javascript; charset=utf-8";
    "flow.js" "text/javascript; charset=utf-8";
    "why.js" "text/javascript; charset=utf-8";
    "chart.js" "text/javascript; charset=utf-8";
    "picture.js" "text/javascript; charset=utf-8";
    "slot.js" "text/javascript; charset=utf-8";
    "reasons.js" "text/javascript; charset=utf-8";
    "review.js" "text/javascript; charset=utf-8";
    "controls.js" "text/javascript; charset=utf-8";
    "earnings.js" "text/javascript; charset=utf-8";
    "status.js" "text/javascript; charset=utf-8";
    "jobs.js" "text/javascript; charset=utf-8";
    "setup.js" "text/javascript; charset=utf-8";
}

/// The page itself. Behind a proxy that says below which path it shows us, links start there.
pub(super) async fn page(Shared(state): Shared<State>, headers: HeaderMap) -> Response {
    shown(&headers, PAGE.replace("{timezone}", state.timezone.name()).replace("{currency}", state.currency.code()))
}

/// A page of ours, with links that start where the proxy shows it.
pub(super) fn shown(headers: &HeaderMap, page: String) -> Response {
    let base = headers.get("x-ingress-path").and_then(|value| value.to_str().ok()).and_then(base_of);
    let base = base.map(|base| format!("<base href=\"{base}\">")).unwrap_or_default();
    let html = page.replace("<!-- base -->", &base).replace("{version}", env!("CARGO_PKG_VERSION"));
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    // The base differs from visitor to visitor.
    ([kind, (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], html).into_response()
}

/// A file of the page.
pub(super) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some((_, kind, content)) = ASSETS.iter().find(|(known, ..)| *known == name) else {
        return Refusal::not_found(format!("there is no file assets/{name}")).into_response();
    };
    let tag = format!("\"{:x}\"", Sha256::digest(content.as_bytes()));
    let fixed = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::ETAG, HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""))),
    ];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, fixed).into_response();
    }
    (fixed, [(header::CONTENT_TYPE, HeaderValue::from_static(kind))], *content).into_response()
}

/// The prefix as a directory; `None` for anything that is not a plain absolute path.
fn base_of(prefix: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.' | '~');
    let trimmed = prefix.trim_end_matches('/');
    let usable = trimmed.starts_with('/')
        && !trimmed.starts_with("//")
        && trimmed.len() <= BASE_MAX
        && trimmed.chars().all(plain);
    usable.then(|| format!("{trimmed}/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_believed_only_when_it_is_a_plain_path() {
        let rows = [
            ("/api/hassio_ingress/Ab-1_x", Some("/api/hassio_ingress/Ab-1_x/")),
            ("/api/hassio_ingress/x/", Some("/api/hassio_ingress/x/")),
            ("/", None),
            ("", None),
            ("//evil.example", None),
            ("https://evil.example/", None),
            ("/a\"><script>", None),
        ];
        for (prefix, expected) in rows {
            assert_eq!(base_of(prefix).as_deref(), expected, "{prefix}");
        }
    }

    #[test]
    fn every_reason_has_its_words_on_the_page() {
        let words = include_str!("../../web/reasons.js");
        for reason in plant::reason::Reason::ALL {
            let line = words.lines().find(|line| line.trim_start().starts_with(&format!("{}: [", reason.name())));
            let line = line.unwrap_or_else(|| panic!("the page has no words for {reason}"));
            assert!(line.ends_with(&format!(", \"{}\"],", reason.sentence())), "{line}");
        }
    }

    #[test]
    fn every_file_the_page_names_is_built_in() {
        for part in PAGE.split("assets/").skip(1) {
            let name: String =
                part.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '.' || *c == '-').collect();
            assert!(ASSETS.iter().any(|(known, ..)| *known == name), "{name}");
        }
    }
}
