//! Connections to a server of this crate: how many there are, and how long each may take.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::Router;
use hyper::{
    server::conn::http1,
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
    time::Instant,
};

/// How long answers that have begun may take once the server was asked to stop.
const GRACE: Duration = Duration::from_secs(3);

/// The pause after the system refused a connection, as when it has no file for it.
const PAUSE: Duration = Duration::from_millis(100);

/// What a server bears from those who ask it.
///
/// A client that sends its request byte by byte, or takes its answer so, holds a connection and no
/// more, and not for ever. How many connections one address has is for a proxy in front to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time; further ones wait in the system's queue.
    pub connections_max: usize,
    /// A request's head is there after this long. A connection without a request is closed after it.
    pub head_time_max: Duration,
    /// A connection is closed this long after its last request began, whatever it does.
    pub answer_time_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 256,
            head_time_max: Duration::from_secs(30),
            answer_time_max: Duration::from_secs(120),
        }
    }
}

/// Serves routes until `stop` is done, and gives the answers that have begun a moment to end.
pub async fn serve(
    listener: TcpListener,
    routes: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(limits.connections_max));
    let (stopping, stopped) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, accept(&listener).await)
        };
        let (place, stream) = tokio::select! {
            () = &mut stop => break,
            next = next => next,
        };
        let (routes, stopped) = (routes.clone(), stopped.clone());
        connections.spawn(async move {
            connection(stream, routes, limits, stopped).await;
            drop(place);
        });
        // What has ended is forgotten, so that the set holds what is open.
        while connections.try_join_next().is_some() {}
    }
    drop((listener, stopping));
    let ended = async { while connections.join_next().await.is_some() {} };
    let _out_of_time = tokio::time::timeout(GRACE, ended).await;
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

async fn connection(
    stream: TcpStream,
    routes: Router,
    limits: Limits,
    mut stopped: watch::Receiver<()>,
) {
    let opened = Instant::now();
    let asked = Arc::new(AtomicU64::new(0));
    let service = TowerToHyperService::new(routes);
    let noted = Arc::clone(&asked);
    let service = service_fn(move |request| {
        noted.store(millis(opened.elapsed()), Ordering::Relaxed);
        service.call(request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time_max)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = pin!(served);
    let mut is_stopping = false;
    loop {
        let asked = Duration::from_millis(asked.load(Ordering::Relaxed));
        let until = opened + asked + limits.answer_time_max;
        if until <= Instant::now() {
            return;
        }
        tokio::select! {
            // A client that goes away or talks nonsense is nobody's concern.
            _ended = &mut served => return,
            () = tokio::time::sleep_until(until) => {}
            _told = stopped.changed(), if !is_stopping => {
                is_stopping = true;
                served.as_mut().graceful_shutdown();
            }
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
