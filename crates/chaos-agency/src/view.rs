use std::fmt;

use chaos_types::{Digest, Verified};

use crate::{Receipt, State, Stop, Writes, action::Contribution};

/// A studio's rules over its receipts, and the rows that it keeps of them.
///
/// A view is asked for every receipt of an extension's kind that the registry authorises, in log
/// order; it passes over the kinds that are not its own. What it says is a function of the receipt
/// and of the state before it, so its rows can be dropped and folded again.
pub trait View: Send + Sync + fmt::Debug {
    /// Says whether a receipt keeps the view's rules at a log index, and puts the rows that it changes.
    /// Nothing is kept of the rows of a receipt that another rule refuses.
    ///
    /// # Errors
    /// The rejection that the entry is refused with, or what the state does not show.
    fn admit(
        &self,
        receipt: &Verified<Receipt>,
        index: u64,
        state: &dyn State,
        writes: &mut Writes,
    ) -> Result<(), Stop>;

    /// The outcome that a receipt brings, if it judges earlier work. The receipt alone says it, so that
    /// what counts for a reputation can be held against the entry that it comes from.
    fn outcome(&self, _receipt: &Receipt) -> Option<Outcome> {
        None
    }

    /// The kinds of those of its rows that the log commits to, without the extension's name: each is
    /// written once, and holds its entry as `index`.
    fn committed(&self) -> &'static [&'static str] {
        &[]
    }
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
    /// For whom the work was, or who judged it if nobody else is known: what one such party can do for an
    /// agent's reputation is bounded.
    pub client: String,
    /// Whether it went well.
    pub succeeded: bool,
    /// The work that led to it.
    pub contributions: Vec<Contribution>,
}
