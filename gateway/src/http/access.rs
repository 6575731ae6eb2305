//! Who may do what: the Supervisor's address on the ingress port, the bearer token elsewhere, no commands from other
//! web pages (cross-site request forgery), and none under a host name from outside (DNS rebinding).

use crate::config::http::HttpConfig;
use crate::http::refusal::Refusal;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// Where the Supervisor's ingress comes from.
const INGRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(172, 30, 32, 2));

/// Ends of names that no public name server knows.
const LOCAL: [&str; 7] = [".local", ".localhost", ".lan", ".home", ".home.arpa", ".internal", ".fritz.box"];

/// Scripts, styles and data from here only; framed by pages of the same origin only, which is how ingress shows it.
const CONTENT_POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; \
                              form-action 'self'; frame-ancestors 'self'";

/// What is checked before any handler runs.
#[derive(Clone, Debug)]
pub(super) struct Access {
    token: Option<Arc<[u8; 32]>>,
    ingress_only: bool,
    /// The host in the page's address, where the owner says it.
    host: Option<Arc<str>>,
}

impl Access {
    /// Checks for `api_token` where one is set; with `ingress_only` nobody but the Supervisor and this machine gets in.
    pub(super) fn new(config: &HttpConfig) -> Self {
        let host = config.url.as_deref().and_then(|url| url.split_once("://")).map(|(_, rest)| rest);
        Self {
            token: config.api_token.as_ref().map(|token| Arc::new(digest(token.reveal()))),
            ingress_only: config.ingress_only,
            host: host.and_then(|rest| rest.split(['/', ':']).next()).map(Arc::from),
        }
    }

    /// Whether the request may go on.
    pub(super) fn check(&self, request: &Request) -> Result<(), Refusal> {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
        let from_ingress = peer == Some(INGRESS);
        if self.ingress_only && !from_ingress && !peer.is_some_and(|ip| ip.is_loopback()) {
            let error = "this port is for Home Assistant's ingress only; open HeatMine from Home Assistant's sidebar";
            return Err(Refusal::new(StatusCode::FORBIDDEN, error));
        }
        if is_write(request.method()) && is_cross_site(request) {
            return Err(Refusal::new(StatusCode::FORBIDDEN, "commands from other web pages are not taken"));
        }
        // Whoever comes through ingress has logged in to Home Assistant.
        if from_ingress || !needs_token(request) {
            return Ok(());
        }
        if self.token.is_none() && !self.is_at_home(request) {
            let error = "commands under this host name are not taken: a page of somebody else could lead here; \
                         expected an IP address or a local name, or set http.url or http.api_token";
            return Err(Refusal::new(StatusCode::FORBIDDEN, error));
        }
        match &self.token {
            None => Ok(()),
            Some(expected) if bearer(request.headers()).is_some_and(|given| digest(given) == **expected) => Ok(()),
            Some(_) => {
                let error =
                    "a token is needed; expected the header authorization: Bearer <api_token of the [http] section>";
                Err(Refusal::new(StatusCode::UNAUTHORIZED, error))
            }
        }
    }

    /// Whether the request names this host as somebody in the house would: a name from outside may be another page's
    /// that was made to lead here.
    fn is_at_home(&self, request: &Request) -> bool {
        let Some(host) = request.headers().get(header::HOST) else { return true };
        let Ok(host) = host.to_str() else { return false };
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
            Some(_) | None => host,
        };
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
        let local = !name.contains('.') || LOCAL.iter().any(|end| name.ends_with(end));
        address || local || self.host.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(&name))
    }
}

/// Turns away whoever may not ask, before any handler runs.
pub(super) async fn guard(State(access): State<Access>, request: Request, next: Next) -> Response {
    match access.check(&request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => crate::http::worker::in_the_clients_shape(request.uri().path(), refusal).into_response(),
    }
}

/// Adds the headers every answer carries.
pub(super) async fn harden(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY));
    response
}

fn is_write(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Reading the house is open; commands, jobs (they hold people's text) and the models are not.
fn needs_token(request: &Request) -> bool {
    let path = request.uri().path();
    let reads_house = path.starts_with("/api/v1/") && !path.starts_with("/api/v1/jobs");
    is_write(request.method()) || path.starts_with("/v1/") || (path.starts_with("/api/") && !reads_house)
}

/// Whether another web page asks. Browsers say so only to addresses that they trust, so for the experts' interfaces,
/// which take any type of content, the page's origin has to be this very host; our own takes JSON alone, which no other
/// page can send unasked.
fn is_cross_site(request: &Request) -> bool {
    let headers = request.headers();
    let said = headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site");
    let foreign = headers.get(header::ORIGIN).is_some_and(|origin| {
        let host = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host.as_bytes());
        let own = [header::HOST.as_str(), "x-forwarded-host"].map(|name| headers.get(name).map(HeaderValue::as_bytes));
        host.is_none() || !own.contains(&host)
    });
    let ours = request.uri().path().starts_with("/api/v1/");
    said || (foreign && !ours && !headers.contains_key("x-ingress-path"))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Compared by digest, so that the time it takes says nothing about the token.
fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}
