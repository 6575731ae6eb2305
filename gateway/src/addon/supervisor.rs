//! What Home Assistant's Supervisor offers an app: the MQTT broker it may use with its credentials, and the app's own
//! name.

use anyhow::{Context, Result, bail};
use reqwest::StatusCode;
use serde::Deserialize;
use std::time::Duration;
use tracing::{info, warn};

/// Where an app reaches the Supervisor, unless the variable [`ELSEWHERE`] names another place.
const SUPERVISOR: &str = "http://supervisor";
/// The variable for a Supervisor that is a stand-in.
pub const ELSEWHERE: &str = "HEATMINE_SUPERVISOR";
/// The variable with the token of this app.
pub const TOKEN: &str = "SUPERVISOR_TOKEN";
/// The longest wait for one answer.
pub const ANSWER_MAX: Duration = Duration::from_secs(10);

/// The broker as the Supervisor knows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct MqttService {
    /// Host name in the apps' network.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// User name made for apps.
    #[serde(default)]
    pub username: Option<String>,
    #[serde(default)]
    pub password: Option<String>,
    /// Whether the connection is encrypted.
    #[serde(default)]
    pub ssl: bool,
}

impl MqttService {
    /// The same as the variables that complete the section `[mqtt]`.
    pub fn variable(&self, name: &str) -> Option<String> {
        match name {
            "HEATMINE_MQTT_HOST" => Some(self.host.clone()),
            "HEATMINE_MQTT_PORT" => Some(self.port.to_string()),
            "HEATMINE_MQTT_USERNAME" => self.username.clone(),
            "HEATMINE_MQTT_PASSWORD" => self.password.clone(),
            "HEATMINE_MQTT_TLS" => Some(self.ssl.to_string()),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    result: String,
    data: Option<serde_json::Value>,
    message: Option<String>,
}

/// The token of this app and the Supervisor's address; `None` where this process is no app.
fn reached() -> Option<(String, String)> {
    let token = std::env::var(TOKEN).ok()?;
    Some((token, std::env::var(ELSEWHERE).unwrap_or_else(|_| SUPERVISOR.to_owned())))
}

/// Where the Supervisor, or the one that stands in for it at `elsewhere`, passes on what an app asks Home Assistant itself.
pub fn home_assistant(elsewhere: Option<&str>) -> String {
    format!("{}/core", elsewhere.unwrap_or(SUPERVISOR))
}

/// Where Home Assistant shows the page of this app, where this process is one.
pub async fn page() -> Option<String> {
    let (token, supervisor) = reached()?;
    match slug(&token, &supervisor).await {
        Ok(slug) => Some(format!("homeassistant://app/{slug}")),
        Err(error) => {
            warn!(error = format!("{error:#}"), "the Supervisor does not say what this app is called");
            None
        }
    }
}

/// Whether this process is an app, so that there is a Supervisor to ask.
pub fn is_asked() -> bool {
    reached().is_some()
}

/// The broker that the Supervisor offers; `None` where no broker has announced itself, as right after the machine's start.
///
/// # Errors
/// The Supervisor cannot be asked, or this process is no app.
pub async fn broker() -> Result<Option<MqttService>> {
    let (token, supervisor) = reached().context("this is no app of Home Assistant")?;
    let service = mqtt_service(&token, &supervisor).await?;
    if let Some(service) = &service {
        info!(host = service.host, port = service.port, "the Supervisor names the MQTT broker");
    }
    Ok(service)
}

/// Asks the Supervisor at `base_url` for its MQTT service; `None` where no broker has announced itself.
pub async fn mqtt_service(token: &str, base_url: &str) -> Result<Option<MqttService>> {
    let url = format!("{base_url}/services/mqtt");
    let (status, answer) = ask(token, &url).await?;
    match (answer.result.as_str(), answer.data) {
        ("ok", Some(data)) if data.get("host").is_some() => {
            Ok(Some(serde_json::from_value(data).with_context(|| format!("{url} describes no broker"))?))
        }
        // An empty description and "Service not enabled" say the same.
        ("ok", _) => Ok(None),
        _ if status == StatusCode::BAD_REQUEST => Ok(None),
        _ => bail!("{url} answers {status}: {}", answer.message.unwrap_or_default()),
    }
}

/// Asks the Supervisor at `base_url` for this app's name among all apps.
pub async fn slug(token: &str, base_url: &str) -> Result<String> {
    let url = format!("{base_url}/addons/self/info");
    let (status, answer) = ask(token, &url).await?;
    let slug = answer.data.as_ref().and_then(|data| data["slug"].as_str());
    match slug {
        Some(slug) if answer.result == "ok" => Ok(slug.to_owned()),
        Some(_) | None => bail!("{url} answers {status}: {}", answer.message.unwrap_or_default()),
    }
}

async fn ask(token: &str, url: &str) -> Result<(StatusCode, Answer)> {
    let client = reqwest::Client::builder().no_proxy().timeout(ANSWER_MAX).build()?;
    let response = client.get(url).bearer_auth(token).send().await.with_context(|| format!("no answer from {url}"))?;
    let status = response.status();
    let body = response.text().await.with_context(|| format!("the answer of {url} broke off"))?;
    if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN {
        bail!("{url} refuses the app's token ({status})");
    }
    let answer = serde_json::from_str(&body).with_context(|| format!("{url} answers {status} and no JSON"))?;
    Ok((status, answer))
}

#[cfg(test)]
mod test {
    use super::*;
    use axum::http::HeaderMap;
    use axum::response::{IntoResponse, Response};

    /// A Supervisor whose answer depends on the token it is asked with.
    async fn services(headers: HeaderMap) -> Response {
        match headers["authorization"].to_str().unwrap() {
            "Bearer good" => {
                let broker = r#"{"result":"ok","data":{"addon":"core_mosquitto","host":"core-mosquitto","port":1883,
                    "ssl":false,"username":"addons","password":"pa$$","protocol":"3.1.1"}}"#;
                broker.into_response()
            }
            "Bearer early" => {
                let none = r#"{"result":"error","message":"Service not enabled"}"#;
                (StatusCode::BAD_REQUEST, none).into_response()
            }
            "Bearer empty" => r#"{"result":"ok","data":{}}"#.into_response(),
            "Bearer odd" => (StatusCode::BAD_GATEWAY, "<html>").into_response(),
            _ => StatusCode::FORBIDDEN.into_response(),
        }
    }

    #[tokio::test]
    async fn the_supervisors_answers_are_understood() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let named = || async { r#"{"result":"ok","data":{"slug":"a0d7b954_heatmine","ingress":true}}"# };
        let router = axum::Router::new()
            .route("/services/mqtt", axum::routing::get(services))
            .route("/addons/self/info", axum::routing::get(named));
        let server = tokio::spawn(async move { axum::serve(listener, router).await });

        let service = mqtt_service("good", &url).await.unwrap().unwrap();
        assert_eq!(service.variable("HEATMINE_MQTT_HOST").unwrap(), "core-mosquitto");
        assert_eq!(service.variable("HEATMINE_MQTT_PORT").unwrap(), "1883");
        assert_eq!(service.variable("HEATMINE_MQTT_PASSWORD").unwrap(), "pa$$");
        assert_eq!(service.variable("HEATMINE_MQTT_TLS").unwrap(), "false");
        assert_eq!(mqtt_service("early", &url).await.unwrap(), None);
        assert_eq!(mqtt_service("empty", &url).await.unwrap(), None);
        let odd = mqtt_service("odd", &url).await.unwrap_err().to_string();
        assert_eq!(odd, format!("{url}/services/mqtt answers 502 Bad Gateway and no JSON"));
        let wrong = mqtt_service("wrong", &url).await.unwrap_err().to_string();
        assert_eq!(wrong, format!("{url}/services/mqtt refuses the app's token (403 Forbidden)"));
        assert_eq!(slug("good", &url).await.unwrap(), "a0d7b954_heatmine");
        server.abort();
        let gone = mqtt_service("good", "http://127.0.0.1:1").await.unwrap_err().to_string();
        assert_eq!(gone, "no answer from http://127.0.0.1:1/services/mqtt");
    }
}
