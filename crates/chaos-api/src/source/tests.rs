//! Servers that answer, and never come to an end.

#![expect(clippy::disallowed_methods, reason = "how long something takes is what is tested")]

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

use chaos_log::LogKey;

use super::*;
use crate::{Mirror, MirrorError};

/// What a test waits for comes within this time, or the test fails.
const DEADLINE: Duration = Duration::from_secs(20);

/// A server that begins an answer of `length` bytes and sends `part` after `part` of it, `pause`
/// between them; counts what it sent.
fn dripping(length: usize, part: usize, pause: Duration) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let count = Arc::clone(&count);
            thread::spawn(move || drip(stream, length, part, pause, &count));
        }
    });
    (url, sent)
}

fn drip(mut stream: TcpStream, length: usize, part: usize, pause: Duration, sent: &AtomicUsize) {
    let _request = stream.read(&mut [0; 8_192]);
    let head = format!("HTTP/1.1 200 X\r\ncontent-length: {length}\r\n\r\n");
    if stream.write_all(head.as_bytes()).is_err() {
        return;
    }
    stream.set_read_timeout(Some(pause)).unwrap();
    let part = vec![b'x'; part];
    while stream.write_all(&part).is_ok() {
        sent.fetch_add(part.len(), Ordering::Relaxed);
        // Nothing comes from the client, so that this is the pause; or it has hung up.
        if matches!(stream.read(&mut [0]), Ok(0)) {
            return;
        }
    }
}

const QUICK: Patience = Patience {
    silence_max: Duration::from_millis(200),
    answer_time_max: Duration::from_millis(600),
    round_time_max: DEADLINE,
};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[test]
fn an_answer_that_drips_is_given_up_although_it_is_never_silent() {
    let (url, sent) = dripping(1_000, 1, Duration::from_millis(20));
    let source = Source::patient(&url, QUICK).unwrap();
    let began = Instant::now();
    let error = runtime().block_on(source.get(&Resource::Checkpoint)).unwrap_err();
    assert!(matches!(&error, SourceError::Http { source, .. } if source.is_timeout()), "{error}");
    assert!(!error.is_answer(), "slowness says nothing about the log");
    assert!(began.elapsed() < DEADLINE, "{:?}", began.elapsed());
    assert!(sent.load(Ordering::Relaxed) < 1_000);
}

#[test]
fn a_server_that_falls_silent_is_given_up_before_the_answer_s_time() {
    let (url, _sent) = dripping(1_000, 1, DEADLINE);
    let patience = Patience { answer_time_max: DEADLINE * 10, ..QUICK };
    let source = Source::patient(&url, patience).unwrap();
    let began = Instant::now();
    let error = runtime().block_on(source.get(&Resource::Checkpoint)).unwrap_err();
    assert!(matches!(&error, SourceError::Http { source, .. } if source.is_timeout()), "{error}");
    assert!(began.elapsed() < DEADLINE, "{:?}", began.elapsed());
}

#[test]
fn a_round_of_answers_that_drip_ends() {
    let (url, _sent) = dripping(1_000, 1, Duration::from_millis(20));
    let patience = Patience {
        silence_max: DEADLINE,
        answer_time_max: DEADLINE,
        round_time_max: Duration::from_millis(400),
    };
    let source = Arc::new(Source::patient(&url, patience).unwrap());
    let key = LogKey::from_seed("example.org/log".parse().unwrap(), &[7; 32]);
    let folder = tempfile::tempdir().unwrap();
    let mut mirror = Mirror::open(folder.path(), Some(key.verifier())).unwrap();
    let began = Instant::now();
    let error = runtime().block_on(mirror.follow(&source, 0, &|_, _| {})).unwrap_err();
    assert!(matches!(error, MirrorError::Slow { stored: 0, .. }), "{error}");
    assert!(!error.is_contradiction());
    assert!(began.elapsed() < DEADLINE, "{:?}", began.elapsed());
}

#[test]
fn of_a_body_without_end_no_more_is_taken_than_its_kind_can_have() {
    let (url, sent) = dripping(usize::MAX >> 1, 65_536, Duration::from_nanos(1));
    let source = Source::patient(&url, Patience { answer_time_max: DEADLINE, ..QUICK }).unwrap();
    for asked in ["checkpoint", "tile/0/000", "tile/entries/000", "records/000"] {
        let asked: Resource = asked.parse().unwrap();
        let before = sent.load(Ordering::Relaxed);
        let error = runtime().block_on(source.get(&asked)).unwrap_err();
        assert!(matches!(error, SourceError::TooLong { .. }), "{asked}: {error}");
        let sent = sent.load(Ordering::Relaxed) - before;
        // What the buffers of both ends hold is on its way by then.
        assert!(sent < asked.bytes_max() + (16 << 20), "{asked}: {sent} bytes");
    }
}
