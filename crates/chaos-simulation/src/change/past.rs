//! How wrong "the next window equals the last" was before: the naive forecast's own past errors.

use crate::forecast::Quantiles;

/// Student's t at 90 and 97.5 %, in thousandths, by degrees of freedom from one (NIST handbook, table
/// 1.3.6.7.2); beyond, the normal's.
const T_MILLI: [(i128, i128); 30] = [
    (3_078, 12_706),
    (1_886, 4_303),
    (1_638, 3_182),
    (1_533, 2_776),
    (1_476, 2_571),
    (1_440, 2_447),
    (1_415, 2_365),
    (1_397, 2_306),
    (1_383, 2_262),
    (1_372, 2_228),
    (1_363, 2_201),
    (1_356, 2_179),
    (1_350, 2_160),
    (1_345, 2_145),
    (1_341, 2_131),
    (1_337, 2_120),
    (1_333, 2_110),
    (1_330, 2_101),
    (1_328, 2_093),
    (1_325, 2_086),
    (1_323, 2_080),
    (1_321, 2_074),
    (1_319, 2_069),
    (1_318, 2_064),
    (1_316, 2_060),
    (1_315, 2_056),
    (1_314, 2_052),
    (1_313, 2_048),
    (1_311, 2_045),
    (1_310, 2_042),
];

/// Changes from a window to the one after it, and how many of them are independent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Past {
    pub(super) changes: Vec<i128>,
    pub(super) independent: usize,
}

impl Past {
    /// Root mean square of the changes; zero if there are none.
    pub(super) fn rms(&self) -> i128 {
        let count = self.changes.len().max(1) as u128;
        let squares = self.changes.iter().map(|change| change.unsigned_abs().pow(2));
        let mean = squares.fold(0u128, u128::saturating_add) / count;
        i128::try_from(mean.isqrt()).unwrap_or(i128::MAX)
    }

    /// Student's t at 90 and 97.5 % in thousandths.
    pub(super) fn t_milli(&self) -> (i128, i128) {
        let last = self.independent.checked_sub(1);
        last.and_then(|place| T_MILLI.get(place).copied()).unwrap_or((1_282, 1_960))
    }

    /// The last window's figure with the errors that such a forecast made before, within `bounds`; `None`
    /// if it has made none.
    pub(super) fn around(&self, value: i128, (least, most): (i128, i128)) -> Option<Quantiles> {
        if self.changes.is_empty() || self.independent == 0 {
            return None;
        }
        let (rms, (t90, t97_5)) = (self.rms(), self.t_milli());
        let at = |t: i128| value.saturating_add(rms.saturating_mul(t) / 1_000).clamp(least, most);
        Some(Quantiles {
            p2_5: at(-t97_5),
            p10: at(-t90),
            p50: value,
            p90: at(t90),
            p97_5: at(t97_5),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_errors_widen_and_few_of_them_widen_more() {
        let past = |independent| Past { changes: vec![30, -40], independent };
        assert_eq!(past(2).rms(), 35);
        let few = past(1).around(100, (0, 1_000)).unwrap();
        let more = past(30).around(100, (0, 1_000)).unwrap();
        assert!(few.p10 < more.p10 && more.p10 < 100 && few.p2_5 == 0, "held at the bound");
        assert_eq!(past(0).around(100, (0, 1_000)), None);
    }
}
