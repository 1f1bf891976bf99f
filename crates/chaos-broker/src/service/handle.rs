//! The thread that owns the state, and handles to it: the state waits for disks, so it is no task.

use std::thread;

use tokio::sync::{mpsc, oneshot};

use super::{Answer, Caller, Error, Question, State};
use crate::{Fault, Refusal, channel::Claimed, vault::Secret};

/// At most this many requests wait for the state.
const QUEUE_MAX: usize = 64;

enum Request {
    Admit { claimed: Box<Claimed>, reply: oneshot::Sender<Result<(), Refusal>> },
    Ask { caller: Caller, question: Box<Question>, secret: Option<Secret>, reply: Reply },
}

type Reply = oneshot::Sender<Result<Answer, Refusal>>;

/// Sends requests to the thread that owns the state.
#[derive(Clone)]
pub(super) struct Handle(mpsc::Sender<Request>);

/// The thread that owns the state.
pub(super) struct Worker {
    thread: thread::JoinHandle<Result<(), Error>>,
    ended: oneshot::Receiver<()>,
}

/// Gives the state a thread. It ends when no handle is left, or when something could not be
/// recorded.
pub(super) fn spawn(mut state: State) -> (Handle, Worker) {
    let (sender, mut requests) = mpsc::channel(QUEUE_MAX);
    let (alive, ended) = oneshot::channel();
    let thread = thread::spawn(move || {
        let _alive = alive;
        while let Some(request) = requests.blocking_recv() {
            // Who asked may be gone by now.
            match request {
                Request::Admit { claimed, reply } => {
                    let _gone = reply.send(state.admit(&claimed));
                }
                Request::Ask { caller, question, secret, reply } => {
                    let answer = match state.answer(caller, *question, secret) {
                        Ok(answer) => Ok(answer),
                        Err(Error::Refused(refusal)) => Err(refusal),
                        Err(error) => return Err(error),
                    };
                    let _gone = reply.send(answer);
                }
            }
        }
        Ok(())
    });
    (Handle(sender), Worker { thread, ended })
}

impl Handle {
    pub(super) async fn admit(&self, claimed: Claimed) -> Result<(), Refusal> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Admit { claimed: Box::new(claimed), reply }).await?;
        answer.await.unwrap_or_else(|_| Err(closing()))
    }

    pub(super) async fn ask(
        &self,
        caller: Caller,
        question: Question,
        secret: Option<Secret>,
    ) -> Result<Answer, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Ask { caller, question: Box::new(question), secret, reply }).await?;
        answer.await.unwrap_or_else(|_| Err(closing()))
    }

    async fn send(&self, request: Request) -> Result<(), Refusal> {
        self.0.send(request).await.map_err(|_| closing())
    }
}

fn closing() -> Refusal {
    Refusal::new(Fault::BrokerClosing, "ask again later")
}

impl Worker {
    /// Waits until the thread takes no more requests.
    pub(super) async fn ended(&mut self) {
        let _alive = (&mut self.ended).await;
    }

    /// Waits for the thread to end, and says how it went.
    pub(super) async fn join(self) -> Result<(), Error> {
        let joined = tokio::task::spawn_blocking(|| self.thread.join()).await;
        match joined {
            Ok(Ok(ended)) => ended,
            Ok(Err(_)) | Err(_) => Err(Error::Panicked),
        }
    }
}
