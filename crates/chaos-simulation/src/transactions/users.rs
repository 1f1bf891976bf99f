//! What users bid, how long they wait, and what waiting costs them.
//!
//! The model of [abm1559](https://github.com/ethereum/abm1559) (Monnot): a user has a value per
//! unit of gas that waiting reduces, either by a fixed amount per block (*affine*,
//! `v (1 - c t)`) or by a fixed share (*discounted*, `v (1 - c)^t`), bids by its kind, and does not
//! take part if its payoff would not be positive. Beyond that model, kinds that watch recent
//! prices are added, because wallets do, and because without them use of one block and the next
//! are hardly related while on Ethereum their correlation was -0.41.
//!
//! Every user withdraws its transaction when waiting has eaten the difference between its value
//! and its bid, or when the pool drops it.

use chaos_parameters::fixed;

use super::{Error, draw::User, rules::bound, scale::Scale};

/// Points of the tables that habits are read from.
const POINTS: usize = 1_024;

/// The kinds of users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Offers its value as the maximum fee and its usual tip; bids only if the next block pays.
    Truthful,
    /// The same, but when the last block was over 90 % full it offers a tip one eighth over the
    /// lowest in it.
    Strategic,
    /// One price per gas, a multiple of the recent base fee, as legacy transactions and wallets
    /// that quote a single price do; the excess over the base fee is the tip.
    Legacy,
    /// Waits for a price near or below the recent one: its maximum fee is a multiple of the recent
    /// base fee, and its tip the usual one.
    Patient,
    /// Bids a quarter over the base fee and the usual tip; while it is not included it replaces
    /// its transaction with a higher maximum fee and tip, up to its value.
    Escalating,
}

/// Shares of the kinds in ppm; the rest is [`Kind::Truthful`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    /// Share of [`Kind::Strategic`].
    pub strategic_ppm: u32,
    /// Share of [`Kind::Legacy`].
    pub legacy_ppm: u32,
    /// Share of [`Kind::Patient`].
    pub patient_ppm: u32,
    /// Share of [`Kind::Escalating`].
    pub escalating_ppm: u32,
}

/// A range that habits are spread over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The smallest.
    pub low: u64,
    /// The largest.
    pub high: u64,
}

/// Who the users are. None of this shows in headers; all of it is an assumption to vary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Users {
    /// Shares of the kinds.
    pub shares: Shares,
    /// Share of users whose waiting costs are discounted rather than affine, in ppm.
    pub discounted_ppm: u32,
    /// Usual tip in wei per gas; its logarithm has a triangular distribution over the range.
    pub tip_wei: Range,
    /// Cost of waiting a block as ppm of the value; log-uniform over the range.
    pub delay_cost_ppm: Range,
    /// Maximum fee of patient users over the recent base fee, in ppm; uniform.
    pub patient_cap_ppm: Range,
    /// Price of legacy users over the recent base fee, in ppm; uniform.
    pub legacy_price_ppm: Range,
    /// The recent base fee is an exponential mean over about this many blocks.
    pub recent_blocks: u32,
    /// Blocks after which an escalating user bids again.
    pub escalation_blocks: u32,
    /// By how much it raises tip and maximum fee, in ppm.
    pub escalation_ppm: u32,
}

impl Users {
    /// Only truthful users with the same small tip and hardly any cost of waiting; for oracles.
    #[must_use]
    pub const fn truthful(tip_wei: u64) -> Self {
        Self {
            shares: Shares { strategic_ppm: 0, legacy_ppm: 0, patient_ppm: 0, escalating_ppm: 0 },
            tip_wei: Range { low: tip_wei, high: tip_wei },
            ..Self::stated()
        }
    }

    /// The mix with which the model comes near the 35,000 blocks after London; see the tests for
    /// how near. Tips span the tenth to ninetieth percentile of the recorded blocks.
    #[must_use]
    pub const fn stated() -> Self {
        Self {
            shares: Shares {
                strategic_ppm: 50_000,
                legacy_ppm: 150_000,
                patient_ppm: 700_000,
                escalating_ppm: 50_000,
            },
            discounted_ppm: 300_000,
            tip_wei: Range { low: 100_000_000, high: 20_000_000_000 },
            delay_cost_ppm: Range { low: 1_000, high: 100_000 },
            patient_cap_ppm: Range { low: 850_000, high: 1_100_000 },
            legacy_price_ppm: Range { low: 900_000, high: 1_500_000 },
            recent_blocks: 30,
            escalation_blocks: 3,
            escalation_ppm: 125_000,
        }
    }

    /// Refuses what has no meaning.
    pub(super) fn ensure(&self) -> Result<(), Error> {
        let shares = self.shares;
        let total =
            [shares.strategic_ppm, shares.legacy_ppm, shares.patient_ppm, shares.escalating_ppm];
        let total: u64 = total.into_iter().map(u64::from).sum();
        bound("users.shares (sum)", total, 0, 1_000_000)?;
        bound("users.discounted_ppm", self.discounted_ppm.into(), 0, 1_000_000)?;
        let ranges = [
            ("users.tip_wei", self.tip_wei, 1, 1 << 50),
            ("users.delay_cost_ppm", self.delay_cost_ppm, 1, 1_000_000),
            ("users.patient_cap_ppm", self.patient_cap_ppm, 1, 100_000_000),
            ("users.legacy_price_ppm", self.legacy_price_ppm, 1, 100_000_000),
        ];
        for (field, range, min, max) in ranges {
            bound(field, range.low, min, max)?;
            bound(field, range.high, range.low, max)?;
        }
        bound("users.recent_blocks", self.recent_blocks.into(), 1, 1 << 20)?;
        bound("users.escalation_blocks", self.escalation_blocks.into(), 1, 1 << 20)?;
        bound("users.escalation_ppm", self.escalation_ppm.into(), 1, 100_000_000)
    }
}

/// What a user sees when it bids.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    /// The block that is being filled.
    pub(super) height: u32,
    /// Its base fee; everybody knows it once the parent is sealed.
    pub(super) base_fee_wei: u64,
    /// Its price of a unit of blob gas.
    pub(super) blob_fee_wei: u64,
    /// The recent base fee.
    pub(super) recent_wei: u64,
    /// The lowest effective tip in the last block if that was over 90 % full.
    pub(super) crowded_tip_wei: Option<u64>,
    /// The smallest tip that counts.
    pub(super) tip_floor_wei: u64,
    /// Most blocks the pool keeps a transaction.
    pub(super) lifetime_blocks: u32,
}

/// A transaction as submitted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bid {
    pub(super) kind: Kind,
    pub(super) max_fee_wei: u64,
    pub(super) tip_wei: u64,
    /// The first block in which it no longer stands.
    pub(super) deadline: u32,
    /// Cost of waiting a block as a share of the value in Q32.
    pub(super) delay_cost_q32: u32,
    pub(super) discounted: bool,
}

/// [`Users`] with everything constant computed once.
#[derive(Debug, Clone)]
pub(super) struct Habits {
    /// Upper ends of the kinds' shares of 2^16, in the order of the match in [`Self::kind`].
    kind_ends: [u32; 4],
    discounted_end: u64,
    tips_wei: Vec<u64>,
    delay_costs_q32: Vec<u32>,
    patient_cap_ppm: Range,
    legacy_price_ppm: Range,
}

impl Habits {
    pub(super) fn new(users: &Users, scale: &Scale) -> Self {
        let shares = users.shares;
        let mut sum = 0u64;
        let kind_ends =
            [shares.strategic_ppm, shares.legacy_ppm, shares.patient_ppm, shares.escalating_ppm]
                .map(|share| {
                    sum += u64::from(share);
                    u32::try_from((sum << 16) / 1_000_000).unwrap_or(1 << 16)
                });
        let cost_low = u64::try_from(fixed::ppm_to_q32(1)).unwrap_or(1);
        let costs = Range {
            low: users.delay_cost_ppm.low * cost_low,
            high: users.delay_cost_ppm.high * cost_low,
        };
        Self {
            kind_ends,
            discounted_end: u64::from(users.discounted_ppm) * 256 / 1_000_000,
            tips_wei: (0..POINTS).map(|at| triangular(users.tip_wei, at, scale)).collect(),
            delay_costs_q32: (0..POINTS)
                .map(|at| u32::try_from(log_uniform(costs, at, scale)).unwrap_or(u32::MAX))
                .collect(),
            patient_cap_ppm: users.patient_cap_ppm,
            legacy_price_ppm: users.legacy_price_ppm,
        }
    }

    #[inline]
    fn kind(&self, bits: u16) -> Kind {
        let bits = u32::from(bits);
        let [strategic, legacy, patient, escalating] = self.kind_ends;
        if bits < strategic {
            Kind::Strategic
        } else if bits < legacy {
            Kind::Legacy
        } else if bits < patient {
            Kind::Patient
        } else if bits < escalating {
            Kind::Escalating
        } else {
            Kind::Truthful
        }
    }

    /// The user's transaction, or `None` if it does not take part.
    #[inline]
    pub(super) fn bid(&self, user: &User, view: &View, scale: &Scale) -> Option<Bid> {
        // Nobody bids who would lose in the cheapest block within reach.
        if user.value_wei <= view.base_fee_wei / 2 {
            return None;
        }
        let kind = if user.blobs > 0 { Kind::Truthful } else { self.kind(user.kind_bits) };
        let base = view.base_fee_wei;
        let usual = self.tips_wei[table_index(user.bits)].max(view.tip_floor_wei);
        let share = (user.bits >> 32) & 0xfff;
        let (max_fee_wei, tip_wei) = match kind {
            Kind::Truthful => (user.value_wei, usual),
            Kind::Escalating => {
                let first = base.saturating_add(base / 4).saturating_add(usual);
                (first.min(user.value_wei), usual)
            }
            Kind::Strategic => {
                let crowded = view.crowded_tip_wei.map_or(0, |tip| tip + tip / 8 + 1);
                let most = user.value_wei.saturating_sub(base);
                (user.value_wei, if crowded < most { usual.max(crowded) } else { usual })
            }
            Kind::Legacy => {
                let price = share_of(view.recent_wei, self.legacy_price_ppm, share);
                let price = price.saturating_add(usual).min(user.value_wei);
                (price, price)
            }
            Kind::Patient => {
                let cap = share_of(view.recent_wei, self.patient_cap_ppm, share);
                (cap.saturating_add(usual).min(user.value_wei), usual)
            }
        };
        let wait_price = match kind {
            // They bid for the next block; elsewhere the bid is what they wait for.
            Kind::Truthful | Kind::Escalating | Kind::Strategic => base.saturating_add(tip_wei),
            Kind::Legacy | Kind::Patient => max_fee_wei,
        };
        if wait_price >= user.value_wei && kind_needs_surplus(kind) || max_fee_wei <= base / 2 {
            return None;
        }
        if user.blobs > 0 && user.blob_value_wei <= view.blob_fee_wei / 2 {
            return None;
        }
        let delay_cost_q32 = self.delay_costs_q32[table_index(user.bits >> 44)];
        let discounted = (user.bits >> 56) < self.discounted_end;
        let patience = patience_blocks(
            user.value_wei,
            wait_price.min(user.value_wei),
            delay_cost_q32,
            discounted,
            scale,
        );
        let patience = patience.clamp(1, view.lifetime_blocks);
        let deadline = view.height.saturating_add(patience);
        Some(Bid { kind, max_fee_wei, tip_wei, deadline, delay_cost_q32, discounted })
    }
}

/// Whether a bid without surplus is pointless for this kind.
const fn kind_needs_surplus(kind: Kind) -> bool {
    match kind {
        Kind::Truthful | Kind::Strategic | Kind::Escalating => true,
        // Their price is at most their value; being served at it is no loss.
        Kind::Legacy | Kind::Patient => false,
    }
}

/// What is left of a value after waiting.
#[inline]
pub(super) fn value_after(
    value_wei: u64,
    blocks: u32,
    delay_cost_q32: u32,
    discounted: bool,
    scale: &Scale,
) -> u64 {
    let keep_q32 = if discounted {
        let per_block = scale.log2((1 << 32) - u64::from(delay_cost_q32)) - (32 << 32);
        scale.exp2(1 << 32, per_block.saturating_mul(blocks.into()))
    } else {
        (1u64 << 32).saturating_sub(u64::from(delay_cost_q32) * u64::from(blocks))
    };
    let kept = (u128::from(value_wei) * u128::from(keep_q32)) >> 32;
    u64::try_from(kept).expect("a share of a 64-bit number fits 64 bits")
}

/// How long the value stays above the price.
fn patience_blocks(
    value_wei: u64,
    price_wei: u64,
    delay_cost_q32: u32,
    discounted: bool,
    scale: &Scale,
) -> u32 {
    let cost = u64::from(delay_cost_q32.max(1));
    let blocks = if discounted {
        let octaves = (scale.log2(value_wei) - scale.log2(price_wei)).max(0);
        // ln(v / p) / c, the discount being small.
        fixed::log2_to_ln_q32(octaves).cast_unsigned() / cost
    } else {
        // Both are shifted into 32 bits; a share of the value needs no more.
        let shift = 32u32.saturating_sub(value_wei.leading_zeros());
        let (value, surplus) = (value_wei >> shift, (value_wei - price_wei) >> shift);
        ((surplus << 32) / value.max(1)) / cost
    };
    u32::try_from(blocks).unwrap_or(u32::MAX)
}

/// The low ten bits.
#[inline]
fn table_index(bits: u64) -> usize {
    let [low, high, ..] = (bits & 0x3ff).to_le_bytes();
    usize::from(u16::from_le_bytes([low, high]))
}

/// A uniform share (of 2^12) of a range in ppm, applied to a price.
#[inline]
fn share_of(price_wei: u64, range: Range, share: u64) -> u64 {
    let ppm = range.low + (((range.high - range.low) * share) >> 12);
    match price_wei.checked_mul(ppm) {
        Some(product) => product / 1_000_000,
        None => {
            let wide = u128::from(price_wei) * u128::from(ppm) / 1_000_000;
            u64::try_from(wide).unwrap_or(u64::MAX)
        }
    }
}

/// The middle of a cell of a log-uniform distribution.
fn log_uniform(range: Range, place: usize, scale: &Scale) -> u64 {
    let width = i128::from(scale.log2(range.high) - scale.log2(range.low));
    let octaves = width * (2 * place as i128 + 1) / (2 * POINTS as i128);
    scale.exp2(range.low, fixed::saturate(octaves)).clamp(range.low, range.high)
}

/// The middle of a cell of a distribution whose logarithm is triangular and symmetric.
fn triangular(range: Range, place: usize, scale: &Scale) -> u64 {
    // The quantile is sqrt(u / 2) below the middle and mirrored above it.
    let cells = 2 * POINTS as i128;
    let middle = 2 * place as i128 + 1;
    let lower = middle.min(cells - middle);
    let root = fixed::sqrt_q32(fixed::saturate((lower << 31) / cells));
    let quantile = if middle <= cells / 2 { root } else { fixed::ONE_Q32 - root };
    let width = scale.log2(range.high) - scale.log2(range.low);
    scale.exp2(range.low, fixed::mul_q32(width, quantile)).clamp(range.low, range.high)
}

#[cfg(test)]
mod tests;
