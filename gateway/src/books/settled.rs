//! Which receipts are done with: booked and on the disk, or refused. What wrote them down may forget them then.

use plant::journals::Journals;
use plant::work::Receipt;

/// The newest receipts that are done with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// How far each journal is done with.
    pub journals: Journals,
    /// The newest one without a journal.
    id: Option<String>,
}

impl Settled {
    /// Those of earlier runs.
    pub fn of(journals: Journals) -> Self {
        Self { journals, id: None }
    }

    /// Takes a receipt as done with, as all before it are.
    pub fn take(&mut self, receipt: &Receipt) {
        match &receipt.position {
            Some(position) => self.journals.book(position),
            None => self.id = Some(receipt.id.clone()),
        }
    }

    /// Whether a receipt is done with; of those without a journal this knows the newest alone.
    pub fn holds(&self, receipt: &Receipt) -> bool {
        match &receipt.position {
            Some(position) => self.journals.newest(&position.journal).is_some_and(|newest| newest >= position.sequence),
            None => self.id.as_ref() == Some(&receipt.id),
        }
    }
}
