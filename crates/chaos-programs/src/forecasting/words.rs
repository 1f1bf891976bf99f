//! What forecasts and their scores say, in one line.

use chaos_simulation::{
    Decimal,
    forecast::{Basis, Coverage, Forecast, Score, Validation},
};

/// Parts per million as per cent with one place.
#[must_use]
pub fn percent(ppm: i128) -> String {
    let tenths = ppm / 1_000;
    let sign = if ppm < 0 { "-" } else { "" };
    format!("{sign}{}.{}", tenths.unsigned_abs() / 10, tenths.unsigned_abs() % 10)
}

/// As [`percent`], or a dash where there is nothing to compare.
#[must_use]
pub fn optional_percent(ppm: Option<Decimal>) -> String {
    ppm.map_or_else(|| "-".to_owned(), |ppm| percent(ppm.0))
}

/// "9/11".
#[must_use]
pub fn share(coverage: &Coverage) -> String {
    format!("{}/{}", coverage.inside, coverage.of)
}

/// "81.8 % (50.8 to 95.1)", the interval being that of the true share.
#[must_use]
pub fn coverage(coverage: &Coverage) -> String {
    format!(
        "{} ({} to {})",
        share_percent(coverage),
        percent(coverage.low_ppm.into()),
        percent(coverage.high_ppm.into())
    )
}

fn share_percent(coverage: &Coverage) -> String {
    format!("{} %", percent(coverage.share_ppm.into()))
}

/// Whether intervals can be believed, and whether the model beats the naive forecast.
#[must_use]
pub fn of_validation(validation: &Validation) -> String {
    let Coverage { share_ppm, low_ppm, high_ppm, .. } = validation.p10_p90;
    let intervals = if high_ppm < 800_000 {
        "intervals are too narrow"
    } else if low_ppm > 800_000 {
        "intervals are too wide"
    } else if share_ppm < 700_000 {
        "intervals may be too narrow"
    } else {
        "intervals hold"
    };
    format!(
        "{intervals}; beats the last window on {} of {} figures (median skill {} %)",
        validation.better_than_naive,
        validation.naive_compared,
        optional_percent(validation.skill_median_ppm)
    )
}

/// What became of a forecast, in figures.
#[must_use]
pub fn of_score(forecast: &Forecast, score: &Score) -> String {
    let naive = match forecast.basis {
        Basis::Before => format!(
            "; beats the last window on {} of {}",
            score.better_than_naive, score.naive_compared
        ),
        Basis::After => String::new(),
    };
    format!(
        "{} of {} figures inside p10-p90, {} inside p2.5-p97.5{naive}",
        score.p10_p90.inside,
        score.p10_p90.of,
        share_percent(&score.p2_5_p97_5)
    )
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn per_cent_keep_their_sign_below_one() {
        assert_eq!([-4_000, -130_999, 0, 812_345].map(percent), ["-0.4", "-13.0", "0.0", "81.2"]);
    }
}
