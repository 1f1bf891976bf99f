//! A node that misbehaves: a real HTTP server on the loopback that passes questions on to a local
//! chain, or does not, as it is told.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};

/// What to do with one HTTP request.
pub(crate) enum Reply {
    /// Ask the chain and pass its answer on.
    Forward,
    /// Status, extra header lines, body.
    Answer(u16, String, String),
    /// Pass on only the first bytes of the chain's answer, with the length of all of it.
    CutOff,
    /// Pass on only the first bytes of the chain's answer, as if that were all.
    CutShort,
    /// Close the connection without a word.
    HangUp,
    /// Ask the chain, and close the connection without a word of its answer.
    Deaf,
    /// Ask the chain twice, and pass the second answer on.
    Twice,
    /// Ask the chain, and pass its answer on after this time.
    Late(Duration),
    /// Keep the connection and say nothing.
    Stall,
}

/// A running proxy. The thread ends with the test process.
pub(crate) struct Proxy {
    /// Its URL, with a key in it that must never be shown.
    pub(crate) url: String,
    /// HTTP requests so far.
    pub(crate) requests: Arc<AtomicU64>,
}

impl Proxy {
    /// `reply` sees each request's number from 1 on, and its body.
    pub(crate) fn start(
        endpoint: &str,
        mut reply: impl FnMut(u64, &str) -> Reply + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = format!("http://user:sesame@127.0.0.1:{port}/v3/sesame?key=sesame");
        let requests = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&requests);
        let chain = endpoint.strip_prefix("http://").unwrap().to_owned();
        thread::spawn(move || {
            let mut stalled = Vec::new();
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let Some(body) = read_body(&stream) else { continue };
                let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
                match reply(number, &body) {
                    Reply::Forward => answer(&mut stream, 200, "", &ask(&chain, &body)),
                    Reply::Answer(status, headers, body) => {
                        answer(&mut stream, status, &headers, &body);
                    }
                    Reply::CutOff => {
                        let body = ask(&chain, &body);
                        let length = body.len();
                        let half = &body[..length / 2];
                        drop(write!(
                            stream,
                            "HTTP/1.1 200 X\r\ncontent-length: {length}\r\n\r\n{half}"
                        ));
                    }
                    Reply::CutShort => {
                        let body = ask(&chain, &body);
                        answer(&mut stream, 200, "", &body[..body.len() / 2]);
                    }
                    Reply::HangUp => {}
                    Reply::Deaf => drop(ask(&chain, &body)),
                    Reply::Twice => {
                        ask(&chain, &body);
                        answer(&mut stream, 200, "", &ask(&chain, &body));
                    }
                    Reply::Late(time) => {
                        let body = ask(&chain, &body);
                        wait(time);
                        answer(&mut stream, 200, "", &body);
                    }
                    Reply::Stall => stalled.push(stream),
                }
            }
        });
        Self { url, requests }
    }

    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::SeqCst)
    }
}

/// Lets time pass, where that is what is simulated.
pub(crate) fn wait(time: Duration) {
    let (_sender, nothing) = std::sync::mpsc::channel::<()>();
    let _elapsed = nothing.recv_timeout(time);
}

/// The method that a body asks for.
pub(crate) fn method(body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    body["method"].as_str().unwrap_or_default().to_owned()
}

/// A result as a node answers it.
pub(crate) fn result(body: &str, result: &Value) -> Reply {
    let asked: Value = serde_json::from_str(body).unwrap_or_default();
    let answer = json!({"jsonrpc": "2.0", "id": asked["id"], "result": result});
    Reply::Answer(200, String::new(), answer.to_string())
}

/// A node's refusal.
pub(crate) fn refusal(body: &str, code: i64, message: &str) -> Reply {
    let asked: Value = serde_json::from_str(body).unwrap_or_default();
    let error = json!({"code": code, "message": message});
    let answer = json!({"jsonrpc": "2.0", "id": asked["id"], "error": error});
    Reply::Answer(200, String::new(), answer.to_string())
}

/// What the chain answers to a question of somebody's own.
pub(crate) fn question(address: &str, method: &str, params: &Value) -> Value {
    let body = json!({"jsonrpc": "2.0", "id": 0, "method": method, "params": params});
    serde_json::from_str::<Value>(&ask(address, &body.to_string())).unwrap()["result"].clone()
}

fn answer(stream: &mut TcpStream, status: u16, headers: &str, body: &str) {
    let length = body.len();
    // The client may be gone already.
    drop(write!(
        stream,
        "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"
    ));
}

/// Sends a body to the chain and returns its answer's.
pub(crate) fn ask(address: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
    let length = body.len();
    write!(
        stream,
        "POST / HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
    .unwrap();
    read_body(&stream).unwrap()
}

fn read_body(stream: &TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    String::from_utf8(body).ok()
}
