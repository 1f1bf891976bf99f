//! What a receipt of the platform's says, in a sentence with its figures.

use crate::{
    Action,
    action::{CorrectTime, DeclareAnchoring, Delegate, Pay, Role, Score, Verdict},
    calendar::moment,
    forks,
};

impl Action {
    /// What the agent says it did, with the figures, to follow its name: `registered as ada, …`.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Register(profile) => format!(
                "registered as {}, {} in {}, for {}",
                profile.name,
                profile.role,
                profile.studio,
                listed(&profile.capabilities)
            ),
            Self::Update(profile) => format!(
                "is now {}, {} in {}, for {}",
                profile.name,
                profile.role,
                profile.studio,
                listed(&profile.capabilities)
            ),
            Self::RotateKey(rotation) => format!("signs with {} from here on", rotation.new_key),
            Self::Revoke(revoke) => format!("revoked {}: {}", revoke.agent, revoke.reason),
            Self::Delegate(delegate) => delegated(delegate),
            Self::BindAccount(bind) => {
                format!("is paid at account {} of {} from here on", bind.account, bind.chain)
            }
            Self::Verify(verdict) => judged(verdict),
            Self::Anchor(anchor) => format!(
                "anchored root {} of {} entries in block {} of {}",
                anchor.root, anchor.log_size, anchor.block_number, anchor.chain
            ),
            Self::DeclareAnchoring(DeclareAnchoring { chain, contract, publisher }) => format!(
                "declared that this log is anchored by {publisher} in {contract} on {chain} from here on"
            ),
            Self::Run(run) => format!(
                "ran component {} with {} fuel, which {}",
                run.execution.code.component,
                run.execution.fuel,
                if run.answered { "answered" } else { "said why it has no answer" }
            ),
            Self::Score(score) => scored(score),
            Self::Pay(pay) => paid(pay),
            Self::CorrectTime(CorrectTime { first, true_ms }) => format!(
                "corrected the log's clock: the entries from {first} up to this one are not later \
                 than {true_ms} ms ({})",
                moment(*true_ms)
            ),
            Self::ReportFork(report) => forks::sentence(report),
            Self::Other(other) => other.sentence(),
        }
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

fn delegated(delegate: &Delegate) -> String {
    let Delegate { role, number, key, replaces, lost, size, root: _ } = delegate;
    let what = match role {
        Role::Checkpoints => "the log's checkpoints",
        Role::Operator => "the operator's receipts",
    };
    let whose = if *lost { ", a lost key" } else { "" };
    format!(
        "handed {what} to {key} in place of {replaces}{whose} (delegation {number}, after {size} entries)"
    )
}

fn judged(verdict: &Verdict) -> String {
    let how = if verdict.reexecuted { "ran it again" } else { "did not run it again" };
    let found = match verdict.failed {
        None => "found nothing wrong".to_owned(),
        Some(check) => format!("refused it by the check {check}"),
    };
    format!("judged receipt {}, {how} and {found}", verdict.receipt)
}

fn scored(score: &Score) -> String {
    format!(
        "scored the {} entries before it by model {} as of {} ms ({}): table {}",
        score.log_size,
        score.model,
        score.as_of_ms,
        moment(score.as_of_ms),
        score.table
    )
}

fn paid(pay: &Pay) -> String {
    let payments: Vec<_> = pay
        .payments
        .iter()
        .map(|payment| format!("{} to {} at {}", payment.amount, payment.agent, payment.account))
        .collect();
    format!(
        "divided a pool of {} of token {} on {} for outcome {}: {}; {} returned",
        pay.pool,
        pay.token,
        pay.chain,
        pay.outcome,
        listed(&payments),
        pay.returned
    )
}
