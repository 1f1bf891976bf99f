//! A server over a published log that answers some questions as it is told.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use chaos_api::{Published, Resource, Source};
use chaos_log::{Hash, MemoryLog};
use chaos_store::Records as _;

use crate::world::Log;

/// An answer over HTTP.
pub(crate) enum Answer {
    /// What is published, or 404.
    Honest,
    /// 200 with this body.
    Body(Vec<u8>),
    /// This status, these header lines and this body.
    Status(u16, &'static str, Vec<u8>),
    /// 200 with a body that does not end.
    Endless,
    /// 200 with half of the body that its length says.
    CutOff(Vec<u8>),
}

/// Starts a server whose answers to paths are `lie`'s. Its threads end with the test process.
pub(crate) fn start(
    published: Published,
    lie: impl Fn(&str) -> Answer + Send + Sync + 'static,
) -> Arc<Source> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (published, lie) = (Arc::new(published), Arc::new(lie));
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (published, lie) = (Arc::clone(&published), Arc::clone(&lie));
            thread::spawn(move || answer(stream, &published, &*lie));
        }
    });
    Arc::new(Source::http(&url).unwrap())
}

/// A log of four entries that signs five, the fourth of which is the second once more, and the root of the
/// three before it. No store of this project takes it, so the tree is made beside one.
pub(crate) fn repeating(log: &Log) -> (Arc<Source>, Hash) {
    let entries = log.store.entries(0..4).unwrap();
    let order = [0, 1, 2, 1, 3];
    let leaves: Vec<_> = order.iter().map(|at| entries[*at].leaf.clone()).collect();
    let records: Vec<_> = order.iter().map(|at| entries[*at].record.clone()).collect();
    let mut tree = MemoryLog::new();
    tree.append_batch(leaves.clone()).unwrap();
    let head = log.signed(5, tree.root());
    let body = chaos_api::records_to_bytes(&records).unwrap();
    let bundle = chaos_log::bundle_to_bytes(&leaves).unwrap();
    let hashes: Vec<_> = leaves.iter().map(|leaf| chaos_log::leaf_hash(leaf)).collect();
    let tile = chaos_log::tile_to_bytes(&hashes);
    let source = start(log.published(), move |path| match path {
        "checkpoint" => Answer::Body(head.to_string().into_bytes()),
        "tile/0/000.p/5" => Answer::Body(tile.clone()),
        "tile/entries/000.p/5" => Answer::Body(bundle.clone()),
        _ => Answer::Body(body.clone()),
    });
    (source, chaos_log::root_at(&tree, 3).unwrap())
}

fn answer(mut stream: TcpStream, published: &Published, lie: &(dyn Fn(&str) -> Answer + Sync)) {
    let Some(path) = asked(&stream) else { return };
    // The client may hang up at any time.
    drop(match lie(&path) {
        Answer::Honest => match path.parse::<Resource>().map(|asked| published.answer(&asked)) {
            Ok(Ok(Some(body))) => send(&mut stream, 200, "", &body),
            _ => send(&mut stream, 404, "", b"no\n"),
        },
        Answer::Body(body) => send(&mut stream, 200, "", &body),
        Answer::Status(status, headers, body) => send(&mut stream, status, headers, &body),
        Answer::Endless => endless(&mut stream),
        Answer::CutOff(body) => {
            let head = format!("HTTP/1.1 200 X\r\ncontent-length: {}\r\n\r\n", body.len());
            stream
                .write_all(head.as_bytes())
                .and_then(|()| stream.write_all(&body[..body.len() / 2]))
        }
    });
}

fn send(stream: &mut TcpStream, status: u16, headers: &str, body: &[u8]) -> std::io::Result<()> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)
}

fn endless(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 X\r\nconnection: close\r\n\r\n")?;
    loop {
        stream.write_all(&[b'x'; 65_536])?;
    }
}

/// The path of a request, without its first slash.
fn asked(stream: &TcpStream) -> Option<String> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let request = lines.next()?;
    lines.find(String::is_empty)?;
    request.split(' ').nth(1)?.strip_prefix('/').map(str::to_owned)
}
