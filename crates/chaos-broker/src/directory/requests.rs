//! What owners ask for, checked.

use chaos_attestation::{Appraiser, Finding, ReasonCode};
use chaos_types::Did;

use super::{
    Directory, Endpoint, Event, Heartbeat, Operation, Refused, Registered, Registration, Renewed,
    Subject, Tags, Withdrawal, Withdrawn, message::report_data,
};
use crate::{
    Answered, Document, EvidenceDocument, Fault, Refusal, Signed,
    exchange::{Nonce, SessionId},
    folded::Progress,
};

/// What every owner's request has.
struct Head<'a> {
    directory: &'a Did,
    nonce: &'a Nonce,
    sequence: u64,
    session: &'a SessionId,
    subject: &'a Subject,
}

trait Request: Document {
    fn head(&self) -> Head<'_>;
}

macro_rules! requests {
    ($($name:ident),*) => {$(
        impl Request for $name {
            fn head(&self) -> Head<'_> {
                Head {
                    directory: &self.directory,
                    nonce: &self.nonce,
                    sequence: self.sequence,
                    session: &self.session,
                    subject: &self.subject,
                }
            }
        }
    )*};
}

requests!(Registration, Heartbeat, Withdrawal);

impl Directory {
    /// Lists a service, or lists it anew for its owner.
    ///
    /// The checks, in order: clock, directory named, owner's signature, nonce (known, unspent, not
    /// over); from here on the nonce is used up whatever the answer; owner and service as when the
    /// nonce was given, endpoints, ownership of the name, standing, sequence, room, evidence by the
    /// appraiser, report data, collateral.
    pub fn register(
        &mut self,
        request: &Signed<Registration>,
        appraiser: &dyn Appraiser,
        at_s: u64,
    ) -> Answered<(), Event> {
        let mut progress = Progress::default();
        let event = self.check_registration(request, appraiser, at_s, &mut progress);
        self.conclude(Operation::Register, request.claimed(), event, progress, at_s)
    }

    fn check_registration(
        &self,
        request: &Signed<Registration>,
        appraiser: &dyn Appraiser,
        at_s: u64,
        progress: &mut Progress,
    ) -> Result<Event, Refusal> {
        let wanted = self.authenticate(request, at_s, progress)?;
        wanted.ensure_valid()?;
        let Subject { owner, service } = &wanted.subject;
        self.table().ensure_owner(service, owner, at_s)?;
        self.table().ensure_name_stands(service)?;
        if let Ok(listed) = self.table().find(service)
            && listed.owner == *owner
        {
            ensure_standing(listed.revoked, listed.sequence, &wanted.head())?;
        }
        self.table().ensure_room(service, owner, at_s)?;
        let bound = Bound {
            evidence: &wanted.evidence,
            subject: &wanted.subject,
            endpoints: &wanted.endpoints,
            tags: &wanted.tags,
            nonce: &wanted.nonce,
        };
        let (finding, expires_at_s) = self.appraise(&bound, appraiser, at_s, progress)?;
        Ok(Event::Registered(Registered {
            anchor: finding.anchor,
            at_s,
            capacity: wanted.capacity,
            endpoints: wanted.endpoints.clone(),
            evidence: finding.evidence,
            expires_at_s,
            owner: *owner,
            policy: finding.policy,
            sequence: wanted.sequence,
            service: service.clone(),
            session: wanted.session,
            tags: wanted.tags.clone(),
            workload: finding.workload,
        }))
    }

    /// Keeps a service listed on new evidence. One that is over must register again.
    ///
    /// The checks are those of [`Directory::register`]; endpoints and tags are the registered ones.
    pub fn heartbeat(
        &mut self,
        request: &Signed<Heartbeat>,
        appraiser: &dyn Appraiser,
        at_s: u64,
    ) -> Answered<(), Event> {
        let mut progress = Progress::default();
        let event = self.check_heartbeat(request, appraiser, at_s, &mut progress);
        self.conclude(Operation::Heartbeat, request.claimed(), event, progress, at_s)
    }

    fn check_heartbeat(
        &self,
        request: &Signed<Heartbeat>,
        appraiser: &dyn Appraiser,
        at_s: u64,
        progress: &mut Progress,
    ) -> Result<Event, Refusal> {
        let sign = self.authenticate(request, at_s, progress)?;
        let Subject { owner, service } = &sign.subject;
        self.table().ensure_owner(service, owner, at_s)?;
        let listed = self.table().find(service)?;
        ensure_standing(listed.revoked, listed.sequence, &sign.head())?;
        if listed.owner != *owner || listed.expires_at_s <= at_s {
            let detail = format!("{service} was listed until {} s", listed.expires_at_s);
            return Err(Refusal::new(Fault::ServiceExpired, detail));
        }
        let bound = Bound {
            evidence: &sign.evidence,
            subject: &sign.subject,
            endpoints: &listed.endpoints,
            tags: &listed.tags,
            nonce: &sign.nonce,
        };
        let (finding, expires_at_s) = self.appraise(&bound, appraiser, at_s, progress)?;
        Ok(Event::Renewed(Renewed {
            anchor: finding.anchor,
            at_s,
            capacity: sign.capacity,
            evidence: finding.evidence,
            expires_at_s,
            policy: finding.policy,
            sequence: sign.sequence,
            service: service.clone(),
            session: sign.session,
            workload: finding.workload,
        }))
    }

    /// Takes a service off the list for its owner. With the last instance the name is free for
    /// everyone.
    pub fn withdraw(&mut self, request: &Signed<Withdrawal>, at_s: u64) -> Answered<(), Event> {
        let mut progress = Progress::default();
        let event = self.check_withdrawal(request, at_s, &mut progress);
        self.conclude(Operation::Withdraw, request.claimed(), event, progress, at_s)
    }

    fn check_withdrawal(
        &self,
        request: &Signed<Withdrawal>,
        at_s: u64,
        progress: &mut Progress,
    ) -> Result<Event, Refusal> {
        let wish = self.authenticate(request, at_s, progress)?;
        let Subject { owner, service } = &wish.subject;
        self.table().ensure_owner(service, owner, at_s)?;
        let listed = self.table().find(service)?;
        ensure_standing(listed.revoked, listed.sequence, &wish.head())?;
        if listed.owner != *owner {
            return Err(Refusal::new(Fault::NotOwner, service.to_string()));
        }
        Ok(Event::Withdrawn(Withdrawn { at_s, service: service.clone(), session: wish.session }))
    }

    /// Checks who asks, that it is us who are asked, and that it is now.
    fn authenticate<'a, R: Request>(
        &self,
        request: &'a Signed<R>,
        at_s: u64,
        progress: &mut Progress,
    ) -> Result<&'a R, Refusal> {
        self.folded.ensure_time(at_s)?;
        let head = request.claimed().head();
        if *head.directory != self.folded.identity {
            let detail = format!("it is for {}, this is {}", head.directory, self.folded.identity);
            return Err(Refusal::new(Fault::RequestReplayed, detail));
        }
        let body = request.verify(&head.subject.owner)?;
        let subject = self.folded.challenges().ensure(head.session, head.nonce, at_s)?;
        progress.spent = true;
        if subject != head.subject {
            let detail = "the nonce was given for another owner or service";
            return Err(Refusal::new(ReasonCode::BindingMismatch, detail));
        }
        Ok(body)
    }

    /// What the evidence shows, and until when the service may be listed on it.
    fn appraise(
        &self,
        bound: &Bound<'_>,
        appraiser: &dyn Appraiser,
        at_s: u64,
        progress: &mut Progress,
    ) -> Result<(Finding, u64), Refusal> {
        let expected = report_data(bound.subject, bound.endpoints, bound.tags, bound.nonce);
        let finding = progress.appraise(bound.evidence, &expected, appraiser, at_s)?;
        let life_s = self.folded.state.config.service_life_s;
        let expires_at_s = at_s.saturating_add(life_s).min(finding.fresh_until_s);
        if expires_at_s <= at_s {
            let detail = "the collateral ends before the service could be listed";
            return Err(Refusal::new(ReasonCode::CollateralExpired, detail));
        }
        Ok((finding, expires_at_s))
    }

    fn conclude<R: Request>(
        &mut self,
        operation: Operation,
        request: &R,
        event: Result<Event, Refusal>,
        progress: Progress,
        at_s: u64,
    ) -> Answered<(), Event> {
        let head = request.head();
        self.folded.conclude(event.map(|event| (event, ())), |code| {
            Event::Refused(Refused {
                evidence: progress.evidence,
                owner: Some(head.subject.owner),
                session: Some(*head.session),
                spent: progress.spent,
                ..Refused::new(code, operation, &head.subject.service, at_s)
            })
        })
    }
}

/// What evidence for the directory is bound to.
struct Bound<'a> {
    evidence: &'a EvidenceDocument,
    subject: &'a Subject,
    endpoints: &'a [Endpoint],
    tags: &'a Tags,
    nonce: &'a Nonce,
}

fn ensure_standing(revoked: bool, last: u64, head: &Head<'_>) -> Result<(), Refusal> {
    if revoked {
        return Err(Refusal::new(Fault::ServiceRevoked, head.subject.service.to_string()));
    }
    if head.sequence <= last {
        let detail = format!("sequence {}, expected above {last}", head.sequence);
        return Err(Refusal::new(Fault::RequestReplayed, detail));
    }
    Ok(())
}
