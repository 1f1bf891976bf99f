//! A figure predicted by a model and by three naive forecasts, and what was observed.

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
        let (loss, naive) = pairs.fold((0i128, 0i128), |(a, b), (c, d)| {
            (a.saturating_add(c), b.saturating_add(d))
        });
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
