//! Witnesses over HTTP, and a log that asks them: honest ones, silent ones, and some that lie.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener as Listener,
    sync::Arc,
};

use chaos_api::{AskError, Gathered, Limits, gather, serve, witness_routes};
use chaos_log::{Checkpoint, LogKey, MemoryLog, Policy, SignedCheckpoint, WitnessKey, root_at};
use chaos_witness::{Witness, origin_hash};
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Runtime};

const ORIGIN: &str = "example.com/log";

const NOW_S: u64 = 1_700_000_000;

fn log_key() -> LogKey {
    LogKey::from_seed(ORIGIN.parse().unwrap(), &[1; 32])
}

fn witness_key(seed: u8) -> WitnessKey {
    WitnessKey::from_seed(format!("witness.example.org/{seed}").parse().unwrap(), &[seed; 32])
}

fn log_of(size: u64, branch: &str) -> MemoryLog {
    let mut log = MemoryLog::new();
    let leaf = |index| if index < 3 { format!("{index}") } else { format!("{index} {branch}") };
    log.append_batch((0..size).map(|index| leaf(index).into_bytes()).collect()).unwrap();
    log
}

fn signed(log: &MemoryLog, size: u64) -> SignedCheckpoint {
    let checkpoint = Checkpoint::new(ORIGIN, size, root_at(log, size).unwrap()).unwrap();
    checkpoint.sign(&log_key()).unwrap()
}

/// A witness that listens until the runtime is dropped.
struct Served {
    url: String,
    _folder: TempDir,
}

fn witness(runtime: &Runtime, seed: u8) -> Served {
    let folder = tempfile::tempdir().unwrap();
    let known = format!("log {}\nquorum none\n", log_key().verifier());
    let known = Policy::parse(known.as_bytes()).unwrap();
    let witness = Witness::open(folder.path(), witness_key(seed), &known).unwrap();
    let routes = witness_routes(
        Arc::new(witness),
        || NOW_S,
        Arc::new(|incident| unreachable!("{incident}")),
    );
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    runtime.spawn(serve(listener, routes, Limits::default(), std::future::pending()));
    Served { url, _folder: folder }
}

/// A server that gives one fixed answer to everybody.
fn liar(answer: String) -> String {
    let listener = Listener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 8_192];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

fn answer(status: &str, kind: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn policy(quorum: &str, urls: &[(u8, Option<&str>)]) -> Policy {
    let mut text = String::new();
    for (seed, url) in urls {
        let key = witness_key(*seed);
        text.push_str(&format!("witness w{seed} {} {}\n", key.verifier(), url.unwrap_or("")));
    }
    Policy::parse(format!("{text}{quorum}").as_bytes()).unwrap()
}

fn ask(
    runtime: &Runtime,
    policy: &Policy,
    log: &MemoryLog,
    last: Option<&SignedCheckpoint>,
) -> Gathered {
    let checkpoint = signed(log, log.size());
    runtime.block_on(gather(policy, checkpoint, last, log)).unwrap()
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[test]
fn a_log_gets_its_checkpoints_cosigned_as_it_grows() {
    let runtime = runtime();
    let (one, other) = (witness(&runtime, 2), witness(&runtime, 3));
    let policy = policy(
        "group g all w2 w3\nquorum g\n",
        &[(2, Some(&one.url)), (3, Some(other.url.trim_end_matches('/')))],
    );
    let mut last: Option<SignedCheckpoint> = None;
    for size in [1, 5, 5, 300] {
        let log = log_of(size, "ours");
        let gathered = ask(&runtime, &policy, &log, last.as_ref());
        assert!(gathered.silent.is_empty(), "{:?}", gathered.silent);
        let cosigners = policy.witnessed(&gathered.checkpoint).unwrap();
        assert!(cosigners.iter().all(|cosigner| cosigner.time_s == NOW_S));
        gathered.checkpoint.verify(log_key().verifier()).unwrap();
        last = Some(gathered.checkpoint);
    }
    // Whoever has forgotten the last cosigned checkpoint learns its size from the witness.
    let gathered = ask(&runtime, &policy, &log_of(301, "ours"), None);
    assert!(policy.witnessed(&gathered.checkpoint).is_ok(), "{:?}", gathered.silent);
    let url = format!("{}{}/checkpoint", one.url, origin_hash(ORIGIN));
    let served = runtime.block_on(async {
        let answer = reqwest::get(url).await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.bytes().await.unwrap()
    });
    let served = SignedCheckpoint::parse(&served).unwrap();
    assert_eq!(served.claimed().size(), 301);
    assert!(witness_key(2).verifier().cosigned(&served).unwrap().is_some());
}

#[test]
fn an_old_copy_of_a_log_is_told_by_its_witness() {
    let runtime = runtime();
    let served = witness(&runtime, 2);
    let policy = policy("quorum w2\n", &[(2, Some(&served.url))]);
    ask(&runtime, &policy, &log_of(9, "ours"), None);
    let gathered = ask(&runtime, &policy, &log_of(5, "ours"), None);
    let [(name, error)] = &gathered.silent[..] else { panic!("{:?}", gathered.silent) };
    assert!(name == "w2" && error.is_alarming(), "{error}");
    assert!(matches!(error, AskError::Ahead { theirs: 9, ours: 5 }), "{error}");
    assert!(policy.witnessed(&gathered.checkpoint).is_err());
}

#[test]
fn a_forked_log_is_not_cosigned() {
    let runtime = runtime();
    let served = witness(&runtime, 2);
    let policy = policy("quorum w2\n", &[(2, Some(&served.url))]);
    ask(&runtime, &policy, &log_of(5, "ours"), None);
    for size in [5, 9] {
        let gathered = ask(&runtime, &policy, &log_of(size, "theirs"), None);
        let [(_, error)] = &gathered.silent[..] else { panic!("{:?}", gathered.silent) };
        assert!(error.is_alarming(), "{error}");
        assert!(matches!(error, AskError::Refused { status, .. } if status.as_u16() == 422));
    }
}

#[test]
fn witnesses_that_are_silent_or_lie_do_not_count() {
    let runtime = runtime();
    let honest = witness(&runtime, 2);
    let log = log_of(5, "ours");
    let text = "text/plain";
    // Signed, but not this checkpoint; signed, but by another key; and three kinds of nonsense.
    let elsewhere = witness_key(3).cosign(&signed(&log_of(4, "ours"), 4), NOW_S).unwrap();
    let stranger = witness_key(99).cosign(&signed(&log, 5), NOW_S).unwrap();
    let liars = [
        liar(answer("200 OK", text, &elsewhere.to_string())),
        liar(answer("200 OK", text, &stranger.to_string())),
        liar(answer("200 OK", text, "hello\n")),
        liar(answer("200 OK", text, &"\u{2014} a AAAAAAA=\n".repeat(9_000))),
        liar(answer("409 Conflict", "text/x.tlog.size", "05\n")),
        liar(answer("409 Conflict", text, "1\n")),
        liar(answer("302 Found", text, "")),
        liar("nonsense".to_owned()),
        "http://127.0.0.1:1/".to_owned(),
        "file:///etc/passwd".to_owned(),
    ];
    for url in &liars {
        let policy =
            policy("group g 1 w2 w3\nquorum g\n", &[(2, Some(&honest.url)), (3, Some(url))]);
        let gathered = ask(&runtime, &policy, &log, None);
        assert!(policy.witnessed(&gathered.checkpoint).is_ok(), "the honest one is enough");
        let [(name, _)] = &gathered.silent[..] else { panic!("{url}: {:?}", gathered.silent) };
        assert_eq!(name, "w3");
        let lines = gathered.checkpoint.note().signatures().len();
        assert_eq!(lines, 2, "nothing of a liar's is taken");
        let both = self::policy(
            "group g all w2 w3\nquorum g\n",
            &[(2, Some(&honest.url)), (3, Some(url))],
        );
        assert!(both.witnessed(&gathered.checkpoint).is_err());
    }
    let nowhere = policy("quorum w3\n", &[(3, None)]);
    let gathered = ask(&runtime, &nowhere, &log, None);
    assert!(matches!(gathered.silent[..], [(_, AskError::NoUrl)]));
}

#[test]
fn a_witness_that_answers_many_cosignatures_of_its_own_takes_the_place_of_no_other() {
    let runtime = runtime();
    let log = log_of(5, "ours");
    let lines: String = (0..99)
        .map(|second| witness_key(3).cosign(&signed(&log, 5), NOW_S - second).unwrap().to_string())
        .collect();
    let hog = liar(answer("200 OK", "text/plain", &lines));
    // The honest one is slower: it is asked again with a proof from the size that it has.
    let honest = witness(&runtime, 2);
    ask(&runtime, &policy("quorum w2\n", &[(2, Some(&honest.url))]), &log_of(3, "ours"), None);
    let policy =
        policy("group g all w2 w3\nquorum g\n", &[(2, Some(&honest.url)), (3, Some(&hog))]);
    let gathered = ask(&runtime, &policy, &log, None);
    assert!(policy.witnessed(&gathered.checkpoint).is_ok(), "{:?}", gathered.silent);
    assert_eq!(gathered.checkpoint.note().signatures().len(), 3, "the log's and one of each");
}

#[test]
fn a_witness_whose_size_moves_is_not_followed_for_ever() {
    let runtime = runtime();
    let url = liar(answer("409 Conflict", "text/x.tlog.size", "3\n"));
    let policy = policy("quorum w3\n", &[(3, Some(&url))]);
    let gathered = ask(&runtime, &policy, &log_of(5, "ours"), None);
    assert!(matches!(gathered.silent[..], [(_, AskError::Stuck { size: 3 })]));
}

#[test]
fn requests_that_are_none_are_refused_over_http_too() {
    let runtime = runtime();
    let served = witness(&runtime, 2);
    // Whoever gathers provides the cryptography that every client wants, encrypted or not.
    ask(&runtime, &policy("quorum none\n", &[]), &log_of(1, "ours"), None);
    let post = |body: Vec<u8>| {
        let url = format!("{}add-checkpoint", served.url);
        runtime.block_on(async {
            let answer = reqwest::Client::new().post(url).body(body).send().await.unwrap();
            answer.status().as_u16()
        })
    };
    assert_eq!(post(b"hello".to_vec()), 400);
    assert_eq!(post(vec![b'a'; chaos_witness::REQUEST_BYTES_MAX + 1]), 400);
    let stranger = LogKey::from_seed("example.com/other".parse().unwrap(), &[1; 32]);
    let log = log_of(1, "");
    let other =
        Checkpoint::new("example.com/other", 1, log.root()).unwrap().sign(&stranger).unwrap();
    assert_eq!(post(format!("old 0\n\n{other}").into_bytes()), 404);
    let get = |path: &str| {
        let url = format!("{}{path}", served.url);
        runtime.block_on(async { reqwest::get(url).await.unwrap().status().as_u16() })
    };
    assert_eq!(get(&format!("{}/checkpoint", origin_hash(ORIGIN))), 404, "never cosigned");
    assert_eq!(get("add-checkpoint"), 405);
    assert_eq!(get("../witness/checkpoint"), 404);
}
