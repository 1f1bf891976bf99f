//! That a distributor holds a distribution, and that its leaves were claimed.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolValue as _;

use super::{ProvedBlock, StateProof, StateProofError, of_mapping};
use crate::Contract;

/// The mapping of distributions, and that of what was claimed of each.
const DISTRIBUTIONS: U256 = U256::ZERO;
const CLAIMED: U256 = U256::from_limbs([1, 0, 0, 0]);
/// The longest way from a leaf to the root that a distributor takes.
const WAY_MAX: usize = 64;
/// Leaves that share a word.
const LEAVES_A_WORD: usize = 256;

/// One leaf of a distribution, with its way to the root.
#[derive(Debug, Clone)]
pub struct PaidShare {
    /// Who is paid.
    pub account: Address,
    /// How much, in the token's smallest unit.
    pub amount: U256,
    /// Sibling hashes from the leaf to the root.
    pub way: Vec<B256>,
}

/// What is claimed of a payment.
#[derive(Debug, Clone)]
pub struct PaymentClaim {
    /// The distributor.
    pub distributor: Address,
    /// The distribution's number there.
    pub distribution_id: U256,
    /// The token that is paid out.
    pub token: Address,
    /// Root over the leaves.
    pub root: B256,
    /// What it was funded with, in the token's smallest unit.
    pub total: u128,
    /// The leaves that were claimed.
    pub claimed: Vec<PaidShare>,
}

/// What a proof shows of a payment. True if, and only if, the block is on the chain and the distributor is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaymentFact {
    /// The block after which it is so.
    pub block: ProvedBlock,
    /// What is left of it, in the token's smallest unit.
    pub remaining: u128,
}

impl PaymentClaim {
    fn place(&self) -> U256 {
        of_mapping(self.distribution_id, DISTRIBUTIONS)
    }

    /// The words of bits in which the leaves are, each with those that have to be set.
    pub(super) fn words(&self) -> Result<BTreeMap<U256, U256>, StateProofError> {
        let mut words: BTreeMap<U256, U256> = BTreeMap::new();
        let claimed = of_mapping(self.distribution_id, CLAIMED);
        for share in &self.claimed {
            let index = share.index(self.root)?;
            let slot = of_mapping(index / U256::from(LEAVES_A_WORD), claimed);
            let bit = U256::ONE << (index % U256::from(LEAVES_A_WORD)).to::<usize>();
            *words.entry(slot).or_default() |= bit;
        }
        Ok(words)
    }

    /// The slots that show it.
    ///
    /// # Errors
    /// If a leaf is not under the root.
    pub(crate) fn slots(&self) -> Result<Vec<U256>, StateProofError> {
        let terms = (0..3_u8).map(|part| self.place().wrapping_add(U256::from(part)));
        Ok(terms.chain(self.words()?.into_keys()).collect())
    }
}

impl PaidShare {
    /// Its index in the tree, as the distributor computes it.
    fn index(&self, root: B256) -> Result<U256, StateProofError> {
        let stray = || {
            let found = format!("{} of {:#x}", self.amount, self.account);
            StateProofError::Claim { part: "leaf of the distribution", found }
        };
        if self.way.len() > WAY_MAX {
            return Err(stray());
        }
        let mut node = keccak256(keccak256((self.account, self.amount).abi_encode()));
        let mut index = U256::ONE << self.way.len();
        for (at, sibling) in self.way.iter().enumerate() {
            let (low, high) = if node > *sibling {
                index |= U256::ONE << at;
                (*sibling, node)
            } else {
                (node, *sibling)
            };
            node = keccak256([low, high].concat());
        }
        if node == root { Ok(index) } else { Err(stray()) }
    }
}

impl StateProof {
    /// The distributor holds a distribution under this number, of this token, root and total, and each of these leaves
    /// was claimed.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn payment(&self, claim: &PaymentClaim) -> Result<PaymentFact, StateProofError> {
        let words = claim.words()?;
        let reading = self.read()?;
        let storage = reading.contract(Contract::RewardDistributor, claim.distributor)?;
        let place = |part: u8| claim.place().wrapping_add(U256::from(part));
        // Beside the token stands the deadline, beside the total what is left.
        let token = storage.slot("token", place(0))?;
        let token = Address::from_word(token.into());
        if token != claim.token {
            let (found, claimed) = (format!("{token:#x}"), format!("{:#x}", claim.token));
            return Err(StateProofError::Other { part: "token", found, claimed });
        }
        storage.ensure("root", place(1), claim.root.into())?;
        let [low, high] = halves(storage.slot("total", place(2))?);
        if low != claim.total {
            let (found, claimed) = (low.to_string(), claim.total.to_string());
            return Err(StateProofError::Other { part: "total", found, claimed });
        }
        for (slot, bits) in words {
            let found = storage.slot("claims", slot)?;
            if found & bits != bits {
                let (found, claimed) = (format!("{found:#x}"), format!("{bits:#x}"));
                return Err(StateProofError::Other { part: "claims", found, claimed });
            }
        }
        reading.ensure_all_used()?;
        Ok(PaymentFact { block: reading.block, remaining: high })
    }
}

/// The lower and the upper 128 bits.
fn halves(word: U256) -> [u128; 2] {
    let high: U256 = word >> 128;
    [(word & U256::from(u128::MAX)).to(), high.to()]
}
