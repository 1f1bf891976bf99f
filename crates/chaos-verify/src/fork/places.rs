//! Two delegations of one number that a root key signed.

use std::fmt;

use chaos_agency::{Action, Kinds, Receipt, action::Delegate};
use chaos_log::VerifierKey;
use chaos_types::{Check, Did, Rejection, dsse::Envelope};

use crate::{Fault, LogKeys};

/// The first lines of every proof.
const HEADER: &str = "chaoschain-fork/1\nkind delegations\nlog ";

/// Longer files are refused before they are parsed, in bytes (64 KiB).
const BYTES_MAX: usize = 64 << 10;

/// Two delegations of one role and one number that a log's root key signed, after two histories or to two
/// keys. A log has one of them, so that whoever has the root key tells two histories.
///
/// Whoever holds a value of this type has checked it.
///
/// ```text
/// chaoschain-fork/1
/// kind delegations
/// log <verifier key of the root key>
/// <the envelope with the lower bytes, canonical JSON in a line>
/// <the other one>
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacesProof {
    log: VerifierKey,
    lines: [String; 2],
    bodies: [Delegate; 2],
}

impl PlacesProof {
    /// Shows that a root key signed both.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *checkpoint* if one is no delegation by the root key, or both say the same
    /// or are of two numbers.
    pub fn new(log: VerifierKey, one: &Envelope, other: &Envelope) -> Result<Self, Rejection> {
        let root = Did::from_public_bytes(log.public())
            .ok_or_else(|| not_proved("the log's key is not a curve point"))?;
        let mut both = [read(root, one)?, read(root, other)?];
        both.sort_by(|(one, _), (other, _)| one.cmp(other));
        let [(first, one), (second, other)] = both;
        if (one.role, one.number) != (other.role, other.number) {
            return Err(not_proved("the delegations are of two numbers"));
        }
        if one == other {
            return Err(not_proved("both delegations say the same"));
        }
        Ok(Self { log, lines: [first, second], bodies: [one, other] })
    }

    /// Finds two such delegations in two files of a log's keys that contradict each other.
    ///
    /// # Errors
    /// A [`Rejection`] if a file does not hold.
    pub fn find(log: &VerifierKey, one: &[u8], other: &[u8]) -> Result<Option<Self>, Rejection> {
        let (one, _) = LogKeys::verify(one, log)?;
        let (other, _) = LogKeys::verify(other, log)?;
        let envelopes = |file: LogKeys| file.keys.entries.into_iter().map(|entry| entry.envelope);
        let others: Vec<Envelope> = envelopes(other).collect();
        let mut pairs =
            envelopes(one).flat_map(|one| others.iter().map(move |other| (one.clone(), other)));
        Ok(pairs.find_map(|(one, other)| Self::new(log.clone(), &one, other).ok()))
    }

    /// Whether a file says that it is such a proof, by its first bytes.
    #[must_use]
    pub(crate) fn is_claimed_by(bytes: &[u8]) -> bool {
        bytes.starts_with(HEADER.as_bytes())
    }

    /// Reads a proof and checks it.
    ///
    /// # Errors
    /// As [`Self::new`], and if the file is malformed.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Rejection> {
        if bytes.len() > BYTES_MAX {
            let reason = format!("proof of {} bytes, the limit is {BYTES_MAX}", bytes.len());
            return Err(not_proved(&reason));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| not_proved("proof is not UTF-8"))?;
        let form = || not_proved("expected a header and two lines of delegations");
        let rest = text.strip_prefix(HEADER).ok_or_else(form)?;
        let lines: Vec<&str> = rest.split('\n').collect();
        let [log, one, other, ""] = lines[..] else { return Err(form()) };
        let caused = |error: &dyn std::error::Error| {
            Rejection::caused(Check::Checkpoint, Fault::ForkNotProved, error)
        };
        let log: VerifierKey = log.parse().map_err(|error| caused(&error))?;
        let envelope = |line: &str| {
            chaos_types::canonical::from_slice::<Envelope>(line.as_bytes())
                .map_err(|error| caused(&error))
        };
        let proof = Self::new(log, &envelope(one)?, &envelope(other)?)?;
        if proof.to_string() == text { Ok(proof) } else { Err(form()) }
    }

    /// The log's root key.
    #[must_use]
    pub const fn log(&self) -> &VerifierKey {
        &self.log
    }

    /// Heads above this size hold one of the two.
    pub(crate) fn first_size(&self) -> u64 {
        let [one, other] = &self.bodies;
        one.size.min(other.size)
    }

    /// What is shown, in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let said = |body: &Delegate| {
            format!("to {} after {} entries with root {}", body.key, body.size, body.root)
        };
        let [one, other] = &self.bodies;
        format!(
            "log {} forked: its root key signed delegation {} of {} twice, {} and {}",
            self.log.name(),
            one.number,
            one.role,
            said(one),
            said(other)
        )
    }
}

impl fmt::Display for PlacesProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [one, other] = &self.lines;
        writeln!(f, "{HEADER}{}\n{one}\n{other}", self.log)
    }
}

/// An envelope's line and the delegation that the root key signed with it.
fn read(root: Did, envelope: &Envelope) -> Result<(String, Delegate), Rejection> {
    // A delegation is of a kind that every log knows.
    let receipt = Receipt::open(envelope, &Kinds::default())?;
    let Action::Delegate(body) = &receipt.action else {
        return Err(not_proved("a line is no delegation"));
    };
    if receipt.log != root || receipt.agent != root || receipt.signers.first() != Some(&root) {
        return Err(not_proved("a delegation is not by the log's root key"));
    }
    let bytes = envelope.to_bytes().map_err(|error| {
        Rejection::caused(Check::Format, chaos_types::Fault::DocumentMalformed, &error)
    })?;
    Ok((String::from_utf8_lossy(&bytes).into_owned(), body.clone()))
}

fn not_proved(reason: &str) -> Rejection {
    Rejection::new(Check::Checkpoint, Fault::ForkNotProved, reason)
}
