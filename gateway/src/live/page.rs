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

/// Says that the house `site` is run, and at the terminal, where somebody reads it, where to look and how fast time passes.
pub(super) fn announce(site: &str, address: SocketAddr, speed: Option<f64>) {
    tracing::info!(site, page = %address, "running");
    let Some(speed) = speed else { return };
    let host = if address.ip().is_unspecified() { "localhost".to_owned() } else { address.ip().to_string() };
    say(format_args!("HeatMine runs. Look at http://{host}:{} in a browser; Ctrl-C ends it.", address.port()));
    if speed > 1.0 {
        say(format_args!("A second here is {speed} seconds in the house."));
    }
}
