//! What a broker decides by, as the log records it.

use std::{collections::BTreeSet, fmt, str::FromStr};

use chaos_attestation::{
    Anchor, AnchorClass, Policy,
    allowlist::Trust,
    provide::development::{Development, Seed, Window},
};
use chaos_ledger::Ledger;
use chaos_store::Blobs as _;
use chaos_types::{Did, Digest};
use serde::{Deserialize, Serialize};

use super::Error;
use crate::{directory, release};

/// So many builders other than the issuer must vouch for a workload of a production broker.
pub const REBUILDS_MIN: usize = 2;

/// What a broker decides by, apart from requests and allowlists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What evidence is appraised by.
    pub policy: PolicyName,
    /// The root certificate that evidence must lead to, as a blob, if it is not the policy's own.
    pub root: Option<Digest>,
    /// Whose allowlists count, and how many of which builders.
    pub trust: Trust,
    /// How long things live.
    pub lives: Lives,
}

/// What somebody asks for; what is left open stays as it was recorded, or as it is at first.
#[derive(Debug, Default)]
pub struct Wanted {
    /// What evidence is appraised by.
    pub policy: Option<PolicyName>,
    /// The root certificate that evidence must lead to, as a blob.
    pub root: Option<Digest>,
    /// Whose allowlists count; the operator's at first.
    pub issuer: Option<Did>,
    /// Who vouches for workloads, if any are named.
    pub builders: BTreeSet<Did>,
    /// How many of them.
    pub rebuilds_min: Option<usize>,
    /// How long a nonce lives, in seconds.
    pub nonce_s: Option<u64>,
    /// How long a lease lives, in seconds.
    pub lease_s: Option<u64>,
    /// How long a registration lives without a heartbeat, in seconds.
    pub service_s: Option<u64>,
}

/// How long things live, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lives {
    /// A nonce.
    pub nonce_s: u64,
    /// A lease.
    pub lease_s: u64,
    /// A registration without a heartbeat.
    pub service_s: u64,
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
pub enum PolicyName {
    /// The preset for development trust.
    Development,
    /// The preset for production hardware.
    Production,
    /// A document, kept as a blob.
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
    /// Keeps a policy document and names it.
    ///
    /// # Errors
    /// If it is no policy.
    pub fn keep(document: &[u8], ledger: &Ledger) -> Result<Self, Error> {
        parse(document)?;
        Ok(Self::Document(ledger.put_blob(document)?))
    }

    /// The policy itself.
    pub(super) fn open(&self, ledger: &Ledger) -> Result<Policy, Error> {
        match self {
            Self::Development => Ok(Policy::development()),
            Self::Production => Ok(Policy::production()),
            Self::Document(digest) => parse(&blob(ledger, digest)?),
        }
    }
}

fn parse(bytes: &[u8]) -> Result<Policy, Error> {
    Ok(Policy::parse(std::str::from_utf8(bytes)?)?)
}

/// Bytes that the log says are kept.
pub(super) fn blob(ledger: &Ledger, digest: &Digest) -> Result<Vec<u8>, Error> {
    Ok(ledger.store().blobs().get(digest)?)
}

impl Settings {
    /// What is asked for, and for the rest what was recorded the last time.
    ///
    /// # Errors
    /// [`Error::NoPolicy`] if neither names one.
    pub fn of(wanted: Wanted, recorded: Option<&Self>, operator: Did) -> Result<Self, Error> {
        let known = |recorded: &Self| recorded.policy.clone();
        let policy = wanted.policy.or_else(|| recorded.map(known)).ok_or(Error::NoPolicy)?;
        // A root goes with the policy that it was named for.
        let same = recorded.filter(|recorded| recorded.policy == policy);
        let root = wanted.root.or_else(|| same.and_then(|recorded| recorded.root));
        let trust = recorded.map(|recorded| &recorded.trust);
        let builders = match trust {
            Some(trust) if wanted.builders.is_empty() => trust.builders.clone(),
            Some(_) | None => wanted.builders,
        };
        let at_first = if builders.is_empty() { 0 } else { REBUILDS_MIN };
        let rebuilds_min = trust.map_or(at_first, |trust| trust.rebuilds_min);
        let lives = recorded.map_or_else(Lives::default, |recorded| recorded.lives);
        Ok(Self {
            policy,
            root,
            trust: Trust {
                issuer: wanted.issuer.unwrap_or_else(|| trust.map_or(operator, |it| it.issuer)),
                builders,
                rebuilds_min: wanted.rebuilds_min.unwrap_or(rebuilds_min),
            },
            lives: Lives {
                nonce_s: wanted.nonce_s.unwrap_or(lives.nonce_s),
                lease_s: wanted.lease_s.unwrap_or(lives.lease_s),
                service_s: wanted.service_s.unwrap_or(lives.service_s),
            },
        })
    }

    /// Keeps a root certificate, DER, and names it.
    ///
    /// # Errors
    /// If it is no root certificate.
    pub fn keep_root(der: &[u8], ledger: &Ledger) -> Result<Digest, Error> {
        Anchor::from_root(der).map_err(Error::Root)?;
        Ok(ledger.put_blob(der)?)
    }

    /// Where chains of trust must end. Without a root of its own, a development policy takes the
    /// project's well-known development root, and a production policy Intel's.
    pub(super) fn anchor(&self, policy: &Policy, ledger: &Ledger) -> Result<Anchor, Error> {
        if let Some(root) = &self.root {
            return Anchor::from_root(&blob(ledger, root)?).map_err(Error::RecordedRoot);
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
    pub(super) fn ensure_sound(&self, ledger: &Ledger) -> Result<(), Error> {
        let class = self.policy.open(ledger)?.anchor_class();
        let Trust { issuer, builders, rebuilds_min } = &self.trust;
        let sound = *rebuilds_min >= REBUILDS_MIN
            && builders.len() >= *rebuilds_min
            && !builders.contains(issuer);
        if class == AnchorClass::Development || sound {
            return Ok(());
        }
        Err(Error::Unsound {
            expected: REBUILDS_MIN,
            found: *rebuilds_min,
            builders: builders.len(),
        })
    }

    /// Secrets that were stored under one class of trust anchor are not opened to another.
    pub(super) fn ensure_class_of(&self, recorded: &Self, ledger: &Ledger) -> Result<(), Error> {
        let class = |settings: &Self| Ok::<_, Error>(settings.policy.open(ledger)?.anchor_class());
        let (new, old) = (class(self)?, class(recorded)?);
        if new == old {
            return Ok(());
        }
        Err(Error::AnchorClass { expected: old, found: new })
    }

    /// Which settings differ from others, by name.
    #[must_use]
    pub fn changed_from(&self, recorded: &Self) -> Vec<&'static str> {
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
