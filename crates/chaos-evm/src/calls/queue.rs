//! The calls to itself that an OpenZeppelin governor puts down before it executes.
//!
//! A governor whose decisions wait in a timelock takes calls to itself from the timelock alone, and of
//! those only the ones that its own `execute` has put into a queue. That queue is
//! empty where calls are run without `execute`, and then they fail as a queue that is empty does. Where
//! it is kept differs between governors: it is the slot that was read last before it failed so.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, U256, keccak256};
use revm::{
    Database,
    context::{ContextTr as _, JournalTr as _, result::EVMError},
    handler::MainnetContext,
};

use super::{Batch, BatchRun, Change, Ending};

/// `Panic(0x31)`: something was taken from an empty list (OpenZeppelin 5).
const PANIC_SELECTOR: [u8; 4] = [0x4e, 0x48, 0x7b, 0x71];
const EMPTY_LIST: u8 = 0x31;
/// `Empty()` (OpenZeppelin 4).
const EMPTY_SELECTOR: [u8; 4] = [0x3d, 0xb2, 0xa1, 0x2a];
/// Bits of an index of the queue.
const INDEX_BITS: usize = 128;

/// Where a governor's queue is.
#[derive(Debug)]
pub(super) struct Queue {
    governor: Address,
    pub(super) slot: U256,
}

/// Where the queue is that the run lacked, if that is why it failed.
pub(super) fn needed(
    batch: &Batch,
    run: &BatchRun,
    last_read: Option<(Address, U256)>,
) -> Option<Queue> {
    let governor = batch.governor.filter(|governor| *governor != batch.sender)?;
    let Ending::Reverted { call, output } = &run.ending else { return None };
    let panic = [&PANIC_SELECTOR[..], &B256::with_last_byte(EMPTY_LIST).0].concat();
    let is_empty = output[..] == panic[..] || output[..] == EMPTY_SELECTOR;
    let (address, slot) = last_read?;
    let is_own = batch.calls.get(*call).is_some_and(|call| call.target == governor);
    (is_empty && is_own && address == governor).then_some(Queue { governor, slot })
}

impl Queue {
    /// Puts down the batch's calls to the governor; gives the slots that were written.
    pub(super) fn fill<DB: Database>(
        &self,
        batch: &Batch,
        context: &mut MainnetContext<DB>,
    ) -> Result<BTreeSet<U256>, EVMError<DB::Error>> {
        let journal = context.journal_mut();
        journal.load_account(self.governor)?;
        let mut ends = journal.sload(self.governor, self.slot)?.data;
        let mut written = BTreeSet::from([self.slot]);
        let own = batch.calls.iter().filter(|call| call.target == self.governor);
        for call in own {
            let end: U256 = ends >> INDEX_BITS;
            let entry = [end.to_be_bytes::<32>(), (self.slot + U256::from(1)).to_be_bytes()];
            let entry = U256::from_be_bytes(keccak256(entry.concat()).0);
            let hash = U256::from_be_bytes(keccak256(&call.input).0);
            journal.sstore(self.governor, entry, hash)?;
            written.insert(entry);
            ends = ends.wrapping_add(U256::from(1) << INDEX_BITS);
        }
        journal.sstore(self.governor, self.slot, ends)?;
        Ok(written)
    }

    /// Takes what was put down here out of the changes.
    pub(super) fn forget(&self, written: &BTreeSet<U256>, changes: &mut BTreeMap<Address, Change>) {
        let Some(change) = changes.get_mut(&self.governor) else { return };
        change.slots.retain(|slot, _| !written.contains(slot));
        if change.is_nothing() {
            changes.remove(&self.governor);
        }
    }
}
