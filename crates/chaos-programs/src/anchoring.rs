//! Writing a log's checkpoint to a chain.

use chaos_agency::{
    Action, Evidence,
    action::{self, DeclareAnchoring},
};
use chaos_chains::{Address, B256, EvmChain, REGISTRY, RegistryKey, Signer, sending::Reached};
use chaos_ledger::{Ledger, NewEntry};
use chaos_log::SignedCheckpoint;
use chaos_store::Records as _;
use chaos_types::{Digest, canonical, dsse::Envelope};
use chaos_verify::Anchored;
use serde_json::Value;

use crate::Error;

/// Where a checkpoint is written, and by whom.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The chain.
    pub chain: &'a EvmChain,
    /// What holds it there.
    pub holder: Holder,
    /// The account that may anchor there.
    pub signer: &'a Signer,
}

/// What holds a log's checkpoints on a chain.
#[derive(Debug, Clone, Copy)]
pub enum Holder {
    /// The registry, under the key of the log and a publisher.
    Registry(RegistryKey),
    /// A `CheckpointAnchor` contract of the log's own, as the first anchors have it.
    Own(Address),
}

impl Holder {
    /// The contract.
    #[must_use]
    pub const fn contract(&self) -> Address {
        match self {
            Self::Registry(_) => REGISTRY,
            Self::Own(contract) => *contract,
        }
    }

    /// Whose checkpoints of the log the registry holds.
    fn publisher(&self) -> Option<String> {
        match self {
            Self::Registry(key) => Some(format!("{:#x}", key.publisher)),
            Self::Own(_) => None,
        }
    }
}

impl Place<'_> {
    /// What the log declares to be anchored here; nothing for a contract of its own, whose publisher is in its code.
    #[must_use]
    pub fn declaration(&self) -> Option<DeclareAnchoring> {
        Some(DeclareAnchoring {
            chain: self.chain.chain_id().clone(),
            contract: format!("{:#x}", self.holder.contract()),
            publisher: self.holder.publisher()?,
        })
    }
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
    proof: Value,
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
    let written = write(size, root, place).await?;
    let Recorded { body, receipt, anchored, .. } = record(ledger, written, Some(&checkpoint))?;
    Ok(Anchoring { checkpoint, body, receipt, anchored })
}

/// Writes a published checkpoint to the chain and proves that it is there, once that is as sure as the chain's outbox
/// asks for. That takes its time, and the ledger is not needed meanwhile.
///
/// # Errors
/// If the chain refuses, or does not show the anchor.
pub async fn write(size: u64, root: [u8; 32], place: &Place<'_>) -> Result<Written, Error> {
    let Place { chain, holder, signer } = *place;
    let shown = match &holder {
        Holder::Registry(key) => {
            let held = chain.register_checkpoint(signer, key, size, root).await?;
            Shown {
                publisher: holder.publisher(),
                transaction: held.transaction.map(|transaction| transaction.hash),
                block: (held.fact.block_number, held.fact.block_hash),
                reached: held.reached,
                proof: serde_json::to_value(&held.proof).map_err(Error::ProofJson)?,
            }
        }
        Holder::Own(contract) => {
            let written = chain.anchor_checkpoint(*contract, signer, size, root).await?;
            let proof = chain.anchor_proof(&written.transaction, *contract).await?;
            let fact = proof.verify(size, root).map_err(Error::AnchorProof)?;
            Shown {
                publisher: None,
                transaction: Some(written.transaction.hash),
                block: (fact.block_number, fact.block_hash),
                reached: written.reached,
                proof: serde_json::to_value(&proof).map_err(Error::ProofJson)?,
            }
        }
    };
    let Shown { publisher, transaction, block: (block_number, block_hash), reached, proof } = shown;
    let body = action::Anchor {
        chain: chain.chain_id().clone(),
        contract: format!("{:#x}", holder.contract()),
        publisher,
        shown_by: None,
        log_size: size,
        root: format!("{:x}", B256::from(root)),
        transaction: transaction.map(|hash| format!("{hash:#x}")),
        block_number,
        block_hash: format!("{block_hash:#x}"),
    };
    Ok(Written { body, proof, reached })
}

/// What a chain shows of an anchor.
struct Shown {
    publisher: Option<String>,
    transaction: Option<B256>,
    block: (u64, B256),
    reached: Reached,
    proof: Value,
}

/// Keeps what shows an anchor, if the head that was anchored is at hand, and logs the receipt of it. What another process
/// of the same log recorded meanwhile is not recorded again.
///
/// # Errors
/// If the log does not admit it.
pub fn record(
    ledger: &mut Ledger,
    written: Written,
    checkpoint: Option<&SignedCheckpoint>,
) -> Result<Recorded, Error> {
    let Written { mut body, proof, reached } = written;
    let key = ledger.operator_for(action::Anchor::KIND)?;
    if let Some((receipt, body)) = recorded(ledger, &body, checkpoint.is_some())? {
        let envelope = envelope(ledger, &receipt)?;
        return Ok(Recorded { body, receipt, anchored: Anchored { envelope, proof }, reached });
    }
    if let Some(checkpoint) = checkpoint {
        body.shown_by = Some(ledger.keep_anchor(checkpoint, proof.clone())?);
    }
    let receipt = ledger.record(NewEntry {
        agent: ledger.operator(),
        keys: vec![&key],
        parents: vec![],
        subjects: vec![],
        evidence: Evidence::None {},
        action: Action::Anchor(body.clone()),
    })?;
    let envelope = envelope(ledger, &receipt)?;
    Ok(Recorded { body, receipt, anchored: Anchored { envelope, proof }, reached })
}

/// A receipt as it is in the log.
fn envelope(ledger: &Ledger, receipt: &Digest) -> Result<Envelope, Error> {
    let entry = ledger.store().entry_by_digest(receipt).map_err(chaos_ledger::Error::from)?;
    let entry = entry.ok_or(chaos_ledger::Error::NoReceipt { receipt: *receipt })?;
    Ok(canonical::from_slice(&entry.record).map_err(chaos_ledger::Error::Record)?)
}

/// The receipt of the same anchor in the same block, where the log has one; without what shows it, it does not stand for
/// one that has that.
fn recorded(
    ledger: &Ledger,
    body: &action::Anchor,
    is_shown: bool,
) -> Result<Option<(Digest, action::Anchor)>, Error> {
    for index in (body.log_size..ledger.size()).rev() {
        let row = ledger.action(index)?.filter(|row| row.kind == action::Anchor::KIND);
        let Some(row) = row else { continue };
        let receipt = ledger.receipt(&row.receipt)?;
        let Some(Action::Anchor(before)) = receipt.as_ref().map(|it| &it.action) else { continue };
        let same = action::Anchor {
            transaction: before.transaction.clone(),
            shown_by: before.shown_by,
            ..body.clone()
        };
        if *before == same && (before.shown_by.is_some() || !is_shown) {
            return Ok(Some((row.receipt, same)));
        }
    }
    Ok(None)
}

/// Whether the log has to declare a place before it is anchored there. It never has to for a contract of its own.
///
/// # Errors
/// If the log cannot be read. [`Error::DeclaredElsewhere`] if it declares another place, unless that is to change.
pub fn is_undeclared(
    ledger: &Ledger,
    place: &Place<'_>,
    is_to_change: bool,
) -> Result<bool, Error> {
    let Some(declared) = ledger.declaration(ledger.size())? else {
        return Ok(place.declaration().is_some());
    };
    let is_there = match place.declaration() {
        Some(body) if is_to_change => return Ok(body != declared.body),
        Some(body) => body == declared.body,
        None => {
            let contract = format!("{:#x}", place.holder.contract());
            (&declared.body.chain, &declared.body.contract) == (place.chain.chain_id(), &contract)
        }
    };
    if is_there { Ok(false) } else { Err(Error::DeclaredElsewhere(Box::new(declared))) }
}

/// What stands in a log behind the newest head that was anchored in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct News {
    /// The size of that head, as the log says; 0 if there is none.
    pub anchored: u64,
    /// Entries behind it that are no receipts of anchors.
    pub entries: u64,
}

/// What the log has to anchor there. The receipts of anchors are no news, or each would ask for the next.
///
/// # Errors
/// If the log cannot be read.
pub fn news(ledger: &Ledger, place: &Place<'_>) -> Result<News, Error> {
    let anchored = newest(ledger, place)?;
    let mut entries = 0;
    for index in anchored..ledger.size() {
        let kind = ledger.action(index)?.map(|row| row.kind);
        entries += u64::from(kind.as_deref() != Some(action::Anchor::KIND));
    }
    Ok(News { anchored, entries })
}

/// Whether an account sent the head of the log as it stands and the log has no receipt of it: a command was stopped,
/// and nothing came after.
///
/// # Errors
/// If the journal or the log cannot be read.
pub fn is_under_way(ledger: &Ledger, place: &Place<'_>) -> Result<bool, Error> {
    let size = ledger.size();
    let is_sent = sent(place)?.iter().any(|(sent, _)| *sent == size);
    Ok(is_sent && newest(ledger, place)? < size)
}

/// What the journal says that an account sent to a place, as size and root.
fn sent(place: &Place<'_>) -> Result<Vec<(u64, [u8; 32])>, Error> {
    let Place { chain, holder, signer } = *place;
    Ok(match &holder {
        Holder::Registry(key) => chain.registrations_sent(key, signer.address())?,
        Holder::Own(contract) => chain.anchors_sent(*contract, signer.address())?,
    })
}

/// Checkpoints that an account sent to a contract and that the log has no receipt of, as size and root: of
/// commands that were stopped before the block stayed, while the log grew on.
///
/// # Errors
/// If the journal or the log cannot be read.
pub fn unlogged(ledger: &Ledger, place: &Place<'_>) -> Result<Vec<(u64, [u8; 32])>, Error> {
    let mut sent = sent(place)?;
    if !sent.is_empty() {
        let logged = newest(ledger, place)?;
        sent.retain(|(size, _)| *size > logged && *size < ledger.size());
    }
    Ok(sent)
}

/// The size of the newest checkpoint that the log says was anchored in a place; 0 if there is none.
fn newest(ledger: &Ledger, place: &Place<'_>) -> Result<u64, Error> {
    let contract = format!("{:#x}", place.holder.contract());
    let publisher = place.holder.publisher();
    for index in (0..ledger.size()).rev() {
        let row = ledger.action(index)?.filter(|row| row.kind == action::Anchor::KIND);
        let Some(row) = row else { continue };
        let receipt = ledger.receipt(&row.receipt)?;
        if let Some(Action::Anchor(anchor)) = receipt.as_ref().map(|it| &it.action)
            && (&anchor.contract, &anchor.publisher) == (&contract, &publisher)
            && anchor.chain == *place.chain.chain_id()
        {
            return Ok(anchor.log_size);
        }
    }
    Ok(0)
}
