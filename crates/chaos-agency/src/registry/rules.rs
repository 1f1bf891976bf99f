//! What the registry asks of a receipt, and what a receipt changes in it.

use chaos_types::{Check, Did, Rejection, Verified};

use super::ensure_profile;
use crate::{
    Action, Fault, Key, Kinds, Receipt, State, Stop, Writes,
    account::{self, BINDINGS_MAX},
    action::{BindAccount, Delegate, Profile, Revoke, Role, RotateKey},
    kind::Signer,
    state::{AccountsRow, AgentRow, BoundRow, DelegationRow, KeyRow, NameRow, Revoked, SpanRow},
};

/// What the registry's rules go by besides the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    /// The only agent whose outcome receipts count, and the only one that may revoke others.
    pub(crate) operator: Did,
    capabilities: Vec<&'static str>,
}

/// Whose entry it is: the role and the studio that the agent has with it.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) role: String,
    pub(crate) studio: String,
}

impl From<&Profile> for Standing {
    fn from(profile: &Profile) -> Self {
        Self { role: profile.role.clone(), studio: profile.studio.clone() }
    }
}

/// The agent's last span before an entry, with its number.
struct Last {
    number: u64,
    span: SpanRow,
}

/// One receipt before the registry's rules.
struct Entry<'a> {
    scope: &'a Scope,
    index: u64,
    receipt: &'a Receipt,
    state: &'a dyn State,
}

impl Scope {
    pub(crate) fn new(operator: Did, kinds: &Kinds) -> Self {
        Self { operator, capabilities: kinds.capabilities() }
    }

    /// Checks whether `receipt` may stand at log index `index` after what the state holds, and puts
    /// what it changes in the registry.
    pub(crate) fn admit(
        &self,
        index: u64,
        receipt: &Verified<Receipt>,
        state: &dyn State,
        writes: &mut Writes,
    ) -> Result<Standing, Stop> {
        if receipt.log != self.operator {
            return Err(reject(
                Fault::LogOther,
                format!(
                    "the receipt is meant for the log of {}, this is the log of {}",
                    receipt.log, self.operator
                ),
            ));
        }
        let entry = Entry { scope: self, index, receipt, state };
        match &receipt.action {
            Action::Register(profile) => entry.register(profile, writes),
            Action::Update(_)
            | Action::RotateKey(_)
            | Action::Revoke(_)
            | Action::Delegate(_)
            | Action::BindAccount(_)
            | Action::Verify(_)
            | Action::Anchor(_)
            | Action::DeclareAnchoring(_)
            | Action::Run(_)
            | Action::Score(_)
            | Action::Pay(_)
            | Action::CorrectTime(_)
            | Action::ReportFork(_)
            | Action::Other(_) => entry.act(writes),
        }
    }
}

impl Entry<'_> {
    fn register(&self, profile: &Profile, writes: &mut Writes) -> Result<Standing, Stop> {
        let (receipt, agent) = (self.receipt, self.receipt.agent);
        ensure_profile(profile, &self.scope.capabilities)?;
        if receipt.signers != [agent] {
            return Err(reject(
                Fault::SignersUnexpected,
                format!(
                    "a registration is signed by the root key {agent} alone, found {:?}",
                    receipt.signers
                ),
            ));
        }
        if let Some(KeyRow { owner, .. }) = self.state.read(&Key::of_key(&agent))? {
            return Err(reject(
                Fault::KeyTaken,
                format!("duplicate agent: key {agent} already belongs to {owner}"),
            ));
        }
        self.ensure_name_free(profile)?;
        let from = self.index;
        writes.put(Key::agent(&agent), &AgentRow { from, spans: 1, revoked: None });
        writes.put(Key::span(&agent, 0), &opened(profile, agent, from));
        writes.put(Key::of_key(&agent), &KeyRow { from, owner: agent, n: 0 });
        writes.put(Key::name(&profile.name), &NameRow { from, owner: agent });
        Ok(profile.into())
    }

    /// What a registered agent does.
    fn act(&self, writes: &mut Writes) -> Result<Standing, Stop> {
        let (receipt, agent) = (self.receipt, self.receipt.agent);
        let (number, span) = self.state.span_at(&agent, self.index)?.ok_or_else(|| {
            reject(Fault::AgentUnknown, format!("agent {agent} is not registered"))
        })?;
        let last = Last { number, span };
        let name = &last.span.name;
        if !last.span.covers(self.index) {
            let row: Option<AgentRow> = self.state.read(&Key::agent(&agent))?;
            let reason = row.and_then(|row| row.revoked).map(|revoked| revoked.reason);
            let reason = reason.as_deref().unwrap_or("no reason given");
            return Err(reject(
                Fault::AgentRevoked,
                format!(
                    "agent {name} has no valid key at log index {}: revoked ({reason})",
                    self.index
                ),
            ));
        }
        self.ensure_signers(&last.span)?;
        let standing = Standing { role: last.span.role.clone(), studio: last.span.studio.clone() };
        match &receipt.action {
            Action::Update(profile) => {
                ensure_profile(profile, &self.scope.capabilities)?;
                // A name that comes back is the agent's since its first time.
                if self.ensure_name_free(profile)? {
                    let row = NameRow { from: self.index, owner: agent };
                    writes.put(Key::name(&profile.name), &row);
                }
                let next = opened(profile, last.span.key, self.index + 1);
                self.succeed(last, next, writes)?;
                return Ok(profile.into());
            }
            Action::RotateKey(rotation) => self.rotate(last, rotation, writes)?,
            Action::Revoke(revoke) => self.revoke(&last.span, revoke, writes)?,
            Action::Delegate(delegate) => {
                self.ensure_operator(name)?;
                self.delegate(last, delegate, writes)?;
            }
            Action::BindAccount(bind) => self.bind_account(bind, writes)?,
            Action::Register(_) | Action::Verify(_) | Action::Run(_) => {
                self.ensure_capability(&last.span)?;
            }
            Action::Score(_) | Action::Pay(_) | Action::Anchor(_) => {
                self.ensure_operator(name)?;
                self.ensure_capability(&last.span)?;
            }
            // The way back from a wrong clock is open to the operator of every log, whatever it was
            // registered for.
            // Nor is what the operator of an older log was registered for to keep it from saying where it is anchored.
            Action::CorrectTime(_) | Action::DeclareAnchoring(_) => self.ensure_operator(name)?,
            // What proves itself needs nobody's leave, and an agent of every log can hand it on.
            Action::ReportFork(_) => {}
            Action::Other(other) => {
                if other.signer() == Signer::Operator {
                    self.ensure_operator(name)?;
                }
                self.ensure_capability(&last.span)?;
            }
        }
        Ok(standing)
    }

    /// A name is reserved for ever, like a key, so that nobody takes over a revoked agent's. Whether it
    /// is nobody's yet.
    fn ensure_name_free(&self, profile: &Profile) -> Result<bool, Stop> {
        match self.state.read(&Key::name(&profile.name))? {
            Some(NameRow { owner, .. }) if owner != self.receipt.agent => Err(reject(
                Fault::NameTaken,
                format!("duplicate agent: the name `{}` belongs to {owner}", profile.name),
            )),
            owned => Ok(owned.is_none()),
        }
    }

    fn rotate(&self, last: Last, to: &RotateKey, writes: &mut Writes) -> Result<(), Stop> {
        let (agent, new_key) = (self.receipt.agent, to.new_key);
        if agent == self.scope.operator {
            return Err(reject(
                Fault::OperatorPermanent,
                "the operator's key is handed on by a delegation, not by itself".to_owned(),
            ));
        }
        if let Some(KeyRow { owner, .. }) = self.state.read(&Key::of_key(&new_key))? {
            return Err(reject(
                Fault::KeyTaken,
                format!("key {new_key} already belongs to {owner}"),
            ));
        }
        let n = last.number + 1;
        writes.put(Key::of_key(&new_key), &KeyRow { from: self.index, owner: agent, n });
        let next = SpanRow { from: self.index + 1, until: None, key: new_key, ..last.span.clone() };
        self.succeed(last, next, writes)
    }

    /// Ends a span with this entry and opens the next one.
    fn succeed(&self, last: Last, next: SpanRow, writes: &mut Writes) -> Result<(), Stop> {
        let agent = self.receipt.agent;
        let row = self.agent_row(&agent)?;
        let Last { number, span } = last;
        writes.put(Key::agent(&agent), &AgentRow { spans: number + 2, ..row });
        let ended = SpanRow { until: Some(self.index + 1), ..span };
        writes.put(Key::span(&agent, number), &ended);
        writes.put(Key::span(&agent, number + 1), &next);
        Ok(())
    }

    /// Hands a role of the root key's to another key. The operator's is that of the agent's span; who
    /// signs checkpoints is in the rows of the delegations alone.
    fn delegate(&self, last: Last, to: &Delegate, writes: &mut Writes) -> Result<(), Stop> {
        let (root, Delegate { role, number, key, replaces, lost, .. }) = (self.scope.operator, to);
        if *lost && *replaces == root {
            return Err(reject(
                Fault::RootLost,
                "the root key is the log: whoever else holds it signs what its owner can"
                    .to_owned(),
            ));
        }
        let before = match number.checked_sub(1) {
            Some(0) => Some(root),
            Some(before) => {
                let row: Option<DelegationRow> =
                    self.state.read(&Key::delegation(*role, before))?;
                row.map(|row| row.key)
            }
            None => None,
        };
        if before.is_none() || self.state.has(&Key::delegation(*role, *number))? {
            return Err(reject(
                Fault::DelegationOrder,
                format!("delegation {number} of {role} is not the next one"),
            ));
        }
        if before != Some(*replaces) {
            return Err(reject(
                Fault::DelegationOther,
                format!("{replaces} does not have the role {role} at log index {}", self.index),
            ));
        }
        if let Some(KeyRow { owner, .. }) = self.state.read(&Key::of_key(key))? {
            return Err(reject(Fault::KeyTaken, format!("key {key} already belongs to {owner}")));
        }
        let index = self.index;
        let n = match role {
            Role::Checkpoints => *number,
            Role::Operator => last.number + 1,
        };
        writes.put(Key::of_key(key), &KeyRow { from: index, owner: root, n });
        let row =
            DelegationRow { index, key: *key, replaces: *replaces, lost: *lost, root: to.root };
        writes.put(Key::delegation(*role, *number), &row);
        match role {
            Role::Checkpoints => Ok(()),
            Role::Operator => {
                let next = SpanRow { from: index + 1, until: None, key: *key, ..last.span.clone() };
                self.succeed(last, next, writes)
            }
        }
    }

    fn revoke(&self, by: &SpanRow, revoke: &Revoke, writes: &mut Writes) -> Result<(), Stop> {
        let (signer, operator, target) = (self.receipt.agent, self.scope.operator, revoke.agent);
        if target != signer && signer != operator {
            return Err(reject(
                Fault::RevocationForbidden,
                format!("{} may not revoke {target}", by.name),
            ));
        }
        if target == operator {
            return Err(reject(
                Fault::OperatorPermanent,
                "the operator cannot be revoked: its root key is the log".to_owned(),
            ));
        }
        let unknown = || reject(Fault::AgentUnknown, format!("agent {target} is not registered"));
        let (number, span) = self.state.span_at(&target, self.index)?.ok_or_else(unknown)?;
        let row = self.agent_row(&target)?;
        if row.revoked.is_some() {
            return Err(reject(
                Fault::AlreadyRevoked,
                format!("agent {target} is already revoked"),
            ));
        }
        let revoked = Revoked { at: self.index, by: signer, reason: revoke.reason.clone() };
        writes.put(Key::agent(&target), &AgentRow { revoked: Some(revoked), ..row });
        let ended = SpanRow { until: Some(self.index + 1), ..span };
        writes.put(Key::span(&target, number), &ended);
        Ok(())
    }

    /// An account is one agent's for ever, so that two are never to be paid at one.
    fn bind_account(&self, bind: &BindAccount, writes: &mut Writes) -> Result<(), Stop> {
        let (agent, BindAccount { chain, account, number, .. }) = (self.receipt.agent, bind);
        let owner = account::owner(self.state, chain, account)?;
        if let Some(owner) = owner.filter(|owner| *owner != agent) {
            let reason = format!("account {account} of {chain} belongs to {owner}");
            return Err(reject(Fault::AccountTaken, reason));
        }
        let key = Key::account(&agent, chain);
        let mut row: AccountsRow = self.state.read(&key)?.unwrap_or_default();
        if row.bindings.last().is_some_and(|last| last.account == *account) {
            let reason = format!("agent {agent} is paid at {account} of {chain} already");
            return Err(reject(Fault::AccountUnchanged, reason));
        }
        if row.bindings.len() == BINDINGS_MAX {
            let reason = format!("{BINDINGS_MAX} accounts of {chain} is the limit of an agent");
            return Err(reject(Fault::AccountsTooMany, reason));
        }
        let next = row.next_number();
        let is_next = match number {
            Some(number) => *number == next,
            // As it was agreed to before there were numbers, until the agent has one that has.
            None => row.bindings.iter().all(|bound| !bound.numbered),
        };
        if !is_next {
            let said = number.map_or_else(|| "no number".to_owned(), |n| format!("number {n}"));
            let reason = format!("account {account} agreed to be {said} of {agent}, not {next}");
            return Err(reject(Fault::AccountNumberOther, reason));
        }
        let (account, numbered) = (account.clone(), number.is_some());
        row.bindings.push(BoundRow { account: account.clone(), index: self.index, numbered });
        writes.put(key, &row);
        if owner.is_none() {
            let owned = NameRow { from: self.index, owner: agent };
            writes.put(Key::account_owner(chain, &account), &owned);
        }
        Ok(())
    }

    fn agent_row(&self, agent: &Did) -> Result<AgentRow, Stop> {
        let key = Key::agent(agent);
        self.state.read(&key)?.ok_or(Stop::Unreadable { key })
    }

    fn ensure_operator(&self, name: &str) -> Result<(), Stop> {
        if self.receipt.agent == self.scope.operator {
            return Ok(());
        }
        Err(reject(
            Fault::OperatorOnly,
            format!(
                "{} receipts count from the log's operator only, not from {name}",
                self.receipt.action.kind()
            ),
        ))
    }

    /// One signature by the current key; for a rotation a second one by the new key, which proves
    /// that somebody holds it; for a delegation the log's root key, the new key and the one that it
    /// replaces; for attested evidence a last one by the attested key, whose right to
    /// sign is the quote's matter.
    fn ensure_signers(&self, span: &SpanRow) -> Result<(), Stop> {
        let mut expected = vec![span.key];
        if let Action::RotateKey(RotateKey { new_key }) = &self.receipt.action {
            expected.push(*new_key);
        }
        if let Action::Delegate(delegate) = &self.receipt.action {
            expected = delegate.signers(self.scope.operator);
        }
        expected.extend(self.receipt.evidence.attested().map(|attested| attested.key));
        if self.receipt.signers == expected {
            return Ok(());
        }
        Err(reject(
            Fault::SignersUnexpected,
            format!(
                "at log index {} agent {} signs with {expected:?}, found {:?}",
                self.index, span.name, self.receipt.signers
            ),
        ))
    }

    fn ensure_capability(&self, span: &SpanRow) -> Result<(), Stop> {
        let kind = self.receipt.action.kind();
        if span.capabilities.iter().any(|capability| capability == kind) {
            return Ok(());
        }
        Err(reject(
            Fault::CapabilityMissing,
            format!(
                "agent {} ({}) is registered for {:?}, not for {kind}",
                span.name, span.role, span.capabilities
            ),
        ))
    }
}

fn opened(profile: &Profile, key: Did, from: u64) -> SpanRow {
    SpanRow {
        from,
        until: None,
        key,
        name: profile.name.clone(),
        role: profile.role.clone(),
        studio: profile.studio.clone(),
        capabilities: profile.capabilities.clone(),
    }
}

fn reject(fault: Fault, reason: String) -> Stop {
    Stop::Rejected(Rejection::new(Check::Agent, fault, reason))
}
