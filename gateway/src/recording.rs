//! A recording: every event that reached the core and every decision it took, one JSON object a line.
//!
//! The first line holds the site and what the core was restored from; then come events, each with its moment, and after
//! each cycle the decision. Replayed, the same events give the same decisions to the last bit.

use plant::checkpoint::Restored;
use plant::decision::Decision;
use plant::event::Event;
use plant::site::Site;
use plant::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::io::{self, BufWriter, Write};

/// The newest form of a recording.
pub const VERSION: u32 = 1;

/// A line of a recording.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// The first line.
    Start {
        /// The form of the recording.
        version: u32,
        /// When it began.
        at: Timestamp,
        /// The installed site.
        site: Box<Site>,
        /// What the core was restored from.
        restored: Box<Restored>,
    },
    /// Something happened.
    Event { at: Timestamp, event: Box<Event> },
    /// What was decided on the events so far.
    Decision { decision: Box<Decision> },
}

/// Writes a recording, up to a size; a full disk or a full quota ends the recording and nothing else.
pub struct Recorder {
    file: Option<BufWriter<Box<dyn Write + Send>>>,
    left: u64,
}

impl Recorder {
    /// Records nothing.
    pub fn off() -> Self {
        Self { file: None, left: 0 }
    }

    /// Records at most `limit` bytes into a new file, from `at` on.
    pub fn new(file: Box<dyn Write + Send>, limit: u64, site: &Site, restored: &Restored, at: Timestamp) -> Self {
        let mut recorder = Self { file: Some(BufWriter::new(file)), left: limit };
        recorder.write(&Line::Start {
            version: VERSION,
            at,
            site: Box::new(site.clone()),
            restored: Box::new(restored.clone()),
        });
        recorder
    }

    /// Records an event.
    pub fn event(&mut self, event: &Event, at: Timestamp) {
        if self.file.is_some() {
            self.write(&Line::Event { at, event: Box::new(event.clone()) });
        }
    }

    /// Records a decision and makes everything so far visible to readers.
    pub fn decision(&mut self, decision: &Decision) {
        if self.file.is_some() {
            self.write(&Line::Decision { decision: Box::new(decision.clone()) });
            let flushed = self.file.as_mut().map_or(Ok(()), Write::flush);
            self.end_on(flushed);
        }
    }

    fn write(&mut self, line: &Line) {
        let Some(file) = &mut self.file else { return };
        let result = serde_json::to_vec(line).map_err(io::Error::other).and_then(|mut text| {
            text.push(b'\n');
            self.left =
                self.left.checked_sub(text.len() as u64).ok_or_else(|| io::Error::other("size limit reached"))?;
            file.write_all(&text)
        });
        self.end_on(result);
    }

    fn end_on(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            tracing::warn!(%error, "the recording ends here");
            self.file = None;
        }
    }
}
