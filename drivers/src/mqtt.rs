//! A connection to an MQTT broker that looks after itself.
//!
//! [`connect`] starts a task that owns the connection: it resolves the host, connects, subscribes again on every ConnAck,
//! and on any error waits with a growing, jittered back-off before it tries anew. [`Link`] publishes without ever
//! blocking. What it keeps:
//! - retained messages: the newest of each topic, published again after every reconnect (the client library forgets what
//!   was in flight when a session is lost);
//! - other messages: the newest [`QUEUE`], the oldest go first when the broker is away for long.

mod broker;
mod link;
mod outbox;
mod session;

pub use broker::{Broker, LinkEvent, TOO_LARGE, Will};
pub use link::{Link, connect};
pub use outbox::QUEUE;
