//! A flipped bit put right: of all files that are one bit away, the one that says what was signed.

use alloy_primitives::{Bytes, keccak256};

use super::{Document, FORMAT, FORMER_FORMAT, written};
use crate::sending::{Intent, Stage};

/// A line that is longer holds signed bytes or call data, and is put right by what it hashes to.
const SHORT_LINE_BYTES_MAX: usize = 512;

/// What comes before the digits of a long line, and after them, is shorter.
const LINE_END_BYTES: usize = 32;

/// The intent that a damaged file held, if exactly one whose signatures hold is a bit away and belongs where the file
/// is.
pub(super) fn mended(damaged: &[u8], belongs: impl Fn(&Intent) -> bool) -> Option<Intent> {
    let mut found: Vec<Intent> = Vec::new();
    for candidate in near(damaged) {
        let is_a_bit_away = [FORMAT, FORMER_FORMAT]
            .iter()
            .any(|format| differs_by_a_bit(&written(format, &candidate), damaged));
        if is_a_bit_away
            && !found.contains(&candidate)
            && candidate.key.contains(&candidate.what)
            && candidate.ensure_signed().is_ok()
            && belongs(&candidate)
        {
            found.push(candidate);
        }
    }
    agreed(&found)
}

/// What all of them say. Where they differ in what the chain said the chain is asked anew, and of the times that nobody
/// signed the latest counts.
fn agreed(found: &[Intent]) -> Option<Intent> {
    let mut intent = found.first()?.clone();
    for other in &found[1..] {
        if other.stage != intent.stage {
            intent.stage = Stage::Sent;
        }
        if other.attempts.len() != intent.attempts.len() {
            return None;
        }
        for (attempt, same) in intent.attempts.iter_mut().zip(&other.attempts) {
            attempt.signed_at_ms = attempt.signed_at_ms.max(same.signed_at_ms);
        }
    }
    let signed = |it: &Intent| {
        let mut it = Intent { stage: Stage::Sent, ..it.clone() };
        it.attempts.iter_mut().for_each(|attempt| attempt.signed_at_ms = 0);
        it
    };
    found.iter().all(|other| signed(other) == signed(&intent)).then_some(intent)
}

fn differs_by_a_bit(one: &[u8], other: &[u8]) -> bool {
    let bits = one.iter().zip(other).map(|(a, b)| (a ^ b).count_ones()).sum::<u32>();
    one.len() == other.len() && bits == 1
}

/// What may have been meant: every bit of the short lines flipped, and the long ones by what they have to be.
fn near(damaged: &[u8]) -> Vec<Intent> {
    let mut found: Vec<Intent> = parsed(damaged).into_iter().flat_map(by_hash).collect();
    let mut text = damaged.to_vec();
    let mut start = 0;
    for line in damaged.split_inclusive(|byte| *byte == b'\n') {
        for (at, &was) in line.iter().enumerate().filter(|(at, _)| may_be_wrong(line, *at)) {
            for bit in 0..8 {
                text[start + at] = was ^ (1 << bit);
                found.extend(parsed(&text));
            }
            text[start + at] = was;
        }
        start += line.len();
    }
    found
}

/// Of a long line only its ends are tried bit by bit, and what is no digit and cannot be there.
fn may_be_wrong(line: &[u8], at: usize) -> bool {
    line.len() <= SHORT_LINE_BYTES_MAX
        || at < LINE_END_BYTES
        || at + LINE_END_BYTES > line.len()
        || !(line[at].is_ascii_digit() || (b'a'..=b'f').contains(&line[at]))
}

fn parsed(text: &[u8]) -> Option<Intent> {
    // Most are no JSON; those that are not UTF-8 either cost nothing.
    let text = std::str::from_utf8(text).ok()?;
    let document: Document = serde_json::from_str(text).ok()?;
    [FORMAT, FORMER_FORMAT].contains(&document.format.as_str()).then_some(document.intent)
}

/// What reads, and whose long parts say something else than was signed: the bytes that have the hash, and the call data
/// that the bytes have.
fn by_hash(intent: Intent) -> Vec<Intent> {
    let mut found = Vec::new();
    for (at, attempt) in intent.attempts.iter().enumerate() {
        if keccak256(&attempt.raw) == attempt.hash {
            if let Some(input) = attempt.input() {
                found.push(Intent { input, ..intent.clone() });
            }
            continue;
        }
        let mut raw = attempt.raw.to_vec();
        let order = suspects(&raw, &intent.input).into_iter().chain(0..raw.len());
        'bytes: for byte in order {
            let was = raw[byte];
            for flipped in near_digits(was) {
                raw[byte] = flipped;
                if keccak256(&raw) == attempt.hash {
                    let mut mended = intent.clone();
                    mended.attempts[at].raw = Bytes::from(raw.clone());
                    found.push(mended);
                    break 'bytes;
                }
            }
            raw[byte] = was;
        }
    }
    found
}

/// The bytes that are most likely wrong: the one that differs from the call data, which is in the signed bytes as well,
/// or those around it.
fn suspects(raw: &[u8], input: &[u8]) -> Vec<usize> {
    let differing = |start: usize| {
        let pairs = raw[start..].iter().zip(input).enumerate();
        let found = pairs.filter(|(_, (a, b))| a != b).map(move |(at, _)| start + at);
        found.take(2).collect::<Vec<usize>>()
    };
    let all = 0..raw.len();
    let Some(last) = raw.len().checked_sub(input.len()).filter(|_| !input.is_empty()) else {
        return all.collect();
    };
    match (0..=last).map(|start| (start, differing(start))).find(|(_, found)| found.len() < 2) {
        Some((_, found)) if found.len() == 1 => found,
        Some((start, _)) => all.filter(|at| !(start..start + input.len()).contains(at)).collect(),
        None => all.collect(),
    }
}

/// The bytes whose two hexadecimal digits are one bit of text away.
fn near_digits(byte: u8) -> impl Iterator<Item = u8> {
    let text = hex::encode([byte]).into_bytes();
    (0..16_usize).filter_map(move |bit| {
        let mut near = text.clone();
        near[bit / 8] ^= 1 << (bit % 8);
        let is_lower = near.iter().all(|digit| !digit.is_ascii_uppercase());
        hex::decode(&near).ok().filter(|_| is_lower).and_then(|bytes| bytes.first().copied())
    })
}

#[cfg(test)]
mod tests;
