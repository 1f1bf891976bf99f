//! The kinds of receipts that this program knows, by who owns them.

use chaos_agency::Kinds;

/// The platform's kinds, the governance studio's and the key broker's.
pub(crate) const KINDS: Kinds =
    Kinds::new(&[chaos_governance::receipts::EXTENSION, chaos_broker::receipts::EXTENSION]);

#[cfg(test)]
mod tests {
    use super::*;

    /// The operator's first entry lists them, so a log's first bytes depend on these words.
    #[test]
    fn operator_is_registered_for_the_kinds_that_are_listed() {
        let expected = [
            "analyse",
            "anchor",
            "draft",
            "observe_vote",
            "oversee",
            "pay",
            "run",
            "score",
            "simulate",
            "submit",
            "verify",
        ];
        assert_eq!(KINDS.capabilities(), expected);
    }
}
