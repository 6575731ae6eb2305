//! Deduplication: the newest receipts by their ids, so that one that comes twice counts once.

use std::collections::{BTreeSet, VecDeque};

/// Ids in the order in which they came; beyond `most`, the oldest are forgotten.
#[derive(Clone, Debug)]
pub(super) struct ReceiptIds {
    most: usize,
    ids: BTreeSet<String>,
    order: VecDeque<String>,
}

impl ReceiptIds {
    /// None yet; `most` ids will be remembered.
    pub(super) fn new(most: usize) -> Self {
        Self { most, ids: BTreeSet::new(), order: VecDeque::new() }
    }

    /// Whether `id` is known.
    pub(super) fn contains(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    /// Remembers `id`; false where it is known.
    pub(super) fn insert(&mut self, id: &str) -> bool {
        if !self.ids.insert(id.to_owned()) {
            return false;
        }
        self.order.push_back(id.to_owned());
        if self.order.len() > self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_new_once_and_the_oldest_is_forgotten_first() {
        const MOST: usize = 10_000;
        let mut receipts = ReceiptIds::new(MOST);
        assert!((0..MOST).all(|number| receipts.insert(&number.to_string())));
        assert!(!receipts.insert("0"));
        assert!(receipts.insert("new"));
        assert!(!receipts.insert("1"));
        assert!(receipts.insert("0"));
        assert_eq!((receipts.ids.len(), receipts.order.len()), (MOST, MOST));
    }
}
