//! How to reach a broker, and what happens on a connection to it.

use crate::address::Topic;
use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// In [`LinkEvent::Disconnected`] where a message was larger than the 1 MiB that is taken. One that the broker keeps ends
/// every session anew; who owns its topic can delete it, since retained messages are sent before the subscriptions.
pub const TOO_LARGE: &str = "a message is larger than 1 MiB";

/// How to reach a broker.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Broker {
    /// Name or address; without a port, SRV records are asked first.
    pub host: String,
    /// Port; where absent, the SRV record `_mqtt._tcp` of the host, then 1883 (8883 with TLS).
    pub port: Option<u16>,
    /// User name, where the broker wants one.
    pub username: Option<String>,
    /// The password of that user.
    pub password: Option<String>,
    /// Whether to speak TLS, trusting the system's certificates.
    pub tls: bool,
}

impl Broker {
    /// The broker that an address names, with `site`'s credentials where the address names none or the same host.
    pub fn of(topic: &Topic, site: Option<&Broker>) -> Option<Broker> {
        match site {
            Some(site)
                if topic.host.is_empty()
                    || (topic.host == site.host && topic.port.is_none_or(|port| Some(port) == site.port)) =>
            {
                Some(site.clone())
            }
            Some(_) | None if !topic.host.is_empty() => {
                Some(Broker { host: topic.host.clone(), port: topic.port, ..Broker::default() })
            }
            Some(_) | None => None,
        }
    }
}

impl std::fmt::Display for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// What the broker publishes in our name when we vanish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Will {
    /// Where it is published.
    pub topic: String,
    /// What it says.
    pub payload: Vec<u8>,
    /// Whether the broker keeps it.
    pub retain: bool,
}

/// A lasting session that was away for longer is begun clean.
pub const AWAY_MAX: Duration = Duration::from_secs(600);

/// Who connects, and what for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// Its name, one of its own on the broker: at most 23 letters and digits, as each broker takes them.
    pub id: String,
    /// What the broker publishes in its name when it vanishes.
    pub will: Option<Will>,
    /// The topics it listens to.
    pub subscriptions: Vec<String>,
    /// For how long it has been away, where the session is a lasting one; `None` for one that ends with its connection.
    pub away: Option<Duration>,
}

/// A name that nobody else on the broker has: two clients of one name throw each other out for ever.
pub fn random_id() -> String {
    let chance = RandomState::new().hash_one(std::process::id());
    format!("heatmine{:07x}", chance & 0x0fff_ffff) + &format!("{:08x}", chance >> 32)
}

/// What happens on a connection.
#[derive(Clone, Debug, PartialEq)]
pub enum LinkEvent {
    /// Connected, for the first time or again; the subscriptions have been sent.
    Connected,
    /// A message arrived.
    Message {
        /// Where it was published.
        topic: String,
        /// Any bytes; text or JSON from most devices.
        payload: Vec<u8>,
        /// Whether the broker had kept it, so that its age is unknown.
        retain: bool,
    },
    /// Lost, or not reached. Reported once per attempt.
    Disconnected {
        /// What ended it, or why it was not reached.
        error: Error,
    },
}
