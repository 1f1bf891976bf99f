//! What is published, over HTTP and in folders.

use std::{fs, path::Path, sync::Arc};

use chaos_api::{
    Comparison, ExportError, Exported, Limits, Mirror, MirrorError, Source, routes, serve,
};
use chaos_log::{bundle_from_bytes, leaf_hash, tile_from_bytes};
use chaos_store::{Blobs as _, Records as _};
use chaos_types::Digest;
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot};

use crate::world::{Log, follow, runtime};

/// An export as it is made unless it is told otherwise.
fn export(log: &Log, folder: &Path) -> Result<Exported, ExportError> {
    chaos_api::export(&log.published(), log.verifier(), folder, Comparison::Lengths)
}

/// An export that reads what is there.
fn check(log: &Log, folder: &Path) -> Exported {
    chaos_api::export(&log.published(), log.verifier(), folder, Comparison::Bytes).unwrap()
}

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
    let first = export(&log, folder.path()).unwrap();
    assert_eq!((first.old_size, first.size), (0, 300));
    let again = export(&log, folder.path()).unwrap();
    assert_eq!((again.old_size, again.written), (300, 0));
    log.grow(300);
    log.sign();
    let full = folder.path().join("tile/entries/000");
    fs::remove_file(&full).unwrap();
    let second = export(&log, folder.path()).unwrap();
    assert_eq!((second.old_size, second.size), (300, 600));
    assert!(full.exists(), "that a checkpoint is there says nothing about its files");
    assert_eq!(second.mended, 1);
    let third = export(&log, folder.path()).unwrap();
    assert_eq!((third.written, third.mended), (0, 0), "what is the log's is not written again");
}

#[test]
fn export_says_how_many_files_it_did_not_read_and_finds_in_them_what_it_looks_for() {
    let log = Log::of(300);
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    assert_eq!(export(&log, folder.path()).unwrap().unread, 0);
    let flip = |name: &str| {
        let mut bytes = fs::read(path(name)).unwrap();
        bytes[9] ^= 1;
        fs::write(path(name), bytes).unwrap();
    };
    flip("tile/0/000");
    flip("records/000");
    let lengths = export(&log, folder.path()).unwrap();
    assert_eq!(
        (lengths.mended, lengths.unread),
        (0, 7),
        "bytes are looked at where it is asked for"
    );
    let bytes = check(&log, folder.path());
    assert_eq!((bytes.mended, bytes.unread), (2, 0));
    // What is known without reading the log: which files there are, and how long hashes are.
    fs::write(path("tile/0/000"), [0; 32 * 255]).unwrap();
    fs::write(path("records/001.p/44"), []).unwrap();
    fs::remove_file(path("tile/entries/000")).unwrap();
    let lengths = export(&log, folder.path()).unwrap();
    assert_eq!((lengths.mended, lengths.unread), (3, 4));
    assert_eq!(check(&log, folder.path()).mended, 0);
}

/// Whether a blob is published depends on every receipt that names it, and the older ones are not opened.
#[test]
fn later_export_writes_no_blob_that_an_older_receipt_withholds_and_says_which_lie_there_still() {
    let mut log = Log::of(1);
    let [first, second, third] =
        [b"1", b"2", b"3"].map(|blob| log.store.blobs().put(blob).unwrap());
    let folder = TempDir::new().unwrap();
    let is_there = |digest: &Digest| folder.path().join("blob").join(digest.to_hex()).exists();
    let withholding = |log: &Log, digest: Digest| {
        let record = log.run_receipt(&[digest], Digest::of(b"elsewhere"));
        let mut unreadable: serde_json::Value = serde_json::from_slice(&record).unwrap();
        unreadable["signatures"][0]["sig"] = "AA==".into();
        serde_json::to_vec(&unreadable).unwrap()
    };
    log.append_raw(log.run_receipt(&[], first), crate::world::NOW_MS);
    log.sign();
    export(&log, folder.path()).unwrap();
    assert!(is_there(&first));

    log.append_raw(withholding(&log, second), crate::world::NOW_MS);
    log.sign();
    export(&log, folder.path()).unwrap();
    log.append_raw(log.run_receipt(&[second], third), crate::world::NOW_MS);
    log.sign();
    let done = export(&log, folder.path()).unwrap();
    assert_eq!((is_there(&second), is_there(&third), done.blobs_left), (false, true, 0));

    log.append_raw(withholding(&log, first), crate::world::NOW_MS);
    log.sign();
    for _ in 0..2 {
        assert_eq!(export(&log, folder.path()).unwrap().blobs_left, 1);
        assert!(is_there(&first), "what is published is published");
    }
    let none = || {
        let publication = chaos_api::Publication {
            disclosure: chaos_api::Disclosure::default(),
            ..log.publication()
        };
        let published = chaos_api::Published::open(log.path(), publication).unwrap();
        chaos_api::export(&published, log.verifier(), folder.path(), Comparison::Lengths).unwrap()
    };
    assert_eq!([none().blobs_left, none().blobs_left], [2, 2]);
    fs::remove_dir_all(folder.path().join("blob")).unwrap();
    assert_eq!(none().blobs_left, 0);
    assert_eq!(export(&log, folder.path()).unwrap().blobs_left, 0);
    assert!(is_there(&third) && !is_there(&first) && !is_there(&second));
}

#[test]
fn mirror_of_an_exported_folder_is_the_log() {
    let log = Log::of(300);
    let (folder, copy) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    export(&log, folder.path()).unwrap();
    let source = Arc::new(Source::folder(folder.path()));
    assert_eq!(follow(copy.path(), &log, &source).unwrap().head.claimed().size(), 300);
}

#[test]
fn export_refuses_a_folder_with_a_longer_log_or_another_root() {
    let mut log = Log::of(5);
    let folder = TempDir::new().unwrap();
    let ahead = log.signed(9, log.store.head().unwrap().root).to_string();
    fs::write(folder.path().join("checkpoint"), ahead).unwrap();
    let refused = export(&log, folder.path()).unwrap_err();
    assert!(matches!(refused, ExportError::Ahead { size: 5, found: 9 }), "{refused}");
    let root = leaf_hash(b"another");
    fs::write(folder.path().join("checkpoint"), log.signed(5, root).to_string()).unwrap();
    log.grow(1);
    log.sign();
    let refused = export(&log, folder.path()).unwrap_err();
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
        let refused = export(&log, folder).unwrap_err();
        assert!(matches!(refused, ExportError::DataDirectory { .. }), "{refused}");
    }
    let above = log.path().parent().unwrap();
    let refused = export(&log, above).unwrap_err();
    assert!(matches!(refused, ExportError::Within { .. }), "{refused}");
    assert!(fs::read_dir(keys).unwrap().next().is_none());

    let published = TempDir::new().unwrap();
    export(&log, published.path()).unwrap();
    let refused = Mirror::open(published.path(), Some(log.verifier())).unwrap_err();
    assert!(matches!(refused, MirrorError::Published { .. }), "{refused}");
    assert!(!published.path().join(chaos_store::DATABASE_FILE).exists());
}

/// Whoever may write to the published folder must not have anything replaced that lies elsewhere.
#[test]
fn export_replaces_a_link_and_not_what_it_leads_to() {
    let log = Log::of(3);
    let (elsewhere, published) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let others = elsewhere.path().join("others");
    fs::write(&others, "theirs").unwrap();
    export(&log, published.path()).unwrap();
    let tile = published.path().join("tile/0/000.p/3");
    let checkpoint = published.path().join("checkpoint");
    for file in [&tile, &checkpoint] {
        let bytes = fs::read(file).unwrap();
        fs::remove_file(file).unwrap();
        std::os::unix::fs::symlink(&others, file).unwrap();
        // A checkpoint that is none of the log's is not written over, whatever it is.
        if file == &tile {
            export(&log, published.path()).unwrap();
            assert_eq!(fs::read(file).unwrap(), bytes);
            assert!(!fs::symlink_metadata(file).unwrap().is_symlink());
        } else {
            export(&log, published.path()).unwrap_err();
        }
        assert_eq!(fs::read(&others).unwrap(), b"theirs");
    }
}
