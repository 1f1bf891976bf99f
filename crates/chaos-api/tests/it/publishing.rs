//! What is published, over HTTP and in folders.

use std::{fs, sync::Arc};

use chaos_api::{ExportError, Limits, Mirror, MirrorError, Source, export, routes, serve};
use chaos_log::{bundle_from_bytes, leaf_hash, tile_from_bytes};
use chaos_store::{Blobs as _, Records as _};
use chaos_types::Digest;
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot};

use crate::world::{Log, follow, runtime};

/// The bytes of a published path, if it is published.
#[track_caller]
fn bytes(log: &Log, path: &str) -> Option<Vec<u8>> {
    log.published().answer(&path.parse().unwrap()).unwrap()
}

#[test]
fn leaves_hash_to_the_tile_beside_them_and_records_to_the_digests_in_them() {
    let log = Log::of(300);
    for (number, width) in [("000", 256), ("001.p/44", 44)] {
        let hashes = tile_from_bytes(&bytes(&log, &format!("tile/0/{number}")).unwrap()).unwrap();
        let entries = bytes(&log, &format!("tile/entries/{number}")).unwrap();
        let leaves = bundle_from_bytes(&entries).unwrap();
        assert_eq!(leaves.len(), width);
        assert_eq!(leaves.iter().map(|leaf| leaf_hash(leaf)).collect::<Vec<_>>(), hashes);
        let body = bytes(&log, &format!("records/{number}")).unwrap();
        for (leaf, record) in leaves.iter().zip(chaos_api::records_from_bytes(&body).unwrap()) {
            let digest = Digest::of(record);
            assert!(String::from_utf8_lossy(leaf).contains(&digest.to_string()));
            let alone = bytes(&log, &format!("receipt/{}", digest.to_hex()));
            assert_eq!(alone.as_deref(), Some(record));
        }
    }
    assert_eq!(bytes(&log, "tile/1/000.p/1").unwrap().len(), 32);
}

#[test]
fn nothing_above_the_signed_size_is_published() {
    let mut log = Log::of(3);
    log.grow(2);
    let above = log.store.entry(3).unwrap().unwrap();
    assert!(bytes(&log, "tile/0/000.p/3").is_some());
    for path in ["tile/0/000.p/4", "tile/entries/000.p/5", "records/000.p/4", "tile/0/000"] {
        assert_eq!(bytes(&log, path), None, "{path}");
    }
    let receipt = format!("receipt/{}", above.digest.to_hex());
    assert_eq!(bytes(&log, &receipt), None);
    log.sign();
    assert!(bytes(&log, &receipt).is_some() && bytes(&log, "tile/0/000.p/5").is_some());
}

#[test]
fn no_tile_is_published_before_a_checkpoint_is_signed() {
    let mut log = Log::of(0);
    log.grow(4);
    assert_eq!(bytes(&log, "tile/0/000.p/4"), None);
}

#[test]
fn checkpoint_by_another_key_is_not_published() {
    let log = Log::of(2);
    let mut publication = log.publication();
    let other = chaos_log::LogKey::from_seed("example.org/log".parse().unwrap(), &[8; 32]);
    publication.key = other.verifier().clone();
    let published = chaos_api::Published::open(log.path(), publication).unwrap();
    assert!(published.answer(&"checkpoint".parse().unwrap()).is_err());
}

#[test]
fn blob_is_published_only_if_every_receipt_that_names_it_is_of_a_disclosed_kind() {
    let mut log = Log::of(1);
    let named = log.store.blobs().put(b"named").unwrap();
    let unnamed = log.store.blobs().put(b"nobody names this").unwrap();
    let record = log.run_receipt(&[], named);
    log.append_raw(record, crate::world::NOW_MS);
    let path = |digest: &Digest| format!("blob/{}", digest.to_hex());
    assert_eq!(bytes(&log, &path(&named)), None, "its receipt is above the signed size");
    log.sign();
    assert_eq!(bytes(&log, &path(&named)).as_deref(), Some(b"named".as_slice()));
    assert_eq!(bytes(&log, &path(&unnamed)), None);

    let mut withheld = log.publication();
    withheld.disclosure = ["score".to_owned()].into_iter().collect();
    let published = chaos_api::Published::open(log.path(), withheld).unwrap();
    assert_eq!(published.answer(&path(&named).parse().unwrap()).unwrap(), None);
}

/// A program that does not know a kind cannot tell whether it withholds what it names.
#[test]
fn blob_that_an_unreadable_receipt_names_too_is_not_published() {
    let mut log = Log::of(1);
    let named = log.store.blobs().put(b"named").unwrap();
    let record = log.run_receipt(&[], named);
    log.append_raw(record.clone(), crate::world::NOW_MS);
    log.sign();
    let path = format!("blob/{}", named.to_hex());
    assert!(bytes(&log, &path).is_some());
    let mut unreadable: serde_json::Value = serde_json::from_slice(&record).unwrap();
    unreadable["signatures"][0]["sig"] = "AA==".into();
    log.append_raw(serde_json::to_vec(&unreadable).unwrap(), crate::world::NOW_MS);
    log.sign();
    assert_eq!(bytes(&log, &path), None);
}

#[test]
fn export_writes_the_checkpoint_last_and_the_next_one_only_what_is_new() {
    let mut log = Log::of(300);
    let folder = TempDir::new().unwrap();
    let first = export(&log.published(), log.verifier(), folder.path()).unwrap();
    assert_eq!((first.old_size, first.size), (0, 300));
    let again = export(&log.published(), log.verifier(), folder.path()).unwrap();
    assert_eq!((again.old_size, again.written), (300, 0));
    log.grow(300);
    log.sign();
    let full = folder.path().join("tile/entries/000");
    fs::remove_file(&full).unwrap();
    let second = export(&log.published(), log.verifier(), folder.path()).unwrap();
    assert_eq!((second.old_size, second.size), (300, 600));
    assert!(full.exists(), "that a checkpoint is there says nothing about its files");
    assert_eq!(second.mended, 1);
    let third = export(&log.published(), log.verifier(), folder.path()).unwrap();
    assert_eq!((third.written, third.mended), (0, 0), "what is the log's is not written again");
}

#[test]
fn mirror_of_an_exported_folder_is_the_log() {
    let log = Log::of(300);
    let (folder, copy) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    export(&log.published(), log.verifier(), folder.path()).unwrap();
    let source = Arc::new(Source::folder(folder.path()));
    assert_eq!(follow(copy.path(), &log, &source).unwrap().head.claimed().size(), 300);
}

#[test]
fn export_refuses_a_folder_with_a_longer_log_or_another_root() {
    let mut log = Log::of(5);
    let folder = TempDir::new().unwrap();
    let ahead = log.signed(9, log.store.head().unwrap().root).to_string();
    fs::write(folder.path().join("checkpoint"), ahead).unwrap();
    let refused = export(&log.published(), log.verifier(), folder.path()).unwrap_err();
    assert!(matches!(refused, ExportError::Ahead { size: 5, found: 9 }), "{refused}");
    let root = leaf_hash(b"another");
    fs::write(folder.path().join("checkpoint"), log.signed(5, root).to_string()).unwrap();
    log.grow(1);
    log.sign();
    let refused = export(&log.published(), log.verifier(), folder.path()).unwrap_err();
    assert!(matches!(refused, ExportError::Root { size: 5, .. }), "{refused}");
}

#[test]
fn served_log_is_mirrored_while_its_owner_appends() {
    let mut log = Log::of(290);
    let copy = TempDir::new().unwrap();
    let runtime = runtime();
    let (stop, stopped) = oneshot::channel::<()>();
    let published = Arc::new(log.published());
    let (url, served) = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes = routes(published, Arc::new(|incident: &_| panic!("{incident}")));
        let stopped = async { drop(stopped.await) };
        (url, tokio::spawn(serve(listener, routes, Limits::default(), stopped)))
    });
    let source = Arc::new(Source::http(&url).unwrap());
    let mut mirror = Mirror::open(copy.path(), Some(log.verifier())).unwrap();
    for size in [290, 600] {
        let now_ms = crate::world::NOW_MS + 1_000_000;
        let done = runtime.block_on(mirror.follow(&source, now_ms, &|_, _| {})).unwrap();
        assert_eq!(done.head.claimed().size(), size);
        assert!(done.findings.is_empty());
        log.grow(310);
        log.sign();
    }
    stop.send(()).unwrap();
    runtime.block_on(served).unwrap();
}

/// Keys lie in a data directory, and a static host serves whatever a folder holds.
#[test]
fn log_and_what_is_published_of_it_never_share_a_folder() {
    let log = Log::of(3);
    let keys = log.path().join("keys");
    fs::create_dir(&keys).unwrap();
    let elsewhere = TempDir::new().unwrap();
    let link = elsewhere.path().join("link");
    std::os::unix::fs::symlink(&keys, &link).unwrap();
    for folder in [log.path(), &keys, &keys.join("new/deeper"), &link] {
        let refused = export(&log.published(), log.verifier(), folder).unwrap_err();
        assert!(matches!(refused, ExportError::DataDirectory { .. }), "{refused}");
    }
    let above = log.path().parent().unwrap();
    let refused = export(&log.published(), log.verifier(), above).unwrap_err();
    assert!(matches!(refused, ExportError::Within { .. }), "{refused}");
    assert!(fs::read_dir(keys).unwrap().next().is_none());

    let published = TempDir::new().unwrap();
    export(&log.published(), log.verifier(), published.path()).unwrap();
    let refused = Mirror::open(published.path(), Some(log.verifier())).unwrap_err();
    assert!(matches!(refused, MirrorError::Published { .. }), "{refused}");
    assert!(!published.path().join(chaos_store::DATABASE_FILE).exists());
}
