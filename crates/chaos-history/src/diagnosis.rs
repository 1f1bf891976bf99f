//! What a history that does not follow its rule follows instead.

use chaos_parameters::pricing::BaseFeeRule;
use chaos_simulation::flow::ObservedBlock;

/// Rules that chains have, most usual first: elasticity multiplier, change denominator, whose.
const KNOWN: [(u64, u64, &str); 9] = [
    (2, 8, "Ethereum since London"),
    (6, 250, "the OP stack since Canyon: --preset op-canyon"),
    (6, 50, "the OP stack before Canyon"),
    (5, 100, "Base since March 2026: --preset base-2026"),
    (6, 125, "Base in February 2026"),
    (2, 16, "Polygon since Delhi"),
    (2, 64, "Polygon since Bhilai"),
    (2, 250, "an OP-stack chain's setting"),
    (3, 250, "an OP-stack chain's setting"),
];

/// Rules that nobody is known to have are tried in these numbers.
const ELASTICITIES: std::ops::RangeInclusive<u64> = 1..=12;
const DENOMINATORS: [u64; 16] =
    [4, 8, 10, 16, 20, 25, 32, 50, 64, 100, 125, 128, 200, 250, 500, 1_000];

/// So many pairs are tried.
const PAIRS_MAX: usize = 500;

/// A rule fits if all but one in so many of them follow it.
const EXCEPTIONS: usize = 50;

/// Fewer pairs show nothing.
const PAIRS_MIN: usize = 8;

const WEI_PER_GWEI: u128 = 1_000_000_000;

/// A gas limit that changes by more than this factor between two blocks is another chain's.
const LIMIT_FACTOR: u64 = 2;

/// The numbers of a rule.
pub(crate) fn words(rule: &BaseFeeRule) -> String {
    let (elasticity, denominator) = (rule.elasticity_multiplier, rule.change_denominator);
    let floor = match rule.floor_wei {
        0 => String::new(),
        floor => format!(", floor {floor} wei"),
    };
    format!("elasticity {elasticity}, denominator {denominator}{floor}")
}

/// A block's gas use, gas limit and base fee in wei, and the fee of the next one.
type Pair = [u128; 4];

/// What fits the pairs of blocks, if anything known does; `first` is the place of the first block that
/// does not follow.
pub(crate) fn of(blocks: &[ObservedBlock], first: usize) -> Option<String> {
    let pairs = pairs(blocks, first, |parent, _| parent);
    if let Some(text) = second_chain(blocks, first) {
        return Some(text);
    }
    // Fees that stand still fit too many rules.
    if pairs.iter().filter(|[_, _, before, after]| before != after).count() < PAIRS_MIN {
        return None;
    }
    let floor = blocks.iter().filter_map(|block| block.base_fee_wei).min().unwrap_or(0);
    let floor_wei = u64::try_from(floor).unwrap_or(0);
    let rule = |elasticity_multiplier, change_denominator| BaseFeeRule {
        elasticity_multiplier,
        change_denominator,
        floor_wei,
    };
    for (elasticity, denominator, whose) in KNOWN {
        if fits(&pairs, |pair| follows(&rule(elasticity, denominator), pair)) {
            let floor_only =
                if floor > 0 { " with the lowest fee of the table as its floor" } else { "" };
            return Some(format!(
                "elasticity {elasticity} and denominator {denominator} would fit{floor_only} ({whose})"
            ));
        }
    }
    // Fees of a few units move by less than their rounding and fit any rule.
    let coarse: Vec<Pair> = pairs.iter().copied().filter(|pair| pair[2] >= 8).collect();
    for (elasticity, denominator, whose) in KNOWN {
        if coarse.len() >= PAIRS_MIN
            && fits(&coarse, |pair| follows_in_gwei(&rule(elasticity, denominator), pair))
        {
            return Some(format!(
                "the base fees are in gwei, not in wei: so read, the rule of {whose} would fit"
            ));
        }
    }
    if let Some(text) = shifted(blocks, first) {
        return Some(text);
    }
    let (elasticity, denominator) = ELASTICITIES
        .flat_map(|elasticity| DENOMINATORS.map(|denominator| (elasticity, denominator)))
        .find(|(elasticity, denominator)| {
            fits(&pairs, |pair| follows(&rule(*elasticity, *denominator), pair))
        })?;
    Some(format!(
        "elasticity {elasticity} and denominator {denominator} would fit, which no chain known here has: name them with \
         --baseline elasticity-multiplier={elasticity} --baseline base-fee-change-denominator={denominator}"
    ))
}

/// Pairs of consecutive blocks with known fees, from the first that does not follow on, or the last
/// ones; `gas` says whose gas moves the fee.
fn pairs<'a>(
    blocks: &'a [ObservedBlock],
    first: usize,
    gas: impl Fn(&'a ObservedBlock, &'a ObservedBlock) -> &'a ObservedBlock,
) -> Vec<Pair> {
    let start = first.saturating_sub(1).min(blocks.len().saturating_sub(PAIRS_MAX + 1));
    let pair = |pair: &'a [ObservedBlock]| {
        let (parent, child) = (&pair[0], &pair[1]);
        (parent.number.checked_add(1) == Some(child.number)).then_some(())?;
        let moves = gas(parent, child);
        Some([
            moves.gas_used.into(),
            moves.gas_limit.into(),
            parent.base_fee_wei?,
            child.base_fee_wei?,
        ])
    };
    blocks[start..].windows(2).take(PAIRS_MAX).filter_map(pair).collect()
}

fn fits(pairs: &[Pair], follows: impl Fn(&Pair) -> bool) -> bool {
    let most = pairs.len() / EXCEPTIONS;
    let mut broken = 0;
    pairs.iter().all(|pair| {
        broken += usize::from(!follows(pair));
        broken <= most
    })
}

fn narrow(value: u128) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

fn follows(rule: &BaseFeeRule, &[used, limit, before, after]: &Pair) -> bool {
    let next = |used: u128| rule.next(before, narrow(used), narrow(limit));
    (next(used.saturating_sub(1))..=next(used + 1)).contains(&after)
}

/// Fees that were rounded to a whole number of gwei follow to within one and what it moves.
fn follows_in_gwei(rule: &BaseFeeRule, &[used, limit, before, after]: &Pair) -> bool {
    let rule = BaseFeeRule { floor_wei: 0, ..*rule };
    let next = rule.next(before * WEI_PER_GWEI, narrow(used), narrow(limit));
    next.abs_diff(after * WEI_PER_GWEI) <= WEI_PER_GWEI + WEI_PER_GWEI / 8
}

/// Whether a usual rule fits once each base fee is that of the next block, as `eth_feeHistory` and
/// some tables list it.
fn shifted(blocks: &[ObservedBlock], first: usize) -> Option<String> {
    let pairs = pairs(blocks, first, |_, child| child);
    let fits_shifted =
        KNOWN.iter().take(2).any(|(elasticity_multiplier, change_denominator, _)| {
            let rule = BaseFeeRule {
                elasticity_multiplier: *elasticity_multiplier,
                change_denominator: *change_denominator,
                floor_wei: 0,
            };
            pairs.len() >= PAIRS_MIN && fits(&pairs, |pair| follows(&rule, pair))
        });
    fits_shifted.then(|| "each row has the base fee of the block after it".to_owned())
}

/// Whether another chain begins at this place.
fn second_chain(blocks: &[ObservedBlock], first: usize) -> Option<String> {
    let (parent, child) = (blocks.get(first.checked_sub(1)?)?, blocks.get(first)?);
    let (low, high) =
        (parent.gas_limit.min(child.gas_limit), parent.gas_limit.max(child.gas_limit));
    (high / low.max(1) >= LIMIT_FACTOR).then(|| {
        format!(
            "the gas limit goes from {} to {} there: two chains in one table",
            parent.gas_limit, child.gas_limit
        )
    })
}
