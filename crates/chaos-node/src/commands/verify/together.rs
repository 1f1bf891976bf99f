//! What several files of one call say about each other.

use chaos_programs::LogCopy;
use chaos_types::{Check, Code, Rejection};
use chaos_verify::{Fault, Head, Heads, Judged, Judgement, Options, ProvedFork};

use super::{Checked, Content, Found, Kept};

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

/// What was found of several files together.
pub(super) struct Held {
    /// Whether a log forked.
    pub(super) forked: bool,
    /// Why the reader's copy was not read, where it should have been.
    pub(super) unread: Option<Rejection>,
}

/// Heads of one log that cannot both be honest refuse whatever was proved under them, and so do proofs of
/// a fork. A copy that cannot be read speaks neither for nor against any of them.
///
/// Everything that the files, the reader's copy of the log and the reports in it show is collected before any
/// of it is judged, so that neither the order of the files nor one of several charges decides.
pub(super) fn hold(found: &mut [Found], options: &Options<'_>, beside: Beside<'_>) -> Held {
    let mut heads = collect(found, beside.reported);
    let has_proof = found.iter().any(Found::is_fork);
    let has_head = found.iter().any(|found| found.head().is_some());
    let copy = match beside.copy.filter(|_| has_proof || has_head) {
        None => Ok(None),
        Some(copy) => hold_copy(copy, &mut heads),
    };
    let (copy, unread) = match copy {
        Ok(head) => (head, beside.reported.as_ref().err().cloned()),
        Err(rejection) => (None, Some(rejection)),
    };
    let unread = unread.or_else(|| found.iter().find_map(Found::unread).cloned());
    let mut forked = judge_proofs(found, &heads, options);
    forked |= judge_bundles(found, &heads.judge(), copy.as_ref());
    if let Some(unread) = &unread {
        refuse_accepted(found, unread);
    }
    Held { forked, unread }
}

/// What the files and the reports show.
fn collect(found: &[Found], reported: &ReportedForks) -> Heads {
    let mut heads = Heads::default();
    for (proof, place) in reported.iter().flatten() {
        heads.accuse(proof, place);
    }
    for Found { name, content, .. } in found {
        match content {
            Ok(Content::Bundle(checked)) => {
                if let Some(head) = &checked.report.head {
                    heads.see(head, name);
                }
                // A report shows its fork to whoever has the receipt, whatever else the call is about.
                if let Some(proof) = checked.reported() {
                    heads.accuse(&proof, name);
                }
                if let Some(Kept { proof, .. }) = &checked.fork {
                    heads.accuse(proof, &format!("{name} and {COPY}"));
                }
            }
            Ok(Content::Fork(Ok(forked))) => heads.accuse(&forked.proof, name),
            Ok(Content::Fork(Err(_)) | Content::Alarm(_)) | Err(_) => {}
        }
    }
    heads
}

/// Takes in who signs by all entries of the copy, and its newest checkpoint, which it gives.
fn hold_copy(copy: &LogCopy, heads: &mut Heads) -> Result<Option<Head>, Rejection> {
    let (root, succession) = copy.signers()?;
    heads.learn(&root, &succession, COPY);
    let comparable = heads.comparable(&root);
    if comparable.is_empty() {
        return Ok(None);
    }
    let head = copy.head(&comparable)?;
    if let Some(head) = &head {
        heads.see(head, COPY);
    }
    Ok(head)
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

/// Says of each proof whose log it is about, and whether its key is retired; whether one is of a fork of a log.
fn judge_proofs(found: &mut [Found], heads: &Heads, options: &Options<'_>) -> bool {
    let mut is_proved = false;
    for found in found {
        let Ok(Content::Fork(content)) = &mut found.content else { continue };
        let Ok(forked) = content else { continue };
        match heads.root_of(&forked.proof, options) {
            Ok(root) => {
                forked.retired_since = heads.retired_since(&forked.proof, &root);
                forked.split = heads.split(&root);
                is_proved |= forked.retired_since.is_none() || forked.split.is_some();
                forked.root = root;
            }
            Err(rejection) => *content = Err(rejection),
        }
    }
    is_proved
}

/// Refuses bundles by what all that was seen says of their heads; whether that is a fork.
fn judge_bundles(found: &mut [Found], judged: &Judged, copy: Option<&Head>) -> bool {
    let of_copy = copy.and_then(|copy| judged.rejection(copy));
    let mut is_forked = false;
    for found in found {
        let Some(head) = found.head() else { continue };
        let judgement = judged.of(head).expect("every head was collected").clone();
        let Ok(Content::Bundle(checked)) = &mut found.content else { continue };
        match judgement {
            Judgement::Refused(rejection) => {
                is_forked |= rejection.code == Code::from(Fault::LogForked);
                checked.reject(rejection);
            }
            Judgement::ByRetiredKey { since } => checked.report.by_retired_key(since),
            Judgement::Stands => {
                if let Some(of_copy) = of_copy {
                    blame_copy(checked, of_copy);
                }
            }
        }
    }
    is_forked
}

/// Where a head that stands is not that of the reader's copy, it is the copy that is another log's.
fn blame_copy(checked: &mut Checked, of_copy: &Rejection) {
    let Err(rejection) = &checked.report.result else { return };
    if [Fault::LogCopyOther, Fault::LogCopyBehind].map(Code::from).contains(&rejection.code) {
        let reason = format!("the copy ends with what is refused: {}", of_copy.reason);
        checked.reject(Rejection::new(Check::Agent, Fault::LogCopyOther, reason));
    }
}
