//! The published log over HTTP.

use std::{fmt, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use tokio::{
    net::TcpListener,
    sync::{Notify, Semaphore},
};

use crate::{
    published::{PublishError, Published},
    resource::Resource,
};

/// Answers that are being read at a time; further requests wait.
const ANSWERS_MAX: usize = 32;

/// How long answers that have begun may take once the server was asked to stop.
const GRACE: Duration = Duration::from_secs(3);

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

/// Serves a log until `stop` is done, and gives the answers that have begun a moment to end.
///
/// # Errors
/// If the listener fails.
pub async fn serve(
    listener: TcpListener,
    routes: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let stopping = Arc::new(Notify::new());
    let told = Arc::clone(&stopping);
    let served = axum::serve(listener, routes).with_graceful_shutdown(async move {
        stop.await;
        told.notify_one();
    });
    tokio::select! {
        ended = served.into_future() => ended,
        () = async {
            stopping.notified().await;
            tokio::time::sleep(GRACE).await;
        } => Ok(()),
    }
}

async fn answer(State(shared): State<Shared>, Path(path): Path<String>) -> Response {
    let Ok(resource) = path.parse::<Resource>() else {
        return refusal(StatusCode::NOT_FOUND, "no such path");
    };
    let Ok(_place) = shared.places.acquire().await else {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, "the log is closing");
    };
    let published = shared.published;
    let read = tokio::task::spawn_blocking(move || published.answer(&resource)).await;
    match read {
        Ok(Ok(Some(bytes))) => found(&resource, bytes),
        Ok(Ok(None)) => refusal(StatusCode::NOT_FOUND, "not published"),
        Ok(Err(error)) => {
            (shared.incidents)(&Incident { asked: resource, error });
            refusal(StatusCode::INTERNAL_SERVER_ERROR, "the log cannot read it")
        }
        Err(_) => refusal(StatusCode::INTERNAL_SERVER_ERROR, "the log cannot read it"),
    }
}

fn found(resource: &Resource, bytes: Vec<u8>) -> Response {
    let lasting = if resource.is_immutable() { LONG } else { SHORT };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(resource.content_type())),
        (header::CACHE_CONTROL, HeaderValue::from_static(lasting)),
        // A blob is whatever an agent put there; no browser may take it for a page.
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, bytes).into_response()
}

fn refusal(status: StatusCode, why: &'static str) -> Response {
    let headers = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (status, headers, format!("{why}\n")).into_response()
}
