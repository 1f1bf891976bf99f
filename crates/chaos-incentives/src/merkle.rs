use alloy_primitives::{Address, B256, U256, keccak256};

/// Most leaves in one tree: one million.
const LEAVES_MAX: usize = 1_000_000;

/// What one account may claim: a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Claim {
    /// The account.
    pub account: Address,
    /// The amount in base units.
    pub amount: U256,
}

impl Claim {
    /// `keccak256(keccak256(abi.encode(account, amount)))`.
    ///
    /// Hashing twice keeps a leaf from passing as an inner node (second-preimage attack).
    #[must_use]
    pub fn leaf_hash(&self) -> B256 {
        let mut encoded = [0; 64];
        encoded[12..32].copy_from_slice(self.account.as_slice());
        encoded[32..].copy_from_slice(&self.amount.to_be_bytes::<32>());
        keccak256(keccak256(encoded))
    }
}

/// A tree has at least one leaf and at most `LEAVES_MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a Merkle tree needs 1 to {LEAVES_MAX} leaves, found {leaves}")]
pub struct NoLeaves {
    /// Leaves given.
    pub leaves: usize,
}

/// OpenZeppelin's `StandardMerkleTree` for leaves (address, uint256), version `standard-v1`.
///
/// Same root, proofs and dump as the npm package `@openzeppelin/merkle-tree` 1.0
/// (<https://github.com/OpenZeppelin/merkle-tree>): leaf hashes ascending from the end of an array
/// of 2n - 1 nodes, node i over nodes 2i + 1 and 2i + 2, each pair hashed in ascending order. A
/// contract checks a proof with `MerkleProof.verify`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MerkleTree {
    /// 2n - 1 nodes, the root first.
    nodes: Vec<B256>,
    /// Claims in the order given.
    claims: Vec<Claim>,
    /// Node of each claim.
    positions: Vec<usize>,
}

impl MerkleTree {
    /// A tree over the claims; the root does not depend on their order.
    ///
    /// # Errors
    /// If there are none or too many.
    pub fn new(claims: Vec<Claim>) -> Result<Self, NoLeaves> {
        let count = claims.len();
        if count == 0 || count > LEAVES_MAX {
            return Err(NoLeaves { leaves: count });
        }
        let mut leaves: Vec<(B256, usize)> =
            claims.iter().enumerate().map(|(index, claim)| (claim.leaf_hash(), index)).collect();
        // Equal hashes stay in input order, as in the original.
        leaves.sort_unstable();
        let length = 2 * count - 1;
        let mut nodes = vec![B256::ZERO; length];
        let mut positions = vec![0; count];
        for (rank, (hash, index)) in leaves.into_iter().enumerate() {
            nodes[length - 1 - rank] = hash;
            positions[index] = length - 1 - rank;
        }
        for index in (0..length - count).rev() {
            nodes[index] = node_hash(nodes[2 * index + 1], nodes[2 * index + 2]);
        }
        Ok(Self { nodes, claims, positions })
    }

    /// The root that goes on chain.
    #[must_use]
    pub fn root(&self) -> B256 {
        self.nodes[0]
    }

    /// The claims in the order given.
    #[must_use]
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }

    /// The proof of the claim at this position of the input; `None` past the end.
    #[must_use]
    pub fn proof(&self, index: usize) -> Option<Vec<B256>> {
        let mut position = *self.positions.get(index)?;
        let mut proof = Vec::new();
        while position > 0 {
            let sibling = if position % 2 == 0 { position - 1 } else { position + 1 };
            proof.push(self.nodes[sibling]);
            position = (position - 1) / 2;
        }
        Some(proof)
    }
}

/// Whether `proof` leads from the claim to `root`; what `MerkleProof.verify` computes.
#[must_use]
pub fn verify_claim(root: B256, claim: &Claim, proof: &[B256]) -> bool {
    proof.iter().fold(claim.leaf_hash(), |node, sibling| node_hash(node, *sibling)) == root
}

fn node_hash(a: B256, b: B256) -> B256 {
    let (low, high) = if a <= b { (a, b) } else { (b, a) };
    let mut pair = [0; 64];
    pair[..32].copy_from_slice(low.as_slice());
    pair[32..].copy_from_slice(high.as_slice());
    keccak256(pair)
}

#[cfg(test)]
mod tests;
