//! Notices: what somebody must have seen. They stand among the problems of each record, on the page and in Home Assistant, over
//! restarts, until somebody confirms them.
//!
//! In an example: both copies of the debts are lost. The start adds the notice `debts.lost`; two days and three restarts later its
//! owner reads it on the page and presses 'Confirm': it is gone from the disk, then from the page.

use crate::clock::wall_time;
use crate::store::{Disk, Found, Twice};
use plant::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The shape of what is kept.
const VERSION: u32 = 1;
/// How each notice ends.
const PRESS: &str = "Press 'Confirm' on the page or in Home Assistant when you have seen it.";
/// What is kept at most; older ones go first. Each is about a file or a control, of which a house has fewer.
const NOTICES_MAX: usize = 100;

/// Something that somebody must confirm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// What it is about, as `debts.lost`; there is one notice of each key.
    pub key: String,
    /// Whole sentences.
    pub words: String,
    /// When it was noticed, by the machine's clock.
    pub since: Timestamp,
}

/// The notices that nobody has confirmed. Clones are one.
#[derive(Clone, Debug)]
pub struct Notices {
    file: Arc<Mutex<Twice>>,
    all: Arc<watch::Sender<Vec<Notice>>>,
}

impl Notices {
    /// The notices that are kept on `disk`. Where they cannot be read, that is one.
    pub fn open(disk: &Disk) -> Self {
        let Found { file, body, aside } = Twice::open(disk, "notices", VERSION);
        let all = Arc::new(watch::Sender::new(body.unwrap_or_default()));
        let notices = Self { file: Arc::new(Mutex::new(file)), all };
        if !aside.is_empty() {
            notices.add("notices.broken", format!("{}.", aside.join(". ")));
        }
        notices
    }

    /// Adds a notice, in place of an older one of its key; waits for the disk. Where the disk takes nothing it stands until the
    /// end of this process.
    pub fn add(&self, key: &str, words: String) {
        let mut file = self.lock();
        let mut all = self.all();
        if all.iter().any(|notice| notice.key == key && notice.words == words) {
            return;
        }
        tracing::warn!(key, words, "must be confirmed");
        all.retain(|notice| notice.key != key);
        all.push(Notice { key: key.to_owned(), words, since: wall_time() });
        let surplus = all.len().saturating_sub(NOTICES_MAX);
        all.drain(..surplus);
        if let Err(error) = file.write(&all) {
            tracing::error!(key, %error, "a notice could not be written down");
        }
        self.all.send_replace(all);
    }

    /// Those that nobody has confirmed, oldest first.
    pub fn all(&self) -> Vec<Notice> {
        self.all.borrow().clone()
    }

    /// The same, to be watched.
    pub fn watch(&self) -> watch::Receiver<Vec<Notice>> {
        self.all.subscribe()
    }

    /// Confirms all of them; waits for the disk.
    ///
    /// # Errors
    /// That could not be written down: they stand.
    pub fn confirm(&self) -> Result<(), String> {
        self.keep(|_| false)
    }

    /// Confirms the one of this key; waits for the disk.
    ///
    /// # Errors
    /// That could not be written down: it stands.
    pub fn confirm_one(&self, key: &str) -> Result<(), String> {
        self.keep(|notice| notice.key != key)
    }

    fn keep(&self, stands: impl Fn(&Notice) -> bool) -> Result<(), String> {
        let mut file = self.lock();
        let left: Vec<Notice> = self.all().into_iter().filter(stands).collect();
        if left.len() == self.all.borrow().len() {
            return Ok(());
        }
        file.write(&left).map_err(|error| format!("it could not be written down that you have seen this ({error})"))?;
        self.all.send_replace(left);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Twice> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notice {
    /// The notice for a person, with what to press.
    pub fn sentence(&self) -> String {
        format!("{} {PRESS}", self.words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(notices: &Notices) -> Vec<String> {
        notices.all().into_iter().map(|notice| notice.key).collect()
    }

    #[test]
    fn a_notice_stands_over_restarts_until_it_is_confirmed() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::Folder(folder.path().to_owned());
        let notices = Notices::open(&disk);
        notices.add("debts.lost", "The debts are lost.".into());
        notices.add("commands.lost", "The commands are lost.".into());
        notices.add("debts.lost", "The debts are lost.".into());

        let notices = Notices::open(&disk);
        assert_eq!(keys(&notices), ["debts.lost", "commands.lost"]);
        assert!(notices.all()[0].sentence().starts_with("The debts are lost. Press 'Confirm'"), "{:?}", notices.all());
        notices.confirm_one("debts.lost").unwrap();
        assert_eq!(keys(&Notices::open(&disk)), ["commands.lost"]);
        notices.confirm().unwrap();
        assert_eq!(keys(&Notices::open(&disk)), Vec::<String>::new());
    }

    #[test]
    fn what_the_disk_does_not_take_is_not_confirmed() {
        let folder = tempfile::tempdir().unwrap();
        let notices = Notices::open(&Disk::Folder(folder.path().to_owned()));
        notices.add("debts.lost", "The debts are lost.".into());
        std::fs::create_dir(folder.path().join("notices.json.new")).unwrap();
        let error = notices.confirm().unwrap_err();
        assert!(error.starts_with("it could not be written down that you have seen this"), "{error}");
        assert_eq!(keys(&notices), ["debts.lost"]);
    }

    #[test]
    fn notices_that_rot_are_set_aside_which_is_a_notice_itself() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::Folder(folder.path().to_owned());
        Notices::open(&disk).add("debts.lost", "The debts are lost.".into());
        std::fs::write(folder.path().join("notices.json"), "rot").unwrap();
        let notices = Notices::open(&disk);
        assert_eq!(keys(&notices), ["debts.lost", "notices.broken"]);
        assert!(notices.all()[1].words.contains("notices.json.broken-"), "{:?}", notices.all());
    }
}
