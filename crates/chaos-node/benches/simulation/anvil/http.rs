//! The least HTTP that a JSON-RPC node needs: one connection, one request at a time, so that the
//! client adds as little as possible to what is timed.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
};

/// An open connection.
pub(super) struct Connection {
    reader: BufReader<TcpStream>,
    address: String,
}

impl Connection {
    pub(super) fn open(address: &str) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { reader: BufReader::new(stream), address: address.to_owned() })
    }

    /// Sends a JSON text and reads the answer.
    pub(super) fn post(&mut self, body: &str) -> std::io::Result<Vec<u8>> {
        let request = format!(
            "POST / HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        self.reader.get_mut().write_all(request.as_bytes())?;
        let mut length = None;
        let mut line = String::new();
        loop {
            line.clear();
            self.reader.read_line(&mut line)?;
            let header = line.trim_end().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().ok();
            }
        }
        let length: usize = length.ok_or_else(|| {
            std::io::Error::new(std::io::ErrorKind::InvalidData, "an answer without its length")
        })?;
        let mut answer = vec![0; length];
        self.reader.read_exact(&mut answer)?;
        Ok(answer)
    }
}
