//! Everything that a chain says was anchored of a log.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use alloy_sol_types::SolEvent;
use chaos_types::{ChainId, Digest};

use super::{
    EvmChain,
    contract_kind::AnchorContract,
    events::{EventFilter, FoundEvent},
    registry::REGISTRY,
};
use crate::{
    Error,
    contracts::{
        checkpoint_anchor::CheckpointAnchor::{self, CheckpointAnchored},
        checkpoint_registry::CheckpointRegistry::{self, Anchored},
    },
    sending::{Finality, Reached},
};

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
    /// The only publisher that the contract takes; none where everybody has a key of its own.
    pub publisher: Option<Address>,
    /// The events in the order of the chain, each with how sure it is that its block stays.
    pub events: Vec<(AnchorEvent, Finality)>,
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
    /// A publisher whose newest head is asked for even if it has no event.
    pub publisher: Option<Address>,
}

impl EvmChain {
    /// All heads of a log that a contract was given, by whomever.
    ///
    /// The events of a publisher are held against the newest that the contract has of it. In between, a node can leave out
    /// what it likes; other nodes show that.
    ///
    /// # Errors
    /// [`Error::NoAnchors`], [`Error::EventsRefused`] or [`Error::EventsMissing`].
    pub async fn anchor_events(&self, question: &AnchorQuestion) -> Result<AnchorEvents, Error> {
        let origin = question.origin.as_str();
        let contract = question.contract.unwrap_or(REGISTRY);
        let genesis = self.shown_first_block().await?;
        let horizon = self.horizon().await?;
        let last = horizon.head;
        let kind = self
            .anchor_contract(contract, origin, last)
            .await?
            .map_err(|found| Error::NoAnchors { url: self.url().to_owned(), contract, found })?;
        let origin_hash = B256::from(*Digest::of(origin.as_bytes()).as_bytes());
        let (topics, publisher) = match kind {
            AnchorContract::Registry => (vec![Anchored::SIGNATURE_HASH, origin_hash], None),
            AnchorContract::Single { publisher } => {
                (vec![CheckpointAnchored::SIGNATURE_HASH], Some(publisher))
            }
        };
        let topics = topics.into_iter().map(Some).collect();
        let first = self.first_block_of(contract, last).await?;
        let found = self.events(&EventFilter { contract, topics, first, last }).await?;
        let events: Vec<AnchorEvent> =
            found.iter().map(|event| read(event, publisher)).collect::<Result<_, _>>()?;
        let newest = ensure_rising(&events)?;
        let named = publisher.or(question.publisher).into_iter().map(|it| (it, None));
        let mut held: BTreeMap<Address, Option<(u64, [u8; 32])>> = named.collect();
        held.extend(newest.into_iter().map(|(publisher, newest)| (publisher, Some(newest))));
        for (publisher, newest) in held {
            let kept = match kind {
                AnchorContract::Registry => self.kept(origin_hash, publisher, last).await?,
                AnchorContract::Single { .. } => self.kept_alone(contract, last).await?,
            };
            if kept != newest {
                let (url, size) = (self.url().to_owned(), kept.map_or(0, |(size, _)| size));
                return Err(Error::EventsMissing { url, contract, publisher, size });
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
            publisher,
            events: events.collect(),
        })
    }

    /// The newest under a key of the registry, as of a block.
    async fn kept(
        &self,
        origin: B256,
        publisher: Address,
        block: u64,
    ) -> Result<Option<(u64, [u8; 32])>, Error> {
        let call = CheckpointRegistry::latestCall { origin, publisher };
        let latest = self.call_at(REGISTRY, call, &format!("{block:#x}")).await?;
        Ok((latest.size > 0).then_some((latest.size, latest.root.0)))
    }

    /// The newest in a `CheckpointAnchor`, as of a block.
    async fn kept_alone(
        &self,
        contract: Address,
        block: u64,
    ) -> Result<Option<(u64, [u8; 32])>, Error> {
        let call = CheckpointAnchor::latestCall {};
        let latest = self.call_at(contract, call, &format!("{block:#x}")).await?;
        Ok((latest.size > 0).then_some((latest.size, latest.root.0)))
    }
}

/// The newest of each publisher. Both contracts refuse a size that is not larger than the one before, so a node that
/// shows such has made it up.
fn ensure_rising(events: &[AnchorEvent]) -> Result<BTreeMap<Address, (u64, [u8; 32])>, Error> {
    let mut newest: BTreeMap<Address, (u64, [u8; 32])> = BTreeMap::new();
    for AnchorEvent { publisher, size, root, transaction, .. } in events {
        let before = newest.insert(*publisher, (*size, *root));
        if *size == 0 || before.is_some_and(|(before, _)| before >= *size) {
            let reason = format_args!(
                "transaction {transaction} anchors size {size}, which the contract would have refused"
            );
            return Err(Error::malformed("eth_getLogs", reason));
        }
    }
    Ok(newest)
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
