//! Holding everything that a chain says was anchored of a log against a copy of it.
//!
//! A log that shows one history to its readers and anchors another is found by this: each anchored size
//! and root has to be the start of the reader's copy. It is the one check in which the whole of what a publisher wrote is
//! looked at, and not what somebody chose to hand out.

mod named;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

use chaos_agency::{Declaration, action};
use chaos_chains::{
    Address, AnchorEvent, AnchorEvents, AnchorQuestion, B256, REGISTRY,
    place::{Given, Nodes, Tell},
    sending::Finality,
};
use chaos_log::{Hash, VerifierKey};
use chaos_types::{ChainId, Rejection};

pub use self::named::{Named, named};
use crate::{LogCopy, log_copy::Anchoring};

/// How many blocks nodes may be apart, which do not answer at one moment.
const LAG_MAX: u64 = 64;

/// Whose anchors are looked at, and where.
#[expect(missing_debug_implementations, reason = "it holds a closure")]
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The reader's copy of the log.
    pub copy: &'a LogCopy,
    /// The reader's nodes.
    pub nodes: &'a Nodes,
    /// The chain that they have to serve; none for that of the first which answers.
    pub chain: Option<&'a ChainId>,
    /// A `CheckpointAnchor` contract; none for the registry.
    pub contract: Option<Address>,
    /// Whose anchors are the log's; none for whom the log declares, or the one that a `CheckpointAnchor` has.
    pub publisher: Option<Address>,
    /// The first block to look at, on the reader's word; none for the one in which the contract begins.
    pub first_block: Option<u64>,
    /// Where it is told how far the nodes are.
    pub tell: &'a Tell,
}

/// Why nothing was audited.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The copy cannot be read.
    #[error("the copy of the log: {0}")]
    Copy(Rejection),
    /// The copy's leaves are not those of the head that it keeps. What is anchored is not held against such.
    #[error(
        "the copy is damaged: its first {size} entries have root {found}, the head that it keeps {expected}"
    )]
    Damaged {
        /// Entries under the head.
        size: u64,
        /// The head's root.
        expected: Hash,
        /// The root of the copy's leaves.
        found: Hash,
    },
    /// The contract takes another publisher's anchors alone.
    #[error("{contract:#x} takes anchors of {found:#x} alone, expected {expected:#x}")]
    OtherPublisher {
        /// The contract.
        contract: Address,
        /// The publisher that was named.
        expected: Address,
        /// The contract's.
        found: Address,
    },
    /// Too few nodes answered.
    #[error("{answered} of {of} nodes answered, {agree} have to: {}", told.join("; "))]
    TooFew {
        /// How many did.
        answered: usize,
        /// Of how many.
        of: usize,
        /// How many have to.
        agree: usize,
        /// What those said that did not.
        told: Vec<String>,
    },
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Audit {
    /// The log's root key.
    pub log: VerifierKey,
    /// Entries of the copy.
    pub log_size: u64,
    /// The chain.
    pub chain: ChainId,
    /// The contract.
    pub contract: Address,
    /// Whose anchors are the log's.
    pub whose: Whose,
    /// What the log declares, whoever else was named.
    pub declared: Vec<Declaration>,
    /// Which of these declare the place that was looked at: the chain and the contract.
    pub looked_at: Vec<bool>,
    /// The first block that was looked at.
    pub first_block: u64,
    /// The last one: as far as enough nodes have come.
    pub last_block: u64,
    /// How far each node is that answered.
    pub heads: Vec<Head>,
    /// What was anchored, by publisher, in the order of the chain.
    pub rows: Vec<Row>,
    /// Whether nobody but the reader says that what was looked at is the log's: no entry of the log names the contract,
    /// or entries declare other publishers in the registry. Anybody can make a contract that shows the log's name and
    /// publisher, so what is there accuses nobody.
    pub is_on_readers_word: bool,
    /// What the log says was anchored there, and no node has.
    pub missing: Vec<Logged>,
    /// What the log says was anchored there, before or past the blocks that were looked at.
    pub unreached: Vec<Logged>,
    /// Others anchored more under the log's name than is listed.
    pub is_cut: bool,
    /// The size of the newest anchor of the log's, as a node says, where it was made before the first block, which is the
    /// reader's word. It was not judged.
    pub earlier_newest: Option<u64>,
    /// Nodes that answered.
    pub answered: usize,
    /// How many have to say the same.
    pub agree: usize,
    /// What the other nodes said.
    pub failed: Vec<(String, String)>,
    /// Of each node that answered, the block under whose header it showed the newest anchor of each of the log's
    /// publishers; none where that is its word alone.
    pub shown: Vec<(String, Option<(u64, B256)>)>,
}

/// The newest block of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The node.
    pub node: String,
    /// The block's height.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
}

/// Who says whose anchors are the log's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The reader.
    Named(Address),
    /// The contract, which takes no others.
    Contract(Address),
    /// The log's own entries.
    Declared,
    /// Nobody.
    Unknown,
}

/// One anchor, held against the copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What was anchored.
    pub event: AnchorEvent,
    /// Whether it is by the log's own publisher.
    pub is_own: bool,
    /// How sure it is that its block stays, by the node that says the least.
    pub finality: Finality,
    /// Nodes that have it.
    pub said_by: Vec<String>,
    /// What the copy says.
    pub judgement: Judgement,
}

/// An entry of the copy that says where a head was anchored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Its place in the log.
    pub index: u64,
    /// The size that it says was anchored.
    pub size: u64,
    /// The block in which it says that was.
    pub block_number: u64,
}

/// An anchor beside the copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// The copy has this root at this size.
    InTheLog,
    /// The copy has another root at this size.
    Other {
        /// The copy's.
        root: Hash,
    },
    /// The copy is not so long.
    Ahead,
}

impl Audit {
    /// Anchors of the log's own publisher.
    pub fn own(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.is_own)
    }

    /// What the log's own publisher anchored, as enough nodes say, and the copy does not have: the log showed
    /// somebody another history.
    pub fn split(&self) -> impl Iterator<Item = &Row> {
        self.others_agreed().filter(|_| !self.is_on_readers_word)
    }

    /// What the copy does not have, as enough nodes say, where [nobody but the reader](Self::is_on_readers_word) says
    /// that it is the log's.
    pub fn unvouched(&self) -> impl Iterator<Item = &Row> {
        self.others_agreed().filter(|_| self.is_on_readers_word)
    }

    fn others_agreed(&self) -> impl Iterator<Item = &Row> {
        self.own()
            .filter(|row| self.is_agreed(row) && matches!(row.judgement, Judgement::Other { .. }))
    }

    /// Whether enough nodes have an anchor.
    #[must_use]
    pub fn is_agreed(&self, row: &Row) -> bool {
        row.said_by.len() >= self.agree
    }

    /// Anchors of the log's own publisher that some nodes have, and too few, in blocks that enough have reached.
    pub fn disputed(&self) -> impl Iterator<Item = &Row> {
        self.own().filter(|row| !self.is_agreed(row) && row.event.block_number <= self.last_block)
    }

    /// What the log's own publisher anchored, and the copy does not have, in blocks that too few nodes have reached.
    pub fn beyond(&self) -> impl Iterator<Item = &Row> {
        let is_other = |row: &Row| matches!(row.judgement, Judgement::Other { .. });
        self.own().filter(move |row| is_other(row) && row.event.block_number > self.last_block)
    }

    /// The node that is furthest, if that is by more blocks past the last one than answers are apart.
    #[must_use]
    pub fn far_ahead(&self) -> Option<&Head> {
        let furthest = self.heads.iter().max_by_key(|head| head.number)?;
        (furthest.number.saturating_sub(self.last_block) > LAG_MAX).then_some(furthest)
    }

    /// Anchors of the log's own publisher that the copy does not reach.
    pub fn ahead(&self) -> impl Iterator<Item = &Row> {
        self.own().filter(|row| row.judgement == Judgement::Ahead)
    }
}

/// Asks the nodes for all anchors of the copy's log and holds each against the copy.
///
/// # Errors
/// If the copy is damaged, or too few nodes answer.
pub fn audit(question: &Question<'_>) -> Result<Audit, Error> {
    let log = question.copy.log().map_err(Error::Copy)?;
    let Anchoring { declared, anchors } = question.copy.anchoring().map_err(Error::Copy)?;
    let asked = asked(question, &log, &declared);
    let (answers, failed) = answers(question.nodes.anchor_events(&asked, question.tell));
    let (answered, agree) = (answers.len(), question.nodes.agree());
    let first = answers.first().map(|(_, events)| events).filter(|_| answered >= agree);
    let Some(AnchorEvents { chain, contract, publisher, .. }) = first.cloned() else {
        let of = answered + failed.len();
        let told = failed.into_iter().map(|(node, says)| format!("{node} {says}")).collect();
        return Err(Error::TooFew { answered, of, agree, told });
    };
    if let (Some(expected), Some(found)) = (question.publisher, publisher)
        && expected != found
    {
        return Err(Error::OtherPublisher { contract, expected, found });
    }
    let whose = whose(question.publisher, publisher, &declared);
    let place = Place { chain: &chain, contract };
    let blocks = range(&answers, agree);
    let said = joined(&answers);
    let roots = roots(question.copy, said.keys().map(|event| event.size))?;
    let rows = said.into_iter().map(|(event, (finality, said_by))| Row {
        is_own: is_own(whose, &declared, &event),
        finality,
        said_by,
        judgement: judge(&event, &roots),
        event,
    });
    // Past the last block a node may be the only one that does not lie: what contradicts the copy stays.
    let is_kept = |row: &Row| {
        let is_open = row.is_own && row.judgement != Judgement::InTheLog;
        is_open || row.event.block_number <= *blocks.end()
    };
    let mut rows: Vec<Row> = rows.filter(is_kept).collect();
    rows.sort_by_key(|row| {
        (!row.is_own, row.event.publisher, row.event.block_number, row.event.size)
    });
    let unshown = unshown(&anchors, place, &rows);
    let (missing, unreached) =
        unshown.into_iter().partition(|it| blocks.contains(&it.block_number));
    let is_named = anchors.iter().any(|(_, it)| place.is(&it.chain, &it.contract))
        || declared.iter().any(|it| place.is(&it.body.chain, &it.body.contract));
    let shown = answers.iter().map(|(node, events)| {
        (node.clone(), events.shown_under.map(|hash| (events.last_block, hash)))
    });
    let shown = shown.collect();
    let is_here = |it: &Declaration| place.is(&it.body.chain, &it.body.contract);
    let looked_at = declared.iter().map(is_here).collect();
    Ok(Audit {
        log,
        log_size: question.copy.size().map_err(Error::Copy)?,
        missing,
        unreached,
        is_on_readers_word: is_on_readers_word(whose, &declared, contract, is_named),
        chain,
        contract,
        whose,
        looked_at,
        declared,
        first_block: *blocks.start(),
        last_block: *blocks.end(),
        heads: answers.iter().map(head).collect(),
        rows,
        is_cut: answers.iter().any(|(_, events)| events.is_cut),
        earlier_newest: answers.iter().filter_map(|(_, events)| events.earlier_newest).max(),
        answered,
        agree,
        failed,
        shown,
    })
}

/// Who says whose anchors are the log's: the reader, the contract, or the log's entries.
const fn whose(
    named: Option<Address>,
    contracts: Option<Address>,
    declared: &[Declaration],
) -> Whose {
    match (named, contracts) {
        (Some(publisher), _) => Whose::Named(publisher),
        (None, Some(publisher)) => Whose::Contract(publisher),
        (None, None) if declared.is_empty() => Whose::Unknown,
        (None, None) => Whose::Declared,
    }
}

/// The blocks that were looked at: up to the one that enough nodes have reached.
fn range(answers: &[Answer], agree: usize) -> RangeInclusive<u64> {
    let first = answers.iter().map(|(_, events)| events.first_block).min();
    let mut last: Vec<u64> = answers.iter().map(|(_, events)| events.last_block).collect();
    last.sort_unstable_by_key(|last| std::cmp::Reverse(*last));
    let last = agree.checked_sub(1).and_then(|at| last.get(at).copied());
    first.unwrap_or(0)..=last.unwrap_or(0)
}

fn judge(event: &AnchorEvent, roots: &BTreeMap<u64, Hash>) -> Judgement {
    match roots.get(&event.size) {
        None => Judgement::Ahead,
        Some(root) if *root.as_bytes() == event.root => Judgement::InTheLog,
        Some(root) => Judgement::Other { root: *root },
    }
}

/// A contract.
#[derive(Clone, Copy)]
struct Place<'a> {
    chain: &'a ChainId,
    contract: Address,
}

impl Place<'_> {
    fn is(self, chain: &ChainId, contract: &str) -> bool {
        *self.chain == *chain && contract.parse() == Ok(self.contract)
    }
}

/// What the nodes are asked: about whom the reader names, or else about everybody whom the log has declared, on the
/// chain of the last declaration.
fn asked(question: &Question<'_>, log: &VerifierKey, declared: &[Declaration]) -> AnchorQuestion {
    let contract = question.contract.filter(|contract| *contract != REGISTRY);
    let is_named = question.publisher.is_some() || contract.is_some();
    let declared = if is_named { &[] } else { declared };
    let by_log = declared.iter().filter_map(|it| it.body.publisher.parse().ok());
    let publishers: BTreeSet<Address> = question.publisher.into_iter().chain(by_log).collect();
    let chain = question.chain.or(declared.last().map(|last| &last.body.chain));
    AnchorQuestion {
        chain: chain.cloned(),
        origin: log.name().to_string(),
        contract,
        publishers: publishers.into_iter().collect(),
        first_block: question.first_block,
    }
}

/// Whether an anchor is the log's own: by anybody whom the log ever declared, wherever and at whatever size. What is in
/// force at a size is said by the very history that is under suspicion.
fn is_own(whose: Whose, declared: &[Declaration], event: &AnchorEvent) -> bool {
    match whose {
        Whose::Named(publisher) | Whose::Contract(publisher) => publisher == event.publisher,
        Whose::Declared => {
            declared.iter().any(|it| it.body.publisher.parse() == Ok(event.publisher))
        }
        Whose::Unknown => false,
    }
}

/// See [`Audit::is_on_readers_word`]. In the registry an account is its own; where the log declares none, the reader's
/// word is all that there is.
fn is_on_readers_word(
    whose: Whose,
    declared: &[Declaration],
    contract: Address,
    is_named: bool,
) -> bool {
    if contract != REGISTRY {
        return !is_named;
    }
    let is_declared =
        |publisher| declared.iter().any(|it| it.body.publisher.parse() == Ok(publisher));
    matches!(whose, Whose::Named(publisher) if !declared.is_empty() && !is_declared(publisher))
}

/// What the log says was anchored in a contract, and none of the rows shows.
fn unshown(anchors: &[(u64, action::Anchor)], place: Place<'_>, rows: &[Row]) -> Vec<Logged> {
    let is_here = |anchor: &action::Anchor| place.is(&anchor.chain, &anchor.contract);
    let is_shown = |anchor: &action::Anchor| {
        rows.iter().any(|row| {
            row.event.size == anchor.log_size
                && format!("{:x}", B256::from(row.event.root)) == anchor.root
        })
    };
    let unshown = anchors.iter().filter(|(_, anchor)| is_here(anchor) && !is_shown(anchor));
    let unshown = unshown.map(|(index, anchor)| Logged {
        index: *index,
        size: anchor.log_size,
        block_number: anchor.block_number,
    });
    unshown.collect()
}

/// What a node gives.
type Answer = (String, AnchorEvents);

/// The answers about the chain of the first that answers, and what the other nodes say.
fn answers(given: Vec<Given>) -> (Vec<Answer>, Vec<(String, String)>) {
    let (mut answers, mut failed) = (Vec::<Answer>::new(), Vec::new());
    for Given { node, events } in given {
        match events {
            Ok(events) => match answers.first() {
                Some((_, first)) if !is_same_chain(first, &events) => {
                    let genesis = events.genesis.unwrap_or_default();
                    failed.push((
                        node,
                        format!("is of another chain, {} {genesis:#x}", events.chain),
                    ));
                }
                _ => answers.push((node, events)),
            },
            Err(error) => {
                let says = gives_nothing(&node, &crate::error::chain(&error));
                failed.push((node, says));
            }
        }
    }
    (answers, failed)
}

/// Why a node gives nothing. Most errors begin with its URL, which is said already.
fn gives_nothing(node: &str, error: &str) -> String {
    let url = node.split(' ').next().unwrap_or(node);
    format!("gives nothing: {}", error.strip_prefix(url).unwrap_or(error).trim_start())
}

fn head((node, events): &Answer) -> Head {
    Head { node: node.clone(), number: events.last_block, hash: events.last_hash }
}

/// By number and first block, where both show that.
fn is_same_chain(one: &AnchorEvents, other: &AnchorEvents) -> bool {
    let known: Vec<B256> = [one.genesis, other.genesis].into_iter().flatten().collect();
    one.chain == other.chain && known.windows(2).all(|two| two[0] == two[1])
}

/// Each anchor once, with the least finality that a node sees and the nodes that have it.
fn joined(answers: &[Answer]) -> BTreeMap<AnchorEvent, (Finality, Vec<String>)> {
    let mut said = BTreeMap::<AnchorEvent, (Finality, Vec<String>)>::new();
    for (node, events) in answers {
        for (event, finality) in &events.events {
            let (least, nodes) = said.entry(event.clone()).or_insert((*finality, Vec::new()));
            if finality.rank() < least.rank() {
                *least = *finality;
            }
            nodes.push(node.clone());
        }
    }
    said
}

/// The copy's roots at these sizes, once they are known to be of the head that it keeps.
fn roots(copy: &LogCopy, sizes: impl Iterator<Item = u64>) -> Result<BTreeMap<u64, Hash>, Error> {
    let kept = copy.checkpoint().map_err(Error::Copy)?;
    let mut sizes: BTreeSet<u64> = sizes.collect();
    sizes.extend(kept.iter().map(|kept| kept.claimed().size()));
    let roots = copy.roots(&sizes).map_err(Error::Copy)?;
    if let Some(kept) = &kept {
        let (size, expected) = (kept.claimed().size(), *kept.claimed().root());
        match roots.get(&size) {
            Some(found) if *found != expected => {
                return Err(Error::Damaged { size, expected, found: *found });
            }
            _ => {}
        }
    }
    Ok(roots)
}
