//! What is to be done on a chain, and how far it came.

use std::borrow::Cow;

use alloy_primitives::{Address, B256, Bytes, U256};
use chaos_types::ChainId;
use serde::{Deserialize, Serialize};

use super::Fees;

/// One thing to be done on a chain by one account, under one nonce.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    /// What it is for, the same whenever the same thing is meant: `anchor/0x…/16/0x…`.
    pub key: String,
    /// For people: the call.
    pub what: String,
    /// The chain.
    pub chain: ChainId,
    /// The hash of the chain's first block: a local chain that is started anew has the same number.
    pub genesis: B256,
    /// Who pays.
    pub account: Address,
    /// The account's transaction count when it was made.
    pub nonce: u64,
    /// The contract; none to deploy one.
    pub to: Option<Address>,
    /// What is sent along, in wei.
    pub value: U256,
    /// Call data, or the code to deploy with its arguments.
    pub input: Bytes,
    /// Gas that it may use.
    pub gas_limit: u64,
    /// What was signed for it, oldest first. One of them at most can land.
    pub attempts: Vec<Attempt>,
    /// How far it came.
    pub stage: Stage,
}

/// One signed transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// The bytes to send.
    pub raw: Bytes,
    /// Their hash.
    pub hash: B256,
    /// What they do.
    pub purpose: Purpose,
    /// What they offer.
    pub fees: Fees,
    /// When they were signed, by the machine's clock, milliseconds since 1970. For people.
    pub signed_at_ms: u64,
}

/// What a signed transaction does under its intent's nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// What is meant.
    Act,
    /// Nothing: it takes the nonce, so that what is meant can no longer land.
    Cancel,
}

/// Where a transaction is in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inclusion {
    /// Which of the attempts it is.
    pub hash: B256,
    /// The block's number.
    pub block_number: u64,
    /// The block's hash.
    pub block_hash: B256,
    /// Gas that it used.
    pub gas_used: u64,
    /// Whether it did what it says, rather than being reverted.
    pub succeeded: bool,
}

/// How far an intent came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Its bytes are durable; no node is known to have them.
    Prepared,
    /// A node took them, or may have.
    Sent,
    /// One of them is in a block that may still be replaced.
    Included(Inclusion),
    /// One of them is in a block that stays.
    Final(Inclusion),
    /// Another transaction has the nonce in a block that stays: none of the bytes can land.
    Replaced,
    /// A cancelling transaction is in a block that stays.
    Dropped(Inclusion),
    /// Somebody said that the chain it was sent to is gone. Nothing shows that.
    Abandoned,
}

impl Stage {
    /// Where one of the signed transactions is in the chain, whichever it is.
    #[must_use]
    pub const fn inclusion(&self) -> Option<&Inclusion> {
        match self {
            Self::Included(inclusion) | Self::Final(inclusion) | Self::Dropped(inclusion) => {
                Some(inclusion)
            }
            Self::Prepared | Self::Sent | Self::Replaced | Self::Abandoned => None,
        }
    }
}

impl Intent {
    /// Whether any of its bytes may still land, or may still leave the chain again.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Prepared | Stage::Sent | Stage::Included(_))
    }

    /// Where what is meant is in the chain, whether its block stays or not.
    #[must_use]
    pub fn included(&self) -> Option<&Inclusion> {
        match &self.stage {
            Stage::Included(inclusion) | Stage::Final(inclusion) => {
                self.attempt(&inclusion.hash).filter(|it| it.purpose == Purpose::Act)?;
                Some(inclusion)
            }
            Stage::Prepared
            | Stage::Sent
            | Stage::Replaced
            | Stage::Dropped(_)
            | Stage::Abandoned => None,
        }
    }

    /// Whether none of its bytes is known to be in a block, and one may still come into one.
    #[must_use]
    pub(crate) const fn is_waiting(&self) -> bool {
        matches!(self.stage, Stage::Prepared | Stage::Sent)
    }

    /// Whether what was signed last takes the nonce for nothing.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.newest().is_some_and(|attempt| attempt.purpose == Purpose::Cancel)
    }

    /// For people, what one of its transactions does: the call, or the cancel of it.
    #[must_use]
    pub fn doing(&self, attempt: Option<&Attempt>) -> Cow<'_, str> {
        let cancels = attempt.is_some_and(|it| it.purpose == Purpose::Cancel);
        // What takes the nonce of a lost transaction is nothing else from the start.
        if cancels && self.to != Some(self.account) {
            Cow::Owned(format!("cancel of {}", self.what))
        } else {
            Cow::Borrowed(&self.what)
        }
    }

    /// The attempt with this hash.
    #[must_use]
    pub fn attempt(&self, hash: &B256) -> Option<&Attempt> {
        self.attempts.iter().find(|attempt| attempt.hash == *hash)
    }

    /// The newest attempt, which offers most.
    #[must_use]
    pub fn newest(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    /// The word for how far it came.
    #[must_use]
    pub const fn state(&self) -> &'static str {
        match self.stage {
            Stage::Prepared => "prepared",
            Stage::Sent => "sent",
            Stage::Included(_) => "included",
            Stage::Final(_) => "final",
            Stage::Replaced => "replaced",
            Stage::Dropped(_) => "dropped",
            Stage::Abandoned => "abandoned",
        }
    }
}
