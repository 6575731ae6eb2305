//! A small MQTT 3.1.1 broker for houses that have none: the demo's, and that of a bare installation.
//!
//! It keeps retained messages in memory, publishes last wills, grants QoS 0 and 1 (and takes QoS 2), and knows both
//! wildcards. Deliberately absent: sessions that outlive their connection, TLS, passwords, bridges, MQTT 5. A house that
//! needs those runs Mosquitto.
//!
//! ```text
//!   TcpListener --> connection (one task a client) <--> exchange (subscriptions, retained messages, wills)
//! ```
//!
//! Everything that arrives is bounded: packet size, clients, subscriptions, retained topics, and what waits for a slow
//! client, who is sent away rather than waited for.

mod connection;
mod exchange;
mod topic;

pub use connection::PACKET;

use crate::error::Error;
use exchange::Exchange;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Its name in messages.
const WHO: &str = "mqtt broker";
/// The most clients at a time; more are turned away.
pub const CLIENTS: usize = 256;

/// A broker at work, until [`Running::stop`] or the end of the process.
#[derive(Clone, Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    stop: CancellationToken,
}

impl Running {
    /// Closes the port and every connection.
    pub fn stop(&self) {
        self.stop.cancel();
    }
}

/// Listens on `listen` (port 0 for a free one) and serves from a thread of its own. When this returns, clients can
/// connect.
///
/// # Errors
/// The address cannot be listened on, or the system gives no thread.
pub fn start(listen: SocketAddr) -> Result<Running, Error> {
    let refused = |error: std::io::Error| Error::Listen { who: WHO, address: listen, why: error.to_string() };
    let threadless = |error: std::io::Error| Error::Thread { who: WHO, why: error.to_string() };
    let listener = std::net::TcpListener::bind(listen).map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    listener.set_nonblocking(true).map_err(refused)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(threadless)?;
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    std::thread::Builder::new()
        .name("mqtt-broker".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener) => {}
                    () = stopped.cancelled() => {}
                }
            });
        })
        .map_err(threadless)?;
    Ok(Running { address, stop })
}

async fn serve(listener: std::net::TcpListener) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "the mqtt broker has no event loop");
            return;
        }
    };
    let exchange = Arc::new(Exchange::default());
    let places = Arc::new(Semaphore::new(CLIENTS));
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let Ok(place) = places.clone().try_acquire_owned() else {
                    tracing::warn!(%peer, clients = CLIENTS, "the mqtt broker is full");
                    continue;
                };
                let exchange = exchange.clone();
                tokio::spawn(async move {
                    if let Err(why) = connection::serve(stream, exchange).await {
                        tracing::debug!(%peer, %why, "an mqtt client was sent away");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the mqtt broker could not accept a client");
                // Out of file handles, as a rule: some come back.
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            }
        }
    }
}

#[cfg(test)]
mod tests;
