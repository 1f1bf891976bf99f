//! JSON-RPC over HTTP: one place for timeouts, limits, retries and the typing of failures.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use alloy::transports::http::reqwest::{self, StatusCode, Url, header::RETRY_AFTER, redirect};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    Error,
    error::{TransportFailure, shorten},
};

/// Largest answer that is read, in bytes. A full block with receipts stays below 64 MiB.
const ANSWER_BYTES_MAX: usize = 128 << 20;
/// Time for one HTTP request, answer included, in seconds.
const REQUEST_TIMEOUT_S: u64 = 30;
/// Requests made for one question before giving up.
const ATTEMPTS_MAX: u32 = 5;
/// Pause before the first retry, in milliseconds; it doubles each time.
const RETRY_PAUSE_MS: u64 = 100;
/// Longest pause a node may ask for before we report instead of waiting, in seconds.
const RETRY_AFTER_S_MAX: u64 = 10;

/// A JSON-RPC endpoint. Cheap to clone; clones share the count of requests.
#[derive(Clone)]
pub(crate) struct JsonRpc {
    http: reqwest::Client,
    url: Url,
    shown_url: String,
    requests: Arc<AtomicU64>,
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
        // A redirect could carry the key in the URL to another host.
        let mut builder = reqwest::Client::builder()
            .timeout(Duration::from_secs(REQUEST_TIMEOUT_S))
            .redirect(redirect::Policy::none());
        if matches!(host, "127.0.0.1" | "localhost" | "[::1]") {
            builder = builder.no_proxy();
        }
        let http = builder
            .build()
            .map_err(|_| Error::InvalidUrl { reason: "no http client can be made for it" })?;
        Ok(Self { http, url, shown_url, requests: Arc::default() })
    }

    pub(crate) fn shown_url(&self) -> &str {
        &self.shown_url
    }

    /// Questions asked so far; a batch counts each of its questions, a retry counts again.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
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
        Ok(outcome(answer))
    }

    /// Asks several questions in one exchange; results come in the order of the questions.
    pub(crate) async fn batch(&self, calls: &[(&str, Value)]) -> Result<Vec<Value>, Error> {
        let method = calls.first().map_or("batch", |(method, _)| method);
        let body: Vec<Value> = calls
            .iter()
            .enumerate()
            .map(|(id, (method, params))| {
                json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
            })
            .collect();
        let count = calls.len() as u64;
        let answers = self.exchange(method, &Value::Array(body), count).await?;
        let mut answers: Vec<Answer> = parse(method, answers)?;
        answers.sort_by_key(|answer| answer.id);
        if !answers.iter().map(|answer| answer.id).eq((0..count).map(Some)) {
            return Err(Error::malformed(method, "the batch answer does not match its questions"));
        }
        let mut results = Vec::with_capacity(answers.len());
        for (answer, (method, _)) in answers.into_iter().zip(calls) {
            match outcome(answer) {
                Outcome::Result(value) => results.push(value),
                Outcome::Refused { code, message, .. } => {
                    let (method, reason) = ((*method).to_owned(), shorten(&message));
                    return Err(Error::Rejected { method, code, reason });
                }
            }
        }
        Ok(results)
    }

    /// Sends a body until an answer comes, an error is final, or the attempts are used up. Every
    /// question this crate asks may be repeated: reads, and signed transactions, whose hash is fixed.
    async fn exchange(&self, method: &str, body: &Value, count: u64) -> Result<Value, Error> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            self.requests.fetch_add(count, Ordering::Relaxed);
            let failure = match self.post(method, body).await {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            let mut pause = Duration::from_millis(RETRY_PAUSE_MS << (attempt - 1));
            match failure {
                Failure::Final(error) => return Err(error),
                Failure::RateLimited { after_s } => {
                    if attempt >= ATTEMPTS_MAX || after_s > RETRY_AFTER_S_MAX {
                        return Err(Error::RateLimited { url: self.shown_url.clone(), after_s });
                    }
                    pause = pause.max(Duration::from_secs(after_s));
                }
                Failure::Transport(source) if attempt >= ATTEMPTS_MAX => {
                    return Err(Error::Unreachable {
                        url: self.shown_url.clone(),
                        method: method.to_owned(),
                        attempts: attempt,
                        source,
                    });
                }
                Failure::Transport(_) => {}
            }
            tokio::time::sleep(pause).await;
        }
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
            let after = response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok());
            let after_s = after.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
            return Err(Failure::RateLimited { after_s });
        }
        if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
            return Err(Failure::Transport(TransportFailure::Status(status.as_u16())));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(http_failure)? {
            if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
                let reason = format_args!("the answer is larger than {ANSWER_BYTES_MAX} bytes");
                return Err(Failure::Final(Error::malformed(method, reason)));
            }
            bytes.extend_from_slice(&chunk);
        }
        // Some nodes send JSON-RPC errors with a 4xx status; those are read like any other.
        serde_json::from_slice(&bytes).map_err(|error| {
            Failure::Final(if status.is_success() {
                Error::malformed(method, format_args!("not JSON: {error}"))
            } else {
                Error::Rejected {
                    method: method.to_owned(),
                    code: i64::from(status.as_u16()),
                    reason: format!("http status {}", status.as_u16()),
                }
            })
        })
    }
}

fn http_failure(error: reqwest::Error) -> Failure {
    Failure::Transport(TransportFailure::Http(error.without_url()))
}

fn outcome(answer: Answer) -> Outcome {
    match answer.error {
        Some(AnswerError { code, message, data }) => Outcome::Refused { code, message, data },
        None => Outcome::Result(answer.result.unwrap_or(Value::Null)),
    }
}

/// Reads a JSON value into a type, or says where it does not fit.
pub(crate) fn parse<T: DeserializeOwned>(at: &str, value: Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(|error| Error::malformed(at, error))
}
