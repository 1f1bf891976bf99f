//! Nonces: given once, for one purpose, for a short time.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use chaos_attestation::Hex;
use chaos_types::{Did, Digest};
use serde::{Deserialize, Serialize};

use crate::{Fault, Random, Refusal};

/// At most this many nonces are remembered at a time, spent and expired ones included.
pub(crate) const SESSIONS_MAX: usize = 4096;

/// One caller has at most this many nonces out at a time, spent ones not counted.
pub(crate) const SESSIONS_PER_CALLER_MAX: usize = 64;

/// An expired nonce is remembered this long, in seconds, so that its holder learns why.
const MEMORY_S: u64 = 300;

/// Two sides go on if their clocks are at most this far apart, in seconds; what it takes a message
/// to arrive counts as well.
const CLOCK_SKEW_MAX_S: u64 = 60;

/// 32 random bytes that evidence must bind. Logs and events hold their digest only, and `Debug`
/// shows nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nonce(Hex<32>);

impl Nonce {
    pub(crate) fn draw(random: Random<'_>) -> Self {
        let mut bytes = [0; 32];
        random(&mut bytes);
        Self(Hex(bytes))
    }

    /// The bytes, for report data.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0.0
    }

    /// What is kept of it: finding a nonce from its digest is as hard as guessing it.
    pub(crate) fn digest(&self) -> Digest {
        Digest::of_parts(&[b"chaoschain/nonce/v1", self.as_bytes()])
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce(…)")
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Hex<16>);

        impl $name {
            pub(crate) fn draw(random: Random<'_>) -> Self {
                let mut bytes = [0; 16];
                random(&mut bytes);
                Self(Hex(bytes))
            }

            /// The 16 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = Refusal;

            fn from_str(text: &str) -> Result<Self, Refusal> {
                Hex::parse(text).map(Self).map_err(|_| {
                    let detail = "expected 32 lower-case hexadecimal digits";
                    Refusal::new(Fault::NameInvalid, detail)
                })
            }
        }
    )*};
}

ids! {
    /// The name of one exchange of nonce and evidence; not secret.
    SessionId;
    /// The name of a lease; not secret, and no proof of holding it.
    LeaseId;
}

/// A nonce as the party that wants evidence gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Challenge {
    /// When it expires, in Unix seconds.
    pub expires_at_s: u64,
    /// When it was given, in Unix seconds, by the clock of who gave it.
    pub issued_at_s: u64,
    /// What the evidence must bind.
    pub nonce: Nonce,
    /// The exchange that it opens.
    pub session: SessionId,
}

impl Challenge {
    /// Whether it is good by our clock, and our clock by it.
    pub(crate) fn ensure_live(&self, at_s: u64) -> Result<(), Refusal> {
        if self.expires_at_s <= at_s {
            let detail = format!("session {}", self.session);
            return Err(Refusal::new(Fault::NonceExpired, detail));
        }
        ensure_clock(self.issued_at_s, at_s)
    }
}

/// Whether our clock and the one that dated a message agree to `CLOCK_SKEW_MAX_S`.
pub(crate) fn ensure_clock(issued_at_s: u64, at_s: u64) -> Result<(), Refusal> {
    let skew_s = issued_at_s.abs_diff(at_s);
    if skew_s <= CLOCK_SKEW_MAX_S {
        return Ok(());
    }
    let detail = format!("{skew_s} s apart, at most {CLOCK_SKEW_MAX_S} s are allowed");
    Err(Refusal::new(Fault::ClockSkewed, detail))
}

/// The nonces that were given out, each with what it was given for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Challenges<P> {
    sessions: BTreeMap<SessionId, Session<P>>,
    by_end: BTreeSet<(u64, SessionId)>,
    life_s: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Session<P> {
    caller: Did,
    nonce: Digest,
    purpose: P,
    expires_at_s: u64,
    spent: bool,
}

/// A nonce as it is remembered.
pub(crate) struct Opened<P> {
    /// Who asked for it.
    pub(crate) caller: Did,
    /// Until when it is good: as it was given, not as nonces live now.
    pub(crate) expires_at_s: u64,
    pub(crate) nonce: Digest,
    pub(crate) purpose: P,
    pub(crate) session: SessionId,
}

impl<P> Challenges<P> {
    pub(crate) const fn new(life_s: u64) -> Self {
        Self { sessions: BTreeMap::new(), by_end: BTreeSet::new(), life_s }
    }

    /// Draws a nonce for a caller. Nothing is remembered before [`Challenges::remember`].
    pub(crate) fn draw(
        &self,
        caller: &Did,
        random: Random<'_>,
        at_s: u64,
    ) -> Result<Challenge, Refusal> {
        let running = || self.sessions.values().filter(|session| session.expires_at_s > at_s);
        let live = running().count();
        if live >= SESSIONS_MAX {
            let detail = format!("{live} nonces are out, the limit is {SESSIONS_MAX}");
            return Err(Refusal::new(Fault::TableFull, detail));
        }
        let own = running().filter(|session| session.caller == *caller && !session.spent).count();
        if own >= SESSIONS_PER_CALLER_MAX {
            let detail = format!("{own} nonces of {caller} are out, the limit");
            return Err(Refusal::new(Fault::TableFull, detail));
        }
        let session = SessionId::draw(random);
        if self.sessions.contains_key(&session) {
            let detail = "the random source repeated a session id";
            return Err(Refusal::new(Fault::EventInvalid, detail));
        }
        let expires_at_s = at_s.saturating_add(self.life_s);
        Ok(Challenge { expires_at_s, issued_at_s: at_s, nonce: Nonce::draw(random), session })
    }

    /// Who the nonce of a session was given to.
    pub(crate) fn caller(&self, id: &SessionId) -> Option<Did> {
        self.sessions.get(id).map(|session| session.caller)
    }

    /// Remembers what was drawn, and forgets what has long been over, or earlier if the table is
    /// full.
    pub(crate) fn remember(&mut self, opened: Opened<P>, at_s: u64) -> Result<(), Refusal> {
        while let Some((end, oldest)) = self.by_end.first().copied() {
            let long_over = end.saturating_add(MEMORY_S) <= at_s;
            if !(long_over || self.sessions.len() >= SESSIONS_MAX && end <= at_s) {
                break;
            }
            self.by_end.pop_first();
            self.sessions.remove(&oldest);
        }
        let Opened { caller, expires_at_s, nonce, purpose, session } = opened;
        if self.sessions.len() >= SESSIONS_MAX || self.sessions.contains_key(&session) {
            let detail = format!("session {session} cannot be opened");
            return Err(Refusal::new(Fault::EventInvalid, detail));
        }
        self.by_end.insert((expires_at_s, session));
        self.sessions
            .insert(session, Session { caller, nonce, purpose, expires_at_s, spent: false });
        Ok(())
    }

    /// What the nonce was given for, if it is the session's own, unspent and not over.
    pub(crate) fn ensure(&self, id: &SessionId, nonce: &Nonce, at_s: u64) -> Result<&P, Refusal> {
        let refuse = |code: Fault| Refusal::new(code, format!("session {id}"));
        let session = self.sessions.get(id).ok_or_else(|| refuse(Fault::NonceUnknown))?;
        if session.nonce != nonce.digest() {
            return Err(refuse(Fault::NonceUnknown));
        }
        if session.spent {
            return Err(refuse(Fault::NonceSpent));
        }
        if session.expires_at_s <= at_s {
            return Err(refuse(Fault::NonceExpired));
        }
        Ok(&session.purpose)
    }

    /// Marks the session's nonce as used.
    pub(crate) fn spend(&mut self, id: &SessionId) -> Result<(), Refusal> {
        match self.sessions.get_mut(id) {
            Some(session) if !session.spent => {
                session.spent = true;
                Ok(())
            }
            Some(_) | None => {
                let detail = format!("session {id} cannot be spent");
                Err(Refusal::new(Fault::EventInvalid, detail))
            }
        }
    }

    /// Marks as used every nonce that was given for such a purpose.
    pub(crate) fn spend_all(&mut self, of: impl Fn(&P) -> bool) {
        for session in self.sessions.values_mut() {
            session.spent |= of(&session.purpose);
        }
    }
}
