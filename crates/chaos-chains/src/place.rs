//! What nodes that the reader named say of anchors, each by its name: whether they have an anchor's block,
//! and what was anchored at all. Blocking.
//!
//! A header is easily invented, so a proof that leads to one is worth as much as somebody's word that the
//! block is on the chain. Here it is the word of so many of the reader's own nodes, each of which is told
//! by name, whatever it says. Nothing that a bundle says about endpoints is used.

mod asking;

use std::{
    collections::HashMap,
    fmt,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use alloy_primitives::{Address, B256};
use chaos_types::ChainId;
use tokio::task::JoinSet;

use crate::{
    AnchorEvents, AnchorQuestion, ChainFile, Error, EvmChain, RpcLimits,
    blocking::Blocking,
    error::reason,
    json_rpc::JsonRpc,
    sending::{DEPTH_FOR_FINAL, DEPTH_FOR_SAFE, Finality},
};

/// Most nodes that one reader asks.
const NODES_MAX: usize = 32;

/// For a reader who waits: a node that says nothing is given up after half a minute.
const LIMITS: RpcLimits = RpcLimits {
    requests_per_second: None,
    request_timeout: Duration::from_secs(10),
    attempts: 3,
    rate_limited_attempts: 5,
    pause_max: Duration::from_secs(10),
    answer_bytes_max: 8 << 20,
    batch_max: NonZeroUsize::MIN,
};

/// The nodes that a reader asks, and how many of them have to say the same.
pub struct Nodes {
    blocking: Blocking,
    nodes: Vec<Node>,
    /// What a chain file says that they all serve.
    described: Option<ChainFile>,
    agree: usize,
    needed: Finality,
    known: Mutex<Known>,
}

#[derive(Debug, Clone)]
struct Node {
    name: String,
    rpc: JsonRpc,
}

/// What was found before: of several bundles most have one anchor, and a node that was silent once is not
/// waited for again.
#[derive(Default)]
struct Known {
    lookups: HashMap<Sought, Lookup>,
    silent: HashMap<String, String>,
}

/// What is looked for: the block that a proof leads to, and the contract that it shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sought {
    /// The chain.
    pub chain: ChainId,
    /// The block's height.
    pub block_number: u64,
    /// The block's hash.
    pub block_hash: B256,
    /// The contract that holds what is shown.
    pub contract: Address,
    /// The origin line of the log whose anchor it is. With none the contract's code is not asked for: what is shown has
    /// its hash.
    pub origin: Option<String>,
}

/// What one node says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Scheme, host and port of its URL.
    pub node: String,
    /// What it says.
    pub says: Saying,
}

/// How far a node's answer is.
#[derive(Debug, Clone, Copy)]
pub struct HowFar<'a> {
    /// The node, as in [`Said`].
    pub node: &'a str,
    /// Blocks that it has given.
    pub done: u64,
    /// Blocks that were asked for.
    pub of: u64,
}

/// Where it is told how far nodes are, from whatever thread.
pub type Tell = Arc<dyn Fn(HowFar<'_>) + Send + Sync>;

/// What one node gives of a log's anchors.
#[derive(Debug)]
pub struct Given {
    /// The node, as in [`Said`].
    pub node: String,
    /// What it gives.
    pub events: Result<AnchorEvents, Error>,
}

/// What a node says about a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saying {
    /// It has the block, as sure as was asked for, and the contract is the one that it should be.
    Holds {
        /// How sure.
        finality: Finality,
        /// Whether the node names safe and final blocks; otherwise depth stands for that.
        is_named: bool,
        /// The chain's first block; none where the node does not show it.
        first_block: Option<B256>,
    },
    /// It has the block, and that may still be replaced.
    Unsettled {
        /// How sure.
        finality: Finality,
    },
    /// It has another block at that height.
    OtherBlock {
        /// That block.
        found: B256,
        /// Whether it stays.
        is_final: bool,
    },
    /// Its chain is not so long.
    NotReached {
        /// The newest block.
        head: u64,
    },
    /// The contract is not the one that anchors are in.
    OtherContract {
        /// What is at the address.
        found: &'static str,
    },
    /// It serves another chain.
    OtherChain {
        /// Which.
        found: ChainId,
    },
    /// Its chain begins with another block than the chain file says, or it does not show the first.
    OtherFirst {
        /// The chain's first block; none where the node does not show it.
        found: Option<B256>,
    },
    /// Its chain is as long, and it does not show the block.
    Unshown,
    /// It says nothing that can be used.
    Silent {
        /// Why.
        reason: String,
    },
}

/// What all nodes say about a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// What each node says, in the order in which they were named.
    pub said: Vec<Said>,
    /// How many have to say that the block is there.
    pub agree: usize,
    /// How sure it has to be.
    pub needed: Finality,
}

impl Nodes {
    /// Names the nodes. Nothing is asked yet.
    ///
    /// # Errors
    /// [`Error::InvalidUrl`], also for a host and port that are given twice: whoever is there has one word. [`Error::Agree`] if more nodes
    /// are to agree than there are, or none.
    pub fn new(urls: &[String], agree: Option<usize>, needed: Finality) -> Result<Self, Error> {
        let mut nodes: Vec<Node> = Vec::with_capacity(urls.len());
        for url in urls {
            let rpc = JsonRpc::with_limits(url, LIMITS)?;
            if nodes.iter().any(|node| node.rpc.is_at_the_place_of(&rpc)) {
                return Err(Error::InvalidUrl {
                    reason: "its host and port are given twice, and whoever is there has one word",
                });
            }
            nodes.push(Node { name: rpc.shown_url().to_owned(), rpc });
        }
        let (agree, count) = (agree.unwrap_or(nodes.len()), nodes.len());
        if agree == 0 || agree > count || count > NODES_MAX {
            return Err(Error::Agree { agree, count, max: NODES_MAX });
        }
        let blocking = Blocking::new()?;
        Ok(Self { blocking, nodes, described: None, agree, needed, known: Mutex::default() })
    }

    /// Names the nodes of a chain file: all of its endpoints, which have to serve the chain that it describes. When a
    /// block of it is final is what the file says.
    ///
    /// # Errors
    /// As [`Nodes::new`].
    pub fn described(
        file: ChainFile,
        agree: Option<usize>,
        needed: Finality,
    ) -> Result<Self, Error> {
        Ok(Self { described: Some(file.clone()), ..Self::new(&file.endpoints, agree, needed)? })
    }

    /// How many of the nodes have to say the same.
    #[must_use]
    pub const fn agree(&self) -> usize {
        self.agree
    }

    /// Asks all nodes at once what was anchored of a log, and tells how far each is.
    #[must_use]
    pub fn anchor_events(&self, question: &AnchorQuestion, tell: &Tell) -> Vec<Given> {
        let (nodes, question, tell) = (self.nodes.clone(), question.clone(), Arc::clone(tell));
        let described = self.described.clone();
        let given = self.blocking.run(async move {
            let mut asking = JoinSet::new();
            for (at, Node { name, rpc }) in nodes.into_iter().enumerate() {
                let (question, tell) = (question.clone(), Arc::clone(&tell));
                let described = described.clone();
                asking.spawn(async move {
                    let tell = |done, of| tell(HowFar { node: &name, done, of });
                    let expected = question.chain.as_ref();
                    match EvmChain::described(rpc, expected, described.as_ref()).await {
                        Ok(chain) => (at, chain.anchor_events(&question, &tell).await),
                        Err(error) => (at, Err(error)),
                    }
                });
            }
            in_order(asking).await
        });
        let names = self.nodes.iter().map(|node| node.name.clone());
        names.zip(given).map(|(node, events)| Given { node, events }).collect()
    }

    /// Asks all nodes at once where a block is. What they said of it, they said for the whole run, and one that
    /// did not answer is not waited for again.
    #[must_use]
    pub fn look_up(&self, sought: &Sought) -> Lookup {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lookup) = known.lookups.get(sought) {
            return lookup.clone();
        }
        let (nodes, needed) = (self.nodes.clone(), self.needed);
        let (silent, asked) = (known.silent.clone(), sought.clone());
        let described = self.described.clone();
        let says = self.blocking.run(async move {
            let mut asking = JoinSet::new();
            for (at, Node { name, rpc }) in nodes.into_iter().enumerate() {
                let (sought, before) = (asked.clone(), silent.get(&name).cloned());
                let described = described.clone();
                asking.spawn(async move {
                    if let Some(reason) = before {
                        return (at, (Saying::Silent { reason }, true));
                    }
                    let says = match asking::ask(rpc, &sought, described.as_ref(), needed).await {
                        Ok(says) => (says, false),
                        Err(error) => {
                            let is_gone = error.is_transient();
                            (Saying::Silent { reason: reason(&error) }, is_gone)
                        }
                    };
                    (at, says)
                });
            }
            in_order(asking).await
        });
        let names = self.nodes.iter().map(|node| node.name.clone());
        let mut said = Vec::with_capacity(self.nodes.len());
        for (node, (says, is_gone)) in names.zip(says) {
            if let Saying::Silent { reason } = &says
                && is_gone
            {
                known.silent.insert(node.clone(), reason.clone());
            }
            said.push(Said { node, says });
        }
        let lookup = Lookup { said, agree: self.agree, needed };
        known.lookups.insert(sought.clone(), lookup.clone());
        lookup
    }
}

/// What all tasks end with, in the order of their numbers.
async fn in_order<T: 'static>(mut tasks: JoinSet<(usize, T)>) -> Vec<T> {
    let mut ended = Vec::with_capacity(tasks.len());
    while let Some(answer) = tasks.join_next().await {
        ended.push(answer.expect("a task neither panics nor is cancelled"));
    }
    ended.sort_by_key(|(at, _)| *at);
    ended.into_iter().map(|(_, answer)| answer).collect()
}

impl Lookup {
    /// How many nodes say that the block is there, as sure as was asked for: of those whose chains begin with one
    /// block, if they do not agree on that. Those that do not show theirs are for themselves, since each could be
    /// of another chain of the number.
    #[must_use]
    pub fn holding(&self) -> usize {
        let firsts: Vec<Option<B256>> =
            self.said.iter().filter_map(|said| said.says.first()).collect();
        let alike = firsts.iter().map(|first| firsts.iter().filter(|it| *it == first).count());
        alike.max().unwrap_or_default()
    }

    /// Whether as many say so as have to.
    #[must_use]
    pub fn is_placed(&self) -> bool {
        self.contradicting().is_none() && self.holding() >= self.agree
    }

    /// A node that has another block at that height, one that stays.
    #[must_use]
    pub fn contradicting(&self) -> Option<&Said> {
        let is_final =
            |said: &&Said| matches!(said.says, Saying::OtherBlock { is_final: true, .. });
        self.said.iter().find(is_final)
    }

    /// A node by which the contract is another one, if as many say so as have to agree.
    #[must_use]
    pub fn other_contract(&self) -> Option<&Said> {
        let is_other = |said: &&Said| matches!(said.says, Saying::OtherContract { .. });
        let mut others = self.said.iter().filter(is_other);
        let first = others.next();
        first.filter(|_| others.count() + 1 >= self.agree)
    }

    /// What is the least that the agreeing nodes say of how sure the block is.
    #[must_use]
    pub fn finality(&self) -> Option<Finality> {
        let of = |said: &Said| match said.says {
            Saying::Holds { finality, .. } => Some(finality),
            _ => None,
        };
        self.said.iter().filter_map(of).min_by_key(Finality::rank)
    }
}

impl Saying {
    /// Whether it says that the block is there.
    #[must_use]
    pub const fn agrees(&self) -> bool {
        matches!(self, Self::Holds { .. })
    }

    /// The first block of the chain, of a node that says that the block is there.
    const fn first(&self) -> Option<Option<B256>> {
        match self {
            Self::Holds { first_block, .. } => Some(*first_block),
            _ => None,
        }
    }
}

impl fmt::Display for Saying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Holds { finality, is_named, .. } => match (finality, is_named) {
                (Finality::Final, false) => {
                    write!(
                        f,
                        "has the block, under {DEPTH_FOR_FINAL} and more: it names no final one"
                    )
                }
                (Finality::Safe, false) => {
                    write!(
                        f,
                        "has the block, under {DEPTH_FOR_SAFE} and more: it names no safe one"
                    )
                }
                _ => write!(f, "has the block, {finality}"),
            },
            Self::Unsettled { finality } => {
                write!(f, "has the block, {finality}: it may still be replaced")
            }
            Self::OtherBlock { found, is_final } => {
                let sure = if *is_final { "final" } else { "not final" };
                write!(f, "has another block there, {sure}: {found:#x}")
            }
            Self::NotReached { head } => write!(f, "is behind: its newest block is {head}"),
            Self::OtherContract { found } => write!(f, "has {found} at the contract's address"),
            Self::OtherChain { found } => write!(f, "is of another chain, {found}"),
            Self::OtherFirst { found: Some(found) } => {
                write!(f, "begins with another block than the chain file says, {found:#x}")
            }
            Self::OtherFirst { found: None } => {
                f.write_str("does not show its first block, which the chain file names")
            }
            Self::Unshown => f.write_str("does not show the block"),
            Self::Silent { reason } => write!(f, "says nothing of use: {reason}"),
        }
    }
}

impl fmt::Debug for Nodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nodes")
            .field("nodes", &self.nodes)
            .field("agree", &self.agree)
            .field("needed", &self.needed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
