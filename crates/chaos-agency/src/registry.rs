//! The agent registry: which key speaks for whom, at which place in the log.

mod rules;

use chaos_types::{Check, Did, Rejection, Verified};
use serde::{Deserialize, Serialize};

pub(crate) use self::rules::{Scope, Standing};
use crate::{
    Fault, Key, Kinds, Receipt, State, Stop, Writes,
    action::Profile,
    state::{AgentRow, KeyRow, Memory, NameRow, SpanRow},
};

/// Longest agent name in bytes.
pub const NAME_BYTES_MAX: usize = 64;

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

/// An agent with all its keys, revoked or not.
///
/// # Errors
/// [`Stop::NotShown`] or [`Stop::Unreadable`].
pub fn agent(state: &dyn State, did: &Did) -> Result<Option<Agent>, Stop> {
    let Some(row) = state.read::<AgentRow>(&Key::agent(did))? else { return Ok(None) };
    let mut keys: Vec<KeySpan> = Vec::new();
    let mut profile = None;
    for number in 0..row.spans {
        let key = Key::span(did, number);
        let span: SpanRow = state.read(&key)?.ok_or(Stop::Unreadable { key })?;
        match keys.last_mut() {
            // A change of the profile alone.
            Some(last) if last.key == span.key => last.until = span.until,
            Some(_) | None => {
                keys.push(KeySpan { key: span.key, from: span.from, until: span.until });
            }
        }
        let SpanRow { name, role, studio, capabilities, .. } = span;
        profile = Some(Profile { name, role, capabilities, studio });
    }
    let profile = profile.ok_or(Stop::Unreadable { key: Key::agent(did) })?;
    Ok(Some(Agent { did: *did, profile, keys, revoked: row.revoked.map(|r| r.reason) }))
}

/// Whose a name is or once was.
///
/// # Errors
/// [`Stop::NotShown`] or [`Stop::Unreadable`].
pub fn owner_of_name(state: &dyn State, name: &str) -> Result<Option<Did>, Stop> {
    Ok(state.read::<NameRow>(&Key::name(name))?.map(|row| row.owner))
}

/// Whose a key is or once was.
///
/// # Errors
/// [`Stop::NotShown`] or [`Stop::Unreadable`].
pub fn owner_of_key(state: &dyn State, key: &Did) -> Result<Option<Did>, Stop> {
    Ok(state.read::<KeyRow>(&Key::of_key(key))?.map(|row| row.owner))
}

/// Where in the log an agent's own registry entries stand, in order: its registration, changes of
/// its key and profile, and its own revocation.
///
/// # Errors
/// [`Stop::NotShown`] or [`Stop::Unreadable`].
pub fn entries(state: &dyn State, did: &Did) -> Result<Vec<u64>, Stop> {
    let Some(row) = state.read::<AgentRow>(&Key::agent(did))? else { return Ok(Vec::new()) };
    let mut indices = vec![row.from];
    for number in 1..row.spans {
        let key = Key::span(did, number);
        let span: SpanRow = state.read(&key)?.ok_or(Stop::Unreadable { key })?;
        // A span begins after the entry that opened it.
        indices.extend(span.from.checked_sub(1));
    }
    indices.extend(row.revoked.filter(|revoked| revoked.by == *did).map(|revoked| revoked.at));
    Ok(indices)
}

/// All agents in the order of their root keys, revoked ones too.
///
/// # Errors
/// [`Stop::NotShown`] or [`Stop::Unreadable`].
pub fn agents(state: &dyn State) -> Result<Vec<Agent>, Stop> {
    let first = Key::new("agent", &[]);
    let rows: Vec<(Key, AgentRow)> = state.rows(&first..&first.end())?;
    let mut agents = Vec::with_capacity(rows.len());
    for (key, _) in rows {
        let did = key.parts().nth(1).and_then(|part| part.parse().ok());
        let found = did.map(|did| agent(state, &did)).transpose()?.flatten();
        agents.push(found.ok_or(Stop::Unreadable { key })?);
    }
    Ok(agents)
}

/// A registry in memory, folded from the registry entries that are at hand.
///
/// Invariant: a key belongs to at most one agent for ever, so that an old key can never come back
/// under another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registry {
    scope: Scope,
    state: Memory,
}

impl Registry {
    /// An empty registry for a log run by `operator`, the only agent whose outcome receipts count
    /// and the only one that may revoke others.
    #[must_use]
    pub fn new(operator: Did, kinds: &Kinds) -> Self {
        Self { scope: Scope::new(operator, kinds), state: Memory::default() }
    }

    /// All agents, revoked ones too.
    ///
    /// # Panics
    /// Never: what is in memory was written by these rules.
    #[must_use]
    pub fn agents(&self) -> Vec<Agent> {
        agents(&self.state).expect("a state in memory shows what the rules wrote")
    }

    /// The agent with this root key.
    ///
    /// # Panics
    /// Never: what is in memory was written by these rules.
    #[must_use]
    pub fn agent(&self, did: &Did) -> Option<Agent> {
        agent(&self.state, did).expect("a state in memory shows what the rules wrote")
    }

    /// Checks whether `receipt` may stand at log index `index`, all earlier entries having been
    /// admitted.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *agent* that says whose key was expected.
    pub fn authorise(&self, index: u64, receipt: &Verified<Receipt>) -> Result<(), Rejection> {
        self.ruled(index, receipt, &mut Writes::default())
    }

    /// Checks `receipt` and applies it.
    ///
    /// # Errors
    /// As [`Registry::authorise`]; then nothing is changed.
    pub fn admit(&mut self, index: u64, receipt: &Verified<Receipt>) -> Result<(), Rejection> {
        let mut writes = Writes::default();
        self.ruled(index, receipt, &mut writes)?;
        self.state.apply(writes);
        Ok(())
    }

    fn ruled(
        &self,
        index: u64,
        receipt: &Verified<Receipt>,
        writes: &mut Writes,
    ) -> Result<(), Rejection> {
        match self.scope.admit(index, receipt, &self.state, writes) {
            Ok(_) => Ok(()),
            Err(Stop::Rejected(rejection)) => Err(rejection),
            Err(stop) => unreachable!("a state in memory shows what the rules wrote: {stop}"),
        }
    }
}

fn reject(fault: Fault, reason: String) -> Rejection {
    Rejection::new(Check::Agent, fault, reason)
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
