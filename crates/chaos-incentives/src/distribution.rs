use alloy_primitives::{Address, B256, U256};

use crate::{Claim, MerkleTree, NoLeaves};

/// One pool to be claimed on one chain in one asset: claims ascending by account, and their tree.
///
/// The root and the total are what the contract fixes for good. No account has two claims, since a
/// contract remembers an account, or a leaf, as claimed once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution {
    tree: MerkleTree,
    total: U256,
}

/// Why amounts do not make a distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DistributionError {
    /// No amount is above zero, or there are too many.
    #[error("unusable number of claims")]
    Leaves(#[source] NoLeaves),
    /// An account appears twice.
    #[error("account {account} appears twice")]
    DuplicateAccount {
        /// The account.
        account: Address,
    },
    /// The amounts sum to 2^256 or more.
    #[error("the amounts sum to 2^256 or more")]
    Overflow,
}

impl Distribution {
    /// Orders the amounts by account, leaves out zeros, and builds the tree.
    ///
    /// # Errors
    /// If nothing is left, an account appears twice, or the sum overflows.
    pub fn new(
        amounts: impl IntoIterator<Item = (Address, U256)>,
    ) -> Result<Self, DistributionError> {
        let mut claims: Vec<Claim> =
            amounts.into_iter().map(|(account, amount)| Claim { account, amount }).collect();
        claims.sort_unstable();
        if let Some(pair) = claims.windows(2).find(|pair| pair[0].account == pair[1].account) {
            return Err(DistributionError::DuplicateAccount { account: pair[0].account });
        }
        claims.retain(|claim| !claim.amount.is_zero());
        let mut total = U256::ZERO;
        for claim in &claims {
            total = total.checked_add(claim.amount).ok_or(DistributionError::Overflow)?;
        }
        let tree = MerkleTree::new(claims).map_err(DistributionError::Leaves)?;
        Ok(Self { tree, total })
    }

    /// Sum of all claims in base units.
    #[must_use]
    pub const fn total(&self) -> U256 {
        self.total
    }

    /// The root that goes on chain.
    #[must_use]
    pub fn root(&self) -> B256 {
        self.tree.root()
    }

    /// The tree with claims and proofs.
    #[must_use]
    pub const fn tree(&self) -> &MerkleTree {
        &self.tree
    }

    /// An account's claim and its proof.
    #[must_use]
    pub fn claim(&self, account: Address) -> Option<(Claim, Vec<B256>)> {
        let claims = self.tree.claims();
        let index = claims.binary_search_by_key(&account, |claim| claim.account).ok()?;
        Some((claims[index], self.tree.proof(index)?))
    }
}

#[cfg(test)]
mod tests;
