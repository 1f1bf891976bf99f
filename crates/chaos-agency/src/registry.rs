//! The agent registry: which key speaks for whom, at which place in the log.

use std::collections::BTreeMap;

use chaos_types::{Check, Did, Rejection, Verified};
use serde::{Deserialize, Serialize};

use crate::{
    Action, Fault, Kinds, Receipt,
    action::{Profile, Revoke, RotateKey},
    kind::Signer,
};

/// Longest agent name in bytes.
pub const NAME_BYTES_MAX: usize = 64;

/// The registry folded from a log.
///
/// Invariant: a key belongs to at most one agent for ever, so that an old key can never come back
/// under another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registry {
    operator: Did,
    agents: BTreeMap<Did, Agent>,
    keys: BTreeMap<Did, Did>,
    capabilities: Vec<&'static str>,
}

/// An agent and the history of its keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    /// The root key, which names the agent for ever.
    pub did: Did,
    /// What it says about itself.
    pub profile: Profile,
    /// Its keys in the order of use.
    pub keys: Vec<KeySpan>,
    /// Why it was revoked, if it was.
    pub revoked: Option<String>,
}

/// The log entries that a key may sign: `from` (inclusive) to `until` (exclusive).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySpan {
    /// The key.
    pub key: Did,
    /// The first log index it may sign.
    pub from: u64,
    /// The first log index it may no longer sign.
    pub until: Option<u64>,
}

impl Agent {
    /// The key that may sign at `index`.
    #[must_use]
    pub fn key_at(&self, index: u64) -> Option<Did> {
        self.keys
            .iter()
            .find(|span| span.from <= index && span.until.is_none_or(|until| index < until))
            .map(|span| span.key)
    }
}

impl Registry {
    /// An empty registry for a log run by `operator`, the only agent whose outcome receipts count
    /// and the only one that may revoke others.
    #[must_use]
    pub fn new(operator: Did, kinds: &Kinds) -> Self {
        Self {
            operator,
            agents: BTreeMap::new(),
            keys: BTreeMap::new(),
            capabilities: kinds.capabilities(),
        }
    }

    /// The operator's name.
    #[must_use]
    pub const fn operator(&self) -> Did {
        self.operator
    }

    /// All agents, revoked ones too.
    pub fn agents(&self) -> impl Iterator<Item = &Agent> {
        self.agents.values()
    }

    /// The agent with this root key.
    #[must_use]
    pub fn agent(&self, did: &Did) -> Option<&Agent> {
        self.agents.get(did)
    }

    /// The active agent of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Agent> {
        self.agents.values().find(|agent| agent.revoked.is_none() && agent.profile.name == name)
    }

    /// Checks whether `receipt` may stand at log index `index`, all earlier entries having been
    /// admitted.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *agent* that says whose key was expected.
    pub fn authorise(&self, index: u64, receipt: &Verified<Receipt>) -> Result<(), Rejection> {
        if receipt.log != self.operator {
            return Err(reject(
                Fault::LogOther,
                format!(
                    "the receipt is meant for the log of {}, this is the log of {}",
                    receipt.log, self.operator
                ),
            ));
        }
        if let Action::Register(profile) = &receipt.action {
            return self.authorise_registration(receipt, profile);
        }
        let agent = self.agents.get(&receipt.agent).ok_or_else(|| {
            reject(Fault::AgentUnknown, format!("agent {} is not registered", receipt.agent))
        })?;
        let name = &agent.profile.name;
        let Some(key) = agent.key_at(index) else {
            let reason = agent.revoked.as_deref().unwrap_or("no reason given");
            return Err(reject(
                Fault::AgentRevoked,
                format!("agent {name} has no valid key at log index {index}: revoked ({reason})"),
            ));
        };
        ensure_signers(receipt, name, index, key)?;
        match &receipt.action {
            Action::Register(_) => Ok(()),
            Action::Update(profile) => {
                ensure_profile(profile, &self.capabilities)?;
                self.ensure_name_free(profile, Some(receipt.agent))
            }
            Action::RotateKey(_) if receipt.agent == self.operator => Err(reject(
                Fault::OperatorPermanent,
                "the operator's key cannot be rotated: it is the log's key".to_owned(),
            )),
            Action::RotateKey(RotateKey { new_key }) => match self.keys.get(new_key) {
                Some(owner) => Err(reject(
                    Fault::KeyTaken,
                    format!("key {new_key} already belongs to {owner}"),
                )),
                None => Ok(()),
            },
            Action::Revoke(Revoke { agent: target, .. }) => {
                self.ensure_revocable(receipt.agent, name, target)
            }
            Action::Verify(_) | Action::Run(_) => ensure_capability(&agent.profile, receipt),
            Action::Score(_) | Action::Pay(_) | Action::Anchor(_) => {
                self.ensure_operator(receipt, name)?;
                ensure_capability(&agent.profile, receipt)
            }
            Action::Other(other) => {
                if other.signer() == Signer::Operator {
                    self.ensure_operator(receipt, name)?;
                }
                ensure_capability(&agent.profile, receipt)
            }
        }
    }

    fn ensure_revocable(&self, by: Did, name: &str, target: &Did) -> Result<(), Rejection> {
        if *target != by && by != self.operator {
            return Err(reject(
                Fault::RevocationForbidden,
                format!("{name} may not revoke {target}"),
            ));
        }
        if *target == self.operator {
            return Err(reject(
                Fault::OperatorPermanent,
                "the operator cannot be revoked: its key is the log's key".to_owned(),
            ));
        }
        match self.agents.get(target) {
            Some(found) if found.revoked.is_none() => Ok(()),
            Some(_) => {
                Err(reject(Fault::AlreadyRevoked, format!("agent {target} is already revoked")))
            }
            None => Err(reject(Fault::AgentUnknown, format!("agent {target} is not registered"))),
        }
    }

    fn ensure_operator(&self, receipt: &Receipt, name: &str) -> Result<(), Rejection> {
        if receipt.agent == self.operator {
            return Ok(());
        }
        Err(reject(
            Fault::OperatorOnly,
            format!(
                "{} receipts count from the log's operator only, not from {name}",
                receipt.action.kind()
            ),
        ))
    }

    /// Checks `receipt` and applies it.
    ///
    /// # Errors
    /// As [`Registry::authorise`]; then nothing is changed.
    pub fn admit(&mut self, index: u64, receipt: &Verified<Receipt>) -> Result<(), Rejection> {
        self.authorise(index, receipt)?;
        match &receipt.action {
            Action::Register(profile) => {
                let key = KeySpan { key: receipt.agent, from: index, until: None };
                self.keys.insert(receipt.agent, receipt.agent);
                self.agents.insert(
                    receipt.agent,
                    Agent {
                        did: receipt.agent,
                        profile: profile.clone(),
                        keys: vec![key],
                        revoked: None,
                    },
                );
            }
            Action::Update(profile) => self.agent_mut(receipt.agent).profile = profile.clone(),
            Action::RotateKey(RotateKey { new_key }) => {
                self.keys.insert(*new_key, receipt.agent);
                let agent = self.agent_mut(receipt.agent);
                close_key(agent, index);
                agent.keys.push(KeySpan { key: *new_key, from: index + 1, until: None });
            }
            Action::Revoke(Revoke { agent, reason }) => {
                let agent = self.agent_mut(*agent);
                close_key(agent, index);
                agent.revoked = Some(reason.clone());
            }
            Action::Verify(_)
            | Action::Anchor(_)
            | Action::Run(_)
            | Action::Score(_)
            | Action::Pay(_)
            | Action::Other(_) => {}
        }
        Ok(())
    }

    fn agent_mut(&mut self, did: Did) -> &mut Agent {
        self.agents.get_mut(&did).expect("authorise looked the agent up")
    }

    fn authorise_registration(
        &self,
        receipt: &Verified<Receipt>,
        profile: &Profile,
    ) -> Result<(), Rejection> {
        ensure_profile(profile, &self.capabilities)?;
        if receipt.signers != [receipt.agent] {
            return Err(reject(
                Fault::SignersUnexpected,
                format!(
                    "a registration is signed by the root key {} alone, found {:?}",
                    receipt.agent, receipt.signers
                ),
            ));
        }
        if let Some(owner) = self.keys.get(&receipt.agent) {
            return Err(reject(
                Fault::KeyTaken,
                format!("duplicate agent: key {} already belongs to {owner}", receipt.agent),
            ));
        }
        self.ensure_name_free(profile, None)
    }

    /// A name is reserved for ever, like a key, so that nobody takes over a revoked agent's.
    fn ensure_name_free(&self, profile: &Profile, but: Option<Did>) -> Result<(), Rejection> {
        let mut others = self.agents.values().filter(|agent| Some(agent.did) != but);
        match others.find(|agent| agent.profile.name == profile.name) {
            Some(other) => Err(reject(
                Fault::NameTaken,
                format!("duplicate agent: the name `{}` belongs to {}", profile.name, other.did),
            )),
            None => Ok(()),
        }
    }
}

fn reject(fault: Fault, reason: String) -> Rejection {
    Rejection::new(Check::Agent, fault, reason)
}

fn close_key(agent: &mut Agent, index: u64) {
    if let Some(span) = agent.keys.iter_mut().find(|span| span.until.is_none()) {
        span.until = Some(index + 1);
    }
}

/// One signature by the current key; for a rotation a second one by the new key, which proves
/// that somebody holds it; for attested evidence a last one by the attested key, whose right to sign
/// is the quote's matter.
fn ensure_signers(
    receipt: &Verified<Receipt>,
    name: &str,
    index: u64,
    key: Did,
) -> Result<(), Rejection> {
    let mut expected = match &receipt.action {
        Action::RotateKey(RotateKey { new_key }) => vec![key, *new_key],
        Action::Register(_)
        | Action::Update(_)
        | Action::Revoke(_)
        | Action::Verify(_)
        | Action::Anchor(_)
        | Action::Run(_)
        | Action::Score(_)
        | Action::Pay(_)
        | Action::Other(_) => vec![key],
    };
    expected.extend(receipt.evidence.attested().map(|attested| attested.key));
    if receipt.signers == expected {
        return Ok(());
    }
    Err(reject(
        Fault::SignersUnexpected,
        format!(
            "at log index {index} agent {name} signs with {expected:?}, found {:?}",
            receipt.signers
        ),
    ))
}

fn ensure_capability(profile: &Profile, receipt: &Verified<Receipt>) -> Result<(), Rejection> {
    let kind = receipt.action.kind();
    if profile.capabilities.iter().any(|capability| capability == kind) {
        return Ok(());
    }
    Err(reject(
        Fault::CapabilityMissing,
        format!(
            "agent {} ({}) is registered for {:?}, not for {kind}",
            profile.name, profile.role, profile.capabilities
        ),
    ))
}

/// Checks what an agent says about itself, before anything is signed or written; `capabilities` are
/// those of [`Kinds::capabilities`].
///
/// # Errors
/// A [`Rejection`] by the check *agent* that names the field and what was expected.
pub fn ensure_profile(profile: &Profile, capabilities: &[&str]) -> Result<(), Rejection> {
    let word = |text: &str| {
        (1..=NAME_BYTES_MAX).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b))
    };
    for (field, text) in
        [("name", &profile.name), ("role", &profile.role), ("studio", &profile.studio)]
    {
        if !word(text) {
            return Err(reject(
                Fault::ProfileInvalid,
                format!(
                    "{field} must be 1 to {NAME_BYTES_MAX} of a-z, 0-9, `-` and `_`, found `{}`",
                    text.escape_debug()
                ),
            ));
        }
    }
    if !profile.capabilities.is_sorted_by(|a, b| a < b) {
        return Err(reject(
            Fault::ProfileInvalid,
            "capabilities must be sorted and without repetition".to_owned(),
        ));
    }
    match profile.capabilities.iter().find(|c| !capabilities.contains(&c.as_str())) {
        Some(unknown) => Err(reject(
            Fault::CapabilityUnknown,
            format!("unknown capability `{}`; known are {capabilities:?}", unknown.escape_debug()),
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
