//! What the broker records of its vault.

use super::{Broker, Event, Known, Operation, Refused, SecretChanged};
use crate::{
    Answered, Fault, Refusal,
    vault::{SECRETS_MAX, Vault},
};

impl Broker {
    /// Compares the vault with the record: after each start, and after each change of the vault. New versions
    /// make the leases of older ones stale.
    ///
    /// The answer is [`Fault::VaultRollback`] if the vault holds less than was recorded.
    pub fn learn(&mut self, vault: &Vault, at_s: u64) -> Answered<(), Vec<Event>> {
        match self.news(vault, at_s) {
            Ok(events) => {
                for event in &events {
                    self.apply(event).expect("news follow from what is known");
                }
                Answered { event: events, answer: Ok(()) }
            }
            Err(refusal) => {
                let Answered { event, answer } =
                    self.conclude(Err(refusal), |code| Refused::new(code, Operation::Learn, at_s));
                Answered { event: vec![event], answer }
            }
        }
    }

    fn news(&self, vault: &Vault, at_s: u64) -> Result<Vec<Event>, Refusal> {
        self.folded.ensure_time(at_s)?;
        let mut events = Vec::new();
        let mut seen = 0;
        for listed in vault.index() {
            let changed = |version| SecretChanged { at_s, secret: listed.secret.clone(), version };
            let known = self.state().secrets.get(listed.secret);
            seen += usize::from(known.is_some());
            let rollback =
                |known: &Known| known.version > listed.version || known.revoked && !listed.revoked;
            if known.is_some_and(rollback) {
                return Err(Refusal::new(
                    Fault::VaultRollback,
                    format!("{} has version {}", listed.secret, listed.version),
                ));
            }
            match known {
                None => events.push(Event::SecretStored(changed(listed.version))),
                Some(known) if known.version < listed.version => {
                    events.push(Event::SecretRotated(changed(listed.version)));
                }
                Some(_) => {}
            }
            if listed.revoked && known.is_none_or(|known| !known.revoked) {
                events.push(Event::SecretRevoked(changed(listed.version)));
            }
        }
        if seen < self.state().secrets.len() {
            let detail =
                format!("{} secrets of the record are missing", self.state().secrets.len() - seen);
            return Err(Refusal::new(Fault::VaultRollback, detail));
        }
        assert!(self.state().secrets.len() <= SECRETS_MAX, "no more than the vault holds");
        Ok(events)
    }
}
