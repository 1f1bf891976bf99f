//! What a broker decides by, as the log records it.

use std::{collections::BTreeSet, fmt, path::Path, str::FromStr};

use chaos_attestation::{
    Anchor, AnchorClass, Policy,
    allowlist::Trust,
    provide::development::{Development, Seed, Window},
};
use chaos_broker::{directory, release};
use chaos_store::Blobs as _;
use chaos_types::{Did, Digest};
use serde::{Deserialize, Serialize};

use crate::exit::{Failure, Kind, OrFail as _};
use chaos_ledger::Ledger;

/// A root certificate file is at most this long, in bytes.
const ROOT_BYTES_MAX: usize = 64 << 10;

/// So many builders other than the issuer must vouch for a workload of a production broker.
pub(crate) const REBUILDS_MIN: usize = 2;

/// A policy file is at most this long, in bytes.
const POLICY_BYTES_MAX: usize = 64 << 10;

/// Everything that the broker's state does not follow from its requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// What evidence is judged by.
    pub(crate) policy: PolicyName,
    /// The root certificate that evidence must lead to, as a blob, if it is not the policy's own.
    pub(crate) root: Option<Digest>,
    /// Whose allowlists count, and how many of which builders.
    pub(crate) trust: Trust,
    /// How long things live.
    pub(crate) lives: Lives,
}

/// How long things live, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lives {
    pub(crate) nonce_s: u64,
    pub(crate) lease_s: u64,
    pub(crate) service_s: u64,
}

impl Default for Lives {
    fn default() -> Self {
        let (release, directory) = (release::Config::default(), directory::Config::default());
        Self {
            nonce_s: release.nonce_life_s,
            lease_s: release.lease_life_s,
            service_s: directory.service_life_s,
        }
    }
}

impl Lives {
    pub(super) fn release(&self) -> release::Config {
        release::Config {
            nonce_life_s: self.nonce_s,
            lease_life_s: self.lease_s,
            ..release::Config::default()
        }
    }

    pub(super) fn directory(&self) -> directory::Config {
        directory::Config {
            nonce_life_s: self.nonce_s,
            service_life_s: self.service_s,
            ..directory::Config::default()
        }
    }
}

/// A policy by the name under which it is recorded: one that the program brings, or a document kept
/// as a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PolicyName {
    Development,
    Production,
    Document(Digest),
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Development => f.write_str("development"),
            Self::Production => f.write_str("production"),
            Self::Document(digest) => digest.fmt(f),
        }
    }
}

impl FromStr for PolicyName {
    type Err = chaos_types::DigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "development" => Ok(Self::Development),
            "production" => Ok(Self::Production),
            digest => digest.parse().map(Self::Document),
        }
    }
}

impl Serialize for PolicyName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PolicyName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl PolicyName {
    /// The policy that a command line names: `development`, `production` or a file, which is read,
    /// checked and kept.
    pub(crate) fn keep(text: &str, ledger: &Ledger) -> Result<Self, Failure> {
        match text {
            "development" => Ok(Self::Development),
            "production" => Ok(Self::Production),
            file => {
                let bytes = chaos_files::read(Path::new(file), POLICY_BYTES_MAX)?;
                parse(&bytes).map_err(|failure| failure.context(format!("policy file {file}")))?;
                Ok(Self::Document(ledger.put_blob(&bytes)?))
            }
        }
    }

    /// The policy itself.
    pub(super) fn open(&self, ledger: &Ledger) -> Result<Policy, Failure> {
        match self {
            Self::Development => Ok(Policy::development()),
            Self::Production => Ok(Policy::production()),
            Self::Document(digest) => parse(&blob(ledger, digest)?),
        }
    }
}

fn parse(bytes: &[u8]) -> Result<Policy, Failure> {
    let text = std::str::from_utf8(bytes).or_fail(Kind::Input)?;
    Policy::parse(text).or_fail(Kind::Input)
}

/// Bytes that the log says are kept.
pub(super) fn blob(ledger: &Ledger, digest: &Digest) -> Result<Vec<u8>, Failure> {
    ledger.store().blobs().get(digest).or_fail(Kind::Storage)
}

impl Settings {
    /// The root certificate that a command line names, kept.
    pub(crate) fn keep_root(file: &Path, ledger: &Ledger) -> Result<Digest, Failure> {
        let der = chaos_files::read(file, ROOT_BYTES_MAX)?;
        Anchor::from_root(&der).or_fail(Kind::Input)?;
        Ok(ledger.put_blob(&der)?)
    }

    /// Where chains of trust must end. Without a root of its own, a development policy takes the
    /// project's well-known development root, and a production policy Intel's.
    pub(super) fn anchor(&self, policy: &Policy, ledger: &Ledger) -> Result<Anchor, Failure> {
        if let Some(root) = &self.root {
            return Anchor::from_root(&blob(ledger, root)?).or_fail(Kind::Storage);
        }
        Ok(match policy.anchor_class() {
            AnchorClass::IntelProduction => Anchor::intel(),
            AnchorClass::Development => {
                // The root depends on the seed only, not on the day.
                Development::new(&Seed::well_known(), Window::of_day(0)).anchor()
            }
        })
    }

    /// The settings of a data directory that was never served: no workload can be active.
    pub(super) fn unserved(operator: Did) -> Self {
        let trust =
            Trust { issuer: operator, builders: BTreeSet::new(), rebuilds_min: REBUILDS_MIN };
        Self { policy: PolicyName::Production, root: None, trust, lives: Lives::default() }
    }

    /// Under a production policy one person alone must not decide what may act.
    pub(super) fn ensure_sound(&self, ledger: &Ledger) -> Result<(), Failure> {
        let class = self.policy.open(ledger)?.anchor_class();
        let Trust { issuer, builders, rebuilds_min } = &self.trust;
        let sound = *rebuilds_min >= REBUILDS_MIN
            && builders.len() >= *rebuilds_min
            && !builders.contains(issuer);
        if class == AnchorClass::Development || sound {
            return Ok(());
        }
        Err(Failure::message(
            Kind::Input,
            format!(
                "a production policy needs at least {REBUILDS_MIN} rebuilds by builders other than \
                 the issuer, found {rebuilds_min} by {} builders",
                builders.len()
            ),
        )
        .hint(
            "name the builders' keys with --builder; `chaoschain attest allowlist vouch` is theirs",
        ))
    }

    /// Secrets that were stored under one class of trust anchor are not opened to another.
    pub(super) fn ensure_class_of(&self, recorded: &Self, ledger: &Ledger) -> Result<(), Failure> {
        let class =
            |settings: &Self| Ok::<_, Failure>(settings.policy.open(ledger)?.anchor_class());
        let (new, old) = (class(self)?, class(recorded)?);
        if new == old {
            return Ok(());
        }
        Err(Failure::message(
            Kind::Input,
            format!("secrets were stored here for the {old} class of anchors, not for {new}"),
        )
        .hint("serve another class from another data directory"))
    }

    /// Which settings differ from others, by name.
    pub(crate) fn changed_from(&self, recorded: &Self) -> Vec<&'static str> {
        let Self { policy, root, trust, lives } = self;
        [
            ("policy", *policy != recorded.policy),
            ("root", *root != recorded.root),
            ("issuer", trust.issuer != recorded.trust.issuer),
            ("builders", trust.builders != recorded.trust.builders),
            ("rebuilds", trust.rebuilds_min != recorded.trust.rebuilds_min),
            ("lives", *lives != recorded.lives),
        ]
        .into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect()
    }
}
