use std::{any::Any, fmt};

use chaos_types::{Digest, Rejection, Verified};

use crate::{
    Receipt,
    action::Contribution,
    views::{Record, Rows},
};

/// Rules over receipts, and a table that is folded from them.
///
/// A view is asked for every receipt that the registry authorises, in log order; it passes over the
/// kinds that are not its own. Its rows are a function of the receipts alone: it can be dropped and
/// rebuilt. Nothing is applied that every view did not admit at the same state.
pub trait View: Any + Send + Sync + fmt::Debug {
    /// Says whether a receipt keeps the view's rules as the next entry, and the outcome that it
    /// brings, if it judges earlier work.
    ///
    /// # Errors
    /// The [`Rejection`] that the entry is refused with.
    fn admit(
        &self,
        receipt: &Verified<Receipt>,
        record: &Record,
    ) -> Result<Option<Outcome>, Rejection>;

    /// Takes in a receipt that was admitted.
    fn apply(&mut self, receipt: &Verified<Receipt>);

    /// The view's rows, for storage and for comparison.
    ///
    /// # Errors
    /// If they cannot be computed.
    fn rows(&self, record: &Record) -> Result<Rows, chaos_reputation::Error>;
}

/// What a receipt says about earlier work: it went well or it did not, and whose work it was.
///
/// The platform turns an outcome into evidence for reputations, and pays for it once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What decided, in a word for people.
    pub by: &'static str,
    /// The receipt that was judged; only what led to it can have contributed.
    pub of: Digest,
    /// Whether it went well.
    pub succeeded: bool,
    /// The work that led to it.
    pub contributions: Vec<Contribution>,
}
