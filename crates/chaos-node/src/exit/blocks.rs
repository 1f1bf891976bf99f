//! What a refusal of blocks means for the exit code, and what the user can do next.

use std::path::Path;

use chaos_evm::{DecodeError, Hardfork, recorded::PackError};
use chaos_programs::{live, recorded, saved};

use super::{Failure, Kind};

impl From<recorded::Error> for Failure {
    fn from(error: recorded::Error) -> Self {
        use recorded::Error;
        match error {
            Error::Blocks(error) => (*error).into(),
            Error::NoSuchBlocks { .. } | Error::SeveralChains { .. } => {
                Self::new(Kind::Input, error).hint("choose by --chain and --range")
            }
            Error::Taken { .. } => Self::message(Kind::Input, format_args!("--out {error}"))
                .hint("name a folder that does not exist yet"),
            Error::NoName { .. } => Self::message(Kind::Input, format_args!("--out {error}")),
            Error::BlockFile { .. }
            | Error::Replay(_)
            | Error::Histories { .. }
            | Error::Pack(PackError::Json(_)) => Self::new(Kind::Input, error),
            Error::Remove { .. } | Error::Write { .. } | Error::Pack(PackError::Gzip(_)) => {
                Self::new(Kind::Storage, error)
            }
        }
    }
}

impl From<live::Error> for Failure {
    fn from(error: live::Error) -> Self {
        use live::Error;
        match error {
            Error::Node(error) => node(error),
            Error::NoRange { .. }
            | Error::NoBlocksAsked { .. }
            | Error::Count { .. }
            | Error::Range { .. } => Self::new(Kind::Input, error).context("--range"),
            Error::Moved { cache, source } => {
                Self::new(Kind::Outside, *source).hint(reorganised(&cache))
            }
            Error::ChunkMoved { ref cache, .. } => {
                let hint = reorganised(cache);
                Self::new(Kind::Outside, error).hint(hint)
            }
            Error::State { height, state_from, source } => {
                Self::from(*source).context(format_args!(
                    "block {height}, --state-from {} (needs {})",
                    state_from.name(),
                    state_from.needs()
                ))
            }
            Error::Disagrees { .. } => {
                Self::new(Kind::Check, error).hint("use --state-from rpc with an empty --cache")
            }
            Error::Block { ref source, .. } => {
                let hint = of_block(source);
                let failure = Self::new(Kind::Input, error);
                match hint {
                    Some(hint) => failure.hint(hint),
                    None => failure,
                }
            }
            Error::Unbound { .. } => Self::new(Kind::Input, error).hint(
                "the node leaves out what shows that the block is the chain's; ask another node",
            ),
            Error::NotEvm { .. } | Error::BlockJson(_) | Error::CodesJson(_) => {
                Self::new(Kind::Input, error)
            }
            Error::StateJson(_)
            | Error::Import(_)
            | Error::Execute(_)
            | Error::ExecuteProven(_)
            | Error::Codes(_) => Self::new(Kind::Outside, error),
            Error::DamagedJson { .. }
            | Error::DamagedCodes { .. }
            | Error::DamagedHeaders { .. }
            | Error::Write { .. }
            | Error::ReadBack { .. } => Self::new(Kind::Storage, error),
        }
    }
}

impl From<saved::Error> for Failure {
    fn from(error: saved::Error) -> Self {
        match error {
            saved::Error::Disagrees { .. } => Self::new(Kind::Check, error).hint(
                "nothing was written; a trace without --diff misses accounts made in the block",
            ),
            saved::Error::Block { ref source, .. } => {
                let hint = of_block(source);
                let failure = Self::new(Kind::Input, error);
                match hint {
                    Some(hint) => failure.hint(hint),
                    None => failure,
                }
            }
            error => Self::new(Kind::Input, error),
        }
    }
}

/// What can be done about a block that is refused.
pub(super) fn of_block(error: &DecodeError) -> Option<String> {
    Some(match error {
        DecodeError::UnknownChain { .. } => {
            let names = Hardfork::ALL.map(Hardfork::name).join(", ");
            format!("name the rules its blocks ran under by --hardfork NAME ({names}), or bring its schedule by --chain-config FILE")
        }
        DecodeError::Missing { path, .. } if is_of_a_fork(path) => {
            "the chain's rules at this block need the field: if it ran under an older fork, name that by --hardfork"
                .to_owned()
        }
        DecodeError::OtherHardfork { .. } => {
            "leave --hardfork or --chain-config out: the file remembers what it was recorded under".to_owned()
        }
        DecodeError::Body { .. }
        | DecodeError::Added { .. }
        | DecodeError::Uncles { .. }
        | DecodeError::TransactionHash { .. }
        | DecodeError::Sender { .. }
        | DecodeError::HeaderHash { .. } => {
            "whoever gave the block changed it: ask another node, or take the file anew from its source"
                .to_owned()
        }
        _ => return None,
    })
}

/// Whether a field came with a fork.
fn is_of_a_fork(path: &str) -> bool {
    let fields =
        ["baseFeePerGas", "withdrawals", "blobGasUsed", "excessBlobGas", "parentBeaconBlockRoot"];
    path.strip_prefix("block.").is_some_and(|field| fields.contains(&field))
}

/// A failure of the endpoint, with what can be done about it.
fn node(error: chaos_chains::Error) -> Failure {
    let hint = match &error {
        chaos_chains::Error::RateLimited { .. } => Some(
            "run the same command again later: it goes on where it stopped; \
                  --requests-per-second N keeps below the node's limit",
        ),
        chaos_chains::Error::Unreachable { .. } => {
            Some("run the same command again: it goes on where it stopped")
        }
        chaos_chains::Error::Unsupported { .. } => {
            Some("--state-from rpc needs nothing but state of the past")
        }
        chaos_chains::Error::Rejected { code: 401 | 403, .. } => Some(
            "the URL lacks a key, or its key is not taken, or the plan behind it does not allow the method: \
             look at the URL that the provider shows for this chain",
        ),
        chaos_chains::Error::Rejected { reason, code, .. } if lacks_state(*code, reason) => Some(
            "the node does not keep state as old as this: ask an archive node, or for newer blocks, or try \
             --state-from proof",
        ),
        chaos_chains::Error::Rejected { code: -32601, .. } => Some(
            "the endpoint does not offer this method: ask another one, or choose another --state-from",
        ),
        _ => None,
    };
    let failure = Failure::new(Kind::Outside, error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Whether a node says that it has dropped the state that was asked for. Nodes agree on no code; these are
/// the words of geth, Erigon, Nethermind, reth and Besu.
fn lacks_state(code: i64, reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase();
    code == 4444
        || [
            "missing trie node",
            "header not found",
            "pruned",
            "state is not available",
            "state not available",
            "historical state",
            "world state unavailable",
            "no state available",
            "old data not available",
            "block not found",
            "archive",
        ]
        .iter()
        .any(|words| reason.contains(words))
}

/// What can be done about a broken chain of headers.
fn reorganised(cache: &Path) -> String {
    format!(
        "the chain may have been reorganised: run the command again; if it stays so, the node's \
         answers do not agree with each other or with what is kept in {}",
        cache.display()
    )
}
