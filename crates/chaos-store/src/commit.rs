//! Group commit: many callers, one transaction, one sync of the disk.

use std::{
    fmt,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::JoinHandle,
};

use queue::{Consumer, Queue};

use crate::{
    error::StoreError,
    records::{Append, Appended, Records},
};

mod queue;

/// The most appends that one transaction takes.
pub const GROUP_MAX: usize = 256;

/// The most requests that wait; further callers wait for a place.
pub const QUEUE_LEN_MAX: usize = 4_096;

/// Appends for many callers at the price of one sync per group.
///
/// A thread owns the store. It takes what is waiting, up to [`GROUP_MAX`] appends, commits them
/// together, and only then answers; nobody is made to wait for a group to fill. Requests are
/// served in the order in which they were queued.
///
/// Dropping it serves what is queued, as [`GroupCommit::shut_down`] does.
pub struct GroupCommit<S> {
    queue: Arc<Queue<Job<S>>>,
    /// Absent only once the thread has been joined.
    thread: Option<JoinHandle<S>>,
}

/// A place in the queue, to be exchanged for the answer.
#[derive(Debug)]
#[must_use = "an append is acknowledged only by waiting for it"]
pub struct Ticket(Receiver<Answer>);

/// Why an append was not acknowledged.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// The store did not take the group; none of it is in the log.
    #[error("the group was not appended")]
    Failed(#[source] Arc<StoreError>),
    /// The committer has stopped. If the append was queued, it may or may not be in the log;
    /// appending it again is safe.
    #[error("the log no longer takes entries")]
    Stopped,
}

type Answer = Result<Appended, CommitError>;

enum Job<S> {
    Append(Append, SyncSender<Answer>),
    Run(Box<dyn FnOnce(&mut S) + Send>),
}

impl<S: Records + Send + 'static> GroupCommit<S> {
    /// Takes the store to a thread of its own.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub fn start(store: S) -> std::io::Result<Self> {
        let queue = Arc::new(Queue::new(QUEUE_LEN_MAX));
        let jobs = Arc::clone(&queue);
        let thread = std::thread::Builder::new()
            .name("committer".to_owned())
            .spawn(move || serve(store, &Consumer(&jobs)))?;
        Ok(Self { queue, thread: Some(thread) })
    }

    /// Queues an append; waits while [`QUEUE_LEN_MAX`] others are waiting.
    ///
    /// # Errors
    /// If the committer has stopped.
    pub fn submit(&self, append: Append) -> Result<Ticket, CommitError> {
        let (reply, answer) = sync_channel(1);
        self.send(Job::Append(append, reply))?;
        Ok(Ticket(answer))
    }

    /// Appends and waits until it is durable.
    ///
    /// # Errors
    /// If the store did not take it or the committer has stopped.
    pub fn append(&self, append: Append) -> Result<Appended, CommitError> {
        self.submit(append)?.wait()
    }

    /// Does something with the store, after everything that was queued before.
    ///
    /// # Errors
    /// If the committer has stopped.
    pub fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut S) -> T + Send + 'static,
    ) -> Result<T, CommitError> {
        let (reply, answer) = sync_channel(1);
        let job = Job::Run(Box::new(move |store| {
            // A caller who stopped waiting needs no answer.
            let _ = reply.send(work(store));
        }));
        self.send(job)?;
        answer.recv().map_err(|_| CommitError::Stopped)
    }

    /// Serves everything that is queued, then gives the store back.
    ///
    /// # Panics
    /// If work given to [`GroupCommit::run`] had panicked.
    #[must_use]
    pub fn shut_down(mut self) -> S {
        match self.join().expect("only dropping joins the thread, and the value still lives") {
            Ok(store) => store,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    fn send(&self, job: Job<S>) -> Result<(), CommitError> {
        self.queue.push(job).map_err(|_| CommitError::Stopped)
    }
}

impl<S> GroupCommit<S> {
    /// Closes the queue and waits for the thread, once.
    fn join(&mut self) -> Option<std::thread::Result<S>> {
        self.queue.close();
        self.thread.take().map(JoinHandle::join)
    }
}

impl<S> Drop for GroupCommit<S> {
    fn drop(&mut self) {
        // A panic of the thread has been reported on its own; dropping must not raise another.
        let _ = self.join();
    }
}

impl<S> fmt::Debug for GroupCommit<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupCommit").field("thread", &self.thread).finish_non_exhaustive()
    }
}

impl Ticket {
    /// Waits until the append is durable, or has failed.
    ///
    /// # Errors
    /// If the store did not take the group or the committer has stopped.
    pub fn wait(self) -> Result<Appended, CommitError> {
        self.0.recv().unwrap_or(Err(CommitError::Stopped))
    }
}

fn serve<S: Records>(mut store: S, jobs: &Consumer<'_, Job<S>>) -> S {
    let mut appends = Vec::with_capacity(GROUP_MAX);
    let mut replies = Vec::with_capacity(GROUP_MAX);
    loop {
        let taken = jobs.take(GROUP_MAX);
        if taken.is_empty() {
            return store;
        }
        for job in taken {
            match job {
                Job::Append(append, reply) => {
                    appends.push(append);
                    replies.push(reply);
                }
                Job::Run(work) => {
                    commit(&mut store, &mut appends, &mut replies);
                    work(&mut store);
                }
            }
        }
        commit(&mut store, &mut appends, &mut replies);
    }
}

fn commit<S: Records>(
    store: &mut S,
    appends: &mut Vec<Append>,
    replies: &mut Vec<SyncSender<Answer>>,
) {
    if appends.is_empty() {
        return;
    }
    let answers = store.append_batch(appends).map_err(Arc::new);
    appends.clear();
    // A caller who dropped his ticket needs no answer; his record is in the log all the same.
    match answers {
        Ok(appended) => {
            for (reply, appended) in replies.drain(..).zip(appended) {
                let _ = reply.send(Ok(appended));
            }
        }
        Err(error) => {
            for reply in replies.drain(..) {
                let _ = reply.send(Err(CommitError::Failed(Arc::clone(&error))));
            }
        }
    }
}

#[cfg(test)]
mod tests;
