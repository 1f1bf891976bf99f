//! The fee rule, held to every pair of blocks that follow each other.

mod error;

use chaos_chain_config::{ChainConfig, HeaderFees};
use chaos_parameters::{
    Family, ParameterName, Parameters, Setting,
    pricing::{BaseFeeRule, BlobRule, GAS_PER_BLOB},
};
use chaos_simulation::flow::ObservedBlock;
use chaos_types::ChainId;

pub use self::error::RuleError;
use crate::{BlobBlock, FeeHistory, diagnosis};

/// By which rule a chain's blocks are said to have their fees: the chain's own, which change with its
/// forks, or those that somebody names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    chain: Option<&'static ChainConfig>,
    /// They come before the chain's own in what they say of the base fee.
    named: Option<Parameters>,
    /// The named ones from this block on, where they change.
    then: Option<(u64, Parameters)>,
}

/// Pairs of consecutive blocks that were held to the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Pairs whose fees are known and whose rule is.
    pub pairs: u64,
    /// Of those, how many follow it.
    pub holding: u64,
    /// Of those, how many to the last unit. The others are within what one unit of gas moves: gas use
    /// that was computed back from fees is not exact.
    pub exact: u64,
    /// Pairs whose rule is not known, so that nothing was checked.
    pub unruled: u64,
    /// Pairs that were held to the numbers in the extra data of their first block.
    pub by_extra_data: u64,
    /// The place of the first block that does not follow from the one before it.
    first_broken: Option<usize>,
}

/// What checking a history found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// Base fees.
    pub base_fee: Counts,
    /// Excess blob gas.
    pub blobs: Counts,
    /// The family whose base fee does not follow from headers, if it is one of those.
    pub unchecked: Option<Family>,
}

impl Rules {
    /// Those of a known chain.
    ///
    /// # Errors
    /// [`RuleError::UnknownChain`].
    pub fn of(chain: &ChainId) -> Result<Self, RuleError> {
        Self::new(chain, None)
    }

    /// Those of a chain, or the `named` ones, which a chain that is not known needs.
    ///
    /// # Errors
    /// [`RuleError::UnknownChain`], and [`RuleError::OtherFamily`] if the chain is of another family
    /// than the named parameters.
    pub fn new(chain: &ChainId, named: Option<Parameters>) -> Result<Self, RuleError> {
        let known = chain.evm_number().and_then(ChainConfig::of);
        Self::by(chain, known, named)
    }

    /// Those of a chain by a chain config that somebody brought, or the `named` ones.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of_config(
        config: &'static ChainConfig,
        named: Option<Parameters>,
    ) -> Result<Self, RuleError> {
        Self::by(&ChainId::evm(config.number), Some(config), named)
    }

    fn by(
        chain: &ChainId,
        known: Option<&'static ChainConfig>,
        named: Option<Parameters>,
    ) -> Result<Self, RuleError> {
        if let (Some(ChainConfig { family: Some(family), .. }), Some(named)) = (known, named)
            && *family != named.family()
        {
            let (chain, family, named) = (chain.clone(), *family, named.family());
            return Err(RuleError::OtherFamily { chain, family, named });
        }
        if known.is_none() && named.is_none() {
            return Err(RuleError::UnknownChain { chain: chain.clone() });
        }
        Ok(Self { chain: known, named, then: None })
    }

    /// The parameters by which a block of this number and time (Unix seconds) has its base fee; `None`
    /// if they are not known, or stand in the block before it.
    #[must_use]
    pub fn parameters_at(&self, number: u64, timestamp: u64) -> Option<Parameters> {
        self.named_at(number).or_else(|| self.chain?.parameters_at(number, timestamp))
    }

    /// The parameters by which the block after this one has its base fee, where `fees` is what its extra
    /// data says of them; `None` if they are not known.
    ///
    /// # Errors
    /// If a number in the extra data is out of bounds.
    pub fn parameters_after(
        &self,
        number: u64,
        timestamp: u64,
        fees: Option<HeaderFees>,
    ) -> Result<Option<Parameters>, chaos_parameters::Error> {
        let era = self.chain.and_then(|chain| chain.era_at(number, timestamp));
        match (self.named_at(number + 1), era, fees) {
            (Some(named), ..) => Ok(Some(named)),
            (None, Some(era), Some(fees)) if era.in_extra_data => {
                let time = self.chain.and_then(|chain| chain.block_time_ms);
                let parameters = era.with(&fees)?;
                let time = time.map(|time| Setting::new(ParameterName::BlockTime, time));
                match time.transpose()? {
                    Some(time) => parameters.apply(&[time]).map(Some),
                    None => Ok(Some(parameters)),
                }
            }
            (None, era, _) => Ok(era.and_then(|era| era.rules)),
        }
    }

    /// The numbers of the rule that a block's extra data says, where its chain keeps them there and nothing
    /// else is named.
    fn said_by(&self, block: &ObservedBlock, fees: Option<HeaderFees>) -> Option<BaseFeeRule> {
        if self.named.is_some() {
            return None;
        }
        let era = self.chain?.era_at(block.number, block.timestamp)?;
        era.in_extra_data.then_some(fees?).map(|fees| fees.rule())
    }

    /// Whether base fees follow the larger of gas use and blob gas used.
    fn by_footprint(&self, block: &ObservedBlock) -> bool {
        let era = self.chain.and_then(|chain| chain.era_at(block.number, block.timestamp));
        era.is_some_and(|era| era.by_footprint)
    }

    /// The same rules, with others in the place of the named ones from a block on; nothing changes if
    /// none were named.
    #[must_use]
    pub fn changing_at(self, block: u64, parameters: Parameters) -> Self {
        Self { then: self.named.map(|_| (block, parameters)), ..self }
    }

    /// Whether somebody named them, so that they are not the chain's own.
    #[must_use]
    pub const fn are_named(&self) -> bool {
        self.named.is_some()
    }

    fn named_at(&self, number: u64) -> Option<Parameters> {
        match self.then {
            Some((first, parameters)) if number >= first => Some(parameters),
            _ => self.named,
        }
    }

    /// The rule of blobs of a block of this number and time (Unix seconds): the chain's own, whatever is
    /// named, if it is known.
    #[must_use]
    pub fn blobs_at(&self, number: u64, timestamp: u64) -> Option<BlobRule> {
        let own = self.chain.and_then(|chain| chain.parameters_at(number, timestamp));
        BlobRule::of(&own.or(self.named_at(number))?)
    }

    /// The family, if it is fixed.
    #[must_use]
    pub fn family(&self) -> Option<Family> {
        self.named.map(|named| named.family()).or_else(|| self.chain?.family)
    }

    /// Whose they are, in words.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match (self.named, self.chain) {
            (None, Some(chain)) => &chain.name,
            _ => "the named parameters",
        }
    }
}

/// Holds a history to the rules, and counts.
#[must_use]
pub fn check_rule(history: &FeeHistory, rules: &Rules) -> Report {
    if rules.family() == Some(Family::Arbitrum) {
        return Report { unchecked: Some(Family::Arbitrum), ..Report::default() };
    }
    let mut report = Report::default();
    let mut footprint = 0;
    for (place, pair) in history.blocks().windows(2).enumerate() {
        let (parent, child) = (&pair[0], &pair[1]);
        // Both lists ascend.
        let blobs = &history.blobs()[footprint..];
        footprint += blobs.iter().take_while(|blob| blob.number < parent.number).count();
        let used = history.blobs().get(footprint).filter(|blob| blob.number == parent.number);
        let moving = Moving {
            child,
            said: rules.said_by(parent, history.header_fees(place)),
            footprint: used.filter(|_| rules.by_footprint(parent)).map(|blob| blob.blob_gas_used),
            parent,
        };
        base_fee(&mut report.base_fee, &moving, place + 1, rules);
    }
    let fees = history.blocks();
    let mut from = 0;
    for (place, pair) in history.blobs().windows(2).enumerate() {
        // Both lists ascend, so that the parent's base fee is found by going on.
        from += fees[from..].iter().take_while(|block| block.number < pair[0].number).count();
        let parent = fees.get(from).filter(|block| block.number == pair[0].number);
        let fee = parent.and_then(|block| block.base_fee_wei);
        blobs(&mut report.blobs, (&pair[0], &pair[1]), fee, place + 1, rules);
    }
    report
}

/// Holds a history to the rules.
///
/// Where headers do not determine a fee ([`Report::unchecked`]) or nothing follows anything
/// (no pairs), there is no error: whoever reads the report says so.
///
/// # Errors
/// If the table names another chain, a pair does not follow the rule, or the rule of a pair is not
/// known.
pub fn ensure_rule(history: &FeeHistory, rules: &Rules) -> Result<Report, RuleError> {
    if let (Some(found), Some(chain)) = (history.chain_number(), rules.chain)
        && found != chain.number
    {
        return Err(RuleError::OtherChain { expected: chain.number, found });
    }
    ensure_extra_data(history, rules)?;
    let report = check_rule(history, rules);
    if let Some(place) = report.base_fee.first_broken {
        return Err(broken(history, rules, &report.base_fee, place));
    }
    if let Some(place) = report.blobs.first_broken {
        return Err(broken_blobs(history, rules, &report.blobs, place));
    }
    if report.base_fee.unruled > 0 {
        let first = (0..history.blocks().len()).find(|place| {
            let block = &history.blocks()[*place];
            let is_said = |place: usize| {
                let parent = &history.blocks()[place];
                rules.said_by(parent, history.header_fees(place)).is_some()
            };
            block.base_fee_wei.is_some()
                && rules.parameters_at(block.number, block.timestamp).is_none()
                && !place.checked_sub(1).is_some_and(is_said)
        });
        let first = first.map(|place| &history.blocks()[place]);
        return Err(RuleError::UnknownEra {
            name: rules.name(),
            pairs: report.base_fee.unruled,
            first: first.map_or(0, |block| block.number),
        });
    }
    Ok(report)
}

/// Extra data that is given where it has to hold the fee rule, and does not.
fn ensure_extra_data(history: &FeeHistory, rules: &Rules) -> Result<(), RuleError> {
    if rules.named.is_some() {
        return Ok(());
    }
    let Some(chain) = rules.chain else { return Ok(()) };
    let is_wrong = |(place, block): &(usize, &ObservedBlock)| {
        let era = chain.era_at(block.number, block.timestamp);
        era.is_some_and(|era| era.in_extra_data) && history.has_other_extra(*place)
    };
    match history.blocks().iter().enumerate().find(is_wrong) {
        None => Ok(()),
        Some((place, block)) => {
            let (line, number) = (history.line(place), block.number);
            Err(RuleError::ExtraData { line, number, name: &chain.name })
        }
    }
}

/// How far an observed value is from the rule's.
enum Fits {
    Exactly,
    Nearly,
    Not,
}

fn count(counts: &mut Counts, fits: &Fits, place: usize) {
    counts.pairs += 1;
    match fits {
        Fits::Exactly => {
            counts.holding += 1;
            counts.exact += 1;
        }
        Fits::Nearly => counts.holding += 1,
        Fits::Not => counts.first_broken = counts.first_broken.or(Some(place)),
    }
}

/// Two blocks in a row, and what moves the base fee from one to the other.
struct Moving<'a> {
    parent: &'a ObservedBlock,
    child: &'a ObservedBlock,
    /// The rule that the parent's extra data says.
    said: Option<BaseFeeRule>,
    /// The parent's data footprint, where base fees follow it and it is known.
    footprint: Option<u64>,
}

impl Moving<'_> {
    /// What moves the base fee: gas used, or the data footprint if it is more.
    fn used(&self) -> u64 {
        self.parent.gas_used.max(self.footprint.unwrap_or(0))
    }

    /// The rules by which the child may have its base fee.
    fn rules(&self, rules: &Rules) -> Option<(BaseFeeRule, Option<BaseFeeRule>)> {
        // Where an era begins with a block that people named, it may begin one block later.
        let at = |block: &ObservedBlock| {
            rules.parameters_at(block.number, block.timestamp).map(|p| BaseFeeRule::of(&p))
        };
        let former = at(self.parent);
        if let Some(said) = self.said {
            return Some((said, None));
        }
        // The first block whose parent says its rule itself still has the former one.
        let begins = || {
            let era = |block: &ObservedBlock| rules.chain?.era_at(block.number, block.timestamp);
            let (before, after) = (era(self.parent)?, era(self.child)?);
            (after.in_extra_data && !before.in_extra_data).then_some(former?)
        };
        Some((at(self.child).or_else(begins)?, former))
    }
}

fn base_fee(counts: &mut Counts, moving: &Moving<'_>, place: usize, rules: &Rules) {
    let Moving { parent, child, .. } = moving;
    let consecutive = parent.number.checked_add(1) == Some(child.number);
    let (true, Some(before), Some(after)) = (consecutive, parent.base_fee_wei, child.base_fee_wei)
    else {
        return;
    };
    let Some((rule, former)) = moving.rules(rules) else {
        counts.unruled += 1;
        return;
    };
    let used = moving.used();
    let fits = |rule: &BaseFeeRule| {
        let next = |used: u64| rule.next(before, used, parent.gas_limit);
        if next(used) == after {
            return Fits::Exactly;
        }
        let (low, high) = (next(used.saturating_sub(1)), next(used.saturating_add(1)));
        if (low..=high).contains(&after) { Fits::Nearly } else { Fits::Not }
    };
    let found = match (fits(&rule), former) {
        (Fits::Not, Some(former)) if former != rule => fits(&former),
        (found, _) => found,
    };
    counts.by_extra_data += u64::from(moving.said.is_some());
    count(counts, &found, place);
}

fn blobs(
    counts: &mut Counts,
    (parent, child): (&BlobBlock, &BlobBlock),
    parent_fee_wei: Option<u128>,
    place: usize,
    rules: &Rules,
) {
    if parent.number.checked_add(1) != Some(child.number) {
        return;
    }
    let Some(rule) = rules.blobs_at(child.number, child.timestamp) else {
        counts.unruled += 1;
        return;
    };
    let next = |reserved| rule.next_excess(parent.excess_blob_gas, parent.blob_gas_used, reserved);
    // EIP-7918 looks at the execution base fee. Without it either branch may have been taken.
    let holds = match parent_fee_wei {
        Some(fee) => {
            let blob_fee = rule.fee_wei(parent.excess_blob_gas);
            next(rule.reserve_price_active(fee, blob_fee)) == child.excess_blob_gas
        }
        None if rule.base_cost > 0 => [next(false), next(true)].contains(&child.excess_blob_gas),
        None => next(false) == child.excess_blob_gas,
    };
    let whole = parent.blob_gas_used.is_multiple_of(GAS_PER_BLOB);
    count(counts, if holds && whole { &Fits::Exactly } else { &Fits::Not }, place);
}

fn broken(history: &FeeHistory, rules: &Rules, counts: &Counts, place: usize) -> RuleError {
    let (parent, child) = (&history.blocks()[place - 1], &history.blocks()[place]);
    let used = history.blobs().iter().find(|blob| blob.number == parent.number);
    let moving = Moving {
        parent,
        child,
        said: rules.said_by(parent, history.header_fees(place - 1)),
        footprint: used.filter(|_| rules.by_footprint(parent)).map(|blob| blob.blob_gas_used),
    };
    let rule = moving.rules(rules).map(|(rule, _)| rule);
    let expected = rule.map_or(0, |rule| {
        rule.next(parent.base_fee_wei.unwrap_or(0), moving.used(), parent.gas_limit)
    });
    RuleError::Broken {
        line: history.line(place),
        number: child.number,
        found: child.base_fee_wei.unwrap_or(0),
        expected,
        rule: format!(
            "the rule of {}{}{}",
            rules.name(),
            if moving.said.is_some() { " in the extra data of the block before it" } else { "" },
            rule.map(|rule| format!(" ({})", diagnosis::words(&rule))).unwrap_or_default()
        ),
        holding: counts.holding,
        pairs: counts.pairs,
        diagnosis: if rules.by_footprint(parent) && moving.footprint.is_none() {
            Some(
                "since Jovian base fees follow blob_gas_used where that is above gas_used, and the table \
                 does not give it for the block before"
                    .to_owned(),
            )
        } else {
            diagnosis::of(history.blocks(), place)
        },
    }
}

fn broken_blobs(history: &FeeHistory, rules: &Rules, counts: &Counts, place: usize) -> RuleError {
    let (parent, child) = (&history.blobs()[place - 1], &history.blobs()[place]);
    let rule = rules.blobs_at(child.number, child.timestamp);
    let expected = rule
        .map_or(0, |rule| rule.next_excess(parent.excess_blob_gas, parent.blob_gas_used, false));
    RuleError::BrokenBlobs {
        line: history.blob_line(place),
        number: child.number,
        found: child.excess_blob_gas,
        expected,
        name: rules.chain.map_or("the named parameters", |chain| chain.name.as_str()),
        holding: counts.holding,
        pairs: counts.pairs,
    }
}
