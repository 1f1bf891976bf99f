//! Somebody may write to the database, and nothing that is signed or counts follows from it.

mod workshop;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use chaos_agency::{
    Action, Leaf, Receipt, Views,
    action::{CorrectTime, DeclareAnchoring, Role},
};
use chaos_ledger::{Error, Handover, Heads, Ledger};
use chaos_reputation::Evidence;
use chaos_store::{Append, DATABASE_FILE, Records as _, Store};
use chaos_types::{AgentKey, ChainId, Digest, dsse::Envelope};
use rusqlite::{Connection, params};
use serde_json::Value;
use tempfile::TempDir;

use self::workshop::{
    ADA, BOB, CAROL, DAVE, KINDS, SYSTEM, bind, inspect, key, mend, pay, profile, report, score,
    set, sign,
};
use crate::copy;

const START_MS: u64 = 1_767_225_600_000;
const HOUR_MS: u64 = 3_600_000;

/// Every kind of row: what has no case here is not in the log below.
const ROWS: [&str; 20] = [
    "account",
    "account_owner",
    "action",
    "agent",
    "anchoring",
    "delegation",
    "evidence",
    "forked",
    "judged",
    "key",
    "model",
    "name",
    "outcome",
    "paid",
    "payment",
    "refusal",
    "refused",
    "reward",
    "span",
    "time",
];

/// A key and a value.
type Row = (Vec<u8>, Vec<u8>);

/// A log that holds a row of every kind, and what is to happen next to it.
struct World {
    folder: TempDir,
    acts: Vec<Act>,
    wrong_from: u64,
}

/// Something that is signed or counts, by what the rows say.
struct Act {
    name: &'static str,
    envelope: Envelope,
    /// What the clock says then.
    now_ms: u64,
    /// What it comes to where nobody wrote to the database.
    right: Option<Done>,
}

/// What an act comes to: what somebody would be asked to sign, and the leaf.
#[derive(Debug, PartialEq, Eq)]
struct Done {
    proposed: String,
    leaf: Vec<u8>,
}

fn heads(folder: &Path) -> Heads {
    Heads::new(folder.join("heads"))
}

fn open(folder: &Path) -> Result<Ledger, Error> {
    Ledger::open(&folder.join("data"), Some("test".to_owned().into()), Some(&heads(folder)), SYSTEM)
}

fn declaration(chain: u64) -> DeclareAnchoring {
    let (contract, publisher) =
        (format!("0x{}", "01".repeat(20)), format!("0x{}", "02".repeat(20)));
    DeclareAnchoring { chain: ChainId::evm(chain), contract, publisher }
}

fn append(ledger: &mut Ledger, keys: &[&AgentKey], parents: Vec<Digest>, action: Action) -> Digest {
    let envelope = sign(ledger.operator(), keys, parents, action);
    ledger.append(&envelope, (SYSTEM.now_ms)()).unwrap()
}

/// An entry that counts for nothing and states what the log folds to with it.
fn append_refused(data: &Path, envelope: &Envelope) {
    let mut store = Store::open(data).unwrap();
    let operator = store.meta("operator").unwrap().unwrap();
    let operator = String::from_utf8(operator).unwrap().parse().unwrap();
    let mut views = Views::new(operator, KINDS);
    let size = store.head().unwrap().size;
    for entry in store.entries(0..size).unwrap() {
        views.apply(&entry.leaf, &entry.record).unwrap();
    }
    let record = envelope.to_bytes().unwrap();
    let read = Receipt::open_bytes(&record, &KINDS);
    let leaf = Leaf::new(Digest::of(&record), views.last_integrated_at_ms());
    let leaf = views.stating(leaf, &read).to_bytes();
    views.apply(&leaf, &record).unwrap_err();
    store.append_batch(&[Append::new(record, leaf).unwrap()]).unwrap();
}

fn world() -> World {
    set(START_MS);
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let password = || Some("test".to_owned().into());
    let mut log =
        Ledger::open_or_create(&data, password(), Some(&heads(folder.path())), SYSTEM).unwrap();
    let operator = log.operator_for("score").unwrap();
    let id = log.operator();
    append(&mut log, &[&key(ADA)], vec![], Action::Register(profile("ada", "smith")));
    append(&mut log, &[&key(BOB)], vec![], Action::Register(profile("bob", "smith")));
    append(&mut log, &[&key(ADA)], vec![], bind(id, ADA));
    append(&mut log, &[&key(BOB)], vec![], report(40));
    append(&mut log, &[&key(ADA)], vec![], Action::Update(profile("ada", "master")));
    // The first round of work is judged, paid and scored.
    let wheel = append(&mut log, &[&key(ADA)], vec![], mend("a wheel"));
    let cart = append(&mut log, &[&key(BOB)], vec![wheel], mend("a cart"));
    let judged = append(&mut log, &[&operator], vec![cart], inspect(cart, &[wheel, cart]));
    append(&mut log, &[&operator], vec![judged], pay(judged, &[(ADA, 60), (BOB, 40)]));
    let counted = log.evidence(START_MS).unwrap();
    let scored = score(&counted, START_MS, log.size());
    append(&mut log, &[&operator], vec![judged], scored);
    log.declare_anchoring(declaration(1)).unwrap();
    log.delegate(Handover { role: Role::Checkpoints, root: None, lost: false }).unwrap();
    drop(log);
    append_refused(&data, &sign(id, &[&key(DAVE)], vec![], mend("a door")));
    // A wrong clock, and its correction.
    let mut log = open(folder.path()).unwrap();
    set(START_MS + 2 * HOUR_MS);
    let wrong = log.size();
    append(&mut log, &[&key(CAROL)], vec![], Action::Register(profile("carol", "smith")));
    set(START_MS + 600_000);
    log.correct_time(wrong).unwrap();
    // The second round is judged and waits for its payment; the third waits for its judge.
    let gate = append(&mut log, &[&key(BOB)], vec![], mend("a gate"));
    let second = append(&mut log, &[&operator], vec![gate], inspect(gate, &[gate]));
    let roof = append(&mut log, &[&key(ADA)], vec![gate], mend("a roof"));
    let house = append(&mut log, &[&key(BOB)], vec![roof], mend("a house"));
    log.settle(Role::Checkpoints).unwrap();
    log.checkpoint(&heads(folder.path())).unwrap();
    // The clock is wrong again.
    let late_ms = START_MS + 3 * HOUR_MS;
    set(late_ms);
    let wrong_from = log.size();
    append(&mut log, &[&key(ADA)], vec![], mend("late"));
    append(&mut log, &[&key(ADA)], vec![], mend("later"));
    log.checkpoint(&heads(folder.path())).unwrap();

    let true_ms = START_MS + 1_200_000;
    let scored = score(&log.evidence(late_ms).unwrap(), late_ms, log.size());
    let by_operator = |parents, action| sign(id, &[&operator], parents, action);
    let act = |name, now_ms, envelope| Act { name, envelope, now_ms, right: None };
    let update = Action::Update(profile("ada", "smith"));
    let declare = Action::DeclareAnchoring(declaration(2));
    let correct = Action::CorrectTime(CorrectTime { first: wrong_from, true_ms });
    let acts = vec![
        act("update", late_ms, sign(id, &[&key(ADA)], vec![], update)),
        act("report", late_ms, sign(id, &[&key(BOB)], vec![], report(12))),
        act("declare", late_ms, by_operator(vec![], declare)),
        act("correct", true_ms, by_operator(vec![], correct)),
        act("score", late_ms, by_operator(vec![second], scored)),
        act("judge", late_ms, by_operator(vec![house], inspect(house, &[roof, house]))),
        act("pay", late_ms, by_operator(vec![second], pay(second, &[(BOB, 100)]))),
    ];
    let mut world = World { folder, acts, wrong_from };
    let done = |act| world.act(world.tampered(|_| {}).path(), act).unwrap();
    let rights: Vec<Done> = world.acts.iter().map(done).collect();
    for (act, right) in world.acts.iter_mut().zip(rights) {
        act.right = Some(right);
    }
    world
}

impl World {
    /// What an act comes to in this folder.
    fn act(&self, folder: &Path, act: &Act) -> Result<Done, Error> {
        set(act.now_ms);
        let mut log = open(folder)?;
        let proposed = match act.name {
            "correct" => format!("{:?}", log.propose_correction(None)?),
            "score" => {
                let evidence: Vec<Evidence> = log.evidence(act.now_ms)?;
                format!("{evidence:?}")
            }
            _ => String::new(),
        };
        let place = log.size();
        log.append(&act.envelope, act.now_ms)?;
        let leaf = log.store().entry(place)?.expect("it was appended").leaf;
        Ok(Done { proposed, leaf })
    }

    /// A copy whose database somebody wrote to.
    fn tampered(&self, write: impl FnOnce(&Connection)) -> TempDir {
        let copied = TempDir::new().unwrap();
        copy(self.folder.path(), copied.path());
        write(&Connection::open(copied.path().join("data").join(DATABASE_FILE)).unwrap());
        copied
    }

    /// Each act comes to what it comes to elsewhere, or finds the damage before anything is appended.
    #[track_caller]
    fn is_not_led(&self, what: &str, write: impl Fn(&Connection)) {
        for act in &self.acts {
            let copied = self.tampered(&write);
            match self.act(copied.path(), act) {
                Ok(done) => assert_eq!(Some(&done), act.right.as_ref(), "{}: {what}", act.name),
                Err(error) => {
                    assert!(is_damage(&error), "{}: {what}: {error:?}", act.name);
                    let database = copied.path().join("data").join(DATABASE_FILE);
                    let database = Connection::open(database).unwrap();
                    let size: i64 = database
                        .query_row("SELECT count(*) FROM entries", [], |row| row.get(0))
                        .unwrap();
                    assert!(size.cast_unsigned() <= self.wrong_from + 2, "{}: {what}", act.name);
                }
            }
        }
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("data").join(DATABASE_FILE)
    }

    /// The first and the last row of each kind.
    fn rows(&self) -> BTreeMap<String, Vec<Row>> {
        let database = Connection::open(self.database()).unwrap();
        let mut read = database.prepare("SELECT key, value FROM state ORDER BY key").unwrap();
        let rows = read.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let mut kinds: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        for row in rows {
            let (key, value): (Vec<u8>, Vec<u8>) = row.unwrap();
            let kind = key.split(|byte| *byte == 0).next().unwrap().to_vec();
            kinds.entry(String::from_utf8(kind).unwrap()).or_default().push((key, value));
        }
        for rows in kinds.values_mut() {
            let places = BTreeSet::from([0, rows.len() - 1]);
            *rows = places.into_iter().map(|place| rows[place].clone()).collect();
        }
        kinds
    }
}

/// The store or what is kept in it is not what it should be: exit code 5.
fn is_damage(error: &Error) -> bool {
    matches!(
        error,
        Error::Row { .. }
            | Error::Map(_)
            | Error::Mark { .. }
            | Error::FoldRoot { .. }
            | Error::FoldAhead { .. }
            | Error::EntryOther { .. }
            | Error::EntryUnread { .. }
            | Error::LeafOther { .. }
            | Error::Tree(_)
            | Error::HeadOther { .. }
            | Error::HeadBehind { .. }
            | Error::OtherRules { .. }
            | Error::Store(_)
            | Error::Open { .. }
    )
}

/// The values with one of their columns changed, each with the column's name.
fn changed(value: &Value, name: &str) -> Vec<(String, Value)> {
    match value {
        Value::Object(fields) => {
            let each = fields.iter().flat_map(|(field, inner)| {
                changed(inner, &format!("{name}.{field}")).into_iter().map(|(at, inner)| {
                    let mut fields = fields.clone();
                    fields.insert(field.clone(), inner);
                    (at, Value::Object(fields))
                })
            });
            each.collect()
        }
        Value::Array(items) => {
            let each = (0..items.len()).flat_map(|place| {
                changed(&items[place], &format!("{name}[{place}]")).into_iter().map(
                    move |(at, inner)| {
                        let mut items = items.clone();
                        items[place] = inner;
                        (at, Value::Array(items))
                    },
                )
            });
            each.chain([(format!("{name}[]"), Value::Array(vec![]))]).collect()
        }
        Value::String(text) => {
            let other = match text.parse::<u64>() {
                Ok(number) => {
                    vec![(number + 2 * HOUR_MS).to_string(), (number / 2).to_string()]
                }
                Err(_) => vec![swapped(text)],
            };
            other.into_iter().map(|text| (name.to_owned(), Value::String(text))).collect()
        }
        Value::Number(number) => {
            let number = number.as_u64().unwrap();
            vec![(name.to_owned(), (number + 1).into()), (name.to_owned(), 0.into())]
        }
        Value::Bool(is) => vec![(name.to_owned(), (!is).into())],
        Value::Null => vec![(name.to_owned(), 1.into())],
    }
}

/// A text with its last character changed.
fn swapped(text: &str) -> String {
    let mut text = text.to_owned();
    let last = text.pop();
    text.push(if last == Some('7') { '8' } else { '7' });
    text
}

#[test]
fn no_row_of_any_kind_leads_anybody_to_sign_or_count_what_is_false() {
    let world = world();
    let rows = world.rows();
    assert_eq!(rows.keys().map(String::as_str).collect::<Vec<_>>(), ROWS);
    for (kind, rows) in rows {
        for (key, value) in rows {
            let read: Value = serde_json::from_slice(&value).unwrap();
            for (column, value) in changed(&read, &kind) {
                let value = serde_json::to_vec(&value).unwrap();
                world.is_not_led(&column, |database| {
                    let update = "UPDATE state SET value = ?2 WHERE key = ?1";
                    assert_eq!(database.execute(update, params![key, value]).unwrap(), 1);
                });
            }
            world.is_not_led(&format!("{kind} is gone"), |database| {
                let delete = "DELETE FROM state WHERE key = ?1";
                assert_eq!(database.execute(delete, params![key]).unwrap(), 1);
            });
            world.is_not_led(&format!("{kind} is elsewhere"), |database| {
                let mut moved = key.clone();
                *moved.last_mut().unwrap() ^= 1;
                let update = "UPDATE OR REPLACE state SET key = ?2 WHERE key = ?1";
                assert_eq!(database.execute(update, params![key, moved]).unwrap(), 1);
            });
        }
    }
}

#[test]
fn nothing_beside_the_rows_leads_anybody_to_sign_or_count_what_is_false() {
    let world = world();
    // Each of these writes over one column of one table, in the first, a middle and the last place.
    let columns = [
        ("entries", "digest", "idx"),
        ("entries", "leaf", "idx"),
        ("entries", "record", "idx"),
        ("edge", "hashes", "part"),
        ("groups", "bytes", "id"),
        ("checkpoints", "note", "size"),
    ];
    let database = Connection::open(world.database()).unwrap();
    for (table, column, order) in columns {
        let count: i64 = database
            .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
            .unwrap();
        for place in BTreeSet::from([0, count / 2, count - 1]) {
            world.is_not_led(&format!("{table}.{column} at {place}"), |database| {
                let select =
                    format!("SELECT {column} FROM {table} ORDER BY {order} LIMIT 1 OFFSET ?1");
                let mut bytes: Vec<u8> = database
                    .query_row(&select, [place], |row| {
                        Ok(row.get_ref(0)?.as_bytes().unwrap().to_vec())
                    })
                    .unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                let new = if table == "checkpoints" {
                    rusqlite::types::Value::Text(String::from_utf8(bytes).unwrap())
                } else {
                    rusqlite::types::Value::Blob(bytes)
                };
                let keys = if table == "edge" { "level, part" } else { order };
                let update = format!(
                    "UPDATE {table} SET {column} = ?2 WHERE ({keys}) = (SELECT {keys} FROM {table} \
                     ORDER BY {order} LIMIT 1 OFFSET ?1)"
                );
                assert_eq!(database.execute(&update, params![place, new]).unwrap(), 1);
            });
        }
    }
}

/// Rows that are dropped are folded anew from the entries, and a false entry is not folded.
#[test]
fn an_entry_that_is_not_in_the_tree_is_not_folded_where_the_rows_are_gone() {
    let world = world();
    let entries = Store::read(world.folder.path().join("data")).unwrap();
    let last = entries.entry(world.wrong_from + 1).unwrap().unwrap();
    let log = open(world.folder.path()).unwrap().operator();
    let record = sign(log, &[&key(BOB)], vec![], mend("what was not done")).to_bytes().unwrap();
    let mut leaf = Leaf::from_bytes(&last.leaf).unwrap();
    leaf.receipt = Digest::of(&record);
    let copied = world.tampered(|database| {
        database.execute("DELETE FROM state", []).unwrap();
        database.execute("DELETE FROM groups", []).unwrap();
        database.execute("DELETE FROM meta WHERE key = 'fold'", []).unwrap();
        let update = "UPDATE entries SET digest = ?2, leaf = ?3, record = ?4 WHERE idx = ?1";
        let row =
            params![last.index.cast_signed(), leaf.receipt.as_bytes(), leaf.to_bytes(), record];
        assert_eq!(database.execute(update, row).unwrap(), 1);
    });
    let refused = open(copied.path()).unwrap_err();
    assert!(matches!(refused, Error::EntryOther { .. }), "{refused:?}");
}

/// The evidence of a score is that of the entries, all of it.
#[test]
fn evidence_that_was_slipped_in_or_taken_out_is_found_by_whoever_scores() {
    let world = world();
    set(START_MS + 3 * HOUR_MS);
    let right = open(world.folder.path()).unwrap().evidence(START_MS + 3 * HOUR_MS).unwrap();
    assert_eq!(right.len(), 3);
    let (from, to) = (b"evidence\0".as_slice(), b"evidence\x01".as_slice());
    let slipped_in = b"evidence\x0000000000000000000002\x0000000".as_slice();
    for sql in [
        "DELETE FROM state WHERE key > ?1 AND key < ?2",
        "INSERT INTO state (key, value) SELECT ?3, value FROM state WHERE key > ?1 AND key < ?2 LIMIT 1",
        "UPDATE state SET value = CAST(replace(CAST(value AS TEXT), 'true', 'false') AS BLOB) \
         WHERE key > ?1 AND key < ?2",
    ] {
        let copied = world.tampered(|database| {
            let mut statement = database.prepare(sql).unwrap();
            let parameters = [from, to, slipped_in];
            let count = statement.parameter_count();
            let parameters = rusqlite::params_from_iter(&parameters[..count]);
            assert!(statement.execute(parameters).unwrap() > 0);
        });
        let refused = open(copied.path()).unwrap().evidence(START_MS + 3 * HOUR_MS).unwrap_err();
        assert!(matches!(refused, Error::Row { .. }), "{refused:?}");
    }
}
