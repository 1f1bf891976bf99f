use chaos_attestation::{AnchorClass, Finding, ReasonCode, WorkloadId};
use chaos_types::{AgentKey, Did};
use serde::{Deserialize, Serialize};

use super::{
    Config, Event, Known, Lease, Operation, Purpose, Refused, RuleChanged,
    entitlements::Entitlements,
};
use crate::{
    Answered, Fault, JobId, Name, Reason, Refusal, SecretId, exchange::LeaseId, folded::Folded,
};

/// A broker has at most this many rules.
const RULES_MAX: usize = 4096;

/// Which workload may read which secret. What no rule allows is refused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What the chain of trust must end in: evidence of another class never satisfies the rule.
    pub anchor: AnchorClass,
    /// In which job; without one, in any job of the secret's tenant.
    pub job: Option<JobId>,
    /// In which role.
    pub role: Name,
    /// Which secret.
    pub secret: SecretId,
    /// What must run there.
    pub workload: WorkloadId,
}

/// Gives secrets to code that shows where it runs. It holds no secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    pub(super) folded: Folded<Entitlements>,
}

impl Broker {
    /// A broker before its first event; `identity` is the key that signs its answers.
    #[must_use]
    pub fn new(identity: Did, config: Config) -> Self {
        let state = Entitlements::new(config);
        Self { folded: Folded::new(identity, config.nonce_life_s, state) }
    }

    /// The broker after these events.
    ///
    /// # Errors
    /// As [`Broker::apply`].
    pub fn fold<'a>(
        identity: Did,
        config: Config,
        events: impl IntoIterator<Item = &'a Event>,
    ) -> Result<Self, Refusal> {
        let mut broker = Self::new(identity, config);
        events.into_iter().try_for_each(|event| broker.apply(event))?;
        Ok(broker)
    }

    /// Takes in a recorded event. A broker's own calls have applied theirs already.
    ///
    /// # Errors
    /// [`ReasonCode::ClockSetBack`] or [`Fault::EventInvalid`] if it does not follow from the
    /// events before it; the state is then unfit for use.
    pub fn apply(&mut self, event: &Event) -> Result<(), Refusal> {
        self.folded.apply(event)
    }

    pub(super) const fn state(&self) -> &Entitlements {
        &self.folded.state
    }

    /// Lets a workload read a secret. A rule that is there already is refused.
    pub fn allow(&mut self, rule: Rule, at_s: u64) -> Answered<(), Event> {
        let checked = self.folded.ensure_time(at_s).and_then(|()| self.ensure_rule(&rule));
        let event = checked.map(|()| Event::RuleAdded(RuleChanged { at_s, rule }));
        self.conclude(event, |code| Refused::new(code, Operation::Allow, at_s))
    }

    fn ensure_rule(&self, rule: &Rule) -> Result<(), Refusal> {
        if rule.job.as_ref().is_some_and(|job| job.tenant() != rule.secret.tenant()) {
            let detail = "the job and the secret are of two tenants";
            return Err(Refusal::new(Fault::SecretForbidden, detail));
        }
        if self.state().rules.contains(rule) {
            return Err(Refusal::new(Fault::RuleExists, rule.secret.to_string()));
        }
        if self.state().rules.len() >= RULES_MAX {
            let detail = format!("there are {RULES_MAX} rules, the limit");
            return Err(Refusal::new(Fault::TableFull, detail));
        }
        Ok(())
    }

    /// Forbids what a rule allowed. Leases that run go on until they must be renewed.
    pub fn forbid(&mut self, rule: &Rule, at_s: u64) -> Answered<(), Event> {
        let unknown = || Refusal::new(Fault::RuleUnknown, rule.secret.to_string());
        let found = self.state().rules.contains(rule).then_some(()).ok_or_else(unknown);
        let checked = self.folded.ensure_time(at_s).and(found);
        let event = checked.map(|()| Event::RuleRemoved(RuleChanged { at_s, rule: rule.clone() }));
        self.conclude(event, |code| Refused::new(code, Operation::Forbid, at_s))
    }

    /// The lease, if it lets its holder use this secret now.
    ///
    /// # Errors
    /// [`ReasonCode::ClockSetBack`], [`Fault::LeaseUnknown`], [`Fault::LeaseRevoked`],
    /// [`Fault::LeaseExpired`], [`Fault::SecretForbidden`],
    /// [`Fault::SecretRevoked`] or [`Fault::LeaseStale`].
    pub fn ensure_lease(
        &self,
        lease: &LeaseId,
        secret: &SecretId,
        at_s: u64,
    ) -> Result<&Lease, Refusal> {
        self.folded.ensure_time(at_s)?;
        let lease = self.state().leases.find(lease)?;
        lease.ensure_live(at_s)?;
        let refuse = |code: Fault| Refusal::new(code, secret.to_string());
        let version = lease.secrets.get(secret).ok_or_else(|| refuse(Fault::SecretForbidden))?;
        if self.ensure_secret(secret)? > *version {
            return Err(refuse(Fault::LeaseStale));
        }
        Ok(lease)
    }

    /// The current version of a secret.
    pub(super) fn ensure_secret(&self, secret: &SecretId) -> Result<u64, Refusal> {
        let refuse = |code: Fault| Refusal::new(code, secret.to_string());
        let known = self.state().secrets.get(secret).ok_or_else(|| refuse(Fault::SecretUnknown))?;
        if known.revoked { Err(refuse(Fault::SecretRevoked)) } else { Ok(known.version) }
    }

    /// Whether a rule lets what the evidence shows read a secret for this purpose. Tenants never
    /// mix, whatever the rules say.
    pub(super) fn ensure_allowed(
        &self,
        purpose: &Purpose,
        secret: &SecretId,
        finding: &Finding,
    ) -> Result<(), Refusal> {
        let (workload, anchor) = (finding.workload, finding.anchor);
        let rule = |anchor: AnchorClass, job: Option<JobId>| Rule {
            anchor,
            job,
            role: purpose.role.clone(),
            secret: secret.clone(),
            workload,
        };
        let job = Some(purpose.job.clone());
        let ruled = |anchor: AnchorClass| {
            self.state().rules.contains(&rule(anchor, None))
                || self.state().rules.contains(&rule(anchor, job.clone()))
        };
        let detail = format!("{secret} for job {} as {}", purpose.job, purpose.role);
        if secret.tenant() != purpose.job.tenant() {
            return Err(Refusal::new(Fault::SecretForbidden, detail));
        }
        if ruled(anchor) {
            return Ok(());
        }
        match AnchorClass::ALL.iter().find(|class| ruled(**class)) {
            Some(class) => {
                let detail = format!("{detail}: the rule is for {class}, the evidence {anchor}");
                Err(Refusal::new(ReasonCode::AnchorClassRefused, detail))
            }
            None => Err(Refusal::new(Fault::SecretForbidden, detail)),
        }
    }

    pub(super) fn ensure_key(&self, key: &AgentKey) -> Result<(), Refusal> {
        if key.did() == self.folded.identity {
            return Ok(());
        }
        let detail = format!("the key is {}, the broker is {}", key.did(), self.folded.identity);
        Err(Refusal::new(Fault::SignatureInvalid, detail))
    }

    /// Every lease that is remembered.
    pub fn leases(&self) -> impl Iterator<Item = &Lease> {
        self.state().leases.iter()
    }

    /// Every rule.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.state().rules.iter()
    }

    /// Every secret that the broker knows of.
    pub fn secrets(&self) -> impl Iterator<Item = (&SecretId, Known)> {
        self.state().secrets.iter().map(|(secret, known)| (secret, *known))
    }

    /// Answers an operation of the operator by its event, or by the refusal that is recorded.
    pub(super) fn conclude(
        &mut self,
        decided: Result<Event, Refusal>,
        refused: impl FnOnce(Reason) -> Refused,
    ) -> Answered<(), Event> {
        let decided = decided.map(|event| (event, ()));
        self.folded.conclude(decided, |code| Event::Refused(refused(code)))
    }
}
