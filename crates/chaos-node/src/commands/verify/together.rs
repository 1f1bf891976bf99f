//! What several files of one call say about each other.

use chaos_programs::LogCopy;
use chaos_types::{Code, Rejection};
use chaos_verify::{Fault, Fork, Heads, Options, ProvedFork};

use super::{Content, Found};
use crate::exit::{Failure, Kind, OrFail as _};

/// The name of the reader's copy of the log where it is what shows something.
const COPY: &str = "the copy of the log";

/// Forks that the reader's copy of some log reports, each with the place of the report; or why it cannot
/// be said which.
pub(super) type ReportedForks = Result<Vec<(ProvedFork, String)>, Rejection>;

/// What the reader has beside the files.
#[derive(Clone, Copy)]
pub(super) struct Beside<'a> {
    /// A copy of the log.
    pub(super) copy: Option<&'a LogCopy>,
    /// What its entries report of forks, of whichever log.
    pub(super) reported: &'a ReportedForks,
}

/// Heads of one log that cannot both be honest refuse whatever was proved under them, and so do proofs of
/// a fork. Says whether a log forked.
///
/// A log is its root key: which keys sign for it is gathered from all files before any of them is judged,
/// and from the reader's copy of the log if they do not say whose key it is.
pub(super) fn hold(
    found: &mut [Found],
    options: &Options<'_>,
    beside: Beside<'_>,
) -> Result<bool, Failure> {
    let Beside { copy, reported } = beside;
    let mut heads = Heads::default();
    for (proof, place) in reported.iter().flatten() {
        heads.accuse(proof, place);
    }
    for Found { name, content } in &*found {
        match content {
            Ok(Content::Bundle(checked)) => {
                if let Some(head) = &checked.report.head {
                    heads.learn(&head.log, &head.succession, name);
                }
                // A report shows its fork to whoever has the receipt, whatever else the call is about.
                if let Some(proof) = checked.reported() {
                    heads.accuse(&proof, name);
                }
            }
            Ok(Content::Fork(Ok(forked))) => heads.accuse(&forked.proof, name),
            Ok(Content::Fork(Err(_))) | Err(_) => {}
        }
    }
    if let Some(copy) =
        copy.filter(|_| proofs(found).any(|proof| is_untied(&heads, proof, options)))
    {
        let (root, succession) = copy.signers().or_fail(Kind::Storage)?;
        heads.learn(&root, &succession, COPY);
    }
    let mut is_proved = false;
    for found in &mut *found {
        let Ok(Content::Fork(content)) = &mut found.content else { continue };
        let Ok(forked) = content else { continue };
        match heads.root_of(&forked.proof, options) {
            Ok(root) => {
                forked.root = root;
                is_proved = true;
            }
            Err(rejection) => *content = Err(rejection),
        }
    }
    let forks = refuse(found, &mut heads);
    if let Err(unread) = reported {
        refuse_accepted(found, unread);
    }
    Ok(is_proved || forks)
}

/// What no report was looked for is not accepted.
fn refuse_accepted(found: &mut [Found], unread: &Rejection) {
    for found in found {
        let Ok(Content::Bundle(checked)) = &mut found.content else { continue };
        if checked.report.result.is_ok() {
            checked.reject(unread.clone());
        }
    }
}

/// Refuses bundles by what the others show; whether that is a fork.
fn refuse(found: &mut [Found], heads: &mut Heads) -> bool {
    let (mut forks, mut is_accused): (Vec<Box<Fork>>, _) = (Vec::new(), false);
    for Found { name, content } in &mut *found {
        let Ok(Content::Bundle(checked)) = content else { continue };
        let Some(head) = &checked.report.head else { continue };
        match heads.rejection(head) {
            Some(rejection) => {
                is_accused |= rejection.code == Code::from(Fault::LogForked);
                checked.reject(rejection);
            }
            // A head by a retired key says nothing against those of the key in force.
            None => forks.extend(heads.see(head, name).err()),
        }
    }
    for Found { name, content } in found {
        let Ok(Content::Bundle(checked)) = content else { continue };
        let named = |fork: &&Fork| fork.heads.iter().any(|(whose, _)| whose == name);
        if let Some(fork) = forks.iter().map(AsRef::as_ref).find(named) {
            checked.reject(fork.rejection());
        }
    }
    is_accused || !forks.is_empty()
}

fn proofs(found: &[Found]) -> impl Iterator<Item = &ProvedFork> {
    found.iter().filter_map(|found| match &found.content {
        Ok(Content::Fork(Ok(forked))) => Some(&forked.proof),
        Ok(_) | Err(_) => None,
    })
}

fn is_untied(heads: &Heads, proof: &ProvedFork, options: &Options<'_>) -> bool {
    let not_tied = Code::from(Fault::ForkNotTied);
    heads.root_of(proof, options).is_err_and(|rejection| rejection.code == not_tied)
}
