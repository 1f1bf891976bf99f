//! Making bundles from a data directory.

use chaos_agency::Leaf;
use chaos_agency::{
    Attachments, Bundle,
    bundle::{Anchored, FORMAT, Logged, named_digests},
};
use chaos_log::{SignedCheckpoint, TlogProof, prove_inclusion};
use chaos_store::{Blobs as _, Entry, Records as _};
use chaos_types::{Digest, canonical, dsse::Envelope};

use crate::{
    exit::{Failure, Kind, OrFail as _},
    home::Home,
};

/// Inputs and outputs larger than this stay outside the bundle: 256 KiB.
const ATTACHMENT_BYTES_MAX: usize = 256 << 10;

/// The bytes of the bundle that proves `receipt` under `checkpoint`.
pub(crate) fn build(
    home: &Home,
    receipt: &Digest,
    checkpoint: &SignedCheckpoint,
    anchor: Option<Anchored>,
) -> Result<Vec<u8>, Failure> {
    let missing = || Failure::message(Kind::Input, format!("no receipt {receipt} in this log"));
    let entry =
        home.store().entry_by_digest(receipt).or_fail(Kind::Storage)?.ok_or_else(missing)?;
    let subject = home.views().receipt(receipt).ok_or_else(missing)?;
    let mut history = Vec::new();
    for (index, row) in home.views().actions().range(..entry.index) {
        let managing = matches!(row.kind.as_str(), "register" | "update" | "rotate_key" | "revoke");
        if managing && row.agent == subject.agent {
            let earlier = home.store().entry(*index).or_fail(Kind::Storage)?.ok_or_else(missing)?;
            history.push(logged(home, &earlier, checkpoint)?);
        }
    }
    let mut attachments = Attachments::default();
    for digest in named_digests(subject) {
        if home.store().blobs().has(&digest).or_fail(Kind::Storage)? {
            let bytes = home.store().blobs().get(&digest).or_fail(Kind::Storage)?;
            if bytes.len() <= ATTACHMENT_BYTES_MAX {
                attachments.insert(bytes);
            }
        }
    }
    Bundle {
        format: FORMAT.to_owned(),
        log: home.log_key()?.verifier().to_string(),
        receipt: logged(home, &entry, checkpoint)?,
        history,
        anchor,
        attachments: attachments.to_wire(),
    }
    .to_bytes()
    .or_fail(Kind::Check)
}

fn logged(home: &Home, entry: &Entry, checkpoint: &SignedCheckpoint) -> Result<Logged, Failure> {
    let envelope: Envelope = canonical::from_slice(&entry.record).or_fail(Kind::Storage)?;
    let size = checkpoint.claimed().size();
    let inclusion = prove_inclusion(home.store(), entry.index, size).or_fail(Kind::Storage)?;
    let proof = TlogProof::new(inclusion, checkpoint.clone()).or_fail(Kind::Storage)?;
    Ok(Logged {
        envelope,
        leaf: Leaf::from_bytes(&entry.leaf).or_fail(Kind::Storage)?,
        proof: proof.to_string(),
    })
}
