//! The delegations of a log's root key, with their proofs.

use std::collections::BTreeMap;

use chaos_agency::{Key, Leaf, action::Role};
use chaos_log::{ProveError, SignedCheckpoint, VerifierKey, map, prove_inclusion};
use chaos_store::{Records as _, Store};
use chaos_types::{Did, canonical};
use chaos_verify::{Delegated, Delegations, KEYS_FORMAT, LogKeys, Placed};

use super::{Prove, Then, row_proofs};
use crate::{Error, delegating::succession, tables::unreadable};

/// The delegations under a checkpoint, and the rows which say that these count and that there are no
/// others.
pub(crate) struct Held {
    entries: Vec<Delegated>,
    rows: BTreeMap<Key, Option<Vec<u8>>>,
}

impl Held {
    /// Those under a checkpoint of this size, if there are any.
    pub(crate) fn under(store: &Store, root: Did, size: u64) -> Result<Option<Self>, Error> {
        let (mut indices, mut rows) = (Vec::new(), BTreeMap::new());
        for role in Role::ALL {
            let mut number = 1;
            for delegation in succession(store, root, role)?.delegations() {
                if delegation.index < size {
                    indices.push(delegation.index);
                    let (key, row) = delegation.row();
                    rows.insert(key, Some(row));
                    number += 1;
                }
            }
            rows.insert(Key::delegation(role, number), None);
        }
        indices.sort_unstable();
        let entries = indices.into_iter().map(|index| delegated(store, index, size));
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        Ok(if entries.is_empty() { None } else { Some(Self { entries, rows }) })
    }

    /// With the proofs of their rows under a root of the state.
    pub(super) fn proved(&self, prove: &Prove<'_>) -> Result<Delegations, Error> {
        let rows = self.rows.iter().map(|(key, value)| (key, value.as_deref()));
        Ok(Delegations { entries: self.entries.clone(), rows: row_proofs(rows, prove)? })
    }
}

fn delegated(store: &Store, index: u64, size: u64) -> Result<Delegated, Error> {
    let entry = store.entry(index)?.ok_or(Error::Prove(ProveError::Index { index, size }))?;
    Ok(Delegated {
        envelope: canonical::from_slice(&entry.record).map_err(Error::Record)?,
        place: placed(store, index, size)?,
    })
}

/// The file that says who signs for the log that `store` holds, under a checkpoint; none if its root key
/// has every role. The store has the map of that checkpoint.
///
/// # Errors
/// If the store fails, or does not hold what the checkpoint stands for.
pub fn log_keys(
    store: &Store,
    root: &VerifierKey,
    checkpoint: &SignedCheckpoint,
) -> Result<Option<Vec<u8>>, Error> {
    let did = Did::from_public_bytes(root.public()).expect("a verifier key is a curve point");
    let size = checkpoint.claimed().size();
    let Some(held) = Held::under(store, did, size)? else { return Ok(None) };
    let edge = placed(store, size - 1, size)?;
    let state = edge.leaf.state.unwrap_or(map::EMPTY);
    let then = Then { store, size };
    let file = LogKeys {
        format: KEYS_FORMAT.to_owned(),
        log: root.to_string(),
        checkpoint: checkpoint.to_string(),
        edge,
        keys: held.proved(&|key| map::prove_grouped(&then, &state, key).map_err(unreadable))?,
    };
    file.to_bytes().map(Some).map_err(Error::Bundle)
}

fn placed(store: &Store, index: u64, size: u64) -> Result<Placed, Error> {
    let entry = store.entry(index)?.ok_or(Error::Prove(ProveError::Index { index, size }))?;
    let leaf = Leaf::from_bytes(&entry.leaf).map_err(Error::Leaf)?;
    let proof = prove_inclusion(store, index, size).map_err(Error::Prove)?;
    Ok(Placed::new(leaf, &proof))
}
