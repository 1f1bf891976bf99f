//! How hard a node may be asked, and what to do when it asks for less.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use serde_json::Value;

/// Pause before the first retry, in milliseconds; it doubles each time.
const RETRY_PAUSE_MS: u64 = 100;
/// Doublings of the pause; it stays as it is afterwards.
const DOUBLINGS_MAX: u32 = 16;

/// The bounds of one endpoint's use. The schedule of retries is fixed: 100 ms, doubled each time up
/// to [`RpcLimits::pause_max`], or what the node asks for if that is longer. There is no jitter, so
/// the same failures give the same waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RpcLimits {
    /// Questions per second, on average; a batch counts each of its questions. `None` for no limit.
    pub requests_per_second: Option<NonZeroU32>,
    /// Time for one HTTP request, answer included.
    pub request_timeout: Duration,
    /// Requests made for one question while no answer comes.
    pub attempts: u32,
    /// Requests made for one question while the node limits the rate.
    pub rate_limited_attempts: u32,
    /// Longest pause between two attempts. A node that asks for more is given up.
    pub pause_max: Duration,
    /// Largest answer that is read, in bytes.
    pub answer_bytes_max: usize,
    /// Most questions in one HTTP request.
    pub batch_max: NonZeroUsize,
}

impl Default for RpcLimits {
    /// For single questions whose asker waits: 5 attempts, pauses up to 10 s.
    fn default() -> Self {
        Self {
            requests_per_second: None,
            request_timeout: Duration::from_secs(30),
            attempts: 5,
            rate_limited_attempts: 5,
            pause_max: Duration::from_secs(10),
            answer_bytes_max: 128 << 20,
            batch_max: NonZeroUsize::new(100).expect("100 is not zero"),
        }
    }
}

impl RpcLimits {
    /// For fetching many blocks: 6 attempts, 10 while the node limits the rate, pauses up to 60 s,
    /// answers up to 256 MiB, which traces and state proofs of large blocks need.
    #[must_use]
    pub fn patient() -> Self {
        Self {
            attempts: 6,
            rate_limited_attempts: 10,
            pause_max: Duration::from_secs(60),
            answer_bytes_max: 256 << 20,
            ..Self::default()
        }
    }

    /// Pause before attempt `attempt + 1`, for attempts from 1 on.
    #[must_use]
    pub(crate) fn pause(&self, attempt: u32) -> Duration {
        let doublings = attempt.saturating_sub(1).min(DOUBLINGS_MAX);
        Duration::from_millis(RETRY_PAUSE_MS << doublings).min(self.pause_max)
    }

    /// Questions in one HTTP request: no more than a second's worth.
    pub(crate) fn batch_size(&self) -> usize {
        let per_second = self.requests_per_second.and_then(|n| usize::try_from(n.get()).ok());
        per_second.map_or(self.batch_max.get(), |n| n.min(self.batch_max.get()))
    }
}

/// A token bucket that may go into debt: a batch is sent at once and the next request waits until
/// its questions are paid for.
#[derive(Debug)]
pub(crate) struct Pace {
    interval: Duration,
    paid_until: Mutex<Option<Instant>>,
}

impl Pace {
    pub(crate) fn new(per_second: NonZeroU32) -> Self {
        let interval = Duration::from_secs(1) / per_second.get();
        Self { interval, paid_until: Mutex::new(None) }
    }

    /// Books `count` questions and says how long to wait before asking them.
    pub(crate) fn book(&self, count: u32, now: Instant) -> Duration {
        let mut paid_until = self.paid_until.lock().unwrap_or_else(PoisonError::into_inner);
        let start = paid_until.map_or(now, |paid_until| paid_until.max(now));
        *paid_until = Some(start + self.interval * count);
        start - now
    }
}

/// What nodes say of a question whose answer would be too large, often with the code of a rate limit.
/// Waiting does not help.
const TOO_LARGE: [&str; 6] = [
    "query returned more than",
    "block range",
    "range is too large",
    "response size",
    "too many results",
    "logs matched by query",
];

/// Whether a JSON-RPC error says that the node limits the rate. Nodes agree on neither code nor
/// words: EIP-1474 has -32005, others send the HTTP status, their own codes, or only say so.
pub(crate) fn is_rate_limit(code: i64, message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    if TOO_LARGE.iter().any(|words| message.contains(words)) {
        return false;
    }
    matches!(code, 429 | -32005 | -32007 | -32029 | -32090)
        || ["rate limit", "rate-limit", "too many requests", "request limit", "per second capacity"]
            .iter()
            .any(|words| message.contains(words))
}

/// Seconds to wait that an error's `data` names, as `{"rate": {"backoff_seconds": 30}}`.
pub(crate) fn backoff_s(data: Option<&Value>) -> u64 {
    let seconds = data.and_then(|data| data.pointer("/rate/backoff_seconds"));
    seconds.and_then(|s| s.as_u64().or_else(|| s.as_f64().map(ceil_s))).unwrap_or(0)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped first; a wait, never hashed"
)]
fn ceil_s(seconds: f64) -> u64 {
    seconds.ceil().clamp(0.0, 1e9) as u64
}

/// Seconds to wait that the header `Retry-After` names, as a number or as a date
/// ([RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3)); a date is compared with the
/// answer's own `Date`, not with our clock. Zero if there is none.
pub(crate) fn retry_after_s(headers: &HeaderMap) -> u64 {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let Some(after) = text(RETRY_AFTER) else { return 0 };
    if let Ok(seconds) = after.parse() {
        return seconds;
    }
    let (Some(after), Some(now)) = (http_date_s(after), text(DATE).and_then(http_date_s)) else {
        return 0;
    };
    after.saturating_sub(now)
}

/// Seconds since 1970 of a date such as `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date_s(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, date) = text.split_once(", ")?;
    let words: Vec<&str> = date.split(' ').collect();
    let [day, month, year, time, "GMT"] = words[..] else { return None };
    let month = MONTHS.iter().position(|name| *name == month)? as u64 + 1;
    let (day, year): (u64, u64) = (day.parse().ok()?, year.parse().ok()?);
    if !(1..=31).contains(&day) || !(1970..=9999).contains(&year) {
        return None;
    }
    let mut parts = time.split(':').map(|part| part.parse::<u64>().ok().filter(|n| *n < 61));
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    // Days by the civil calendar, counted from March so that the leap day comes last.
    let (shifted_year, shifted_month) =
        if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * shifted_year + shifted_year / 4 - shifted_year / 100
        + shifted_year / 400
        + (153 * shifted_month + 2) / 5
        + day
        - 1;
    let days_to_1970 = 719_468;
    Some((days - days_to_1970) * 86_400 + hours * 3_600 + minutes * 60 + seconds)
}

#[cfg(test)]
mod tests;
