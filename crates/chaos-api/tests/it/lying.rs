//! Servers that lie: nothing that they say is stored.

use chaos_agency::Leaf;
use chaos_api::{Mirror, MirrorError, SourceError};
use chaos_log::{ForkProof, Hash, MemoryLog, bundle_to_bytes, leaf_hash, tile_to_bytes};
use chaos_store::{Records as _, Store};
use chaos_types::Digest;
use chaos_verify::ProvedFork;
use tempfile::TempDir;

use crate::{
    liar::{self, Answer},
    world::{Log, follow},
};

/// A log of 600 entries, and a mirror that has 100 of them.
struct Case {
    log: Log,
    copy: TempDir,
}

impl Case {
    fn new() -> Self {
        let (mut log, copy) = (Log::of(100), TempDir::new().unwrap());
        follow(copy.path(), &log, &log.source()).unwrap();
        log.grow(500);
        log.sign();
        Self { log, copy }
    }

    /// What is honestly published at a path.
    fn honest(&self, path: &str) -> Vec<u8> {
        self.log.published().answer(&path.parse().unwrap()).unwrap().unwrap()
    }

    /// The error of a mirror whose server answers `path` with a lie. The mirror is as it was.
    #[track_caller]
    fn told(
        &self,
        path: &'static str,
        lie: impl Fn() -> Answer + Send + Sync + 'static,
    ) -> MirrorError {
        let published = self.log.published();
        let source =
            liar::start(published, move |asked| if asked == path { lie() } else { Answer::Honest });
        self.refused(&source)
    }

    #[track_caller]
    fn refused(&self, source: &std::sync::Arc<chaos_api::Source>) -> MirrorError {
        let refused = follow(self.copy.path(), &self.log, source).unwrap_err();
        let store = Store::open(self.copy.path()).unwrap();
        assert_eq!(store.check().unwrap().size, 100, "{refused}");
        assert_eq!(store.checkpoint().unwrap().unwrap().claimed().size(), 100);
        refused
    }
}

impl Case {
    /// The proof that a fork left, which stands in each round until the branch that is kept was accepted.
    #[track_caller]
    fn decided(&self, error: MirrorError) -> ForkProof {
        let fork = if let MirrorError::Fork(fork) = error { Some(fork) } else { None }.unwrap();
        assert_eq!(ProvedFork::parse(fork.to_string().as_bytes()).as_ref(), Ok(&*fork));
        let again = self.refused(&self.log.source());
        assert!(matches!(again, MirrorError::Fork(again) if again == fork));
        let mut mirror = Mirror::open(self.copy.path(), None).unwrap();
        let found = mirror.standings().unwrap();
        let open = found.open().find(|found| found.is_fork()).unwrap();
        let file = mirror.alarms().join(format!("{}.fork", open.name));
        assert_eq!(std::fs::read_to_string(file).unwrap(), fork.to_string());
        mirror.accept(std::slice::from_ref(&open.name), 1).unwrap();
        let trees = if let ProvedFork::Trees(trees) = *fork { Some(trees) } else { None };
        trees.unwrap().fork().clone()
    }
}

const TILE: &str = "tile/1/000.p/2";
const EDGE: &str = "tile/0/002.p/88";
const ENTRIES: &str = "tile/entries/001";
const RECORDS: &str = "records/001";

#[test]
fn wrong_tiles_are_refused() {
    let case = Case::new();
    for path in [TILE, EDGE] {
        let mut tile = case.honest(path);
        tile[5] ^= 1;
        let error = case.told(path, move || Answer::Body(tile.clone()));
        // A tile that a proof of consistency needs is found out there.
        assert!(
            matches!(error, MirrorError::Root { .. } | MirrorError::Consistency { .. }),
            "{path}: {error}"
        );
    }
    let mut tile = case.honest("tile/0/000");
    tile[32 * 200] ^= 1;
    let error = case.told("tile/0/000", move || Answer::Body(tile.clone()));
    assert!(matches!(error, MirrorError::Consistency { .. }), "{error}");
}

#[test]
fn short_long_and_ragged_tiles_are_refused() {
    let case = Case::new();
    let tile = case.honest(EDGE);
    let short = tile[..32 * 80].to_vec();
    let error = case.told(EDGE, move || Answer::Body(short.clone()));
    assert!(matches!(error, MirrorError::Width { expected: 88, found: 80, .. }), "{error}");
    let ragged = tile[..40].to_vec();
    let error = case.told(EDGE, move || Answer::Body(ragged.clone()));
    assert!(matches!(error, MirrorError::Tile { .. }), "{error}");
    let error = case.told(EDGE, || Answer::Body(Vec::new()));
    assert!(matches!(error, MirrorError::Tile { .. }), "{error}");
    let long = [tile, vec![0; 32]].concat();
    let error = case.told(EDGE, move || Answer::Body(long.clone()));
    assert!(matches!(error, MirrorError::Source(SourceError::TooLong { .. })), "{error}");
}

/// The leaves lead to the signed root without it, and every reader of tiles alone stops there.
#[test]
fn tile_of_full_leaves_that_is_wrong_cut_or_gone_is_refused_though_the_log_can_be_read_without_it()
{
    const FULL: &str = "tile/0/001";
    let case = Case::new();
    let tile = case.honest(FULL);
    for place in [0, 7, 255] {
        let mut flipped = tile.clone();
        flipped[32 * place] ^= 1;
        let error = case.told(FULL, move || Answer::Body(flipped.clone()));
        let index = 256 + place as u64;
        assert!(matches!(error, MirrorError::LeafTile { index: i, .. } if i == index), "{error}");
        assert!(error.is_contradiction());
    }
    let short = tile[..32 * 255].to_vec();
    let error = case.told(FULL, move || Answer::Body(short.clone()));
    assert!(matches!(error, MirrorError::Width { expected: 256, found: 255, .. }), "{error}");
    let ragged = tile[..32 * 255 + 5].to_vec();
    let error = case.told(FULL, move || Answer::Body(ragged.clone()));
    assert!(matches!(error, MirrorError::Tile { .. }), "{error}");
    let error = case.told(FULL, || Answer::Status(404, "", Vec::new()));
    assert!(matches!(error, MirrorError::Source(SourceError::Absent { .. })), "{error}");
    assert!(error.is_contradiction(), "what a signed head stands for is not there");
}

#[test]
fn leaves_that_are_not_those_of_the_tree_are_refused() {
    let case = Case::new();
    let entries = case.log.store.entries(256..512).unwrap();
    let mut leaves: Vec<_> = entries.iter().map(|entry| entry.leaf.clone()).collect();
    leaves[7] = Leaf::new(entries[7].digest, 1).to_bytes();
    let wrong = bundle_to_bytes(&leaves).unwrap();
    let error = case.told(ENTRIES, move || Answer::Body(wrong.clone()));
    assert!(matches!(error, MirrorError::Entries { .. }), "{error}");
    leaves[7] = entries[7].leaf.clone();
    leaves.swap(7, 8);
    let swapped = bundle_to_bytes(&leaves).unwrap();
    let error = case.told(ENTRIES, move || Answer::Body(swapped.clone()));
    assert!(matches!(error, MirrorError::Entries { .. }), "{error}");
    let few = bundle_to_bytes(&leaves[..255]).unwrap();
    let error = case.told(ENTRIES, move || Answer::Body(few.clone()));
    assert!(matches!(error, MirrorError::Width { expected: 256, found: 255, .. }), "{error}");
    let error = case.told(ENTRIES, || Answer::Body(b"no bundle".to_vec()));
    assert!(matches!(error, MirrorError::Leaves { .. }), "{error}");
}

#[test]
fn receipts_that_are_not_those_of_their_leaves_are_refused() {
    let case = Case::new();
    let entries = case.log.store.entries(256..512).unwrap();
    let mut records: Vec<_> = entries.iter().map(|entry| entry.record.clone()).collect();
    records[3].push(b' ');
    let wrong = chaos_api::records_to_bytes(&records).unwrap();
    let error = case.told(RECORDS, move || Answer::Body(wrong.clone()));
    assert!(matches!(error, MirrorError::Record { index: 259, .. }), "{error}");
    records[3] = entries[3].record.clone();
    let few = chaos_api::records_to_bytes(&records[..200]).unwrap();
    let error = case.told(RECORDS, move || Answer::Body(few.clone()));
    assert!(matches!(error, MirrorError::Width { expected: 256, found: 200, .. }), "{error}");
    let error = case.told(RECORDS, || Answer::Body(vec![0xff; 9]));
    assert!(matches!(error, MirrorError::Records { .. }), "{error}");
}

#[test]
fn records_that_are_not_published_are_asked_for_one_by_one_and_checked() {
    let case = Case::new();
    let entry = case.log.store.entry(300).unwrap().unwrap();
    let hex = entry.digest.to_hex();
    let published = case.log.published();
    let source = liar::start(published, move |path| match path {
        RECORDS => Answer::Status(404, "", Vec::new()),
        path if path.ends_with(&hex) => Answer::Body(b"another".to_vec()),
        _ => Answer::Honest,
    });
    let error = case.refused(&source);
    assert!(matches!(error, MirrorError::Record { index: 300, .. }), "{error}");
    let source = liar::start(case.log.published(), |path| {
        if path == RECORDS { Answer::Status(404, "", Vec::new()) } else { Answer::Honest }
    });
    let done = follow(case.copy.path(), &case.log, &source).unwrap();
    assert_eq!(done.head.claimed().size(), 600);
}

#[test]
fn older_and_forged_heads_are_refused() {
    let case = Case::new();
    let old = {
        let head = chaos_log::root_at(&case.log.store, 50).unwrap();
        case.log.signed(50, head).to_string().into_bytes()
    };
    let error = case.told("checkpoint", move || Answer::Body(old.clone()));
    assert!(matches!(error, MirrorError::Rollback { kept: 100, found: 50 }), "{error}");
    let stranger = chaos_log::LogKey::from_seed("example.org/log".parse().unwrap(), &[1; 32]);
    let root = case.log.store.head().unwrap().root;
    let forged = chaos_log::Checkpoint::new("example.org/log", 600, root).unwrap();
    let forged = forged.sign(&stranger).unwrap().to_string().into_bytes();
    let error = case.told("checkpoint", move || Answer::Body(forged.clone()));
    assert!(matches!(error, MirrorError::NoKeys(_)), "{error}");
    let error = case.told("checkpoint", || Answer::Body(b"no note".to_vec()));
    assert!(matches!(error, MirrorError::Checkpoint(_)), "{error}");
    let endless = case.log.signed(1 << 40, root).to_string().into_bytes();
    let error = case.told("checkpoint", move || Answer::Body(endless.clone()));
    // The tiles of such a size are not there; if they were, the round would have a limit.
    assert!(matches!(error, MirrorError::Source(SourceError::Absent { .. })), "{error}");
    let beyond = case.log.signed(601, root).to_string().into_bytes();
    let error = case.told("checkpoint", move || Answer::Body(beyond.clone()));
    assert!(matches!(error, MirrorError::Source(SourceError::Absent { .. })), "{error}");
}

/// The published tiles and checkpoint of another log under the same key.
fn other_branch(case: &Case, size: u64) -> (MemoryLog, Vec<u8>) {
    let mut tree = MemoryLog::new();
    let leaf = |index: u64| Leaf::new(Digest::of(&index.to_be_bytes()), index).to_bytes();
    tree.append_batch((0..size).map(leaf).collect()).unwrap();
    let head = case.log.signed(size, tree.root()).to_string().into_bytes();
    (tree, head)
}

#[test]
fn fork_whose_finding_a_kill_kept_from_being_written_stands_until_it_is_accepted() {
    const FINDINGS: &str = "mirror/findings/1";
    let case = Case::new();
    let (_, head) = other_branch(&case, 100);
    let error = case.told("checkpoint", move || Answer::Body(head.clone()));
    // The proof is written first; a flipped bit in the finding leaves the same.
    let mut store = Store::open(case.copy.path()).unwrap();
    let kept = store.meta(FINDINGS).unwrap().unwrap();
    let mut findings: serde_json::Value = serde_json::from_slice(&kept).unwrap();
    let spoilt = String::from_utf8(kept).unwrap().replace("\"fork\"", "\"gork\"");
    findings["found"] = serde_json::json!([]);
    for left in [findings.to_string(), spoilt] {
        store.put_meta(FINDINGS, left.as_bytes()).unwrap();
        drop(store);
        std::fs::remove_dir_all(case.copy.path().join("alarms")).unwrap();
        assert!(chaos_api::standings(case.copy.path()).unwrap().is_forked(), "{left}");
        let again = case.refused(&case.log.source());
        assert!(matches!(again, MirrorError::Fork(_)), "{again}");
        assert!(case.copy.path().join("alarms").exists());
        store = Store::open(case.copy.path()).unwrap();
    }
    drop(store);
    case.decided(error);
    follow(case.copy.path(), &case.log, &case.log.source()).unwrap();
}

#[test]
fn forks_are_told_apart_from_servers_that_lie() {
    let case = Case::new();
    // Two roots for one size, and an older size with another root than the log had.
    for size in [100, 64] {
        let (_, head) = other_branch(&case, size);
        let error = case.told("checkpoint", move || Answer::Body(head.clone()));
        let fork = case.decided(error);
        let sizes = (fork.first().claimed().size(), fork.second().claimed().size());
        assert_eq!(sizes, (size, 100));
    }
    // A longer log whose tiles prove that the kept one is not its start.
    for size in [101, 128, 256, 600] {
        let (tree, head) = other_branch(&case, size);
        let leaves: Vec<Hash> =
            (0..size).map(|index| leaf_hash(tree.leaf(index).unwrap())).collect();
        let source = liar::start(case.log.published(), move |path| {
            if path == "checkpoint" {
                return Answer::Body(head.clone());
            }
            let path: chaos_log::TilePath = path.parse().unwrap();
            let tile = path.tile().unwrap();
            assert!(tile.level <= 1, "{path}");
            let hashes: Vec<Hash> = if tile.level == 0 {
                leaves.iter().skip(256 * usize::try_from(tile.index).unwrap()).copied().collect()
            } else {
                let roots = leaves.chunks_exact(256).map(|leaves| {
                    let mut edge = chaos_log::Edge::new();
                    edge.append(leaves);
                    edge.root()
                });
                roots.collect()
            };
            Answer::Body(tile_to_bytes(&hashes[..usize::from(path.width())]))
        });
        let fork = case.decided(case.refused(&source));
        let sizes = (fork.first().claimed().size(), fork.second().claimed().size());
        assert_eq!(sizes, (100, size));
    }
    // The same checkpoint, and no tiles that would prove it: that shows nothing about the log.
    let (_, head) = other_branch(&case, 600);
    let error = case.told("checkpoint", move || Answer::Body(head.clone()));
    assert!(matches!(error, MirrorError::Consistency { .. }), "{error}");
}

#[test]
fn endless_packed_cut_and_redirected_answers_are_refused() {
    let case = Case::new();
    for path in ["checkpoint", EDGE, ENTRIES, RECORDS] {
        let error = case.told(path, || Answer::Endless);
        assert!(matches!(error, MirrorError::Source(SourceError::TooLong { .. })), "{error}");
        let packed = || Answer::Status(200, "content-encoding: gzip\r\n", vec![0x1f, 0x8b, 8, 0]);
        let error = case.told(path, packed);
        assert!(matches!(error, MirrorError::Source(SourceError::Encoded { .. })), "{error}");
        let elsewhere = "location: http://127.0.0.1:1/\r\n";
        let error = case.told(path, move || Answer::Status(302, elsewhere, Vec::new()));
        assert!(matches!(error, MirrorError::Source(SourceError::Status { .. })), "{error}");
        let whole = case.honest(path);
        let error = case.told(path, move || Answer::CutOff(whole.clone()));
        assert!(matches!(error, MirrorError::Source(SourceError::Http { .. })), "{error}");
        let error = case.told(path, || Answer::Status(500, "", Vec::new()));
        assert!(matches!(error, MirrorError::Source(SourceError::Status { .. })), "{error}");
    }
}

#[test]
fn honest_server_is_believed_after_all_that() {
    let case = Case::new();
    let source = liar::start(case.log.published(), |_| Answer::Honest);
    let done = follow(case.copy.path(), &case.log, &source).unwrap();
    assert_eq!((done.old_size, done.head.claimed().size()), (100, 600));
}
