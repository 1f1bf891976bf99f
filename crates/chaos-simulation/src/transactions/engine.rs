//! The loop: users arrive and bid, the block is packed and paid for, prices move.

use chaos_parameters::pricing::{BlockUse, Fees, GAS_PER_BLOB};

use super::{
    Arm, Block, Error, Outcome, Spec,
    accounts::Payments,
    builder::{Builder, Candidate, Room},
    draw::{Draw, User},
    metrics::Meter,
    pool::{Pool, Query},
    proposers::{Plan, Proposers},
    rules::Rules,
    scale::Scale,
    users::{Habits, View, value_after},
};

/// Runs one path in one arm.
///
/// `stream` is the seed and the number of the path.
///
/// # Errors
/// If a number of the spec or of the arm is out of bounds.
pub fn run(spec: &Spec, arm: &Arm, stream: (u64, u32)) -> Result<Outcome, Error> {
    let mut outcomes = run_arms(spec, std::slice::from_ref(arm), stream)?;
    Ok(outcomes.pop().expect("one arm has one outcome"))
}

/// Runs one path in several arms that see the same users; outcomes are in the order of the arms.
///
/// # Errors
/// As [`run`], and if the arms differ in block time.
pub fn run_arms(spec: &Spec, arms: &[Arm], stream: (u64, u32)) -> Result<Vec<Outcome>, Error> {
    run_observed(spec, arms, stream, |_, _| {})
}

/// The same, showing every block of every arm (its place in `arms`), the warm-up included.
///
/// # Errors
/// As [`run_arms`].
pub fn run_observed(
    spec: &Spec,
    arms: &[Arm],
    stream: (u64, u32),
    mut observe: impl FnMut(usize, &Block),
) -> Result<Vec<Outcome>, Error> {
    spec.ensure(arms)?;
    let mut draw = Draw::new(&spec.arrivals, spec.warmup_blocks, stream);
    let habits = Habits::new(&spec.users, draw.scale());
    let mut markets: Vec<Market<'_>> =
        arms.iter().map(|arm| Market::new(spec, arm, stream)).collect();
    let mut users = Vec::new();
    for height in 0..spec.warmup_blocks.saturating_add(spec.blocks) {
        draw.next_block(height);
        std::mem::swap(&mut users, &mut draw.users);
        let elapsed_ms = draw.elapsed_ms(spec.baseline.block_time_ms());
        for (place, market) in markets.iter_mut().enumerate() {
            let arrived = Arrived { height, users: &users, elapsed_ms };
            let block = market.step(arrived, &habits, draw.scale());
            observe(place, &block);
        }
        std::mem::swap(&mut users, &mut draw.users);
    }
    let cut = draw.blocks_cut;
    Ok(markets.into_iter().map(|market| market.meter.finish(cut)).collect())
}

/// What a block begins with, the same in every arm.
#[derive(Clone, Copy)]
struct Arrived<'a> {
    height: u32,
    users: &'a [User],
    elapsed_ms: u64,
}

/// One arm as it goes.
struct Market<'a> {
    spec: &'a Spec,
    arm: &'a Arm,
    rules: Rules,
    fees: Fees,
    recent_wei: u64,
    crowded_tip_wei: Option<u64>,
    pool: Pool,
    builder: Builder,
    candidates: Vec<Candidate>,
    included: Vec<Candidate>,
    proposers: Proposers,
    meter: Meter,
}

impl<'a> Market<'a> {
    fn new(spec: &'a Spec, arm: &'a Arm, stream: (u64, u32)) -> Self {
        let rules = Rules::of(&spec.baseline);
        let fees = rules.pricing.settled(spec.start_base_fee_wei);
        Self {
            spec,
            arm,
            rules,
            fees,
            recent_wei: fees.base_fee_wei,
            crowded_tip_wei: None,
            pool: Pool::new(spec.pool),
            builder: Builder::default(),
            candidates: Vec::new(),
            included: Vec::new(),
            proposers: Proposers::new(arm.proposer, stream),
            meter: Meter::new(spec, arm),
        }
    }

    fn step(&mut self, arrived: Arrived<'_>, habits: &Habits, scale: &Scale) -> Block {
        let Arrived { height, users, elapsed_ms } = arrived;
        let measured = height.checked_sub(self.spec.warmup_blocks);
        if measured == Some(0) {
            self.rules = Rules::of(&self.arm.parameters);
            self.rules.pricing.enact(&mut self.fees);
        }
        self.meter.begin(measured.is_some(), self.fees.base_fee_wei);
        self.receive(height, users, habits, scale);
        let query = Query {
            height,
            base_fee_wei: self.fees.base_fee_wei,
            blob_fee_wei: self.fees.blob_fee_wei,
            tip_floor_wei: self.rules.priority_fee_floor_wei,
            escalation_blocks: self.spec.users.escalation_blocks,
            escalation_ppm: self.spec.users.escalation_ppm,
        };
        let (pool, meter, warmup) = (&mut self.pool, &mut self.meter, self.spec.warmup_blocks);
        let scan = pool.scan(&query, &mut self.candidates, |waiting| {
            meter.dropped(waiting.arrived >= warmup);
        });
        let best_tip_wei = self.candidates.iter().map(|c| c.effective_tip_wei).max().unwrap_or(0);
        let plan = measured.map_or(Plan::Pack, |block| {
            self.proposers.plan(block, &self.rules, &self.fees, best_tip_wei)
        });
        let mut block = Block {
            height,
            measured: measured.is_some(),
            gas_limit: self.fees.gas_limit,
            gas_target: self.fees.gas_target,
            base_fee_wei: self.fees.base_fee_wei,
            blob_fee_wei: self.fees.blob_fee_wei,
            emptied: plan == Plan::Empty,
            backlog_ineligible: scan.ineligible,
            backlog_ineligible_gas: scan.ineligible_gas,
            ..Block::default()
        };
        self.fill(&mut block, plan, scale);
        self.meter.replaced(scan.replaced);
        self.meter.end(&block, self.proposers.coalition_owns(), &self.rules);
        self.advance(&block, elapsed_ms);
        block
    }

    fn receive(&mut self, height: u32, users: &[User], habits: &Habits, scale: &Scale) {
        let view = View {
            height,
            base_fee_wei: self.fees.base_fee_wei,
            blob_fee_wei: self.fees.blob_fee_wei,
            recent_wei: self.recent_wei,
            crowded_tip_wei: self.crowded_tip_wei,
            tip_floor_wei: self.rules.priority_fee_floor_wei,
            lifetime_blocks: self.spec.pool.lifetime_blocks,
        };
        let cap = self.rules.transaction_gas_cap.min(self.fees.gas_limit);
        let blobs = self.rules.blobs_per_transaction_max;
        for user in users {
            self.meter.arrived(user);
            let Some(bid) = habits.bid(user, &view, scale) else { continue };
            if u64::from(user.gas) > cap || u64::from(user.blobs) > blobs {
                self.meter.refused(user);
                continue;
            }
            self.pool.add(user, &bid, height, self.spec.users.escalation_blocks);
        }
        let (pool, meter, warmup) = (&mut self.pool, &mut self.meter, self.spec.warmup_blocks);
        pool.evict(|waiting| meter.evicted(waiting.arrived >= warmup));
    }

    fn fill(&mut self, block: &mut Block, plan: Plan, scale: &Scale) {
        let full = Room { gas: self.fees.gas_limit, blobs: self.rules.blobs_max };
        let eligible_gas: u64 = self.candidates.iter().map(|c| u64::from(c.gas)).sum();
        self.included.clear();
        match plan {
            Plan::Empty => {}
            Plan::Stuff { tip_wei } => {
                let gas = u128::from(full.gas);
                let (burnt, tips) =
                    (gas * u128::from(block.base_fee_wei), gas * u128::from(tip_wei));
                block.gas_stuffed = full.gas;
                block.tip_stuffed_wei = Some(tip_wei);
                block.gas_used = full.gas;
                block.payments = Payments {
                    deposited_wei: burnt + tips,
                    burnt_wei: burnt,
                    tips_wei: tips,
                    ..Payments::default()
                };
            }
            Plan::Pack => {
                let room = self.builder.pack(&self.candidates, full, &mut self.included);
                block.gas_used = full.gas - room.gas;
                block.blobs = full.blobs - room.blobs;
            }
        }
        block.transactions = u32::try_from(self.included.len()).unwrap_or(u32::MAX);
        let users_gas = block.gas_used - block.gas_stuffed;
        block.backlog_eligible_gas = eligible_gas - users_gas;
        block.backlog_eligible =
            u32::try_from(self.candidates.len()).unwrap_or(u32::MAX) - block.transactions;
        self.settle(block, scale);
    }

    /// Takes what is included out of the pool and accounts for it.
    fn settle(&mut self, block: &mut Block, scale: &Scale) {
        let base = block.base_fee_wei;
        let (mut tip_lowest, mut headroom_lowest) = (u64::MAX, i64::MAX);
        for candidate in &self.included {
            let waiting = self.pool.include(candidate.index);
            let tip = candidate.effective_tip_wei;
            let gas = u128::from(candidate.gas);
            let headroom =
                i64::try_from(i128::from(waiting.max_fee_wei) - i128::from(base) - i128::from(tip))
                    .unwrap_or(i64::MAX);
            headroom_lowest = headroom_lowest.min(headroom);
            tip_lowest = tip_lowest.min(tip);
            let payments = &mut block.payments;
            payments.deposited_wei += gas * u128::from(waiting.max_fee_wei);
            payments.burnt_wei += gas * u128::from(base);
            payments.tips_wei += gas * u128::from(tip);
            payments.refunded_wei += gas * u128::from(headroom.max(0).cast_unsigned());
            if candidate.blobs > 0 {
                let blob_gas = u128::from(candidate.blobs) * u128::from(GAS_PER_BLOB);
                payments.blob_deposited_wei += blob_gas * u128::from(waiting.blob_value_wei);
                payments.blob_burnt_wei += blob_gas * u128::from(block.blob_fee_wei);
                let back = waiting.blob_value_wei.saturating_sub(block.blob_fee_wei);
                payments.blob_refunded_wei += blob_gas * u128::from(back);
            }
            block.transaction_gas_max = block.transaction_gas_max.max(candidate.gas);
            if block.measured {
                let waited = block.height - waiting.arrived;
                let value = value_after(
                    waiting.value_wei,
                    waited,
                    waiting.delay_cost_q32,
                    waiting.discounted,
                    scale,
                );
                let since_warmup = waiting.arrived >= self.spec.warmup_blocks;
                self.meter.included(candidate, &waiting, waited, value, since_warmup);
            }
        }
        if !self.included.is_empty() {
            block.tip_lowest_wei = Some(tip_lowest);
            block.headroom_lowest_wei = Some(headroom_lowest);
        }
    }

    /// Moves prices to the next block.
    fn advance(&mut self, block: &Block, elapsed_ms: u64) {
        let crowded = u128::from(block.gas_used) * 10 > u128::from(block.gas_limit) * 9;
        self.crowded_tip_wei =
            crowded.then(|| block.tip_lowest_wei.or(block.tip_stuffed_wei).unwrap_or(0));
        let used =
            BlockUse { gas: block.gas_used, blob_gas: block.blobs * GAS_PER_BLOB, elapsed_ms };
        self.rules.pricing.advance(&mut self.fees, used);
        let base_fee_wei = self.fees.base_fee_wei;
        let recent = u64::from(self.spec.users.recent_blocks);
        self.recent_wei = if base_fee_wei >= self.recent_wei {
            self.recent_wei + (base_fee_wei - self.recent_wei) / recent
        } else {
            self.recent_wei - (self.recent_wei - base_fee_wei) / recent
        };
    }
}

#[cfg(test)]
mod tests;
