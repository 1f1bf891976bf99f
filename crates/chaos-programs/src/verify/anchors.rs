//! Reading what shows an anchor: of either form, each as its proof says it.

use chaos_agency::action;
use chaos_chains::{Address, AnchorFact, AnchorProof, B256, REGISTRY, RegistryKey, RegistryProof};
use chaos_log::Checkpoint;
use chaos_types::{Check, Rejection};
use chaos_verify::Fault;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// What a chain's proof says of the checkpoint, which is what the operator signed about it.
pub(super) fn read(
    proof: &Value,
    anchor: &action::Anchor,
    checkpoint: &Checkpoint,
) -> Result<AnchorFact, Rejection> {
    if let Some(publisher) = &anchor.publisher {
        return by_storage(proof, anchor, publisher, checkpoint);
    }
    let proof: AnchorProof = parse(proof)?;
    let fact = proof.verify(checkpoint.size(), *checkpoint.root().as_bytes());
    let fact =
        fact.map_err(|error| Rejection::caused(Check::Anchor, Fault::AnchorProofInvalid, &error))?;
    ensure_signed(&fact, anchor)?;
    Ok(fact)
}

/// What the storage of the registry says.
fn by_storage(
    proof: &Value,
    anchor: &action::Anchor,
    publisher: &str,
    checkpoint: &Checkpoint,
) -> Result<AnchorFact, Rejection> {
    let reject = |fault: Fault, reason| Rejection::new(Check::Anchor, fault, reason);
    let proof: RegistryProof = parse(proof)?;
    let publisher: Address = publisher.parse().map_err(|_| {
        let reason = format!("publisher `{}` is no account", publisher.escape_debug());
        reject(Fault::AnchorProofInvalid, reason)
    })?;
    let held = proof
        .verify(&RegistryKey::of(checkpoint.origin(), publisher))
        .map_err(|error| Rejection::caused(Check::Anchor, Fault::AnchorProofInvalid, &error))?;
    if (held.size, held.root) != (checkpoint.size(), *checkpoint.root().as_bytes()) {
        let reason = format!(
            "after the block the registry holds {} entries with root {:x}",
            held.size,
            B256::from(held.root)
        );
        return Err(reject(Fault::AnchorProofInvalid, reason));
    }
    let fact = AnchorFact {
        chain: anchor.chain.clone(),
        contract: REGISTRY,
        block_number: held.block_number,
        block_hash: held.block_hash,
        transaction_hash: None,
        timestamp_s: held.timestamp_s,
    };
    // Which transaction it was is the operator's word.
    ensure_signed(&fact, &action::Anchor { transaction: None, ..anchor.clone() })?;
    Ok(fact)
}

fn shown(hash: Option<B256>) -> String {
    hash.map(|hash| format!("{hash:#x}")).unwrap_or_default()
}

/// Whatever the operator signed about the anchor must be what the proof shows.
pub(super) fn ensure_signed(fact: &AnchorFact, anchor: &action::Anchor) -> Result<(), Rejection> {
    for (field, found, signed) in [
        ("chain", fact.chain.to_string(), anchor.chain.to_string()),
        ("contract", format!("{:#x}", fact.contract), anchor.contract.clone()),
        ("block", fact.block_number.to_string(), anchor.block_number.to_string()),
        ("block hash", format!("{:#x}", fact.block_hash), anchor.block_hash.clone()),
        (
            "transaction",
            shown(fact.transaction_hash),
            anchor.transaction.clone().unwrap_or_default(),
        ),
    ] {
        if found != signed {
            return Err(Rejection::new(
                Check::Anchor,
                Fault::AnchorProofOther,
                format!("the proof shows {field} {found}, the operator signed {signed}"),
            ));
        }
    }
    Ok(())
}

/// Reads a proof, which must be spelled as this program spells it: nothing signs the proof, so any
/// second spelling would be a byte of the bundle that can change unnoticed.
pub(super) fn parse<T: Serialize + DeserializeOwned>(given: &Value) -> Result<T, Rejection> {
    let reject =
        |reason: String| Rejection::new(Check::Anchor, Fault::AnchorProofMalformed, reason);
    let proof: T = serde_json::from_value(given.clone())
        .map_err(|error| reject(format!("anchor proof: {error}")))?;
    let ours =
        serde_json::to_value(&proof).map_err(|error| reject(format!("anchor proof: {error}")))?;
    if ours != *given {
        return Err(reject(
            "anchor proof: expected an object with one member per field".to_owned(),
        ));
    }
    Ok(proof)
}
