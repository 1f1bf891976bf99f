//! What work costs at worst, and whether an account could pay for it.

use std::fmt;

use alloy_primitives::{Address, U256};

use super::{Finding, Found};
use crate::{
    Error,
    client::EvmChain,
    sending::{Fees, decimal},
};

/// What somebody wants to do on a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Anchoring a checkpoint.
    Anchor,
    /// Putting a proposal on record, opening a vote, voting, executing.
    Vote,
    /// Funding a distribution and claiming from it.
    Pay,
    /// Deploying our contracts.
    Deploy,
}

/// All of it.
pub(super) const ANY: &[Work] = &[Work::Anchor, Work::Vote, Work::Pay, Work::Deploy];

const COIN_DECIMALS: usize = 18;

impl Work {
    /// Everything, in the order of a story.
    pub const ALL: [Self; 4] = [Self::Deploy, Self::Vote, Self::Pay, Self::Anchor];

    /// Gas that all its transactions take together, measured on a local chain and rounded up.
    const fn gas(self) -> u64 {
        match self {
            // The first under a key; a later one takes half.
            Self::Anchor => 80_000,
            // Delegating 96,000, a signed submission 320,000, opening 102,000, one vote 85,000, queueing and
            // executing 288,000.
            Self::Vote => 950_000,
            // Approving 47,000, funding 170,000, a claim of 98,000 and one that is signed for up to 190,000.
            Self::Pay => 430_000,
            // All contracts with their timelock: 11,039,000.
            Self::Deploy => 11_200_000,
        }
    }

    /// What the finding about the balance is called.
    const fn balance(self) -> &'static str {
        match self {
            Self::Anchor => "coins to anchor",
            Self::Vote => "coins to vote",
            Self::Pay => "coins to pay",
            Self::Deploy => "coins to deploy",
        }
    }

    const fn alone(self) -> &'static [Self] {
        match self {
            Self::Anchor => &[Self::Anchor],
            Self::Vote => &[Self::Vote],
            Self::Pay => &[Self::Pay],
            Self::Deploy => &[Self::Deploy],
        }
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Anchor => "anchor",
            Self::Vote => "vote",
            Self::Pay => "pay",
            Self::Deploy => "deploy",
        })
    }
}

impl EvmChain {
    /// Whether the account could pay for each kind of work at worst.
    pub(super) async fn balances(
        &self,
        account: Option<Address>,
        worst: Option<Fees>,
    ) -> Result<Vec<Finding>, Error> {
        let found = match account {
            Some(account) => match self.balance(account).await {
                Ok(balance) => Some(balance),
                Err(Error::Rejected { .. }) => return Ok(Work::ALL.map(unknown).to_vec()),
                Err(error) => return Err(error),
            },
            None => None,
        };
        let finding = |work: Work| {
            let (name, needed_for) = (work.balance(), work.alone());
            // A fifth more is allowed for, as when it is sent.
            let needed = worst.map(|fees| fees.worst_cost(work.gas() * 6 / 5, U256::ZERO));
            let (state, text) = match (found, needed) {
                (_, None) => (Found::NotAsked, "fees are not known".to_owned()),
                (None, Some(needed)) => {
                    let text = format!("up to {}; name who pays", short(needed));
                    (Found::NotAsked, text)
                }
                (Some(found), Some(needed)) if found >= needed => {
                    (Found::Here, format!("{}, up to {} needed", short(found), short(needed)))
                }
                (Some(found), Some(needed)) => {
                    let more = decimal(needed - found, COIN_DECIMALS);
                    let text = format!("send {more} more ({} there)", short(found));
                    (Found::Missing, text)
                }
            };
            Finding { name, found: state, needed_for, text }
        };
        Ok(Work::ALL.into_iter().map(finding).collect())
    }
}

/// What is said of the coins for some work where the node does not tell them.
fn unknown(work: Work) -> Finding {
    let (name, needed_for) = (work.balance(), work.alone());
    let text = "eth_getBalance is missing; another node".to_owned();
    Finding { name, found: Found::Missing, needed_for, text }
}

/// An amount of coins to six places, for people who compare.
fn short(wei: U256) -> String {
    let text = decimal(wei, COIN_DECIMALS);
    match text.split_once('.') {
        Some((whole, part)) if part.len() > 6 => format!("{whole}.{}", &part[..6]),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_cut_to_six_places() {
        assert_eq!(short(U256::from(1_234_567_890_123_456_789_u64)), "1.234567");
        assert_eq!(short(U256::from(1_500_000_000_000_000_000_u64)), "1.5");
        assert_eq!(short(U256::ZERO), "0");
    }
}
