//! Where the log's own entries say that it is or was anchored.

use chaos_chains::{Address, REGISTRY};
use chaos_types::ChainId;

use super::{Audit, Error};
use crate::{LogCopy, log_copy::Anchoring};

/// A place that the log's entries name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The first entry that does.
    pub index: u64,
    /// The chain.
    pub chain: ChainId,
    /// The contract.
    pub contract: String,
    /// Whether the entry declares it, rather than says of one anchor that it was there.
    pub is_declared: bool,
}

impl Named {
    /// Whether an audit looked at it.
    #[must_use]
    pub fn is_in(&self, audit: &Audit) -> bool {
        self.chain == audit.chain && self.contract.parse() == Ok(audit.contract)
    }

    /// A contract of the log's own in which it says that it was anchored.
    #[must_use]
    pub fn own_contract(&self) -> Option<Address> {
        let contract = self.contract.parse().ok().filter(|_| !self.is_declared);
        contract.filter(|contract| *contract != REGISTRY)
    }
}

/// Every place in which the log may have been anchored, as its own entries say: another history can be in each. The
/// declared ones first, each once.
///
/// # Errors
/// If the copy cannot be read.
pub fn named(copy: &LogCopy) -> Result<Vec<Named>, Error> {
    let Anchoring { declared, anchors } = copy.anchoring().map_err(Error::Copy)?;
    let declared = declared.into_iter().map(|it| Named {
        index: it.index,
        chain: it.body.chain,
        contract: it.body.contract,
        is_declared: true,
    });
    let anchored = anchors.into_iter().map(|(index, it)| Named {
        index,
        chain: it.chain,
        contract: it.contract,
        is_declared: false,
    });
    let mut named = Vec::<Named>::new();
    for it in declared.chain(anchored) {
        let place = (&it.chain, &it.contract);
        if named.iter().all(|known| (&known.chain, &known.contract) != place) {
            named.push(it);
        }
    }
    Ok(named)
}
