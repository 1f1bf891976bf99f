//! A small runtime for callers that are not async.

use std::{future::Future, sync::mpsc, thread};

use tokio::runtime::{Builder, Runtime};

use crate::Error;

/// Runs futures to their end on its own thread. Unlike `block_on` it may be used, and dropped,
/// anywhere: in plain threads, in thread pools and inside another runtime (where it blocks).
#[derive(Debug)]
pub(crate) struct Blocking {
    runtime: Option<Runtime>,
}

impl Blocking {
    pub(crate) fn new() -> Result<Self, Error> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("chain-rpc")
            .enable_all()
            .build()
            .map_err(Error::Runtime)?;
        Ok(Self { runtime: Some(runtime) })
    }

    pub(crate) fn run<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let runtime = self.runtime.as_ref().expect("it is only taken when dropped");
        let (sender, receiver) = mpsc::sync_channel(1);
        let task = runtime.spawn(async move {
            // The receiver waits below, so sending cannot fail.
            drop(sender.send(future.await));
        });
        receiver.recv().unwrap_or_else(|_| {
            while !task.is_finished() {
                thread::yield_now();
            }
            unreachable!("a chain request panicked")
        })
    }
}

impl Drop for Blocking {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
