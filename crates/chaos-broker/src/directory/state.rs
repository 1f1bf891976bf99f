use chaos_attestation::Appraiser;
use chaos_types::Did;

use super::{
    Config, Event, Operation, Query, Refused, Registered, Renewed, Selection, Service,
    StandingChanged, Subject, Withdrawn, event::ChallengeGiven, table::Table,
};
use crate::{
    Answered, Fault, Random, Refusal, ServiceId,
    exchange::{Challenge, Challenges, Opened},
    folded::{Effect, Folded, Projection},
};

/// Knows which services run where, as shown by their evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    pub(super) folded: Folded<Listings>,
}

/// What is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listings {
    pub(super) config: Config,
    pub(super) table: Table,
}

impl Projection for Listings {
    type Event = Event;
    type Purpose = Subject;

    fn at_s(event: &Event) -> u64 {
        event.at_s()
    }

    fn effect(event: &Event) -> Effect<Subject> {
        match event {
            Event::ChallengeGiven(given) => Effect::Opens(Opened::from(given)),
            Event::Registered(Registered { session, .. })
            | Event::Renewed(Renewed { session, .. })
            | Event::Withdrawn(Withdrawn { session, .. }) => Effect::Spends(*session),
            Event::Refused(refused) => Effect::Refuses {
                code: refused.code,
                spent: refused.session.filter(|_| refused.spent),
            },
            Event::Revoked(_) | Event::Lifted(_) => Effect::None,
        }
    }

    fn apply(&mut self, event: &Event, _: &mut Challenges<Subject>) -> Result<(), Refusal> {
        match event {
            Event::Registered(registered) => self.apply_registered(registered),
            Event::Renewed(renewed) => self.apply_renewed(renewed),
            Event::Withdrawn(Withdrawn { service, .. }) => self.table.remove(service),
            Event::Revoked(StandingChanged { at_s, service }) => {
                self.table.stand(service, true, self.hold_until_s(*at_s))
            }
            Event::Lifted(StandingChanged { at_s, service }) => {
                self.table.stand(service, false, self.hold_until_s(*at_s))
            }
            Event::ChallengeGiven(_) | Event::Refused(_) => Ok(()),
        }
    }
}

impl Listings {
    const fn hold_until_s(&self, from_s: u64) -> u64 {
        from_s.saturating_add(self.config.name_hold_s)
    }

    fn apply_registered(&mut self, registered: &Registered) -> Result<(), Refusal> {
        self.table.prune(registered.at_s);
        let service = Service {
            service: registered.service.clone(),
            owner: registered.owner,
            endpoints: registered.endpoints.clone(),
            tags: registered.tags.clone(),
            capacity: registered.capacity,
            sequence: registered.sequence,
            evidence: registered.evidence,
            workload: registered.workload,
            anchor: registered.anchor,
            policy: registered.policy,
            expires_at_s: registered.expires_at_s,
            revoked: false,
            slot: 0,
        };
        self.table.ensure_owner(&service.service, &service.owner, registered.at_s)?;
        self.table.put(service, self.hold_until_s(registered.expires_at_s));
        Ok(())
    }

    fn apply_renewed(&mut self, renewed: &Renewed) -> Result<(), Refusal> {
        let service = Service {
            capacity: renewed.capacity,
            sequence: renewed.sequence,
            evidence: renewed.evidence,
            workload: renewed.workload,
            anchor: renewed.anchor,
            policy: renewed.policy,
            expires_at_s: renewed.expires_at_s,
            ..self.table.find(&renewed.service)?.clone()
        };
        self.table.put(service, self.hold_until_s(renewed.expires_at_s));
        Ok(())
    }
}

impl Directory {
    /// A directory before its first event; `identity` is what requests must name as the directory.
    #[must_use]
    pub fn new(identity: Did, config: Config) -> Self {
        let listings = Listings { config, table: Table::new() };
        Self { folded: Folded::new(identity, config.nonce_life_s, listings) }
    }

    /// The directory after these events.
    ///
    /// # Errors
    /// As [`Directory::apply`].
    pub fn fold<'a>(
        identity: Did,
        config: Config,
        events: impl IntoIterator<Item = &'a Event>,
    ) -> Result<Self, Refusal> {
        let mut directory = Self::new(identity, config);
        events.into_iter().try_for_each(|event| directory.apply(event))?;
        Ok(directory)
    }

    /// Takes in a recorded event. A directory's own calls have applied theirs already.
    ///
    /// # Errors
    /// `ReasonCode::ClockSetBack`, [`Fault::ServiceUnknown`] or
    /// [`Fault::EventInvalid`] if it does not follow from the events before it; the state is
    /// then unfit for use.
    pub fn apply(&mut self, event: &Event) -> Result<(), Refusal> {
        self.folded.apply(event)
    }

    pub(super) const fn table(&self) -> &Table {
        &self.folded.state.table
    }

    /// Gives a nonce for one registration, heartbeat or withdrawal to the holder of a key, as the
    /// channel showed it; the owner may be another.
    ///
    /// The answer is refused with `ReasonCode::ClockSetBack`, [`Fault::NotOwner`] or
    /// [`Fault::TableFull`].
    pub fn challenge(
        &mut self,
        caller: &Did,
        subject: &Subject,
        random: Random<'_>,
        at_s: u64,
    ) -> Answered<Challenge, Event> {
        let drawn = self
            .folded
            .ensure_time(at_s)
            .and_then(|()| self.table().ensure_owner(&subject.service, &subject.owner, at_s))
            .and_then(|()| self.folded.draw(caller, random, at_s));
        let decided = drawn.map(|challenge| {
            let given = ChallengeGiven {
                at_s,
                caller: *caller,
                expires_at_s: challenge.expires_at_s,
                nonce: challenge.nonce.digest(),
                session: challenge.session,
                subject: subject.clone(),
            };
            (Event::ChallengeGiven(given), challenge)
        });
        self.folded.conclude(decided, |code| {
            Event::Refused(Refused {
                owner: Some(subject.owner),
                ..Refused::new(code, Operation::Challenge, &subject.service, at_s)
            })
        })
    }

    /// Revokes a service: it is found no more, and until that is lifted neither it nor another
    /// instance of the name can be registered. Instances that are listed stay, each to be revoked
    /// by itself.
    pub fn revoke(&mut self, service: &ServiceId, at_s: u64) -> Answered<(), Event> {
        self.stand(service, true, at_s)
    }

    /// Lifts a revocation: the service is listed again if its evidence is not over.
    pub fn lift(&mut self, service: &ServiceId, at_s: u64) -> Answered<(), Event> {
        self.stand(service, false, at_s)
    }

    fn stand(&mut self, id: &ServiceId, revoked: bool, at_s: u64) -> Answered<(), Event> {
        let checked =
            self.folded.ensure_time(at_s).and_then(|()| self.table().find(id)).and_then(|found| {
                if found.revoked != revoked {
                    return Ok(());
                }
                let code = if revoked { Fault::ServiceRevoked } else { Fault::ServiceNotRevoked };
                Err(Refusal::new(code, id.to_string()))
            });
        let (operation, event): (_, fn(StandingChanged) -> Event) = if revoked {
            (Operation::Revoke, Event::Revoked)
        } else {
            (Operation::Lift, Event::Lifted)
        };
        let decided = checked.map(|()| (event(StandingChanged { at_s, service: id.clone() }), ()));
        self.folded
            .conclude(decided, |code| Event::Refused(Refused::new(code, operation, id, at_s)))
    }

    /// The services that fit a query, whose evidence is not over, and whose workloads are on the
    /// allowlist now; at most `SERVICES_MAX`, in an order that stays while they are listed.
    ///
    /// # Errors
    /// `ReasonCode::ClockSetBack`.
    pub fn discover(
        &self,
        query: &Query,
        appraiser: &dyn Appraiser,
        at_s: u64,
    ) -> Result<Vec<&Service>, Refusal> {
        self.folded.ensure_time(at_s)?;
        let allows = |workload: &_| appraiser.ensure_allowed(workload, at_s).is_ok();
        Ok(self.table().matching(query, at_s, allows))
    }

    /// One of the services that fit, as the policy selects.
    ///
    /// # Errors
    /// `ReasonCode::ClockSetBack` or [`Fault::NoServiceFits`].
    pub fn select(
        &self,
        query: &Query,
        selection: &mut dyn Selection,
        appraiser: &dyn Appraiser,
        at_s: u64,
    ) -> Result<&Service, Refusal> {
        let candidates = self.discover(query, appraiser, at_s)?;
        let chosen = selection.choose(&candidates).and_then(|index| candidates.get(index));
        chosen.copied().ok_or_else(|| {
            let detail = format!("{} services fit, none can be used", candidates.len());
            Refusal::new(Fault::NoServiceFits, detail)
        })
    }

    /// A service, whatever its state.
    ///
    /// # Errors
    /// [`Fault::ServiceUnknown`].
    pub fn service(&self, id: &ServiceId) -> Result<&Service, Refusal> {
        self.table().find(id)
    }

    /// Every service, whatever its state.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.table().iter()
    }
}

impl From<&ChallengeGiven> for Opened<Subject> {
    fn from(given: &ChallengeGiven) -> Self {
        Self {
            caller: given.caller,
            expires_at_s: given.expires_at_s,
            nonce: given.nonce,
            purpose: given.subject.clone(),
            session: given.session,
        }
    }
}
