//! Two values and their difference, in one unit and with so many digits that they add up.

use super::{
    decimal,
    unit::{Per, Unit},
};

/// No row needs more digits behind the point; where a binary unit does, it is shown in bytes.
const PLACES_MAX: u32 = 18;

/// How the numbers of one row are written: `8.496`, `8.474` and `−0.022`, not `8.50`, `8.47` and
/// `−0.02`.
///
/// All numbers of a row share a unit and a count of digits. There are about three significant
/// digits, and more where the difference of the shown values would not be the shown difference, or
/// where a small difference would be shown as nothing or as half as much again.
///
/// ```
/// use chaos_report::Comparison;
///
/// let row = Comparison::of("ppm", 84_960, 84_740);
/// assert_eq!(row.value(84_960), "8.496 %");
/// assert_eq!(row.value(84_740), "8.474 %");
/// assert_eq!(row.difference(-220), "\u{2212}0.022 pp");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    unit: Unit,
    places: u32,
}

impl Comparison {
    /// For a value before and after, both in `unit`.
    #[must_use]
    pub fn of(unit: &str, baseline: i128, proposal: i128) -> Self {
        let difference = proposal.saturating_sub(baseline);
        let values = [baseline, proposal, difference];
        let largest = values.iter().map(|value| value.unsigned_abs()).max().unwrap_or(0);
        let shown = Unit::of(unit, i128::try_from(largest).unwrap_or(i128::MAX));
        let Some(rounded) = Rounded::fitting(&shown, values) else {
            return Self { unit: Unit::raw(unit), places: 0 };
        };
        let fewest = if unit == "ppm" { 1 } else { 0 };
        Self { unit: shown, places: rounded.places_without_zeros(fewest) }
    }

    /// For values that stand beside each other without a difference, such as quantiles.
    #[must_use]
    pub fn among(unit: &str, values: &[i128]) -> Self {
        let sizes = || values.iter().map(|value| value.unsigned_abs());
        let largest = sizes().max().unwrap_or(0);
        let shown = Unit::of(unit, i128::try_from(largest).unwrap_or(i128::MAX));
        let smaller = sizes().filter(|size| *size > 0).min().unwrap_or(0);
        let places = usual_places(&shown, smaller, largest);
        if values.iter().any(|value| rounded(*value, shown.per(), places).is_none()) {
            return Self { unit: Unit::raw(unit), places: 0 };
        }
        Self { unit: shown, places }
    }

    /// The row itself: baseline, proposal and difference.
    #[must_use]
    pub fn cells(unit: &str, baseline: i128, proposal: i128) -> [String; 3] {
        let row = Self::of(unit, baseline, proposal);
        let difference = proposal.saturating_sub(baseline);
        [row.value(baseline), row.value(proposal), row.difference(difference)]
    }

    /// The shown unit.
    #[must_use]
    pub fn unit(&self) -> &str {
        self.unit.name()
    }

    /// A value of the row without the unit, where the unit has a column of its own.
    #[must_use]
    pub fn number(&self, value: i128) -> String {
        rounded(value, self.unit.per(), self.places)
            .map_or_else(|| decimal(value, 0, 0), |value| decimal(value, self.places, self.places))
    }

    /// A value of the row.
    #[must_use]
    pub fn value(&self, value: i128) -> String {
        self.unit.behind(&self.number(value))
    }

    /// A difference without the unit.
    #[must_use]
    pub fn signed(&self, value: i128) -> String {
        let number = self.number(value);
        let shows_something = number.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
        if value > 0 && shows_something { format!("+{number}") } else { number }
    }

    /// A difference with its sign; shares differ by percentage points.
    #[must_use]
    pub fn difference(&self, value: i128) -> String {
        let text = self.unit.behind(&self.signed(value));
        if self.unit.name() == "%" { text.replace('%', "pp") } else { text }
    }

    /// Two differences as a range.
    #[must_use]
    pub fn interval(&self, low: i128, high: i128) -> String {
        format!("{} to {}", self.signed(low), self.difference(high))
    }
}

/// The numbers of a row in units of the last shown digit.
struct Rounded {
    values: [i128; 3],
    places: u32,
}

impl Rounded {
    /// Baseline, proposal and difference with the fewest digits that tell them truly; none if this
    /// unit cannot.
    fn fitting(unit: &Unit, values: [i128; 3]) -> Option<Self> {
        let enough = match unit.per() {
            Per::Ten(digits) => digits,
            Per::Two(power) => power,
        }
        .min(PLACES_MAX);
        let largest = values.iter().map(|value| value.unsigned_abs()).max().unwrap_or(0);
        let arms = [values[0], values[1]].into_iter().map(i128::unsigned_abs);
        let smaller = arms.filter(|size| *size > 0).min().unwrap_or(0);
        let mut places = usual_places(unit, smaller, largest);
        loop {
            let mut shown = [0; 3];
            for (place, value) in shown.iter_mut().zip(values) {
                *place = rounded(value, unit.per(), places)?;
            }
            let [baseline, proposal, difference] = shown;
            let adds_up = proposal.checked_sub(baseline) == Some(difference);
            if adds_up && is_near(unit, values[2], difference, places) {
                return Some(Self { values: shown, places });
            }
            if places >= enough {
                return None;
            }
            places += 1;
        }
    }

    /// How many digits behind the point are left, at least `fewest`, without zeros that all numbers
    /// of the row end with.
    fn places_without_zeros(&self, fewest: u32) -> u32 {
        let (mut values, mut places) = (self.values, self.places);
        while places > fewest && values.iter().all(|value| value % 10 == 0) {
            values = values.map(|value| value / 10);
            places -= 1;
        }
        places
    }
}

/// Whether the shown difference is within a quarter of the true one; nothing is not near something.
fn is_near(unit: &Unit, difference: i128, shown: i128, places: u32) -> bool {
    let exact = 10_i128.checked_pow(places).and_then(|one| difference.checked_mul(one));
    let (Some(exact), Some(shown)) = (exact, shown.checked_mul(unit.raw_units())) else {
        return difference == 0 || shown != 0;
    };
    exact.abs_diff(shown) <= exact.unsigned_abs() / 4
}

/// So many digits behind the point that the smaller value has three, or the larger one four; a share
/// has at least one.
fn usual_places(unit: &Unit, smaller: u128, largest: u128) -> u32 {
    if unit.name() == "%" {
        return if largest != 0 && largest < 1_000 { 3 } else { 1 };
    }
    let one = unit.raw_units().unsigned_abs();
    let most = match unit.per() {
        Per::Ten(digits) => digits.min(9),
        Per::Two(_) => 3,
    };
    let three_digits = |value: u128| {
        (0..most)
            .find(|places| value.saturating_mul(10_u128.pow(*places)) >= one.saturating_mul(100))
            .unwrap_or(most)
    };
    if smaller == 0 { 0 } else { three_digits(smaller).min(three_digits(largest) + 1).min(most) }
}

/// The value in units of its last shown digit, rounded half away from zero; none beyond 127 bits.
fn rounded(value: i128, per: Per, places: u32) -> Option<i128> {
    let magnitude = value.unsigned_abs();
    let scaled = match per {
        Per::Ten(digits) if places <= digits => {
            divided(magnitude, 10_u128.checked_pow(digits - places)?)
        }
        Per::Ten(digits) => magnitude.checked_mul(10_u128.checked_pow(places - digits)?)?,
        Per::Two(power) => {
            divided(magnitude.checked_mul(10_u128.checked_pow(places)?)?, 1 << power)
        }
    };
    let scaled = i128::try_from(scaled).ok()?;
    Some(if value < 0 { -scaled } else { scaled })
}

const fn divided(value: u128, by: u128) -> u128 {
    let (whole, rest) = (value / by, value % by);
    if by > 1 && rest >= by.div_ceil(2) { whole + 1 } else { whole }
}

#[cfg(test)]
mod tests;
