//! A connection to an MQTT broker that looks after itself.
//!
//! [`connect`] starts a task that owns the connection: it resolves the host, connects, subscribes again on every ConnAck,
//! and on any error waits with a growing, jittered back-off before it tries anew. [`Link`] publishes without ever
//! blocking. What it keeps:
//! - retained messages: the newest of each topic, published again after every reconnect (the client library forgets what
//!   was in flight when a session is lost);
//! - other messages: the newest [`QUEUE`], the oldest go first when the broker is away for long.
//!
//! A *lasting* session is kept by the broker while its client is away: what arrives then waits there. One that was away for longer
//! than [`AWAY_MAX`] is begun clean, since a command of yesterday must not act today. In an example: somebody sets `mode` to `off` while
//! HeatMine is being updated. It is back after a minute, and gets that at once; back after an hour, it does not.

mod broker;
mod early;
mod link;
mod outbox;
mod receipts;
mod session;

pub use broker::{AWAY_MAX, Broker, Client, LinkEvent, TOO_LARGE, Will, random_id};
pub use link::{Link, connect, connect_as};
pub use outbox::QUEUE;
