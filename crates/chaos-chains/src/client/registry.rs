//! The registry of checkpoints: one contract at one address on every chain.

mod proving;

use alloy_primitives::Address;
use alloy_sol_types::SolCall as _;

use super::{Act, EvmChain, Plan, TxSummary};
use crate::{
    Contract, Error, RegistryProof, Signer,
    contracts::checkpoint_registry::CheckpointRegistry,
    error::RegistryRefusal,
    registry::RegistryKey,
    registry_proof::RegistryFact,
    sending::{Fees, Finality, Reached},
};

pub(super) use crate::registry::{REGISTRY, REGISTRY_CODE_HASH};

/// What the act of anchoring is called.
const ANCHORING: &str = "CheckpointRegistry.anchor";

/// How often an anchor is proved anew whose block a reorganisation took.
const PROOFS_MAX: usize = 16;

/// A checkpoint that the registry holds in a block that is as sure as was asked for.
#[derive(Debug, Clone)]
pub struct Registered {
    /// The transaction that anchored it; none if the registry held it before.
    pub transaction: Option<TxSummary>,
    /// What shows it.
    pub proof: RegistryProof,
    /// What the proof says.
    pub fact: RegistryFact,
    /// How sure it was when it was last looked at.
    pub reached: Reached,
}

/// Who may anchor under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistryWriter {
    /// The only account that may.
    pub writer: Address,
    /// The account that may take over.
    pub proposed: Option<Address>,
}

impl EvmChain {
    /// Anchors a checkpoint in the registry, and proves it from a block that is as sure as the outbox asks for. If
    /// the registry holds it already, nothing is sent, so this may be repeated after a crash, and by another process.
    ///
    /// # Errors
    /// [`Error::Registry`] if the registry holds what a checkpoint of this log cannot follow, or the account may not
    /// write there.
    pub async fn register_checkpoint(
        &self,
        from: &Signer,
        key: &RegistryKey,
        size: u64,
        root: [u8; 32],
    ) -> Result<Registered, Error> {
        let act = registering(key, size, root);
        let until = self.outbox()?.until;
        let mut attempt = 0;
        loop {
            attempt += 1;
            // What the journal knows is gone on with, whatever the registry holds by now.
            let is_sent = self.sent(from.address(), &act)?.is_some();
            let is_to_send = is_sent || !self.is_registered(from, key, size, root).await?;
            let mut transaction = None;
            if is_to_send {
                transaction =
                    Some(self.act(from, act.clone(), Finality::IN_A_BLOCK).await?.summary);
            }
            let at = transaction.map(|included| included.block_number);
            // Now, since nodes forget what the state was some blocks ago.
            let (proof, fact) = self.prove_registered(key, size, root, at).await?;
            if is_to_send {
                transaction = Some(self.act(from, act.clone(), until).await?.summary);
            }
            match self.settle_block(fact.block_number, fact.block_hash, until).await {
                Ok(reached) => return Ok(Registered { transaction, proof, fact, reached }),
                Err(Error::BlockLeft { .. }) if attempt < PROOFS_MAX => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether the registry holds a checkpoint as the newest one of its key. Refuses if the account could not
    /// anchor it.
    async fn is_registered(
        &self,
        from: &Signer,
        key: &RegistryKey,
        size: u64,
        root: [u8; 32],
    ) -> Result<bool, Error> {
        let publisher = key.publisher;
        match self.registered(key).await? {
            Some((held, found)) if held == size && found == root => return Ok(true),
            Some((held, found)) if held == size => {
                return Err(RegistryRefusal::Conflict { size, root, found }.into());
            }
            Some((held, _)) if held > size => {
                return Err(RegistryRefusal::Ahead { size, held, publisher }.into());
            }
            Some(_) | None => {}
        }
        self.ensure_writer(from.address(), key).await.map(|()| false)
    }

    async fn ensure_writer(&self, account: Address, key: &RegistryKey) -> Result<(), Error> {
        let writer = self.registry_writer(key).await?.writer;
        if writer == account {
            return Ok(());
        }
        let publisher = key.publisher;
        Err(RegistryRefusal::Writer { account, writer, publisher }.into())
    }

    /// Looks for everything that anchoring in the registry and its proof need, before anything is paid: EIP-1559, the
    /// methods that are asked later, that what the node proves is what its headers say, and that the account may
    /// write. Says whether the registry is there.
    ///
    /// # Errors
    /// [`Error::Unsupported`] names what is missing.
    pub async fn ensure_registrable(
        &self,
        account: Address,
        key: &RegistryKey,
    ) -> Result<bool, Error> {
        let quote = self.quote().await?;
        Fees::choose(&quote, &self.outbox()?.cap)?;
        self.ensure_state_provable(key).await?;
        let is_there = self.has_registry().await?;
        if is_there {
            self.ensure_writer(account, key).await?;
        }
        Ok(is_there)
    }

    /// What anchoring a checkpoint would send, with the registry first if it is not there yet. Nothing is signed or
    /// written. Nothing, if the checkpoint is anchored or under way.
    ///
    /// # Errors
    /// As [`EvmChain::ensure_registrable`] and everything that is looked at before something is paid.
    pub async fn plan_register(
        &self,
        from: &Signer,
        key: &RegistryKey,
        size: u64,
        root: [u8; 32],
    ) -> Result<Vec<Plan>, Error> {
        let account = from.address();
        self.ensure_one_chain(self.outbox()?, account)?;
        let act = registering(key, size, root);
        if self.ensure_registrable(account, key).await? {
            if self.sent(account, &act)?.is_some()
                || self.is_registered(from, key, size, root).await?
            {
                return Ok(Vec::new());
            }
            return Ok(vec![self.plan(account, &act).await?]);
        }
        let mut plans = Vec::new();
        let deployment = self.deployment(Contract::CheckpointRegistry).await?;
        let nonce = match self.sent(account, &deployment)? {
            Some(deploy) => deploy.nonce,
            None => {
                let plan = self.plan(account, &deployment).await?;
                let nonce = plan.nonce;
                plans.push(plan);
                nonce
            }
        };
        let mut plan = self.priced(account, &act, act.gas_max).await?;
        plan.nonce = nonce + 1;
        plans.push(plan);
        Ok(plans)
    }

    /// Nothing keeps this account from anchoring a head of this size in the registry: neither the registry, nor the
    /// journal, nor fees, caps and coins, nor a node that has no method for transactions, nor a remote signer. For what cannot be taken back and comes before the head is known.
    ///
    /// # Errors
    /// What does.
    pub async fn ensure_registering(
        &self,
        from: &Signer,
        key: &RegistryKey,
        size: u64,
    ) -> Result<(), Error> {
        self.go_on(Some(from)).await?;
        // A root without zero bytes costs most.
        let act = registering(key, size, [0xff; 32]);
        self.ensure_signable(from.address(), &act).await?;
        self.ensure_hands_in().await?;
        Ok(from.ensure_signs(self.number, REGISTRY, act.input.clone()).await?)
    }

    /// The checkpoints that the journal says this account sent to the registry under a key, as size and root, by
    /// size, without those that were cancelled or replaced.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub fn registrations_sent(
        &self,
        key: &RegistryKey,
        from: Address,
    ) -> Result<Vec<(u64, [u8; 32])>, Error> {
        let sent = self.sent_to(REGISTRY, from)?;
        let calls = sent
            .iter()
            .filter_map(|input| CheckpointRegistry::anchorCall::abi_decode(input).ok())
            .filter(|call| (call.origin, call.publisher) == key.words());
        let mut registered: Vec<_> = calls.map(|call| (call.size, call.root.0)).collect();
        registered.sort_unstable();
        registered.dedup();
        Ok(registered)
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

/// The call that anchors a checkpoint.
fn registering(key: &RegistryKey, size: u64, root: [u8; 32]) -> Act {
    let (origin, publisher) = key.words();
    let call = CheckpointRegistry::anchorCall { origin, publisher, size, root: root.into() };
    Act { what: ANCHORING, ..Act::call(REGISTRY, &call) }
}
