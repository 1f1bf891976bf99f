//! The registry of checkpoints: one contract at one address on every chain.

use alloy_primitives::{Address, B256, Bytes, TxKind, address, b256, keccak256};
use chaos_types::Digest;
use serde_json::json;

use super::{Act, EvmChain, TxSummary};
use crate::{Error, Signer, contracts::checkpoint_registry::CheckpointRegistry, sending::Finality};

/// Where the `CheckpointRegistry` is, on every chain that has it.
pub(super) const REGISTRY: Address = address!("81cEe7A3281247cEf7E07d84eb543555a04A8A97");
/// Keccak-256 of the code that is there.
pub(super) const REGISTRY_CODE_HASH: B256 =
    b256!("ed59a5f99956e5157204c98145761ec283d2501ca16f6e59fcad6f7970434409");

/// The deterministic deployer, which most chains have: it hands a salt and init code to CREATE2.
pub(super) const DEPLOYER: Address = address!("4e59b44847b379578588920cA78FbF26c0B4956C");
/// What the salt is the Keccak-256 of.
const SALT: &str = "ChaosChain CheckpointRegistry 1";

/// Whose checkpoints of which log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistryKey {
    /// SHA-256 of the log's origin line.
    pub origin: Digest,
    /// The account that anchored first. It names the key for ever, whoever writes under it.
    pub publisher: Address,
}

/// Who may anchor under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistryWriter {
    /// The only account that may.
    pub writer: Address,
    /// The account that may take over.
    pub proposed: Option<Address>,
}

impl RegistryKey {
    fn words(&self) -> (B256, Address) {
        (B256::from(*self.origin.as_bytes()), self.publisher)
    }
}

impl EvmChain {
    /// Whether the chain has the registry.
    ///
    /// # Errors
    /// [`Error::Malformed`] if there is other code at its address.
    pub async fn has_registry(&self) -> Result<bool, Error> {
        let code: Bytes = self.rpc.request("eth_getCode", json!([REGISTRY, "latest"])).await?;
        let found = keccak256(&code);
        if code.is_empty() || found == REGISTRY_CODE_HASH {
            return Ok(!code.is_empty());
        }
        let reason =
            format_args!("expected code {REGISTRY_CODE_HASH} at {REGISTRY}, found {found}");
        Err(Error::malformed("eth_getCode", reason))
    }

    /// Puts the registry on the chain if it is not there yet. Anyone may, and gets no right by it.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if the chain lacks the deterministic deployer.
    pub async fn deploy_registry(&self, from: &Signer) -> Result<Option<TxSummary>, Error> {
        if self.has_registry().await? {
            return Ok(None);
        }
        let act = self.deployment().await?;
        let mined = self.act(from, act, Finality::IN_A_BLOCK).await?;
        if self.has_registry().await? {
            return Ok(Some(mined.summary));
        }
        let reason = format_args!("the deployer left no code at {REGISTRY}");
        Err(Error::malformed("CheckpointRegistry", reason))
    }

    /// What puts the registry on a chain that has the deterministic deployer.
    pub(super) async fn deployment(&self) -> Result<Act, Error> {
        let deployer: Bytes = self.rpc.request("eth_getCode", json!([DEPLOYER, "latest"])).await?;
        if deployer.is_empty() {
            return Err(Error::Unsupported {
                url: self.url().to_owned(),
                capability: "the deterministic deployer at 0x4e59b44847b379578588920cA78FbF26c0B4956C",
            });
        }
        let input = [keccak256(SALT).as_slice(), &CheckpointRegistry::BYTECODE].concat();
        let input = Bytes::from(input);
        Ok(Act { what: "CheckpointRegistry", to: TxKind::Call(DEPLOYER), input })
    }

    /// Anchors a checkpoint in the registry. The same as the newest one again does nothing.
    ///
    /// # Errors
    /// [`Error::Reverted`] with `NotWriter`, `SizeBelowLatest`, `RootConflict` or `EmptyCheckpoint`.
    pub async fn register_checkpoint(
        &self,
        from: &Signer,
        key: &RegistryKey,
        size: u64,
        root: [u8; 32],
    ) -> Result<TxSummary, Error> {
        let (origin, publisher) = key.words();
        let call = CheckpointRegistry::anchorCall { origin, publisher, size, root: root.into() };
        Ok(self.send_call(from, REGISTRY, call).await?.summary)
    }

    /// The newest checkpoint under a key as (size, root); none before the first.
    ///
    /// # Errors
    /// As every read.
    pub async fn registered(&self, key: &RegistryKey) -> Result<Option<(u64, [u8; 32])>, Error> {
        let (origin, publisher) = key.words();
        let latest =
            self.call(REGISTRY, CheckpointRegistry::latestCall { origin, publisher }).await?;
        Ok((latest.size > 0).then_some((latest.size, latest.root.0)))
    }

    /// Who writes under a key.
    ///
    /// # Errors
    /// As every read.
    pub async fn registry_writer(&self, key: &RegistryKey) -> Result<RegistryWriter, Error> {
        let (origin, publisher) = key.words();
        let call = CheckpointRegistry::writerOfCall { origin, publisher };
        let found = self.call(REGISTRY, call).await?;
        let proposed = (!found.proposed.is_zero()).then_some(found.proposed);
        Ok(RegistryWriter { writer: found.writer, proposed })
    }

    /// Names who is to write under a key; nobody takes an earlier name back.
    ///
    /// # Errors
    /// [`Error::Reverted`] with `NotWriter`.
    pub async fn propose_registry_writer(
        &self,
        from: &Signer,
        key: &RegistryKey,
        writer: Option<Address>,
    ) -> Result<TxSummary, Error> {
        let (origin, publisher) = key.words();
        let writer = writer.unwrap_or_default();
        let call = CheckpointRegistry::proposeWriterCall { origin, publisher, writer };
        Ok(self.send_call(from, REGISTRY, call).await?.summary)
    }

    /// Takes over writing under a key.
    ///
    /// # Errors
    /// [`Error::Reverted`] with `NotProposed`.
    pub async fn accept_registry_writer(
        &self,
        from: &Signer,
        key: &RegistryKey,
    ) -> Result<TxSummary, Error> {
        let (origin, publisher) = key.words();
        let call = CheckpointRegistry::acceptWriterCall { origin, publisher };
        Ok(self.send_call(from, REGISTRY, call).await?.summary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is published follows from the artifact alone.
    #[test]
    fn the_address_is_that_of_the_committed_code() {
        let init_code_hash = keccak256(&CheckpointRegistry::BYTECODE);
        assert_eq!(DEPLOYER.create2(keccak256(SALT), init_code_hash), REGISTRY);
        assert_eq!(keccak256(&CheckpointRegistry::DEPLOYED_BYTECODE), REGISTRY_CODE_HASH);
    }
}
