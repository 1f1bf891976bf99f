//! in-toto [Statement v1](https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Check, Digest, Fault, Rejection};

/// The `_type` of every statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// What was done, about which subjects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement<P> {
    /// Always [`STATEMENT_TYPE`].
    #[serde(rename = "_type")]
    pub statement_type: String,
    /// What the statement is about, matched by digest only.
    pub subject: Vec<Subject>,
    /// Which kind of predicate follows.
    #[serde(rename = "predicateType")]
    pub predicate_type: String,
    /// The statement's content.
    pub predicate: P,
}

/// One subject of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// A name for people; it proves nothing.
    pub name: String,
    /// Digests by algorithm; this project writes `sha256` only.
    pub digest: BTreeMap<String, String>,
}

impl Subject {
    /// A subject with a SHA-256 digest.
    #[must_use]
    pub fn new(name: impl Into<String>, digest: Digest) -> Self {
        Self { name: name.into(), digest: BTreeMap::from([("sha256".to_owned(), digest.to_hex())]) }
    }

    /// The SHA-256 digest.
    ///
    /// # Errors
    /// If the subject has none or it is malformed.
    pub fn sha256(&self) -> Result<Digest, Rejection> {
        let reject = |reason| Rejection::new(Check::Statement, Fault::SubjectMalformed, reason);
        let hex = self
            .digest
            .get("sha256")
            .ok_or_else(|| reject(format!("subject `{}` has no sha256 digest", self.name)))?;
        Digest::from_hex(hex).map_err(|error| reject(format!("subject `{}`: {error}", self.name)))
    }
}

impl<P> Statement<P> {
    /// A statement of `predicate_type` about `subject`.
    pub fn new(subject: Vec<Subject>, predicate_type: &str, predicate: P) -> Self {
        Self {
            statement_type: STATEMENT_TYPE.to_owned(),
            subject,
            predicate_type: predicate_type.to_owned(),
            predicate,
        }
    }

    /// Checks the two type fields and that there is a subject.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *statement*.
    pub fn ensure_types(&self, predicate_type: &str) -> Result<(), Rejection> {
        let reject = |fault, reason| Err(Rejection::new(Check::Statement, fault, reason));
        if self.statement_type != STATEMENT_TYPE {
            return reject(
                Fault::StatementTypeUnknown,
                format!("expected _type `{STATEMENT_TYPE}`, found `{}`", self.statement_type),
            );
        }
        if self.predicate_type != predicate_type {
            return reject(
                Fault::PredicateTypeUnknown,
                format!(
                    "expected predicateType `{predicate_type}`, found `{}`",
                    self.predicate_type
                ),
            );
        }
        if self.subject.is_empty() {
            return reject(Fault::SubjectMissing, "the statement names no subject".to_owned());
        }
        Ok(())
    }
}
