//! Until when the schedules were served, on disk: so a restart from 21:59 to 22:01 does not lose what was due at 22:00. Kept twice,
//! in `schedule.json` and `schedule.backup.json`.

use crate::store::{Disk, Found, Twice};
use chrono::TimeDelta;
use plant::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The shape of what is kept.
const VERSION: u32 = 1;
/// What was missed is made up this far back. Chosen: a weekend without power. Who comes back after a longer one looks after the
/// house anyway, and has forgotten what was due before.
pub(super) const BACK: TimeDelta = TimeDelta::hours(48);
/// While nothing is due it is written down this often in house time: rarely for the sake of memory cards, and often enough that an
/// entry which is new after a crash is not made up for the hours before.
const PACE: Duration = Duration::from_secs(300);

/// Until when the schedules were served.
#[derive(Debug)]
pub struct Served {
    file: Twice,
    until: Option<Timestamp>,
    written: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Kept {
    served_until: Timestamp,
}

impl Served {
    /// Reads it from `disk`.
    pub fn open(disk: &Disk) -> Self {
        let Found { file, body, aside } = Twice::open::<Kept>(disk, "schedule", VERSION);
        for sentence in aside {
            tracing::warn!("{sentence}");
        }
        let until = body.map(|kept| kept.served_until);
        Self { file, until, written: until }
    }

    /// From when on schedules are to be served at `now`. Where nobody knows, as at the first start, nothing is made up. What was
    /// served ahead of time by a clock that was wrong is due again.
    pub(super) fn since(&self, now: Timestamp) -> Timestamp {
        self.until.unwrap_or(now).clamp(now - BACK, now)
    }

    /// They were served until `now`; written down where something was `due`, or the last time is long ago.
    pub(super) async fn until(&mut self, now: Timestamp, due: bool) {
        self.until = Some(now);
        let recent = |written: Timestamp| (now - written).to_std().is_ok_and(|age| age < PACE);
        if due || !self.written.is_some_and(recent) {
            self.write().await;
        }
    }

    /// Writes it down.
    pub(super) async fn write(&mut self) {
        let Some(served_until) = self.until else { return };
        match self.file.write_aside(Kept { served_until }).await {
            Ok(()) => self.written = self.until,
            Err(error) => tracing::warn!(%error, "until when the schedules were served cannot be written"),
        }
    }
}
