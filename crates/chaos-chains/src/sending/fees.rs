//! What a transaction offers for gas: never what a node says without a cap.

use alloy_primitives::U256;

/// A replacement offers at least an eighth more than what it replaces, or nodes refuse it.
const REPLACEMENT_EIGHTHS: u128 = 9;

/// Tip where neither the node nor the last blocks have an opinion, in wei per gas.
const TIP_WITHOUT_OPINION_WEI: u128 = 1_000_000_000;

/// What a user is willing to pay at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeCap {
    /// Highest fee per gas, tip included, in wei.
    pub max_fee_per_gas: u128,
    /// Highest tip per gas, in wei.
    pub max_tip_per_gas: u128,
    /// Highest cost of one transaction, its value included, in wei.
    pub max_cost: U256,
}

impl Default for FeeCap {
    /// 100 gwei per gas, 3 gwei tip, 0.02 of the chain's coin for one transaction.
    fn default() -> Self {
        Self {
            max_fee_per_gas: 100_000_000_000,
            max_tip_per_gas: 3_000_000_000,
            max_cost: U256::from(20_000_000_000_000_000_u64),
        }
    }
}

/// An amount as people write it, in units of `decimals` digits: 1.5 gwei is 1,500,000,000 wei. None unless
/// it is digits with at most one point, and no finer than one wei.
#[must_use]
pub fn wei(text: &str, decimals: usize) -> Option<U256> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(part) || part.len() > decimals {
        return None;
    }
    if text.ends_with('.') {
        return None;
    }
    U256::from_str_radix(&format!("{whole}{part:0<decimals$}"), 10).ok()
}

/// The same the other way round, to the last wei and without zeros at the end.
#[must_use]
pub fn decimal(amount: U256, decimals: usize) -> String {
    let digits = format!("{amount:0>width$}", amount = amount.to_string(), width = decimals + 1);
    let (whole, part) = digits.split_at(digits.len() - decimals);
    match part.trim_end_matches('0') {
        "" => whole.to_owned(),
        part => format!("{whole}.{part}"),
    }
}

/// Wei per gas as caps are named.
fn gwei(wei: u128) -> String {
    decimal(U256::from(wei), 9)
}

/// Wei as caps are named.
fn coins(wei: U256) -> String {
    decimal(wei, 18)
}

/// What a node says about fees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote {
    /// Base fee of the next block, in wei per gas.
    pub base_fee: u128,
    /// The tip that the node suggests, if it does.
    pub node_tip: Option<u128>,
    /// The tip that most transactions of the last blocks stayed below, if there were any.
    pub history_tip: Option<u128>,
}

/// What one transaction offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fees {
    /// Highest fee per gas, tip included, in wei.
    pub max_fee_per_gas: u128,
    /// Tip per gas, in wei.
    pub max_priority_fee_per_gas: u128,
}

/// Why nothing is offered. The numbers are in wei.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeeError {
    /// The next block costs more per gas than the cap.
    #[error("a unit of gas costs {} gwei now, the cap is {} gwei; wait, or raise --max-fee", gwei(*needed), gwei(*cap))]
    FeeAboveCap {
        /// Base fee and tip.
        needed: u128,
        /// The cap.
        cap: u128,
    },
    /// The transaction could cost more than the cap.
    #[error(
        "the transaction could cost {} of the chain's coin ({gas} gas at {} gwei each, and its value), the cap \
         is {}; raise --max-cost if that is meant",
        coins(*worst), gwei(*fee), coins(*cap)
    )]
    CostAboveCap {
        /// The worst case.
        worst: U256,
        /// Gas it may use.
        gas: u64,
        /// Highest fee per gas.
        fee: u128,
        /// The cap.
        cap: U256,
    },
    /// The account could spend more within a day than the cap.
    #[error(
        "the account spent up to {} of the chain's coin in 24 hours, and this could cost {} more; the cap of a \
         day is {}; wait, or raise --max-per-day",
        coins(*spent), coins(*worst), coins(*cap)
    )]
    DayAboveCap {
        /// What the journal has of these hours, at worst.
        spent: U256,
        /// The worst case of what would be signed.
        worst: U256,
        /// The cap.
        cap: U256,
    },
    /// A replacement has to offer more than the cap.
    #[error(
        "a replacement has to offer at least {} gwei per gas, the cap is {} gwei; raise --max-fee",
        gwei(*needed), gwei(*cap)
    )]
    ReplacementAboveCap {
        /// Fee per gas that nodes would take.
        needed: u128,
        /// The cap.
        cap: u128,
    },
    /// A replacement has to offer more tip than the cap.
    #[error(
        "a replacement has to offer at least {} gwei of tip per gas, the cap is {} gwei; raise --max-tip",
        gwei(*needed), gwei(*cap)
    )]
    TipAboveCap {
        /// Tip per gas that nodes would take.
        needed: u128,
        /// The cap.
        cap: u128,
    },
}

impl Fees {
    /// The tip is the lowest of what the node suggests, what the last blocks took, and the cap; the fee
    /// lasts for six full blocks in a row, up to the cap.
    ///
    /// # Errors
    /// [`FeeError::FeeAboveCap`] if the next block costs more.
    pub fn choose(quote: &Quote, cap: &FeeCap) -> Result<Self, FeeError> {
        let opinion = match (quote.node_tip, quote.history_tip) {
            (Some(node), Some(history)) => node.min(history),
            (Some(node), None) => node.min(TIP_WITHOUT_OPINION_WEI),
            (None, Some(history)) => history,
            (None, None) => TIP_WITHOUT_OPINION_WEI,
        };
        let tip = opinion.min(cap.max_tip_per_gas).min(cap.max_fee_per_gas);
        let needed = quote.base_fee.saturating_add(tip);
        if needed > cap.max_fee_per_gas {
            return Err(FeeError::FeeAboveCap { needed, cap: cap.max_fee_per_gas });
        }
        let lasting = quote.base_fee.saturating_mul(2).saturating_add(tip);
        let max_fee_per_gas = lasting.min(cap.max_fee_per_gas);
        Ok(Self { max_fee_per_gas, max_priority_fee_per_gas: tip })
    }

    /// What replaces a transaction that offered this: an eighth more of both, or what is asked now if
    /// that is more.
    ///
    /// # Errors
    /// [`FeeError::TipAboveCap`] or [`FeeError::ReplacementAboveCap`], or [`FeeError::FeeAboveCap`] if the next
    /// block costs more.
    pub fn replacement(&self, quote: &Quote, cap: &FeeCap) -> Result<Self, FeeError> {
        let now = Self::choose(quote, cap)?;
        let fee = eighth_more(self.max_fee_per_gas);
        let tip = eighth_more(self.max_priority_fee_per_gas);
        if tip > cap.max_tip_per_gas {
            return Err(FeeError::TipAboveCap { needed: tip, cap: cap.max_tip_per_gas });
        }
        if fee.max(tip) > cap.max_fee_per_gas {
            let (needed, cap) = (fee.max(tip), cap.max_fee_per_gas);
            return Err(FeeError::ReplacementAboveCap { needed, cap });
        }
        let max_priority_fee_per_gas = tip.max(now.max_priority_fee_per_gas);
        let max_fee_per_gas = fee.max(now.max_fee_per_gas).max(max_priority_fee_per_gas);
        Ok(Self { max_fee_per_gas, max_priority_fee_per_gas })
    }

    /// What a transaction of so much gas and value can cost at most.
    #[must_use]
    pub(crate) fn worst_cost(&self, gas: u64, value: U256) -> U256 {
        U256::from(gas).saturating_mul(U256::from(self.max_fee_per_gas)).saturating_add(value)
    }

    /// The same, if it is not above the cap.
    ///
    /// # Errors
    /// [`FeeError::CostAboveCap`].
    pub(crate) fn ensure_cost(
        &self,
        gas: u64,
        value: U256,
        cap: &FeeCap,
    ) -> Result<U256, FeeError> {
        let worst = self.worst_cost(gas, value);
        if worst > cap.max_cost {
            let (fee, cap) = (self.max_fee_per_gas, cap.max_cost);
            return Err(FeeError::CostAboveCap { worst, gas, fee, cap });
        }
        Ok(worst)
    }
}

/// At least 12.5 % more, and never the same.
const fn eighth_more(amount: u128) -> u128 {
    let Some(ninefold) = amount.checked_mul(REPLACEMENT_EIGHTHS) else { return u128::MAX };
    let more = ninefold.div_ceil(8);
    if more > amount { more } else { amount + 1 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GWEI: u128 = 1_000_000_000;

    fn quote(base_fee: u128, node_tip: u128, history_tip: u128) -> Quote {
        Quote { base_fee, node_tip: Some(node_tip), history_tip: Some(history_tip) }
    }

    #[test]
    fn amounts_are_read_to_the_last_wei_and_no_finer() {
        assert_eq!(wei("1.5", 9), Some(U256::from(1_500_000_000_u64)));
        assert_eq!(wei("0.000000001", 9), Some(U256::from(1)));
        assert_eq!(wei("100", 9), Some(U256::from(100 * GWEI)));
        for text in ["", ".", "1.", ".5", "-1", "1e9", "1,5", "0x1", " 1", "1.0000000001", "1.2.3"]
        {
            assert_eq!(wei(text, 9), None, "{text:?}");
        }
    }

    #[test]
    fn amounts_are_written_as_they_are_read() {
        for (amount, text) in
            [(0_u64, "0"), (1, "0.000000001"), (1_500_000_000, "1.5"), (100_000_000_000, "100")]
        {
            assert_eq!(decimal(U256::from(amount), 9), text);
            assert_eq!(wei(text, 9), Some(U256::from(amount)));
        }
    }

    #[test]
    fn a_node_that_quotes_an_absurd_tip_gets_what_the_last_blocks_took() {
        let fees = Fees::choose(&quote(GWEI, 50_000_000 * GWEI, GWEI / 10), &FeeCap::default());
        assert_eq!(fees.unwrap().max_priority_fee_per_gas, GWEI / 10);
    }

    #[test]
    fn a_node_that_lies_about_tip_and_history_gets_the_cap() {
        let absurd = 50_000_000 * GWEI;
        let fees = Fees::choose(&quote(GWEI, absurd, absurd), &FeeCap::default()).unwrap();
        assert_eq!(fees.max_priority_fee_per_gas, 3 * GWEI);
        assert_eq!(fees.max_fee_per_gas, 5 * GWEI);
    }

    #[test]
    fn a_base_fee_above_the_cap_is_refused_with_both_numbers() {
        let refused = Fees::choose(&quote(200 * GWEI, 0, 0), &FeeCap::default()).unwrap_err();
        assert_eq!(refused, FeeError::FeeAboveCap { needed: 200 * GWEI, cap: 100 * GWEI });
    }

    #[test]
    fn a_replacement_above_the_cap_of_the_tip_is_refused_with_both_numbers() {
        let offered = Fees { max_fee_per_gas: 10 * GWEI, max_priority_fee_per_gas: 3 * GWEI };
        let refused = offered.replacement(&quote(GWEI, 0, 0), &FeeCap::default()).unwrap_err();
        let needed = 3 * GWEI + 3 * GWEI / 8;
        assert_eq!(refused, FeeError::TipAboveCap { needed, cap: 3 * GWEI });
    }

    #[test]
    fn gas_that_no_transaction_needs_is_refused_by_its_cost() {
        let fees = Fees::choose(&quote(GWEI, 0, 0), &FeeCap::default()).unwrap();
        assert!(matches!(
            fees.ensure_cost(u64::MAX, U256::ZERO, &FeeCap::default()),
            Err(FeeError::CostAboveCap { gas: u64::MAX, .. })
        ));
    }

    proptest! {
        #[test]
        fn no_offer_exceeds_the_cap(
            base: u128, node: Option<u128>, history: Option<u128>, max_fee: u128, max_tip: u128,
        ) {
            let cap = FeeCap { max_fee_per_gas: max_fee, max_tip_per_gas: max_tip, max_cost: U256::MAX };
            let quote = Quote { base_fee: base, node_tip: node, history_tip: history };
            if let Ok(fees) = Fees::choose(&quote, &cap) {
                prop_assert!(fees.max_fee_per_gas <= max_fee);
                prop_assert!(fees.max_priority_fee_per_gas <= max_tip.min(fees.max_fee_per_gas));
                prop_assert!(fees.max_fee_per_gas >= base);
            }
        }

        #[test]
        fn a_replacement_offers_an_eighth_more_within_the_cap(
            base in 0..1_000 * GWEI, fee in 0..1_000 * GWEI, tip in 0..10 * GWEI, now in 0..10 * GWEI,
        ) {
            let before = Fees { max_fee_per_gas: fee.max(tip), max_priority_fee_per_gas: tip };
            let cap = FeeCap::default();
            if let Ok(fees) = before.replacement(&quote(base, now, now), &cap) {
                prop_assert!(fees.max_fee_per_gas * 8 >= before.max_fee_per_gas * 9);
                prop_assert!(fees.max_priority_fee_per_gas * 8 >= tip * 9);
                prop_assert!(fees.max_fee_per_gas > before.max_fee_per_gas);
                prop_assert!(fees.max_fee_per_gas <= cap.max_fee_per_gas);
                prop_assert!(fees.max_priority_fee_per_gas <= fees.max_fee_per_gas);
                prop_assert!(fees.max_priority_fee_per_gas <= cap.max_tip_per_gas);
            }
        }
    }
}
