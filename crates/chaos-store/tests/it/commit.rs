use std::{collections::BTreeMap, sync::Arc, thread};

use chaos_store::{GroupCommit, MemoryStore, Records as _, Store};

use crate::{append, record};

#[test]
fn callers_on_many_threads_get_one_index_per_record() {
    let directory = tempfile::tempdir().unwrap();
    let commit = Arc::new(GroupCommit::start(Store::open(directory.path()).unwrap()).unwrap());
    let threads: Vec<_> = (0..8)
        .map(|caller| {
            let commit = Arc::clone(&commit);
            // Every record is appended by two of the callers.
            thread::spawn(move || {
                let texts = (0..300).map(|n| format!("{} {n}", caller / 2));
                let tickets: Vec<_> =
                    texts.map(|text| (commit.submit(append(&text)).unwrap(), text)).collect();
                tickets
                    .into_iter()
                    .map(|(ticket, text)| (text, ticket.wait().unwrap()))
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let answers: Vec<_> = threads.into_iter().flat_map(|caller| caller.join().unwrap()).collect();
    let store = Arc::into_inner(commit).unwrap().shut_down();

    assert_eq!(answers.iter().filter(|(_, appended)| !appended.duplicate).count(), 1200);
    let indices: BTreeMap<_, _> =
        answers.iter().map(|(text, appended)| (appended.index, text)).collect();
    assert_eq!(indices.keys().copied().collect::<Vec<_>>(), (0..1200).collect::<Vec<_>>());
    for (text, appended) in &answers {
        assert_eq!(indices[&appended.index], text);
        assert_eq!(store.entry(appended.index).unwrap().unwrap().record, record(text));
    }
    assert_eq!(store.check().unwrap().size, 1200);
}

#[test]
fn shutting_down_and_dropping_both_serve_what_is_queued() {
    let directory = tempfile::tempdir().unwrap();
    let commit = GroupCommit::start(Store::open(directory.path()).unwrap()).unwrap();
    let submit = |commit: &GroupCommit<Store>, range: std::ops::Range<u32>| {
        range.map(|n| commit.submit(append(&n.to_string())).unwrap()).collect::<Vec<_>>()
    };
    let tickets = submit(&commit, 0..1000);
    let store = commit.shut_down();
    assert_eq!(store.head().unwrap().size, 1000);
    assert!(tickets.into_iter().all(|ticket| ticket.wait().is_ok()));

    let commit = GroupCommit::start(store).unwrap();
    let tickets = submit(&commit, 1000..1500);
    drop(commit);
    assert!(tickets.into_iter().all(|ticket| ticket.wait().is_ok()));
    assert_eq!(Store::open(directory.path()).unwrap().check().unwrap().size, 1500);
}

#[test]
fn work_on_the_store_sees_everything_queued_before_it() {
    let commit = GroupCommit::start(MemoryStore::new()).unwrap();
    let tickets: Vec<_> =
        (0..700).map(|n| commit.submit(append(&n.to_string())).unwrap()).collect();
    assert_eq!(commit.run(|store| store.head().unwrap().size).unwrap(), 700);
    let last = tickets.into_iter().next_back().unwrap();
    assert_eq!(last.wait().unwrap().index, 699);
    assert!(commit.append(append("0")).unwrap().duplicate);
}

#[test]
fn callers_learn_that_the_committer_has_stopped() {
    let commit = GroupCommit::start(MemoryStore::new()).unwrap();
    let stopped = commit.run(|_| std::panic::resume_unwind(Box::new("work gone wrong")));
    assert!(stopped.is_err_and(|error| error.to_string() == "the log no longer takes entries"));
    assert!(commit.append(append("a")).is_err());
}
