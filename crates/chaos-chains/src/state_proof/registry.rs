//! What the registry of checkpoints holds after a block, or that it holds nothing.

use alloy_primitives::{B256, U256, keccak256};

use super::{ProvedBlock, StateProof, StateProofError};
use crate::{
    Contract,
    registry::{REGISTRY, RegistryKey},
};

/// The newest checkpoint of a key after a block; of size 0 where the registry holds none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeldCheckpoint {
    pub(crate) size: u64,
    pub(crate) root: B256,
    pub(crate) block: ProvedBlock,
}

impl StateProof {
    /// What the registry holds under a key. What else is in the proof, such as the empty node that nodes answer for an empty
    /// trie, decides nothing.
    pub(crate) fn checkpoint(&self, key: &RegistryKey) -> Result<HeldCheckpoint, StateProofError> {
        let reading = self.read()?;
        let storage = reading.contract(Contract::CheckpointRegistry, REGISTRY)?;
        let [size, root] = key.slots().map(Into::<U256>::into);
        // Beside the size stands who writes under the key, which is the registry's own matter.
        let size = storage.slot("size", size)?.as_limbs()[0];
        let root = storage.slot("root", root)?.into();
        Ok(HeldCheckpoint { size, root, block: reading.block })
    }

    /// Whether the way through the state begins at the root that the header names.
    pub(crate) fn begins_at_its_header(&self) -> bool {
        let first = self.nodes.first().map(keccak256);
        self.header().is_ok_and(|(_, header)| first == Some(header.state_root))
    }
}
