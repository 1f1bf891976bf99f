use std::{
    io,
    path::{Path, PathBuf},
};

use chaos_agency::{LeafError, SignerError, calendar::moment};
use chaos_log::{
    CheckpointError, Hash, HeldError, PolicyError, ProveError, TlogProofError, UnsatisfiedError,
    VerifierKey,
    map::{self, ReadError},
};
use chaos_store::{AppendError, BlobError, OpenError, StoreError};
use chaos_types::{Did, Digest, Rejection, canonical, key::KeyError};

use crate::RetiredHead;

/// Why a ledger did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no data directory.
    #[error("{dir} holds no ChaosChain data", dir = dir.display())]
    NoData {
        /// Where one was looked for.
        dir: PathBuf,
    },
    /// Making the data directory was interrupted.
    #[error("{dir} names no log operator", dir = dir.display())]
    NoOperator {
        /// The directory.
        dir: PathBuf,
    },
    /// The data directory does not open.
    #[error("cannot open the data directory {dir}", dir = dir.display())]
    Open {
        /// The directory.
        dir: PathBuf,
        /// Why.
        source: OpenError,
    },
    /// What the database says of who runs the log is not what its entries show, or no key.
    #[error("`{path}` is damaged: it says that `{found}` runs the log, {}", by_entries(.shown.as_deref()), path = path.display())]
    OperatorRow {
        /// The database.
        path: PathBuf,
        /// What it says, escaped.
        found: String,
        /// Who does by the entries, where one of them can be read.
        shown: Option<Box<Did>>,
    },
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The blobs fail.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The rows are of more entries than the log has.
    #[error(
        "the rows are folded from {folded} entries, the log has {log_size}; `chaoschain log repair --from \
         SOURCE` fetches the rest from another's copy"
    )]
    FoldAhead {
        /// How many entries they are of.
        folded: u64,
        /// How many the log has.
        log_size: u64,
    },
    /// The rows are of fewer entries than the log has, and it is open for reading only.
    #[error(
        "the rows are folded from {folded} of {log_size} entries; a command that writes goes on"
    )]
    FoldBehind {
        /// How many entries they are of.
        folded: u64,
        /// How many the log has.
        log_size: u64,
    },
    /// The rows are of another log than the stored tree.
    #[error(
        "the rows are folded from a log of root {expected} at size {size}, the stored tree has {found}; \
         `chaoschain log repair --from SOURCE` mends it from another's copy"
    )]
    FoldRoot {
        /// How many entries they are of.
        size: u64,
        /// The root that the log had then.
        expected: Hash,
        /// The root of the stored tree.
        found: Hash,
    },
    /// What is kept of the place where the rows end is not what the leaves before it say.
    #[error(
        "the rows are said to end with {found} at size {size}, the leaves before it say {expected}; \
         `chaoschain log rebuild` folds them anew"
    )]
    Mark {
        /// How many entries the rows are of.
        size: u64,
        /// The root of the state, or the time in milliseconds, that is kept.
        found: String,
        /// What the leaves say.
        expected: String,
    },
    /// A stored row is not what the rules write, or not what the log commits to.
    #[error("the row {key} is damaged; `chaoschain log rebuild` folds it anew")]
    Row {
        /// Its key.
        key: String,
    },
    /// A view put a row that is not its own; nothing was written.
    #[error("the view of `{extension}` put the row {key}, which is not its own")]
    ForeignRow {
        /// The view's extension.
        extension: &'static str,
        /// The row's key.
        key: String,
    },
    /// The log was written under other rules than this program has.
    #[error(
        "entry {index} states another root of the state than this program folds to: another version wrote \
         it, or it is false"
    )]
    OtherRules {
        /// The last entry.
        index: u64,
    },
    /// The map of the committed rows lacks a node, or holds another one.
    #[error("the map of the rows is damaged; `chaoschain log rebuild` folds it anew")]
    Map(#[source] Box<ReadError<StoreError>>),
    /// The last leaf states another root of the state than the rows have.
    #[error(
        "the last leaf states root {stated} of the state, the rows give {found}; `chaoschain log \
         rebuild --check` compares them"
    )]
    StateOther {
        /// What the leaf states.
        stated: map::Hash,
        /// What the rows give.
        found: map::Hash,
    },
    /// The log would not admit the entry, or the registry the agent.
    #[error(transparent)]
    Inadmissible(Rejection),
    /// The entry has no canonical form.
    #[error(transparent)]
    Encode(canonical::Error),
    /// The entry is too large for the store.
    #[error(transparent)]
    Append(AppendError),
    /// The scores cannot be computed.
    #[error(transparent)]
    Scores(chaos_reputation::Error),
    /// The log cannot be named after its operator.
    #[error(transparent)]
    LogName(chaos_log::KeyError),
    /// The head cannot be signed.
    #[error(transparent)]
    Checkpoint(CheckpointError),
    /// The memory of signed heads cannot be used.
    #[error("cannot use the memory of signed heads at {path}", path = path.display())]
    Heads {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] chaos_files::Error),
    /// What is remembered of a head was not signed by the log's key.
    #[error("{path} does not hold a head that this log signed", path = path.display())]
    HeadDamaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: CheckpointError,
    },
    /// What is remembered of a log's keys are no keys.
    #[error("{path} does not hold keys of this log", path = path.display())]
    HeadKeys {
        /// The file.
        path: PathBuf,
        /// What is wrong with one.
        source: chaos_log::KeyError,
    },
    /// The log signed heads, and nobody here remembers which was the last.
    #[error(
        "this log signed a head of {size} entries, and {}: a later one may have been signed elsewhere",
        forgets(path.as_deref())
    )]
    HeadForgotten {
        /// The size of the newest head in the data directory.
        size: u64,
        /// The file that would remember; none where there is no memory.
        path: Option<PathBuf>,
    },
    /// The key of a log is there and its log is not: another one under that key would fork it.
    #[error("{dir} holds the key of a log and none of its entries", dir = dir.display())]
    LogLost {
        /// The directory.
        dir: PathBuf,
    },
    /// A longer log was signed than the data directory holds.
    #[error(
        "this log signed a head of {signed} entries, this data directory holds {found}: it is an old copy"
    )]
    HeadBehind {
        /// The size that was signed last.
        signed: u64,
        /// The size of the log here.
        found: u64,
    },
    /// Another history was signed than the data directory holds.
    #[error(
        "this log signed root {signed} at size {size}, this data directory has root {found} there: \
         signing it would fork the log"
    )]
    HeadOther {
        /// The size of the signed head.
        size: u64,
        /// The root that was signed.
        signed: Box<Hash>,
        /// The root here.
        found: Box<Hash>,
    },
    /// What is remembered is a retired key's, so that nothing is remembered of what the log signed.
    #[error("{head}, and nothing here remembers what the log's key has signed since")]
    HeadRetired {
        /// The remembered head.
        head: Box<RetiredHead>,
    },
    /// An entry is not the one that the tree has at its place.
    #[error("entry {index} has the leaf hash {found}, the tree has {expected}")]
    EntryOther {
        /// The entry.
        index: u64,
        /// The hash of the stored leaf.
        found: String,
        /// What the tree has.
        expected: String,
    },
    /// An entry that counts cannot be read again.
    #[error("entry {index} counts and cannot be read")]
    EntryUnread {
        /// The entry.
        index: u64,
        /// Why.
        source: Rejection,
    },
    /// A tile is not the one that the root of the log is over.
    #[error("the tiles of the log are damaged")]
    Tree(#[source] Box<HeldError<StoreError>>),
    /// An entry is not what its leaf says.
    #[error("the leaf of entry {index} names {named}, its record is {found}")]
    LeafOther {
        /// The entry.
        index: u64,
        /// The receipt that the leaf names.
        named: Digest,
        /// The digest of the record.
        found: Digest,
    },
    /// Two entries are in the wrong order of time.
    #[error("the log's time goes back from {last_ms} to {found_ms} ms at entry {index}")]
    TimeGoesBack {
        /// The later entry.
        index: u64,
        /// The time of the entry before it.
        last_ms: u64,
        /// Its own time.
        found_ms: u64,
    },
    /// The clock is far ahead of the log.
    #[error("the clock says {}, {days} days after the log's last entry of {}", moment(*.now_ms), moment(*.last_ms))]
    ClockAhead {
        /// The clock.
        now_ms: u64,
        /// The time of the last entry.
        last_ms: u64,
        /// Whole days between the two.
        days: u64,
    },
    /// The clock is behind the log's last entry: it is wrong, or it was when that entry was dated.
    #[error("the clock is at {}, behind the log's last entry of {}", moment(*.now_ms), moment(*.last_ms))]
    ClockBehind {
        /// The clock.
        now_ms: u64,
        /// The time of the last entry.
        last_ms: u64,
    },
    /// What was made does not verify.
    #[error("the bundle that was made does not verify, so it is not given out")]
    Unverified(#[source] Rejection),
    /// The log published its heads under a policy that the data directory does not hold.
    #[error("this log published heads under {}, which this data directory does not hold", policy_of(expected.as_ref()))]
    PolicyLost {
        /// The policy's digest, where it is remembered.
        expected: Option<Digest>,
    },
    /// The log's policy cannot be read.
    #[error("the log's policy of witnesses cannot be read")]
    Policy(#[source] PolicyError),
    /// The policy is for other logs.
    #[error("the policy names logs, and not this one: {log}")]
    PolicyOther {
        /// This log's key.
        log: Box<VerifierKey>,
    },
    /// The log's policy is not the one that was kept.
    #[error("the log's policy of witnesses is damaged")]
    PolicyDamaged,
    /// A kept head is not the log's.
    #[error("the kept head of size {size} is not signed by the log")]
    HeadUnsigned {
        /// Its size.
        size: u64,
        /// What is wrong with it.
        #[source]
        source: SignerError,
    },
    /// A line below a kept head names a witness of the log's policy, and is not its cosignature.
    #[error(
        "a line of a witness below the kept head of size {size} is not its cosignature as it was signed: \
         readers who have the log's policy would refuse that head"
    )]
    CosignerFalse {
        /// The head's size.
        size: u64,
    },
    /// A head would be published that too few witnesses have cosigned.
    #[error("the head is not published")]
    NotWitnessed(#[source] UnsatisfiedError),
    /// A given head is not known to be this log's.
    #[error(
        "the head of size {size} is not signed by a key that this data directory of {stored} entries knows to be in force there"
    )]
    HeadForeign {
        /// Its place among those that were given; the directory's own comes after them.
        place: usize,
        /// Its size.
        size: u64,
        /// How many entries the directory has: who signs later it cannot know.
        stored: u64,
        /// Whether it has a line with the log's name by a key that the directory does not know.
        by_unknown: bool,
        /// What is wrong with it.
        #[source]
        source: Box<SignerError>,
    },
    /// No head is given, and the directory has signed none.
    #[error("no head is given, and this data directory has signed none")]
    NoHead,
    /// The operator's key file holds another key.
    #[error("the operator's key file holds {found}, this log is run by {expected}")]
    ForeignOperator {
        /// Who runs the log.
        expected: Box<Did>,
        /// Whose key it is.
        found: Box<Did>,
    },
    /// The directory holds another log than the one whose root key was named.
    #[error("the directory holds the log of root key {expected}, not that of {found}")]
    OtherRoot {
        /// Its log's root key.
        expected: Box<Did>,
        /// The key that was named.
        found: Box<Did>,
    },
    /// The key that a role was handed to is not at hand.
    #[error("no key file here holds {key}, which has the role {role}")]
    NoRoleKey {
        /// The role.
        role: &'static str,
        /// The key.
        key: Box<Did>,
    },
    /// A role would be handed on, and the key is not at hand that signs the head after it.
    #[error("nothing was handed on: the next head, which would show it, is signed by {key}")]
    HeadUnsignable {
        /// The key of checkpoints.
        key: Box<Did>,
        /// Whether it is the root key.
        is_root: bool,
        /// Why it is not at hand.
        source: Box<Self>,
    },
    /// A key is called lost, and the password opens the root key's file elsewhere and none here.
    #[error(
        "nothing was handed on: the password opens the root key's file and no key file of the operator in {folder}",
        folder = folder.display()
    )]
    NoneOpens {
        /// The folder of key files.
        folder: PathBuf,
    },
    /// The operator may not do this now.
    #[error("the operator may not {kind}: {why}")]
    OperatorRefused {
        /// The kind of action.
        kind: String,
        /// Why not.
        why: Refused,
    },
    /// The operator is the log's.
    #[error("the operator's root key is the log, which cannot be {what}")]
    OperatorKey {
        /// What was asked: *rotated* or *revoked*.
        what: &'static str,
    },
    /// There is no password for the key files.
    #[error("there is no password for the key files")]
    NoPassword,
    /// The system has no randomness.
    #[error("no system randomness")]
    Randomness(#[source] io::Error),
    /// The name could lead out of the folder of keys.
    #[error("`{name}` cannot name a key file")]
    KeyName {
        /// The name, escaped.
        name: String,
    },
    /// The key file does not open.
    #[error("cannot read the key of `{name}` at {path}", path = path.display())]
    ReadKey {
        /// Whose key it is.
        name: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The key file is damaged, or the password is another one.
    #[error("cannot open the key file {path}", path = path.display())]
    OpenKey {
        /// The file.
        path: PathBuf,
        /// Why.
        source: KeyError,
    },
    /// A key cannot be encrypted.
    #[error(transparent)]
    SealKey(KeyError),
    /// A key file cannot be written.
    #[error("cannot write the key file {path}", path = path.display())]
    WriteKey {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder of keys fails.
    #[error(transparent)]
    KeyFolder(io::Error),
    /// A key file that would be taken up is in use.
    #[error("the key file `{file}.pem` holds a key of agent `{owner}`; move it elsewhere")]
    KeyInUse {
        /// The file, without its ending.
        file: String,
        /// The agent's name.
        owner: String,
    },
    /// The name is taken.
    #[error("duplicate agent: the name `{name}` belongs to {did} ({status}) for ever")]
    DuplicateAgent {
        /// The name.
        name: String,
        /// Whose it is.
        did: Box<Did>,
        /// Whether it is active or revoked.
        status: &'static str,
    },
    /// Nobody has this name.
    #[error("no agent `{text}` in {dir}", dir = dir.display())]
    NoAgent {
        /// The name or DID that was looked for.
        text: String,
        /// The data directory.
        dir: PathBuf,
    },
    /// The agent may not act any more.
    #[error("agent `{name}` is revoked: {reason}")]
    Revoked {
        /// Its name.
        name: String,
        /// Why it was revoked.
        reason: String,
    },
    /// The agent's key cannot be changed any more.
    #[error("agent `{name}` is already revoked ({reason})")]
    AlreadyRevoked {
        /// Its name.
        name: String,
        /// Why it was revoked.
        reason: String,
    },
    /// An update that changes nothing.
    #[error("agent `{name}` already has this role, studio and these capabilities")]
    ProfileUnchanged {
        /// Its name.
        name: String,
    },
    /// The log holds no such receipt.
    #[error("no receipt {receipt} in this log")]
    NoReceipt {
        /// The receipt.
        receipt: Digest,
    },
    /// A stored record is no envelope.
    #[error(transparent)]
    Record(canonical::Error),
    /// A stored leaf is no leaf.
    #[error(transparent)]
    Leaf(LeafError),
    /// No inclusion proof follows from the stored tiles.
    #[error(transparent)]
    Prove(ProveError<StoreError>),
    /// The inclusion proof and the checkpoint do not fit.
    #[error(transparent)]
    Proof(TlogProofError),
    /// The bundle has no canonical form.
    #[error(transparent)]
    Bundle(canonical::Error),
}

fn by_entries(shown: Option<&Did>) -> String {
    shown.map_or_else(
        || "which is no key".to_owned(),
        |shown| format!("and its entries that {shown} does"),
    )
}

fn forgets(path: Option<&Path>) -> String {
    match path {
        Some(path) => format!("{} remembers none", path.display()),
        None => "there is no folder here that remembers it".to_owned(),
    }
}

fn policy_of(expected: Option<&Digest>) -> String {
    match expected {
        Some(digest) => format!("the policy of witnesses {digest}"),
        None => "a policy of witnesses that cosigned the newest one".to_owned(),
    }
}

/// Why the log would not admit an action by its own operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is unknown.
    #[error("it is not registered in its own log")]
    Unregistered,
    /// It has another key now.
    #[error("its key is not the current one")]
    OldKey,
    /// It is revoked.
    #[error("it is revoked ({reason})")]
    Revoked {
        /// Why.
        reason: String,
    },
    /// One more delegation could be shown to nobody.
    #[error(
        "the log's root key has handed its roles on {count} times, and readers are shown no more: one more would \
         end the log for everybody"
    )]
    Delegations {
        /// How often it has.
        count: usize,
    },
    /// It was registered for other kinds of action.
    #[error("it is registered for {capabilities:?}")]
    Capability {
        /// The kinds it may perform.
        capabilities: Vec<String>,
    },
}
