//! The delegations of a log's root key, with their proofs.

use std::collections::BTreeMap;

use chaos_agency::{Key, Leaf, action::Role};
use chaos_log::{ProveError, prove_inclusion};
use chaos_store::Records;
use chaos_types::{Did, canonical};
use chaos_verify::{Delegated, Delegations, Placed};

use super::{Prove, row_proofs};
use crate::{Error, delegating::succession};

/// The delegations under a checkpoint, and the rows which say that these count and that there are no
/// others.
pub(crate) struct Held {
    entries: Vec<Delegated>,
    rows: BTreeMap<Key, Option<Vec<u8>>>,
}

impl Held {
    /// Those under a checkpoint of this size, if there are any.
    pub(crate) fn under<R: Records>(
        store: &R,
        root: Did,
        size: u64,
    ) -> Result<Option<Self>, Error> {
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

fn delegated<R: Records>(store: &R, index: u64, size: u64) -> Result<Delegated, Error> {
    let entry = store.entry(index)?.ok_or(Error::Prove(ProveError::Index { index, size }))?;
    let leaf = Leaf::from_bytes(&entry.leaf).map_err(Error::Leaf)?;
    let proof = prove_inclusion(store, index, size).map_err(Error::Prove)?;
    Ok(Delegated {
        envelope: canonical::from_slice(&entry.record).map_err(Error::Record)?,
        place: Placed::new(leaf, &proof),
    })
}
