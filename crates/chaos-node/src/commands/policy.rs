//! A C2SP tlog-policy file as every command reads it.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use chaos_log::{POLICY_BYTES_MAX, Policy, VerifierKey};

use crate::exit::{Failure, Kind, OrFail as _};

/// A policy and the file that it comes from. Where it names logs, it is believed of those and of no other.
#[derive(Debug)]
pub(super) struct LogPolicy {
    path: PathBuf,
    bytes: Vec<u8>,
    rule: Policy,
}

impl LogPolicy {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = chaos_files::read(path, POLICY_BYTES_MAX)?;
        let rule = Policy::parse(&bytes)
            .or_fail(Kind::Input)
            .map_err(|failure| failure.context(format!("policy file {}", path.display())))?;
        Ok(Self { path: path.to_owned(), bytes, rule })
    }

    /// The file as it was read.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn into_rule(self) -> Policy {
        self.rule
    }

    /// The log that it names, if it is one.
    pub(super) fn only_log(&self) -> Option<&VerifierKey> {
        match self.rule.logs() {
            [log] => Some(&log.key),
            _ => None,
        }
    }

    /// Reads the policy of a reader, to whom each line `log` names the root key of a log. A key that a root key
    /// has handed a log on to has a line of its own in the policies of witnesses alone, who know no root keys:
    /// whoever steals it can found another log under it, of the same name.
    pub(super) fn of_reader(path: &Path) -> Result<Self, Failure> {
        let policy = Self::read(path)?;
        let mut names = BTreeSet::new();
        let twice = policy.rule.logs().iter().find(|log| !names.insert(log.key.name().as_str()));
        if let Some(log) = twice {
            let refusal = format!(
                "policy file {} has two keys for the log {}, and to a reader each names a log",
                policy.path.display(),
                log.key.name()
            );
            return Err(Failure::message(Kind::Input, refusal).hint(
                "leave the line of the root key alone: later keys follow from it, and their lines are for witnesses",
            ));
        }
        Ok(policy)
    }

    /// Refuses a log that is none of those that the policy names.
    pub(super) fn ensure_names(&self, log: &VerifierKey) -> Result<(), Failure> {
        let logs = self.rule.logs();
        if logs.is_empty() || logs.iter().any(|known| known.key == *log) {
            return Ok(());
        }
        let refusal =
            format!("policy file {} names logs, and not this one: {log}", self.path.display());
        Err(Failure::message(Kind::Input, refusal).hint(
            "a policy is for the logs that its lines `log` name, for those who copy and verify as for those \
             who sign; one without such lines is for any",
        ))
    }
}
