mod anew;
mod cache;

use std::path::PathBuf;

use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256};
use chaos_types::ChainId;

use crate::{
    Contract,
    registry::REGISTRY,
    sending::{FeeError, Finality, Inclusion, Reached, decimal},
    signer::Unsigned,
};

pub use self::{
    anew::{Contradicted, ToNothing, Unvouched},
    cache::CacheError,
};

/// Why something on a chain did not work. URLs are shown as scheme, host and port only, because
/// paths and queries of RPC URLs often hold keys.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL cannot be used. The text is not repeated: it may hold a key.
    #[error("the rpc url is not usable: {reason}")]
    InvalidUrl {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Not so many endpoints can agree.
    #[error("{agree} of {count} nodes cannot agree; name 1 to {max}, and how many of them have to")]
    Agree {
        /// How many are to agree.
        agree: usize,
        /// How many there are.
        count: usize,
        /// Most that there may be.
        max: usize,
    },
    /// No answer came, also after retrying. Trying later may help.
    #[error("{url} is unreachable: no answer to {method} in {attempts} attempts")]
    Unreachable {
        /// Scheme, host and port.
        url: String,
        /// JSON-RPC method that was asked.
        method: String,
        /// Requests made.
        attempts: u32,
        /// The last failure.
        #[source]
        source: TransportFailure,
    },
    /// The node asked to be left alone for a while, also after retrying.
    #[error("{url} limits the rate of requests; it asked to wait {after_s} s")]
    RateLimited {
        /// Scheme, host and port.
        url: String,
        /// Seconds to wait; 0 if the node did not say.
        after_s: u64,
    },
    /// The node refused the request. Sending the same again will not help.
    #[error("{method} was rejected with code {code}: {reason}")]
    Rejected {
        /// JSON-RPC method.
        method: String,
        /// JSON-RPC error code.
        code: i64,
        /// The node's words, cut to 300 characters.
        reason: String,
    },
    /// The node gives no events of a block, not even of it alone.
    #[error("{url} gives no events of block {block}: {reason}")]
    EventsRefused {
        /// Scheme, host and port.
        url: String,
        /// The block.
        block: u64,
        /// The node's words, cut to 300 characters.
        reason: String,
    },
    /// The node leaves out events, or makes them up: the contract has another newest checkpoint.
    #[error(
        "{url} leaves out events, or makes them up: the newest checkpoint that {contract:#x} has of publisher \
         {publisher:#x} is of size {size}, and the events of blocks {first} to {last} end otherwise"
    )]
    EventsMissing {
        /// Scheme, host and port.
        url: String,
        /// The contract.
        contract: Address,
        /// Whose checkpoints.
        publisher: Address,
        /// The size of the newest.
        size: u64,
        /// The first block that was asked for.
        first: u64,
        /// The last one.
        last: u64,
    },
    /// The address has no contract that holds heads of this log.
    #[error("{url} has {found} at {contract:#x}, expected one that this log is anchored in")]
    NoAnchors {
        /// Scheme, host and port.
        url: String,
        /// The address.
        contract: Address,
        /// What it has.
        found: &'static str,
    },
    /// A contract refused the call.
    #[error("{call} reverted: {reason}")]
    Reverted {
        /// Contract call, by name.
        call: &'static str,
        /// The contract's error by name with its arguments, or its bytes if unknown.
        reason: String,
    },
    /// The endpoint serves another chain than expected.
    #[error("wrong chain: expected {expected}, got {got}")]
    WrongChain {
        /// Chain that was asked for.
        expected: ChainId,
        /// Chain that answered.
        got: ChainId,
    },
    /// The endpoint serves a chain of the expected number with another first block.
    #[error("wrong chain: expected {chain} with first block {expected}, got first block {found}")]
    WrongGenesis {
        /// The chain's number.
        chain: ChainId,
        /// The hash of the first block that was expected.
        expected: B256,
        /// The hash that the node names.
        found: B256,
    },
    /// This connection signs nothing, and this is what it would send.
    #[error("{} would be sent, and this connection sends nothing", .0.what)]
    Planned(Box<crate::Plan>),
    /// This connection signs nothing, and the same was sent before and is on its way.
    #[error("{what} (nonce {nonce}) was sent and is not in a block yet")]
    UnderWay {
        /// What was to be done.
        what: String,
        /// Its nonce.
        nonce: u64,
    },
    /// An answer does not have the expected form.
    #[error("malformed answer in {at}: {reason}")]
    Malformed {
        /// Method or call, and the part of its answer.
        at: String,
        /// What was expected or found.
        reason: String,
    },
    /// The chain has no such block, or does not have it yet.
    #[error("block {number} does not exist on {url}")]
    UnknownBlock {
        /// Number that was asked for.
        number: u64,
        /// Scheme, host and port.
        url: String,
    },
    /// Two answers disagree on which block stands at a height: a reorganisation, or nodes behind one
    /// address that do not agree, or a node that makes things up.
    #[error("{url} gave two different blocks {number}: {expected} and {found} ({place})")]
    DifferentBlock {
        /// The height.
        number: u64,
        /// The hash that was expected.
        expected: B256,
        /// The hash that was found.
        found: B256,
        /// Where the second one was found.
        place: &'static str,
        /// Scheme, host and port.
        url: String,
    },
    /// A block's hash is not the hash of its header.
    #[error("block {number} is said to have hash {claimed}, its header hashes to {computed}")]
    HeaderHash {
        /// The height.
        number: u64,
        /// The hash in the answer.
        claimed: B256,
        /// The Keccak-256 of the header in the same answer.
        computed: B256,
    },
    /// A sent transaction did not get into a block in time. It may still do so.
    #[error(
        "transaction {hash} (nonce {nonce}, {what}) was sent but not mined within {waited_s} s"
    )]
    NotMined {
        /// The transaction.
        hash: B256,
        /// What it does.
        what: String,
        /// Its nonce.
        nonce: u64,
        /// Whether it takes the nonce for nothing, so that what was meant can no longer land.
        cancels: bool,
        /// Seconds waited.
        waited_s: u64,
    },
    /// It is in a block, and that block is not as sure in time as was asked for. It may still become so.
    #[error(
        "transaction {hash} is in block {block_number} and {reached} after {waited_s} s, not {wanted} yet"
    )]
    NotSettled {
        /// The transaction.
        hash: B256,
        /// Its block.
        block_number: u64,
        /// How sure it is.
        reached: Reached,
        /// How sure it has to be.
        wanted: Finality,
        /// Seconds waited.
        waited_s: u64,
    },
    /// What was meant the same before came to nothing in a block that may still be replaced: its bytes may land after
    /// all. Nothing was signed.
    #[error(
        "{what} (nonce {nonce}) {ended} in block {block_number}, which is {reached} and not final yet: until \
         then its bytes may still land, and nothing is signed anew"
    )]
    NotOver {
        /// What was to be done.
        what: String,
        /// The nonce that it had.
        nonce: u64,
        /// How it ended, for people.
        ended: &'static str,
        /// In which block.
        block_number: u64,
        /// How sure that is.
        reached: Reached,
    },
    /// The same was signed before, and nothing but a node's word shows that it came to nothing. Nothing was signed.
    #[error(transparent)]
    Unvouched(Box<Unvouched>),
    /// Somebody else says otherwise what took the nonce of what was signed before. Nothing was signed.
    #[error(transparent)]
    Contradicted(Box<Contradicted>),
    /// A transaction was in a block that is no longer part of the chain.
    #[error("the block that held transaction {hash} is no longer part of the chain")]
    LeftChain {
        /// The transaction.
        hash: B256,
    },
    /// The account cannot pay for the worst case. Nothing was sent.
    #[error(transparent)]
    Funds(Box<Shortage>),
    /// What another data directory sent from this account may still land.
    #[error(
        "transaction {hash} (nonce {nonce}) of {account}, kept in {journal}, may still land; finish or \
         cancel it there first",
        journal = journal.display()
    )]
    Claimed {
        /// The account.
        account: Address,
        /// The journal that holds it.
        journal: PathBuf,
        /// Its nonce.
        nonce: u64,
        /// The hash.
        hash: B256,
    },
    /// The node says that a nonce is free which is known to be used. Nothing was sent.
    #[error(
        "this node says that the next nonce of {account} is {next}, and nonce {nonce} is used: it is behind"
    )]
    Behind {
        /// The account.
        account: Address,
        /// The next nonce that the node knows.
        next: u64,
        /// A nonce that was used.
        nonce: u64,
    },
    /// What may still land is in no journal any more. Nothing was sent.
    #[error(
        "transaction {hash} (nonce {nonce}) of {account} may still land, and the journal that held it, \
         {journal}, has it no longer",
        journal = journal.display()
    )]
    Orphaned {
        /// The account.
        account: Address,
        /// The journal that held it.
        journal: PathBuf,
        /// Its nonce.
        nonce: u64,
        /// The hash.
        hash: B256,
    },
    /// This journal sent something by the memory of accounts, and does not have it: it is an older copy of itself.
    /// Nothing was sent.
    #[error(
        "the journal of transactions at {journal} is an older copy: transaction {hash} (nonce {nonce}) of \
         {account} was sent from it, and it does not have it",
        journal = journal.display()
    )]
    Older {
        /// The account.
        account: Address,
        /// The journal.
        journal: PathBuf,
        /// The nonce of what it lacks.
        nonce: u64,
        /// The hash.
        hash: B256,
    },
    /// The account made such a contract before, and neither the deployment nor the journal has it. Nothing was sent.
    #[error(
        "{account} made a {} before, at {address} (nonce {nonce}), and not from this journal",
        contract.name()
    )]
    MadeElsewhere {
        /// The account.
        account: Address,
        /// What it is.
        contract: Contract,
        /// Where it is.
        address: Address,
        /// The nonce that made it.
        nonce: u64,
    },
    /// What was signed cannot land, because nonces before it are used by nothing. Nothing was sent.
    #[error(
        "transaction {hash} of {account} has nonce {nonce} and cannot land: the account's next nonce is {next}, \
         and nothing lies between"
    )]
    Gap {
        /// The account.
        account: Address,
        /// The account's next nonce that nothing here has.
        next: u64,
        /// The nonce that cannot be reached.
        nonce: u64,
        /// The hash.
        hash: B256,
    },
    /// The node's chain has another first block than the one that an earlier transaction was sent to. Nothing
    /// was sent.
    #[error(
        "a transaction (nonce {nonce}) of the account was sent to {chain} with first block {expected}, and this \
         node's first block is {found}"
    )]
    OtherGenesis {
        /// The chain's number.
        chain: ChainId,
        /// The nonce of what was sent.
        nonce: u64,
        /// The first block of the chain it was sent to.
        expected: B256,
        /// The first block that the node names.
        found: B256,
    },
    /// The nonce is used in a block that stays, and the node does not show by what: it has to show a transaction that
    /// the account signed. Nothing was sent.
    #[error(
        "nonce {nonce}, meant for {what}, is used in a block that stays, and {url} does not show by what, with \
         the account's signature"
    )]
    Unshown {
        /// What was to be done.
        what: String,
        /// The nonce.
        nonce: u64,
        /// Scheme, host and port.
        url: String,
    },
    /// A transaction is in a block that stays, and the node has its receipt no longer.
    #[error("transaction {hash} is in the chain, and {url} has its receipt no longer")]
    Forgotten {
        /// The transaction.
        hash: B256,
        /// Scheme, host and port.
        url: String,
    },
    /// The journal has no open transaction of that name for the account on this chain.
    #[error("the journal has no open transaction `{which}` of this account on this chain")]
    NoTransaction {
        /// What was asked for.
        which: String,
    },
    /// More than one open transaction goes by that name.
    #[error("the journal has several open transactions `{which}`")]
    SeveralTransactions {
        /// What was asked for.
        which: String,
    },
    /// The contract is not the one that this log is anchored in. Nothing was sent.
    #[error(transparent)]
    NotTheAnchor(Box<NotTheAnchor>),
    /// An address does not hold the contract that it is said to hold. Nothing was sent.
    #[error(transparent)]
    OtherCode(Box<OtherCode>),
    /// What is at an address answers as no governor does.
    #[error(
        "{address} is no governor that is known here: in block {at} it answers none of {asked}"
    )]
    NoGovernor {
        /// The address.
        address: Address,
        /// The block in which it was asked.
        at: String,
        /// The functions that were tried.
        asked: String,
    },
    /// Something is in the chain by what a contract says, and the node shows no event of it.
    #[error("{url} shows no event of {what}, which the contract says is done")]
    NoEvent {
        /// Scheme, host and port.
        url: String,
        /// What was done.
        what: &'static str,
    },
    /// The registry of checkpoints cannot take this one.
    #[error(transparent)]
    Registry(Box<RegistryRefusal>),
    /// What the node shows of the registry does not hold.
    #[error("the node does not show what the registry holds")]
    RegistryProof(#[source] crate::RegistryProofError),
    /// What the node proves of the registry after a block begins at its header and leads nowhere.
    #[error("{url} does not show what the registry holds after block {number}, which it can prove")]
    RegistryState {
        /// Scheme, host and port.
        url: String,
        /// The block's height.
        number: u64,
        /// What does not hold.
        #[source]
        source: Box<crate::StateProofError>,
    },
    /// The node proves no state after the block of what it took, nor after the newest that stays.
    #[error(
        "{url} does not show what it took: it gives no proof of the state after that block (eth_getProof)"
    )]
    NoStateProof {
        /// Scheme, host and port.
        url: String,
    },
    /// What the node proves of the state is not what it took.
    #[error("the node does not show what it took")]
    StateProof(#[source] Box<crate::StateProofError>),
    /// A block is no longer part of the chain.
    #[error("block {number} {hash} is no longer part of the chain")]
    BlockLeft {
        /// Its height.
        number: u64,
        /// Its hash.
        hash: B256,
    },
    /// A block is not as sure in time as was asked for. It may still become so.
    #[error("block {number} is {reached} after {waited_s} s, not {wanted} yet")]
    BlockNotSettled {
        /// The block.
        number: u64,
        /// How sure it is.
        reached: Reached,
        /// How sure it has to be.
        wanted: Finality,
        /// Seconds waited.
        waited_s: u64,
    },
    /// No account may be the publisher of a log.
    #[error("the zero address cannot anchor a log")]
    NoPublisher,
    /// Transactions of the account wait that no journal of this user has. Nothing was sent.
    #[error(
        "{account} has {waiting} transactions waiting from nonce {nonce} on that are not in this journal; wait \
         until they are in a block, or use an account of its own for each machine"
    )]
    Unknown {
        /// The account.
        account: Address,
        /// How many the node says there are.
        waiting: u64,
        /// The nonce of the first.
        nonce: u64,
    },
    /// Somebody else sent from the account under the nonce, in a block that stays.
    #[error(
        "another transaction took nonce {nonce}, so {what} can no longer land; run the command again"
    )]
    NonceTaken {
        /// What was to be done.
        what: String,
        /// The nonce.
        nonce: u64,
    },
    /// Another transaction has the nonce, in a block that may still be replaced.
    #[error(
        "nonce {nonce}, meant for {what} ({hash}), is used by another transaction, in a block that may still \
         be replaced"
    )]
    NonceHeld {
        /// What was to be done.
        what: String,
        /// The nonce.
        nonce: u64,
        /// What waits for it.
        hash: B256,
    },
    /// It was cancelled.
    #[error("{what} was cancelled by transaction {hash}")]
    Cancelled {
        /// What was to be done.
        what: String,
        /// The transaction that took its nonce.
        hash: B256,
    },
    /// It is in a block and did nothing.
    #[error("{what} reverted: {reason}")]
    Failed {
        /// What was to be done.
        what: String,
        /// Where.
        reason: String,
        /// The same for programs.
        inclusion: Box<Inclusion>,
    },
    /// This connection is for reading.
    #[error("this connection has no journal of transactions, and nothing is sent without one")]
    NoOutbox,
    /// The node says that something takes more gas than it can take. Nothing was sent.
    #[error("{url} says that {what} takes {gas} gas, and no more than {most} are signed for")]
    GasOverstated {
        /// Scheme, host and port.
        url: String,
        /// What was to be done.
        what: &'static str,
        /// What the node says.
        gas: u64,
        /// What would be signed for at most.
        most: u64,
    },
    /// What the node says is enough gas is not, where it runs the same with what would be signed for. Nothing was sent.
    #[error(
        "{url} says that {what} takes {gas} gas, and has it fail with the {gas_limit} that would be signed for: {reason}"
    )]
    GasUnderstated {
        /// Scheme, host and port.
        url: String,
        /// What was to be done.
        what: &'static str,
        /// What the node says.
        gas: u64,
        /// What would be signed for.
        gas_limit: u64,
        /// The node's words, cut to 300 characters.
        reason: String,
    },
    /// What it would cost is above what may be spent. Nothing was sent.
    #[error(transparent)]
    Fee(Box<FeeError>),
    /// The journal of transactions cannot be used. Nothing was sent.
    #[error(transparent)]
    Journal(#[from] crate::sending::JournalError),
    /// The account cannot be used.
    #[error(transparent)]
    Account(#[from] crate::sending::AccountError),
    /// The chain cannot do this.
    #[error("{url} does not support {capability}")]
    Unsupported {
        /// Scheme, host and port.
        url: String,
        /// What is missing.
        capability: &'static str,
    },
    /// Nothing was signed, and so nothing sent.
    #[error(transparent)]
    Unsigned(Box<Unsigned>),
    /// An anchor proof could not be built from what the node sent.
    #[error("the anchor proof could not be built")]
    AnchorProof(#[source] crate::AnchorProofError),
    /// The runtime for blocking calls could not be started.
    #[error("the runtime for chain requests could not be started")]
    Runtime(#[source] std::io::Error),
    /// The cache of fetched state could not be read or written.
    #[error("the state cache failed")]
    Cache(#[from] CacheError),
}

/// A failure below JSON-RPC.
#[derive(Debug, thiserror::Error)]
pub enum TransportFailure {
    /// Connecting, sending or receiving failed.
    #[error("the http request failed")]
    Http(#[source] reqwest::Error),
    /// A status that may pass.
    #[error("http status {0}")]
    Status(u16),
    /// The answer ended in the middle.
    #[error("the answer was cut short after {0} bytes")]
    Truncated(usize),
}

/// An account that cannot pay for a transaction.
#[derive(Debug, thiserror::Error)]
#[error(
    "{account} has {} of the coin of {chain}, the transaction may cost {}; send it at least {} more",
    decimal(*found, 18), decimal(*needed, 18), decimal(needed.saturating_sub(*found), 18)
)]
pub struct Shortage {
    /// The account.
    pub account: Address,
    /// The chain.
    pub chain: ChainId,
    /// The worst case, in wei.
    pub needed: U256,
    /// What it has, in wei.
    pub found: U256,
}

/// A contract that is not this log's.
#[derive(Debug, thiserror::Error)]
#[error(
    "{contract} is not the CheckpointAnchor of this log: its {what} is {found}, expected {expected}"
)]
pub struct NotTheAnchor {
    /// The contract.
    pub contract: Address,
    /// What differs.
    pub what: &'static str,
    /// What this log's has.
    pub expected: String,
    /// What this one has.
    pub found: String,
}

/// An address with other code than a contract's.
#[derive(Debug, thiserror::Error)]
#[error(
    "{address} is not the {}: expected code {expected}, found {}",
    contract.name(),
    if *found == KECCAK256_EMPTY { "none".to_owned() } else { found.to_string() }
)]
pub struct OtherCode {
    /// What it should be.
    pub contract: Contract,
    /// The address.
    pub address: Address,
    /// Keccak-256 of the code that it should have.
    pub expected: B256,
    /// Keccak-256 of the code that is there.
    pub found: B256,
}

/// Why the registry of checkpoints cannot take one. Nothing was sent, unless it says so.
#[derive(Debug, thiserror::Error)]
pub enum RegistryRefusal {
    /// The chain has none.
    #[error("this chain has no CheckpointRegistry at {REGISTRY}")]
    Missing,
    /// Another account writes there.
    #[error("{account} may not anchor under publisher {publisher}: its writer is {writer}")]
    Writer {
        /// Who was to anchor.
        account: Address,
        /// The only account that may.
        writer: Address,
        /// Whose key it is.
        publisher: Address,
    },
    /// It holds a larger checkpoint of the log.
    #[error(
        "publisher {publisher} has anchored {held} entries of this log, and it has {size} here"
    )]
    Ahead {
        /// The number of entries here.
        size: u64,
        /// The number of those that are anchored.
        held: u64,
        /// Whose checkpoints they are.
        publisher: Address,
    },
    /// It holds another root for the same size.
    #[error(
        "the registry holds another history of this log: of {size} entries with root {}, here the root is {}",
        hex::encode(found),
        hex::encode(root)
    )]
    Conflict {
        /// The number of entries.
        size: u64,
        /// The root here.
        root: [u8; 32],
        /// The root that is anchored.
        found: [u8; 32],
    },
    /// It was anchored, a larger one was after it, and no node shows the state between them.
    #[error("size {size} was anchored, and size {held} after it: the node shows only that")]
    Passed {
        /// The number of entries.
        size: u64,
        /// The number of those that are anchored by now.
        held: u64,
    },
    /// It was anchored, and the node does not show it.
    #[error("size {size} was anchored, and the node does not show it after block {block_number}")]
    NotYet {
        /// The number of entries.
        size: u64,
        /// The newest block that was looked at.
        block_number: u64,
    },
}

impl RegistryRefusal {
    /// Whether a larger checkpoint took its place.
    #[must_use]
    pub const fn is_passed(&self) -> bool {
        matches!(self, Self::Passed { .. })
    }
}

impl From<RegistryRefusal> for Error {
    fn from(refusal: RegistryRefusal) -> Self {
        Self::Registry(Box::new(refusal))
    }
}

impl From<Unsigned> for Error {
    fn from(unsigned: Unsigned) -> Self {
        Self::Unsigned(Box::new(unsigned))
    }
}

impl From<FeeError> for Error {
    fn from(error: FeeError) -> Self {
        Self::Fee(Box::new(error))
    }
}

impl Error {
    /// Whether the same request may succeed later without any change.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::RateLimited { .. }
                | Self::NotMined { .. }
                | Self::NonceHeld { .. }
                | Self::NotSettled { .. }
                | Self::NotOver { .. }
                | Self::BlockNotSettled { .. }
        )
    }

    /// Whether it is about one call alone: reverted, refused by the node for what it does, or over and in need of a word
    /// before it is signed anew. Chain, account and node are fit for others. Where the chain shows that what was meant is
    /// so, whoever made it so, nothing has to be signed.
    #[must_use]
    pub const fn is_of_one_call(&self) -> bool {
        matches!(
            self,
            Self::Reverted { .. }
                | Self::Failed { .. }
                | Self::NotOver { .. }
                | Self::Unvouched(_)
                | Self::Contradicted(_)
                | Self::Rejected { .. }
                | Self::GasOverstated { .. }
                | Self::GasUnderstated { .. }
        )
    }

    pub(crate) fn malformed(at: impl Into<String>, reason: impl std::fmt::Display) -> Self {
        Self::Malformed { at: at.into(), reason: shorten(&reason.to_string()) }
    }
}

impl Error {
    /// The same in one line: of a request that failed on its way the last cause alone, which says what failed.
    #[must_use]
    pub fn in_short(&self) -> String {
        match self {
            Self::Unreachable { source, .. } => format!("{self}: {}", innermost(source)),
            error => error.to_string(),
        }
    }
}

/// Why a node says nothing of use, in one line that does not name it.
pub(crate) fn reason(error: &Error) -> String {
    match error {
        Error::Unreachable { method, source, .. } => {
            format!("no answer to {method}: {}", innermost(source))
        }
        Error::RateLimited { .. } => "it limits the rate of requests".to_owned(),
        error => error.to_string(),
    }
}

/// The last of the causes of an error.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    shorten(&error.to_string())
}

/// Longest text of a stranger that goes into an error, in characters.
const FOREIGN_TEXT_CHARS_MAX: usize = 300;

/// Cuts a stranger's text and drops its control characters, so that it cannot take over a terminal.
pub(crate) fn shorten(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(FOREIGN_TEXT_CHARS_MAX).collect()
}
