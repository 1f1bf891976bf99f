//! One way to send: what is about to be sent is on the disk before it leaves, and a repeat sends the same
//! bytes again.
//!
//! A process that dies between sending and hearing the answer must not pay twice. So each thing to be done
//! has an *intent*, whose key says what it is for; its signed bytes are durable before the first send, and
//! whoever does the same thing again, in this process or the next, finds them and goes on with them:
//!
//! - [`Journal`] keeps the intents of a data directory, one file each.
//! - [`Accounts`] is shared by all data directories of a user: two of them must not use one nonce twice.
//! - [`Fees`] says what is offered for gas, never above a [`FeeCap`].
//! - [`Finality`] says how sure it has to be that what is in a block stays, [`Reached`] how sure it is.
//!
//! Invariants: nothing new is signed for an account while older bytes of it can still land; a replacement has
//! the nonce of what it replaces; no attempt may cost more than the cap, whatever a node says.

mod account;
mod fees;
mod finality;
mod intent;
mod journal;
mod signed;
mod which;

pub(crate) use self::finality::{DEPTH_FOR_SAFE, Horizon};
pub use self::{
    account::{Account, AccountError, Accounts, Claim},
    fees::{FeeCap, FeeError, Fees, Quote, decimal, wei},
    finality::{DEPTH_FOR_FINAL, Finality, FinalityError, Reached},
    intent::{Attempt, Inclusion, Intent, Purpose, Stage},
    journal::{Journal, JournalError},
    signed::SignedError,
    which::{Which, WhichError},
};
