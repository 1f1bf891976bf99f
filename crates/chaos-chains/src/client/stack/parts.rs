//! Deploying one contract at a time, so that whoever was stopped goes on.

mod gas;

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use serde_json::json;

use super::{
    StackConfig,
    creation::{self, Creation},
};
use crate::{
    Contract, Deployed, Deployment, Error, Signer,
    client::{Act, EvmChain, Plan},
    contracts::{
        chaos_governor::ChaosGovernor, chaos_token::ChaosToken,
        parameter_registry::ParameterRegistry, proposal_endpoint::ProposalEndpoint,
        reward_distributor::RewardDistributor,
    },
    error::OtherCode,
    made::Making,
    sending::Intent,
};

/// Of what an account sent from elsewhere so many transactions are looked at for what they made.
const ELSEWHERE_MAX: usize = 256;

mod delay {
    alloy_sol_types::sol! {
        /// What a TimelockController says of itself.
        interface Delayed {
            function getMinDelay() external view returns (uint256);
        }
    }
}

/// A governor's terms, as they are in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GovernorTerms {
    /// Blocks between a proposal and the start of its vote.
    pub voting_delay_blocks: U256,
    /// Blocks a vote lasts.
    pub voting_period_blocks: U256,
    /// Votes a proposer must hold, in the token's smallest unit.
    pub proposal_threshold: U256,
    /// Share of the supply that must take part in a vote, in percent.
    pub quorum_percent: U256,
    /// Seconds that a passed vote waits.
    pub timelock_s: U256,
    /// Whole supply of its token, in the token's smallest unit.
    pub supply: U256,
}

impl EvmChain {
    /// Puts a contract on the chain, unless the deployment has it there already, and enters it. The governor
    /// brings its timelock, and needs the token before it, as the parameter registry needs the governor.
    ///
    /// # Errors
    /// [`Error::OtherCode`] if the deployment names an address that holds something else, or nothing.
    pub async fn deploy_contract(
        &self,
        from: &Signer,
        contract: Contract,
        terms: &StackConfig,
        on: &mut Deployment,
    ) -> Result<(), Error> {
        if let Some(making) = self.making(contract).await?
            && on.contracts.get(&contract).is_none_or(|known| known.address == making.address())
        {
            return self.enter_made(from, contract, making, on).await;
        }
        let creation = created(contract, terms, on)?;
        if let Some(known) = on.contracts.get(&contract).copied() {
            let found = self.ensure_code(contract, &known).await;
            let Some(act) = creation.map(|creation| creation.act()) else { return found };
            let is_own = self.sent(from.address(), &act)?.is_some();
            if !is_own {
                return found;
            }
            // What the journal has is gone on with, whatever a reorganisation took.
        }
        let Some(creation) = created(contract, terms, on)? else { return Ok(()) };
        if self.sent(from.address(), &creation.act())?.is_none() {
            self.ensure_executes(contract).await?;
        }
        let (address, transaction) = self.create(from, &creation).await?;
        let code_hash = self.ensure_made_of(contract, address).await?;
        let transaction = Some(transaction.hash);
        on.contracts.insert(contract, Deployed { address, code_hash, transaction });
        if contract == Contract::Governor {
            let timelock = self.call(address, ChaosGovernor::timelockCall {}).await?;
            let code_hash = self.code_hash(timelock).await?;
            let timelock = Deployed { address: timelock, code_hash, transaction };
            on.contracts.insert(Contract::Timelock, timelock);
        }
        Ok(())
    }

    async fn enter_made(
        &self,
        from: &Signer,
        contract: Contract,
        making: Making,
        on: &mut Deployment,
    ) -> Result<(), Error> {
        let mut deployed = self.make(from, contract).await?;
        // What the journal has is gone on with, until it is as sure as is asked for.
        if let Ok(act) = self.deployment(contract).await
            && self.paid_for(from.address(), &act)?.is_some()
        {
            deployed = match self.act(from, act, self.until).await {
                Ok(mined) => Some(mined.summary),
                // Somebody was faster. It is there, so that nothing is signed anew and nobody's word is needed.
                Err(error) if error.is_of_one_call() => None,
                Err(error) => return Err(error),
            };
        }
        let before = on.contracts.get(&contract).and_then(|it| it.transaction);
        let transaction = deployed.map(|summary| summary.hash).or(before);
        let (address, code_hash) = (making.address(), making.code_hash());
        on.contracts.insert(contract, Deployed { address, code_hash, transaction });
        Ok(())
    }

    /// The chain executes each of these that is to be deployed: an older one is named before anything is paid.
    ///
    /// # Errors
    /// [`Error::Unsupported`].
    pub async fn ensure_executes_each(
        &self,
        contracts: &[Contract],
        on: &Deployment,
    ) -> Result<(), Error> {
        for contract in contracts.iter().filter(|contract| !on.contracts.contains_key(contract)) {
            self.ensure_executes(*contract).await?;
        }
        Ok(())
    }

    /// What deploying these would send, in their order: those that the deployment has not. Nothing is signed.
    ///
    /// # Errors
    /// As everything that is looked at before something is paid.
    pub async fn plan_deployment(
        &self,
        account: Address,
        contracts: &[Contract],
        terms: &StackConfig,
        on: &Deployment,
    ) -> Result<Vec<Plan>, Error> {
        let mut foreseen = on.clone();
        let mut plans: Vec<Plan> = Vec::new();
        for &contract in contracts {
            if let Some(known) = on.contracts.get(&contract) {
                self.ensure_code(contract, known).await?;
                continue;
            }
            if let Some(making) = self.making(contract).await? {
                if !self.has_made(making).await? {
                    let act = self.deployment(contract).await?;
                    if self.paid_for(account, &act)?.is_some() {
                        continue;
                    }
                    let mut plan = self.plan(account, &act).await?;
                    plan.nonce += plans.len() as u64;
                    plans.push(plan);
                }
                continue;
            }
            let Some(creation) = created(contract, terms, &foreseen)? else { continue };
            self.ensure_executes(contract).await?;
            let act = creation.act();
            // What the journal has is entered without being paid for again.
            if let Some(sent) = self.paid_for(account, &act)? {
                foresee(&mut foreseen, contract, account.create(sent.nonce));
                continue;
            }
            let rests_on_nothing =
                contract != Contract::Governor || self.is_there(&foreseen, Contract::Token).await?;
            let mut plan = if rests_on_nothing {
                self.plan(account, &act).await?
            } else {
                let gas = gas::of_governor(account, terms);
                let gas = gas.ok_or_else(|| Error::malformed("ChaosGovernor", "its terms"))?;
                self.priced(account, &act, gas).await?
            };
            plan.nonce += plans.len() as u64;
            foresee(&mut foreseen, contract, account.create(plan.nonce));
            plans.push(plan);
        }
        Ok(plans)
    }

    /// The account has not made a contract of this kind from elsewhere: from another folder, or from a journal that
    /// is lost. Whatever the deployment or the journal has is not looked for. Of what the account sent from
    /// elsewhere the newest 256 transactions are looked at.
    ///
    /// # Errors
    /// [`Error::MadeElsewhere`].
    pub async fn ensure_not_made(
        &self,
        account: Address,
        contract: Contract,
        terms: &StackConfig,
        on: &Deployment,
    ) -> Result<(), Error> {
        if on.contracts.contains_key(&contract) || self.making(contract).await?.is_some() {
            return Ok(());
        }
        // What rests on another is not made yet where that one is not known.
        let act = created(contract, terms, on).ok().flatten().map(|creation| creation.act());
        if let Some(act) = act
            && self.sent(account, &act)?.is_some()
        {
            return Ok(());
        }
        let Some(compiled) = compiled(contract) else { return Ok(()) };
        for nonce in self.nonces_of_others(account).await?.take(ELSEWHERE_MAX) {
            let address = account.create(nonce);
            if is_made_of(&self.code_of(address).await?, compiled) {
                return Err(Error::MadeElsewhere { account, contract, address, nonce });
            }
        }
        Ok(())
    }

    async fn is_there(&self, on: &Deployment, contract: Contract) -> Result<bool, Error> {
        match on.contracts.get(&contract) {
            Some(known) => Ok(!self.code_of(known.address).await?.is_empty()),
            None => Ok(false),
        }
    }

    /// What the journal has of it, which is on its way or did it: nothing more is paid for it.
    fn paid_for(&self, account: Address, act: &Act) -> Result<Option<Intent>, Error> {
        let sent = self.sent(account, act)?;
        Ok(sent.filter(|intent| intent.included().is_none_or(|inclusion| inclusion.succeeded)))
    }

    /// A contract of a deployment is there, with the code that the deployment says.
    ///
    /// # Errors
    /// [`Error::OtherCode`] with what is there.
    pub async fn ensure_code(&self, contract: Contract, known: &Deployed) -> Result<(), Error> {
        let found = self.code_hash(known.address).await?;
        if found == known.code_hash && found != KECCAK256_EMPTY {
            return Ok(());
        }
        let (address, expected) = (known.address, known.code_hash);
        Err(Error::OtherCode(Box::new(OtherCode { contract, address, expected, found })))
    }

    /// A contract has the code that our compiler made for it, whatever its constructor fixed in it.
    ///
    /// # Errors
    /// [`Error::OtherCode`] with what is there.
    pub async fn ensure_made_of(
        &self,
        contract: Contract,
        address: Address,
    ) -> Result<B256, Error> {
        let code = self.code_of(address).await?;
        let found = keccak256(&code);
        let Some(expected) = compiled(contract) else { return Ok(found) };
        // Token and governor fix their arguments in their code.
        let is_fixed = !matches!(contract, Contract::Token | Contract::Governor);
        let holds = if is_fixed { code == *expected } else { is_made_of(&code, expected) };
        if holds {
            return Ok(found);
        }
        let expected = keccak256(expected);
        Err(Error::OtherCode(Box::new(OtherCode { contract, address, expected, found })))
    }

    /// Whether a contract of a deployment is ours by what no node can say otherwise: whoever has the deployment sent what
    /// made it, and the code that has the hash which is written there is what our compiler made. Of what was there
    /// before, that hash was a node's word.
    ///
    /// # Errors
    /// [`Error::OtherCode`] where the code has another hash.
    pub async fn is_own(&self, contract: Contract, known: &Deployed) -> Result<bool, Error> {
        let code = self.code_of(known.address).await?;
        let (address, expected, found) = (known.address, known.code_hash, keccak256(&code));
        if found != expected {
            return Err(Error::OtherCode(Box::new(OtherCode {
                contract,
                address,
                expected,
                found,
            })));
        }
        let is_ours = compiled(contract).is_some_and(|compiled| is_made_of(&code, compiled));
        Ok(is_ours && known.transaction.is_some())
    }

    /// The terms of a governor now.
    ///
    /// # Errors
    /// As every read.
    pub async fn governor_terms(&self, governor: Address) -> Result<GovernorTerms, Error> {
        let timelock = self.call(governor, ChaosGovernor::timelockCall {}).await?;
        let token = self.call(governor, ChaosGovernor::tokenCall {}).await?;
        Ok(GovernorTerms {
            voting_delay_blocks: self.call(governor, ChaosGovernor::votingDelayCall {}).await?,
            voting_period_blocks: self.call(governor, ChaosGovernor::votingPeriodCall {}).await?,
            proposal_threshold: self
                .call(governor, ChaosGovernor::proposalThresholdCall {})
                .await?,
            quorum_percent: self.call(governor, ChaosGovernor::quorumNumerator_1Call {}).await?,
            timelock_s: self.call(timelock, delay::Delayed::getMinDelayCall {}).await?,
            supply: self.call(token, ChaosToken::totalSupplyCall {}).await?,
        })
    }

    /// Keccak-256 of the code at an address.
    ///
    /// # Errors
    /// As every read.
    pub async fn code_hash(&self, address: Address) -> Result<B256, Error> {
        Ok(keccak256(self.code_of(address).await?))
    }

    async fn code_of(&self, address: Address) -> Result<Bytes, Error> {
        self.rpc.request("eth_getCode", json!([address, "latest"])).await
    }
}

/// What deploying a contract sends; none for one that comes with another.
fn created(
    contract: Contract,
    terms: &StackConfig,
    on: &Deployment,
) -> Result<Option<Creation>, Error> {
    let address = |needed: Contract| {
        let absent = || Error::malformed(contract.name(), format_args!("no {}", needed.name()));
        on.contracts.get(&needed).map(|deployed| deployed.address).ok_or_else(absent)
    };
    Ok(Some(match contract {
        Contract::CheckpointRegistry | Contract::Timelock => return Ok(None),
        Contract::Token => creation::token(terms.supply),
        Contract::Governor => creation::governor(address(Contract::Token)?, terms),
        Contract::ParameterRegistry => creation::parameter_registry(address(Contract::Timelock)?),
        Contract::ProposalEndpoint => creation::endpoint(),
        Contract::RewardDistributor => creation::distributor(),
    }))
}

/// The code as the compiler left it, zero where a constructor fixes something.
fn compiled(contract: Contract) -> Option<&'static Bytes> {
    Some(match contract {
        Contract::CheckpointRegistry | Contract::Timelock => return None,
        Contract::Token => &ChaosToken::DEPLOYED_BYTECODE,
        Contract::Governor => &ChaosGovernor::DEPLOYED_BYTECODE,
        Contract::ParameterRegistry => &ParameterRegistry::DEPLOYED_BYTECODE,
        Contract::ProposalEndpoint => &ProposalEndpoint::DEPLOYED_BYTECODE,
        Contract::RewardDistributor => &RewardDistributor::DEPLOYED_BYTECODE,
    })
}

/// Code differs from the compiler's at zeros alone, where immutables go.
fn is_made_of(code: &[u8], compiled: &[u8]) -> bool {
    code.len() == compiled.len()
        && code.iter().zip(compiled).all(|(found, made)| found == made || *made == 0)
}

/// Enters where a contract will be, and the timelock that comes with the governor.
fn foresee(on: &mut Deployment, contract: Contract, address: Address) {
    on.contracts.insert(contract, placeholder(address));
    if contract == Contract::Governor {
        // A contract's own creations are counted from 1.
        on.contracts.insert(Contract::Timelock, placeholder(address.create(1)));
    }
}

/// A contract that is not there yet.
const fn placeholder(address: Address) -> Deployed {
    Deployed { address, code_hash: KECCAK256_EMPTY, transaction: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_differs_only_where_a_constructor_fixes_something() {
        let compiled = [0x60, 0, 0, 0x7f];
        assert!(is_made_of(&[0x60, 9, 8, 0x7f], &compiled));
        assert!(!is_made_of(&[0x61, 0, 0, 0x7f], &compiled));
        assert!(!is_made_of(&[0x60, 0, 0], &compiled));
        assert!(!is_made_of(&[], &compiled));
    }

    #[test]
    fn gas_of_the_governor_is_what_its_constructor_takes() {
        let gas = gas::of_governor(Address::repeat_byte(0xb2), &StackConfig::default()).unwrap();
        assert!((4_000_000..16_000_000).contains(&gas), "{gas}");
        let refused = StackConfig { proposal_threshold: U256::ZERO, ..StackConfig::default() };
        assert_eq!(gas::of_governor(Address::repeat_byte(0xb2), &refused), None);
    }
}
