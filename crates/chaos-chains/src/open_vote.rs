//! A vote as its opener keeps it, so that others cast, watch and execute it.

use alloy_primitives::{Address, B256, U256};
use chaos_types::ChainId;
use serde::{Deserialize, Serialize};

use crate::{GovernorCall, VotingWindow};

/// Longest vote file that is read, in bytes.
pub const VOTE_FILE_BYTES_MAX: usize = 1 << 20;

const FORMAT: &str = "chaoschain-vote/1";

/// A vote that was opened, with the call that it decides on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenVote {
    /// The governor's chain.
    pub chain: ChainId,
    /// The hash of that chain's first block.
    pub genesis: B256,
    /// The governor.
    pub governor: Address,
    /// What it decides on.
    pub call: GovernorCall,
    /// When votes are taken.
    pub window: VotingWindow,
    /// The transaction that opened it; none if another data directory has it.
    pub transaction: Option<B256>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    format: String,
    chain: ChainId,
    genesis: B256,
    governor: Address,
    proposal_id: String,
    registry: Address,
    proposer: Address,
    parameter: WireParameter,
    description: String,
    start_block: String,
    end_block: String,
    transaction: Option<B256>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireParameter {
    chain: ChainId,
    name: String,
    value: String,
}

/// Why a text is no vote.
#[derive(Debug, thiserror::Error)]
pub enum OpenVoteError {
    /// The text is longer than [`VOTE_FILE_BYTES_MAX`].
    #[error("{bytes} bytes, at most {VOTE_FILE_BYTES_MAX} are read")]
    TooLarge {
        /// Bytes found.
        bytes: usize,
    },
    /// The text is not JSON of this shape.
    #[error("not a vote")]
    Json(#[source] serde_json::Error),
    /// A field does not hold what it should.
    #[error("{field}: expected {expected}, found `{found}`")]
    Field {
        /// The field.
        field: &'static str,
        /// What it should hold.
        expected: String,
        /// What it holds.
        found: String,
    },
}

impl OpenVote {
    /// Reads a vote file. Its number has to follow from the call and the text that it states.
    ///
    /// # Errors
    /// If it is not of this form, or the number is another call's.
    pub fn parse(text: &[u8]) -> Result<Self, OpenVoteError> {
        if text.len() > VOTE_FILE_BYTES_MAX {
            return Err(OpenVoteError::TooLarge { bytes: text.len() });
        }
        let wire: Wire = serde_json::from_slice(text).map_err(OpenVoteError::Json)?;
        if wire.format != FORMAT {
            return Err(other("format", FORMAT.to_owned(), &wire.format));
        }
        let block = |field, text: &str| {
            text.parse::<u64>().map_err(|_| other(field, "a block number".to_owned(), text))
        };
        let WireParameter { chain, name, value } = wire.parameter;
        let number = U256::from_str_radix(&value, 10);
        let value = number.map_err(|_| other("value", "a decimal number".to_owned(), &value))?;
        let call = GovernorCall {
            registry: wire.registry,
            proposer: wire.proposer,
            chain,
            name,
            value,
            description: wire.description,
        };
        let expected = call.proposal_id().to_string();
        if wire.proposal_id != expected {
            return Err(other("proposal_id", expected, &wire.proposal_id));
        }
        Ok(Self {
            chain: wire.chain,
            genesis: wire.genesis,
            governor: wire.governor,
            call,
            window: VotingWindow {
                start_block: block("start_block", &wire.start_block)?,
                end_block: block("end_block", &wire.end_block)?,
            },
            transaction: wire.transaction,
        })
    }

    /// The file's text.
    ///
    /// # Panics
    /// Never: what it holds is JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let Self { chain, genesis, governor, call, window, transaction } = self.clone();
        let wire = Wire {
            format: FORMAT.to_owned(),
            chain,
            genesis,
            governor,
            proposal_id: call.proposal_id().to_string(),
            registry: call.registry,
            proposer: call.proposer,
            parameter: WireParameter {
                chain: call.chain,
                name: call.name,
                value: call.value.to_string(),
            },
            description: call.description,
            start_block: window.start_block.to_string(),
            end_block: window.end_block.to_string(),
            transaction,
        };
        serde_json::to_string_pretty(&wire).expect("a vote is JSON") + "\n"
    }
}

fn other(field: &'static str, expected: String, found: &str) -> OpenVoteError {
    OpenVoteError::Field { field, expected, found: crate::error::shorten(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vote() -> OpenVote {
        OpenVote {
            chain: ChainId::evm(1337),
            genesis: B256::repeat_byte(1),
            governor: Address::repeat_byte(2),
            call: GovernorCall {
                registry: Address::repeat_byte(3),
                proposer: Address::repeat_byte(4),
                chain: ChainId::evm(1),
                name: "gas-limit".to_owned(),
                value: U256::from(60_000_000),
                description: "# Raise the gas limit".to_owned(),
            },
            window: VotingWindow { start_block: 7, end_block: 27 },
            transaction: Some(B256::repeat_byte(5)),
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        assert_eq!(OpenVote::parse(vote().to_json().as_bytes()).unwrap(), vote());
    }

    /// Whoever sends somebody a vote file cannot have them vote on another call than the file shows.
    #[test]
    fn a_file_that_shows_another_call_than_its_number_is_refused() {
        let text = vote().to_json();
        for (from, to) in [
            ("60000000", "6000000"),
            ("gas-limit", "gas-target"),
            ("Raise", "Lower"),
            ("0x0303", "0x0304"),
            ("0x0404", "0x0405"),
            ("vote/1", "vote/2"),
            ("\"7\"", "\"-7\""),
            ("\"genesis\"", "\"first\""),
        ] {
            assert!(text.contains(from), "{from}");
            OpenVote::parse(text.replacen(from, to, 1).as_bytes()).unwrap_err();
        }
    }
}
