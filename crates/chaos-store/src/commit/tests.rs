use std::sync::Arc;

use super::{CommitError, GroupCommit};
use crate::{Records as _, Store, StoreError, sqlite::tests::append};

#[test]
fn a_full_disk_is_answered_to_every_waiting_caller() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open(directory.path()).unwrap();
    store.append_batch(&[append("first")]).unwrap();
    let head = store.head().unwrap();
    store.leave_room(0);
    let commit = Arc::new(GroupCommit::start(store).unwrap());
    // The committer is held up, so that all requests below are in one group.
    let (started, start) = std::sync::mpsc::channel();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let held = std::thread::spawn({
        let commit = Arc::clone(&commit);
        move || {
            commit.run(move |_| {
                started.send(()).unwrap();
                wait.recv().unwrap();
            })
        }
    });
    start.recv().unwrap();
    let tickets: Vec<_> = (0..200)
        .map(|n| commit.submit(append(&format!("{n} {}", "x".repeat(500)))).unwrap())
        .collect();
    go.send(()).unwrap();
    held.join().unwrap().unwrap();
    for ticket in tickets {
        let error = ticket.wait().unwrap_err();
        let CommitError::Failed(cause) = error else { panic!("expected a failed group") };
        assert!(matches!(*cause, StoreError::Full { .. }), "{cause:?}");
    }
    assert_eq!(commit.run(|store| store.check()).unwrap().unwrap(), head);
    commit.run(|store| store.leave_room(1000)).unwrap();
    assert_eq!(commit.append(append("later")).unwrap().index, 1);
}
