//! Trust policies: which logs are known, which witnesses, and how many of them must have cosigned
//! ([C2SP tlog-policy](https://c2sp.org/tlog-policy)).

use std::{fmt, ops::RangeInclusive};

use crate::{
    checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint},
    cosignature::{COSIGNATURE_TIME_S_MAX, WitnessVerifier},
    key::{KeyError, VerifierKey},
    note::NoteError,
};

mod parse;

/// Longer policy files are refused, in bytes.
pub const POLICY_BYTES_MAX: usize = 256 << 10;

/// A policy has at most this many logs, this many witnesses and this many groups.
pub const POLICY_MEMBERS_MAX: usize = 100;

/// Whose word on a checkpoint counts.
///
/// Every key is there once, and every witness and group can count in one way only. The rule never
/// refers to itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<KnownLog>,
    witnesses: Vec<KnownWitness>,
    groups: Vec<Group>,
    quorum: Option<Member>,
}

/// A log that a policy names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownLog {
    /// The key that signs its checkpoints, named as the log.
    pub key: VerifierKey,
    /// Where the log is, if the policy says so.
    pub url: Option<String>,
}

/// A witness that a policy names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownWitness {
    /// Its name within the policy, which means nothing outside of it.
    pub name: String,
    /// The key of its cosignatures.
    pub key: WitnessVerifier,
    /// Where checkpoints are submitted to it, if the policy says so.
    pub url: Option<String>,
}

/// Members of which `threshold` must have cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    name: String,
    threshold: usize,
    members: Vec<Member>,
}

/// What can be a member of a group, or the quorum; groups refer to earlier ones only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

/// A checkpoint that satisfies a policy, and who cosigned it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessed<'a> {
    /// The checkpoint.
    pub checkpoint: &'a Checkpoint,
    /// The log's key that signed it.
    pub log: &'a VerifierKey,
    /// The policy's witnesses that cosigned it, in the policy's order.
    pub cosigners: Vec<Cosigner<'a>>,
    /// Whether the policy asked for any of them; `quorum none` does not.
    pub quorum: bool,
}

/// A witness that cosigned a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cosigner<'a> {
    /// The witness.
    pub witness: &'a KnownWitness,
    /// When, in seconds since 1970; its earliest cosignature if there are several.
    pub time_s: u64,
}

/// Why a policy file is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The file is longer than [`POLICY_BYTES_MAX`].
    #[error("policy has {bytes} bytes, the limit is {POLICY_BYTES_MAX}")]
    TooLong {
        /// Length of the file in bytes.
        bytes: usize,
    },
    /// A line does not end, or has a control character other than the tab.
    #[error("line {line} of the policy has a control character or is not ended by a newline")]
    Characters {
        /// Number of the line, from 1.
        line: usize,
    },
    /// A line has none of the forms of a policy.
    #[error("line {line} of the policy should be {expected}")]
    Form {
        /// Number of the line, from 1.
        line: usize,
        /// What could stand there.
        expected: &'static str,
    },
    /// A key is not one of its kind.
    #[error("line {line} of the policy names no usable key")]
    Key {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: KeyError,
    },
    /// Two logs, or two witnesses, have one public key.
    #[error("line {line} of the policy repeats a public key")]
    Duplicate {
        /// Number of the line, from 1.
        line: usize,
    },
    /// A name is defined a second time, or is `none`.
    #[error("line {line} of the policy defines the name `{name}` again")]
    Redefined {
        /// Number of the line, from 1.
        line: usize,
        /// The name.
        name: String,
    },
    /// A name is not defined on an earlier line.
    #[error("line {line} of the policy refers to `{name}`, which no earlier line defines")]
    Undefined {
        /// Number of the line, from 1.
        line: usize,
        /// The name.
        name: String,
    },
    /// A name is a member of two groups, or twice of one.
    #[error("line {line} of the policy makes `{name}` a member a second time")]
    SecondMembership {
        /// Number of the line, from 1.
        line: usize,
        /// The name.
        name: String,
    },
    /// A threshold is not between 1 and the number of members.
    #[error("line {line} of the policy asks for {found} of {members} members")]
    Threshold {
        /// Number of the line, from 1.
        line: usize,
        /// The threshold as written.
        found: String,
        /// Number of members.
        members: usize,
    },
    /// There are more logs, witnesses or groups than [`POLICY_MEMBERS_MAX`].
    #[error("line {line} of the policy is one too many: the limit is {POLICY_MEMBERS_MAX}")]
    TooMany {
        /// Number of the line, from 1.
        line: usize,
    },
    /// There is not exactly one quorum line.
    #[error("policy has {found} quorum lines, expected one")]
    Quorum {
        /// Number of quorum lines.
        found: usize,
    },
}

/// Why a checkpoint does not satisfy a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnsatisfiedError {
    /// The policy knows no log of this name.
    #[error("the policy names no log `{origin}`")]
    UnknownLog {
        /// The log's name in the checkpoint.
        origin: String,
    },
    /// No key that the policy has for the log has signed the checkpoint.
    #[error("checkpoint is not signed by a log of the policy")]
    Log(#[source] CheckpointError),
    /// A line that names a witness of the policy is not its cosignature.
    #[error("checkpoint has a false cosignature")]
    Cosignature(#[source] NoteError),
    /// Too few witnesses have cosigned.
    #[error("{found} of the policy's witnesses have cosigned, short of quorum {quorum}")]
    Quorum {
        /// The quorum as the policy names it, with its threshold.
        quorum: String,
        /// How many witnesses of the policy have cosigned.
        found: usize,
    },
}

impl Policy {
    /// Reads a policy file.
    ///
    /// # Errors
    /// If a line is none of a policy's, a key or a name is there twice, a threshold cannot be met, or
    /// there is not exactly one quorum.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        parse::policy(bytes)
    }

    /// The logs, in the file's order.
    #[must_use]
    pub fn logs(&self) -> &[KnownLog] {
        &self.logs
    }

    /// The witnesses, in the file's order.
    #[must_use]
    pub fn witnesses(&self) -> &[KnownWitness] {
        &self.witnesses
    }

    /// The quorum in words: its name with its threshold, or `none`.
    #[must_use]
    pub fn quorum(&self) -> String {
        match self.quorum {
            None => "none".to_owned(),
            Some(Member::Witness(index)) => format!("`{}`", self.witnesses[index].name),
            Some(Member::Group(index)) => {
                let Group { name, threshold, members } = &self.groups[index];
                format!("`{name}` ({threshold} of {})", members.len())
            }
        }
    }

    /// Whether any witness must have cosigned; `quorum none` asks for none.
    #[must_use]
    pub const fn asks_for_witnesses(&self) -> bool {
        self.quorum.is_some()
    }

    /// Checks that one of the policy's logs has signed the checkpoint and that the quorum of its
    /// witnesses has cosigned it. Lines by other keys are passed over.
    ///
    /// # Errors
    /// If it is another log's, a line that names a known key is false, or the quorum is not met.
    pub fn verify<'a>(
        &'a self,
        checkpoint: &'a SignedCheckpoint,
    ) -> Result<Witnessed<'a>, UnsatisfiedError> {
        let origin = checkpoint.claimed().origin();
        let mut refusal = None;
        let keys = self.logs.iter().map(|log| &log.key);
        for log in keys.filter(|key| key.name().as_str() == origin) {
            match checkpoint.verify(log) {
                Ok(verified) => {
                    let cosigners = self.witnessed(checkpoint)?;
                    let quorum = self.asks_for_witnesses();
                    return Ok(Witnessed { checkpoint: verified, log, cosigners, quorum });
                }
                Err(error) if is_false(&error) => return Err(UnsatisfiedError::Log(error)),
                Err(error) => refusal = Some(error),
            }
        }
        Err(match refusal {
            Some(error) => UnsatisfiedError::Log(error),
            None => UnsatisfiedError::UnknownLog { origin: origin.to_owned() },
        })
    }

    /// Checks that the quorum has cosigned the checkpoint, whoever signed it as the log, and says
    /// who did.
    ///
    /// # Errors
    /// If a line that names a witness is false, or the quorum is not met.
    pub fn witnessed<'a>(
        &'a self,
        checkpoint: &SignedCheckpoint,
    ) -> Result<Vec<Cosigner<'a>>, UnsatisfiedError> {
        self.witnessed_within(checkpoint, &(0..=COSIGNATURE_TIME_S_MAX))
    }

    /// As [`Policy::witnessed`], where only cosignatures made at these times count, in seconds since
    /// 1970.
    ///
    /// # Errors
    /// If a line that names a witness is false, or the quorum is not met.
    pub fn witnessed_within<'a>(
        &'a self,
        checkpoint: &SignedCheckpoint,
        times_s: &RangeInclusive<u64>,
    ) -> Result<Vec<Cosigner<'a>>, UnsatisfiedError> {
        let mut cosigners = self.witnessed_by(checkpoint)?;
        cosigners.retain(|cosigner| times_s.contains(&cosigner.time_s));
        let has = |witness: &KnownWitness| cosigners.iter().any(|one| one.witness == witness);
        let cosigned: Vec<bool> = self.witnesses.iter().map(has).collect();
        if self.is_met(&cosigned) {
            return Ok(cosigners);
        }
        Err(UnsatisfiedError::Quorum { quorum: self.quorum(), found: cosigners.len() })
    }

    /// The policy's witnesses that have cosigned the checkpoint, be they enough or not, at whatever time.
    ///
    /// # Errors
    /// If a line that names a witness is false.
    pub fn witnessed_by<'a>(
        &'a self,
        checkpoint: &SignedCheckpoint,
    ) -> Result<Vec<Cosigner<'a>>, UnsatisfiedError> {
        let mut cosigners = Vec::new();
        for witness in &self.witnesses {
            let time_s = witness.key.cosigned(checkpoint).map_err(UnsatisfiedError::Cosignature)?;
            cosigners.extend(time_s.map(|time_s| Cosigner { witness, time_s }));
        }
        Ok(cosigners)
    }

    /// Whether the quorum holds if exactly these witnesses have cosigned.
    fn is_met(&self, cosigned: &[bool]) -> bool {
        let mut groups: Vec<bool> = Vec::with_capacity(self.groups.len());
        for group in &self.groups {
            let met = |member: &&Member| match **member {
                Member::Witness(index) => cosigned[index],
                Member::Group(index) => groups[index],
            };
            let count = group.members.iter().filter(met).count();
            groups.push(count >= group.threshold);
        }
        match self.quorum {
            None => true,
            Some(Member::Witness(index)) => cosigned[index],
            Some(Member::Group(index)) => groups[index],
        }
    }
}

impl fmt::Display for Cosigner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {} s", self.witness.name, self.time_s)
    }
}

/// Whether a line that names a trusted key was false, which condemns the note whatever else it says.
const fn is_false(error: &CheckpointError) -> bool {
    matches!(error, CheckpointError::Note(NoteError::BadSignature { .. }))
}
