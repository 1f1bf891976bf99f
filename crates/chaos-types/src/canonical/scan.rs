//! Whether bytes are canonical, found by looking at each once and building nothing.
//!
//! Verifying a receipt would otherwise spend more on building and rewriting two JSON trees than
//! fits the budget beside an Ed25519 check (`cargo xtask bench verify`). The slow way in the parent
//! module stays the definition: a property test holds the two against each other, and every
//! refusal is explained by the slow way.

use std::cmp::Ordering;

use super::{INTEGER_MAX, by_utf16};

/// Deeper documents are left to the slow way, which refuses them beyond 128 levels.
const DEPTH_MAX: usize = 64;

/// Whether `bytes` are certainly canonical. `false` means no, or that only the slow way can tell.
pub(super) fn is_canonical(bytes: &[u8]) -> bool {
    let mut scan = Scan { bytes, at: 0 };
    std::str::from_utf8(bytes).is_ok() && scan.value(0).is_some() && scan.at == bytes.len()
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, expected: u8) -> Option<()> {
        (self.peek()? == expected).then(|| self.at += 1)
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.bytes[self.at..].starts_with(word).then(|| self.at += word.len())
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string().map(|_| ()),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.integer(),
        }
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.take(b'[')?;
        if depth >= DEPTH_MAX || self.take(b']').is_some() {
            return (depth < DEPTH_MAX).then_some(());
        }
        loop {
            self.value(depth + 1)?;
            if self.take(b',').is_none() {
                return self.take(b']');
            }
        }
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        self.take(b'{')?;
        if depth >= DEPTH_MAX || self.take(b'}').is_some() {
            return (depth < DEPTH_MAX).then_some(());
        }
        let mut last: Option<&'a [u8]> = None;
        loop {
            let key = self.string()?;
            if last.is_some_and(|last| order(last, key) != Some(Ordering::Less)) {
                return None;
            }
            last = Some(key);
            self.take(b':')?;
            self.value(depth + 1)?;
            if self.take(b',').is_none() {
                return self.take(b'}');
            }
        }
    }

    /// A string in its one spelling; gives what is between the quotes.
    fn string(&mut self) -> Option<&'a [u8]> {
        self.take(b'"')?;
        let start = self.at;
        loop {
            let special = |&byte: &u8| byte == b'"' || byte == b'\\' || byte < 0x20;
            self.at += self.bytes[self.at..].iter().position(special)?;
            match self.bytes[self.at] {
                b'"' => {
                    let inside = &self.bytes[start..self.at];
                    self.at += 1;
                    return Some(inside);
                }
                b'\\' => self.escape()?,
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        self.take(b'\\')?;
        match self.peek()? {
            b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't' => {
                self.at += 1;
                Some(())
            }
            b'u' => {
                let digits = self.bytes.get(self.at + 1..self.at + 5)?;
                let (high, low) = (digits.strip_prefix(b"00")?[0], digits[3]);
                let lower = low.is_ascii_digit() || (b'a'..=b'f').contains(&low);
                // The control characters that have a short escape must use it.
                let short = high == b'0' && b"89acd".contains(&low);
                if !lower || short || !(high == b'0' || high == b'1') {
                    return None;
                }
                self.at += 5;
                Some(())
            }
            _ => None,
        }
    }

    fn integer(&mut self) -> Option<()> {
        let negative = self.take(b'-').is_some();
        let start = self.at;
        let mut magnitude: u64 = 0;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            magnitude = magnitude.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
            self.at += 1;
        }
        let length = self.at - start;
        let leading_zero = length > 1 && self.bytes[start] == b'0';
        let zero = magnitude == 0 && negative;
        let one_spelling = length > 0 && !leading_zero && !zero && magnitude <= INTEGER_MAX;
        one_spelling.then_some(())
    }
}

/// The order of two keys as they stand between their quotes; `None` if only the slow way can tell.
fn order(a: &[u8], b: &[u8]) -> Option<Ordering> {
    let plain = |key: &[u8]| key.is_ascii() && !key.contains(&b'\\');
    if plain(a) && plain(b) {
        return Some(a.cmp(b));
    }
    let read = |key: &[u8]| serde_json::from_slice::<String>(&[b"\"", key, b"\""].concat()).ok();
    Some(by_utf16(&read(a)?, &read(b)?))
}
