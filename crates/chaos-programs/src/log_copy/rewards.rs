//! How an outcome's pool is divided, from the receipts that led to it.

use std::collections::BTreeMap;

use chaos_agency::{Receipt, action::Pay};
use chaos_governance::receipts::ObserveVote;
use chaos_store::Blobs;
use chaos_studio::Studio;
use chaos_types::{Check, Did, Digest, Rejection, Verified};
use chaos_verify::Fault;

use crate::{program::RewardDocument, reexecution::STUDIO};

/// The document of a payment: each task of the studio that the work names, and the account of the agent
/// whose contribution fulfilled it. Which account is whose the payment says; one that says another account
/// than its payee had registered before the outcome counts for nothing.
pub(super) fn document(
    pay: &Pay,
    counted: impl Fn(&Digest) -> Result<Verified<Receipt>, Rejection>,
    blobs: &impl Blobs,
) -> Result<RewardDocument, Rejection> {
    let outcome = counted(&pay.outcome)?;
    let vote: ObserveVote = outcome.action.read().ok_or_else(|| {
        reject(format!("outcome {} is a {}, expected a vote", pay.outcome, outcome.action.kind()))
    })?;
    let mut fulfilled = BTreeMap::new();
    let mut definition = None;
    for contribution in &vote.contributions {
        let work = counted(&contribution.receipt)?;
        fulfilled.insert(contribution.task.as_str(), work.agent);
        let named = studio_of(&work);
        if named.is_some() && definition.is_some() && named != definition {
            return Err(reject("the work names two definitions of the studio".to_owned()));
        }
        definition = named.or(definition);
    }
    let accounts = accounts(pay)?;
    let studio = studio(definition, blobs)?;
    let slots = studio.tasks().iter().map(|task| {
        let name = task.name.to_string();
        let agent = fulfilled
            .get(name.as_str())
            .ok_or_else(|| reject(format!("no contribution fulfilled the task `{name}`")))?;
        let account = accounts.get(agent).ok_or_else(|| {
            reject(format!("{agent} fulfilled the task `{name}` and is not paid"))
        })?;
        Ok((name, task.reward_weight, (*account).to_owned()))
    });
    Ok(RewardDocument { pool: pay.pool, slots: slots.collect::<Result<_, Rejection>>()? })
}

/// The studio's definition that a piece of work was done under, if it names one.
pub(crate) fn studio_of(work: &Receipt) -> Option<Digest> {
    let inputs = &work.evidence.replay()?.inputs;
    inputs.iter().find(|input| input.name == STUDIO).map(|input| input.digest)
}

/// The one account of each payee.
fn accounts(pay: &Pay) -> Result<BTreeMap<Did, &str>, Rejection> {
    let mut accounts = BTreeMap::new();
    for payment in &pay.payments {
        if accounts.insert(payment.agent, payment.account.as_str()).is_some() {
            return Err(reject(format!("{} is paid at two accounts", payment.agent)));
        }
    }
    Ok(accounts)
}

fn studio(definition: Option<Digest>, blobs: &impl Blobs) -> Result<Studio, Rejection> {
    let digest = definition
        .ok_or_else(|| reject("no contribution names the studio's definition".to_owned()))?;
    let bytes = blobs
        .get(&digest)
        .map_err(|error| Rejection::caused(Check::Evidence, Fault::InputMissing, &error))?;
    Studio::parse(&String::from_utf8_lossy(&bytes)).map_err(|error| {
        Rejection::new(
            Check::Evidence,
            Fault::InputMalformed,
            format!("studio definition: {error}"),
        )
    })
}

fn reject(reason: String) -> Rejection {
    Rejection::new(Check::Evidence, Fault::LogGivesOther, reason)
}

#[cfg(test)]
mod tests;
