//! How a log gets its checkpoint cosigned.

use std::{ops::RangeInclusive, time::Duration};

use chaos_log::{
    KnownWitness, NoteError, Policy, ProveError, Signature, SignedCheckpoint, TileRead,
    VerifierKey, prove_consistency,
};
use chaos_witness::{AddCheckpoint, RequestError};
use reqwest::{Client, StatusCode, Url, header, redirect};
use tokio::task::JoinSet;

use crate::source::provide_cryptography;

/// A witness answers within this, or counts as silent.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);

/// An answer is at most this long, in bytes: sixteen signatures of five kilobytes.
const ANSWER_BYTES_MAX: usize = 96 << 10;

/// The media type of the size that a witness tells with a conflict.
const SIZE: &str = "text/x.tlog.size";

/// A checkpoint with the cosignatures that were got for it, and why others were not.
#[derive(Debug)]
pub struct Gathered {
    /// The checkpoint, with the log's line and those of the witnesses that cosigned it.
    pub checkpoint: SignedCheckpoint,
    /// The policy's names of the witnesses that did not, with the reason.
    pub silent: Vec<(String, AskError)>,
}

/// Why a witness did not cosign.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The policy does not say where it is.
    #[error("the policy has no URL for it")]
    NoUrl,
    /// The policy's URL is none.
    #[error("`{found}` is no http:// or https:// URL")]
    Url {
        /// The text.
        found: String,
    },
    /// The request cannot be made.
    #[error("cannot ask for this checkpoint")]
    Request(#[source] RequestError),
    /// It cannot be reached, or its answer ends too early.
    #[error("cannot be reached")]
    Http(#[source] reqwest::Error),
    /// It refuses.
    #[error("answers {status}: {told}")]
    Refused {
        /// The status.
        status: StatusCode,
        /// What it says, shortened.
        told: String,
    },
    /// It refuses since no key that it trusts has signed, or an older one than it knows.
    #[error("answers {}: {told}", StatusCode::FORBIDDEN)]
    KeyUnknown {
        /// What it says, shortened.
        told: String,
        /// The log's keys after the one by which it is known to have cosigned, in the order of its policy's lines.
        keys: Vec<VerifierKey>,
    },
    /// It has cosigned a longer log than this one.
    #[error(
        "has cosigned size {theirs} of this log, which has {ours} here: this is an old copy, or another signs"
    )]
    Ahead {
        /// The size that it cosigned.
        theirs: u64,
        /// The size that it was asked for.
        ours: u64,
    },
    /// It tells another size each time it is asked; somebody else asks it as well.
    #[error("is being asked by somebody else: its size went from {first} to {second}")]
    Moving {
        /// The size that it told first.
        first: u64,
        /// The size that it told then.
        second: u64,
    },
    /// It was given the proof from the size that it told, and tells that size again.
    #[error("asks for a proof from size {size}, and asks for it again when it has it")]
    Stuck {
        /// The size.
        size: u64,
    },
    /// Its answer is not what a witness answers.
    #[error("answers no signature lines")]
    Answer(#[source] NoteError),
    /// The answer is too long.
    #[error("answers more than {ANSWER_BYTES_MAX} bytes")]
    TooLong,
    /// It cosigned at a time that counts for nobody: before the newest entry, or in the future.
    #[error(
        "cosigned at {time_s} s, and only times from {} s to {} s count: the newest entry is dated ahead, \
         or a clock is wrong",
        possible_s.start(),
        possible_s.end()
    )]
    Time {
        /// The time in the cosignature, in seconds since 1970.
        time_s: u64,
        /// The times that count.
        possible_s: RangeInclusive<u64>,
    },
    /// Its answer has no valid cosignature by the policy's key.
    #[error("answers no cosignature by the key that the policy has for it")]
    NotCosigned,
}

/// Why the witnesses could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum GatherError<E> {
    /// No client can be made.
    #[error("cannot make an HTTP client")]
    Client(#[source] reqwest::Error),
    /// The log's tiles cannot be read.
    #[error("cannot prove that the log continues")]
    Prove(#[source] ProveError<E>),
}

impl AskError {
    /// Whether this says that the log here is not what others have been shown: a reason to stop, not
    /// to go on with fewer witnesses.
    #[must_use]
    pub fn is_alarming(&self) -> bool {
        match self {
            Self::Ahead { .. } => true,
            Self::Refused { status, .. } => *status == StatusCode::UNPROCESSABLE_ENTITY,
            Self::NoUrl
            | Self::Url { .. }
            | Self::Request(_)
            | Self::Http(_)
            | Self::Moving { .. }
            | Self::Stuck { .. }
            | Self::Answer(_)
            | Self::TooLong
            | Self::Time { .. }
            | Self::KeyUnknown { .. }
            | Self::NotCosigned => false,
        }
    }
}

/// Asks all witnesses of a policy at once, each first with the size of `last`, and those that have
/// cosigned another size again with a proof from there. Of each one valid cosignature is taken.
///
/// # Errors
/// If no client can be made or the tiles cannot be read. A witness that does not cosign is no error:
/// the policy's quorum decides.
pub async fn gather<R: TileRead>(
    policy: &Policy,
    checkpoint: SignedCheckpoint,
    last: Option<&SignedCheckpoint>,
    tiles: &R,
) -> Result<Gathered, GatherError<R::Error>> {
    let client = client().map_err(GatherError::Client)?;
    let ours = checkpoint.claimed().size();
    let last_size = |witness: &KnownWitness| {
        let last = last.filter(|last| last.claimed().size() <= ours)?;
        let cosigned = witness.key.cosigned(last).ok().flatten();
        cosigned.map(|_| last.claimed().size())
    };
    let mut gathered = Gathered { checkpoint, silent: Vec::new() };
    let mut round: Vec<Asked> = policy
        .witnesses()
        .iter()
        .map(|witness| Asked {
            witness: witness.clone(),
            old_size: last_size(witness).unwrap_or(0),
            told: None,
        })
        .collect();
    while !round.is_empty() {
        let mut asked = JoinSet::new();
        for one in round.drain(..) {
            let proof = prove_consistency(tiles, one.old_size, ours).map_err(GatherError::Prove)?;
            let (client, checkpoint) = (client.clone(), gathered.checkpoint.clone());
            let request = AddCheckpoint::new(one.old_size, proof.hashes().to_vec(), checkpoint);
            asked.spawn(async move {
                let reply = match request {
                    Ok(request) => ask(&client, &one.witness, &request).await,
                    Err(error) => Err(AskError::Request(error)),
                };
                let reply = one.judge(reply, ours);
                (one, reply)
            });
        }
        while let Some(joined) = asked.join_next().await {
            // A task that panicked or was cancelled leaves its witness silent, and nothing else does.
            let Ok((one, reply)) = joined else { continue };
            match reply {
                Ok(Next::Cosigned(lines)) => {
                    if let Err(error) = take(&mut gathered.checkpoint, &one.witness, lines) {
                        gathered.silent.push((one.witness.name, error));
                    }
                }
                Ok(Next::Again(old_size)) => {
                    round.push(Asked { old_size, told: Some(old_size), ..one });
                }
                Err(error) => gathered.silent.push((one.witness.name, error)),
            }
        }
    }
    gathered.silent.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(gathered)
}

/// A witness on its way to be asked.
struct Asked {
    witness: KnownWitness,
    old_size: u64,
    /// The size that it told when it was asked before.
    told: Option<u64>,
}

/// What a witness answered.
enum Reply {
    Cosigned(Vec<Signature>),
    Size(u64),
}

/// What follows from it.
enum Next {
    Cosigned(Vec<Signature>),
    Again(u64),
}

impl Asked {
    fn judge(&self, reply: Result<Reply, AskError>, ours: u64) -> Result<Next, AskError> {
        match (reply?, self.told) {
            (Reply::Cosigned(lines), _) => Ok(Next::Cosigned(lines)),
            (Reply::Size(theirs), _) if theirs > ours => Err(AskError::Ahead { theirs, ours }),
            (Reply::Size(size), Some(first)) if size == first => Err(AskError::Stuck { size }),
            (Reply::Size(second), Some(first)) => Err(AskError::Moving { first, second }),
            (Reply::Size(theirs), None) => Ok(Next::Again(theirs)),
        }
    }
}

/// Adds a witness's cosignature to the checkpoint: the first line that names its key and no other, so that none can
/// fill the note and leave no place for those that answer after it.
fn take(
    checkpoint: &mut SignedCheckpoint,
    witness: &KnownWitness,
    lines: Vec<Signature>,
) -> Result<(), AskError> {
    let line = lines.into_iter().find(|line| witness.key.is_named_by(line));
    let mut with = checkpoint.clone();
    with.add(line.ok_or(AskError::NotCosigned)?).map_err(AskError::Answer)?;
    match witness.key.cosigned(&with) {
        Ok(Some(_)) => {
            *checkpoint = with;
            Ok(())
        }
        Ok(None) | Err(_) => Err(AskError::NotCosigned),
    }
}

fn client() -> Result<Client, reqwest::Error> {
    provide_cryptography();
    Client::builder().timeout(ANSWER_TIME_MAX).redirect(redirect::Policy::none()).build()
}

async fn ask(
    client: &Client,
    witness: &KnownWitness,
    request: &AddCheckpoint,
) -> Result<Reply, AskError> {
    let prefix = witness.url.as_deref().ok_or(AskError::NoUrl)?;
    let url = address(prefix)
        .ok_or_else(|| AskError::Url { found: prefix.chars().take(200).collect() })?;
    let failed = |source: reqwest::Error| AskError::Http(source.without_url());
    let mut answer = client.post(url).body(request.to_string()).send().await.map_err(failed)?;
    let status = answer.status();
    let is_size = answer.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == SIZE);
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(failed)? {
        if body.len() + part.len() > ANSWER_BYTES_MAX {
            return Err(AskError::TooLong);
        }
        body.extend_from_slice(&part);
    }
    let refused = || {
        let text = String::from_utf8_lossy(&body);
        let told = text.chars().take(200).map(|c| if c.is_control() { ' ' } else { c });
        AskError::Refused { status, told: told.collect::<String>().trim_end().to_owned() }
    };
    match status {
        StatusCode::OK => {
            Signature::parse_lines(&body).map(Reply::Cosigned).map_err(AskError::Answer)
        }
        StatusCode::CONFLICT if is_size => size(&body).map(Reply::Size).ok_or_else(refused),
        _ => Err(refused()),
    }
}

/// Where checkpoints are submitted below a prefix.
fn address(prefix: &str) -> Option<Url> {
    let mut url = Url::parse(prefix).ok()?;
    let usable = matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some()
        && url.query().is_none()
        && url.fragment().is_none();
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    usable.then(|| url.join("add-checkpoint").ok()).flatten()
}

fn size(body: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(body).ok()?.strip_suffix('\n')?;
    text.parse().ok().filter(|size: &u64| size.to_string() == text)
}
