//! The asynchronous runtimes of commands, and the signals that ask a process to stop.

use std::net::SocketAddr;

use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
    signal::unix::{Signal, SignalKind, signal},
};

use crate::exit::{Failure, Kind, OrFail as _};

/// A runtime for one conversation.
pub(crate) fn single() -> Result<Runtime, Failure> {
    Builder::new_current_thread().enable_all().build().or_fail(Kind::Outside)
}

/// A runtime for a server.
pub(crate) fn server() -> Result<Runtime, Failure> {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().or_fail(Kind::Outside)
}

/// Listens at an address; gives the address that it got.
pub(crate) async fn listen(at: SocketAddr) -> Result<(TcpListener, SocketAddr), Failure> {
    let listener = TcpListener::bind(at)
        .await
        .or_fail(Kind::Outside)
        .map_err(|failure| failure.context(format!("cannot listen at {at}")))?;
    let address = listener.local_addr().or_fail(Kind::Outside)?;
    Ok((listener, address))
}

/// Listens for the signals from when it is made.
pub(crate) struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    pub(crate) fn new() -> Result<Self, Failure> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).or_fail(Kind::Outside)?,
            interrupt: signal(SignalKind::interrupt()).or_fail(Kind::Outside)?,
        })
    }

    /// Waits for the first of them.
    pub(crate) async fn asked(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
