use std::{io, path::PathBuf};

use chaos_agency::{LeafError, SignerError};
use chaos_log::{
    BundleError, CheckpointError, ForkError, Hash, KeyError, TileError, TileId, UnsatisfiedError,
    VerifierKey,
};
use chaos_store::{AppendError, OpenError, StoreError};
use chaos_types::{Did, Digest, Rejection};
use chaos_verify::ProvedFork;

use crate::{records::RecordsError, resource::Resource, source::SourceError};

/// Why a log was not mirrored. Nothing that was not checked is stored.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// The source cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The mirror's data directory cannot be opened.
    #[error("cannot open the mirror")]
    Open(#[from] OpenError),
    /// The mirror's store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The mirror cannot say whose log it holds.
    #[error("cannot record whose log the mirror holds")]
    Ledger(#[source] Box<chaos_ledger::Error>),
    /// The directory is new and no key is named.
    #[error("the mirror is new and no log key is named")]
    NoKey,
    /// The directory holds a log that is not a mirror.
    #[error("the data directory holds a log that is not a mirror")]
    NoMirror,
    /// The directory is one that a static host serves: a database does not belong there.
    #[error("`{directory}` holds a published log", directory = directory.display())]
    Published {
        /// The directory.
        directory: PathBuf,
    },
    /// The recorded key cannot be read.
    #[error("the mirror's record of the log's key cannot be read")]
    RecordedKey(#[source] KeyError),
    /// The recorded checkpoint cannot be read.
    #[error("the mirror's record of a checkpoint cannot be read")]
    RecordedCheckpoint(#[source] CheckpointError),
    /// The directory mirrors another log.
    #[error("the mirror is of the log `{expected}`, not `{found}`")]
    OtherLog {
        /// The key that was recorded.
        expected: Box<VerifierKey>,
        /// The key that was named.
        found: Box<VerifierKey>,
    },
    /// The published checkpoint is malformed, another log's, or not signed by the log's key.
    #[error("the published checkpoint is not the log's")]
    Checkpoint(#[source] CheckpointError),
    /// A key signed the published checkpoint whose time is over, and that may be all that is shown.
    #[error("the published checkpoint is not the log's")]
    Retired(#[source] SignerError),
    /// A kept checkpoint has no signature of the log's.
    #[error("the kept checkpoint of {size} entries is not signed by a key of the log's")]
    KeptUnsigned {
        /// Its size.
        size: u64,
    },
    /// The key that was named is not the log's root key.
    #[error(
        "`{named}` is not the log's root key but one that the root key `{root}` has let sign for it"
    )]
    NotRoot {
        /// The key that was named.
        named: Box<VerifierKey>,
        /// The root key, as the source publishes it.
        root: Box<VerifierKey>,
    },
    /// A key signed the published checkpoint that nothing shows to be the log's.
    #[error(
        "a key signed the checkpoint that is not known here, and the source does not say who signs"
    )]
    NoKeys(#[source] CheckpointError),
    /// The published file of the log's keys does not hold.
    #[error("what is published of the log's keys does not hold: {}", .0.reason)]
    Keys(Rejection),
    /// The file of the log's keys that the copy has kept does not hold.
    #[error("what this copy has kept of the log's keys, `mirror/keys`, is damaged: {}", .0.reason)]
    KeptKeys(Rejection),
    /// A stored leaf cannot be read: only what can be was stored.
    #[error("leaf {index} is damaged in this copy")]
    KeptLeaf {
        /// Index of the entry.
        index: u64,
        /// What is wrong with it.
        #[source]
        source: LeafError,
    },
    /// The published file of the log's keys contradicts the kept one.
    #[error("what is published of the log's keys contradicts what was published before")]
    KeysOther,
    /// A checkpoint's tree is not the one in which the root key's delegation stands.
    #[error("{}", other_place(*.size, *.index, *.entries, [.expected, .found]))]
    Place {
        /// Size of the checkpoint.
        size: u64,
        /// Index of the delegation.
        index: u64,
        /// How many entries were held against what the root key signed.
        entries: u64,
        /// Their root, as the delegation has it.
        expected: Hash,
        /// Their root in the checkpoint's tree.
        found: Hash,
    },
    /// The same of the checkpoint that is kept: the copy was made of a history that the root key did not sign.
    #[error("what is kept here is another history than is published now: {0}")]
    KeptPlace(Box<Self>),
    /// A retired key has signed the published checkpoint, and nothing shows that it is of the log.
    #[error(
        "the checkpoint of {size} entries is by {key}, a key that entry {index} retired, its owner or a thief, \
         and nothing here shows that it is of the history that the root key signed"
    )]
    NotHeld {
        /// Size of the checkpoint.
        size: u64,
        /// The key.
        key: Did,
        /// Index of the delegation that ended its time.
        index: u64,
    },
    /// A key took a lost one's place, and nobody named witnesses.
    #[error("entry {index} of the log puts a key in the place of a lost one")]
    LostKey {
        /// Index of the delegation.
        index: u64,
    },
    /// The quorum of the policy has not cosigned the published checkpoint.
    #[error("the published checkpoint is not followed")]
    NotWitnessed(#[source] UnsatisfiedError),
    /// Checkpoints by two keys of the log do not continue each other.
    #[error(
        "the checkpoint of {kept} entries, by a former key of the log, is not the start of the one of \
         {found} entries"
    )]
    Branches {
        /// Size of the kept checkpoint.
        kept: u64,
        /// Size of the published one.
        found: u64,
    },
    /// The published checkpoint is older than the one that was kept.
    #[error("the published checkpoint has size {found}, one of size {kept} was published before")]
    Rollback {
        /// Size of the kept checkpoint.
        kept: u64,
        /// Size of the published one.
        found: u64,
    },
    /// The log has signed two checkpoints of which neither is the start of the other, or a retired key of
    /// it has signed one.
    #[error("{}", .0.sentence())]
    Fork(Box<ProvedFork>),
    /// A retired key has signed besides the log, about which a person has decided.
    #[error("{}: it is not followed, as was decided", .0.sentence())]
    Decided(Box<ProvedFork>),
    /// The log forked, and the proof of it cannot be kept.
    #[error("{}, and the proof of it cannot be kept", .proof.sentence())]
    ForkLost {
        /// The proof.
        proof: Box<ProvedFork>,
        /// Why it cannot be kept.
        #[source]
        source: Box<Self>,
    },
    /// The kept proof of a fork cannot be read.
    #[error("the mirror's record of a fork cannot be read")]
    RecordedFork(#[source] Rejection),
    /// What was found in the log cannot be read.
    #[error("the mirror's record of what was found cannot be read")]
    RecordedFindings(#[source] serde_json::Error),
    /// Nothing stands under a name.
    #[error("nothing was found that is called `{name}`")]
    NotFound {
        /// The name.
        name: String,
    },
    /// The file of an alarm cannot be written.
    #[error("cannot write an alarm into `{folder}`", folder = folder.display())]
    Alarm {
        /// The folder of alarms.
        folder: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A kept checkpoint is not the log's.
    #[error("the mirror's record of a checkpoint is not the log's")]
    Recorded(#[source] ForkError),
    /// The log is longer than a round can follow, or says so.
    #[error("the log has grown from {kept} to {found} entries, the limit is {growth_max} more")]
    Growth {
        /// Entries that are stored.
        kept: u64,
        /// Size of the published checkpoint.
        found: u64,
        /// The most that a round follows.
        growth_max: u64,
    },
    /// The published tiles do not prove that the kept checkpoint is the start of the published one,
    /// and do not prove the contrary.
    #[error("the published tiles do not lead from size {kept} to the checkpoint of size {found}")]
    Consistency {
        /// Size of the kept checkpoint.
        kept: u64,
        /// Size of the published one.
        found: u64,
        /// Where they lead.
        #[source]
        source: ForkError,
    },
    /// A tile has another length than its place in the log asks for.
    #[error("{asked} has {found} hashes or entries, expected {expected}")]
    Width {
        /// What was asked for.
        asked: Resource,
        /// What the log's size asks for.
        expected: usize,
        /// What came.
        found: usize,
    },
    /// A tile cannot be read.
    #[error("{asked} is no tile")]
    Tile {
        /// What was asked for.
        asked: Resource,
        /// What is wrong with it.
        #[source]
        source: TileError,
    },
    /// The tiles lead to another root than the signed one.
    #[error(
        "the published tiles lead to root {found}, the checkpoint of size {size} has {expected}"
    )]
    Root {
        /// Size of the checkpoint.
        size: u64,
        /// The signed root.
        expected: Hash,
        /// Where the tiles lead.
        found: Hash,
    },
    /// A tile is not the one that the level above stands for.
    #[error("{tile} has root {found}, the level above has {expected}")]
    Parent {
        /// The tile.
        tile: TileId,
        /// The hash in the level above.
        expected: Hash,
        /// The root over the tile's hashes.
        found: Hash,
    },
    /// A tile is not the one of the log's leaves, which lead to the signed root without it.
    #[error(
        "{asked} has {found} for entry {index}, whose leaf has the hash {expected} and is in the signed tree"
    )]
    LeafTile {
        /// What was asked for.
        asked: Resource,
        /// Index of the first entry for which it has another hash.
        index: u64,
        /// The hash of the leaf.
        expected: Hash,
        /// The hash in the tile.
        found: Hash,
    },
    /// A bundle of leaves cannot be read.
    #[error("{asked} is no bundle of leaves")]
    Leaves {
        /// What was asked for.
        asked: Resource,
        /// What is wrong with it.
        #[source]
        source: BundleError,
    },
    /// The leaves of a bundle are not those of the tree.
    #[error("the leaves of {asked} are not those of the signed tree")]
    Entries {
        /// What was asked for.
        asked: Resource,
    },
    /// A leaf of the log does not say which receipt it stands for.
    #[error("leaf {index} of the log is not one that this program knows")]
    Leaf {
        /// Index of the entry.
        index: u64,
        /// What is wrong with it.
        #[source]
        source: LeafError,
    },
    /// A body of records cannot be read.
    #[error("{asked} is no body of records")]
    Records {
        /// What was asked for.
        asked: Resource,
        /// What is wrong with it.
        #[source]
        source: RecordsError,
    },
    /// A receipt is not the one that its leaf stands for.
    #[error("the receipt of entry {index} has digest {found}, its leaf says {expected}")]
    Record {
        /// Index of the entry.
        index: u64,
        /// Digest in the leaf.
        expected: Digest,
        /// Digest of what came.
        found: Digest,
    },
    /// An entry cannot be stored.
    #[error("entry {index} cannot be stored")]
    Append {
        /// Index of the entry.
        index: u64,
        /// Why.
        #[source]
        source: AppendError,
    },
    /// The log holds one receipt twice, which no log of this project does and its operator has signed. The
    /// copy ends before the second one, and that stands among its findings.
    #[error(
        "entry {index} of the log repeats the receipt of entry {first}: the copy ends before it, and cannot go on"
    )]
    Repeated {
        /// Index of the entry.
        index: u64,
        /// Index of the entry with the same receipt.
        first: u64,
    },
    /// The source answers, and so slowly that a round does not end.
    #[error(
        "the source answers too slowly: no end after {limit_s} s, with {stored} entries stored"
    )]
    Slow {
        /// How long a round may take, in seconds.
        limit_s: u64,
        /// Entries that are stored.
        stored: u64,
    },
    /// A check was stopped.
    #[error("a check was stopped before its end")]
    Stopped,
}

fn other_place(size: u64, index: u64, entries: u64, [expected, found]: [&Hash; 2]) -> String {
    format!(
        "the checkpoint of {size} entries is not of the log: by the delegation that the root key signed to \
         stand at entry {index}, the first {entries} entries have root {expected}, and in the checkpoint's \
         tree they have {found} (delegation-place-other)"
    )
}

impl MirrorError {
    /// Whether the source has answered, and its answers contradict the log's signed checkpoint or
    /// each other. Everything else says nothing about the log.
    #[must_use]
    pub const fn is_contradiction(&self) -> bool {
        match self {
            Self::Checkpoint(_)
            | Self::NoKeys(_)
            | Self::Retired(_)
            | Self::Keys(_)
            | Self::KeysOther
            | Self::Place { .. }
            | Self::KeptPlace(_)
            | Self::Branches { .. }
            | Self::Rollback { .. }
            | Self::Fork(_)
            | Self::Decided(_)
            | Self::Growth { .. }
            | Self::Consistency { .. }
            | Self::Width { .. }
            | Self::Tile { .. }
            | Self::Root { .. }
            | Self::Parent { .. }
            | Self::LeafTile { .. }
            | Self::Leaves { .. }
            | Self::Entries { .. }
            | Self::Leaf { .. }
            | Self::Records { .. }
            | Self::Record { .. }
            | Self::Append { .. }
            | Self::Repeated { .. } => true,
            Self::Source(error) => error.is_answer(),
            Self::Open(_)
            | Self::LostKey { .. }
            | Self::NotHeld { .. }
            | Self::KeptUnsigned { .. }
            | Self::KeptKeys(_)
            | Self::KeptLeaf { .. }
            | Self::NotWitnessed(_)
            | Self::Store(_)
            | Self::Ledger(_)
            | Self::NoKey
            | Self::NoMirror
            | Self::Published { .. }
            | Self::RecordedKey(_)
            | Self::RecordedCheckpoint(_)
            | Self::Recorded(_)
            | Self::OtherLog { .. }
            | Self::NotRoot { .. }
            | Self::ForkLost { .. }
            | Self::RecordedFork(_)
            | Self::RecordedFindings(_)
            | Self::NotFound { .. }
            | Self::Alarm { .. }
            | Self::Slow { .. }
            | Self::Stopped => false,
        }
    }
}
