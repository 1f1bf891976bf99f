//! Forecasts as files: what was written is what is read, and who can date it.

use chaos_governance::receipts::{MakeForecast, RunStudy, undated};
use chaos_simulation::forecast::{self, Forecast};
use chaos_types::{Digest, canonical};
use chaos_verify::Report;
use serde::{Deserialize, Serialize};

/// Names the layout of [`Kept`].
const FORMAT: &str = "chaoschain-forecast/1";

/// A forecast with its digest, so that an edit shows.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    format: String,
    digest: Digest,
    forecast: Forecast,
}

/// Why a file is no forecast, or not the one that was made.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// It holds none.
    #[error("no forecast as `chaoschain backtest --save` or a study writes it")]
    Malformed(#[source] canonical::Error),
    /// It is of another layout.
    #[error("format: expected `{FORMAT}`, found `{found}`")]
    Format {
        /// What it says.
        found: String,
    },
    /// The forecast is of another layout.
    #[error(transparent)]
    Forecast(#[from] forecast::Error),
    /// It was changed after it was written.
    #[error(
        "the forecast was edited: the file says that its digest is {stated}, and it is {found}"
    )]
    Edited {
        /// What the file says.
        stated: Digest,
        /// What follows from the forecast in it.
        found: Digest,
    },
    /// The bundle beside it is of another forecast.
    #[error(
        "the forecast is not the one that was logged: the bundle says {logged}, the file holds {found}"
    )]
    Other {
        /// What the receipt says.
        logged: Digest,
        /// What the file holds, its date left out.
        found: Digest,
    },
    /// The bundle beside it is of a receipt that makes no forecast.
    #[error("the bundle is of a receipt of kind `{kind}`, which names no forecast")]
    NoForecast {
        /// The kind.
        kind: String,
    },
}

/// The bytes of a forecast's file.
///
/// # Errors
/// If it has no canonical form.
pub fn kept_form(forecast: &Forecast) -> Result<Vec<u8>, canonical::Error> {
    let digest = Digest::of(&canonical::to_vec(forecast)?);
    canonical::to_vec(&Kept { format: FORMAT.to_owned(), digest, forecast: forecast.clone() })
}

/// Reads a forecast's file.
///
/// # Errors
/// If it holds no forecast, or was edited.
pub fn read(bytes: &[u8]) -> Result<Forecast, KeptError> {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let Kept { format, digest, forecast } =
        canonical::from_slice(bytes).map_err(KeptError::Malformed)?;
    if format != FORMAT {
        return Err(KeptError::Format { found: format.chars().take(80).collect() });
    }
    let bytes = forecast.to_canonical()?;
    let found = Digest::of(&bytes);
    if found != digest {
        return Err(KeptError::Edited { stated: digest, found });
    }
    Ok(Forecast::from_canonical(&bytes)?)
}

/// Whether a forecast is of blocks that were there at `now_s` (Unix seconds): a tenth of them, by the pace of those
/// that it is fitted on.
#[must_use]
pub fn is_hindcast(forecast: &Forecast, now_s: u64) -> bool {
    let fit = &forecast.fit;
    let span = fit.last_time.saturating_sub(fit.first_time);
    let blocks = fit.last_block.saturating_sub(fit.first_block);
    let ahead = forecast.target.first_block.saturating_sub(fit.last_block)
        + u64::from(forecast.target.blocks / 10);
    let takes = u128::from(span) * u128::from(ahead) / u128::from(blocks.max(1));
    u128::from(fit.last_time) + takes < u128::from(now_s)
}

/// When the log took a forecast in, milliseconds since 1970; `None` if the receipt was not accepted.
///
/// # Errors
/// If the receipt, which was verified, is of another forecast or of none.
pub fn logged(forecast: &Forecast, report: &Report) -> Result<Option<u64>, KeptError> {
    let Ok(receipt) = &report.result else { return Ok(None) };
    let found = undated(forecast)?;
    let named = if let Some(body) = receipt.action.read::<RunStudy>() {
        body.forecast
    } else if receipt.action.read::<MakeForecast>().is_some() {
        receipt.evidence.replay().map(|replay| replay.output)
    } else {
        None
    };
    match named {
        Some(logged) if logged == found => Ok(report.dated_ms),
        Some(logged) => Err(KeptError::Other { logged, found }),
        None => Err(KeptError::NoForecast { kind: receipt.action.kind().to_owned() }),
    }
}

#[cfg(test)]
mod tests;
