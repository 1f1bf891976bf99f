use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

/// A bounded queue with one consumer, who takes many items at once.
///
/// The channel of the standard library wakes a waiting producer for every single item taken; with
/// more callers than places that costs more than the commit itself. Here producers are woken once
/// per group.
#[derive(Debug)]
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    drained: Condvar,
    len_max: usize,
}

#[derive(Debug)]
struct State<T> {
    waiting: VecDeque<T>,
    closed: bool,
}

/// The consumer's side. When it goes, however it goes, the queue is closed and emptied, so that
/// nobody waits for an answer that will not come.
#[derive(Debug)]
pub(super) struct Consumer<'a, T>(pub(super) &'a Queue<T>);

impl<T> Queue<T> {
    pub(super) fn new(len_max: usize) -> Self {
        let state = State { waiting: VecDeque::new(), closed: false };
        Self { state: Mutex::new(state), filled: Condvar::new(), drained: Condvar::new(), len_max }
    }

    /// Adds an item, as soon as there is a place; gives it back if the queue is closed.
    pub(super) fn push(&self, item: T) -> Result<(), T> {
        let full = |state: &mut State<T>| state.waiting.len() >= self.len_max && !state.closed;
        let mut state =
            self.drained.wait_while(self.state(), full).unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return Err(item);
        }
        state.waiting.push_back(item);
        let first = state.waiting.len() == 1;
        drop(state);
        if first {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Takes no more items; those that wait are still served.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.filled.notify_one();
        self.drained.notify_all();
    }

    /// No code that can panic runs under the lock, so a poisoned one is sound.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Consumer<'_, T> {
    /// Waits for items and takes up to `count` of them; none once the queue is closed and empty.
    pub(super) fn take(&self, count: usize) -> Vec<T> {
        let empty = |state: &mut State<T>| state.waiting.is_empty() && !state.closed;
        let queue = self.0;
        let mut state =
            queue.filled.wait_while(queue.state(), empty).unwrap_or_else(PoisonError::into_inner);
        let count = count.min(state.waiting.len());
        let taken = state.waiting.drain(..count).collect();
        drop(state);
        queue.drained.notify_all();
        taken
    }
}

impl<T> Drop for Consumer<'_, T> {
    fn drop(&mut self) {
        self.0.close();
        let left = std::mem::take(&mut self.0.state().waiting);
        drop(left);
    }
}
