use chaos_agency::Leaf;
use chaos_log::{SignedCheckpoint, TlogProof, prove_inclusion};
use chaos_store::{Blobs as _, Entry, Records as _};
use chaos_types::{Digest, canonical, dsse::Envelope};
use chaos_verify::{Anchored, Attachments, Bundle, FORMAT, Logged, Options, named_digests, verify};

use crate::{Error, Ledger};

/// Inputs and outputs larger than this stay outside the bundle: 256 KiB.
const ATTACHMENT_BYTES_MAX: usize = 256 << 10;

/// The bytes of the bundle that proves `receipt` under `checkpoint`.
///
/// # Errors
/// If the log holds no such receipt, the store fails, or what it holds does not verify.
pub fn bundle(
    ledger: &Ledger,
    receipt: &Digest,
    checkpoint: &SignedCheckpoint,
    anchor: Option<Anchored>,
) -> Result<Vec<u8>, Error> {
    let missing = || Error::NoReceipt { receipt: *receipt };
    let entry = ledger.store().entry_by_digest(receipt)?.ok_or_else(missing)?;
    let subject = ledger.receipt(receipt)?.ok_or_else(missing)?;
    let mut history = Vec::new();
    for index in ledger.registry_entries(&subject.agent)? {
        if index < entry.index {
            let earlier = ledger.store().entry(index)?.ok_or_else(missing)?;
            history.push(logged(ledger, &earlier, checkpoint)?);
        }
    }
    let mut attachments = Attachments::default();
    for digest in named_digests(&subject) {
        if ledger.store().blobs().has(&digest)? {
            let bytes = ledger.store().blobs().get(&digest)?;
            if bytes.len() <= ATTACHMENT_BYTES_MAX {
                attachments.insert(bytes);
            }
        }
    }
    let log = ledger.verifier()?;
    let bytes = Bundle {
        format: FORMAT.to_owned(),
        log: log.to_string(),
        receipt: logged(ledger, &entry, checkpoint)?,
        history,
        anchor,
        attachments: attachments.to_wire(),
    }
    .to_bytes()
    .map_err(Error::Bundle)?;
    // What is stored may have rotted since it was written; nothing goes out that others would refuse.
    let kinds = ledger.system().kinds;
    let options = Options { log: Some(&log), kinds, ..Options::default() };
    verify(&bytes, &options).result.map_err(Error::Unverified)?;
    Ok(bytes)
}

fn logged(ledger: &Ledger, entry: &Entry, checkpoint: &SignedCheckpoint) -> Result<Logged, Error> {
    let envelope: Envelope = canonical::from_slice(&entry.record).map_err(Error::Record)?;
    let size = checkpoint.claimed().size();
    let inclusion = prove_inclusion(ledger.store(), entry.index, size).map_err(Error::Prove)?;
    let proof = TlogProof::new(inclusion, checkpoint.clone()).map_err(Error::Proof)?;
    Ok(Logged {
        envelope,
        leaf: Leaf::from_bytes(&entry.leaf).map_err(Error::Leaf)?,
        proof: proof.to_string(),
    })
}
