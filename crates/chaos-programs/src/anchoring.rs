//! Writing a log's checkpoint to a chain.

use chaos_agency::{Action, Evidence, action};
use chaos_chains::{Address, AnchorProof, B256, EvmChain, Signer, sending::Reached};
use chaos_ledger::{Ledger, NewEntry};
use chaos_log::SignedCheckpoint;
use chaos_store::Records as _;
use chaos_types::{Digest, canonical};
use chaos_verify::Anchored;

use crate::Error;

/// Where a checkpoint is written, and by whom.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The chain.
    pub chain: &'a EvmChain,
    /// The `CheckpointAnchor` contract.
    pub contract: Address,
    /// The account that may anchor there.
    pub signer: &'a Signer,
}

/// A checkpoint that was written to a chain, and the receipt of it.
#[derive(Debug, Clone)]
pub struct Anchoring {
    /// The checkpoint.
    pub checkpoint: SignedCheckpoint,
    /// What the receipt says.
    pub body: action::Anchor,
    /// The receipt.
    pub receipt: Digest,
    /// What a bundle carries of it.
    pub anchored: Anchored,
}

/// A checkpoint on a chain, of which no receipt is logged yet.
#[derive(Debug, Clone)]
pub struct Written {
    body: action::Anchor,
    proof: AnchorProof,
    reached: Reached,
}

/// The receipt of an anchor.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// What it says.
    pub body: action::Anchor,
    /// Its digest.
    pub receipt: Digest,
    /// What a bundle carries of it.
    pub anchored: Anchored,
    /// How sure the anchor was when it was last looked at.
    pub reached: Reached,
}

/// Writes a published checkpoint to the chain, proves that the block holds it, and logs a receipt.
///
/// # Errors
/// If the log would not admit the receipt, nothing is paid for then; if the chain refuses, or its
/// block does not prove the anchor.
pub async fn anchor(
    ledger: &mut Ledger,
    checkpoint: SignedCheckpoint,
    place: &Place<'_>,
) -> Result<Anchoring, Error> {
    ledger.operator_for(action::Anchor::KIND)?;
    let (size, root) = (checkpoint.claimed().size(), *checkpoint.claimed().root().as_bytes());
    let Recorded { body, receipt, anchored, .. } = record(ledger, write(size, root, place).await?)?;
    Ok(Anchoring { checkpoint, body, receipt, anchored })
}

/// Writes a published checkpoint to the chain and proves that the block holds it, once that is as sure as
/// the chain's outbox asks for. That takes its time, and the ledger is not needed meanwhile.
///
/// # Errors
/// If the chain refuses, or its block does not prove the anchor.
pub async fn write(size: u64, root: [u8; 32], place: &Place<'_>) -> Result<Written, Error> {
    let Place { chain, contract, signer } = *place;
    let written = chain.anchor_checkpoint(contract, signer, size, root).await?;
    let proof = chain.anchor_proof(&written.transaction, contract).await?;
    let fact = proof.verify(size, root).map_err(Error::AnchorProof)?;
    let body = action::Anchor {
        chain: chain.chain_id().clone(),
        contract: format!("{contract:#x}"),
        log_size: size,
        root: format!("{:x}", B256::from(root)),
        transaction: format!("{:#x}", written.transaction.hash),
        block_number: fact.block_number,
        block_hash: format!("{:#x}", fact.block_hash),
    };
    Ok(Written { body, proof, reached: written.reached })
}

/// Logs the receipt of what was written.
///
/// # Errors
/// If the log does not admit it.
pub fn record(ledger: &mut Ledger, written: Written) -> Result<Recorded, Error> {
    let Written { body, proof, reached } = written;
    let key = ledger.operator_for(action::Anchor::KIND)?;
    let receipt = ledger.record(NewEntry {
        agent: ledger.operator(),
        keys: vec![&key],
        parents: vec![],
        subjects: vec![],
        evidence: Evidence::None {},
        action: Action::Anchor(body.clone()),
    })?;
    let entry = ledger.store().entry_by_digest(&receipt).map_err(chaos_ledger::Error::from)?;
    let entry = entry.ok_or(chaos_ledger::Error::NoReceipt { receipt })?;
    let anchored = Anchored {
        envelope: canonical::from_slice(&entry.record).map_err(chaos_ledger::Error::Record)?,
        proof: serde_json::to_value(&proof).map_err(Error::ProofJson)?,
    };
    Ok(Recorded { body, receipt, anchored, reached })
}

/// Checkpoints that an account sent to a contract and that the log has no receipt of, as size and root: of
/// commands that were stopped before the block stayed, while the log grew on.
///
/// # Errors
/// If the journal or the log cannot be read.
pub fn unlogged(
    ledger: &Ledger,
    chain: &EvmChain,
    contract: Address,
    account: Address,
) -> Result<Vec<(u64, [u8; 32])>, Error> {
    let mut sent = chain.anchors_sent(contract, account)?;
    if !sent.is_empty() {
        let logged = newest(ledger, contract)?;
        sent.retain(|(size, _)| *size > logged && *size < ledger.size());
    }
    Ok(sent)
}

/// The size of the newest checkpoint that the log says was anchored in a contract; 0 if there is none.
fn newest(ledger: &Ledger, contract: Address) -> Result<u64, Error> {
    let contract = format!("{contract:#x}");
    for index in (0..ledger.size()).rev() {
        let row = ledger.action(index)?.filter(|row| row.kind == action::Anchor::KIND);
        let Some(row) = row else { continue };
        let receipt = ledger.receipt(&row.receipt)?;
        if let Some(Action::Anchor(anchor)) = receipt.as_ref().map(|it| &it.action)
            && anchor.contract == contract
        {
            return Ok(anchor.log_size);
        }
    }
    Ok(0)
}
