//! Everything that a chain says was anchored of a log.

use alloy_primitives::{Address, B256};
use alloy_sol_types::SolEvent;
use chaos_types::{ChainId, Digest};

use super::{
    EvmChain,
    contract_kind::AnchorContract,
    events::{EVENTS_MAX, EventFilter, FoundEvent, Tell},
    registry::REGISTRY,
};
use crate::{
    Error, RegistryKey,
    contracts::{
        checkpoint_anchor::CheckpointAnchor::{self, CheckpointAnchored},
        checkpoint_registry::CheckpointRegistry::{self, Anchored},
    },
    sending::{Finality, Reached},
};

/// Anchors by others than the log's publishers that are listed, at most.
const OTHERS_MAX: usize = 1_000;

/// A head of a log that somebody anchored.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AnchorEvent {
    /// The account that it is kept under, whoever wrote it.
    pub publisher: Address,
    /// Leaves in the log.
    pub size: u64,
    /// RFC 6962 root over them.
    pub root: [u8; 32],
    /// The block's height.
    pub block_number: u64,
    /// The block's hash.
    pub block_hash: B256,
    /// The transaction.
    pub transaction: B256,
}

/// All that a node has of one log in one contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnchorEvents {
    /// The chain.
    pub chain: ChainId,
    /// The chain's first block; none where the node does not show it.
    pub genesis: Option<B256>,
    /// The contract.
    pub contract: Address,
    /// The first block that was asked for; before it the contract was not there, or that could not be told.
    pub first_block: u64,
    /// The last one: the newest when the question began.
    pub last_block: u64,
    /// The block under whose header the node showed what the registry holds as the newest of each of the log's
    /// publishers; none where that is its word alone, as always of a `CheckpointAnchor`, and of a publisher of whom
    /// there is nothing.
    pub shown_under: Option<B256>,
    /// The only publisher that the contract takes; none where everybody has a key of its own.
    pub publisher: Option<Address>,
    /// The events, of each publisher in the order of the chain, each with how sure it is that its block stays.
    pub events: Vec<(AnchorEvent, Finality)>,
    /// Others anchored more than is listed. Anybody may, as often as he pays for it.
    pub is_cut: bool,
    /// The size of the newest that one of the log's publishers anchored, where that was before the first block, which is
    /// the asker's word. It is in no event here.
    pub earlier_newest: Option<u64>,
    /// The last block's hash, by which it can be compared elsewhere what was read.
    pub last_hash: B256,
}

/// Whose heads are asked for, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnchorQuestion {
    /// The chain that it has to be; none for whichever a node serves.
    pub chain: Option<ChainId>,
    /// The origin line of the log.
    pub origin: String,
    /// A `CheckpointAnchor` contract; none for the registry.
    pub contract: Option<Address>,
    /// Whose anchors are the log's. What others anchored under its name is listed as far as it goes.
    pub publishers: Vec<Address>,
    /// The first block to look at, on the asker's word; none for the one in which the registry begins, and for the
    /// chain's first of a `CheckpointAnchor`.
    pub first_block: Option<u64>,
}

/// What is asked, once the contract is known.
#[derive(Debug, Clone, Copy)]
struct Search {
    contract: Address,
    origin: Digest,
    first: u64,
    last: u64,
    /// Whether its first block is the asker's word, before which there may be more.
    is_bounded: bool,
}

/// What the registry was given under one publisher.
struct Registered {
    events: Vec<AnchorEvent>,
    /// Under which block's header the newest was shown.
    under: Option<B256>,
    /// Its size, where it is older than what was asked for.
    earlier_newest: Option<u64>,
}

impl Search {
    fn origin_hash(&self) -> B256 {
        B256::from(*self.origin.as_bytes())
    }

    fn filter(&self, topics: Vec<Option<B256>>) -> EventFilter {
        let Self { contract, first, last, .. } = *self;
        EventFilter { contract, topics, except: Vec::new(), first, last, most: EVENTS_MAX }
    }
}

impl EvmChain {
    /// All heads of a log that a contract was given by the log's publishers, and what others anchored
    /// under its name.
    ///
    /// The last event of each of the log's publishers has to be the newest that the contract has of it, which the
    /// node is asked to prove ([`AnchorEvents::shown_under`]). In between, a node can leave out what it likes; other
    /// nodes show that.
    ///
    /// # Errors
    /// [`Error::NoAnchors`], [`Error::EventsRefused`] or [`Error::EventsMissing`].
    pub async fn anchor_events(
        &self,
        question: &AnchorQuestion,
        tell: &Tell<'_>,
    ) -> Result<AnchorEvents, Error> {
        let contract = question.contract.unwrap_or(REGISTRY);
        let genesis = self.shown_first_block().await?;
        let horizon = self.horizon().await?;
        let last = horizon.head;
        let last_hash = self.block_hash(last).await?.ok_or_else(|| {
            let reason = format_args!("it has no block {last}, which is its newest");
            Error::malformed("eth_getBlockByNumber", reason)
        })?;
        let kind = self.anchor_contract(contract, &question.origin, last).await?;
        let kind = kind.map_err(|found| {
            let url = self.url().to_owned();
            Error::NoAnchors { url, contract, found }
        })?;
        let first = match (question.first_block, kind) {
            (Some(first), _) => first.min(last),
            (None, AnchorContract::Registry) => self.first_block_of(contract, last).await?,
            // It may have stood there before, under other code.
            (None, AnchorContract::Single { .. }) => 0,
        };
        let origin = Digest::of(question.origin.as_bytes());
        let is_bounded = question.first_block.is_some();
        let search = Search { contract, origin, first, last, is_bounded };
        let (mut events, mut is_cut, mut publisher) = (Vec::new(), false, None);
        let (mut shown, mut earlier_newest) = (Vec::new(), None);
        match kind {
            AnchorContract::Single { publisher: only } => {
                (events, earlier_newest) = self.single(&search, only, tell).await?;
                publisher = Some(only);
            }
            AnchorContract::Registry => {
                for publisher in &question.publishers {
                    let Registered { events: by, under, earlier_newest: earlier } =
                        self.registered_by(&search, *publisher, tell).await?;
                    earlier_newest = earlier_newest.or(earlier);
                    // What can be compared elsewhere is what was proved under.
                    if under.is_some_and(|under| under != last_hash) {
                        return Err(Error::BlockLeft { number: last, hash: last_hash });
                    }
                    events.extend(by);
                    shown.push(under);
                }
                let others = self.registered_by_others(&search, &question.publishers, tell).await?;
                is_cut = others.len() > OTHERS_MAX;
                events.extend(others.into_iter().take(OTHERS_MAX));
            }
        }
        let events = events.into_iter().map(|event| {
            let Reached { finality, .. } = horizon.of(event.block_number);
            (event, finality)
        });
        Ok(AnchorEvents {
            chain: self.chain_id().clone(),
            genesis,
            contract,
            first_block: first,
            last_block: last,
            shown_under: shown
                .into_iter()
                .reduce(|one, other| one.filter(|_| one == other))
                .flatten(),
            publisher,
            events: events.collect(),
            is_cut,
            earlier_newest,
            last_hash,
        })
    }

    /// What a `CheckpointAnchor` was given, and what else was written under its address: its constructor may have
    /// written events, and so may other code that stood there before. So they need not rise, and what is none of ours
    /// is passed over.
    async fn single(
        &self,
        search: &Search,
        publisher: Address,
        tell: &Tell<'_>,
    ) -> Result<(Vec<AnchorEvent>, Option<u64>), Error> {
        let topics = vec![Some(CheckpointAnchored::SIGNATURE_HASH)];
        let found = self.events(&search.filter(topics), tell).await?;
        let events = found.iter().filter_map(|event| read(event, Some(publisher)).ok());
        let events: Vec<AnchorEvent> = events.collect();
        let at = format!("{:#x}", search.last);
        let kept = self.call_at(search.contract, CheckpointAnchor::latestCall {}, &at).await?;
        let is_newest = |event: &AnchorEvent| (event.size, event.root) == (kept.size, kept.root.0);
        if kept.size == 0 || events.iter().any(is_newest) {
            return Ok((events, None));
        }
        if let Some(at) = before(search) {
            let call = CheckpointAnchor::latestCall {};
            let earlier = self.call_at(search.contract, call, &at).await?;
            if (earlier.size, earlier.root) == (kept.size, kept.root) {
                return Ok((events, Some(kept.size)));
            }
        }
        Err(self.missing(search, publisher, kept.size))
    }

    /// What the registry was given under one of the log's publishers.
    async fn registered_by(
        &self,
        search: &Search,
        publisher: Address,
        tell: &Tell<'_>,
    ) -> Result<Registered, Error> {
        let topics = [Anchored::SIGNATURE_HASH, search.origin_hash(), publisher.into_word()];
        let filter = search.filter(topics.into_iter().map(Some).collect());
        let found = self.events(&filter, tell).await?;
        let events: Vec<AnchorEvent> =
            found.iter().map(|event| read(event, None)).collect::<Result<_, _>>()?;
        // By the state that a header names: what the same node answers to a call is one word with its events.
        let key = RegistryKey { origin: search.origin, publisher };
        let latest = |at: String| {
            let origin = search.origin_hash();
            let call = CheckpointRegistry::latestCall { origin, publisher };
            async move { self.call_at(search.contract, call, &at).await }
        };
        let (newest, under) = match self.shown_after(&key, search.last).await? {
            Some(shown) => ((shown.size, shown.root), Some(shown.block.hash)),
            None => {
                let kept = latest(format!("{:#x}", search.last)).await?;
                ((kept.size, kept.root), None)
            }
        };
        ensure_rising(&events)?;
        let ends = events.last().map_or((0, B256::ZERO), |event| (event.size, event.root.into()));
        if ends == newest {
            return Ok(Registered { events, under, earlier_newest: None });
        }
        // It is older than what was asked for.
        if events.is_empty()
            && let Some(at) = before(search)
        {
            let kept = latest(at).await?;
            if (kept.size, kept.root) == newest {
                return Ok(Registered { events, under, earlier_newest: Some(newest.0) });
            }
        }
        Err(self.missing(search, publisher, newest.0))
    }

    /// What the registry was given under the log's name by anybody else, one more than is listed at most.
    async fn registered_by_others(
        &self,
        search: &Search,
        publishers: &[Address],
        tell: &Tell<'_>,
    ) -> Result<Vec<AnchorEvent>, Error> {
        let topics = vec![Some(Anchored::SIGNATURE_HASH), Some(search.origin_hash())];
        let except = publishers.iter().map(|publisher| publisher.into_word()).collect();
        let most = OTHERS_MAX + 1;
        let filter = EventFilter { except, most, ..search.filter(topics) };
        let found = self.events(&filter, tell).await?;
        found.iter().take(most).map(|event| read(event, None)).collect()
    }

    /// The newest that the contract holds is in none of the events.
    fn missing(&self, search: &Search, publisher: Address, size: u64) -> Error {
        let (url, Search { contract, first, last, .. }) = (self.url().to_owned(), *search);
        Error::EventsMissing { url, contract, publisher, size, first, last }
    }
}

/// The block before the first that is looked at, where that is the asker's word.
fn before(search: &Search) -> Option<String> {
    let before = search.first.checked_sub(1).filter(|_| search.is_bounded)?;
    Some(format!("{before:#x}"))
}

/// The events rise, as the registry lets them alone.
fn ensure_rising(events: &[AnchorEvent]) -> Result<(), Error> {
    let mut before = 0;
    for AnchorEvent { size, transaction, .. } in events {
        if *size <= before {
            let reason = format_args!(
                "transaction {transaction} anchors size {size}, which the contract would have refused"
            );
            return Err(Error::malformed("eth_getLogs", reason));
        }
        before = *size;
    }
    Ok(())
}

/// An event of the registry, or of the contract of one publisher.
fn read(event: &FoundEvent, single: Option<Address>) -> Result<AnchorEvent, Error> {
    let topics = || event.topics.iter().copied();
    let malformed = |error| Error::malformed("eth_getLogs", error);
    let (publisher, size, root) = match single {
        None => {
            let anchored =
                Anchored::decode_raw_log_validate(topics(), &event.data).map_err(malformed)?;
            (anchored.publisher, anchored.size, anchored.root)
        }
        Some(publisher) => {
            let anchored = CheckpointAnchored::decode_raw_log_validate(topics(), &event.data)
                .map_err(malformed)?;
            (publisher, anchored.size, anchored.root)
        }
    };
    Ok(AnchorEvent {
        publisher,
        size,
        root: root.0,
        block_number: event.block_number.to(),
        block_hash: event.block_hash,
        transaction: event.transaction_hash,
    })
}
