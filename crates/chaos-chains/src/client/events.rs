//! Events of a contract, page by page: nodes answer for so many blocks or so many events at once, and no
//! two alike.
//!
//! A page that a node refuses is asked for in halves, down to a single block, and a block that it does not give
//! ends the search: there is no gap that is not told. What cannot be noticed is a node that leaves out events
//! without a word. One that cuts at a round number does so where a page is full, so a full page is asked for
//! in halves as well; for the rest, callers hold what they got against the contract and against other nodes.

mod pages;

use alloy_primitives::{Address, B256, Bytes, U64};
use serde::Deserialize;
use serde_json::json;

use self::pages::Pages;
use super::EvmChain;
use crate::{
    Error,
    error::shorten,
    json_rpc::{Outcome, parse},
    made::DEPLOYER,
};

/// Most events that are read of one publisher: a hundred years of one an hour.
pub(crate) const EVENTS_MAX: usize = 1 << 20;

/// Events from which on a page may have been cut: no node is known that gives fewer at once.
const FULL_PAGE_EVENTS: usize = 1_000;

/// JSON-RPC's code for a method that a node does not have.
const NO_SUCH_METHOD: i64 = -32_601;

/// Told after each page: how many blocks were given, and of how many.
pub(crate) type Tell<'a> = dyn Fn(u64, u64) + Send + Sync + 'a;

/// Which events of which blocks.
#[derive(Debug, Clone)]
pub(crate) struct EventFilter {
    /// The contract.
    pub(crate) contract: Address,
    /// What each topic has to be; none for any.
    pub(crate) topics: Vec<Option<B256>>,
    /// Events whose third topic is one of these are passed over.
    pub(crate) except: Vec<B256>,
    /// The first block.
    pub(crate) first: u64,
    /// The last block.
    pub(crate) last: u64,
    /// So many are enough: nothing is asked for after that.
    pub(crate) most: usize,
}

/// An event that a node says is in its chain.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FoundEvent {
    pub(crate) address: Address,
    pub(crate) topics: Vec<B256>,
    pub(crate) data: Bytes,
    pub(crate) block_number: U64,
    pub(crate) block_hash: B256,
    pub(crate) transaction_hash: B256,
    pub(crate) log_index: U64,
    #[serde(default)]
    pub(crate) removed: bool,
}

/// What a node says to one page.
enum Answer {
    Given(Vec<FoundEvent>),
    Refused(String),
}

impl EventFilter {
    /// Whether an event is not one of those that are passed over.
    fn keeps(&self, event: &FoundEvent) -> bool {
        event.topics.get(2).is_none_or(|third| !self.except.contains(third))
    }

    /// Whether an event is one of those that were asked for on a page.
    fn covers(&self, event: &FoundEvent, (first, last): (u64, u64)) -> bool {
        let block: u64 = event.block_number.to();
        let mut topics = self.topics.iter().zip(0..);
        event.address == self.contract
            && (first..=last).contains(&block)
            && !event.removed
            && topics.all(|(topic, at)| topic.is_none() || *topic == event.topics.get(at).copied())
    }
}

impl EvmChain {
    /// All events of a filter, in the order of the chain; or the first of them, from [`EventFilter::most`] on.
    ///
    /// # Errors
    /// [`Error::EventsRefused`] names the blocks of which the node gives none; [`Error::Malformed`] if it gives what nobody
    /// asked for.
    pub(crate) async fn events(
        &self,
        filter: &EventFilter,
        tell: &Tell<'_>,
    ) -> Result<Vec<FoundEvent>, Error> {
        let mut pages = Pages::new(filter.first, filter.last);
        let mut events: Vec<FoundEvent> = Vec::new();
        while let Some((first, last)) = pages.next()
            && events.len() < filter.most
        {
            match self.page(filter, (first, last)).await? {
                Answer::Given(found) if found.len() >= FULL_PAGE_EVENTS && first < last => {
                    pages.refused();
                }
                Answer::Given(found) => {
                    events.extend(found.into_iter().filter(|event| filter.keeps(event)));
                    pages.given();
                    tell(last - filter.first + 1, filter.last - filter.first + 1);
                }
                Answer::Refused(reason) if !pages.refused() => {
                    let url = self.url().to_owned();
                    return Err(Error::EventsRefused { url, block: first, reason });
                }
                Answer::Refused(_) => {}
            }
        }
        let place = |event: &FoundEvent| (event.block_number, event.log_index);
        events.sort_by_key(place);
        if events.windows(2).any(|two| place(&two[0]) == place(&two[1])) {
            return Err(Error::malformed("eth_getLogs", "one event was given twice"));
        }
        Ok(events)
    }

    /// The events of one page.
    async fn page(&self, filter: &EventFilter, page: (u64, u64)) -> Result<Answer, Error> {
        let method = "eth_getLogs";
        let params = json!([{
            "address": filter.contract,
            "fromBlock": format!("{:#x}", page.0),
            "toBlock": format!("{:#x}", page.1),
            "topics": filter.topics,
        }]);
        let found = match self.rpc.ask(method, params).await {
            Ok(Outcome::Result(found)) => found,
            Ok(Outcome::Refused { code: NO_SUCH_METHOD, .. }) => {
                let url = self.url().to_owned();
                return Err(Error::Unsupported { url, capability: "eth_getLogs" });
            }
            Ok(Outcome::Refused { code, message, .. }) => {
                return Ok(Answer::Refused(format!("code {code}: {}", shorten(&message))));
            }
            // Some say by a status, or by hanging up, that a page is too large. Whether it is that or a node
            // that is gone, another question shows.
            Err(
                error @ (Error::Unreachable { .. }
                | Error::RateLimited { .. }
                | Error::Rejected { .. }),
            ) => {
                if page.0 == page.1 || self.block_number().await.is_err() {
                    return Err(error);
                }
                return Ok(Answer::Refused(error.to_string()));
            }
            Err(error) => return Err(error),
        };
        let found: Vec<FoundEvent> = parse(method, found)?;
        if let Some(other) = found.iter().find(|event| !filter.covers(event, page)) {
            let (block, at) = (other.block_number, other.log_index);
            let reason = format_args!("event {at} of block {block} is not one that was asked for");
            return Err(Error::malformed(method, reason));
        }
        Ok(Answer::Given(found))
    }

    /// A block before which a contract has no events, found by its code in some 25 questions: the first that has
    /// it, or an earlier one where the node does not keep the state of so old blocks.
    pub(crate) async fn first_block_of(&self, contract: Address, head: u64) -> Result<u64, Error> {
        // Where the state is not kept, the code may have been there.
        let (mut without, mut with) = (0, head);
        while without < with {
            let middle = without + (with - without) / 2;
            let code = self.code_at(contract, &format!("{middle:#x}")).await?;
            if code.is_none_or(|code| !code.is_empty()) {
                with = middle;
            } else {
                without = middle + 1;
            }
        }
        let Some(before) = with.checked_sub(1) else { return Ok(0) };
        // A node that forgot may say of everything that it was not there yet. Of the deployer, which was
        // there before, it would say the same.
        let shown = self.code_at(DEPLOYER, &format!("{before:#x}")).await?;
        Ok(if shown.is_some_and(|code| !code.is_empty()) { with } else { 0 })
    }
}
