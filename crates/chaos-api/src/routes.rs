//! The published log over HTTP.

use std::{fmt, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    published::{PublishError, Published},
    resource::Resource,
};

/// Answers that are being read, or are large and being sent, at a time; further requests wait.
const ANSWERS_MAX: usize = 32;

/// A body up to this length waits for its reader without a place, in bytes: a tile is shorter.
const SMALL_BYTES_MAX: usize = 64 << 10;

/// How long a checkpoint may be kept by whoever fetched it.
const SHORT: &str = "public, max-age=2";

/// Tiles, entries, records, receipts and blobs never change.
const LONG: &str = "public, max-age=31536000, immutable";

/// Is told of what the log could not answer, from any thread.
pub type Incidents = Arc<dyn Fn(&Incident) + Send + Sync>;

/// Something that is published could not be read.
#[derive(Debug)]
pub struct Incident {
    /// What was asked for.
    pub asked: Resource,
    /// Why it could not be read.
    pub error: PublishError,
}

impl fmt::Display for Incident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot answer `{}`: {}", self.asked, self.error)?;
        let mut cause = std::error::Error::source(&self.error);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[derive(Clone)]
struct Shared {
    published: Arc<Published>,
    incidents: Incidents,
    places: Arc<Semaphore>,
}

/// The routes of a published log, to be served at its prefix.
pub fn routes(published: Arc<Published>, incidents: Incidents) -> Router {
    let places = Arc::new(Semaphore::new(ANSWERS_MAX));
    Router::new().route("/{*path}", get(answer)).with_state(Shared { published, incidents, places })
}

async fn answer(State(shared): State<Shared>, Path(path): Path<String>) -> Response {
    let Ok(resource) = path.parse::<Resource>() else {
        return refusal(StatusCode::NOT_FOUND, "no such path");
    };
    let Ok(place) = shared.places.acquire_owned().await else {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, "the log is closing");
    };
    let published = shared.published;
    let read = tokio::task::spawn_blocking(move || published.answer(&resource)).await;
    match read {
        Ok(Ok(Some(bytes))) => found(&resource, bytes, place),
        Ok(Ok(None)) => refusal(StatusCode::NOT_FOUND, "not published"),
        Ok(Err(error)) => {
            (shared.incidents)(&Incident { asked: resource, error });
            refusal(StatusCode::INTERNAL_SERVER_ERROR, "the log cannot read it")
        }
        Err(_) => refusal(StatusCode::INTERNAL_SERVER_ERROR, "the log cannot read it"),
    }
}

/// Bytes in memory, and the place that they take there until they are sent.
struct Held {
    bytes: Vec<u8>,
    _place: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

fn found(resource: &Resource, bytes: Vec<u8>, place: OwnedSemaphorePermit) -> Response {
    let lasting = if resource.is_immutable() { LONG } else { SHORT };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(resource.content_type())),
        (header::CACHE_CONTROL, HeaderValue::from_static(lasting)),
        // A blob is whatever an agent put there; no browser may take it for a page.
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    let body = if bytes.len() > SMALL_BYTES_MAX {
        Bytes::from_owner(Held { bytes, _place: place })
    } else {
        Bytes::from(bytes)
    };
    (headers, body).into_response()
}

fn refusal(status: StatusCode, why: &'static str) -> Response {
    let headers = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (status, headers, format!("{why}\n")).into_response()
}
