//! What is wrong around the loop just now: a task that had to be started again, a broker that is away, a file that has changed.
//! Whoever sees it says it under a name of its own and takes it back when it is over; the newest record shows all of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The troubles that stand, one sentence for each name. Clones are one.
#[derive(Clone, Debug, Default)]
pub struct Troubles(Arc<Mutex<BTreeMap<String, String>>>);

impl Troubles {
    /// Says what is wrong, in place of what was said under this name before. Returns whether that is news.
    pub fn say(&self, name: &str, words: impl Into<String>) -> bool {
        let words = words.into();
        let before = self.with(|troubles| troubles.insert(name.to_owned(), words.clone()));
        before.as_ref() != Some(&words)
    }

    /// Takes back what was said under this name. Returns whether there was something.
    pub fn over(&self, name: &str) -> bool {
        self.with(|troubles| troubles.remove(name)).is_some()
    }

    /// All of it.
    pub fn all(&self) -> Vec<String> {
        self.with(|troubles| troubles.values().cloned().collect())
    }

    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<String, String>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_stands_until_it_is_over() {
        let troubles = Troubles::default();
        assert!(troubles.say("broker", "away"));
        assert!(!troubles.say("broker", "away"), "that is no news");
        assert!(troubles.say("broker", "refuses the password"));
        assert_eq!(troubles.clone().all(), ["refuses the password"]);
        assert!(troubles.over("broker") && !troubles.over("broker"));
        assert!(troubles.all().is_empty());
    }
}
