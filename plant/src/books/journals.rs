//! How far each journal of receipts is booked.
//!
//! Example: `9f3a` is booked up to 20,000. Its receipt 20,000 comes again after a restart and is refused; 20,001 is new. The journal is
//! begun anew as `77c0`: its receipt 1 is new.

use crate::work::Position;
use serde::{Deserialize, Serialize};

/// Journals that are remembered: each start of an engine begins one. Of one that is forgotten, receipts are known by their ids.
const REMEMBERED: usize = 32;

/// The newest receipt of each journal, the journal that was written last at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Journals(Vec<Position>);

impl Journals {
    /// The newest sequence that is booked of a journal; `None` where the journal is not known.
    pub fn newest(&self, journal: &str) -> Option<u64> {
        self.0.iter().find(|position| position.journal == journal).map(|position| position.sequence)
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes a receipt's place as booked.
    pub fn book(&mut self, position: &Position) {
        let sequence = self.newest(&position.journal).map_or(position.sequence, |known| known.max(position.sequence));
        self.0.retain(|known| known.journal != position.journal);
        self.0.push(Position { sequence, ..position.clone() });
        if self.0.len() > REMEMBERED {
            self.0.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(journal: &str, sequence: u64) -> Position {
        Position { journal: journal.to_owned(), sequence }
    }

    #[test]
    fn each_journal_goes_on_by_itself_and_the_oldest_is_forgotten_first() {
        let mut journals = Journals::default();
        journals.book(&at("a", 20_000));
        journals.book(&at("b", 1));
        journals.book(&at("a", 7));
        assert_eq!((journals.newest("a"), journals.newest("b"), journals.newest("c")), (Some(20_000), Some(1), None));
        (0..REMEMBERED - 1).for_each(|number| journals.book(&at(&number.to_string(), 1)));
        assert_eq!((journals.newest("a"), journals.newest("b")), (Some(20_000), None));
        let text = serde_json::to_string(&journals).unwrap();
        assert!(text.starts_with(r#"[{"journal":"a","sequence":20000},"#), "{text}");
        assert_eq!(serde_json::from_str::<Journals>(&text).unwrap(), journals);
    }
}
