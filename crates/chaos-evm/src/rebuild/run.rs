use std::sync::Arc;

use alloy_primitives::map::AddressMap;

use super::pool::Candidate;
use crate::{
    block::Transaction,
    execute::{Attempt, Executor},
    outcome::Ending,
    overlay::{Overlay, WrittenAccount},
    replay::{Place, ReplayError, ReplayInput},
    state::Snapshot,
};

/// Consecutive recorded blocks with the state before the first of them, as far as any of them
/// knows it, and with what each transaction did as recorded.
#[derive(Debug)]
pub struct Run {
    blocks: Vec<ReplayInput>,
    snapshot: Arc<Snapshot>,
    endings: Vec<Vec<Option<Ending>>>,
}

/// Why blocks are no run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no block.
    #[error("a run has no block")]
    Empty,
    /// A block does not follow the one before it.
    #[error(
        "block {found} of chain {found_chain} follows block {before} of chain {before_chain} in a \
         run"
    )]
    NotConsecutive {
        /// The chain of the block before.
        before_chain: u64,
        /// The block before.
        before: u64,
        /// The chain of the block.
        found_chain: u64,
        /// The block.
        found: u64,
    },
    /// A block cannot be executed as recorded.
    #[error(transparent)]
    Replay(ReplayError),
}

impl Run {
    /// Joins consecutive blocks, and executes each as recorded: that tells what its transactions
    /// did, and which places of a later block's state are not those before the run.
    ///
    /// # Errors
    /// [`RunError`] if the blocks are not consecutive blocks of one chain, or one of them cannot
    /// be executed.
    pub fn new(blocks: Vec<ReplayInput>) -> Result<Self, RunError> {
        let first = blocks.first().ok_or(RunError::Empty)?;
        if let Some(pair) = blocks.windows(2).find(|pair| !follows(&pair[0], &pair[1])) {
            let place = |input: &ReplayInput| (input.block().chain_id, input.block().header.number);
            let ((before_chain, before), (found_chain, found)) = (place(&pair[0]), place(&pair[1]));
            return Err(RunError::NotConsecutive { before_chain, before, found_chain, found });
        }
        let mut snapshot = first.shared_snapshot();
        let mut endings = Vec::with_capacity(blocks.len());
        let mut written = AddressMap::<WrittenAccount>::default();
        for (place, input) in blocks.iter().enumerate() {
            if place > 0 {
                Arc::make_mut(&mut snapshot).extend(input.snapshot(), &written);
            }
            let (block_endings, block_written) = as_recorded(input).map_err(RunError::Replay)?;
            endings.push(block_endings);
            if place + 1 < blocks.len() {
                join(&mut written, block_written);
            }
        }
        Ok(Self { blocks, snapshot, endings })
    }

    /// The recorded blocks.
    #[must_use]
    pub fn blocks(&self) -> &[ReplayInput] {
        &self.blocks
    }

    /// The state before the first block, as far as any of the blocks knows it.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    pub(super) fn transaction(&self, candidate: Candidate) -> &Transaction {
        &self.blocks[candidate.block].block().transactions[candidate.index]
    }

    pub(super) fn ending(&self, candidate: Candidate) -> Option<&Ending> {
        self.endings[candidate.block][candidate.index].as_ref()
    }
}

/// Groups blocks into runs, each as long as it can be, in order of chain and number. A block given
/// twice starts a run of its own.
///
/// # Errors
/// [`RunError::Replay`] if a block cannot be executed as recorded.
pub fn runs(inputs: &[ReplayInput]) -> Result<Vec<Run>, RunError> {
    groups(inputs)
        .into_iter()
        .map(|group| Run::new(group.into_iter().map(|place| inputs[place].clone()).collect()))
        .collect()
}

/// The places of the blocks of each run.
pub(crate) fn groups(inputs: &[ReplayInput]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..inputs.len()).collect();
    order.sort_by_key(|place| {
        let block = inputs[*place].block();
        (block.chain_id, block.header.number)
    });
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for place in order {
        match groups.last_mut() {
            Some(group)
                if group.last().is_some_and(|last| follows(&inputs[*last], &inputs[place])) =>
            {
                group.push(place);
            }
            _ => groups.push(vec![place]),
        }
    }
    groups
}

fn follows(before: &ReplayInput, after: &ReplayInput) -> bool {
    let (before, after) = (before.block(), after.block());
    before.chain_id == after.chain_id
        && before.header.number.checked_add(1) == Some(after.header.number)
        && before.header.hash.is_none_or(|hash| hash == after.header.parent_hash)
}

type AsRecorded = (Vec<Option<Ending>>, AddressMap<WrittenAccount>);

fn as_recorded(input: &ReplayInput) -> Result<AsRecorded, ReplayError> {
    let block = input.block();
    let header = &block.header;
    let stop = |place| move |source| ReplayError::Execution { block: header.number, place, source };
    let mut executor =
        Executor::new(block, header.gas_limit, Overlay::new(input.snapshot().view()));
    executor.begin(block).map_err(stop(Place::SystemCalls))?;
    let mut endings = Vec::with_capacity(block.transactions.len());
    for (index, transaction) in block.transactions.iter().enumerate() {
        let attempt = executor.transaction(transaction).map_err(stop(Place::Transaction(index)))?;
        endings.push(match attempt {
            Attempt::Executed(executed) => Some(Ending::from(executed.result)),
            Attempt::Rejected(_) | Attempt::Skipped => None,
        });
    }
    executor.finish(&block.withdrawals).map_err(stop(Place::Withdrawals))?;
    executor.reward(block).map_err(stop(Place::Withdrawals))?;
    Ok((endings, executor.into_state().into_written()))
}

#[expect(clippy::iter_over_hash_type, reason = "each account goes to its own place")]
fn join(written: &mut AddressMap<WrittenAccount>, later: AddressMap<WrittenAccount>) {
    for (address, account) in later {
        let known: &mut WrittenAccount = written.entry(address).or_default();
        known.storage_complete |= account.storage_complete;
        known.storage.extend(account.storage);
    }
}
