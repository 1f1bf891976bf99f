//! The one way in which a log's head gets to others: signed, cosigned if the log has witnesses, and
//! only then published.

use chaos_ledger::{Heads, Ledger};
use chaos_log::{Cosigner, Policy, SignedCheckpoint, UnsatisfiedError};
use chaos_store::{Records as _, StoreError};
use reqwest::StatusCode;

use crate::ask::{AskError, GatherError, gather};

/// Why no head was published. The last published one stays.
#[derive(Debug, thiserror::Error)]
pub enum HeadError {
    /// The log cannot sign, or cannot keep what it signed.
    #[error(transparent)]
    Ledger(#[from] Box<chaos_ledger::Error>),
    /// The witnesses cannot be asked.
    #[error(transparent)]
    Gather(#[from] GatherError<StoreError>),
    /// A witness has cosigned what this log is no continuation of.
    #[error("witness {name}")]
    Alarm {
        /// The witness, by its name in the policy.
        name: String,
        /// What it says.
        #[source]
        source: AskError,
    },
    /// Too few witnesses have cosigned.
    #[error(transparent)]
    Short(UnsatisfiedError),
}

/// Signs the head of a log and publishes it, once the quorum of the log's policy has cosigned it if the
/// log has one. Of each witness that did not cosign, `told` hears the name and the reason.
///
/// # Errors
/// If the head cannot be signed or published, the quorum is short, or a witness has seen another log
/// than this one, whoever else cosigned.
pub async fn publish_head(
    ledger: &mut Ledger,
    heads: &Heads,
    told: &dyn Fn(&str, &AskError),
) -> Result<SignedCheckpoint, HeadError> {
    let policy = ledger.policy().map_err(Box::new)?;
    let signed = ledger.sign_head(heads).map_err(Box::new)?;
    let signed = match policy {
        None => signed,
        Some(policy) => {
            let last = ledger
                .store()
                .checkpoint()
                .map_err(|error| Box::new(chaos_ledger::Error::from(error)))?;
            let gathered = gather(&policy, signed, last.as_ref(), ledger.store()).await?;
            let mut silent = gathered.silent;
            for (name, error) in &mut silent {
                name_keys(ledger, &policy, name, error)?;
                told(name, error);
            }
            let mut silent = silent.into_iter();
            if let Some((name, source)) = silent.find(|(_, error)| error.is_alarming()) {
                return Err(HeadError::Alarm { name, source });
            }
            let possible_s = ledger.possible_times(&gathered.checkpoint).map_err(Box::new)?;
            let all = policy.witnessed_by(&gathered.checkpoint).map_err(HeadError::Short)?;
            for Cosigner { witness, time_s } in all {
                if !possible_s.contains(&time_s) {
                    let possible_s = possible_s.clone();
                    told(&witness.name, &AskError::Time { time_s, possible_s });
                }
            }
            let counted = policy.witnessed_within(&gathered.checkpoint, &possible_s);
            counted.map_err(HeadError::Short)?;
            gathered.checkpoint
        }
    };
    ledger.publish(&signed).map_err(Box::new)?;
    Ok(signed)
}

/// Adds the keys that a witness's policy may lack to its refusal: the line of a rotation stands in that command's
/// output alone, which may be lost.
fn name_keys(
    ledger: &Ledger,
    policy: &Policy,
    name: &str,
    error: &mut AskError,
) -> Result<(), HeadError> {
    if let AskError::Refused { status, told } = error
        && *status == StatusCode::FORBIDDEN
        && let Some(witness) = policy.witnesses().iter().find(|witness| witness.name == name)
    {
        let keys = ledger.keys_for_witness(&witness.key).map_err(Box::new)?;
        *error = AskError::KeyUnknown { told: std::mem::take(told), keys };
    }
    Ok(())
}
