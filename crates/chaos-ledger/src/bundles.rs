use std::collections::BTreeMap;

use chaos_agency::{
    Key, Leaf, Receipt, Shown,
    action::Role,
    shown::{Wanted, record},
};
use chaos_log::{
    InclusionProof, ProveError, SignedCheckpoint, TlogProof, VerifierKey,
    map::{self, Group, GroupId, GroupRead, ReadError},
    prove_inclusion,
};
use chaos_store::{Blobs as _, Entry, Records as _, Store, StoreError};
use chaos_types::{Digest, Verified, canonical, dsse::Envelope};
use chaos_verify::{
    Anchored, Attachments, Bundle, Delegations, FORMAT, Logged, Options, Placed, RowProof,
    STATE_FORMAT, StateBundle, named_digests, verify,
};

use self::delegations::Held;
pub use self::delegations::log_keys;
use crate::{Error, Ledger, anchoring::Declared, tables::unreadable};

mod delegations;

/// Inputs and outputs larger than this stay outside the bundle: 256 KiB.
const ATTACHMENT_BYTES_MAX: usize = 256 << 10;

/// The bytes of the bundle that proves `receipt` under `checkpoint`. Where the last entry under it states
/// the root of the state, the bundle shows the rows that the rules ask for; under an older checkpoint it
/// shows the agent's registry entries.
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
    let maker = Maker { ledger, checkpoint, size: checkpoint.claimed().size() };
    let last = maker.size.checked_sub(1).ok_or_else(missing)?;
    let edge = maker.leaf_at(last)?;
    let besides = Besides { anchor, attachments: attachments(ledger, &subject)? };
    let bytes = match edge.state {
        Some(root) => maker.by_state(&entry, &subject, &root, besides)?,
        None => maker.by_history(&entry, &subject, besides)?,
    };
    // What is stored may have rotted since it was written; nothing goes out that others would refuse.
    // Under the key that signed the head nothing has to be followed.
    let signer = ledger.succession(Role::Checkpoints)?.key_for(maker.size);
    let log = VerifierKey::new(ledger.name()?, signer.as_bytes()).map_err(Error::LogName)?;
    let kinds = ledger.system().kinds;
    // By the log's own policy and its clock too, as readers who ask the same.
    let policy = ledger.policy()?;
    let now_ms = Some(ledger.system().now_ms());
    let policy = policy.as_ref();
    let root = ledger.verifier()?;
    let (log, root) = (Some(&log), Some(&root));
    let options = Options { log, root, policy, now_ms, kinds, ..Options::default() };
    verify(&bytes, &options).result.map_err(Error::Unverified)?;
    Ok(bytes)
}

/// Where the log holds a receipt under `checkpoint`, as [C2SP tlog-proof](https://c2sp.org/tlog-proof) writes
/// it, with the leaf as its extra data: what the proof is about, since whoever hashes another one gets another
/// root. That the log's rules count the receipt it does not say.
///
/// # Errors
/// If the log holds no such receipt below the checkpoint, or the store fails.
pub fn tlog_proof(
    ledger: &Ledger,
    receipt: &Digest,
    checkpoint: &SignedCheckpoint,
) -> Result<String, Error> {
    let missing = || Error::NoReceipt { receipt: *receipt };
    let entry = ledger.store().entry_by_digest(receipt)?.ok_or_else(missing)?;
    let maker = Maker { ledger, checkpoint, size: checkpoint.claimed().size() };
    let proof = TlogProof::new(maker.inclusion(entry.index)?, checkpoint.clone());
    let proof = proof.and_then(|proof| proof.with_extra(entry.leaf)).map_err(Error::Proof)?;
    Ok(proof.to_string())
}

/// What a bundle may hold beside the receipt and its proofs.
struct Besides {
    anchor: Option<Anchored>,
    attachments: BTreeMap<String, String>,
}

/// Everything is proved under one checkpoint.
struct Maker<'a> {
    ledger: &'a Ledger,
    checkpoint: &'a SignedCheckpoint,
    size: u64,
}

impl Maker<'_> {
    fn by_state(
        &self,
        entry: &Entry,
        receipt: &Verified<Receipt>,
        root: &map::Hash,
        besides: Besides,
    ) -> Result<Vec<u8>, Error> {
        let Besides { anchor, attachments } = besides;
        let place = self.placed(entry.index)?;
        let wanted = Wanted { index: entry.index, leaf: &place.leaf, receipt, size: self.size };
        let ledger = self.ledger;
        let mut shown = ledger.ask(|state| record(&ledger.rules, wanted, state))?;
        let held = Held::under(ledger.store(), ledger.operator(), self.size)?;
        let then = Then { store: ledger.store(), size: self.size };
        let stored = |key: &map::Key| map::prove_grouped(&then, root, key).map_err(unreadable);
        // What the log declares about its anchors is asked for beside an anchor alone.
        let declared = match &anchor {
            Some(_) => ledger.declared(self.size)?,
            None => Declared::default(),
        };
        let rows = Rows { shown: &shown, held: held.as_ref(), declared: &declared };
        let Proved { state, keys, anchoring } = match proofs(&rows, &stored) {
            Ok(proved) => proved,
            // The map of an older checkpoint is kept only until a newer one is published.
            Err(Error::Map(error)) if matches!(*error, ReadError::Missing { .. }) => {
                let views = ledger.fold_in_memory(self.size)?;
                let again = record(&ledger.rules, wanted, views.state());
                shown = again.map_err(|stop| Error::Row { key: stop.to_string() })?;
                if views.map().root() != *root {
                    return Err(Error::Map(Box::new(ReadError::Missing { hash: *root })));
                }
                let rows = Rows { shown: &shown, held: held.as_ref(), declared: &declared };
                proofs(&rows, &|key| Ok(views.map().prove(key)))?
            }
            Err(error) => return Err(error),
        };
        let mut earlier: Vec<u64> = shown.places().map(|(_, index)| index).collect();
        earlier.sort_unstable();
        StateBundle {
            format: STATE_FORMAT.to_owned(),
            log: ledger.verifier()?.to_string(),
            checkpoint: self.checkpoint.to_string(),
            envelope: canonical::from_slice(&entry.record).map_err(Error::Record)?,
            place,
            edge: self.placed(self.size - 1)?,
            state,
            earlier: earlier
                .into_iter()
                .map(|index| self.placed(index))
                .collect::<Result<_, _>>()?,
            keys,
            anchor,
            anchoring,
            attachments,
        }
        .to_bytes()
        .map_err(Error::Bundle)
    }

    fn by_history(
        &self,
        entry: &Entry,
        receipt: &Verified<Receipt>,
        besides: Besides,
    ) -> Result<Vec<u8>, Error> {
        let Besides { anchor, attachments } = besides;
        let mut history = Vec::new();
        for index in self.ledger.registry_entries(&receipt.agent)? {
            if index < entry.index {
                history.push(self.logged(&self.entry_at(index)?)?);
            }
        }
        Bundle {
            format: FORMAT.to_owned(),
            log: self.ledger.verifier()?.to_string(),
            receipt: self.logged(entry)?,
            history,
            anchor,
            attachments,
        }
        .to_bytes()
        .map_err(Error::Bundle)
    }

    fn entry_at(&self, index: u64) -> Result<Entry, Error> {
        let size = self.size;
        self.ledger.store().entry(index)?.ok_or(Error::Prove(ProveError::Index { index, size }))
    }

    fn leaf_at(&self, index: u64) -> Result<Leaf, Error> {
        Leaf::from_bytes(&self.entry_at(index)?.leaf).map_err(Error::Leaf)
    }

    fn inclusion(&self, index: u64) -> Result<InclusionProof, Error> {
        prove_inclusion(self.ledger.store(), index, self.size).map_err(Error::Prove)
    }

    fn placed(&self, index: u64) -> Result<Placed, Error> {
        Ok(Placed::new(self.leaf_at(index)?, &self.inclusion(index)?))
    }

    fn logged(&self, entry: &Entry) -> Result<Logged, Error> {
        let envelope: Envelope = canonical::from_slice(&entry.record).map_err(Error::Record)?;
        let proof = TlogProof::new(self.inclusion(entry.index)?, self.checkpoint.clone());
        Ok(Logged {
            envelope,
            leaf: Leaf::from_bytes(&entry.leaf).map_err(Error::Leaf)?,
            proof: proof.map_err(Error::Proof)?.to_string(),
        })
    }
}

/// The rows that a bundle shows.
struct Rows<'a> {
    /// Those that the rules ask for.
    shown: &'a Shown,
    /// Those of the delegations of the log's root key.
    held: Option<&'a Held>,
    /// Those of where the log is anchored.
    declared: &'a Declared,
}

/// The same with their proofs.
struct Proved {
    state: Vec<RowProof>,
    keys: Option<Delegations>,
    anchoring: Vec<RowProof>,
}

/// What the map holds for a key, under a root that whoever made this knows.
type Prove<'a> = dyn Fn(&map::Key) -> Result<map::Proof, Error> + 'a;

/// The proofs of the shown rows, of what the log's root key has delegated, and of where the log is anchored.
fn proofs(rows: &Rows<'_>, prove: &Prove<'_>) -> Result<Proved, Error> {
    let Rows { shown, held, declared } = rows;
    let declared = declared.rows.iter().map(|(key, value)| (key, value.as_deref()));
    Ok(Proved {
        state: row_proofs(shown.rows(), prove)?,
        keys: held.map(|held| held.proved(prove)).transpose()?,
        anchoring: row_proofs(declared, prove)?,
    })
}

/// The proofs of rows, or that there are none.
fn row_proofs<'a>(
    rows: impl Iterator<Item = (&'a Key, Option<&'a [u8]>)>,
    prove: &Prove<'_>,
) -> Result<Vec<RowProof>, Error> {
    let rows = rows.map(|(key, value)| {
        let proof = prove(&map::Key::of(key.as_bytes()))?;
        RowProof::new(key, value, &proof).map_err(|_| Error::Row { key: key.to_string() })
    });
    rows.collect()
}

/// The map as it was with a log of some size.
struct Then<'a> {
    store: &'a Store,
    size: u64,
}

impl GroupRead for Then<'_> {
    type Error = StoreError;

    fn read_group(&self, id: GroupId) -> Result<Option<Group>, StoreError> {
        self.store.group_at(id, self.size)
    }

    fn read_below(&self, id: GroupId) -> Result<Vec<(GroupId, Group)>, StoreError> {
        let mut below = Vec::new();
        for id in id.all_below() {
            below.extend(self.store.group_at(id, self.size)?.map(|group| (id, group)));
        }
        Ok(below)
    }
}

fn attachments(ledger: &Ledger, receipt: &Receipt) -> Result<BTreeMap<String, String>, Error> {
    let mut attachments = Attachments::default();
    for digest in named_digests(receipt) {
        if ledger.store().blobs().has(&digest)? {
            let bytes = ledger.store().blobs().get(&digest)?;
            if bytes.len() <= ATTACHMENT_BYTES_MAX {
                attachments.insert(bytes);
            }
        }
    }
    Ok(attachments.to_wire())
}
