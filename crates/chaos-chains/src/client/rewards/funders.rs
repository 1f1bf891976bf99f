//! Who funded the same thing: a key belongs to its funder, so that the contract keeps nobody from paying for what
//! another has paid for.

use alloy_primitives::{Address, B256};
use alloy_sol_types::SolEvent as _;

use super::{Funding, distribution_id};
use crate::{
    Error,
    client::{
        EvmChain,
        events::{EVENTS_MAX, EventFilter},
    },
    contracts::reward_distributor::RewardDistributor::DistributionCreated,
};

impl EvmChain {
    /// Everybody who funded something under a key from a block on, and whether with the same token, root and total.
    /// Anybody may fund a little of anything under any key. From the contract's first block on, without one.
    ///
    /// # Errors
    /// As every read, and [`Error::EventsRefused`] where the node gives no events.
    pub async fn funders(
        &self,
        distributor: Address,
        funding: &Funding,
        first_block: Option<u64>,
    ) -> Result<Vec<(Address, bool)>, Error> {
        let last = self.block_number().await?;
        let first = match first_block {
            Some(first) => first.min(last),
            None => self.first_block_of(distributor, last).await?,
        };
        let filter = EventFilter {
            contract: distributor,
            topics: vec![Some(DistributionCreated::SIGNATURE_HASH)],
            except: Vec::new(),
            first,
            last,
            most: EVENTS_MAX,
        };
        let Funding { key, token, root, total, .. } = *funding;
        let mut funders = Vec::new();
        for event in self.events(&filter, &|_, _| ()).await? {
            let topics = event.topics.iter().copied();
            let created = DistributionCreated::decode_raw_log_validate(topics, &event.data)
                .map_err(|error| Error::malformed("eth_getLogs", error))?;
            if created.key != B256::from(key)
                || created.distributionId != distribution_id(created.funder, key)
            {
                continue;
            }
            let found = (created.token, created.root.0, created.total);
            funders.push((created.funder, found == (token, root, total)));
        }
        Ok(funders)
    }
}
