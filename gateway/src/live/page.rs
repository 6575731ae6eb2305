//! The page's port and what is said about it.

use crate::terminal::say;
use anyhow::{Result, anyhow};
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Opens the page's port.
#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is not ours")]
pub async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let hint = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "it is in use by another program; choose another with [http] listen or --http"
            }
            std::io::ErrorKind::PermissionDenied => "ports below 1024 need root",
            _ => "expected address:port, as 0.0.0.0:8099",
        };
        anyhow!("cannot listen on {address} for the page: {error}; {hint}")
    })
}

/// Says at the terminal where it is said what is missing.
pub(super) fn announce_setup(address: SocketAddr, what: &str) {
    say(format_args!("HeatMine waits for its {what}. {} says what is missing; Ctrl-C ends it.", url(address)));
}

/// Says at the terminal where to look.
pub(super) fn announce(address: SocketAddr, speed: f64) {
    say(format_args!("HeatMine runs. Look at {} in a browser; Ctrl-C ends it.", url(address)));
    if speed > 1.0 {
        say(format_args!("A second here is {speed} seconds in the house."));
    }
}

fn url(address: SocketAddr) -> String {
    let host = if address.ip().is_unspecified() { "localhost".to_owned() } else { address.ip().to_string() };
    format!("http://{host}:{}", address.port())
}
