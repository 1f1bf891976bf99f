//! The registry of checkpoints as its readers know it: where it is, and where in its storage a key's checkpoint is.

use alloy_primitives::{Address, B256, U256, address, b256, keccak256};
use alloy_sol_types::SolValue as _;
use chaos_types::Digest;

/// Where the `CheckpointRegistry` is, on every chain that has it: made by CREATE2 from its code alone.
pub const REGISTRY: Address = address!("81cEe7A3281247cEf7E07d84eb543555a04A8A97");

/// Keccak-256 of the code that is there.
pub(crate) const REGISTRY_CODE_HASH: B256 =
    b256!("ed59a5f99956e5157204c98145761ec283d2501ca16f6e59fcad6f7970434409");

/// Whose checkpoints of which log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistryKey {
    /// SHA-256 of the log's origin line.
    pub origin: Digest,
    /// The account that anchored first. It names the key for ever, whoever writes under it.
    pub publisher: Address,
}

impl RegistryKey {
    /// The key of an account for the log with this origin line.
    #[must_use]
    pub fn of(origin: &str, publisher: Address) -> Self {
        Self { origin: Digest::of(origin.as_bytes()), publisher }
    }

    pub(crate) fn words(&self) -> (B256, Address) {
        (B256::from(*self.origin.as_bytes()), self.publisher)
    }

    /// The two slots that hold its checkpoint: size and writer, then the root.
    pub(crate) fn slots(&self) -> [B256; 2] {
        let (origin, publisher) = self.words();
        let of_origin = keccak256((origin, U256::ZERO).abi_encode());
        let head = keccak256((publisher, of_origin).abi_encode());
        let root = U256::from_be_bytes(head.0).wrapping_add(U256::ONE);
        [head, root.into()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seen in the storage of a registry on a local chain.
    #[test]
    fn the_slots_are_where_the_interface_says() {
        let key = RegistryKey {
            origin: Digest::from_bytes([0x11; 32]),
            publisher: address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266"),
        };
        let head = b256!("69c8f661254ee2d3af396560d5d8b0d76e8c3eb9af5b91b85647adc1a32e533b");
        let root = b256!("69c8f661254ee2d3af396560d5d8b0d76e8c3eb9af5b91b85647adc1a32e533c");
        assert_eq!(key.slots(), [head, root]);
    }
}
