//! The checkpoints that are kept, and what a disk has made of their lines.

use chaos_log::{Policy, SignedCheckpoint};
use chaos_store::{Records as _, Store};

use super::{Dropped, RepairError};
use crate::mirror::Signers;

/// Drops what a disk has made of kept checkpoints: the line that is false, where the key in force has signed all the
/// same, and otherwise the whole. What the log has signed is remembered elsewhere. Lines of the witnesses that `policy`
/// names are held against their keys as the log's own are, and the source's lines by them below the same tree are taken.
/// Answers the sizes, and whether a line of the log's own, or what it signs, was false.
pub(super) fn mend_falsified(
    store: &mut Store,
    dropped: &mut Dropped,
    signers: &Signers,
    (policy, found): (Option<&Policy>, &SignedCheckpoint),
) -> Result<(Vec<u64>, bool), RepairError> {
    let mut changed: Vec<(u64, Option<SignedCheckpoint>)> = Vec::new();
    let mut is_own_false = false;
    for kept in store.checkpoints()? {
        let size = kept.claimed().size();
        let of_policy = |kept| chaos_ledger::with_true_cosigners(kept, policy?);
        let cosigned = of_policy(&kept);
        if cosigned.is_none() && !signers.is_changed(&kept) {
            continue;
        }
        is_own_false |= signers.is_changed(&kept);
        let left = signers.of_the_log(&cosigned.unwrap_or(kept));
        changed.push((size, Some(left).filter(|left| signers.holds(left))));
    }
    dropped.remember(store, |note| {
        !changed.iter().any(|(size, _)| *size == note.size.cast_unsigned())
    })?;
    for (size, left) in &changed {
        store.replace_checkpoint(*size, left.as_ref())?;
    }
    if let Some(kept) = store.checkpoint()?.filter(|kept| kept.claimed() == found.claimed()) {
        let more = with_lines_of(kept.clone(), found, policy);
        if more != kept && signers.holds(&more) {
            store.replace_checkpoint(found.claimed().size(), Some(&more))?;
        }
    }
    Ok((changed.into_iter().map(|(size, _)| size).collect(), is_own_false))
}

/// Adds the lines by the policy's witnesses that hold below another note of the same tree.
fn with_lines_of(
    kept: SignedCheckpoint,
    found: &SignedCheckpoint,
    policy: Option<&Policy>,
) -> SignedCheckpoint {
    let mut left = kept;
    for known in policy.into_iter().flat_map(Policy::witnesses) {
        if !matches!(known.key.cosigned(&left), Ok(None))
            || !matches!(known.key.cosigned(found), Ok(Some(_)))
        {
            continue;
        }
        for line in found.note().signatures().iter().filter(|line| known.key.is_named_by(line)) {
            // A note that is full of lines has no place for more.
            let _added = left.add(line.clone());
        }
    }
    left
}
