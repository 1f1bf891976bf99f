//! What a mirror or a monitor found stays found, however it was told.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use chaos_agency::Leaf;
use chaos_log::{Checkpoint, LogKey, SignedCheckpoint, TilePath, leaf_hash};
use chaos_store::{Append, Head, Records as _, Store};
use chaos_types::{AgentKey, Digest};
use tempfile::TempDir;

use crate::program::{Run, heads, run, type_in};

/// When the entries of these logs are dated, milliseconds since 1970.
const LONG_AGO_MS: u64 = 1_767_225_600_000;

/// A year that no clock here shows, milliseconds since 1970.
const FAR_AHEAD_MS: u64 = 95_617_584_000_000;

/// A log whose operator may do anything, in a data directory that `log serve` and the copies read.
struct Log {
    dir: PathBuf,
    key: LogKey,
}

impl Log {
    fn new(dir: &Path) -> Self {
        let operator = AgentKey::from_seed(&[7; 32]).did();
        let mut store = Store::open(dir).unwrap();
        chaos_ledger::adopt(&mut store, &operator).unwrap();
        let key = chaos_ledger::log_verifier(&store, dir).unwrap();
        let key = LogKey::from_seed(key.name().clone(), &[7; 32]);
        Self { dir: dir.to_owned(), key }
    }

    /// The store, which nobody else has meanwhile.
    fn store(&self) -> Store {
        Store::open(&self.dir).unwrap()
    }

    fn head(&self) -> Head {
        Store::read(&self.dir).unwrap().head().unwrap()
    }

    /// An entry that is no receipt.
    fn append(&self, text: &str, at_ms: u64) {
        let record = text.as_bytes().to_vec();
        let leaf = Leaf::new(Digest::of(&record), at_ms).to_bytes();
        self.store().append_batch(&[Append::new(record, leaf).unwrap()]).unwrap();
    }

    fn sign(&self) -> SignedCheckpoint {
        let head = self.head();
        let signed = self.signed(head.size, head.root);
        self.store().put_checkpoint(&signed).unwrap();
        signed
    }

    fn signed(&self, size: u64, root: chaos_log::Hash) -> SignedCheckpoint {
        let name = self.key.verifier().name().as_str();
        Checkpoint::new(name, size, root).unwrap().sign(&self.key).unwrap()
    }

    fn vkey(&self) -> String {
        self.key.verifier().to_string()
    }

    fn serve(&self) -> Server {
        serve(&self.dir)
    }
}

/// Serves a data directory.
fn serve(data: &Path) -> Server {
    let mut child = Command::new(env!("CARGO_BIN_EXE_chaoschain"))
        .args(["log", "serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .env("CHAOSCHAIN_HEADS", heads())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let line = lines(child.stdout.take().unwrap()).next().unwrap().unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    Server { child, url: ready["url"].as_str().unwrap().to_owned() }
}

/// A server that ends with its test.
struct Server {
    child: Child,
    url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// One round in a shell, its output sent where `redirect` says.
fn round(dir: &Path, command: &str, server: &Server, log: &Log, redirect: &str) -> Run {
    let line = format!(
        "chaoschain log {command} {} {command} --log '{}' {redirect}",
        server.url,
        log.vkey()
    );
    type_in(dir, &line)
}

#[test]
fn findings_that_nobody_could_read_are_told_again_and_stand_until_they_are_accepted() {
    let dir = TempDir::new().unwrap();
    let log = Log::new(&dir.path().join("log"));
    log.append("one", LONG_AGO_MS);
    log.append("two", FAR_AHEAD_MS);
    log.append("three", 5);
    log.sign();
    let server = log.serve();
    let names = ["receipt-0", "receipt-1", "future-1", "receipt-2", "time-back-2"];
    for command in ["mirror", "monitor"] {
        for redirect in ["> /dev/full", "| head -1 > /dev/null; exit 1"] {
            round(dir.path(), command, &server, &log, redirect).expect_code(1);
        }
        for _ in 0..2 {
            let told = round(dir.path(), command, &server, &log, "").expect_code(1);
            for name in names {
                assert!(told.stdout.contains(name), "{command} {name}: {}", told.stdout);
            }
        }
        let folder = dir.path().join(command);
        let listed = run(["log", "findings", text(&folder), "--json"]).expect_code(1).json();
        assert_eq!(listed.len(), names.len() + 1);
        run(["log", "findings", text(&folder), "--accept", "future-9"])
            .expect_error(3, &["future-9"]);
        let left = run(["log", "findings", text(&folder), "--accept", names[0]]).expect_code(1);
        assert!(left.stdout.contains("accepted"), "{}", left.stdout);
        run(["log", "findings", text(&folder), "--accept", "all"]).expect_code(0);
        let told = round(dir.path(), command, &server, &log, "").expect_code(0);
        assert!(!told.stdout.contains("signatures hold"), "{}", told.stdout);
    }
}

/// Of what a source publishes, a folder of files.
fn export(log: &Log, folder: &Path) {
    run(["log", "export", text(folder), "--data", text(&log.dir)]).expect_code(0);
}

#[test]
fn fork_that_was_seen_ends_each_round_with_6_and_stores_nothing_until_a_person_decides() {
    let dir = TempDir::new().unwrap();
    let log = Log::new(&dir.path().join("log"));
    log.append("one", LONG_AGO_MS);
    log.append("two", LONG_AGO_MS);
    log.sign();
    for command in ["mirror", "monitor"] {
        let forked = dir.path().join(format!("forked-{command}"));
        export(&log, &forked);
        let other = log.signed(log.head().size, leaf_hash(b"other")).to_string();
        fs::write(forked.join("checkpoint"), other).unwrap();
        let folder = dir.path().join(command);
        let server = log.serve();
        round(dir.path(), command, &server, &log, "").expect_code(1);
        run(["log", "findings", text(&folder), "--accept", "all"]).expect_code(0);
        run(["log", command, text(&forked), text(&folder)]).expect_code(6);
        log.append(&format!("after {command}"), LONG_AGO_MS);
        log.sign();
        for _ in 0..2 {
            round(dir.path(), command, &server, &log, "").expect_code(6);
            let size = Store::read(&folder).unwrap().head().unwrap().size;
            assert!(size < log.head().size, "{command} stored {size}");
        }
        let listed = run(["log", "findings", text(&folder), "--json"]).expect_code(6).json();
        let proof = listed.iter().find_map(|found| found["proof"].as_str()).unwrap();
        run(["verify", proof, "--log", &log.vkey()]).expect_code(6);
        // The person goes on with the branch that is kept.
        run(["log", "findings", text(&folder), "--accept", "all"]).expect_code(0);
        round(dir.path(), command, &server, &log, "").expect_code(1);
        assert_eq!(Store::read(&folder).unwrap().head().unwrap(), log.head());
        run(["verify", proof, "--log", &log.vkey()]).expect_code(6);
    }
}

#[test]
fn one_fault_has_one_exit_code_whoever_meets_it() {
    let dir = TempDir::new().unwrap();
    let log = Log::new(&dir.path().join("log"));
    log.append("one", LONG_AGO_MS);
    log.append("two", LONG_AGO_MS);
    log.sign();
    let lying = dir.path().join("lying");
    export(&log, &lying);
    let honest = fs::read(lying.join("checkpoint")).unwrap();
    let tile = lying.join("tile/0/000.p/2");
    let bytes = fs::read(&tile).unwrap();
    let check = |what: &str| {
        for command in ["mirror", "monitor"] {
            let folder = dir.path().join(format!("{command}-{what}"));
            let ended = run(["log", command, text(&lying), text(&folder), "--log", &log.vkey()]);
            ended.expect_code(1);
        }
    };
    fs::remove_file(&tile).unwrap();
    check("missing");
    fs::write(&tile, &bytes).unwrap();
    let huge = log.signed(1 << 63, leaf_hash(b"")).to_string();
    fs::write(lying.join("checkpoint"), huge).unwrap();
    check("huge");
    fs::write(lying.join("checkpoint"), honest).unwrap();
    // More entries than the tile has, and more bytes than the entries.
    let path: TilePath = "tile/entries/000.p/2".parse().unwrap();
    let entries = lying.join(path.to_string());
    let whole = fs::read(&entries).unwrap();
    fs::write(&entries, [whole.as_slice(), &[0, 1, b'x']].concat()).unwrap();
    check("trailing");
    fs::write(&entries, &whole).unwrap();
    let records = lying.join("records/000.p/2");
    let whole = fs::read(&records).unwrap();
    fs::write(&records, [whole.as_slice(), &[0, 0, 0, 1, b'x']].concat()).unwrap();
    check("trailing-records");
}

#[test]
fn copy_that_a_wrong_key_began_is_of_the_log_that_the_right_key_names() {
    let dir = TempDir::new().unwrap();
    let log = Log::new(&dir.path().join("log"));
    log.append("one", LONG_AGO_MS);
    log.sign();
    let copy = dir.path().join("copy");
    let wrong = "example.com/log+9be5d3c6+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";
    let mirror = |key: &str| run(["log", "mirror", text(&log.dir), text(&copy), "--log", key]);
    mirror(wrong).expect_error(1, &["is not the log's"]);
    mirror(&log.vkey()).expect_code(1);
    assert_eq!(Store::read(&copy).unwrap().head().unwrap(), log.head());
    // From the first entry on it is that log's.
    let refused = mirror(wrong).expect_error(3, &["the mirror is of the log"]);
    assert!(refused.stderr.contains("name a new one"), "{}", refused.stderr);
}

/// A line that a key of another name has signed, as a witness's is.
fn cosigned(signed: &SignedCheckpoint) -> SignedCheckpoint {
    let name = "witness.example.org/w".parse().unwrap();
    let witness = chaos_log::WitnessKey::from_seed(name, &[1; 32]);
    let mut with = signed.clone();
    let line = witness.cosign(signed, 1_767_225_600).unwrap();
    with.add(line).unwrap();
    with
}

#[test]
fn checkpoint_that_lacks_a_cosignature_does_not_replace_the_one_that_has_it() {
    let dir = TempDir::new().unwrap();
    let log = Log::new(&dir.path().join("log"));
    log.append("one", LONG_AGO_MS);
    let plain = log.sign();
    let cosigned = cosigned(&plain);
    let (source, copy) = (dir.path().join("source"), dir.path().join("copy"));
    export(&log, &source);
    for (shown, kept) in [(&plain, &plain), (&cosigned, &cosigned), (&plain, &cosigned)] {
        fs::write(source.join("checkpoint"), shown.to_string()).unwrap();
        run(["log", "mirror", text(&source), text(&copy), "--log", &log.vkey()]).expect_code(1);
        let stored = Store::read(&copy).unwrap().checkpoint().unwrap().unwrap();
        assert_eq!(stored.to_string(), kept.to_string());
    }
}

#[test]
fn monitor_that_is_stopped_after_its_server_went_away_ends_with_4() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let on = ["--data", text(&data)];
    run(["agent", "register", "--name", "ada", "--role", "researcher"].iter().chain(&on))
        .expect_code(0);
    let signed = run(["log", "checkpoint", "--json"].iter().chain(&on)).expect_code(0).json();
    let key = signed[0]["log"].as_str().unwrap();
    let server = serve(&data);
    let mut monitor = Command::new(env!("CARGO_BIN_EXE_chaoschain"))
        .args(["log", "monitor", &server.url, text(&dir.path().join("copy"))])
        .args(["--log", key, "--every", "1"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = lines(monitor.stdout.take().unwrap());
    assert!(told.next().unwrap().unwrap().contains("0 alarms"));
    drop(server);
    let mut complained = lines(monitor.stderr.take().unwrap());
    assert!(complained.next().unwrap().unwrap().contains("error"));
    let sent = Command::new("kill").args(["-TERM", &monitor.id().to_string()]).status().unwrap();
    assert!(sent.success());
    assert_eq!(monitor.wait().unwrap().code(), Some(4));
}

#[test]
fn server_whose_directory_was_exchanged_says_so_and_serves_neither() {
    let dir = TempDir::new().unwrap();
    let (data, older) = (dir.path().join("log"), dir.path().join("older"));
    let log = Log::new(&data);
    log.append("one", LONG_AGO_MS);
    log.sign();
    let mut server = log.serve();
    let copy = dir.path().join("copy");
    let mirror = || run(["log", "mirror", &server.url, text(&copy), "--log", &log.vkey()]);
    mirror().expect_code(1);
    fs::rename(&data, &older).unwrap();
    let copied = Command::new("cp").arg("-r").args([&older, &data]).status().unwrap();
    assert!(copied.success());
    mirror().expect_error(4, &["the server answers 500"]);
    let mut complained = lines(server.child.stderr.take().unwrap());
    assert!(complained.any(|line| line.unwrap().contains("the directory was exchanged")));
}

fn lines<R: std::io::Read>(from: R) -> std::io::Lines<std::io::BufReader<R>> {
    std::io::BufRead::lines(std::io::BufReader::new(from))
}
