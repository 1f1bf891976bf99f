//! What a log says is paid for an outcome, and whether a plan pays that.

use chaos_chains::Address;
use chaos_governance::receipts::ObserveVote;
use chaos_ledger::Ledger;
use chaos_store::Blobs as _;
use chaos_studio::Studio;
use chaos_types::{ChainId, Did, Digest};

use super::{PayPlan, Refused, account_at, place};
use crate::{Error, log_copy::studio_of};

/// A vote of the log that passed.
#[derive(Debug)]
pub(super) struct Outcome {
    receipt: Digest,
    vote: ObserveVote,
    /// Its place in the log.
    at: u64,
}

/// The tasks that were done for an outcome, and who is paid for them.
#[derive(Debug)]
pub(super) struct Earned {
    /// Task, its weight in the studio, and the account of the agent that did it.
    pub(super) slots: Vec<(String, u64, String)>,
    /// The agents by account, in the order of their first tasks.
    pub(super) payees: Vec<(Did, Address)>,
}

impl Outcome {
    /// Reads an outcome; none where the log has no such receipt.
    pub(super) fn read(ledger: &Ledger, receipt: Digest) -> Result<Option<Self>, Error> {
        let Some(found) = ledger.receipt(&receipt)? else { return Ok(None) };
        let unknown = || Refused::NoOutcome { receipt };
        let vote = found.action.read::<ObserveVote>().ok_or_else(unknown)?;
        if !vote.state.passed() {
            return Err(Refused::NotPassed { receipt }.into());
        }
        let at = place(ledger, receipt)?.ok_or_else(unknown)?;
        Ok(Some(Self { receipt, vote, at }))
    }

    /// The block in which it had ended, if that is one of this chain.
    pub(super) fn ended_in(&self, chain: &ChainId) -> Option<u64> {
        (self.vote.chain == *chain).then_some(self.vote.block_number)
    }

    /// The definition of the studio that its work names, whose weights a verifier divides by.
    pub(super) fn studio(&self, ledger: &Ledger) -> Result<Studio, Error> {
        let none = || Refused::NoStudio { outcome: self.receipt };
        let mut definition = None;
        for contribution in &self.vote.contributions {
            let work = ledger.receipt(&contribution.receipt)?;
            let named = work.and_then(|work| studio_of(&work));
            if named.is_some() && definition.is_some() && named != definition {
                return Err(none().into());
            }
            definition = named.or(definition);
        }
        let digest = definition.ok_or_else(none)?;
        let text = ledger.store().blobs().get(&digest).map_err(chaos_ledger::Error::from)?;
        Studio::parse(&String::from_utf8_lossy(&text))
            .map_err(|source| Error::Studio { whence: format!("the studio {digest}"), source })
    }

    /// The tasks of a studio that were done for it, by the agents' accounts that were in force before it.
    pub(super) fn earned(
        &self,
        ledger: &Ledger,
        studio: &Studio,
        chain: &ChainId,
    ) -> Result<Earned, Error> {
        let unknown = || Refused::NoOutcome { receipt: self.receipt };
        let (mut slots, mut payees) = (Vec::new(), Vec::<(Did, Address)>::new());
        for task in studio.tasks() {
            let name = task.name.to_string();
            let done = self.vote.contributions.iter().find(|done| done.task == name);
            let Some(done) = done else { continue };
            let work = ledger.receipt(&done.receipt)?.ok_or_else(unknown)?;
            let account = account_at(ledger, &work.agent, chain, self.at)?;
            slots.push((name, task.reward_weight, format!("{account:#x}")));
            match payees.iter().find(|(_, other)| *other == account) {
                None => payees.push((work.agent, account)),
                Some((agent, _)) if *agent == work.agent => {}
                Some(_) => {
                    return Err(Refused::OneAccount { agent: work.agent, account }.into());
                }
            }
        }
        Ok(Earned { slots, payees })
    }
}

impl Earned {
    /// A plan pays this, all of it and nothing else, whatever its pool is.
    pub(super) fn ensure_paid_by(&self, plan: &PayPlan) -> Result<(), Refused> {
        let (outcome, slots) = (plan.outcome, &plan.document.slots);
        for &(agent, found) in &plan.payees {
            match self.payees.iter().find(|(known, _)| *known == agent) {
                None => return Err(Refused::NoWork { agent: Box::new(agent), outcome }),
                Some(&(_, registered)) if registered != found => {
                    let agent = Box::new(agent);
                    return Err(Refused::OtherAccount { agent, registered, found });
                }
                Some(_) => {}
            }
        }
        for (task, expected, account) in &self.slots {
            let Some((_, found, payee)) = slots.iter().find(|(name, ..)| name == task) else {
                return Err(Refused::LeftOut { task: task.clone(), account: account.clone() });
            };
            if payee != account {
                return Err(Refused::OtherWork { task: task.clone(), outcome });
            }
            if found != expected {
                let (task, expected, found) = (task.clone(), *expected, *found);
                return Err(Refused::OtherWeight { task, expected, found });
            }
        }
        let is_done = |name: &String| self.slots.iter().any(|(task, ..)| task == name);
        if let Some((task, ..)) = slots.iter().find(|(name, ..)| !is_done(name)) {
            return Err(Refused::OtherWork { task: task.clone(), outcome });
        }
        if *slots == self.slots && plan.payees == self.payees {
            return Ok(());
        }
        Err(Refused::OtherOrder { outcome })
    }
}

#[cfg(test)]
mod tests {
    use chaos_types::AgentKey;

    use super::*;
    use crate::program::RewardDocument;

    fn earned() -> Earned {
        let slot = |task: &str, weight, byte| {
            (task.to_owned(), weight, format!("{:#x}", Address::repeat_byte(byte)))
        };
        let payee = |byte| (AgentKey::from_seed(&[byte; 32]).did(), Address::repeat_byte(byte));
        Earned {
            slots: vec![slot("measure", 3, 8), slot("draft", 2, 9), slot("simulate", 4, 8)],
            payees: vec![payee(8), payee(9)],
        }
    }

    /// What is said of a plan that pays what `change` makes of what was earned.
    fn said(change: impl FnOnce(&mut Earned)) -> Option<String> {
        let mut changed = earned();
        change(&mut changed);
        let Earned { slots, payees } = changed;
        let plan = PayPlan {
            chain: ChainId::evm(1337),
            genesis: [1; 32],
            token: Address::repeat_byte(2),
            distributor: Address::repeat_byte(3),
            outcome: Digest::of(b"outcome"),
            refund_after_s: None,
            funder: None,
            document: RewardDocument { pool: 1_000, slots },
            payees,
        };
        earned().ensure_paid_by(&plan).err().map(|refused| refused.to_string())
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Earned), words: &str) {
        let said = said(change).expect(words);
        assert!(said.contains(words), "{said}");
    }

    #[test]
    fn a_plan_pays_what_the_log_says_and_the_first_difference_is_named() {
        assert_eq!(said(|_| {}), None);
        check(|it| it.slots[2].1 = 40, "task `simulate` has weight 4 ");
        check(|it| it.slots[2].1 = 40, " and 40 in the payment");
        check(|it| it.payees[1].1 = Address::repeat_byte(7), "had registered account 0x0909");
        // An agent that is left out with its task, and a task of two.
        let without_one = |it: &mut Earned| {
            it.slots.remove(1);
            it.payees.remove(1);
        };
        check(without_one, "task `draft` was done by the agent at 0x0909");
        check(|it| drop(it.slots.remove(0)), "task `measure` was done by the agent at 0x0808");
        // What nobody did, and who did nothing.
        check(|it| it.slots.push(("rest".to_owned(), 1, String::new())), "task `rest` is not one");
        let idle = AgentKey::from_seed(&[7; 32]).did();
        check(|it| it.payees.push((idle, Address::repeat_byte(7))), "did none of the work");
        let exchanged = format!("{:#x}", Address::repeat_byte(9));
        check(|it| it.slots[0].2 = exchanged, "task `measure` is not one");
        // The same twice, and in another order.
        let twice = |it: &mut Earned| it.slots.push(it.slots[0].clone());
        check(twice, "not in the log's order, each once");
        check(|it| it.slots.swap(0, 1), "not in the log's order, each once");
        check(|it| it.payees.swap(0, 1), "not in the log's order, each once");
    }
}
