//! Entering, finding, updating, rotating and revoking agents, and where they are paid.

use chaos_agency::{
    Action, Evidence,
    action::{BindAccount, Profile, ReportFork, Revoke, RotateKey},
    registry::{Agent, ensure_profile},
};
use chaos_types::{AgentKey, Did, Digest};

use crate::{Error, Ledger, NewEntry, successor_of};

/// A change of the registry: whose, and the receipt of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The agent.
    pub agent: Did,
    /// Its name.
    pub name: String,
    /// The receipt.
    pub receipt: Digest,
}

/// Makes a key and registers it. Everything that the registry could refuse is checked before the
/// key file is written.
///
/// # Errors
/// If the registry would refuse the profile, the name is taken, or no key can be made.
pub fn enrol(ledger: &mut Ledger, profile: Profile) -> Result<Changed, Error> {
    ensure_profile(&profile, &ledger.system().kinds.capabilities()).map_err(Error::Inadmissible)?;
    let name = profile.name.clone();
    if let Some(existing) = ledger.named(&name)? {
        let status = status(&existing);
        return Err(Error::DuplicateAgent { name, did: existing.did.into(), status });
    }
    // A password that does not open the log's key would make a key that nobody finds out about.
    ledger.operator_key()?;
    let key = ledger.unused_key(&name)?;
    let receipt = ledger.record(entry(key.did(), &key, Action::Register(profile)))?;
    Ok(Changed { agent: key.did(), name, receipt })
}

/// The agent with this name or DID.
///
/// # Errors
/// If there is none.
pub fn find(ledger: &Ledger, text: &str) -> Result<Agent, Error> {
    let by_did = text.parse::<Did>().ok().map(|did| ledger.agent(&did)).transpose()?.flatten();
    match by_did {
        Some(agent) => Ok(agent),
        None => ledger
            .named(text)?
            .ok_or_else(|| Error::NoAgent { text: text.to_owned(), dir: ledger.dir().to_owned() }),
    }
}

/// The agent with this name or DID, which may still act.
///
/// # Errors
/// If there is none, or it is revoked.
pub fn find_active(ledger: &Ledger, text: &str) -> Result<Agent, Error> {
    let agent = find(ledger, text)?;
    match &agent.revoked {
        None => Ok(agent),
        Some(reason) => {
            Err(Error::Revoked { name: agent.profile.name.clone(), reason: reason.clone() })
        }
    }
}

/// Whether an agent may still act, in a word.
#[must_use]
pub const fn status(agent: &Agent) -> &'static str {
    if agent.revoked.is_some() { "revoked" } else { "active" }
}

/// Gives an agent another role, studio or capabilities; its name, key and history stay.
///
/// # Errors
/// If the agent is unknown or revoked, the profile is the one that it has or one that the registry
/// would refuse, or its key does not open.
pub fn update(ledger: &mut Ledger, profile: Profile) -> Result<Changed, Error> {
    let agent = find_active(ledger, &profile.name)?;
    ensure_profile(&profile, &ledger.system().kinds.capabilities()).map_err(Error::Inadmissible)?;
    if agent.profile == profile {
        return Err(Error::ProfileUnchanged { name: profile.name });
    }
    let name = profile.name.clone();
    let key =
        if agent.did == ledger.operator() { ledger.operator_key()? } else { ledger.key(&name)? };
    let receipt = ledger.record(entry(agent.did, &key, Action::Update(profile)))?;
    Ok(Changed { agent: agent.did, name, receipt })
}

/// Moves an agent to a fresh key; its old key signs nothing after that.
///
/// # Errors
/// If the agent is unknown, revoked or the operator, or the keys do not open.
pub fn rotate(ledger: &mut Ledger, text: &str) -> Result<Changed, Error> {
    let (agent, name) = changeable(ledger, text, "rotated")?;
    let old = ledger.key(&name)?;
    let new = ledger.fresh_key(&successor_of(&name))?;
    let mut entry = entry(agent, &old, Action::RotateKey(RotateKey { new_key: new.did() }));
    entry.keys.push(&new);
    let receipt = ledger.record(entry)?;
    ledger.key(&name)?;
    Ok(Changed { agent, name, receipt })
}

/// Who signs a revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevokedBy {
    /// The agent.
    Itself,
    /// The log's operator, if the agent's key is lost.
    Operator,
}

/// Revokes an agent; its key signs nothing after that.
///
/// # Errors
/// If the agent is unknown, revoked or the operator, or the signer's key does not open.
pub fn revoke(
    ledger: &mut Ledger,
    text: &str,
    reason: &str,
    by: RevokedBy,
) -> Result<Changed, Error> {
    let (agent, name) = changeable(ledger, text, "revoked")?;
    let action = Action::Revoke(Revoke { agent, reason: reason.to_owned() });
    let (signer, key) = match by {
        RevokedBy::Itself => (agent, ledger.key(&name)?),
        RevokedBy::Operator => {
            let key = ledger.operator_key()?;
            (ledger.operator(), key)
        }
    };
    let receipt = ledger.record(entry(signer, &key, action))?;
    Ok(Changed { agent, name, receipt })
}

/// Registers an account at which an agent is paid from here on, with the account's signature.
///
/// # Errors
/// If the agent is unknown or revoked, its key does not open, or the log refuses the account.
pub fn bind_account(ledger: &mut Ledger, text: &str, bind: BindAccount) -> Result<Changed, Error> {
    act(ledger, text, Action::BindAccount(bind))
}

/// Appends a fork proof, by an agent that vouches for nothing: the proof shows itself.
///
/// # Errors
/// If the agent is unknown or revoked, its key does not open, or the log refuses the proof.
pub fn report_fork(ledger: &mut Ledger, text: &str, report: ReportFork) -> Result<Changed, Error> {
    act(ledger, text, Action::ReportFork(report))
}

/// Records what an agent that may still act does in its own name.
fn act(ledger: &mut Ledger, text: &str, action: Action) -> Result<Changed, Error> {
    let agent = find_active(ledger, text)?;
    let name = agent.profile.name;
    let key =
        if agent.did == ledger.operator() { ledger.operator_key()? } else { ledger.key(&name)? };
    let receipt = ledger.record(entry(agent.did, &key, action))?;
    Ok(Changed { agent: agent.did, name, receipt })
}

/// The agent, unless it is revoked or the operator.
fn changeable(ledger: &Ledger, text: &str, what: &'static str) -> Result<(Did, String), Error> {
    let agent = find(ledger, text)?;
    let name = agent.profile.name.clone();
    if let Some(reason) = &agent.revoked {
        return Err(Error::AlreadyRevoked { name, reason: reason.clone() });
    }
    if agent.did == ledger.operator() {
        return Err(Error::OperatorKey { what });
    }
    Ok((agent.did, name))
}

fn entry(agent: Did, key: &AgentKey, action: Action) -> NewEntry<'_> {
    NewEntry {
        agent,
        keys: vec![key],
        parents: vec![],
        subjects: vec![],
        evidence: Evidence::None {},
        action,
    }
}
