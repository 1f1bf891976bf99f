//! Who signs for a log, as far as a copy of it was shown.

use chaos_agency::{HeadSigner, SignerError, Succession, action::Role};
use chaos_log::{ForkProof, PrefixProof, SignedCheckpoint, VerifierKey};
use chaos_store::{Records as _, Store};
use chaos_types::Did;
use chaos_verify::{DelegationPlace, LogKeys, PlacesProof, ProvedFork, SignerProof, TreesProof};

use super::MirrorError;
use crate::{
    resource::Resource,
    source::{Source, SourceError},
};

/// The key under which a copy keeps the newest file of the log's keys that it was shown.
const KEYS_META: &str = "mirror/keys";

/// The keys of a log's checkpoints. They are read from the file that proves itself to whoever knows the
/// root key, whoever kept it.
#[derive(Debug)]
pub(crate) struct Signers {
    root: VerifierKey,
    succession: Succession,
    known: Option<Known>,
    follows_lost: bool,
    /// Kept checkpoints that are the first to hold a delegation: the key that leaves may have signed them too.
    first: Vec<SignedCheckpoint>,
}

/// A file of the log's keys that holds.
#[derive(Debug)]
struct Known {
    file: Vec<u8>,
    /// What it is proved under.
    checkpoint: SignedCheckpoint,
    places: Vec<DelegationPlace>,
}

impl Signers {
    /// What a data directory was shown; and whether a delegation in the place of a lost key is followed,
    /// which asks for a quorum of witnesses.
    pub(crate) fn read(
        store: &Store,
        root: &VerifierKey,
        follows_lost: bool,
    ) -> Result<Self, MirrorError> {
        let did = Did::from_public_bytes(root.public()).expect("a verifier key is a curve point");
        let succession = Succession::new(did, Role::Checkpoints);
        let root = root.clone();
        let mut signers =
            Self { root, succession, known: None, follows_lost: true, first: Vec::new() };
        if let Some(file) = store.meta(KEYS_META)? {
            match signers.learn(file) {
                // It proves itself, so that one which does not is what a disk has made of it. The source publishes it,
                // and the entries show it.
                Ok(()) | Err(MirrorError::Keys(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self { follows_lost, ..signers })
    }

    /// Checks that the file of the log's keys which a copy has kept holds.
    pub(super) fn check_kept(store: &Store, root: &VerifierKey) -> Result<(), MirrorError> {
        let Some(file) = store.meta(KEYS_META)? else { return Ok(()) };
        LogKeys::verify(&file, root).map(drop).map_err(MirrorError::KeptKeys)
    }

    /// Takes from the entries of a copy who signs, where they prove it under its newest head: a published file may
    /// be older than they are.
    pub(crate) fn learn_from(&mut self, store: &Store) {
        let Ok(Some(kept)) = store.checkpoint() else { return };
        if let Ok(Some(file)) = chaos_ledger::log_keys(store, &self.root, &kept) {
            // What does not hold is not learnt, and the source may tell.
            let _learnt = self.learn(file);
        }
        let ends = self.places().iter().map(|place| place.index.saturating_add(1));
        let kept = |size| {
            let kept: SignedCheckpoint = store.checkpoint_from(size).ok()??;
            (kept.claimed().size() == size).then_some(kept)
        };
        self.first = ends.filter_map(kept).collect();
    }

    /// Gives a head as it is kept, once the entries under it say who signs it. They are asked whatever the
    /// published file says, since whoever asks them later, as `log rebuild --check` does, would find it unsigned
    /// otherwise. Rows that are folded no further than the file say nothing.
    pub(super) fn by_entries(
        &mut self,
        store: &Store,
        found: &SignedCheckpoint,
    ) -> Result<SignedCheckpoint, MirrorError> {
        let root = self.succession.root();
        let own = chaos_ledger::succession(store, root, Role::Checkpoints);
        let own = own.map_err(|error| MirrorError::Ledger(Box::new(error)))?;
        let (entries, file) = (own.delegations(), self.succession.delegations());
        if !entries.starts_with(file) && !file.starts_with(entries) {
            return Err(MirrorError::KeysOther);
        }
        let new = entries.get(file.len()..).unwrap_or_default();
        if let Some(lost) = new.iter().find(|delegation| delegation.body.lost && !self.follows_lost)
        {
            return Err(MirrorError::LostKey { index: lost.index });
        }
        if !new.is_empty() {
            self.succession = own;
        }
        match self.succession.ensure_signed(found, self.root.name()) {
            Ok(_) => Ok(self.of_the_log(found)),
            Err(SignerError::Unsigned(error)) => Err(MirrorError::Checkpoint(error)),
            Err(SignerError::Name(error)) => Err(MirrorError::RecordedKey(error)),
            Err(error @ SignerError::Retired { .. }) => Err(MirrorError::Retired(error)),
        }
    }

    /// By how many delegations checkpoints were handed on, as far as is known.
    pub(crate) fn delegations(&self) -> usize {
        self.succession.delegations().len()
    }

    /// Keeps what was learnt.
    pub(crate) fn keep(&self, store: &mut Store) -> Result<(), MirrorError> {
        if let Some(known) = &self.known
            && store.meta(KEYS_META)?.as_ref() != Some(&known.file)
        {
            store.put_meta(KEYS_META, &known.file)?;
        }
        Ok(())
    }

    /// Checks that the log signed a checkpoint, by what is known and by what is published of who signs for it: a
    /// key that is known may be retired since.
    pub(crate) async fn ensure_signed(
        &mut self,
        source: &Source,
        signed: &SignedCheckpoint,
    ) -> Result<(), MirrorError> {
        let first = self.succession.ensure_signed(signed, self.root.name());
        let names_another = signed.note().signatures().iter().any(|line| {
            line.name() == self.root.name() && !self.keys().any(|key| key.is_named_by(line))
        });
        let mut is_absent = false;
        let learnt = match source.get(&Resource::Keys).await {
            Ok(file) => self.learn(file),
            Err(SourceError::Absent { .. }) => {
                is_absent = names_another;
                Ok(())
            }
            Err(error) => Err(error.into()),
        };
        // What a known key has signed needs no other.
        if first.is_err() {
            learnt?;
        }
        match self.succession.ensure_signed(signed, self.root.name()) {
            Ok(_) => Ok(()),
            Err(SignerError::Unsigned(error)) if is_absent => Err(MirrorError::NoKeys(error)),
            Err(SignerError::Unsigned(error)) => Err(MirrorError::Checkpoint(error)),
            Err(SignerError::Name(error)) => Err(MirrorError::RecordedKey(error)),
            Err(error @ SignerError::Retired { .. }) => {
                let proof = self.theft(signed);
                let twins = || self.first.iter().find_map(|kept| self.two_trees(kept, signed));
                Err(proof.or_else(twins).unwrap_or(MirrorError::Retired(error)))
            }
        }
    }

    /// Refuses to go on from a kept checkpoint that a key signed whose time was over by then, as is known
    /// now: whoever has that key was asked before the log's owner.
    pub(crate) fn ensure_in_force(&self, kept: &SignedCheckpoint) -> Result<(), MirrorError> {
        let size = kept.claimed().size();
        match self.signer(kept) {
            HeadSigner::InForce(_) => Ok(()),
            // The first that holds a delegation the leaving key may sign too, and only with that entry.
            HeadSigner::Retired { .. } => self.theft(kept).map_or(Ok(()), Err),
            HeadSigner::Nobody => Err(MirrorError::KeptUnsigned { size }),
        }
    }

    /// By whom a checkpoint is, as far as is known.
    pub(crate) fn signer(&self, signed: &SignedCheckpoint) -> HeadSigner {
        self.succession.signer(signed, self.root.name())
    }

    /// Whether a proof is about a checkpoint: that tree, by the key that it accuses. What another key signed of the
    /// same tree is another matter, whoever else's line stands below it.
    pub(super) fn is_about(&self, proof: &ProvedFork, signed: &SignedCheckpoint) -> bool {
        let mut notes = proof.checkpoints().into_iter().map(SignedCheckpoint::claimed);
        let accused = match proof {
            ProvedFork::Signer(proof) => Some(proof.retired()),
            ProvedFork::Trees(proof) => Did::from_public_bytes(proof.fork().log().public()),
            ProvedFork::Places(_) => None,
        };
        notes.any(|note| note == signed.claimed())
            && accused.is_some()
            && self.signer(signed).key() == accused
    }

    /// A checkpoint as it is kept: with the lines by the log's keys that hold, and what others say of it. Lines
    /// with the log's name that are nobody's, or a key's that nobody knows here, are not.
    pub(crate) fn of_the_log(&self, signed: &SignedCheckpoint) -> SignedCheckpoint {
        let (mut signed, keys) = (signed.clone(), self.keys().collect::<Vec<_>>());
        signed.retain_by(&keys);
        signed
    }

    /// Whether the log has signed a checkpoint that is kept, and no line below it that names one of its keys is false.
    pub(crate) fn holds(&self, kept: &SignedCheckpoint) -> bool {
        self.succession.ensure_signed(kept, self.root.name()).is_ok()
    }

    /// Whether a kept checkpoint has a line that names one of the log's keys and is not by it, or none with the log's
    /// name at all: a disk has changed the line or what it signs. A line by a key that is not known here may be true.
    pub(crate) fn is_changed(&self, kept: &SignedCheckpoint) -> bool {
        let lines = kept.note().signatures();
        let is_false =
            |key: VerifierKey| lines.iter().any(|line| key.is_named_by(line)) && !kept.is_by(&key);
        self.keys().any(is_false)
            || self.keys().any(|key| kept.is_misnamed(&key))
            || lines.iter().all(|line| line.name() != self.root.name())
    }

    /// The proof that a retired key has signed a checkpoint, if it is one.
    fn theft(&self, signed: &SignedCheckpoint) -> Option<MirrorError> {
        let file = self.file()?;
        let new = || SignerProof::new(self.root.clone(), file, signed.clone()).ok();
        // The first that holds a delegation the leaving key may sign too, and only with that entry.
        let end = signed.claimed().size().checked_sub(1)?;
        let of_place =
            || SignerProof::of_place(self.root.clone(), file, signed.clone(), end, None).ok();
        let proof = new().or_else(of_place)?;
        Some(MirrorError::Fork(Box::new(ProvedFork::Signer(Box::new(proof)))))
    }

    /// Whether a checkpoint is by a key that was retired since, and is not one that the root key has signed.
    pub(super) fn is_by_retired(&self, signed: &SignedCheckpoint) -> bool {
        let claimed = signed.claimed();
        let ends = |place: &DelegationPlace| {
            place.index.checked_add(1) == Some(claimed.size()) && place.through == *claimed.root()
        };
        self.succession.end_after(claimed.size()).is_some()
            && !self.succession.vouches_for(claimed)
            && !self.places().iter().any(ends)
    }

    /// The key that signed a checkpoint, and the delegation that ended its time, where that is known, the root
    /// key's time does not end, and the root key has not signed for this very history.
    pub(super) fn retired(&self, signed: &SignedCheckpoint) -> Option<(Did, u64)> {
        let key = self.succession.key_for(signed.claimed().size());
        let end = self.succession.end_of(&key).filter(|_| self.is_by_retired(signed))?;
        Some((key, end.index))
    }

    /// Where the delegations stand that are known, of either role, in log order.
    pub(super) fn places(&self) -> &[DelegationPlace] {
        self.known.as_ref().map_or(&[], |known| &known.places)
    }

    /// What the file of the log's keys is proved under.
    pub(super) fn checkpoint(&self) -> Option<&SignedCheckpoint> {
        self.known.as_ref().map(|known| &known.checkpoint)
    }

    fn file(&self) -> Option<&[u8]> {
        self.known.as_ref().map(|known| known.file.as_slice())
    }

    /// The proof that a checkpoint by a key that was retired since does not hold the delegation at `index`,
    /// by nodes of its tree.
    pub(super) fn lacks(
        &self,
        signed: &SignedCheckpoint,
        index: u64,
        prefix: Option<PrefixProof>,
    ) -> Option<MirrorError> {
        let (file, root) = (self.file()?, self.root.clone());
        let proof = SignerProof::of_place(root, file, signed.clone(), index, prefix).ok()?;
        Some(MirrorError::Fork(Box::new(ProvedFork::Signer(Box::new(proof)))))
    }

    /// Of how many entries the history is that the root key has signed with the delegation which ended the
    /// time of a checkpoint's key, if one has.
    pub(crate) fn signed_history(&self, signed: &SignedCheckpoint) -> Option<u64> {
        self.succession.end_after(signed.claimed().size()).map(|end| end.body.size)
    }

    /// The proof that a checkpoint by a key within its time is no start of that history, if it is none, by
    /// nodes of its tree.
    pub(crate) fn other_history(
        &self,
        signed: &SignedCheckpoint,
        prefix: Option<PrefixProof>,
    ) -> Option<MirrorError> {
        let file = self.file()?;
        let root = self.root.clone();
        let proof = SignerProof::of_history(root, file, signed.clone(), prefix).ok()?;
        Some(MirrorError::Fork(Box::new(ProvedFork::Signer(Box::new(proof)))))
    }

    /// The proof that the root key signed two delegations of one number, in what is kept and in what is
    /// published.
    fn two_places(&self, published: &[u8]) -> Option<MirrorError> {
        let proof = PlacesProof::find(&self.root, self.file()?, published).ok()??;
        Some(MirrorError::Fork(Box::new(ProvedFork::Places(Box::new(proof)))))
    }

    /// The proof that one key has signed two trees of one size, if it has.
    pub(super) fn two_trees(
        &self,
        one: &SignedCheckpoint,
        other: &SignedCheckpoint,
    ) -> Option<MirrorError> {
        if one.claimed().size() != other.claimed().size() {
            return None;
        }
        let key = self.of_both(one, other)?;
        let fork = ForkProof::of_roots(key, one.clone(), other.clone()).ok()?;
        Some(self.fork(fork))
    }

    /// A fork of the log's by one of its keys, with what ties that key to the root key.
    pub(crate) fn fork(&self, fork: ForkProof) -> MirrorError {
        let file = self.file().filter(|_| *fork.log() != self.root);
        let tied = file.and_then(|file| TreesProof::tied(fork.clone(), file).ok());
        let proof = tied.unwrap_or_else(|| TreesProof::new(fork));
        MirrorError::Fork(Box::new(ProvedFork::Trees(Box::new(proof))))
    }

    /// Refuses to take a later key of a log for its root key: everything in the log would be held against
    /// the wrong operator.
    pub(crate) async fn ensure_root(&self, source: &Source) -> Result<(), MirrorError> {
        let file = match source.get(&Resource::Keys).await {
            Ok(file) => file,
            Err(SourceError::Absent { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        // A file that does not hold says nothing, and is refused by whoever needs it.
        let Ok((root, successions)) = LogKeys::verify_own(&file) else { return Ok(()) };
        let mut keys = successions.checkpoints.keys().chain(successions.operator.keys());
        if root == self.root || !keys.any(|key| key.as_bytes() == self.root.public()) {
            return Ok(());
        }
        let (named, root) = (Box::new(self.root.clone()), Box::new(root));
        Err(MirrorError::NotRoot { named, root })
    }

    /// A key that has signed both checkpoints, if one has.
    pub(crate) fn of_both(
        &self,
        one: &SignedCheckpoint,
        other: &SignedCheckpoint,
    ) -> Option<VerifierKey> {
        self.keys().find(|key| one.is_by(key) && other.is_by(key))
    }

    /// The keys, the root key first.
    fn keys(&self) -> impl Iterator<Item = VerifierKey> {
        let name = self.root.name();
        let keys = self.succession.keys();
        keys.filter_map(|key| VerifierKey::new(name.clone(), key.as_bytes()).ok())
    }

    /// Takes in a file of the log's keys that goes on from what is known.
    pub(crate) fn learn(&mut self, file: Vec<u8>) -> Result<(), MirrorError> {
        let (keys, found) = LogKeys::verify(&file, &self.root).map_err(MirrorError::Keys)?;
        let (known, found) = (self.succession.delegations(), found.checkpoints);
        if known.starts_with(found.delegations()) {
            return Ok(());
        }
        if !found.delegations().starts_with(known) {
            return Err(self.two_places(&file).unwrap_or(MirrorError::KeysOther));
        }
        let mut new = found.delegations().iter().skip(known.len());
        if let Some(lost) = new.find(|delegation| delegation.body.lost && !self.follows_lost) {
            return Err(MirrorError::LostKey { index: lost.index });
        }
        let checkpoint = keys.checkpoint().map_err(MirrorError::Keys)?;
        let places = keys.places().map_err(MirrorError::Keys)?;
        self.succession = found;
        self.known = Some(Known { file, checkpoint, places });
        Ok(())
    }
}
