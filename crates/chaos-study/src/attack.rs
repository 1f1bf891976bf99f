//! Attacks on a parameter change: what they cost and what they do, before and after.
//!
//! A proposal may be fine on an average day and dangerous on a bad one. Each [`Scenario`] is an
//! attack from the literature with its mechanism and its source; [`run`] carries it out under the
//! baseline's rules and under the proposal's and reports the attacker's cost and the damage side
//! by side, as exact integers. Six scenarios follow from the fee rules alone
//! ([`Layer::FeeMarket`]); the others execute code in the EVM ([`Layer::Evm`]).
//!
//! ```
//! use chaos_parameters::Preset;
//! use chaos_study::attack::{Case, Scenario, run};
//!
//! let (baseline, proposal) = (Preset::Prague.parameters(), Preset::Osaka.parameters());
//! let result = run(Scenario::BlockStuffing, &Case::new(baseline, proposal))?;
//! assert!(result.cost.difference > 0, "a larger block is dearer to fill");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Invariants: the same case gives the same result on any machine and any number of threads; no
//! figure depends on a clock. An attack on equal rules has a difference of zero in every row.
//!
//! Not here: attacks on mempools and builders that no parameter of this crate bounds, such as the
//! speculative denial of service of Yaish et al. (USENIX Security 2024).

use std::convert::Infallible;

use chaos_parameters::{Layer, Parameters};
use rayon::prelude::*;
use revm::{
    context::result::{EVMError, InvalidTransaction},
    primitives::hardfork::SpecId,
};

mod alternation;
mod blob;
mod calldata;
mod edges;
mod machine;
mod refund;
mod result;
mod rules;
mod scenario;
mod shock;
mod state_bloat;
mod stuffing;
mod suppression;
pub mod worst_case;

pub use result::{AttackResult, Row};
use result::{Figures, join};
pub use scenario::{Scenario, UnknownScenario};

/// Both arms and the market that the attacks meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    /// The chain as it is.
    pub baseline: Parameters,
    /// The chain as proposed.
    pub proposal: Parameters,
    /// The base fee when the attack begins, wei per gas.
    pub base_fee_wei: u128,
    /// The ordinary tip, wei per gas.
    pub tip_wei: u128,
    /// The blob price at which the blob market would clear, wei per blob gas.
    pub blob_clearing_price_wei: u128,
    /// Demand after a shock, in targets at the old base fee.
    pub shock_multiple: u64,
    /// The fork whose code and prices are executed.
    pub spec: SpecId,
}

impl Case {
    /// Both arms on Osaka, with a base fee of 1 gwei, a tip of 0.1 gwei, a blob market that clears
    /// at 1 gwei, and a tenfold shock.
    #[must_use]
    pub const fn new(baseline: Parameters, proposal: Parameters) -> Self {
        Self {
            baseline,
            proposal,
            base_fee_wei: 1_000_000_000,
            tip_wei: 100_000_000,
            blob_clearing_price_wei: 1_000_000_000,
            shock_multiple: 10,
            spec: SpecId::OSAKA,
        }
    }
}

/// Why an attack could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The fork has no such operation.
    #[error("{operation} is not part of {spec:?}")]
    NotInFork {
        /// The operation.
        operation: worst_case::Operation,
        /// The fork.
        spec: SpecId,
    },
    /// A transaction's share of the block does not hold one round of the operation.
    #[error("{operation} needs {needed} gas per transaction, found {transaction_gas}")]
    LimitTooSmall {
        /// The operation.
        operation: worst_case::Operation,
        /// What a transaction may use.
        transaction_gas: u64,
        /// What one round needs.
        needed: u64,
    },
    /// A transaction that must succeed did not.
    #[error("{operation}: transaction {transaction} failed")]
    Failed {
        /// The operation.
        operation: worst_case::Operation,
        /// Its place in the block, from zero.
        transaction: u64,
    },
    /// A transaction that must add state did not.
    #[error("a transaction that adds state failed")]
    NoGrowth,
    /// The EVM refused a transaction.
    #[error("the transaction was refused")]
    Refused(#[source] InvalidTransaction),
    /// The EVM stopped.
    #[error("execution stopped")]
    Stopped(#[source] EVMError<Infallible>),
}

/// Carries out one attack in both arms.
///
/// # Errors
/// If a gas limit is too small for the code that the attack executes, or the EVM refuses it; the
/// scenarios of [`Layer::FeeMarket`] never fail.
pub fn run(scenario: Scenario, case: &Case) -> Result<AttackResult, Error> {
    let baseline = figures(scenario, &case.baseline, case)?;
    let proposal = figures(scenario, &case.proposal, case)?;
    Ok(join(scenario, layer(scenario), baseline, &proposal, notes(scenario, case)))
}

/// Whether earlier releases gave this attack on this case other figures: a fee rises to a bound that
/// was another one, or the figures name the bound (`docs/adr/0012-one-fee-rule.md`).
#[must_use]
pub fn is_revised(scenario: Scenario, case: &Case) -> bool {
    let arms = [&case.baseline, &case.proposal];
    let any = |reaches: fn(&Parameters, &Case) -> bool| arms.iter().any(|arm| reaches(arm, case));
    match scenario {
        Scenario::BaseFeeSuppression => any(suppression::reaches_bound),
        Scenario::FullEmptyAlternation => any(alternation::reaches_bound),
        Scenario::DemandShock => any(shock::reaches_bound),
        Scenario::BlobGriefing => any(blob::reaches_bound),
        Scenario::BlockStuffing | Scenario::ParameterEdges => true,
        Scenario::WorstCaseGas
        | Scenario::RefundOverclocking
        | Scenario::CalldataBloat
        | Scenario::StateBloat => false,
    }
}

/// Carries out every attack, in the order of [`Scenario::ALL`].
///
/// # Errors
/// As [`run`], for the first attack that fails.
pub fn run_all(case: &Case) -> Result<Vec<AttackResult>, Error> {
    let results: Vec<_> = Scenario::ALL.par_iter().map(|scenario| run(*scenario, case)).collect();
    results.into_iter().collect()
}

/// Where a scenario's figures come from.
const fn layer(scenario: Scenario) -> Layer {
    match scenario {
        Scenario::BaseFeeSuppression
        | Scenario::FullEmptyAlternation
        | Scenario::DemandShock
        | Scenario::BlockStuffing
        | Scenario::BlobGriefing
        | Scenario::ParameterEdges => Layer::FeeMarket,
        Scenario::WorstCaseGas
        | Scenario::RefundOverclocking
        | Scenario::CalldataBloat
        | Scenario::StateBloat => Layer::Evm,
    }
}

fn figures(scenario: Scenario, parameters: &Parameters, case: &Case) -> Result<Figures, Error> {
    Ok(match scenario {
        Scenario::BaseFeeSuppression => suppression::figures(parameters, case),
        Scenario::FullEmptyAlternation => alternation::figures(parameters, case),
        Scenario::DemandShock => shock::figures(parameters, case),
        Scenario::BlockStuffing => stuffing::figures(parameters, case),
        Scenario::WorstCaseGas => {
            worst_case::figures(parameters, case.base_fee_wei, case.tip_wei, case.spec)?
        }
        Scenario::RefundOverclocking => refund::figures(parameters, case)?,
        Scenario::CalldataBloat => calldata::figures(parameters, case)?,
        Scenario::BlobGriefing => blob::figures(parameters, case),
        Scenario::StateBloat => state_bloat::figures(parameters, case)?,
        Scenario::ParameterEdges => edges::figures(parameters, case),
    })
}

fn notes(scenario: Scenario, case: &Case) -> Vec<String> {
    let note = match scenario {
        Scenario::BaseFeeSuppression => suppression::NOTE,
        Scenario::FullEmptyAlternation => alternation::NOTE,
        Scenario::DemandShock => shock::NOTE,
        Scenario::BlockStuffing => stuffing::NOTE,
        Scenario::WorstCaseGas => worst_case::NOTE,
        Scenario::RefundOverclocking => refund::NOTE,
        Scenario::CalldataBloat => calldata::NOTE,
        Scenario::BlobGriefing => blob::NOTE,
        Scenario::StateBloat => state_bloat::NOTE,
        Scenario::ParameterEdges => return edges::notes(case),
    };
    vec![note.to_owned()]
}

#[cfg(test)]
mod tests;
