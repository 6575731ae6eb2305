//! The gateway's name on the broker, drawn once and kept in `mqtt.json`, and when it was last connected under it.
//!
//! The broker keeps what arrives on the command topics while HeatMine is away. How long that was is seen from here: an end that was
//! asked for writes the moment, one that was not leaves a moment that is two minutes old at most, which then counts as so much
//! longer. In numbers: killed at 10:03:10, last written at 10:02:00. At 10:12 that is 10 minutes, less 2: a command sent in between
//! acts. At 10:14:01 it is 12 minutes, and the session is begun clean.

use crate::clock::wall_time;
use crate::store::Disk;
use drivers::mqtt::random_id;
use plant::time::{Timestamp, elapsed};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;

const FILE: &str = "mqtt.json";
/// While connected, the moment is written this often: 720 times a day.
const STEP: Duration = Duration::from_secs(120);

/// The gateway's name on the broker.
#[derive(Debug)]
pub struct Identity {
    disk: Disk,
    kept: Kept,
    written: Option<Instant>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Kept {
    client_id: String,
    /// The last moment at which it was connected, as far as is written.
    seen: Option<Timestamp>,
    /// Whether it was connected from then on.
    connected: bool,
}

impl Identity {
    /// The name that is kept on `disk`, or a new one.
    pub fn open(disk: &Disk) -> Self {
        let read = disk.read(FILE).ok().flatten().and_then(|text| serde_json::from_slice(&text).ok());
        let drawn = || Kept { client_id: random_id(), seen: None, connected: false };
        let mut identity = Self { disk: disk.clone(), kept: read.unwrap_or_else(drawn), written: None };
        if identity.kept.seen.is_none() {
            identity.write(None, false);
        }
        identity
    }

    /// The name.
    pub fn client_id(&self) -> &str {
        &self.kept.client_id
    }

    /// For how long nobody was connected under it; for ever where that is not known, as when the clock was set back.
    pub fn away(&self) -> Duration {
        let now = wall_time();
        let Some(seen) = self.kept.seen.filter(|seen| *seen <= now) else { return Duration::MAX };
        let sure = if self.kept.connected { STEP } else { Duration::ZERO };
        elapsed(seen, now).saturating_sub(sure)
    }

    /// It is connected. Writes aside, and seldom.
    pub fn connected(&mut self) {
        if !self.kept.connected || self.written.is_none_or(|at| at.elapsed() >= STEP) {
            self.write(Some(wall_time()), true);
        }
    }

    /// It is not connected from now on. Returns whoever writes that.
    pub fn disconnected(&mut self) -> Option<JoinHandle<()>> {
        self.kept.connected.then(|| self.write(Some(wall_time()), false))
    }

    fn write(&mut self, seen: Option<Timestamp>, connected: bool) -> JoinHandle<()> {
        (self.kept.seen, self.kept.connected, self.written) = (seen, connected, Some(Instant::now()));
        let (disk, text) = (self.disk.clone(), serde_json::to_vec(&self.kept));
        tokio::task::spawn_blocking(move || {
            let written = text.map_err(std::io::Error::other).and_then(|text| disk.replace(FILE, &text));
            if let Err(error) = written {
                tracing::warn!(%error, "the name on the MQTT broker cannot be written down");
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Memory;
    use std::sync::Arc;

    fn disk(text: &str) -> Disk {
        let disk = Disk::Memory(Arc::new(Memory::new("identity")));
        disk.replace(FILE, text.as_bytes()).unwrap();
        disk
    }

    #[tokio::test]
    async fn the_name_is_drawn_once_and_is_one_that_each_broker_takes() {
        let disk = disk("");
        let mut first = Identity::open(&disk);
        assert_eq!(first.away(), Duration::MAX);
        first.connected();
        first.disconnected().unwrap().await.unwrap();
        let second = Identity::open(&disk);
        assert_eq!(first.client_id(), second.client_id());
        assert!(second.away() < Duration::from_secs(60), "{:?}", second.away());
        let name = first.client_id();
        assert!((1..=23).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric()), "{name}");
        assert_ne!(Identity::open(&self::disk("")).client_id(), name);
    }

    #[tokio::test]
    async fn an_end_that_nobody_asked_for_counts_from_the_last_moment_written_and_two_minutes() {
        let ago = |minutes| wall_time() - chrono::TimeDelta::minutes(minutes);
        let rows = [(11, true, 9), (11, false, 11), (60, true, 58), (1, true, 0)];
        for (minutes, connected, away) in rows {
            let kept = Kept { client_id: "heatmine1".into(), seen: Some(ago(minutes)), connected };
            let identity = Identity::open(&disk(&serde_json::to_string(&kept).unwrap()));
            assert_eq!(identity.away().as_secs() / 60, away, "{minutes} {connected}");
        }
        let later = Kept { client_id: "heatmine1".into(), seen: Some(ago(-5)), connected: true };
        assert_eq!(Identity::open(&disk(&serde_json::to_string(&later).unwrap())).away(), Duration::MAX);
    }
}
