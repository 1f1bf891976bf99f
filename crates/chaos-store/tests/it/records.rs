use chaos_log::{
    leaf_hash,
    map::{self, EMPTY},
    prove_consistency, prove_inclusion, root_at,
};
use chaos_store::{
    Append, AppendError, Change, ENTRIES_MAX, Entry, Fold, Head, Mark, MemoryStore,
    RECORD_BYTES_MAX, Records, Row, Store, StoreError, all_entries,
};
use chaos_types::Digest;
use proptest::{collection::vec, prelude::*};

use crate::{append, record, signed};

/// What every implementation of [`Records`] owes its callers.
fn check_contract(store: &mut impl Records) {
    check_entries(store);
    check_checkpoints(store);
    check_rows(store);
    check_groups(store);
}

/// What the map was is there until a checkpoint is published that has it so.
fn check_groups(store: &mut impl Records) {
    let mut map = map::MemoryMap::new();
    let mut versions = Vec::new();
    let names: Vec<String> = (0..40).map(|number| format!("name\0{number}")).collect();
    for names in names.chunks(10) {
        let puts = names.iter().map(|name| (map::Key::of(name.as_bytes()), map::Value::of(b"1")));
        let changed = map::regroup(&*store, &map.root(), puts.clone()).unwrap();
        puts.for_each(|(key, value)| map.insert(key, value));
        assert_eq!(changed.root, map.root());
        let size = store.head().unwrap().size + 1;
        let groups: Vec<_> = changed.groups.into_iter().collect();
        let appends = [append(&format!("with {}", changed.root))];
        let (rules, state) = (Digest::of(b"rules"), changed.root);
        let mark = Mark { rules, size, last_ms: 7, state, is_stated: false };
        let change =
            Change { appends: &appends, groups: &groups, mark: Some(mark), ..Change::default() };
        store.commit(&change).unwrap();
        versions.push((size, map.clone()));
    }
    let living: Vec<_> = map::grouped(map.entries()).into_iter().collect();
    assert!(living.len() > 4);
    assert_eq!(store.groups(None, 99).unwrap(), living);
    assert_eq!(store.groups(Some(living[1].0), 2).unwrap(), living[2..4]);
    let known = |store: &_| {
        let is_known = |(size, map): &(u64, map::MemoryMap)| {
            let (then, key) = (At { store, size: *size }, map::Key::of(names[3].as_bytes()));
            map::prove_grouped(&then, &map.root(), &key).is_ok_and(|proof| proof == map.prove(&key))
        };
        versions.iter().map(is_known).collect::<Vec<_>>()
    };
    assert_eq!(known(store), [true; 4]);
    let size = versions[1].0;
    store.put_checkpoint(&signed(Head { size, root: root_at(store, size).unwrap() })).unwrap();
    assert_eq!(known(store), [false, true, true, true]);
    store.put_checkpoint(&signed(store.head().unwrap())).unwrap();
    assert_eq!(known(store), [false, false, false, true]);
    assert_eq!(store.groups(None, 99).unwrap(), living);
    store.clear_rows().unwrap();
    assert_eq!(store.groups(None, 99).unwrap(), []);
}

/// The map as it was with a log of some size.
struct At<'a, R> {
    store: &'a R,
    size: u64,
}

impl<R: Records> map::GroupRead for At<'_, R> {
    type Error = StoreError;

    fn read_group(&self, id: map::GroupId) -> Result<Option<map::Group>, StoreError> {
        self.store.group_at(id, self.size)
    }

    fn read_below(&self, id: map::GroupId) -> Result<Vec<(map::GroupId, map::Group)>, StoreError> {
        let below = id.all_below().map(|id| (id, self.store.group_at(id, self.size).unwrap()));
        Ok(below.into_iter().filter_map(|(id, group)| Some((id, group?))).collect())
    }
}

/// Two changes of one size leave what was before the first of them.
#[test]
fn what_the_map_was_before_a_size_is_what_it_was_before_the_first_change_of_it() {
    fn check(store: &mut impl Records) {
        store.append_batch(&[append("a")]).unwrap();
        store.put_checkpoint(&signed(store.head().unwrap())).unwrap();
        let mut map = map::MemoryMap::new();
        let mut versions = vec![];
        for (name, size) in [("a", 1), ("b", 2), ("c", 2), ("d", 3), ("a", 3)] {
            let put =
                (map::Key::of(name.as_bytes()), map::Value::of(&[u8::try_from(size).unwrap()]));
            let groups = map::regroup(&*store, &map.root(), [put]).unwrap().groups;
            let groups: Vec<_> = groups.into_iter().collect();
            map.insert(put.0, put.1);
            let (rules, state) = (Digest::of(b"rules"), map.root());
            let mark = Mark { rules, size, last_ms: 7, state, is_stated: false };
            let appends = [append(&format!("{name} {size}"))];
            let change = Change {
                appends: &appends,
                groups: &groups,
                mark: Some(mark),
                ..Change::default()
            };
            store.commit(&change).unwrap();
            versions.push((size, map.clone()));
        }
        for at in [0, 2, 4] {
            let (size, map) = &versions[at];
            let expect = map::grouped(map.entries()).remove(&map::GroupId::ROOT);
            assert_eq!(store.group_at(map::GroupId::ROOT, *size).unwrap(), expect, "{size}");
        }
    }
    let directory = tempfile::tempdir().unwrap();
    check(&mut Store::open(directory.path()).unwrap());
    check(&mut MemoryStore::new());
}

fn check_entries(store: &mut impl Records) {
    assert_eq!(store.head().unwrap().size, 0);
    assert_eq!(store.head().unwrap().root, chaos_log::EMPTY_ROOT);
    assert_eq!(store.append_batch(&[]).unwrap(), []);
    let batch = [append("a"), append("b"), append("a"), append("c")];
    let found: Vec<_> = store.append_batch(&batch).unwrap();
    let found: Vec<_> = found.iter().map(|a| (a.index, a.duplicate)).collect();
    assert_eq!(found, [(0, false), (1, false), (0, true), (2, false)]);
    // The same record under a leaf of a later time is still the same record.
    let later = Append::new(record("b"), b"a later leaf".to_vec()).unwrap();
    let again = store.append_batch(&[later]).unwrap();
    assert_eq!((again[0].index, again[0].duplicate), (1, true));
    assert_eq!(store.head().unwrap().size, 3);

    let expect = Entry {
        index: 1,
        leaf: crate::leaf("b"),
        record: record("b"),
        digest: append("b").digest(),
    };
    assert_eq!(store.entry(1).unwrap().as_ref(), Some(&expect));
    assert_eq!(store.entry_by_digest(&expect.digest).unwrap(), Some(expect));
    assert_eq!(store.entry(3).unwrap(), None);
    assert_eq!(store.entry(u64::MAX).unwrap(), None);
    assert_eq!(store.entry_by_digest(&append("z").digest()).unwrap(), None);

    let more: Vec<_> = (0..ENTRIES_MAX + 50).map(|n| append(&n.to_string())).collect();
    store.append_batch(&more).unwrap();
    let head = store.head().unwrap();
    assert_eq!(head.size, 3 + ENTRIES_MAX + 50);
    assert_eq!(store.entries(2..5).unwrap().iter().map(|e| e.index).collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!(store.entries(0..u64::MAX).unwrap().len() as u64, ENTRIES_MAX);
    assert_eq!(store.entries(head.size - 1..u64::MAX).unwrap().len(), 1);
    assert_eq!(store.entries(head.size..u64::MAX).unwrap(), []);
    let indices: Vec<_> = all_entries(store, 1).map(|entry| entry.unwrap().index).collect();
    assert_eq!(indices, (1..head.size).collect::<Vec<_>>());

    for index in [0, 3, head.size - 1] {
        let proof = prove_inclusion(store, index, head.size).unwrap();
        let entry = store.entry(index).unwrap().unwrap();
        proof.verify(&leaf_hash(&entry.leaf), &head.root).unwrap();
    }
    let proof = prove_consistency(store, 3, head.size).unwrap();
    proof.verify(&root_at(store, 3).unwrap(), &head.root).unwrap();
}

fn check_checkpoints(store: &mut impl Records) {
    assert_eq!(store.checkpoint().unwrap(), None);
    let head = store.head().unwrap();
    let old = chaos_store::Head { size: 3, root: root_at(store, 3).unwrap() };
    store.put_checkpoint(&signed(head)).unwrap();
    store.put_checkpoint(&signed(old)).unwrap();
    store.put_checkpoint(&signed(old)).unwrap();
    assert_eq!(store.checkpoint().unwrap(), Some(signed(head)));
    assert_eq!(store.checkpoint_at(3).unwrap(), Some(signed(old)));
    assert_eq!(store.checkpoint_at(4).unwrap(), None);
    assert_eq!(store.checkpoint_from(0).unwrap(), store.checkpoint_from(3).unwrap());
    assert_eq!(store.checkpoint_from(3).unwrap(), Some(signed(old)));
    assert_eq!(store.checkpoint_from(4).unwrap(), store.checkpoint().unwrap());
    let ahead = signed(chaos_store::Head { size: head.size + 1, ..head });
    let error = store.put_checkpoint(&ahead).unwrap_err();
    assert!(matches!(error, StoreError::CheckpointAhead { .. }), "{error}");
    let other = signed(chaos_store::Head { size: 4, ..head });
    let error = store.put_checkpoint(&other).unwrap_err();
    let expect = root_at(store, 4).unwrap();
    let expect = format!("checkpoint of size 4 has root {}, the log has {expect}", head.root);
    assert_eq!(error.to_string(), expect);
}

fn check_rows(store: &mut impl Records) {
    let row = |key: &str, value: &str| (key.as_bytes().to_vec(), value.as_bytes().to_vec());
    let put = |store: &mut _, rows: &[Row], mark| {
        Records::commit(store, &Change { rows, mark, ..Change::default() }).map(drop).unwrap();
    };
    assert_eq!((store.row(b"a").unwrap(), store.folded().unwrap()), (None, None));
    put(store, &[row("a", "1"), row("b", "2"), row("a", "3")], None);
    put(store, &[row("c", "4")], None);
    assert_eq!(store.row(b"a").unwrap(), Some(b"3".to_vec()), "the last one stays");
    let rows = |from: &str, to: &str, count| {
        let rows = store.rows(from.as_bytes()..to.as_bytes(), count).unwrap();
        rows.into_iter().map(|(key, _)| String::from_utf8(key).unwrap()).collect::<String>()
    };
    assert_eq!(rows("a", "c", 9), "ab");
    assert_eq!(rows("b", "z", 9), "bc");
    assert_eq!(rows("a", "z", 1), "a");
    assert_eq!(rows("z", "a", 9), "");
    // Entries, rows and the mark go together; the mark is bound to the root at its size.
    let size = store.head().unwrap().size;
    let mark =
        Mark { rules: Digest::of(b"rules"), size: 3, last_ms: 7, state: EMPTY, is_stated: false };
    put(store, &[], Some(mark));
    let root = root_at(store, 3).unwrap();
    assert_eq!(store.folded().unwrap(), Some(Fold { mark, root }));
    let appends = [append("with a row")];
    let mark = Mark { size: size + 1, last_ms: 8, ..mark };
    let rows = [row("d", "5")];
    let change = Change { appends: &appends, rows: &rows, mark: Some(mark), ..Change::default() };
    assert_eq!(store.commit(&change).unwrap()[0].index, size);
    let root = store.head().unwrap().root;
    assert_eq!(store.folded().unwrap(), Some(Fold { mark, root }));
    assert_eq!(store.index_of(&appends[0].digest()).unwrap(), Some(size));
    assert_eq!(store.index_of(&append("nothing").digest()).unwrap(), None);
    store.clear_rows().unwrap();
    assert_eq!((store.row(b"d").unwrap(), store.folded().unwrap()), (None, None));
    assert_eq!(store.meta("origin").unwrap(), None);
    store.put_meta("origin", b"one").unwrap();
    store.put_meta("origin", b"two").unwrap();
    assert_eq!(store.meta("origin").unwrap(), Some(b"two".to_vec()));
}

#[test]
fn a_store_on_disk_keeps_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open(directory.path()).unwrap();
    check_contract(&mut store);
    let head = store.check().unwrap();
    drop(store);
    let store = Store::open(directory.path()).unwrap();
    assert_eq!(store.head().unwrap(), head);
    assert_eq!(store.check().unwrap(), head);
    let newest = store.checkpoint().unwrap().unwrap();
    let size = newest.claimed().size();
    assert_eq!(newest, signed(Head { size, root: root_at(&store, size).unwrap() }));
    assert_eq!(store.meta("origin").unwrap(), Some(b"two".to_vec()));
}

#[test]
fn a_store_in_memory_keeps_the_contract() {
    check_contract(&mut MemoryStore::new());
}

#[test]
fn records_and_leaves_beyond_their_limits_are_refused() {
    let refused = |record, leaf| Append::new(vec![0; record], vec![0; leaf]).unwrap_err();
    let error = refused(RECORD_BYTES_MAX + 1, 0);
    assert_eq!(error, AppendError::RecordTooLong { bytes: RECORD_BYTES_MAX + 1 });
    assert_eq!(refused(0, 65_536).to_string(), "leaf has 65536 bytes, the limit is 65535");
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open(directory.path()).unwrap();
    let mut leaf = Digest::of(&vec![7; RECORD_BYTES_MAX]).to_hex().into_bytes();
    leaf.resize(65_535, b'.');
    let largest = Append::new(vec![7; RECORD_BYTES_MAX], leaf).unwrap();
    store.append_batch(std::slice::from_ref(&largest)).unwrap();
    assert_eq!(store.entry(0).unwrap().unwrap().record, largest.record());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn disk_and_memory_answer_alike(batches in vec(vec(0u16..900, 0..400), 1..5)) {
        let directory = tempfile::tempdir().unwrap();
        let mut disk = Store::open(directory.path()).unwrap();
        let mut memory = MemoryStore::new();
        for batch in batches {
            let batch: Vec<_> = batch.iter().map(|n| append(&n.to_string())).collect();
            prop_assert_eq!(disk.append_batch(&batch).unwrap(), memory.append_batch(&batch).unwrap());
            prop_assert_eq!(disk.head().unwrap(), memory.head().unwrap());
            drop(disk);
            disk = Store::open(directory.path()).unwrap();
        }
        prop_assert_eq!(disk.check().unwrap(), memory.head().unwrap());
        let entries = |records: &dyn Fn(u64) -> Option<Entry>| (0..900).map_while(records).collect::<Vec<_>>();
        prop_assert_eq!(
            entries(&|index| disk.entry(index).unwrap()),
            entries(&|index| memory.entry(index).unwrap()),
        );
    }
}
