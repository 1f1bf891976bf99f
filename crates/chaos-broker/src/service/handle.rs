//! The desk's own thread: it waits for disks, so it is no task.

use std::thread;

use chaos_attestation::{ReasonCode, Refusal};
use chaos_broker::{channel::Claimed, vault::Secret};
use tokio::sync::{mpsc, oneshot};

use crate::{
    broker::{Answer, Caller, Question, desk::Desk},
    exit::{Failure, Kind},
};

/// At most this many requests wait for the desk.
const QUEUE_MAX: usize = 64;

enum Request {
    Admit { claimed: Box<Claimed>, reply: oneshot::Sender<Result<(), Refusal>> },
    Ask { caller: Caller, question: Box<Question>, secret: Option<Secret>, reply: Reply },
}

type Reply = oneshot::Sender<Result<Answer, Refusal>>;

/// A handle to the desk.
#[derive(Clone)]
pub(super) struct Clerk(mpsc::Sender<Request>);

/// The thread that the desk is on.
pub(super) struct Work {
    thread: thread::JoinHandle<Result<(), Failure>>,
    ended: oneshot::Receiver<()>,
}

impl Clerk {
    /// Gives the desk a thread. It ends when no handle is left, or when something could not be
    /// recorded.
    pub(super) fn employ(mut desk: Desk) -> (Self, Work) {
        let (sender, mut requests) = mpsc::channel(QUEUE_MAX);
        let (alive, ended) = oneshot::channel();
        let thread = thread::spawn(move || {
            let _alive = alive;
            while let Some(request) = requests.blocking_recv() {
                // Who asked may be gone by now.
                match request {
                    Request::Admit { claimed, reply } => {
                        let _gone = reply.send(desk.admit(&claimed));
                    }
                    Request::Ask { caller, question, secret, reply } => {
                        let _gone = reply.send(desk.answer(caller, *question, secret)?);
                    }
                }
            }
            desk.close()
        });
        (Self(sender), Work { thread, ended })
    }

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
    Refusal::new(ReasonCode::BrokerClosing, "ask again later")
}

impl Work {
    /// Waits until the desk works no more.
    pub(super) async fn ended(&mut self) {
        let _alive = (&mut self.ended).await;
    }

    /// Waits for the desk to be put in order, and says how it went.
    pub(super) async fn end(self) -> Result<(), Failure> {
        let joined = tokio::task::spawn_blocking(|| self.thread.join()).await;
        match joined {
            Ok(Ok(ended)) => ended,
            Ok(Err(_)) | Err(_) => Err(Failure::message(Kind::Check, "the desk's thread panicked")),
        }
    }
}
