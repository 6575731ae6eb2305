//! The receipts that the loop has been told of, by their ids.

use std::collections::{BTreeSet, VecDeque};

/// The ids that are remembered. The worker keeps no more than half as many that were read.
pub const REMEMBERED: usize = 10_000;

/// Ids in the order in which they were told; of too many, the oldest are forgotten.
#[derive(Clone, Debug, Default)]
pub struct Told {
    ids: BTreeSet<String>,
    order: VecDeque<String>,
}

impl Told {
    /// Remembers `id`; false where it is known.
    pub fn insert(&mut self, id: &str) -> bool {
        if !self.ids.insert(id.to_owned()) {
            return false;
        }
        self.order.push_back(id.to_owned());
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }
}

impl<'a> FromIterator<&'a str> for Told {
    fn from_iter<T: IntoIterator<Item = &'a str>>(ids: T) -> Self {
        let mut told = Self::default();
        for id in ids {
            told.insert(id);
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_told_once_and_the_oldest_is_forgotten_first() {
        let ids: Vec<String> = (0..REMEMBERED).map(|number| number.to_string()).collect();
        let mut told: Told = ids.iter().map(String::as_str).collect();
        assert!(!told.insert("0"));
        assert!(told.insert("new"));
        assert!(!told.insert("1"));
        assert!(told.insert("0"));
        assert_eq!((told.ids.len(), told.order.len()), (REMEMBERED, REMEMBERED));
    }
}
