use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Fault, Refusal};

/// An endpoint is at most this long, in bytes.
const ENDPOINT_BYTES_MAX: usize = 256;

/// Where a service listens: `tls://HOST:PORT` for an attested channel, or `https://HOST[:PORT][/PATH]`.
///
/// The host is a name in lower case, an IPv4 address, or an IPv6 address in brackets; there are no
/// user names, queries or fragments, in which a credential or another host could hide.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint(String);

impl Endpoint {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_endpoint(text: &str) -> bool {
    if text.len() > ENDPOINT_BYTES_MAX {
        return false;
    }
    if let Some(authority) = text.strip_prefix("tls://") {
        return is_authority(authority, true);
    }
    let Some(rest) = text.strip_prefix("https://") else {
        return false;
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'/');
    is_authority(authority, false) && path.bytes().all(plain)
}

fn is_authority(text: &str, needs_port: bool) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        Some(_) | None => (text, None),
    };
    let port_fits = match port {
        Some(port) => {
            port.parse::<u16>().is_ok_and(|number| number > 0 && number.to_string() == port)
        }
        None => !needs_port,
    };
    let host_fits = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let plain =
                |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
            !host.is_empty() && !host.starts_with(['.', '-']) && host.bytes().all(plain)
        }
    };
    port_fits && host_fits
}

impl FromStr for Endpoint {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        if is_endpoint(text) {
            return Ok(Self(text.to_owned()));
        }
        Err(Refusal::new(
            Fault::ServiceInvalid,
            format!(
                "expected `tls://HOST:PORT` or `https://HOST[:PORT][/PATH]` of up to \
                 {ENDPOINT_BYTES_MAX} bytes, found `{}`",
                text.chars().take(80).collect::<String>()
            ),
        ))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
