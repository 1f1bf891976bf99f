//! Agreement with `ct-merkle`, `tlog_tiles` and `signed_note` on random input.

use std::collections::BTreeMap;

use chaos_log::{
    Checkpoint, ConsistencyProof, Edge, Hash, InclusionProof, KeyName, LogKey, MemoryLog, Note,
    ProofError, SignedCheckpoint, TileKind, TilePath, TileRead, leaf_hash, prove_consistency,
    prove_inclusion, prove_inclusions, root_at,
};
use ct_merkle::{
    ConsistencyProof as CtConsistency, InclusionProof as CtInclusion,
    mem_backed_tree::MemoryBackedTree,
};
use proptest::{collection::vec, prelude::*};
use signed_note::{StandardSigner, StandardVerifier, VerifierList};

use crate::{leaf, log_of};

type CtTree = MemoryBackedTree<sha2::Sha256, Vec<u8>>;

/// Stored hashes in the numbering of `tlog_tiles`.
struct TlogHashes(BTreeMap<u64, tlog_tiles::Hash>);

impl tlog_tiles::HashReader for TlogHashes {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        Ok(indexes.iter().map(|index| self.0[index]).collect())
    }
}

fn tlog_of(size: u64) -> TlogHashes {
    let mut stored = TlogHashes(BTreeMap::new());
    for index in 0..size {
        let new = tlog_tiles::stored_hashes(index, &leaf(index), &stored).unwrap();
        let first = tlog_tiles::stored_hash_index(0, index);
        stored.0.extend((first..).zip(new));
    }
    stored
}

fn ct_of(size: u64) -> CtTree {
    let mut tree = CtTree::new();
    (0..size).for_each(|index| tree.push(leaf(index)));
    tree
}

fn flat(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(Hash::as_bytes).copied().collect()
}

fn usize_of(value: u64) -> usize {
    value.try_into().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn roots_and_proofs_agree_with_ct_merkle(size in 1u64..1500, at in any::<(u64, u64)>()) {
        let (log, ct) = (log_of(size), ct_of(size));
        prop_assert_eq!(flat(&[log.root()]), ct.root().as_bytes().to_vec());

        let index = at.0 % size;
        let ours = prove_inclusion(&log, index, size).unwrap();
        let theirs = ct.prove_inclusion(usize_of(index));
        prop_assert_eq!(flat(ours.hashes()), theirs.as_bytes());
        let as_theirs = CtInclusion::from_bytes(flat(ours.hashes()));
        prop_assert!(ct.root().verify_inclusion(&leaf(index), index, &as_theirs).is_ok());

        let old = 1 + at.1 % size;
        let ours = prove_consistency(&log, old, size).unwrap();
        let theirs = ct.prove_consistency(usize_of(size - old));
        prop_assert_eq!(flat(ours.hashes()), theirs.as_bytes());
        let as_theirs = CtConsistency::try_from_bytes(flat(ours.hashes())).unwrap();
        prop_assert!(ct.root().verify_consistency(&ct_of(old).root(), &as_theirs).is_ok());
    }

    #[test]
    fn roots_and_proofs_agree_with_tlog_tiles(size in 1u64..1200, at in any::<(u64, u64)>()) {
        let (log, tlog) = (log_of(size), tlog_of(size));
        let root = tlog_tiles::tree_hash(size, &tlog).unwrap();
        prop_assert_eq!(*log.root().as_bytes(), root.0);

        let index = at.0 % size;
        let proof = prove_inclusion(&log, index, size).unwrap();
        let theirs = tlog_tiles::prove_record(size, index, &tlog).unwrap();
        prop_assert_eq!(flat(proof.hashes()), theirs.iter().flat_map(|h| h.0).collect::<Vec<_>>());

        let old = 1 + at.1 % size;
        let proof = prove_consistency(&log, old, size).unwrap();
        let theirs = tlog_tiles::prove_tree(size, old, &tlog).unwrap();
        prop_assert_eq!(flat(proof.hashes()), theirs.iter().flat_map(|h| h.0).collect::<Vec<_>>());

        for path in TilePath::between(0, size) {
            let Some(id) = path.tile() else { continue };
            let tile = tlog_tiles::Tile::new(8, id.level, id.index, path.width().into(), false);
            let ours = log.read_tile(id).unwrap().unwrap();
            prop_assert_eq!(flat(&ours), tile.read_data(&tlog).unwrap());
        }
    }

    #[test]
    fn proofs_of_many_entries_are_those_of_each(
        size in 1u64..1500, at in vec(any::<u64>(), 0..40),
    ) {
        let log = log_of(size);
        let indices: Vec<u64> = at.iter().map(|at| at % size).collect();
        let each: Vec<_> =
            indices.iter().map(|index| prove_inclusion(&log, *index, size).unwrap()).collect();
        prop_assert_eq!(prove_inclusions(&log, indices, size).unwrap(), each);
        prop_assert!(prove_inclusions(&log, [0, size], size).is_err());
    }

    #[test]
    fn appending_in_any_batches_gives_the_same_log(batches in vec(0u64..700, 0..6)) {
        let mut log = MemoryLog::new();
        let mut edge = Edge::new();
        for batch in batches {
            let leaves: Vec<_> = (log.size()..log.size() + batch).map(leaf).collect();
            edge.append(&leaves.iter().map(|leaf| leaf_hash(leaf)).collect::<Vec<_>>());
            log.append_batch(leaves).unwrap();
            let whole = log_of(log.size());
            prop_assert_eq!(log.root(), whole.root());
            prop_assert_eq!(edge.root(), root_at(&log, log.size()).unwrap());
            prop_assert_eq!(&Edge::load(&log, log.size()).unwrap(), &edge);
        }
    }

    #[test]
    fn every_change_to_an_inclusion_proof_is_rejected(
        size in 1u64..700, at in any::<u64>(), damage in any::<(usize, u8)>(),
    ) {
        let log = log_of(size);
        let index = at % size;
        let (hash, root) = (leaf_hash(&leaf(index)), log.root());
        let proof = prove_inclusion(&log, index, size).unwrap();
        proof.verify(&hash, &root).unwrap();

        let wrong = leaf_hash(b"another leaf");
        prop_assert!(proof.verify(&wrong, &root).is_err());
        prop_assert!(proof.verify(&hash, &wrong).is_err());
        for other in [index ^ 1, index ^ 2, index + 1, index.wrapping_sub(1)] {
            if let Ok(moved) = InclusionProof::new(other, size, proof.hashes().to_vec()) {
                prop_assert!(moved.verify(&hash, &root).is_err());
            }
        }
        for hashes in damaged(proof.hashes(), damage) {
            if let Ok(proof) = InclusionProof::new(index, size, hashes) {
                prop_assert!(proof.verify(&hash, &root).is_err());
            }
        }
    }

    #[test]
    fn every_change_to_a_consistency_proof_is_rejected(
        new in 2u64..700, at in any::<u64>(), damage in any::<(usize, u8)>(),
    ) {
        let log = log_of(new);
        let old = 1 + at % (new - 1);
        let (old_root, new_root) = (root_at(&log, old).unwrap(), log.root());
        let proof = prove_consistency(&log, old, new).unwrap();
        proof.verify(&old_root, &new_root).unwrap();

        let wrong = leaf_hash(b"another root");
        prop_assert!(proof.verify(&wrong, &new_root).is_err());
        prop_assert!(proof.verify(&old_root, &wrong).is_err());
        prop_assert!(proof.verify(&new_root, &old_root).is_err());
        for hashes in damaged(proof.hashes(), damage) {
            if let Ok(proof) = ConsistencyProof::new(old, new, hashes) {
                prop_assert!(proof.verify(&old_root, &new_root).is_err());
            }
        }
    }

    #[test]
    fn tile_paths_agree_with_tlog_tiles(level in 0u8..=7, index in 0u64..1 << 56, width in 1u16..=256) {
        let kind = TileKind::Hashes { level };
        let ours = TilePath::new(kind, index, width).unwrap().to_string();
        let theirs = tlog_tiles::Tile::new(8, level, index, width.into(), false).path();
        // The older layout of tlog_tiles names the tile height as well.
        prop_assert_eq!(ours.replacen("tile/", "tile/8/", 1), theirs);
        prop_assert_eq!(ours.parse::<TilePath>().unwrap(), TilePath::new(kind, index, width).unwrap());
    }

    #[test]
    fn notes_agree_with_signed_note(
        seed in any::<[u8; 32]>(), name in "[a-z0-9./-]{1,20}", text in "([ -~é—]{0,30}\n){1,5}",
    ) {
        let key = LogKey::from_seed(name.parse::<KeyName>().unwrap(), &seed);
        let mut ours = Note::new(text.clone()).unwrap();
        ours.sign(&key).unwrap();

        let signer = StandardSigner::new(&key.to_secret()).unwrap();
        let mut theirs = signed_note::Note::new(text.as_bytes(), &[]).unwrap();
        theirs.add_sigs(&[&signer]).unwrap();
        prop_assert_eq!(ours.to_string().into_bytes(), theirs.to_bytes());

        let verifier = StandardVerifier::new(&key.verifier().to_string()).unwrap();
        let read = signed_note::Note::from_bytes(ours.to_string().as_bytes()).unwrap();
        let (good, _) = read.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
        prop_assert_eq!(good.len(), 1);
        let read = Note::parse(&theirs.to_bytes()).unwrap();
        prop_assert_eq!(read.verify(std::slice::from_ref(key.verifier())).unwrap(), text);
    }

    #[test]
    fn checkpoints_agree_with_tlog_tiles(
        origin in "[a-z0-9./-]{1,20}", size in any::<u64>(), root in any::<[u8; 32]>(),
    ) {
        let key = LogKey::from_seed(origin.parse().unwrap(), &[3; 32]);
        let checkpoint = Checkpoint::new(&origin, size, Hash::from_bytes(root)).unwrap();
        let theirs =
            tlog_tiles::Checkpoint::new(&origin, size, tlog_tiles::Hash(root), "").unwrap();
        prop_assert_eq!(checkpoint.to_string().into_bytes(), theirs.to_bytes());
        let signed = checkpoint.clone().sign(&key).unwrap();
        let read = SignedCheckpoint::parse(signed.to_string().as_bytes()).unwrap();
        prop_assert_eq!(read.verify(key.verifier()).unwrap(), &checkpoint);
        let read = tlog_tiles::Checkpoint::from_bytes(checkpoint.to_string().as_bytes()).unwrap();
        prop_assert_eq!(read, theirs);
    }
}

/// The hashes with one bit flipped, one dropped, one doubled, and the ends exchanged.
fn damaged(hashes: &[Hash], (position, bit): (usize, u8)) -> Vec<Vec<Hash>> {
    if hashes.is_empty() {
        return vec![vec![leaf_hash(b"superfluous")]];
    }
    let position = position % hashes.len();
    let mut flipped = hashes.to_vec();
    let mut bytes = *flipped[position].as_bytes();
    bytes[usize::from(bit) / 8] ^= 1 << (bit % 8);
    flipped[position] = Hash::from_bytes(bytes);
    let mut dropped = hashes.to_vec();
    dropped.remove(position);
    let mut doubled = hashes.to_vec();
    doubled.insert(position, hashes[position]);
    let mut exchanged = hashes.to_vec();
    exchanged.rotate_left(1);
    let mut all = vec![flipped, dropped, doubled];
    if exchanged != hashes {
        all.push(exchanged);
    }
    all
}

#[test]
fn every_small_tree_proves_and_nothing_else_does() {
    let log = log_of(40);
    let roots: Vec<_> = (0..=40).map(|size| root_at(&log, size).unwrap()).collect();
    for size in 1..=40u64 {
        for index in 0..size {
            let proof = prove_inclusion(&log, index, size).unwrap();
            for (claimed, root) in (0u64..).zip(&roots) {
                let valid = proof.verify(&leaf_hash(&leaf(index)), root).is_ok();
                assert_eq!(valid, claimed == size, "entry {index} of {size} under {claimed}");
            }
        }
        for old in 0..=size {
            let proof = prove_consistency(&log, old, size).unwrap();
            for (claimed, root) in (0u64..).zip(&roots) {
                let valid = proof.verify(root, &roots[usize_of(size)]).is_ok();
                assert_eq!(valid, claimed == old, "{old} to {size} under {claimed}");
            }
        }
    }
}

#[test]
fn proofs_with_sizes_near_the_limit_are_answered_not_overflowed() {
    let one = vec![leaf_hash(b"x")];
    let check = |index, size| match InclusionProof::new(index, size, one.clone()) {
        Ok(proof) => drop(proof.root(&one[0])),
        Err(ProofError::Index { .. } | ProofError::Length { .. }) => {}
        Err(other) => panic!("unexpected {other}"),
    };
    for size in [1, 2, 1 << 62, 1 << 63, u64::MAX - 1, u64::MAX] {
        for index in [0, 1, size / 2, size - 1, size, u64::MAX] {
            check(index, size);
        }
        let hashes = vec![one[0]; 64];
        for old in [0, 1, size / 2, size - 1, size] {
            if let Ok(proof) = ConsistencyProof::new(old, size, hashes.clone()) {
                assert!(proof.verify(&one[0], &one[0]).is_err());
            }
        }
    }
    let full = InclusionProof::new(u64::MAX - 1, u64::MAX, vec![one[0]; 63]);
    assert!(full.is_ok(), "{full:?}");
}

#[test]
fn trees_of_three_tile_levels_agree_with_ct_merkle() {
    let size = 65_536 + 300;
    let (log, ct) = (log_of(size), ct_of(size));
    assert_eq!(flat(&[log.root()]), ct.root().as_bytes().to_vec());
    for index in [0, 255, 256, 65_535, 65_536, size - 1] {
        let proof = prove_inclusion(&log, index, size).unwrap();
        assert_eq!(flat(proof.hashes()), ct.prove_inclusion(usize_of(index)).as_bytes());
        proof.verify(&leaf_hash(&leaf(index)), &log.root()).unwrap();
    }
    for old in [1, 255, 256, 257, 65_535, 65_536, 65_537, size - 1] {
        let proof = prove_consistency(&log, old, size).unwrap();
        let theirs = ct.prove_consistency(usize_of(size - old));
        assert_eq!(flat(proof.hashes()), theirs.as_bytes());
        proof.verify(&root_at(&log, old).unwrap(), &log.root()).unwrap();
    }
    assert_eq!(Edge::load(&log, size).unwrap().root(), log.root());
    assert_eq!(root_at(&log, 65_536).unwrap(), log_of(65_536).root());
}

#[test]
fn whole_nodes_of_a_proof_are_the_roots_over_their_leaves() {
    for size in 1u64..70 {
        let log = log_of(size);
        let over = |from: u64, to: u64| {
            let hashes: Vec<Hash> = (from..to).map(|index| leaf_hash(&leaf(index))).collect();
            let mut edge = Edge::new();
            edge.append(&hashes);
            edge.root()
        };
        for index in 0..size {
            let proof = prove_inclusion(&log, index, size).unwrap();
            let nodes = proof.whole_nodes(&leaf_hash(&leaf(index)));
            assert_eq!((nodes[0].level, nodes[0].index), (0, index));
            for node in &nodes {
                let (from, to) = (node.index << node.level, (node.index + 1) << node.level);
                assert!(to <= size, "{node:?} of {size}");
                assert_eq!(node.hash, over(from, to), "{node:?} of {size}");
            }
            // Nothing that the proof shows is left out: every sibling but an unfinished one, the leaf,
            // and what they join to.
            let shown = |level: u32, at: u64| {
                nodes.iter().any(|node| (node.level, node.index) == (level, at))
            };
            for level in 0..size.ilog2() {
                let (own, beside) = (index >> level, (index >> level) ^ 1);
                for at in [own, beside] {
                    let is_whole = (at + 1) << level <= size;
                    assert!(!is_whole || shown(level, at), "{level}/{at} of {size} from {index}");
                }
            }
        }
    }
}

#[test]
fn proof_of_an_entry_shows_the_roots_of_the_trees_before_and_through_it() {
    for size in 1u64..140 {
        let log = log_of(size);
        for index in 0..size {
            let proof = prove_inclusion(&log, index, size).unwrap();
            assert_eq!(proof.root_before(), root_at(&log, index).unwrap(), "{index} of {size}");
            let leaf = chaos_log::leaf_hash(&leaf(index));
            let through = root_at(&log, index + 1).unwrap();
            assert_eq!(proof.root_through(&leaf), through, "{index} of {size}");
        }
    }
}
