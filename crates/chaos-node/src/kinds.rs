//! The kinds of receipts that this program knows, by who owns them.

use chaos_agency::Kinds;

/// The platform's kinds, the governance studio's and the key broker's.
pub(crate) const KINDS: Kinds =
    Kinds::new(&[chaos_governance::receipts::EXTENSION, chaos_broker::receipts::EXTENSION]);

#[cfg(test)]
mod tests;
