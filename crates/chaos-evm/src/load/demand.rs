//! Who wants what at which price.

use std::collections::BTreeSet;

use alloy_primitives::{Address, U256};
use rand_chacha::{
    ChaCha12Rng,
    rand_core::{Rng, SeedableRng},
};

use super::{contracts, parameters::LoadParameters};

/// One in so many blocks, out of a calm spell, starts a burst.
const BURST_STARTS_ONE_IN: u64 = 8;
/// One in so many blocks ends a burst.
const BURST_ENDS_ONE_IN: u64 = 4;
/// Demand in a burst over calm demand.
const BURST_FACTOR: u64 = 4;
/// Blocks a transaction waits before its sender gives up.
const PATIENCE_BLOCKS: u64 = 12;
/// Wei in a gwei.
const GWEI_WEI: u64 = 1_000_000_000;

/// Seeded randomness in whole numbers.
#[derive(Debug)]
pub(super) struct Dice(ChaCha12Rng);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(ChaCha12Rng::seed_from_u64(seed))
    }

    /// A number below `bound`, which must not be zero. The bias is below `bound` / 2^64.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.0.next_u64()) * u128::from(bound);
        u64::try_from(wide >> 64).expect("a 64-bit number times a bound, over 2^64, fits 64 bits")
    }

    /// A number from `from` to `to` inclusive.
    fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from + 1)
    }

    fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }

    fn address(&mut self) -> Address {
        let mut bytes = [0; 20];
        self.0.fill_bytes(&mut bytes);
        Address::from(bytes)
    }
}

/// The contracts and accounts that the load uses.
#[derive(Debug)]
pub(super) struct Cast {
    pub(super) accounts: Vec<Address>,
    pub(super) tokens: Vec<Address>,
    pub(super) pools: Vec<Address>,
    pub(super) nfts: Vec<Address>,
}

/// A transaction somebody wants, not yet in a block.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub(super) sender: Address,
    pub(super) to: Address,
    pub(super) value: U256,
    pub(super) input: alloy_primitives::Bytes,
    pub(super) gas_limit: u64,
    /// 0, 1 or 2.
    pub(super) type_byte: u8,
    /// Most wei per gas.
    pub(super) fee_max: u128,
    /// Most wei per gas above the base fee; equal to `fee_max` in types 0 and 1.
    pub(super) tip_max: u128,
    /// The last block it may stand in.
    pub(super) expires: u64,
}

/// The stream of wishes.
#[derive(Debug)]
pub(super) struct Demand {
    dice: Dice,
    burst: bool,
    /// The collection that the running burst mints.
    popular: usize,
}

impl Demand {
    pub(super) fn new(seed: u64) -> Self {
        Self { dice: Dice::new(seed), burst: false, popular: 0 }
    }

    /// New wishes before block `number`, from accounts that have none waiting.
    pub(super) fn next(
        &mut self,
        parameters: &LoadParameters,
        cast: &Cast,
        waiting: &BTreeSet<Address>,
        number: u64,
    ) -> Vec<Wish> {
        self.weather(cast);
        let target = parameters.gas_limit / 2;
        let calm = target / 1000 * u64::from(parameters.demand_ppm) / 1000;
        let mean = if self.burst { calm * BURST_FACTOR } else { calm };
        let mut gas_wanted = mean / 100 * self.dice.between(60, 140);

        let mut free: Vec<Address> =
            cast.accounts.iter().filter(|account| !waiting.contains(*account)).copied().collect();
        let mut wishes = Vec::new();
        while gas_wanted > 0 && !free.is_empty() {
            let place = self.dice.below(free.len() as u64);
            let place = usize::try_from(place).expect("it is below a length");
            let wish = self.wish(cast, free.swap_remove(place), number, parameters.base_fee_wei);
            gas_wanted = gas_wanted.saturating_sub(wish.gas_limit * 3 / 5);
            wishes.push(wish);
        }
        wishes
    }

    fn weather(&mut self, cast: &Cast) {
        if self.burst {
            self.burst = !self.dice.one_in(BURST_ENDS_ONE_IN);
        } else if self.dice.one_in(BURST_STARTS_ONE_IN) {
            self.burst = true;
            self.popular = self.index(cast.nfts.len());
        }
    }

    fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.dice.below(len as u64)).expect("it is below a length")
    }

    fn wish(&mut self, cast: &Cast, sender: Address, number: u64, price_wei: u64) -> Wish {
        let rush = self.burst && self.dice.below(100) < 60;
        let action = if rush { 99 } else { self.dice.below(100) };
        let (to, value, input, gas) = match action {
            0..15 => {
                let value = U256::from(self.dice.between(1, 1000)) * U256::from(GWEI_WEI);
                (self.recipient(cast), value, alloy_primitives::Bytes::new(), 21_000)
            }
            15..55 => self.token_transfer(cast),
            55..88 => self.swap(cast, sender),
            _ => {
                let nft = if rush { self.popular } else { self.index(cast.nfts.len()) };
                (cast.nfts[nft], U256::ZERO, contracts::mint_nft(sender), 130_000)
            }
        };
        let type_byte = match self.dice.below(100) {
            0..15 => 0,
            15..18 => 1,
            _ => 2,
        };
        // What a sender will pay does not follow the base fee, so a rising base fee prices some out.
        // Calm senders tip little; a rush tips to be first.
        let tip_milligwei =
            if rush { self.dice.between(500, 20_000) } else { self.dice.between(10, 2_500) };
        let tip_wei = u128::from(tip_milligwei) * u128::from(GWEI_WEI / 1000);
        let most_percent = 50 + self.dice.below(100) + self.dice.below(150);
        let most_percent = if rush { most_percent * 2 } else { most_percent };
        let fee_max = u128::from(price_wei) * u128::from(most_percent) / 100 + tip_wei;
        Wish {
            sender,
            to,
            value,
            input,
            gas_limit: gas,
            type_byte,
            fee_max,
            tip_max: if type_byte == 2 { tip_wei } else { fee_max },
            expires: number + self.dice.between(1, PATIENCE_BLOCKS),
        }
    }

    /// A known account nine times in ten, else one that never received anything.
    fn recipient(&mut self, cast: &Cast) -> Address {
        if self.dice.one_in(10) {
            return self.dice.address();
        }
        let place = self.index(cast.accounts.len());
        cast.accounts[place]
    }

    fn token_transfer(&mut self, cast: &Cast) -> (Address, U256, alloy_primitives::Bytes, u64) {
        let token = self.index(cast.tokens.len());
        let amount = U256::from(self.dice.between(1, 1_000_000)) * U256::from(GWEI_WEI);
        let to = self.recipient(cast);
        (cast.tokens[token], U256::ZERO, contracts::transfer(to, amount), 65_000)
    }

    /// One swap in twenty asks for more than the pool gives, and reverts.
    fn swap(
        &mut self,
        cast: &Cast,
        sender: Address,
    ) -> (Address, U256, alloy_primitives::Bytes, u64) {
        let pool = self.index(cast.pools.len());
        let amount = U256::from(self.dice.between(1_000, 1_000_000)) * U256::from(GWEI_WEI);
        let percent = if self.dice.one_in(20) { 200 } else { 1 };
        let out_min = amount * U256::from(percent) / U256::from(100);
        let input = contracts::swap(self.dice.one_in(2), amount, out_min, sender);
        (cast.pools[pool], U256::ZERO, input, 150_000)
    }
}
