//! Histories that follow a rule, made here.

use std::fmt::Write as _;

use chaos_parameters::pricing::BaseFeeRule;

pub(crate) const ETHEREUM: BaseFeeRule =
    BaseFeeRule { elasticity_multiplier: 2, change_denominator: 8, floor_wei: 0 };

pub(crate) const CANYON: BaseFeeRule =
    BaseFeeRule { elasticity_multiplier: 6, change_denominator: 250, floor_wei: 0 };

pub(crate) const HEADER: &str = "number,timestamp,gas_used,gas_limit,base_fee_wei";

/// One row: number, time, gas used, gas limit, base fee.
pub(crate) type Row = [u64; 5];

/// How a history is made.
#[derive(Clone, Copy)]
pub(crate) struct Chain {
    pub(crate) rule: BaseFeeRule,
    pub(crate) first: u64,
    pub(crate) time: u64,
    pub(crate) block_seconds: u64,
    pub(crate) limit: u64,
    pub(crate) fee: u64,
}

pub(crate) const MAINNET: Chain = Chain {
    rule: ETHEREUM,
    first: 18_000_000,
    time: 1_700_000_000,
    block_seconds: 12,
    limit: 30_000_000,
    fee: 30_000_000_000,
};

pub(crate) const ROLLUP: Chain = Chain {
    rule: CANYON,
    first: 10_000_000,
    time: 1_710_000_000,
    block_seconds: 2,
    limit: 240_000_000,
    fee: 10_000_000,
};

/// Blocks around the target, by a generator of random numbers of this seed.
pub(crate) fn rows(chain: &Chain, count: u64, seed: u64) -> Vec<Row> {
    let mut state = seed | 1;
    let mut fee = chain.fee;
    let target = chain.rule.target(chain.limit);
    (0..count)
        .map(|index| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let used = (state % (2 * target)).min(chain.limit);
            let row = [
                chain.first + index,
                chain.time + index * chain.block_seconds,
                used,
                chain.limit,
                fee,
            ];
            fee = chain.rule.next(fee.into(), used, chain.limit).try_into().unwrap();
            row
        })
        .collect()
}

pub(crate) fn csv(rows: &[Row]) -> String {
    let mut text = format!("{HEADER}\n");
    for row in rows {
        let [number, time, used, limit, fee] = row;
        writeln!(text, "{number},{time},{used},{limit},{fee}").unwrap();
    }
    text
}
