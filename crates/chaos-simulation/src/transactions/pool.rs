//! Where transactions wait.

use super::{
    Error,
    builder::Candidate,
    draw::User,
    rules::bound,
    users::{Bid, Kind},
};

/// The pool's rules; a node's policy, not consensus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolRules {
    /// Most transactions. When arrivals exceed it, those with the lowest maximum fee are evicted
    /// until a sixteenth is free, so that eviction is not paid for in every block.
    pub capacity: u32,
    /// A replacement must raise both maximum fee and tip by this many ppm.
    pub bump_ppm: u32,
    /// Blocks after which a transaction is dropped.
    pub lifetime_blocks: u32,
}

impl PoolRules {
    /// [geth](https://geth.ethereum.org/docs/fundamentals/command-line-options)'s defaults: 5,120
    /// executable transactions, a bump of 10 %, three hours (900 blocks of 12 seconds).
    #[must_use]
    pub const fn geth() -> Self {
        Self { capacity: 5_120, bump_ppm: 100_000, lifetime_blocks: 900 }
    }

    pub(super) fn ensure(&self) -> Result<(), Error> {
        bound("pool.capacity", self.capacity.into(), 16, 1 << 22)?;
        bound("pool.bump_ppm", self.bump_ppm.into(), 0, 10_000_000)?;
        bound("pool.lifetime_blocks", self.lifetime_blocks.into(), 1, 1 << 24)
    }
}

/// What every block looks at.
#[derive(Debug, Clone, Copy)]
struct Hot {
    max_fee_wei: u64,
    tip_wei: u64,
    /// Zero once included.
    gas: u32,
    /// The block in which it leaves or bids again; zero once included.
    due: u32,
    sequence: u32,
    blobs: u8,
    /// Whether it bids again at `due`.
    escalates: bool,
}

/// What is looked at once a transaction is included or dropped.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    pub(super) value_wei: u64,
    pub(super) blob_value_wei: u64,
    pub(super) max_fee_wei: u64,
    /// The tip at submission, before replacements.
    pub(super) offered_tip_wei: u64,
    pub(super) arrived: u32,
    pub(super) deadline: u32,
    pub(super) delay_cost_q32: u32,
    pub(super) discounted: bool,
}

/// What a block asks of the pool.
#[derive(Debug, Clone, Copy)]
pub(super) struct Query {
    pub(super) height: u32,
    pub(super) base_fee_wei: u64,
    pub(super) blob_fee_wei: u64,
    pub(super) tip_floor_wei: u64,
    pub(super) escalation_blocks: u32,
    pub(super) escalation_ppm: u32,
}

/// What a scan found besides candidates.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Scan {
    pub(super) ineligible: u32,
    pub(super) ineligible_gas: u64,
    pub(super) replaced: u32,
}

#[derive(Debug)]
pub(super) struct Pool {
    rules: PoolRules,
    hot: Vec<Hot>,
    cold: Vec<Waiting>,
    /// Included transactions still in the arrays.
    dead: usize,
    sequence: u32,
    keys: Vec<(u64, u32)>,
}

impl Pool {
    pub(super) fn new(rules: PoolRules) -> Self {
        let room = rules.capacity as usize * 2;
        Self {
            rules,
            hot: Vec::with_capacity(room),
            cold: Vec::with_capacity(room),
            dead: 0,
            sequence: 0,
            keys: Vec::new(),
        }
    }

    /// Transactions that wait.
    pub(super) const fn len(&self) -> usize {
        self.hot.len() - self.dead
    }

    pub(super) fn add(&mut self, user: &User, bid: &Bid, height: u32, escalation_blocks: u32) {
        let escalates = bid.kind == Kind::Escalating;
        let due = if escalates {
            bid.deadline.min(height.saturating_add(escalation_blocks))
        } else {
            bid.deadline
        };
        self.hot.push(Hot {
            max_fee_wei: bid.max_fee_wei,
            tip_wei: bid.tip_wei,
            gas: user.gas,
            due,
            sequence: self.sequence,
            blobs: user.blobs,
            escalates,
        });
        self.cold.push(Waiting {
            value_wei: user.value_wei,
            blob_value_wei: user.blob_value_wei,
            max_fee_wei: bid.max_fee_wei,
            offered_tip_wei: bid.tip_wei,
            arrived: height,
            deadline: bid.deadline,
            delay_cost_q32: bid.delay_cost_q32,
            discounted: bid.discounted,
        });
        self.sequence = self.sequence.wrapping_add(1);
    }

    /// Evicts the cheapest if there are too many; `dropped` sees each.
    pub(super) fn evict(&mut self, mut dropped: impl FnMut(&Waiting)) {
        let capacity = self.rules.capacity as usize;
        if self.len() <= capacity {
            return;
        }
        let excess = self.len() - (capacity - capacity / 16);
        self.keys.clear();
        let live = self.hot.iter().filter(|hot| hot.gas > 0);
        // Of equal maximum fees the latest goes first.
        self.keys.extend(live.map(|hot| (hot.max_fee_wei, u32::MAX - hot.sequence)));
        let (_, last, _) = self.keys.select_nth_unstable(excess - 1);
        let last = *last;
        let mut place = 0;
        while place < self.hot.len() {
            let hot = &self.hot[place];
            if hot.gas > 0 && (hot.max_fee_wei, u32::MAX - hot.sequence) <= last {
                dropped(&self.cold[place]);
                self.remove(place);
            } else {
                place += 1;
            }
        }
    }

    /// Drops what is due, lets escalating users bid again, and collects what could be included.
    pub(super) fn scan(
        &mut self,
        query: &Query,
        candidates: &mut Vec<Candidate>,
        mut dropped: impl FnMut(&Waiting),
    ) -> Scan {
        candidates.clear();
        let mut scan = Scan::default();
        let mut place = 0;
        while place < self.hot.len() {
            if self.hot[place].due <= query.height && !self.renew(place, query, &mut scan) {
                if self.hot[place].gas > 0 {
                    dropped(&self.cold[place]);
                } else {
                    self.dead -= 1;
                }
                self.remove(place);
                continue;
            }
            let hot = &self.hot[place];
            let effective = hot.max_fee_wei.checked_sub(query.base_fee_wei);
            match effective.map(|room| room.min(hot.tip_wei)) {
                Some(effective_tip_wei)
                    if effective_tip_wei >= query.tip_floor_wei
                        && (hot.blobs == 0
                            || self.cold[place].blob_value_wei >= query.blob_fee_wei) =>
                {
                    candidates.push(Candidate {
                        effective_tip_wei,
                        gas: hot.gas,
                        sequence: hot.sequence,
                        index: u32::try_from(place).unwrap_or(u32::MAX),
                        blobs: hot.blobs,
                    });
                }
                _ => {
                    scan.ineligible += 1;
                    scan.ineligible_gas += u64::from(hot.gas);
                }
            }
            place += 1;
        }
        scan
    }

    /// Whether a transaction that is due stays, because its user bids again or may do so later.
    fn renew(&mut self, place: usize, query: &Query, scan: &mut Scan) -> bool {
        let (hot, cold) = (&mut self.hot[place], &mut self.cold[place]);
        if hot.gas == 0 || !hot.escalates || cold.deadline <= query.height {
            return false;
        }
        hot.due = cold.deadline.min(query.height.saturating_add(query.escalation_blocks));
        let raised = |wei: u64, ppm: u32| {
            let raise = u128::from(wei) * u128::from(ppm);
            // Rounded up, so that a bump of ten per cent is one also at small prices.
            wei.saturating_add(u64::try_from(raise.div_ceil(1_000_000)).unwrap_or(u64::MAX))
        };
        let tip_wei = raised(hot.tip_wei, query.escalation_ppm);
        let max_fee_wei = raised(hot.max_fee_wei, query.escalation_ppm).min(cold.value_wei);
        let enough = tip_wei >= raised(hot.tip_wei, self.rules.bump_ppm)
            && max_fee_wei >= raised(hot.max_fee_wei, self.rules.bump_ppm);
        if enough && tip_wei <= max_fee_wei {
            (hot.tip_wei, hot.max_fee_wei) = (tip_wei, max_fee_wei);
            cold.max_fee_wei = max_fee_wei;
            scan.replaced += 1;
        }
        true
    }

    /// Takes an included transaction out; the arrays keep its place until the next scan.
    pub(super) fn include(&mut self, index: u32) -> Waiting {
        let place = index as usize;
        (self.hot[place].gas, self.hot[place].due) = (0, 0);
        self.dead += 1;
        self.cold[place]
    }

    fn remove(&mut self, place: usize) {
        self.hot.swap_remove(place);
        self.cold.swap_remove(place);
    }
}

#[cfg(test)]
mod tests;
