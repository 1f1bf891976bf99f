//! Reputation recomputed from verified receipts: how good the work was, and how sure that is.
//!
//! [`score`] is a pure function from a set of [`Evidence`], an as-of time and a parameter file
//! ([`Params`]) to a [`Table`]. Per (agent, domain, role) it sums decayed successes `r` and
//! failures `s` into an opinion of subjective logic, `lower = r / (r + s + A)`, and beside it a
//! 95 % Wilson interval with Kish's effective sample size. Under both models ([`Model`]):
//!
//! - integers only, every rounding stated, so that any two machines agree to the last digit;
//! - order-free: a table is a fold over a set, and evidence after the as-of time does not count;
//! - explainable: each [`Score`] lists the exact `(r, s)` that every receipt gave it;
//! - a newcomer has `lower = 0`, the minimum.
//!
//! What `belief/2` adds, each held by a property test (`src/score/tests/inflation.rs`):
//!
//! - identities that only fail, however many, move nobody else's score;
//! - an agent never gains by a failure of its own;
//! - one judgement is one trial of a class, however many receipts it names;
//! - identities with k successes in a class of n other trials raise its difficulty for anybody by at
//!   most 8 k / (n + 2 k + 2);
//! - one payer gives less than its cap, and more for more.
//!
//! Classes and payers are the caller's: these hold of what it hands in, so a class must not be named by
//! whoever does the work or judges it.
//!
//! ```
//! use chaos_reputation::{
//!     Evidence, EvidenceClass, Model, Outcome, Params, TASK_UNIT_MICRO, score,
//! };
//! use chaos_types::Digest;
//!
//! let evidence = [Evidence {
//!     receipt: Digest::of(b"receipt"),
//!     judged_by: Digest::of(b"judgement"),
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
//! let table = score(&evidence, 0, &Params::of(Model::NEWEST))?;
//! // One success of one trial: difficulty 4 x 2 x 1 / 3^2 = 8/9, of which one payer with a cap of 6
//! // gives 6 x 8/9 / (6 + 8/9) = 24/31, so 24/31 over 24/31 + 4, each step cut to whole micro-units.
//! assert_eq!(table.scores[0].lower_ppm, 162_161);
//! # Ok::<(), chaos_reputation::Error>(())
//! ```
//!
//! **Not yet here**: the trust flow. Every payer's gate is 1, so identities that pay for each other are
//! bounded by the cap of each payer and by nothing that counts payers. The crate knows no chain and
//! no clock, and refuses evidence in which one receipt makes two different claims about the same
//! agent, domain and role.

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
pub use model::{Model, Params, ParamsError};
pub use score::{Contribution, EVIDENCE_MAX, Error, Ignored, Score, Table, score};
