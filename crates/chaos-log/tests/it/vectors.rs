use chaos_log::{
    Checkpoint, ConsistencyProof, EMPTY_ROOT, Hash, InclusionProof, KeyName, LogKey, MemoryLog,
    Note, NoteError, SignedCheckpoint, VerifierKey, leaf_hash, prove_consistency, prove_inclusion,
    root_at,
};
use serde_json::Value;

use crate::{bytes_from_hex, fixture, hash_from_hex};

fn hashes(value: &Value) -> Vec<Hash> {
    value.as_array().unwrap().iter().map(|hex| hash_from_hex(hex.as_str().unwrap())).collect()
}

fn leaves(vectors: &Value) -> Vec<Vec<u8>> {
    let leaves = vectors["leaves"].as_array().unwrap();
    leaves.iter().map(|leaf| bytes_from_hex(leaf.as_str().unwrap())).collect()
}

fn published_log(vectors: &Value) -> MemoryLog {
    let mut log = MemoryLog::new();
    log.append_batch(leaves(vectors)).unwrap();
    log
}

#[test]
fn roots_are_those_of_the_published_vectors() {
    let vectors = fixture("rfc6962.json");
    let roots = hashes(&vectors["roots"]);
    let mut log = MemoryLog::new();
    assert_eq!(roots[0], EMPTY_ROOT);
    for (leaf, root) in leaves(&vectors).into_iter().zip(&roots[1..]) {
        log.append(leaf).unwrap();
        assert_eq!(log.root(), *root, "size {}", log.size());
    }
    for (size, root) in (0..).zip(&roots) {
        assert_eq!(root_at(&log, size).unwrap(), *root, "size {size}");
    }
}

#[test]
fn inclusion_proofs_are_those_of_the_published_vectors() {
    let vectors = fixture("rfc6962.json");
    let (log, leaves, roots) =
        (published_log(&vectors), leaves(&vectors), hashes(&vectors["roots"]));
    for vector in vectors["inclusion"].as_array().unwrap() {
        let (index, size) = (vector["index"].as_u64().unwrap(), vector["size"].as_u64().unwrap());
        let published = InclusionProof::new(index, size, hashes(&vector["hashes"])).unwrap();
        let leaf = leaf_hash(&leaves[usize::try_from(index).unwrap()]);
        published.verify(&leaf, &roots[usize::try_from(size).unwrap()]).unwrap();
        assert_eq!(prove_inclusion(&log, index, size).unwrap(), published);
    }
}

#[test]
fn consistency_proofs_are_those_of_the_published_vectors() {
    let vectors = fixture("rfc6962.json");
    let (log, roots) = (published_log(&vectors), hashes(&vectors["roots"]));
    for vector in vectors["consistency"].as_array().unwrap() {
        let (old, new) =
            (vector["old_size"].as_u64().unwrap(), vector["new_size"].as_u64().unwrap());
        let published = ConsistencyProof::new(old, new, hashes(&vector["hashes"])).unwrap();
        let root = |size: u64| roots[usize::try_from(size).unwrap()];
        published.verify(&root(old), &root(new)).unwrap();
        assert_eq!(prove_consistency(&log, old, new).unwrap(), published);
    }
}

#[test]
fn signs_and_reads_the_note_of_the_go_documentation() {
    let vectors = &fixture("notes.json")["go_note"];
    let text = |name: &str| vectors[name].as_str().unwrap().to_owned();
    let key = LogKey::from_secret(&text("secret_key")).unwrap();
    assert_eq!(key.verifier().to_string(), text("verifier_key"));
    assert_eq!(*key.to_secret(), text("secret_key"));

    let mut note = Note::new(text("text")).unwrap();
    note.sign(&key).unwrap();
    assert_eq!(note.to_string(), text("note"));

    let seed = bytes_from_hex(&text("second_seed")).try_into().unwrap();
    let name: KeyName = text("second_name").parse().unwrap();
    let second = LogKey::from_seed(name, &seed);
    note.sign(&second).unwrap();
    assert_eq!(note.to_string(), text("note_signed_twice"));

    let read = Note::parse(text("note_signed_twice").as_bytes()).unwrap();
    assert_eq!(read, note);
    let verifier: VerifierKey = text("verifier_key").parse().unwrap();
    assert_eq!(read.verify(std::slice::from_ref(&verifier)).unwrap(), text("text"));
    assert_eq!(read.verify(&[verifier, second.verifier().clone()]).unwrap(), text("text"));
    assert!(matches!(read.verify(&[]), Err(NoteError::Unsigned { .. })));
}

#[test]
fn accepts_a_checkpoint_that_the_go_checksum_database_signed() {
    let vectors = &fixture("notes.json")["go_checksum_database"];
    let text = |name: &str| vectors[name].as_str().unwrap();
    let key: VerifierKey = text("verifier_key").parse().unwrap();
    let signed = SignedCheckpoint::parse(text("checkpoint").as_bytes()).unwrap();
    assert_eq!(signed.to_string(), text("checkpoint"));
    let verified = signed.note().verify(std::slice::from_ref(&key)).unwrap();
    let checkpoint = Checkpoint::parse(verified).unwrap();
    assert_eq!(checkpoint.origin(), text("origin"));
    assert_eq!(checkpoint.size(), vectors["size"].as_u64().unwrap());
    assert_eq!(checkpoint.root().to_string(), text("root"));
    // Its key is not named as its origin, and this crate insists on that.
    let refusal = signed.verify(&key).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "checkpoint is of log `go.sum database tree`, expected `sum.golang.org`"
    );
}
