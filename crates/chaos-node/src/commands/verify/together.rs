//! What several files of one call say about each other.

use chaos_agency::Succession;
use chaos_log::VerifierKey;
use chaos_programs::LogCopy;
use chaos_types::{Code, Rejection};
use chaos_verify::{Fault, Fork, Heads, Options, ProvedFork};

use super::{Checked, Content, Found};
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
            Ok(Content::Fork(Err(_)) | Content::Alarm(_)) | Err(_) => {}
        }
    }
    // What a file says of who signs may be less than the copy knows.
    let is_accused = proofs(found).next().is_some() || reported.iter().flatten().next().is_some();
    let known = match copy.filter(|_| is_accused) {
        Some(copy) => {
            let (root, succession) = copy.signers().or_fail(Kind::Storage)?;
            heads.learn(&root, &succession, COPY);
            Some(Known { root, succession })
        }
        None => None,
    };
    let mut is_proved = false;
    for found in &mut *found {
        let Ok(Content::Fork(content)) = &mut found.content else { continue };
        let Ok(forked) = content else { continue };
        match heads.root_of(&forked.proof, options) {
            Ok(root) => {
                forked.retired_since = heads.retired_since(&forked.proof, &root);
                is_proved |= forked.retired_since.is_none() || heads.is_split(&root);
                forked.root = root;
            }
            Err(rejection) => *content = Err(rejection),
        }
    }
    let forks = refuse(found, &mut heads, known.as_ref());
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

/// Who signs for the log of the reader's copy, by all of its entries.
struct Known {
    root: VerifierKey,
    succession: Succession,
}

/// Whether the reader's copy shows what a rejection says that nothing shows: the bundle was held against it,
/// so that its head is the start of the copy, and so of the history that the root key signed further on.
fn is_shown(rejection: &Rejection, checked: &Checked, known: Option<&Known>) -> bool {
    let (Some(Known { root, succession }), Some(head)) = (known, &checked.report.head) else {
        return false;
    };
    let size = head.checkpoint.claimed().size();
    rejection.code == Code::from(Fault::RetiredKeyHead)
        && checked.report.result.is_ok()
        && *root == head.log
        && succession.end_after(size).is_some()
}

/// Refuses bundles by what the others show; whether that is a fork.
fn refuse(found: &mut [Found], heads: &mut Heads, known: Option<&Known>) -> bool {
    let (mut forks, mut is_accused): (Vec<Box<Fork>>, _) = (Vec::new(), false);
    for Found { name, content } in &mut *found {
        let Ok(Content::Bundle(checked)) = content else { continue };
        let Some(head) = &checked.report.head else { continue };
        match heads.rejection(head) {
            Some(rejection) if is_shown(&rejection, checked, known) => {}
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
        if let Some(rejection) = forks.iter().find_map(|fork| fork.rejection(name)) {
            checked.reject(rejection);
        }
    }
    is_accused || forks.iter().any(|fork| fork.is_of_the_log())
}

fn proofs(found: &[Found]) -> impl Iterator<Item = &ProvedFork> {
    found.iter().filter_map(|found| match &found.content {
        Ok(Content::Fork(Ok(forked))) => Some(&forked.proof),
        Ok(_) | Err(_) => None,
    })
}
