//! The event-sourced core that directory and broker share: state is the fold of recorded events.
//!
//! Every request is checked against the state, its event is applied, and only then is there an
//! answer. The core keeps what both need for that: a clock that only goes forward, and nonces that are
//! used once. What else an event changes is the [`Projection`]'s.

use chaos_attestation::{Appraiser, EvidenceId, Finding, Quote, ReasonCode, ReportData};
use chaos_types::Did;

use crate::{
    Answered, EvidenceDocument, Random, Reason, Refusal,
    answered::Clock,
    exchange::{Challenge, Challenges, Opened, SessionId},
};

/// What a record's events change besides time and nonces.
pub(crate) trait Projection {
    /// What is recorded.
    type Event;
    /// What a nonce is given for.
    type Purpose;

    /// When the event happened, by the clock of who recorded it, in Unix seconds.
    fn at_s(event: &Self::Event) -> u64;

    /// What the event means for nonces.
    fn effect(event: &Self::Event) -> Effect<Self::Purpose>;

    /// Takes in an event whose time and nonce are in order.
    fn apply(
        &mut self,
        event: &Self::Event,
        challenges: &mut Challenges<Self::Purpose>,
    ) -> Result<(), Refusal>;
}

/// What an event means for nonces.
pub(crate) enum Effect<P> {
    /// One was given out.
    Opens(Opened<P>),
    /// The nonce of this exchange was used.
    Spends(SessionId),
    /// A request was refused, and used up the nonce of this exchange, if any.
    Refuses { code: Reason, spent: Option<SessionId> },
    /// Nothing.
    None,
}

/// A state with the clock and the nonces of its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Folded<S: Projection> {
    /// What requests must name, and the key that signs answers.
    pub(crate) identity: Did,
    clock: Clock,
    challenges: Challenges<S::Purpose>,
    /// The rest.
    pub(crate) state: S,
}

impl<S: Projection> Folded<S> {
    /// A record before its first event.
    pub(crate) fn new(identity: Did, nonce_life_s: u64, state: S) -> Self {
        Self { identity, clock: Clock::default(), challenges: Challenges::new(nonce_life_s), state }
    }

    /// Takes in a recorded event.
    pub(crate) fn apply(&mut self, event: &S::Event) -> Result<(), Refusal> {
        let effect = S::effect(event);
        // A clock that was set back is no time to go on from.
        if matches!(
            effect,
            Effect::Refuses { code: Reason::Evidence(ReasonCode::ClockSetBack), spent: None }
        ) {
            return Ok(());
        }
        let at_s = S::at_s(event);
        self.clock.advance(at_s)?;
        match effect {
            Effect::Opens(opened) => self.challenges.remember(opened, at_s)?,
            Effect::Spends(session) | Effect::Refuses { spent: Some(session), .. } => {
                self.challenges.spend(&session)?;
            }
            Effect::Refuses { spent: None, .. } | Effect::None => {}
        }
        self.state.apply(event, &mut self.challenges)
    }

    /// Applies what was decided, or the refusal that is recorded for it, and gives the answer with
    /// its event.
    pub(crate) fn conclude<T>(
        &mut self,
        decided: Result<(S::Event, T), Refusal>,
        refused: impl FnOnce(Reason) -> S::Event,
    ) -> Answered<T, S::Event> {
        let (event, answer) = match decided {
            Ok((event, answer)) => (event, Ok(answer)),
            Err(refusal) => (refused(refusal.code), Err(refusal)),
        };
        self.apply(&event).expect("what was decided follows from this state");
        Answered { event, answer }
    }

    /// Whether the clock shows no less than was recorded already.
    pub(crate) fn ensure_time(&self, at_s: u64) -> Result<(), Refusal> {
        self.clock.ensure(at_s)
    }

    /// Draws a nonce for a caller; the event that tells of it makes it known.
    pub(crate) fn draw(
        &self,
        caller: &Did,
        random: Random<'_>,
        at_s: u64,
    ) -> Result<Challenge, Refusal> {
        self.challenges.draw(caller, random, at_s)
    }

    /// The nonces that were given out.
    pub(crate) const fn challenges(&self) -> &Challenges<S::Purpose> {
        &self.challenges
    }
}

/// How far a request came before it was refused.
#[derive(Default)]
pub(crate) struct Progress {
    /// Whether the nonce is used up.
    pub(crate) spent: bool,
    /// The name of the evidence that was shown, if it could be read.
    pub(crate) evidence: Option<EvidenceId>,
}

impl Progress {
    /// What the evidence shows, if it is accepted and bound to the request.
    pub(crate) fn appraise(
        &mut self,
        document: &EvidenceDocument,
        bound: &ReportData,
        appraiser: &dyn Appraiser,
        at_s: u64,
    ) -> Result<Finding, Refusal> {
        let evidence = document.to_evidence()?;
        self.evidence = Quote::parse(&evidence.quote).ok().map(|quote| quote.id());
        let finding = appraiser.appraise(&evidence, at_s)?;
        bound.ensure(&finding.report_data)?;
        Ok(finding)
    }
}
