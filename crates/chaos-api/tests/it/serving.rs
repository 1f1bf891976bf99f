//! Clients that mean no good: they hold a connection each, and not for ever.

#![expect(clippy::disallowed_methods, reason = "how long something takes is what is tested")]

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use chaos_api::{Limits, routes, serve};
use chaos_store::Blobs as _;
use chaos_types::Digest;
use tokio::{net::TcpListener, runtime::Runtime, sync::oneshot, task::JoinHandle};

use crate::world::{Log, runtime};

/// What a test waits for comes within this time, or the test fails.
const DEADLINE: Duration = Duration::from_secs(20);

/// More than the buffers of a connection hold, in bytes.
const LARGE: usize = 32 << 20;

/// A served log with a large blob.
struct Server {
    address: SocketAddr,
    blob: Digest,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
    runtime: Runtime,
    _log: Log,
}

impl Server {
    fn with(limits: Limits) -> Self {
        let mut log = Log::of(3);
        let blob = log.store.blobs().put(&vec![b'x'; LARGE]).unwrap();
        let receipt = log.run_receipt(&[], blob);
        log.append_raw(receipt, crate::world::NOW_MS + 9);
        log.sign();
        let (stop, stopped) = oneshot::channel::<()>();
        let published = Arc::new(log.published());
        let runtime = runtime();
        let (address, served) = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let routes = routes(published, Arc::new(|incident: &_| unreachable!("{incident}")));
            let stopped = async { drop(stopped.await) };
            (address, tokio::spawn(serve(listener, routes, limits, stopped)))
        });
        Self { address, blob, stop, served, runtime, _log: log }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        stream
    }

    /// Stops it, which ends although connections may be open.
    fn stop(self) {
        self.stop.send(()).unwrap();
        self.runtime
            .block_on(async { tokio::time::timeout(DEADLINE, self.served).await.unwrap() })
            .unwrap();
    }
}

const LONG: Limits =
    Limits { connections_max: 8, head_time_max: DEADLINE, answer_time_max: DEADLINE };
const SHORT: Duration = Duration::from_millis(300);

fn ask(stream: &mut TcpStream, path: &str) {
    stream.write_all(format!("GET /{path} HTTP/1.1\r\nhost: log\r\n\r\n").as_bytes()).unwrap();
}

/// Whether the answer to a request for the checkpoint comes, or none within the stream's patience.
fn is_answered(stream: &mut TcpStream) -> bool {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        match stream.read_exact(&mut byte) {
            Ok(()) => head.push(byte[0]),
            Err(error) => {
                assert!(head.is_empty() && is_silence(&error), "{error}");
                return false;
            }
        }
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    assert!(head.starts_with("http/1.1 200 ok\r\n"), "{head}");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    // The body is read with it, so that the next answer begins anew.
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    body.starts_with(b"example.org/log\n")
}

fn is_silence(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Lets a moment pass in which the server says nothing.
fn wait(stream: &mut TcpStream, time: Duration) {
    stream.set_read_timeout(Some(time)).unwrap();
    let silence = stream.read(&mut [0]).unwrap_err();
    assert!(is_silence(&silence), "{silence}");
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
}

#[test]
fn request_that_comes_byte_by_byte_is_given_up() {
    let server = Server::with(Limits { connections_max: 1, head_time_max: SHORT, ..LONG });
    let began = Instant::now();
    let mut stream = server.connect();
    stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let mut sent = 0;
    // Each byte within the time that all of them have.
    while began.elapsed() < DEADLINE {
        let is_open = stream.write_all(b"G").is_ok();
        sent += 1;
        match stream.read(&mut [0; 64]) {
            Err(error) if is_silence(&error) => {}
            _ => break,
        }
        if !is_open {
            break;
        }
    }
    assert!(began.elapsed() >= SHORT, "{sent} bytes in {:?}", began.elapsed());
    assert!(began.elapsed() < DEADLINE, "{sent} bytes were waited for");
    let mut honest = server.connect();
    ask(&mut honest, "checkpoint");
    assert!(is_answered(&mut honest));
    server.stop();
}

#[test]
fn answer_that_is_not_taken_is_given_up_and_frees_its_place() {
    let server = Server::with(Limits { connections_max: 1, answer_time_max: SHORT, ..LONG });
    let mut slow = server.connect();
    ask(&mut slow, &format!("blob/{}", server.blob.to_hex()));
    let began = Instant::now();
    let mut honest = server.connect();
    ask(&mut honest, "checkpoint");
    assert!(is_answered(&mut honest), "once the other was given up");
    assert!(began.elapsed() < DEADLINE);
    let mut taken = Vec::new();
    let _cut_off = slow.read_to_end(&mut taken);
    assert!(taken.starts_with(b"HTTP/1.1 200 OK"));
    assert!(taken.len() < LARGE, "{} bytes were sent", taken.len());
    server.stop();
}

#[test]
fn connections_above_the_limit_wait_until_one_ends() {
    let server = Server::with(Limits { connections_max: 2, ..LONG });
    let idle = [server.connect(), server.connect()];
    let mut third = server.connect();
    ask(&mut third, "checkpoint");
    third.set_read_timeout(Some(SHORT)).unwrap();
    assert!(!is_answered(&mut third), "two connections are two");
    drop(idle);
    third.set_read_timeout(Some(DEADLINE)).unwrap();
    assert!(is_answered(&mut third));
    // Stopping waits for no client that keeps its connection.
    server.stop();
}

#[test]
fn connection_that_goes_on_asking_is_kept() {
    let server = Server::with(Limits { answer_time_max: SHORT, ..LONG });
    let (mut stream, began) = (server.connect(), Instant::now());
    let mut count = 0;
    while began.elapsed() < SHORT * 3 {
        ask(&mut stream, "checkpoint");
        assert!(is_answered(&mut stream));
        count += 1;
        wait(&mut stream, SHORT / 3);
    }
    assert!(count > 3, "{count}");
    server.stop();
}
