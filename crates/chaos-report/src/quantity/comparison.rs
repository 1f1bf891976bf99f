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
/// where a small difference would be shown as nothing or as half as much again. A value that these
/// digits would show wrong by more than a quarter stands in its own unit and digits; only nothing
/// is shown as `0`.
///
/// Whoever shows a figure of a row asks the row, so that a sentence and a table say the same.
///
/// ```
/// use chaos_report::Comparison;
///
/// let row = Comparison::of("ppm", 84_960, 84_740);
/// assert_eq!(row.value(84_960), "8.496 %");
/// assert_eq!(row.value(84_740), "8.474 %");
/// assert_eq!(row.difference(-220), "\u{2212}0.022 pp");
///
/// let fell = Comparison::of("wei", 916_800_000, 7);
/// assert_eq!(fell.value(7), "7 wei", "and not 0.000 gwei");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The unit of the integers.
    raw: String,
    /// The shown one.
    unit: Unit,
    places: u32,
}

/// A number as it is shown, and its unit.
struct Written {
    number: String,
    unit: String,
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
            return Self::exact(unit);
        };
        let places = places_without_zeros(&shown, &rounded.values, rounded.places);
        Self { raw: unit.to_owned(), unit: shown, places }
    }

    /// For values that stand beside each other without a difference, such as quantiles.
    #[must_use]
    pub fn among(unit: &str, values: &[i128]) -> Self {
        let sizes = || values.iter().map(|value| value.unsigned_abs());
        let largest = sizes().max().unwrap_or(0);
        let shown = Unit::of(unit, i128::try_from(largest).unwrap_or(i128::MAX));
        let smaller = sizes().filter(|size| *size > 0).min().unwrap_or(0);
        let places = usual_places(&shown, smaller, largest);
        let rounded: Option<Vec<i128>> =
            values.iter().map(|value| rounded(*value, shown.per(), places)).collect();
        let Some(rounded) = rounded else { return Self::exact(unit) };
        let places = places_without_zeros(&shown, &rounded, places);
        Self { raw: unit.to_owned(), unit: shown, places }
    }

    fn exact(unit: &str) -> Self {
        Self { raw: unit.to_owned(), unit: Unit::raw(unit), places: 0 }
    }

    /// The row itself: baseline, proposal and difference.
    #[must_use]
    pub fn cells(unit: &str, baseline: i128, proposal: i128) -> [String; 3] {
        let row = Self::of(unit, baseline, proposal);
        let difference = proposal.saturating_sub(baseline);
        [row.value(baseline), row.value(proposal), row.difference(difference)]
    }

    /// The shown unit, for a table whose rows name it in a column of its own.
    #[must_use]
    pub fn unit(&self) -> &str {
        self.unit.name()
    }

    /// A value with the digits of the row and without the unit.
    fn number(&self, value: i128) -> String {
        rounded(value, self.unit.per(), self.places)
            .map_or_else(|| decimal(value, 0, 0), |value| decimal(value, self.places, self.places))
    }

    /// A value of the row.
    #[must_use]
    pub fn value(&self, value: i128) -> String {
        self.written(value).joined()
    }

    /// A value beside the row's unit: without it, unless the value is shown in another one.
    #[must_use]
    pub fn beside_unit(&self, value: i128) -> String {
        let written = self.written(value);
        if written.unit == self.unit() { written.number } else { written.joined() }
    }

    /// A difference with its sign; shares differ by percentage points.
    #[must_use]
    pub fn difference(&self, value: i128) -> String {
        self.signed(value).joined()
    }

    /// Two values as a range; a unit that both share is written once.
    #[must_use]
    pub fn range(&self, low: i128, high: i128) -> String {
        self.written(low).to(&self.written(high))
    }

    /// Two differences as a range.
    #[must_use]
    pub fn interval(&self, low: i128, high: i128) -> String {
        self.signed(low).to(&self.signed(high))
    }

    fn written(&self, value: i128) -> Written {
        let row = if self.tells(value) { self } else { &Self::among(&self.raw, &[value]) };
        let number = if value == 0 { "0".to_owned() } else { row.number(value) };
        Written { number, unit: row.unit().to_owned() }
    }

    fn signed(&self, value: i128) -> Written {
        let Written { number, unit } = self.written(value);
        let sign = if value > 0 { "+" } else { "" };
        Written {
            number: format!("{sign}{number}"),
            unit: if unit == "%" { "pp".to_owned() } else { unit },
        }
    }

    /// Whether the digits of the row show a value within a quarter of what it is.
    fn tells(&self, value: i128) -> bool {
        rounded(value, self.unit.per(), self.places)
            .is_none_or(|shown| is_near(&self.unit, value, shown, self.places))
    }
}

impl Written {
    fn joined(self) -> String {
        if self.unit.is_empty() { self.number } else { format!("{} {}", self.number, self.unit) }
    }

    fn to(self, high: &Self) -> String {
        let Self { number, unit } = self;
        let high_text = Self { number: high.number.clone(), unit: high.unit.clone() }.joined();
        // Nothing has the unit of whatever stands beside it.
        if unit == high.unit || number == "0" {
            return format!("{number} to {high_text}");
        }
        if high.number == "0" {
            let low = Self { number, unit }.joined();
            return format!("{low} to 0");
        }
        format!("{} to {high_text}", Self { number, unit }.joined())
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
}

/// How many digits behind the point are left without zeros that all numbers of the row end with; a
/// share keeps one.
fn places_without_zeros(unit: &Unit, values: &[i128], mut places: u32) -> u32 {
    let fewest = u32::from(unit.name() == "%");
    let mut values = values.to_vec();
    while places > fewest && values.iter().all(|value| value % 10 == 0) {
        values.iter_mut().for_each(|value| *value /= 10);
        places -= 1;
    }
    places
}

/// Whether the shown value is within a quarter of the true one; nothing is not near something.
fn is_near(unit: &Unit, value: i128, shown: i128, places: u32) -> bool {
    let exact = 10_i128.checked_pow(places).and_then(|one| value.checked_mul(one));
    let (Some(exact), Some(shown)) = (exact, shown.checked_mul(unit.raw_units())) else {
        return value == 0 || shown != 0;
    };
    exact.abs_diff(shown) <= exact.unsigned_abs() / 4
}

/// So many digits behind the point that the smaller value has three, or the larger one four; a share
/// has one, and below a per cent two significant ones.
fn usual_places(unit: &Unit, smaller: u128, largest: u128) -> u32 {
    if unit.name() == "%" {
        return match largest {
            1..100 => 4,
            100..1_000 => 3,
            1_000..10_000 => 2,
            _ => 1,
        };
    }
    let one = unit.raw_units().unsigned_abs();
    let most = match unit.per() {
        Per::Ten(digits) => digits.min(PLACES_MAX),
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
