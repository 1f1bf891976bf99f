use std::collections::BTreeSet;

use crate::name::{MetricName, ParameterName};

/// Parts per million in one.
const PPM: u128 = 1_000_000;

/// Which way a metric should move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// More is better.
    Increase,
    /// Less is better.
    Decrease,
}

impl Direction {
    /// `increase` or `decrease`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Increase => "increase",
            Self::Decrease => "decrease",
        }
    }
}

/// A distance, either in the unit of the value or in parts per million of its baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Margin {
    /// In the unit of the value itself.
    Absolute(u64),
    /// In parts per million of the magnitude of the baseline; 50,000 is five per cent.
    Ppm(u64),
}

impl Margin {
    /// The margin in the unit of the value, rounded up; saturates at the largest value.
    #[must_use]
    pub(crate) fn of_rounded_up(self, baseline: i128) -> i128 {
        self.of(baseline, PPM - 1)
    }

    /// The margin in the unit of the value, rounded down; saturates at the largest value.
    #[must_use]
    pub(crate) fn of_rounded_down(self, baseline: i128) -> i128 {
        self.of(baseline, 0)
    }

    fn of(self, baseline: i128, rounding: u128) -> i128 {
        let magnitude = match self {
            Self::Absolute(value) => u128::from(value),
            Self::Ppm(ppm) => {
                // Split so that the exact product never needs more than 128 bits on the way.
                let (whole, rest) = (baseline.unsigned_abs() / PPM, baseline.unsigned_abs() % PPM);
                let ppm = u128::from(ppm);
                whole.saturating_mul(ppm).saturating_add((rest * ppm + rounding) / PPM)
            }
        };
        i128::try_from(magnitude).unwrap_or(i128::MAX)
    }
}

/// Which number of a paired comparison is held against a margin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judge {
    /// The middle of the paired differences.
    Point,
    /// The less favourable end of their interval.
    Interval,
}

/// A paired comparison of one metric, in the metric's own integer unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Value without the change.
    pub baseline: i128,
    /// Middle of the paired differences, proposal minus baseline.
    pub difference: i128,
    /// Lower end of the interval of the paired differences.
    pub low: i128,
    /// Upper end of the interval of the paired differences.
    pub high: i128,
}

/// What a change must achieve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objective {
    /// The metric that must move.
    pub metric: MetricName,
    /// Which way.
    pub direction: Direction,
    /// By at least this much.
    pub by_at_least: Margin,
    /// The number held against the margin.
    pub judge: Judge,
    /// The parameters whose changes it applies to; empty means all.
    pub parameters: BTreeSet<ParameterName>,
}

/// What a change must not damage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// The metric that is protected.
    pub metric: MetricName,
    /// Which way is better; the guard watches the other.
    pub better: Direction,
    /// It may get worse by at most this much.
    pub worse_by_at_most: Margin,
    /// The number held against the margin.
    pub judge: Judge,
    /// The parameters whose changes it applies to; empty means all.
    pub parameters: BTreeSet<ParameterName>,
}

/// Whether a reading is on the right side of its threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// On the right side, or on it.
    Met,
    /// On the wrong side.
    Missed,
}

/// A reading held against a threshold that was named before the reading existed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judgement {
    /// The result.
    pub standing: Standing,
    /// The difference that was judged, in the metric's unit.
    pub judged: i128,
    /// The difference it was held against, in the metric's unit, with the sign of the direction.
    pub threshold: i128,
}

impl Objective {
    /// Whether it concerns a change of `parameter`.
    #[must_use]
    pub fn applies_to(&self, parameter: &ParameterName) -> bool {
        self.parameters.is_empty() || self.parameters.contains(parameter)
    }

    /// Holds a reading against the objective.
    ///
    /// The margin is rounded up and is never less than one unit, so that no change at all never
    /// meets an objective, whatever the baseline.
    #[must_use]
    pub fn judge(&self, reading: &Reading) -> Judgement {
        let margin = self.by_at_least.of_rounded_up(reading.baseline).max(1);
        let judged = unfavourable(self.judge, self.direction, reading);
        judgement(self.direction, judged, margin)
    }
}

impl Guard {
    /// Whether it concerns a change of `parameter`.
    #[must_use]
    pub fn applies_to(&self, parameter: &ParameterName) -> bool {
        self.parameters.is_empty() || self.parameters.contains(parameter)
    }

    /// Holds a reading against the guard; the margin is rounded down.
    #[must_use]
    pub fn judge(&self, reading: &Reading) -> Judgement {
        let allowed = self.worse_by_at_most.of_rounded_down(reading.baseline);
        let judged = unfavourable(self.judge, self.better, reading);
        judgement(self.better, judged, -allowed)
    }
}

fn unfavourable(judge: Judge, better: Direction, reading: &Reading) -> i128 {
    match (judge, better) {
        (Judge::Point, _) => reading.difference,
        (Judge::Interval, Direction::Increase) => reading.low.min(reading.difference),
        (Judge::Interval, Direction::Decrease) => reading.high.max(reading.difference),
    }
}

fn judgement(better: Direction, judged: i128, at_least: i128) -> Judgement {
    let (threshold, met) = match better {
        Direction::Increase => (at_least, judged >= at_least),
        Direction::Decrease => (-at_least, judged <= -at_least),
    };
    Judgement { standing: if met { Standing::Met } else { Standing::Missed }, judged, threshold }
}

#[cfg(test)]
mod tests;
