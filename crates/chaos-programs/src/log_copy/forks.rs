//! The proof that a log forked, where its reader's own copy is one of the two branches.

use std::collections::BTreeSet;

use chaos_agency::Succession;
use chaos_log::{
    ForkProof, Hash, SignedCheckpoint, VerifierKey, WholeNode, leaf_hash, node_hash, prove_prefix,
};
use chaos_store::Records as _;
use chaos_types::{Code, Rejection};
use chaos_verify::{Fault, Head, ProvedFork, SignerProof, StateBundle, TreesProof};

use super::{LogCopy, unread};

impl LogCopy {
    /// The proof that the log forked, where a bundle's head, which its log has signed, is of another tree
    /// than the copy, and the copy keeps a checkpoint that shows it. `None` where the two notes and the
    /// copy's tiles prove nothing: of a head that is larger than the copy nobody here has the tiles.
    #[must_use]
    pub fn fork(&self, head: &Head, bundle: &[u8]) -> Option<ProvedFork> {
        let kept = self.store.checkpoint().ok()??;
        let (root, succession) = self.signers().ok()?;
        if root != head.log {
            return None;
        }
        let own = chaos_ledger::log_keys(&self.store, &root, &kept).ok().flatten();
        let shown = StateBundle::from_bytes(bundle).ok().and_then(|bundle| bundle.log_keys());
        let shown = shown.and_then(|keys| keys.to_bytes().ok());
        let files = [own, shown].map(Option::unwrap_or_default);
        // The smallest kept checkpoint that reaches as far is the likeliest to be by the same key.
        let size = head.checkpoint.claimed().size();
        let near = self.store.checkpoint_from(size).ok().flatten();
        for kept in near.iter().chain([&kept]) {
            let mut keys = succession.keys().chain(head.succession.keys());
            let both = keys.find_map(|key| {
                let key = VerifierKey::new(root.name().clone(), key.as_bytes()).ok()?;
                (kept.is_by(&key) && head.checkpoint.is_by(&key)).then_some(key)
            });
            if let Some(key) = both
                && kept.claimed().size() >= size
                && let Ok(Some(fork)) = ForkProof::find(&key, kept, &head.checkpoint, &self.store)
            {
                let tied = |file: &Vec<u8>| TreesProof::tied(fork.clone(), file).ok();
                let tied = files.iter().filter(|_| key != root).find_map(tied);
                let proof = tied.unwrap_or_else(|| TreesProof::new(fork.clone()));
                return Some(ProvedFork::Trees(Box::new(proof)));
            }
        }
        if let Some(proof) = self.other_history(&root, &succession, &head.checkpoint, &files[0]) {
            return Some(ProvedFork::Signer(Box::new(proof)));
        }
        // One of the two is by a key whose end the other one shows.
        let theft = |(file, note): (&Vec<u8>, &SignedCheckpoint)| {
            SignerProof::new(root.clone(), file, note.clone()).ok()
        };
        let proof = files.iter().zip([&head.checkpoint, &kept]).find_map(theft)?;
        Some(ProvedFork::Signer(Box::new(proof)))
    }

    /// The newest checkpoint that the copy keeps, as a head to hold others against, with those of these nodes
    /// that its leaves lead to. `None` if it keeps none, or one that is not of its leaves.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *agent* if the copy cannot be read or folded.
    pub fn head(&self, nodes: &BTreeSet<(u32, u64)>) -> Result<Option<Head>, Rejection> {
        let Some(checkpoint) = self.store.checkpoint().map_err(|error| unread(&error))? else {
            return Ok(None);
        };
        match self.ensure_same_tree(checkpoint.claimed()) {
            Ok(()) => {}
            Err(rejection) if rejection.code == Code::from(Fault::LogCopyUnread) => {
                return Err(rejection);
            }
            Err(_) => return Ok(None),
        }
        let mut levels: Vec<Vec<Hash>> = vec![Vec::new()];
        self.each(checkpoint.claimed().size(), |entry| levels[0].push(leaf_hash(&entry.leaf)))?;
        while let Some(below) = levels.last().filter(|below| below.len() > 1) {
            let pairs = below.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1]));
            levels.push(pairs.collect());
        }
        let node = |&(level, index): &(u32, u64)| {
            let hashes = levels.get(usize::try_from(level).ok()?)?;
            let hash = *hashes.get(usize::try_from(index).ok()?)?;
            Some(WholeNode { level, index, hash })
        };
        let nodes = nodes.iter().filter_map(node).collect();
        let (log, succession) = self.signers()?;
        Ok(Some(Head { log, checkpoint, nodes, succession }))
    }

    /// The proof that a head by a key within its time is no start of the history which the root key has
    /// signed with the delegation that ended that.
    fn other_history(
        &self,
        root: &VerifierKey,
        succession: &Succession,
        head: &SignedCheckpoint,
        file: &[u8],
    ) -> Option<SignerProof> {
        let size = head.claimed().size();
        let end = succession.end_after(size)?.body.size;
        let prefix =
            if size < end { Some(prove_prefix(&self.store, size, end).ok()?) } else { None };
        SignerProof::of_history(root.clone(), file, head.clone(), prefix).ok()
    }
}
