//! Packs a block by effective tip, greedily, skipping what does not fit.
//!
//! The order is that of a full sort by (effective tip descending, submission ascending), but only
//! the bucket of tips in which the block fills is sorted; a test compares with the full sort.

/// Buckets of tips: eight per octave of a 64-bit number.
const BUCKETS: usize = 512;

/// No transaction uses less gas than this, so a block with less room is done.
const TRANSACTION_GAS_MIN: u64 = 21_000;

/// A transaction that could stand in the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) effective_tip_wei: u64,
    pub(super) gas: u32,
    pub(super) sequence: u32,
    /// Place in the pool.
    pub(super) index: u32,
    pub(super) blobs: u8,
}

/// What a block has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) gas: u64,
    pub(super) blobs: u64,
}

impl Room {
    const fn fits(&self, gas: u64, blobs: u64) -> bool {
        gas <= self.gas && blobs <= self.blobs
    }

    const fn take(&mut self, gas: u64, blobs: u64) {
        self.gas -= gas;
        self.blobs -= blobs;
    }
}

/// Scratch space, kept between blocks.
#[derive(Debug, Default)]
pub(super) struct Builder {
    /// Where each bucket begins in `order`, then where it ends.
    ends: Vec<u32>,
    gas: Vec<u64>,
    blobs: Vec<u64>,
    order: Vec<Candidate>,
}

impl Builder {
    /// Moves what fits to `included` and returns the room that is left.
    pub(super) fn pack(
        &mut self,
        candidates: &[Candidate],
        mut room: Room,
        included: &mut Vec<Candidate>,
    ) -> Room {
        included.clear();
        let gas = candidates.iter().map(|candidate| u64::from(candidate.gas)).sum();
        let blobs = candidates.iter().map(|candidate| u64::from(candidate.blobs)).sum();
        if room.fits(gas, blobs) {
            included.extend_from_slice(candidates);
            room.take(gas, blobs);
            return room;
        }
        self.sort_into_buckets(candidates);
        for bucket in (0..BUCKETS).rev() {
            let start = if bucket == 0 { 0 } else { self.ends[bucket - 1] as usize };
            let members = &mut self.order[start..self.ends[bucket] as usize];
            if members.is_empty() {
                continue;
            }
            if room.gas < TRANSACTION_GAS_MIN {
                break;
            }
            if room.fits(self.gas[bucket], self.blobs[bucket]) {
                included.extend_from_slice(members);
                room.take(self.gas[bucket], self.blobs[bucket]);
            } else {
                take_in_order(members, &mut room, included);
            }
        }
        room
    }

    /// A counting sort; within a bucket candidates keep their order.
    fn sort_into_buckets(&mut self, candidates: &[Candidate]) {
        self.ends.clear();
        self.ends.resize(BUCKETS, 0);
        self.gas.clear();
        self.gas.resize(BUCKETS, 0);
        self.blobs.clear();
        self.blobs.resize(BUCKETS, 0);
        for candidate in candidates {
            let bucket = bucket(candidate.effective_tip_wei);
            self.ends[bucket] += 1;
            self.gas[bucket] += u64::from(candidate.gas);
            self.blobs[bucket] += u64::from(candidate.blobs);
        }
        // Counts become starts; filling moves each start to its end.
        let mut start = 0;
        for end in &mut self.ends {
            let count = *end;
            *end = start;
            start += count;
        }
        if let Some(first) = candidates.first() {
            self.order.resize(candidates.len().max(self.order.len()), *first);
        }
        for candidate in candidates {
            let place = &mut self.ends[bucket(candidate.effective_tip_wei)];
            self.order[*place as usize] = *candidate;
            *place += 1;
        }
    }
}

/// Takes what fits from a bucket, best first.
fn take_in_order(members: &mut [Candidate], room: &mut Room, included: &mut Vec<Candidate>) {
    // What does not fit alone never will; it need not be sorted.
    let mut fitting = 0;
    for place in 0..members.len() {
        if room.fits(members[place].gas.into(), members[place].blobs.into()) {
            members.swap(fitting, place);
            fitting += 1;
        }
    }
    let members = &mut members[..fitting];
    members.sort_unstable_by_key(|candidate| {
        (std::cmp::Reverse(candidate.effective_tip_wei), candidate.sequence)
    });
    for candidate in members {
        if room.fits(candidate.gas.into(), candidate.blobs.into()) {
            room.take(candidate.gas.into(), candidate.blobs.into());
            included.push(*candidate);
        }
    }
}

/// The bucket of a tip: its exponent and the three bits after the leading one.
#[inline]
pub(super) fn bucket(tip_wei: u64) -> usize {
    if tip_wei < 8 {
        return usize::from(tip_wei.to_le_bytes()[0]);
    }
    let exponent = tip_wei.ilog2();
    let bits = (tip_wei >> (exponent - 3)).to_le_bytes()[0] & 7;
    exponent as usize * 8 + usize::from(bits)
}

#[cfg(test)]
mod tests;
