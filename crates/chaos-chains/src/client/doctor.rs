//! What a node can do of what is needed later, asked before anything is paid.

mod costs;
mod probes;
mod sending;

use alloy_primitives::Address;

pub use self::costs::Work;
use super::EvmChain;
use crate::{Error, sending::FeeCap};

/// What was looked at of a node or its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is called: a method, or a few words.
    pub name: &'static str,
    /// What was found.
    pub found: Found,
    /// What does not work without it.
    pub needed_for: &'static [Work],
    /// What was seen, or what to do.
    pub text: String,
}

/// What was found of a capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It was tried, and is there.
    Here,
    /// It was tried, and is not there or not whole. Something else stands for it, and the text says what is
    /// lost.
    Limited,
    /// It was tried, and is not.
    Missing,
    /// Nobody tried: something that it takes was not given.
    NotAsked,
}

/// Whether something would work, as far as was looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prospect {
    /// Everything that it needs was tried and is there.
    Works,
    /// Something that it needs is missing.
    Fails,
    /// Nothing is missing, and something was not asked.
    NotShown,
}

/// Whether some work would go through, as far as these findings show.
#[must_use]
pub fn prospect(work: Work, findings: &[Finding]) -> Prospect {
    let mut prospect = Prospect::Works;
    for finding in findings.iter().filter(|it| it.needed_for.contains(&work)) {
        match finding.found {
            Found::Here | Found::Limited => {}
            Found::Missing => return Prospect::Fails,
            Found::NotAsked => prospect = Prospect::NotShown,
        }
    }
    prospect
}

impl EvmChain {
    /// Asks a node for everything that is needed later, each by itself. It pays, signs and writes nothing. The
    /// account is whoever would pay, the time seconds since 1970.
    ///
    /// # Errors
    /// If the node does not answer at all; what it refuses is a finding.
    pub async fn examine(
        &self,
        account: Option<Address>,
        cap: &FeeCap,
        now_s: u64,
    ) -> Result<Vec<Finding>, Error> {
        let mut findings = vec![self.chain_number(), self.genesis().await?];
        let (fees, worst) = self.fees(cap).await?;
        findings.push(fees);
        findings.push(self.fee_history().await?);
        let newest = self.newest_block().await?;
        findings.extend(self.is_up_to_date(&newest, now_s).await?);
        findings.push(self.takes_transactions().await?);
        findings.extend(self.looks_up().await?);
        findings.extend(self.plans(account).await?);
        findings.push(self.code().await?);
        findings.push(self.calls().await?);
        findings.push(self.machine().await?);
        findings.push(self.storage_proof().await?);
        findings.push(self.logs().await?);
        findings.extend(self.named_blocks().await?);
        findings.push(self.receipts(&newest).await?);
        findings.push(Self::kinds(&newest));
        findings.extend(self.registry_and_deployer().await?);
        findings.extend(self.balances(account, worst).await?);
        Ok(findings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(found: Found, needed_for: &'static [Work]) -> Finding {
        Finding { name: "something", found, needed_for, text: String::new() }
    }

    #[test]
    fn what_was_not_asked_is_no_success_and_a_limit_no_failure() {
        let here = finding(Found::Here, &[Work::Anchor, Work::Vote]);
        let missing = finding(Found::Missing, &[Work::Vote]);
        let unasked = finding(Found::NotAsked, &[Work::Anchor, Work::Vote]);
        let alone = [here.clone(), finding(Found::Limited, &[Work::Anchor])];
        assert_eq!(prospect(Work::Anchor, &alone), Prospect::Works);
        let all = [here, missing, unasked];
        assert_eq!(prospect(Work::Anchor, &all), Prospect::NotShown);
        assert_eq!(prospect(Work::Vote, &all), Prospect::Fails);
    }
}
