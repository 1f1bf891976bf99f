//! JSON-RPC over HTTP: one place for timeouts, limits, retries and the typing of failures.

mod limits;
mod quantity;

use std::{
    sync::{
        Arc, Once,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::{StatusCode, Url, redirect};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

pub use self::limits::RpcLimits;
use self::limits::{Pace, backoff_s, is_rate_limit, retry_after_s};
pub(crate) use self::quantity::{Quantity, Quantity64, Word};
use crate::{
    Error,
    error::{TransportFailure, shorten},
};

/// Parts of a URL from this length on are taken for keys, in characters.
const SECRET_CHARS_MIN: usize = 8;

/// Gives TLS its cryptography: `ring`, which attestation uses as well, in place of a second library.
/// A process has one provider, and whoever was first stays.
fn provide_cryptography() {
    static PROVIDED: Once = Once::new();
    PROVIDED.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
}

/// A JSON-RPC endpoint. Cheap to clone; clones share the count of requests.
#[derive(Clone)]
pub(crate) struct JsonRpc {
    http: reqwest::Client,
    url: Url,
    shown_url: String,
    /// Parts of the URL that may be keys, longest first.
    secrets: Arc<[String]>,
    limits: RpcLimits,
    shared: Arc<Shared>,
}

/// What clones share.
struct Shared {
    pace: Option<Pace>,
    requests: AtomicU64,
    retries: AtomicU64,
    /// Most questions of a batch that the node takes, as far as it has refused larger ones.
    batch_max: AtomicUsize,
}

impl std::fmt::Debug for JsonRpc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JsonRpc").field("url", &self.shown_url).finish_non_exhaustive()
    }
}

/// One answer, before it is known whether it is a result or an error.
#[derive(Deserialize)]
struct Answer {
    id: Option<u64>,
    #[serde(default)]
    result: Option<Value>,
    error: Option<AnswerError>,
}

#[derive(Deserialize)]
struct AnswerError {
    code: i64,
    #[serde(default)]
    message: String,
    data: Option<Value>,
}

/// What one request brought.
pub(crate) enum Outcome {
    /// The result; JSON null if there is none.
    Result(Value),
    /// The node's own error.
    Refused { code: i64, message: String, data: Option<Value> },
}

/// How one HTTP exchange failed.
enum Failure {
    Transport(TransportFailure),
    RateLimited { after_s: u64 },
    Final(Error),
}

impl JsonRpc {
    pub(crate) fn new(url: &str) -> Result<Self, Error> {
        Self::with_limits(url, RpcLimits::default())
    }

    pub(crate) fn with_limits(url: &str, limits: RpcLimits) -> Result<Self, Error> {
        let url =
            Url::parse(url).map_err(|_| Error::InvalidUrl { reason: "it cannot be parsed" })?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Error::InvalidUrl { reason: "expected http:// or https://" });
        }
        let host = url.host_str().ok_or(Error::InvalidUrl { reason: "it has no host" })?;
        let shown_url = match url.port() {
            Some(port) => format!("{}://{host}:{port}", url.scheme()),
            None => format!("{}://{host}", url.scheme()),
        };
        provide_cryptography();
        // A redirect could carry the key in the URL to another host.
        let mut builder = reqwest::Client::builder()
            .timeout(limits.request_timeout)
            .redirect(redirect::Policy::none());
        if matches!(host, "127.0.0.1" | "localhost" | "[::1]") {
            builder = builder.no_proxy();
        }
        let http = builder
            .build()
            .map_err(|_| Error::InvalidUrl { reason: "no http client can be made for it" })?;
        let shared = Arc::new(Shared {
            pace: limits.requests_per_second.map(Pace::new),
            requests: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            batch_max: AtomicUsize::new(usize::MAX),
        });
        let secrets = secrets(&url).into();
        Ok(Self { http, url, shown_url, secrets, limits, shared })
    }

    /// Whether another one is at the same scheme, host and port: whoever is there has one word, whatever keys and paths
    /// it is asked by.
    pub(crate) fn is_at_the_place_of(&self, other: &Self) -> bool {
        self.shown_url == other.shown_url
    }

    pub(crate) fn shown_url(&self) -> &str {
        &self.shown_url
    }

    /// Questions asked so far; a batch counts each of its questions, a retry counts again.
    pub(crate) fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// Requests that were sent again, after a failure or because the node limits the rate.
    pub(crate) fn retries(&self) -> u64 {
        self.shared.retries.load(Ordering::Relaxed)
    }

    /// Asks one question and reads the result into `T`.
    pub(crate) async fn request<T: DeserializeOwned>(
        &self,
        method: &str,
        params: Value,
    ) -> Result<T, Error> {
        match self.ask(method, params).await? {
            Outcome::Result(value) => parse(method, value),
            Outcome::Refused { code, message, .. } => {
                Err(Error::Rejected { method: method.to_owned(), code, reason: shorten(&message) })
            }
        }
    }

    /// Asks one question and keeps the node's own error apart, for callers that read it.
    pub(crate) async fn ask(&self, method: &str, params: Value) -> Result<Outcome, Error> {
        let body = json!({"jsonrpc": "2.0", "id": 0, "method": method, "params": params});
        let answer = self.exchange(method, &body, 1).await?;
        let answer: Answer = parse(method, answer)?;
        // A node that could not read the question may not know its id.
        if answer.id != Some(0) && (answer.error.is_none() || answer.id.is_some()) {
            let found = answer.id.map_or_else(|| "none".to_owned(), |id| id.to_string());
            let reason = format_args!("the answer is to question {found}, asked was question 0");
            return Err(Error::malformed(method, reason));
        }
        Ok(self.outcome(answer))
    }

    /// Asks several questions in as few exchanges as the limits and the node allow; results come in the
    /// order of the questions. A batch that is refused is halved until one is taken, or until one
    /// question is left, which is asked alone.
    pub(crate) async fn batch(&self, calls: &[(&str, Value)]) -> Result<Vec<Value>, Error> {
        let mut results = Vec::with_capacity(calls.len());
        let mut rest = calls;
        while let Some((method, params)) = rest.first() {
            let batch_max = self.shared.batch_max.load(Ordering::Relaxed);
            let size = self.limits.batch_size().min(batch_max).min(rest.len());
            if size < 2 {
                results.push(self.request(method, params.clone()).await?);
                rest = &rest[1..];
                continue;
            }
            match self.batch_once(&rest[..size]).await? {
                Some(answers) => {
                    results.extend(answers);
                    rest = &rest[size..];
                }
                None => {
                    self.shared.batch_max.fetch_min(size / 2, Ordering::Relaxed);
                }
            }
        }
        Ok(results)
    }

    /// One exchange, and further ones for the questions that were refused because of the rate.
    /// `None` if the node does not take a batch of this size.
    async fn batch_once(&self, calls: &[(&str, Value)]) -> Result<Option<Vec<Value>>, Error> {
        let mut results: Vec<Option<Value>> = vec![None; calls.len()];
        let mut attempt = 0;
        loop {
            let pending: Vec<usize> =
                (0..calls.len()).filter(|index| results[*index].is_none()).collect();
            let Some(first) = pending.first() else { break };
            let method = calls[*first].0;
            let Some(answers) = self.exchange_batch(method, calls, &pending).await? else {
                return Ok(None);
            };
            let mut limited = None;
            for (answer, index) in answers.into_iter().zip(&pending) {
                match self.outcome(answer) {
                    Outcome::Result(value) => results[*index] = Some(value),
                    Outcome::Refused { code, message, data } if is_rate_limit(code, &message) => {
                        limited = limited.max(Some(backoff_s(data.as_ref())));
                    }
                    Outcome::Refused { code, message, .. } => {
                        let method = calls[*index].0.to_owned();
                        return Err(Error::Rejected { method, code, reason: shorten(&message) });
                    }
                }
            }
            if let Some(after_s) = limited {
                // Every round that answers anything makes the next one smaller, so only rounds that
                // answer nothing count as attempts.
                let progress = pending.iter().any(|index| results[*index].is_some());
                attempt = if progress { 1 } else { attempt + 1 };
                self.wait(attempt, Failure::RateLimited { after_s }, method).await?;
            }
        }
        Ok(Some(results.into_iter().map(Option::unwrap_or_default).collect()))
    }

    async fn exchange_batch(
        &self,
        method: &str,
        calls: &[(&str, Value)],
        pending: &[usize],
    ) -> Result<Option<Vec<Answer>>, Error> {
        let body: Vec<Value> = pending
            .iter()
            .map(|id| {
                let (method, params) = &calls[*id];
                json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
            })
            .collect();
        let answers = match self.exchange(method, &Value::Array(body), pending.len()).await {
            Ok(answers) => answers,
            Err(Error::Rejected { .. }) => Value::Null,
            Err(error) => return Err(error),
        };
        if !answers.is_array() {
            return Ok(None);
        }
        let mut answers: Vec<Answer> = parse(method, answers)?;
        answers.sort_by_key(|answer| answer.id);
        let ids = pending.iter().map(|id| Some(*id as u64));
        if !answers.iter().map(|answer| answer.id).eq(ids) {
            return Err(Error::malformed(method, "the batch answer does not match its questions"));
        }
        Ok(Some(answers))
    }

    /// Sends a body until an answer comes, an error is final, or the attempts are used up. Every
    /// question this crate asks may be repeated: reads, and signed transactions, whose hash is fixed.
    async fn exchange(&self, method: &str, body: &Value, count: usize) -> Result<Value, Error> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            if let Some(pace) = &self.shared.pace {
                let count = u32::try_from(count).unwrap_or(u32::MAX);
                tokio::time::sleep(pace.book(count, Instant::now())).await;
            }
            self.shared.requests.fetch_add(count as u64, Ordering::Relaxed);
            match self.post(method, body).await {
                Ok(value) => return Ok(value),
                Err(failure) => self.wait(attempt, failure, method).await?,
            }
        }
    }

    /// Waits before the next attempt, or says why there is none.
    async fn wait(&self, attempt: u32, failure: Failure, method: &str) -> Result<(), Error> {
        let mut pause = self.limits.pause(attempt);
        match failure {
            Failure::Final(error) => return Err(error),
            Failure::RateLimited { after_s } => {
                let asked = Duration::from_secs(after_s);
                if attempt >= self.limits.rate_limited_attempts || asked > self.limits.pause_max {
                    return Err(Error::RateLimited { url: self.shown_url.clone(), after_s });
                }
                pause = pause.max(asked);
            }
            Failure::Transport(source) if attempt >= self.limits.attempts => {
                return Err(Error::Unreachable {
                    url: self.shown_url.clone(),
                    method: method.to_owned(),
                    attempts: attempt,
                    source,
                });
            }
            Failure::Transport(_) => {}
        }
        self.shared.retries.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(pause).await;
        Ok(())
    }

    /// The node's words may repeat the URL it was asked at; what may be a key is taken out of them.
    fn outcome(&self, answer: Answer) -> Outcome {
        match answer.error {
            Some(AnswerError { code, mut message, data }) => {
                for secret in self.secrets.iter() {
                    message = message.replace(secret, "…");
                }
                Outcome::Refused { code, message, data }
            }
            None => Outcome::Result(answer.result.unwrap_or(Value::Null)),
        }
    }

    /// What a 401 is, and a 403 that is no JSON-RPC error: the endpoint does not take whoever asks.
    fn unauthorized(&self, status: StatusCode, method: &str, bytes: &[u8]) -> Option<Error> {
        let is_answer = || {
            let answer: Option<Answer> = serde_json::from_slice(bytes).ok();
            answer.is_some_and(|answer| answer.error.is_some())
        };
        let is_refused =
            status == StatusCode::UNAUTHORIZED || (status == StatusCode::FORBIDDEN && !is_answer());
        is_refused.then(|| {
            let mut reason = String::from_utf8_lossy(bytes).trim().to_owned();
            for secret in self.secrets.iter() {
                reason = reason.replace(secret, "…");
            }
            let (method, code) = (method.to_owned(), i64::from(status.as_u16()));
            let reason = shorten(&format!("access is refused with HTTP status {code}: {reason}"));
            Error::Rejected { method, code, reason }
        })
    }

    async fn post(&self, method: &str, body: &Value) -> Result<Value, Failure> {
        let request = self
            .http
            .post(self.url.clone())
            .header("content-type", "application/json")
            .body(body.to_string());
        let mut response = request.send().await.map_err(http_failure)?;
        let status = response.status();
        if status == StatusCode::TOO_MANY_REQUESTS {
            let after_s = retry_after_s(response.headers());
            return Err(Failure::RateLimited { after_s });
        }
        if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
            return Err(Failure::Transport(TransportFailure::Status(status.as_u16())));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(http_failure)? {
            let max = self.limits.answer_bytes_max;
            if bytes.len() + chunk.len() > max {
                let reason = format_args!("the answer is larger than {max} bytes");
                return Err(Failure::Final(Error::malformed(method, reason)));
            }
            bytes.extend_from_slice(&chunk);
        }
        if let Some(error) = self.unauthorized(status, method, &bytes) {
            return Err(Failure::Final(error));
        }
        // Some nodes send JSON-RPC errors with a 4xx status; those are read like any other.
        let value: Value = serde_json::from_slice(&bytes).map_err(|error| {
            if !status.is_success() {
                let reason = if status.is_redirection() {
                    // Where to is not shown: it may hold a key, and the reader sees it by asking once by hand.
                    format!(
                        "HTTP status {} sends on to another address, which is not followed: give that \
                         address itself",
                        status.as_u16()
                    )
                } else {
                    format!("HTTP status {}", status.as_u16())
                };
                let (method, code) = (method.to_owned(), i64::from(status.as_u16()));
                return Failure::Final(Error::Rejected { method, code, reason });
            }
            // An answer that was cut short may come whole the next time.
            if error.is_eof() {
                return Failure::Transport(TransportFailure::Truncated(bytes.len()));
            }
            Failure::Final(Error::malformed(method, format_args!("not JSON: {error}")))
        })?;
        match value.get("error").filter(|error| !error.is_null()) {
            Some(error) if refused_for_rate(error) => {
                Err(Failure::RateLimited { after_s: backoff_s(error.get("data")) })
            }
            _ => Ok(value),
        }
    }
}

fn refused_for_rate(error: &Value) -> bool {
    let code = error.get("code").and_then(Value::as_i64).unwrap_or(0);
    is_rate_limit(code, error.get("message").and_then(Value::as_str).unwrap_or(""))
}

fn http_failure(error: reqwest::Error) -> Failure {
    Failure::Transport(TransportFailure::Http(error.without_url()))
}

/// What of a URL may be a key: the password, and long parts of the rest.
fn secrets(url: &Url) -> Vec<String> {
    let path = url.path().split('/');
    let query = url.query().into_iter().flat_map(|query| query.split(['&', '=']));
    let long = path.chain(query).chain([url.username()]);
    let mut secrets: Vec<String> = long
        .filter(|part| part.len() >= SECRET_CHARS_MIN)
        .chain(url.password())
        .map(str::to_owned)
        .collect();
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
}

/// Reads a JSON value into a type, or says where it does not fit.
pub(crate) fn parse<T: DeserializeOwned>(at: &str, value: Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(|error| Error::malformed(at, error))
}
