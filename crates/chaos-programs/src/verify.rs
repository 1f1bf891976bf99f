//! Verifying a bundle with everything that this project can check.

use chaos_agency::{Kinds, Receipt, action};
use chaos_chains::{AnchorFact, AnchorProof};
use chaos_log::{Checkpoint, VerifierKey};
use chaos_types::{Check, Digest, Rejection, Verified};
use chaos_verify::{Attachments, Fault, Options, ReadAnchor, Reexecute, Report};

use crate::{
    Progress,
    appraisal::Appraiser,
    reexecution::{Inputs, ensure_repeatable, reexecute},
};

/// What the reader of a bundle knows.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    /// The log that it trusts. Without it the bundle's own log key is used.
    pub log: Option<&'a VerifierKey>,
    /// The kinds of receipts that it knows.
    pub kinds: Kinds,
}

/// Verifies one bundle's bytes with everything that this project can check. Programs are run again if
/// `inputs` are given.
pub fn check(
    bytes: &[u8],
    reader: Reader<'_>,
    appraiser: &Appraiser,
    inputs: Option<&Inputs>,
    progress: &dyn Progress,
) -> Report {
    let reexecute = inputs.map(|inputs| Programs { inputs, progress });
    let options = Options {
        log: reader.log,
        kinds: reader.kinds,
        reexecute: reexecute.as_ref().map(|programs| programs as &dyn Reexecute),
        appraise: Some(appraiser),
        anchor: Some(&EvmProofs),
    };
    chaos_verify::verify(bytes, &options)
}

/// The programs of this release, with the inputs at hand.
struct Programs<'a> {
    inputs: &'a Inputs,
    progress: &'a dyn Progress,
}

impl Reexecute for Programs<'_> {
    fn ensure_repeatable(
        &self,
        receipt: &Verified<Receipt>,
        attachments: &Attachments,
    ) -> Result<(), Rejection> {
        ensure_repeatable(receipt, attachments).map(|_| ())
    }

    fn reexecute(
        &self,
        receipt: &Verified<Receipt>,
        attachments: &Attachments,
    ) -> Result<Digest, Rejection> {
        reexecute(receipt, attachments, self.inputs, self.progress)
    }
}

/// The anchor proofs of EVM chains.
struct EvmProofs;

impl ReadAnchor for EvmProofs {
    fn read_anchor(
        &self,
        proof: &serde_json::Value,
        anchor: &action::Anchor,
        checkpoint: &Checkpoint,
    ) -> Result<String, Rejection> {
        check_anchor(proof, anchor, checkpoint)
    }
}

/// The chain's proof must say what the operator's anchor receipt says.
fn check_anchor(
    given: &serde_json::Value,
    anchor: &action::Anchor,
    checkpoint: &Checkpoint,
) -> Result<String, Rejection> {
    let proof = parse_anchor_proof(given)?;
    let fact = proof
        .verify(checkpoint.size(), *checkpoint.root().as_bytes())
        .map_err(|error| Rejection::caused(Check::Anchor, Fault::AnchorProofInvalid, &error))?;
    ensure_signed(&fact, anchor)?;
    Ok(format!(
        "in block {} {} of {}, contract {}; compare that block's hash with the chain",
        fact.block_number, anchor.block_hash, fact.chain, anchor.contract
    ))
}

/// Whatever the operator signed about the anchor must be what the proof shows.
fn ensure_signed(fact: &AnchorFact, anchor: &action::Anchor) -> Result<(), Rejection> {
    for (field, found, signed) in [
        ("chain", fact.chain.to_string(), anchor.chain.to_string()),
        ("contract", format!("{:#x}", fact.contract), anchor.contract.clone()),
        ("block", fact.block_number.to_string(), anchor.block_number.to_string()),
        ("block hash", format!("{:#x}", fact.block_hash), anchor.block_hash.clone()),
        ("transaction", format!("{:#x}", fact.transaction_hash), anchor.transaction.clone()),
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
fn parse_anchor_proof(given: &serde_json::Value) -> Result<AnchorProof, Rejection> {
    let reject =
        |reason: String| Rejection::new(Check::Anchor, Fault::AnchorProofMalformed, reason);
    let proof: AnchorProof = serde_json::from_value(given.clone())
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

#[cfg(test)]
mod tests;
