//! What one node is asked.

use super::{Saying, Sought};
use crate::{ChainFile, Error, EvmChain, json_rpc::JsonRpc, sending::Finality};

/// Asks one node about a block. How far its chain has come is asked before the block itself: what was final
/// by then is the block that it shows.
pub(super) async fn ask(
    rpc: JsonRpc,
    sought: &Sought,
    described: Option<&ChainFile>,
    needed: Finality,
) -> Result<Saying, Error> {
    let chain = EvmChain::over(rpc, None).await?.staying_by(described);
    if *chain.chain_id() != sought.chain {
        return Ok(Saying::OtherChain { found: chain.chain_id().clone() });
    }
    let number = sought.block_number;
    let first_block = chain.shown_first_block().await?;
    if described.is_some_and(|file| first_block != Some(file.genesis)) {
        return Ok(Saying::OtherFirst { found: first_block });
    }
    let horizon = chain.horizon().await?;
    let Some(found) = chain.block_hash(number).await? else {
        return Ok(match horizon.head {
            head if head < number => Saying::NotReached { head },
            _ => Saying::Unshown,
        });
    };
    let reached = horizon.of(number);
    let finality = reached.finality;
    if found != sought.block_hash {
        return Ok(Saying::OtherBlock { found, is_final: finality == Finality::Final });
    }
    if let Some(origin) = &sought.origin
        && let Err(found) = chain.anchor_contract(sought.contract, origin, number).await?
    {
        return Ok(Saying::OtherContract { found });
    }
    if !reached.is_enough_for(needed) {
        return Ok(Saying::Unsettled { finality });
    }
    let is_named = match finality {
        Finality::Final => horizon.finalized.is_some(),
        Finality::Safe => horizon.safe.or(horizon.finalized).is_some(),
        Finality::Seen | Finality::Included { .. } => true,
    };
    Ok(Saying::Holds { finality, is_named, first_block })
}
