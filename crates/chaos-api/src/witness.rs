//! A witness over HTTP ([C2SP tlog-witness](https://c2sp.org/tlog-witness)).

use std::{fmt, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use chaos_witness::{Answer, Notice, REQUEST_BYTES_MAX, Witness, WitnessError};

/// A request's body has arrived after this long, or is given up.
const BODY_TIME_MAX: Duration = Duration::from_secs(10);

/// How long a served checkpoint may be kept by whoever fetched it.
const SHORT: &str = "public, max-age=60";

/// Seconds since 1970.
pub type Seconds = fn() -> u64;

/// Is told of what whoever runs a witness has to know, from any thread.
pub type WitnessIncidents = Arc<dyn Fn(&WitnessIncident) + Send + Sync>;

/// What whoever runs a witness has to know.
#[derive(Debug)]
pub enum WitnessIncident {
    /// It could not read or keep what it must remember; it cosigned nothing.
    Failed(WitnessError),
    /// The order of its policy's lines decided.
    Order(Box<Notice>),
}

impl fmt::Display for WitnessIncident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = match self {
            Self::Failed(error) => error,
            Self::Order(notice) => return write!(f, "{notice}"),
        };
        write!(f, "{error}")?;
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[derive(Clone)]
struct Shared {
    witness: Arc<Witness>,
    now_s: Seconds,
    incidents: WitnessIncidents,
}

/// The routes of a witness: `add-checkpoint` to submit to and `<SHA-256 of an origin>/checkpoint` to
/// monitor by, both below the prefix that they are served at.
pub fn witness_routes(
    witness: Arc<Witness>,
    now_s: Seconds,
    incidents: WitnessIncidents,
) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/{origin}/checkpoint", get(checkpoint))
        .with_state(Shared { witness, now_s, incidents })
}

async fn add_checkpoint(State(shared): State<Shared>, body: Body) -> Response {
    let read = axum::body::to_bytes(body, REQUEST_BYTES_MAX);
    let Ok(Ok(request)) = tokio::time::timeout(BODY_TIME_MAX, read).await else {
        return told(StatusCode::BAD_REQUEST, "the request is too long, too slow or cut off");
    };
    let Shared { witness, now_s, incidents } = shared;
    // It waits for the disk.
    let answered =
        tokio::task::spawn_blocking(move || witness.add_checkpoint(&request, now_s())).await;
    match answered {
        Ok(Ok(mut answer)) => {
            if let Some(notice) = answer.notice.take() {
                incidents(&WitnessIncident::Order(Box::new(notice)));
            }
            answer_of(answer)
        }
        Ok(Err(error)) => {
            incidents(&WitnessIncident::Failed(error));
            told(StatusCode::INTERNAL_SERVER_ERROR, "the witness cannot answer")
        }
        Err(_) => told(StatusCode::INTERNAL_SERVER_ERROR, "the witness cannot answer"),
    }
}

async fn checkpoint(State(shared): State<Shared>, Path(origin): Path<String>) -> Response {
    let Shared { witness, incidents, .. } = shared;
    let read = tokio::task::spawn_blocking(move || witness.checkpoint(&origin)).await;
    match read {
        Ok(Ok(Some(note))) => {
            let headers = [
                (header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")),
                (header::CACHE_CONTROL, HeaderValue::from_static(SHORT)),
            ];
            (headers, note).into_response()
        }
        Ok(Ok(None)) => told(StatusCode::NOT_FOUND, "no checkpoint of that log was cosigned"),
        Ok(Err(error)) => {
            incidents(&WitnessIncident::Failed(error));
            told(StatusCode::INTERNAL_SERVER_ERROR, "the witness cannot answer")
        }
        Err(_) => told(StatusCode::INTERNAL_SERVER_ERROR, "the witness cannot answer"),
    }
}

fn answer_of(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(answer.content_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, answer.body).into_response()
}

fn told(status: StatusCode, why: &'static str) -> Response {
    let headers = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (status, headers, format!("{why}\n")).into_response()
}
