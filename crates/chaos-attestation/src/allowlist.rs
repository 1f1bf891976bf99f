//! Which workloads may act: a signed, numbered list that cannot be rolled back.
//!
//! An issuer publishes [`Allowlist`]s, each with a higher sequence number than the last and an end of
//! its own. Every entry says from which source a workload was built, and carries the signatures of
//! those who rebuilt it and got the same id. A verifier holds a [`Trust`] (whose list, which
//! builders, how many of them) and a [`State`] that accepts lists and answers which workloads are
//! active. Who counts as a builder is the verifier's choice, so an issuer cannot vouch for itself
//! under invented names.

use std::collections::BTreeSet;

use chaos_types::{
    AgentKey, CodeIdentity, Did, Digest, canonical, dsse,
    dsse::Envelope,
    statement::{Statement, Subject},
};
use serde::{Deserialize, Serialize};

use crate::{ReasonCode, Refusal, WorkloadId};

mod draft;
mod state;

pub use state::{Accepted, State, Trust};

/// The predicate type of a signed allowlist.
pub const PREDICATE_TYPE: &str = "https://chaoschain.org/workload-allowlist/v1";
/// What a builder signs: the payload type of a [`Build`].
const BUILD_PAYLOAD_TYPE: &str = "application/vnd.chaoschain.build.v1+json";
/// A signed allowlist is at most this long, in bytes.
pub const ALLOWLIST_BYTES_MAX: usize = 1 << 20;
/// An allowlist holds at most this many entries.
pub const ENTRIES_MAX: usize = 256;
/// An allowlist holds at most this many revocations. They are never taken back.
const REVOCATIONS_MAX: usize = 1024;
/// An entry holds at most this many rebuilds.
const REBUILDS_MAX: usize = 8;
/// A name, repository, toolchain or reason is at most this long, in bytes.
const TEXT_BYTES_MAX: usize = 256;

/// Where a workload comes from: what a builder repeats and signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// What the environment measures when it holds the workload.
    pub workload: WorkloadId,
    /// A name for people; it proves nothing.
    pub name: String,
    /// Where the source is, as a URL.
    pub repository: String,
    /// The source's commit, 40 or 64 lower-case hexadecimal digits.
    pub commit: String,
    /// What built it, and the shape of the machine that it launches on, such as
    /// `nix 2.31, 4 vCPU, 8 GiB`: measurements differ with both.
    pub toolchain: String,
    /// The component that it runs, if it runs one only.
    pub code: Option<CodeIdentity>,
}

/// The word of somebody who built a workload from its source and got the same id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rebuild {
    /// Who built it.
    pub builder: Did,
    /// Its signature over the build, 128 hexadecimal digits.
    pub signature: String,
}

/// A workload that may act once enough builders vouch for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What it is and where it comes from.
    pub build: Build,
    /// Who repeated the build, by distinct keys.
    pub rebuilds: Vec<Rebuild>,
}

/// A workload that may never act again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// Which.
    pub workload: WorkloadId,
    /// Why, for people.
    pub reason: String,
}

/// One issue of a list. Its entries and its revocations are each in ascending order of workload, and
/// no workload is in both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allowlist {
    /// Whose list it is; its key signs it.
    pub issuer: Did,
    /// Its number, from 1; each issue has a higher one than those before.
    pub sequence: u64,
    /// The first second at which it holds, Unix.
    pub not_before_s: u64,
    /// The first second at which it no longer holds, Unix.
    pub expires_at_s: u64,
    /// What may act.
    pub entries: Vec<Entry>,
    /// What may never act again.
    pub revoked: Vec<Revocation>,
}

impl Build {
    /// The bytes that a builder signs: the DSSE encoding of the build's canonical JSON.
    fn message(&self) -> Result<Vec<u8>, Refusal> {
        let payload = canonical::to_vec(self).map_err(|error| invalid(error.to_string()))?;
        Ok(dsse::pre_authentication_encoding(BUILD_PAYLOAD_TYPE, &payload))
    }

    /// Signs that the holder of `key` built this workload from this source and got this id.
    ///
    /// # Errors
    /// [`ReasonCode::AllowlistInvalid`] if the build breaks a rule of its fields.
    pub fn vouch(&self, key: &AgentKey) -> Result<Rebuild, Refusal> {
        self.ensure_valid()?;
        let signature = hex::encode(key.sign(&self.message()?));
        Ok(Rebuild { builder: key.did(), signature })
    }

    /// Checks the rules of the fields.
    ///
    /// # Errors
    /// [`ReasonCode::AllowlistInvalid`], with the field.
    pub fn ensure_valid(&self) -> Result<(), Refusal> {
        let texts = [
            ("name", &self.name),
            ("repository", &self.repository),
            ("toolchain", &self.toolchain),
        ];
        for (field, text) in texts {
            ensure_text(field, text)?;
        }
        let digits = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if ![40, 64].contains(&self.commit.len()) || !self.commit.bytes().all(digits) {
            let found: String = self.commit.chars().take(80).collect();
            return Err(invalid(format!(
                "expected a commit of 40 or 64 lower-case hexadecimal digits, found `{found}`"
            )));
        }
        Ok(())
    }
}

impl Entry {
    /// The builders whose signatures hold.
    ///
    /// # Errors
    /// [`ReasonCode::AllowlistInvalid`] if one does not, or a builder appears twice.
    fn builders(&self) -> Result<BTreeSet<Did>, Refusal> {
        ensure_at_most("rebuilds", self.rebuilds.len(), REBUILDS_MAX)?;
        let message = self.build.message()?;
        let mut builders = BTreeSet::new();
        for Rebuild { builder, signature } in &self.rebuilds {
            let mut bytes = [0; 64];
            let holds = hex::decode_to_slice(signature, &mut bytes).is_ok()
                && builder.verifies(&message, &bytes);
            if !holds {
                return Err(invalid(format!(
                    "{}: the rebuild by {builder} is not signed by it",
                    self.build.workload
                )));
            }
            if !builders.insert(*builder) {
                return Err(invalid(format!("{}: {builder} is named twice", self.build.workload)));
            }
        }
        Ok(builders)
    }
}

impl Allowlist {
    /// Signs the list: an in-toto statement in a DSSE envelope, canonical JSON.
    ///
    /// # Errors
    /// [`ReasonCode::AllowlistInvalid`] if the list breaks a rule, or `key` is not the issuer's.
    pub fn sign(&self, key: &AgentKey) -> Result<Vec<u8>, Refusal> {
        self.ensure_valid()?;
        if key.did() != self.issuer {
            return Err(invalid(format!(
                "the issuer is {}, the key is {}",
                self.issuer,
                key.did()
            )));
        }
        let statement = Statement::new(self.subject()?, PREDICATE_TYPE, self);
        let written = canonical::to_vec(&statement)
            .and_then(|payload| Envelope::sign(&payload, &[key]).to_bytes())
            .map_err(|error| invalid(error.to_string()))?;
        ensure_at_most("bytes", written.len(), ALLOWLIST_BYTES_MAX)?;
        Ok(written)
    }

    /// Reads a signed list and checks its signature, its form and every rebuild. Whether it is the
    /// right issuer's, current and new is for [`State::accept`] to say.
    ///
    /// # Errors
    /// [`ReasonCode::MessageTooLarge`] above [`ALLOWLIST_BYTES_MAX`], or
    /// [`ReasonCode::AllowlistInvalid`].
    pub fn open(envelope: &[u8]) -> Result<Self, Refusal> {
        let list = Self::read(envelope)?;
        list.entries.iter().try_for_each(|entry| entry.builders().map(|_| ()))?;
        Ok(list)
    }

    /// As [`Allowlist::open`] without the rebuilds' signatures.
    fn read(envelope: &[u8]) -> Result<Self, Refusal> {
        if envelope.len() > ALLOWLIST_BYTES_MAX {
            let detail = format!(
                "allowlist has {} bytes, the limit is {ALLOWLIST_BYTES_MAX}",
                envelope.len()
            );
            return Err(Refusal::new(ReasonCode::MessageTooLarge, detail));
        }
        let opened =
            Envelope::verify_bytes(envelope).map_err(|error| invalid(error.to_string()))?;
        let statement: Statement<Self> = canonical::from_slice(&opened.payload)
            .map_err(|error| invalid(format!("statement: {error}")))?;
        statement.ensure_types(PREDICATE_TYPE).map_err(|error| invalid(error.to_string()))?;
        let list = statement.predicate;
        if opened.signers != [list.issuer] {
            return Err(invalid(format!("the list of {} is not signed by it alone", list.issuer)));
        }
        if statement.subject != list.subject()? {
            return Err(invalid("the subject is not the digest of the list".to_owned()));
        }
        list.ensure_valid()?;
        Ok(list)
    }

    /// The statement's subject: the list itself.
    fn subject(&self) -> Result<Vec<Subject>, Refusal> {
        let bytes = canonical::to_vec(self).map_err(|error| invalid(error.to_string()))?;
        Ok(vec![Subject::new("workload-allowlist", Digest::of(&bytes))])
    }

    fn ensure_valid(&self) -> Result<(), Refusal> {
        if self.sequence == 0 || self.not_before_s >= self.expires_at_s {
            return Err(invalid(
                "expected a sequence from 1 and an end after the beginning".to_owned(),
            ));
        }
        ensure_at_most("entries", self.entries.len(), ENTRIES_MAX)?;
        ensure_at_most("revocations", self.revoked.len(), REVOCATIONS_MAX)?;
        ensure_ascending("entries", self.entries.iter().map(|entry| entry.build.workload))?;
        ensure_ascending("revocations", self.revoked.iter().map(|revoked| revoked.workload))?;
        for Revocation { workload, reason } in &self.revoked {
            ensure_text("reason", reason)?;
            if self.entry(workload).is_some() {
                return Err(invalid(format!("{workload} is both an entry and revoked")));
            }
        }
        self.entries.iter().try_for_each(|entry| entry.build.ensure_valid())
    }

    /// The entry of a workload, active or not.
    #[must_use]
    pub fn entry(&self, workload: &WorkloadId) -> Option<&Entry> {
        let index =
            self.entries.binary_search_by_key(workload, |entry| entry.build.workload).ok()?;
        self.entries.get(index)
    }

    /// The revocation of a workload.
    #[must_use]
    pub fn revocation(&self, workload: &WorkloadId) -> Option<&Revocation> {
        let index = self.revoked.binary_search_by_key(workload, |revoked| revoked.workload).ok()?;
        self.revoked.get(index)
    }
}

fn ensure_ascending(
    what: &str,
    workloads: impl Iterator<Item = WorkloadId>,
) -> Result<(), Refusal> {
    let mut last = None;
    for workload in workloads {
        if last.is_some_and(|last| last >= workload) {
            return Err(invalid(format!("{what} are not in ascending order at {workload}")));
        }
        last = Some(workload);
    }
    Ok(())
}

fn ensure_text(field: &str, text: &str) -> Result<(), Refusal> {
    if text.is_empty() || text.len() > TEXT_BYTES_MAX || text.chars().any(char::is_control) {
        return Err(invalid(format!(
            "{field}: expected 1 to {TEXT_BYTES_MAX} bytes without control characters"
        )));
    }
    Ok(())
}

fn ensure_at_most(unit: &str, found: usize, max: usize) -> Result<(), Refusal> {
    if found <= max {
        return Ok(());
    }
    Err(invalid(format!("allowlist has {found} {unit}, the limit is {max}")))
}

fn invalid(detail: String) -> Refusal {
    Refusal::new(ReasonCode::AllowlistInvalid, detail)
}

#[cfg(test)]
mod tests;
