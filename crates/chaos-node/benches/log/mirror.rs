//! A copy of a served log over HTTP on loopback: the root from every leaf alone, and all that `log mirror`
//! checks.

use std::{
    error::Error,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

use chaos_log::{
    Edge, SignedCheckpoint, TileKind, TilePath, VerifierKey, bundle_from_bytes, leaf_hash,
};
use serde_json::Value;

use crate::{Figure, program};

/// A log that the program serves, until this is dropped.
struct Served {
    child: Child,
    url: String,
    key: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        // What ended by itself needs no end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Served {
    fn start(data: &Path) -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_chaoschain"))
            .args(["log", "serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or("no output")?;
        let mut served = Self { child, url: String::new(), key: String::new() };
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let ready: Value = serde_json::from_str(&line)?;
        let text = |key: &str| ready[key].as_str().map(str::to_owned).ok_or("it is not ready");
        (served.url, served.key) = (text("url")?, text("log")?);
        Ok(served)
    }
}

/// One connection over which bodies are fetched.
struct Connection {
    host: String,
    stream: BufReader<TcpStream>,
}

impl Connection {
    fn get(&mut self, path: &str) -> Result<Vec<u8>, Box<dyn Error>> {
        let request = format!("GET /{path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.host);
        self.stream.get_mut().write_all(request.as_bytes())?;
        let (mut status, mut length) = (String::new(), None);
        self.stream.read_line(&mut status)?;
        if !status.starts_with("HTTP/1.1 200") {
            return Err(format!("{path}: {status}").into());
        }
        loop {
            let mut header = String::new();
            self.stream.read_line(&mut header)?;
            match header.trim_end().split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = Some(value.trim().parse()?);
                }
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length.ok_or("a body without a length")?];
        self.stream.read_exact(&mut body)?;
        Ok(body)
    }
}

pub(crate) fn measure(data: &Path, size: u64) -> Result<[Figure; 2], Box<dyn Error>> {
    let served = Served::start(data)?;
    let start = Instant::now();
    leaves(&served)?;
    let leaves_s = start.elapsed().as_secs_f64();
    let copy = data.with_extension("copy");
    let folder = copy.to_str().ok_or("the folder's name is no text")?;
    let mirror = ["log", "mirror", &served.url, folder, "--log", &served.key, "--json"];
    let mirrored = program::ended(0, &mirror)?;
    std::fs::remove_dir_all(&copy)?;
    let figure = |what: &str, value| Figure {
        measure: format!("log_mirror{what}_{size}"),
        value,
        unit: "s",
        reference: None,
    };
    Ok([figure("_leaves", leaves_s), figure("", mirrored.ms / 1e3)])
}

/// Fetches every leaf and computes the root that the log has signed.
fn leaves(served: &Served) -> Result<(), Box<dyn Error>> {
    let host = served.url.strip_prefix("http://").ok_or("it is not served over HTTP")?.to_owned();
    let stream = BufReader::new(TcpStream::connect(&host)?);
    let mut connection = Connection { host, stream };
    let note = SignedCheckpoint::parse(&connection.get("checkpoint")?)?;
    let head = note.verify(&served.key.parse::<VerifierKey>()?)?;
    let mut edge = Edge::new();
    for path in TilePath::between(0, head.size()) {
        if path.kind() == TileKind::Entries {
            let bundle = connection.get(&path.to_string())?;
            let hashes: Vec<_> =
                bundle_from_bytes(&bundle)?.iter().map(|leaf| leaf_hash(leaf)).collect();
            edge.append(&hashes);
        }
    }
    if edge.root() == *head.root() { Ok(()) } else { Err("the leaves have another root".into()) }
}
