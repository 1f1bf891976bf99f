//! Answers with the events that record them, and a clock that only goes forward.

use chaos_attestation::ReasonCode;
use serde::{Deserialize, Serialize};

use crate::Refusal;

/// Fills a buffer with bytes from a cryptographic random source.
pub type Random<'a> = &'a mut dyn FnMut(&mut [u8]);

/// The answer to a request together with the event that records it.
///
/// The state has changed already. Record the event before the answer goes out: an answer that is
/// in no log could be given twice.
#[derive(Debug)]
#[must_use = "the event must be recorded"]
pub struct Answered<T, E> {
    /// What happened, refusals included; holds no nonce and no secret.
    pub event: E,
    /// The answer.
    pub answer: Result<T, Refusal>,
}

/// The latest time that was recorded. A clock that shows less was set back, and what has expired
/// would be good again: that is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Clock(u64);

impl Clock {
    pub(crate) fn ensure(self, at_s: u64) -> Result<(), Refusal> {
        if at_s >= self.0 {
            return Ok(());
        }
        let detail = format!("{at_s} s, {} s was recorded already", self.0);
        Err(Refusal::new(ReasonCode::ClockSetBack, detail))
    }

    pub(crate) fn advance(&mut self, at_s: u64) -> Result<(), Refusal> {
        self.ensure(at_s)?;
        self.0 = at_s;
        Ok(())
    }
}
