//! Recorded blocks built again under changed rules, and really executed.
//!
//! A run of consecutive recorded blocks is taken apart into its transactions. A pool takes each of
//! them in at its block (or some blocks earlier, see [`Assumptions::lead_blocks`]), a builder
//! packs blocks by effective tip under the changed rules, and every block it builds is executed on
//! the state the one before left. What does not fit, or does not pay, waits for the next block.
//!
//! Nothing is added: a larger limit makes room, but who would have used it is a question for
//! the fee-market models. What stays as recorded: timestamps, beneficiaries, randomness, ancestor
//! hashes and the blob base fee of each block. The first block's base fee is the recorded one,
//! raised to the minimum if there is one; later ones follow the chain's EIP-1559 rule, as changed,
//! from the gas really used.
//!
//! Two things a builder sees are missing from recorded blocks: transactions that were in the pool
//! and never included, and payments made to the builder inside transactions. A bundle that pays
//! in that way and tips nothing goes to the end of the block here.
//!
//! ```
//! use chaos_evm::{Assumptions, Bytecodes, Changes, OutcomeGroup, RecordedBlock, ReplayInput, load::{LoadParameters, generate}, rebuild, runs};
//!
//! let load = generate(&LoadParameters { blocks: 3, ..LoadParameters::default() })?;
//! let codes = Bytecodes::decode(&load.bytecodes)?;
//! let inputs: Vec<ReplayInput> = load
//!     .blocks
//!     .iter()
//!     .map(|block| Ok(ReplayInput::new(RecordedBlock::decode(&block.json, None)?, &codes)))
//!     .collect::<Result<_, chaos_evm::DecodeError>>()?;
//! let run = &runs(&inputs)?[0];
//! let changes = Changes { priority_fee_floor_wei: Some(2_000_000_000), ..Changes::NONE };
//! let rebuilt = rebuild(run, &changes, &Assumptions::default())?;
//! assert_eq!(rebuilt.blocks.len(), 3);
//! assert!(rebuilt.outcomes.get(OutcomeGroup::NotIncluded) > 0);
//! assert_eq!(rebuilt.outcomes.total(), rebuilt.transactions.len() as u64);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::convert::Infallible;

use revm::context::result::EVMError;

use crate::{
    block::{Transaction, TransactionKind},
    changes::{Changes, ChangesError},
    execute::{Attempt, Executor, RejectReason, Terms},
    outcome::{Ending, Exclusion, ExclusionCounts, Fate, Outcome, OutcomeCounts, compare},
    replay::{Place, ReplayError},
    state::{PreState, UnknownReads},
    tracked::Tracked,
};

mod pool;
mod run;

use pool::{Candidate, Pool};
pub(super) use run::groups;
pub use run::{Run, RunError, runs};

/// What is assumed of pool and builder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Assumptions {
    /// The order in which the builder tries transactions.
    pub order: Order,
    /// How many blocks before its recorded one a transaction reached the pool, where the run
    /// reaches back that far. Recorded blocks do not tell; 0 assumes the least.
    pub lead_blocks: u64,
}

/// The order in which a builder tries transactions. Transactions of one sender always go by nonce,
/// and OP-stack deposits first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// Highest effective tip first; of equal ones the earlier recorded.
    #[default]
    EffectiveTip,
    /// As recorded. What waits from earlier blocks comes first.
    Recorded,
}

/// What a run of blocks would have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// The blocks, one for each recorded one.
    pub blocks: Vec<RebuiltBlock>,
    /// What became of each recorded transaction, in recorded order.
    pub transactions: Vec<Fate>,
    /// The same, counted.
    pub outcomes: OutcomeCounts,
}

/// One block of a [`Rebuilt`] run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RebuiltBlock {
    /// The chain, by EIP-155 number.
    pub chain: u64,
    /// The block.
    pub number: u64,
    /// The gas limit it was built with.
    pub gas_limit: u64,
    /// Its base fee in wei per gas, from London on.
    pub base_fee_per_gas: Option<u64>,
    /// Gas used.
    pub gas_used: u64,
    /// Gas used before refunds, and without a calldata floor.
    pub gas_before_refund: u64,
    /// Tips paid to its beneficiary, in wei.
    pub tips_wei: u128,
    /// Blobs carried.
    pub blobs: u64,
    /// Transactions in the pool when it was built.
    pub offered: u64,
    /// Transactions it includes.
    pub included: u64,
    /// Transactions left in the pool for the next block.
    pub waiting: u64,
    /// The transactions it left out, by cause; those that wait and those that are dropped.
    pub exclusions: ExclusionCounts,
    /// Places outside the known state that were read for the first time in this run.
    pub unknown_reads: UnknownReads,
    /// What became of the transactions recorded in this block, wherever they went.
    pub outcomes: OutcomeCounts,
}

impl RebuiltBlock {
    /// Adds a transaction that went in.
    fn add(&mut self, transaction: &Transaction, ending: &Ending) {
        let tip = transaction.effective_tip(self.base_fee_per_gas.unwrap_or(0));
        self.included += 1;
        self.blobs += transaction.env.blob_hashes.len() as u64;
        self.gas_before_refund += ending.gas_before_refund;
        self.tips_wei += tip * u128::from(ending.gas_used);
    }
}

/// Why a run could not be built again.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The changes contradict themselves.
    #[error("the changes cannot be applied")]
    Changes {
        /// The contradiction.
        #[source]
        source: ChangesError,
    },
    /// A block could not be executed at all.
    #[error(transparent)]
    Replay(ReplayError),
}

/// Builds a run again under `changes`.
///
/// # Errors
/// [`RebuildError`] if the changes contradict themselves, or a block cannot be executed at all. A
/// transaction that fails or is refused is no error; it is reported.
pub fn rebuild(
    run: &Run,
    changes: &Changes,
    assumptions: &Assumptions,
) -> Result<Rebuilt, RebuildError> {
    changes.ensure_possible().map_err(|source| RebuildError::Changes { source })?;
    let mut builder = Builder {
        run,
        changes,
        assumptions: *assumptions,
        pool: Pool::default(),
        fates: run
            .blocks()
            .iter()
            .map(|input| vec![None; input.block().transactions.len()])
            .collect(),
        blocks: Vec::with_capacity(run.blocks().len()),
    };
    let mut state = Tracked::new(run.snapshot().view());
    for place in 0..run.blocks().len() {
        state = builder.block(place, state).map_err(RebuildError::Replay)?;
    }
    Ok(builder.finish())
}

struct Builder<'a> {
    run: &'a Run,
    changes: &'a Changes,
    assumptions: Assumptions,
    pool: Pool,
    /// By recorded block and place.
    fates: Vec<Vec<Option<Fate>>>,
    blocks: Vec<RebuiltBlock>,
}

/// A block under construction.
struct Site<'a> {
    executor: Executor<Tracked<'a>>,
    figures: RebuiltBlock,
    gas_cap: u64,
    blobs_max: u64,
}

type Stop = EVMError<Infallible>;

/// What became of a candidate at one block.
enum Verdict {
    /// It went in, or it never will and its fate is known.
    Settled(Fate),
    /// It waits for another block.
    Waits(Exclusion),
}

impl<'a> Builder<'a> {
    fn block(&mut self, place: usize, state: Tracked<'a>) -> Result<Tracked<'a>, ReplayError> {
        let block = self.run.blocks()[place].block();
        let number = block.header.number;
        let stop = |place| move |source| ReplayError::Execution { block: number, place, source };
        let mut site = self.site(place, state);
        site.executor.begin(block).map_err(stop(Place::SystemCalls))?;
        // The system calls overwrite slots they never look at.
        let known = site.executor.state().base().unknown_reads();

        for (index, transaction) in block.transactions.iter().enumerate() {
            if matches!(transaction.kind, TransactionKind::Deposit(_)) {
                let candidate = Candidate { block: place, index };
                let verdict = self
                    .run_candidate(&mut site, candidate)
                    .map_err(stop(Place::Transaction(index)))?;
                self.settle(&mut site, candidate, verdict);
            }
        }
        self.admit(place);
        self.fill(&mut site).map_err(|(index, source)| stop(Place::Transaction(index))(source))?;

        site.figures.waiting = self.pool.len();
        let base = site.executor.state().base();
        site.figures.unknown_reads = base.unknown_reads().since(&known);
        site.figures.gas_used = site.executor.gas_used();
        site.executor.finish(&block.withdrawals).map_err(stop(Place::Withdrawals))?;
        site.executor.reward(block).map_err(stop(Place::Withdrawals))?;
        self.blocks.push(site.figures);
        Ok(site.executor.into_state())
    }

    fn site(&self, place: usize, state: Tracked<'a>) -> Site<'a> {
        let block = self.run.blocks()[place].block();
        let header = &block.header;
        let base_fee = match self.blocks.last() {
            None => self.changes.base_fee(header.base_fee_per_gas),
            Some(parent) => self.next_base_fee(parent, header.base_fee_per_gas),
        };
        let parent = self.blocks.last().map_or(header.gas_limit, |parent| parent.gas_limit);
        let gas_limit = self.changes.gas_limit(parent, header.gas_limit);
        let terms = Terms { gas_limit, base_fee, changes: self.changes };
        Site {
            executor: Executor::under(block, &terms, state, ()),
            figures: RebuiltBlock {
                chain: block.chain_id,
                number: header.number,
                gas_limit,
                base_fee_per_gas: base_fee,
                gas_used: 0,
                gas_before_refund: 0,
                tips_wei: 0,
                blobs: 0,
                offered: 0,
                included: 0,
                waiting: 0,
                exclusions: ExclusionCounts::default(),
                unknown_reads: UnknownReads::default(),
                outcomes: OutcomeCounts::default(),
            },
            gas_cap: self.changes.transaction_gas_cap(&block.rules),
            blobs_max: self.changes.blobs_max(&block.rules),
        }
    }

    /// The base fee after `parent`. London's own first block has its recorded one.
    fn next_base_fee(&self, parent: &RebuiltBlock, recorded: Option<u64>) -> Option<u64> {
        let Some(fee) = parent.base_fee_per_gas else { return self.changes.base_fee(recorded) };
        let block = self.run.blocks()[self.blocks.len() - 1].block();
        let rule = self.changes.base_fee_rule(block);
        let next = rule.next(fee.into(), parent.gas_used, parent.gas_limit);
        Some(u64::try_from(next).unwrap_or(u64::MAX))
    }

    /// Takes in the transactions that reach the pool at the block at `place`.
    fn admit(&mut self, place: usize) {
        let lead = usize::try_from(self.assumptions.lead_blocks).unwrap_or(usize::MAX);
        let last = place.saturating_add(lead).min(self.run.blocks().len() - 1);
        let first = match place {
            0 => 0,
            _ => place.saturating_add(lead),
        };
        for block in first..=last {
            let transactions = &self.run.blocks()[block].block().transactions;
            for (index, transaction) in transactions.iter().enumerate() {
                if !matches!(transaction.kind, TransactionKind::Deposit(_)) {
                    let candidate = Candidate { block, index };
                    self.pool.insert(transaction.sender(), transaction.env.nonce, candidate);
                }
            }
        }
    }

    fn fill(&mut self, site: &mut Site<'a>) -> Result<(), (usize, Stop)> {
        site.figures.offered = self.pool.len();
        let base_fee = site.figures.base_fee_per_gas.unwrap_or(0);
        let (run, order) = (self.run, self.assumptions.order);
        let tip = move |candidate: Candidate| match order {
            Order::EffectiveTip => run.transaction(candidate).effective_tip(base_fee),
            Order::Recorded => 0,
        };
        let mut queue = self.pool.queue(tip);
        while let Some((sender, candidate)) = queue.pop() {
            let verdict = match self.bar(site, candidate) {
                Some(exclusion) => Verdict::Waits(exclusion),
                None => {
                    self.run_candidate(site, candidate).map_err(|stop| (candidate.index, stop))?
                }
            };
            let included = matches!(&verdict, Verdict::Settled(fate) if fate.included_in.is_some());
            if self.settle(site, candidate, verdict) {
                self.pool.remove_next(sender);
            }
            if included {
                queue.push_next(sender, &self.pool);
            } else {
                let tried = usize::from(self.pool.is_next(sender, candidate));
                for _ in tried..self.pool.count_of(sender) {
                    site.figures.exclusions.count(&Exclusion::EarlierNonceWaiting);
                }
            }
        }
        Ok(())
    }

    /// Why the builder does not try a transaction, if so.
    fn bar(&self, site: &Site<'_>, candidate: Candidate) -> Option<Exclusion> {
        let transaction = self.run.transaction(candidate);
        let figures = &site.figures;
        let base_fee = figures.base_fee_per_gas.unwrap_or(0);
        let env = &transaction.env;
        let blobs = env.blob_hashes.len() as u64;
        let floor =
            self.changes.priority_fee_floor_wei.filter(|_| figures.base_fee_per_gas.is_some());
        if transaction.kind == TransactionKind::Unsupported {
            Some(Exclusion::Unsupported)
        } else if transaction.gas_limit() > site.gas_cap {
            Some(Exclusion::AboveTransactionGasCap)
        } else if env.gas_price < u128::from(base_fee) {
            Some(Exclusion::FeeTooLow)
        } else if floor.is_some_and(|floor| transaction.effective_tip(base_fee) < u128::from(floor))
        {
            Some(Exclusion::BelowPriorityFeeFloor)
        } else if blobs > 0 && env.max_fee_per_blob_gas < site.executor.blob_base_fee() {
            Some(Exclusion::BlobFeeTooLow)
        } else if figures.blobs + blobs > site.blobs_max {
            Some(Exclusion::BlobsFull)
        } else if transaction.gas_limit() > site.executor.gas_left() {
            Some(Exclusion::NoRoom)
        } else {
            None
        }
    }

    fn run_candidate(&self, site: &mut Site<'_>, candidate: Candidate) -> Result<Verdict, Stop> {
        let transaction = self.run.transaction(candidate);
        let before = self.run.ending(candidate);
        site.executor.state_mut().forgive();
        let attempt = match before {
            Some(before) if before.succeeded() => {
                site.executor.transaction_or_probe(transaction, site.gas_cap)?
            }
            _ => (site.executor.transaction(transaction)?, false),
        };
        let left_out = |outcome| Verdict::Settled(absent(self.run, candidate, outcome));
        let (attempt, fixable) = attempt;
        Ok(match attempt {
            Attempt::Executed(executed) => {
                let after = Ending::from(executed.result);
                let outcome = match before {
                    _ if site.executor.state().guessed() => Outcome::Unknown,
                    None if after.succeeded() => Outcome::NowSucceeds,
                    None => Outcome::AlreadyFailing,
                    Some(before) => compare(before, &after).unwrap_or(if fixable {
                        Outcome::FixableWithHigherGasLimit
                    } else {
                        Outcome::PotentiallyBroken
                    }),
                };
                site.figures.add(transaction, &after);
                let included_in = Some(site.figures.number);
                let gas_after = after.gas_used;
                Verdict::Settled(Fate {
                    included_in,
                    gas_after,
                    ..absent(self.run, candidate, outcome)
                })
            }
            Attempt::Rejected(_) if fixable => left_out(Outcome::FixableWithHigherGasLimit),
            Attempt::Rejected(reason) if may_pass_later(&reason) => {
                Verdict::Waits(Exclusion::Rejected(reason))
            }
            Attempt::Rejected(reason) => {
                left_out(Outcome::NotIncluded(Exclusion::Rejected(reason)))
            }
            Attempt::Skipped => Verdict::Waits(Exclusion::Unsupported),
        })
    }

    /// Notes a verdict; says whether it is final.
    fn settle(&mut self, site: &mut Site<'_>, candidate: Candidate, verdict: Verdict) -> bool {
        let place = &mut self.fates[candidate.block][candidate.index];
        match verdict {
            Verdict::Settled(fate) => {
                if let Outcome::NotIncluded(exclusion) = &fate.outcome {
                    site.figures.exclusions.count(exclusion);
                }
                *place = Some(fate);
                true
            }
            Verdict::Waits(exclusion) => {
                site.figures.exclusions.count(&exclusion);
                self.pool.note(candidate, exclusion);
                false
            }
        }
    }

    fn finish(self) -> Rebuilt {
        let Self { run, pool, fates, mut blocks, .. } = self;
        let mut outcomes = OutcomeCounts::default();
        let mut transactions = Vec::with_capacity(fates.iter().map(Vec::len).sum());
        for (block, fates) in fates.into_iter().enumerate() {
            for (index, fate) in fates.into_iter().enumerate() {
                let candidate = Candidate { block, index };
                let fate = fate.unwrap_or_else(|| {
                    absent(run, candidate, Outcome::NotIncluded(pool.last(candidate)))
                });
                blocks[block].outcomes.count(&fate.outcome);
                transactions.push(fate);
            }
            outcomes += blocks[block].outcomes;
        }
        Rebuilt { blocks, transactions, outcomes }
    }
}

/// The fate of a transaction that is in no block.
fn absent(run: &Run, candidate: Candidate, outcome: Outcome) -> Fate {
    Fate {
        block: run.blocks()[candidate.block].block().header.number,
        index: candidate.index,
        hash: run.transaction(candidate).hash,
        included_in: None,
        gas_before: run.ending(candidate).map_or(0, |ending| ending.gas_used),
        gas_after: 0,
        outcome,
    }
}

/// Whether a transaction that is refused now may run in a later block.
fn may_pass_later(reason: &RejectReason) -> bool {
    use revm::context::result::InvalidTransaction::{LackOfFundForMaxFee, NonceTooHigh};
    matches!(
        reason,
        RejectReason::BlockGas { .. }
            | RejectReason::Invalid(NonceTooHigh { .. } | LackOfFundForMaxFee { .. })
    )
}
