use chaos_parameters::{
    Parameters,
    pricing::{BASE_FEE_WEI_MAX, LimitRule},
};

/// Whether the figures of a change from `baseline` to `proposal`, in whose paths no base fee was
/// above `base_fee_max_wei`, are other than by the rule that releases before
/// `docs/adr/0012-one-fee-rule.md` had.
///
/// The flow model then held a raised floor from the second block on, began the walk of a bound
/// limit there, too, and let a base fee rise to 2^72 wei. Where none of that shows, both rules take
/// the same steps, so what was computed before stands, and keeps its format and its digest.
pub(crate) fn is_revised(
    baseline: &Parameters,
    proposal: &Parameters,
    base_fee_max_wei: u128,
) -> bool {
    let floor_rises = proposal.min_base_fee_wei() > baseline.min_base_fee_wei();
    let limit_walks =
        proposal.gas_limit() != baseline.gas_limit() && LimitRule::of(proposal).bound_divisor > 0;
    floor_rises || limit_walks || base_fee_max_wei >= u128::from(BASE_FEE_WEI_MAX)
}

#[cfg(test)]
mod tests;
