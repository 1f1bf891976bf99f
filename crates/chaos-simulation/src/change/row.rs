//! A figure predicted by a model and by three naive forecasts, and what was observed.

use std::collections::BTreeMap;

use chaos_parameters::fixed;
use serde::Serialize;

use crate::{
    forecast::{Coverage, Quantiles, statistics::skill_ppm},
    result::Decimal,
};

/// How the numbers of a row are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// In the unit itself, times 1,000,000.
    Millionths,
    /// The natural logarithm of the figure in its unit, times 1,000,000: prices move by factors, and
    /// errors in wei would count the dearest hour alone.
    LogMillionths,
}

/// Whether a row is a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "standing", content = "reason")]
pub enum Standing {
    /// It is scored, and counts.
    Counted,
    /// It is scored and shown, and counts neither for nor against the model.
    Shown(&'static str),
    /// It is not scored, since the file cannot say what happened or the comparison says nothing.
    Refused(&'static str),
}

/// One predicted figure beside three naive forecasts and, once it is known, the observed one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its name in tables and JSON.
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// How all numbers here are written.
    pub scale: Scale,
    /// What the model expects.
    pub model: Quantiles,
    /// The last window with its own past errors; `None` if no past window is there to make errors.
    pub fair: Option<Quantiles>,
    /// The last window as a point.
    pub last: Option<Decimal>,
    /// The last window in proportion to the capacity, as a point.
    pub proportional: Option<Decimal>,
    /// What happened; `None` if the file does not say.
    pub observed: Option<Decimal>,
    /// Whether it counts.
    #[serde(flatten)]
    pub standing: Standing,
}

impl Row {
    /// A number of this row in its unit: blobs and shares in millionths as they are, what is kept as a
    /// logarithm without it, floored.
    #[must_use]
    pub fn in_unit(&self, value: i128) -> i128 {
        match self.scale {
            Scale::Millionths => value,
            Scale::LogMillionths => {
                let ln = fixed::ppm_to_q32(fixed::saturate(value));
                // A thousandth above: ln of a whole number is floored.
                let milli = fixed::scale_exp2(1_000, fixed::ln_to_log2_q32(ln)) + 1;
                i128::try_from(milli / 1_000).unwrap_or(i128::MAX)
            }
        }
    }

    /// What is scored: the observed figure, unless the row is refused.
    fn scored(&self) -> Option<i128> {
        match self.standing {
            Standing::Counted | Standing::Shown(_) => self.observed.map(|value| value.0),
            Standing::Refused(_) => None,
        }
    }

    /// Whether the observed figure lies between p10 and p90; `None` if it is not scored.
    #[must_use]
    pub fn inside_80(&self) -> Option<bool> {
        self.scored().map(|value| (self.model.p10..=self.model.p90).contains(&value))
    }

    /// Whether it lies between p2.5 and p97.5; `None` if it is not scored.
    #[must_use]
    pub fn inside_95(&self) -> Option<bool> {
        self.scored().map(|value| (self.model.p2_5..=self.model.p97_5).contains(&value))
    }

    /// Mean pinball loss of the model in thousandths of the scale; `None` if it is not scored.
    #[must_use]
    pub fn pinball(&self) -> Option<i128> {
        self.scored().map(|value| self.model.pinball_milli(value))
    }

    /// The loss of another forecast of this figure; `None` if there is none or it is not scored.
    fn loss_of(&self, other: Option<Quantiles>) -> Option<i128> {
        Some(other?.pinball_milli(self.scored()?))
    }

    /// One less the model's loss over that of the fair naive forecast, in ppm.
    #[must_use]
    pub fn skill_fair_ppm(&self) -> Option<i128> {
        skill_ppm(self.pinball()?, self.loss_of(self.fair)?)
    }

    /// The same against the last window as a point.
    #[must_use]
    pub fn skill_last_ppm(&self) -> Option<i128> {
        let point = self.last.map(|value| Quantiles::point(value.0));
        skill_ppm(self.pinball()?, self.loss_of(point)?)
    }

    /// The same against the last window in proportion to the capacity.
    #[must_use]
    pub fn skill_proportional_ppm(&self) -> Option<i128> {
        let point = self.proportional.map(|value| Quantiles::point(value.0));
        skill_ppm(self.pinball()?, self.loss_of(point)?)
    }

    /// Model's median less the observed figure, on the scale.
    #[must_use]
    pub fn error(&self) -> Option<i128> {
        self.scored().map(|value| self.model.p50.saturating_sub(value))
    }

    /// The same figures of the fair naive forecast: inside p10 to p90.
    #[must_use]
    pub fn fair_inside_80(&self) -> Option<bool> {
        let (value, fair) = (self.scored()?, self.fair?);
        Some((fair.p10..=fair.p90).contains(&value))
    }
}

/// The counted rows of one forecast, or of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Between p10 and p90; 80 % should.
    pub inside_80: Coverage,
    /// Between p2.5 and p97.5; 95 % should.
    pub inside_95: Coverage,
    /// Rows that the model predicted better than the fair naive forecast, by pinball loss.
    pub better_than_fair: u64,
    /// Rows that have such a forecast.
    pub fair_compared: u64,
}

impl Tally {
    /// Counts rows of `independent` windows, which is what Wilson's interval goes by.
    #[must_use]
    pub fn of<'a>(rows: impl Iterator<Item = &'a Row>, independent: u64) -> Self {
        let counted: Vec<&Row> = rows
            .filter(|row| row.standing == Standing::Counted && row.observed.is_some())
            .collect();
        let of = counted.len() as u64;
        let count = |holds: fn(&Row) -> Option<bool>| {
            counted.iter().filter(|row| holds(row) == Some(true)).count() as u64
        };
        let skills: Vec<i128> = counted.iter().filter_map(|row| row.skill_fair_ppm()).collect();
        Self {
            inside_80: Coverage::new(count(Row::inside_80), of, independent),
            inside_95: Coverage::new(count(Row::inside_95), of, independent),
            better_than_fair: skills.iter().filter(|skill| **skill > 0).count() as u64,
            fair_compared: skills.len() as u64,
        }
    }
}

/// One figure over several windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Windows in which it lies between p10 and p90.
    pub inside_80: Coverage,
    /// Windows in which it lies between p2.5 and p97.5.
    pub inside_95: Coverage,
    /// Windows in which it lies between p10 and p90 of the fair naive forecast.
    pub fair_inside_80: u64,
    /// One less the summed losses over those of the fair naive forecast, ppm, where that exists.
    pub skill_fair_ppm: Option<i128>,
    /// The same against the last window as a point.
    pub skill_last_ppm: Option<i128>,
}

/// One figure's scored rows, a row per window.
#[must_use]
pub fn summary(rows: &[&Row]) -> Summary {
    let of = rows.len() as u64;
    let count = |holds: fn(&Row) -> Option<bool>| {
        rows.iter().filter(|row| holds(row) == Some(true)).count() as u64
    };
    let skill = |other: fn(&Row) -> Option<Quantiles>| {
        let pairs = rows.iter().filter_map(|row| Some((row.pinball()?, row.loss_of(other(row))?)));
        let (loss, naive) =
            pairs.fold((0i128, 0i128), |(a, b), (c, d)| (a.saturating_add(c), b.saturating_add(d)));
        skill_ppm(loss, naive)
    };
    Summary {
        inside_80: Coverage::new(count(Row::inside_80), of, of),
        inside_95: Coverage::new(count(Row::inside_95), of, of),
        fair_inside_80: count(Row::fair_inside_80),
        skill_fair_ppm: skill(|row| row.fair),
        skill_last_ppm: skill(|row| row.last.map(|value| Quantiles::point(value.0))),
    }
}

/// How much further than expected earlier windows lay from their medians: intervals of later ones are
/// widened by it, and never narrowed.
///
/// It is the root mean square of standardised errors, begun with four windows as expected, so that one
/// bad window does not decide, and at most five.
#[derive(Debug, Clone, Default)]
pub struct Widening(BTreeMap<&'static str, (u64, i128)>);

/// Windows as expected that stand at the beginning.
const WINDOWS_AT_FIRST: u64 = 4;

/// The square of a standardised error counts at most this, in millionths: that of a hundred deviations.
const SQUARE_MAX: i128 = 10_000 * 1_000_000;

impl Widening {
    /// The factor of a figure in thousandths, from 1,000 to 5,000.
    fn factor_milli(&self, name: &str) -> i128 {
        let (windows, squares) = self.0.get(name).copied().unwrap_or_default();
        let first = i128::from(WINDOWS_AT_FIRST) * 1_000_000;
        let mean = (first + squares) / i128::from(WINDOWS_AT_FIRST + windows);
        i128::try_from(mean.unsigned_abs().isqrt()).unwrap_or(5_000).clamp(1_000, 5_000)
    }

    /// Widens a row by what was learnt before it, then learns from it.
    pub fn next(&mut self, row: &mut Row) {
        let factor = self.factor_milli(row.name);
        let learnt = row.scored().map(|value| {
            let apart = value.saturating_sub(row.model.p50);
            // Between p10 and p90 lie 2.563 deviations of a normal distribution.
            let deviation = (row.model.p90.saturating_sub(row.model.p10) * 1_000 / 2_563).max(1);
            let milli = apart.saturating_mul(1_000) / deviation;
            milli.saturating_mul(milli).min(SQUARE_MAX)
        });
        row.widen(factor);
        if let Some(square) = learnt {
            let (windows, squares) = self.0.entry(row.name).or_default();
            *windows += 1;
            *squares += square;
        }
    }
}

impl Row {
    /// Moves the percentiles away from the median by a factor in thousandths, within what can be.
    fn widen(&mut self, factor_milli: i128) {
        let middle = self.model.p50;
        let most = if self.unit == "share" { 1_000_000 } else { i128::MAX };
        let moved = |value: i128| (middle + (value - middle) * factor_milli / 1_000).clamp(0, most);
        let Quantiles { p2_5, p10, p50, p90, p97_5 } = self.model;
        self.model = Quantiles {
            p2_5: moved(p2_5),
            p10: moved(p10),
            p50,
            p90: moved(p90),
            p97_5: moved(p97_5),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(observed: i128) -> Row {
        let model = Quantiles { p2_5: 60, p10: 70, p50: 100, p90: 130, p97_5: 140 };
        Row {
            name: "a",
            unit: "share",
            scale: Scale::Millionths,
            model,
            fair: Some(Quantiles { p2_5: 80, p10: 90, p50: 100, p90: 110, p97_5: 120 }),
            last: Some(Decimal(100)),
            proportional: None,
            observed: Some(Decimal(observed)),
            standing: Standing::Counted,
        }
    }

    #[test]
    fn a_refused_row_is_not_scored_and_counts_nowhere() {
        let refused = Row { standing: Standing::Refused("why"), ..row(100) };
        assert_eq!((refused.inside_80(), refused.skill_fair_ppm()), (None, None));
        let tally = Tally::of([row(100), row(135), refused].iter(), 2);
        assert_eq!((tally.inside_80.inside, tally.inside_80.of), (1, 2));
        assert_eq!(tally.inside_95.inside, 2);
    }

    #[test]
    fn skill_is_above_zero_where_the_model_lost_less_than_the_fair_forecast() {
        assert!(row(150).skill_fair_ppm().unwrap() > 0, "the wider one lost less far away");
        assert!(row(100).skill_fair_ppm().unwrap() < 0, "and more where nothing happened");
        assert_eq!(row(100).skill_last_ppm(), None, "a point that was right has no loss");
    }

    #[test]
    fn intervals_widen_after_misses_and_never_narrow() {
        let mut widening = Widening::default();
        for _ in 0..5 {
            widening.next(&mut row(100));
        }
        assert_eq!(widening.factor_milli("a"), 1_000);
        for _ in 0..5 {
            widening.next(&mut row(200));
        }
        assert!(widening.factor_milli("a") > 2_000);
        let mut next = row(100);
        widening.next(&mut next);
        assert!(next.model.p10 < 50 && next.model.p50 == 100 && next.model.p2_5 >= 0);
        for _ in 0..20 {
            widening.next(&mut row(900_000));
        }
        assert_eq!(widening.factor_milli("a"), 5_000, "at most fivefold");
    }
}
