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

/// The most items that one transaction takes.
pub const GROUP_MAX: usize = 256;

/// The most requests that wait; further callers wait for a place.
pub const QUEUE_LEN_MAX: usize = 4_096;

/// What takes a group of items at once and makes them durable together.
pub trait Commit {
    /// What is committed.
    type Item: Send + 'static;
    /// The answer to an item that was taken.
    type Done: Send + 'static;
    /// Why an item was not taken.
    type Error: Send + 'static;

    /// Commits the items in order, durably, and answers each of them. An item that is refused
    /// leaves the others of its group as they are.
    fn commit_group(&mut self, items: Vec<Self::Item>) -> Vec<Result<Self::Done, Self::Error>>;
}

/// A store refuses no single append: all of a group are taken, or none.
impl<S: Records> Commit for S {
    type Item = Append;
    type Done = Appended;
    type Error = Arc<StoreError>;

    fn commit_group(&mut self, items: Vec<Append>) -> Vec<Result<Appended, Arc<StoreError>>> {
        match self.append_batch(&items) {
            Ok(appended) => appended.into_iter().map(Ok).collect(),
            Err(error) => {
                let error = Arc::new(error);
                items.iter().map(|_| Err(Arc::clone(&error))).collect()
            }
        }
    }
}

/// Appends for many callers at the price of one sync per group.
///
/// A thread owns the store. It takes what is waiting, up to [`GROUP_MAX`] appends, commits them
/// together, and only then answers; nobody is made to wait for a group to fill. Requests are
/// served in the order in which they were queued.
///
/// Dropping it serves what is queued, as [`GroupCommit::shut_down`] does.
pub struct GroupCommit<S: Commit> {
    queue: Arc<Queue<Job<S>>>,
    /// Absent only once the thread has been joined.
    thread: Option<JoinHandle<S>>,
}

/// A place in the queue, to be exchanged for the answer.
#[derive(Debug)]
#[must_use = "an append is acknowledged only by waiting for it"]
pub struct Ticket<T, E>(Receiver<Result<T, CommitError<E>>>);

/// Why an item was not acknowledged.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError<E> {
    /// It was not taken.
    #[error("the group was not appended")]
    Failed(#[source] E),
    /// The committer has stopped. If the item was queued, it may or may not be in the log;
    /// appending it again is safe.
    #[error("the log no longer takes entries")]
    Stopped,
}

/// What becomes of an item.
type Answer<S> = Result<<S as Commit>::Done, CommitError<<S as Commit>::Error>>;

/// A place in the queue, if there is one to be had.
type Submitted<S> =
    Result<Ticket<<S as Commit>::Done, <S as Commit>::Error>, CommitError<<S as Commit>::Error>>;

enum Job<S: Commit> {
    Append(S::Item, SyncSender<Answer<S>>),
    Run(Box<dyn FnOnce(&mut S) + Send>),
}

impl<S: Commit + Send + 'static> GroupCommit<S> {
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
    pub fn submit(&self, item: S::Item) -> Submitted<S> {
        let (reply, answer) = sync_channel(1);
        self.send(Job::Append(item, reply))?;
        Ok(Ticket(answer))
    }

    /// Appends and waits until it is durable.
    ///
    /// # Errors
    /// If the store did not take it or the committer has stopped.
    pub fn append(&self, item: S::Item) -> Answer<S> {
        self.submit(item)?.wait()
    }

    /// Does something with the store, after everything that was queued before.
    ///
    /// # Errors
    /// If the committer has stopped.
    pub fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut S) -> T + Send + 'static,
    ) -> Result<T, CommitError<S::Error>> {
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

    fn send(&self, job: Job<S>) -> Result<(), CommitError<S::Error>> {
        self.queue.push(job).map_err(|_| CommitError::Stopped)
    }
}

impl<S: Commit> GroupCommit<S> {
    /// Closes the queue and waits for the thread, once.
    fn join(&mut self) -> Option<std::thread::Result<S>> {
        self.queue.close();
        self.thread.take().map(JoinHandle::join)
    }
}

impl<S: Commit> Drop for GroupCommit<S> {
    fn drop(&mut self) {
        // A panic of the thread has been reported on its own; dropping must not raise another.
        let _ = self.join();
    }
}

impl<S: Commit> fmt::Debug for GroupCommit<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupCommit").field("thread", &self.thread).finish_non_exhaustive()
    }
}

impl<T, E> Ticket<T, E> {
    /// Waits until the item is durable, or has failed.
    ///
    /// # Errors
    /// If it was not taken or the committer has stopped.
    pub fn wait(self) -> Result<T, CommitError<E>> {
        self.0.recv().unwrap_or(Err(CommitError::Stopped))
    }
}

fn serve<S: Commit>(mut store: S, jobs: &Consumer<'_, Job<S>>) -> S {
    let mut items = Vec::with_capacity(GROUP_MAX);
    let mut replies = Vec::with_capacity(GROUP_MAX);
    loop {
        let taken = jobs.take(GROUP_MAX);
        if taken.is_empty() {
            return store;
        }
        for job in taken {
            match job {
                Job::Append(item, reply) => {
                    items.push(item);
                    replies.push(reply);
                }
                Job::Run(work) => {
                    commit(&mut store, &mut items, &mut replies);
                    work(&mut store);
                }
            }
        }
        commit(&mut store, &mut items, &mut replies);
    }
}

fn commit<S: Commit>(
    store: &mut S,
    items: &mut Vec<S::Item>,
    replies: &mut Vec<SyncSender<Answer<S>>>,
) {
    if items.is_empty() {
        return;
    }
    let answers = store.commit_group(std::mem::take(items));
    // A caller who dropped his ticket needs no answer; his item is in the log all the same.
    for (reply, answer) in replies.drain(..).zip(answers) {
        let _ = reply.send(answer.map_err(CommitError::Failed));
    }
}

#[cfg(test)]
mod tests;
