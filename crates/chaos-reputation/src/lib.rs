//! Reputation recomputed from verified receipts: how good the work was, and how sure that is.
//!
//! [`score`] is a pure function from a set of [`Evidence`], an as-of time and a parameter file
//! ([`Params`]) to a [`Table`]. Per (agent, domain, role) it sums decayed successes `r` and
//! failures `s` into an opinion of subjective logic, `lower = r / (r + s + A)`, and beside it a
//! 95 % Wilson interval with Kish's effective sample size. It is model `belief/1`:
//!
//! - integers only, every rounding stated, so that any two machines agree to the last digit;
//! - order-free: a table is a fold over a set, and evidence after the as-of time does not count;
//! - explainable: each [`Score`] lists the exact `(r, s)` that every receipt gave it;
//! - a newcomer has `lower = 0`, the minimum, so a new identity never raises a score.
//!
//! ```
//! use chaos_reputation::{Evidence, EvidenceClass, Outcome, Params, TASK_UNIT_MICRO, score};
//! use chaos_types::Digest;
//!
//! let evidence = [Evidence {
//!     receipt: Digest::of(b"receipt"),
//!     agent: "did:key:zWorker".to_owned(),
//!     domain: "governance".to_owned(),
//!     role: "researcher".to_owned(),
//!     payer: "did:key:zSponsor".to_owned(),
//!     task_class: "fee-analysis".to_owned(),
//!     at_ms: 0,
//!     outcome: Outcome::Success,
//!     class: EvidenceClass::Replayable,
//!     units_micro: TASK_UNIT_MICRO,
//! }];
//! let table = score(&evidence, 0, &Params::default())?;
//! // One success of one trial: difficulty 4 x 2 x 1 / 3^2 = 8/9, so 8/9 over 8/9 + 4.
//! assert_eq!(table.scores[0].lower_ppm, 181_818);
//! # Ok::<(), chaos_reputation::Error>(())
//! ```
//!
//! **Not yet here**: the trust flow. Every payer's gate is 1, so this version does not bound what
//! a payer can do for an agent beyond the cap per payer, and identities that pay themselves by way
//! of others are not discounted. The crate knows no chain and no clock, and refuses evidence in
//! which one receipt makes two different claims about the same agent, domain and role.

mod decay;
mod document;
mod evidence;
mod interval;
mod model;
mod score;

pub use decay::{DAY_MS, DAYS_MAX, DecayTable};
pub use document::{ScoreDocument, ScoreDocumentError, score_document};
pub use evidence::{Evidence, EvidenceClass, Outcome, TASK_UNIT_MICRO};
pub use interval::{Opinion, Wilson, opinion, wilson};
pub use model::{MODEL, Params, ParamsError};
pub use score::{Contribution, EVIDENCE_MAX, Error, Ignored, Score, Table, score};
