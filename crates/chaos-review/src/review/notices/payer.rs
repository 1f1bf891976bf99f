//! Whose wei the calls of a governor of Compound's kind send.

use chaos_evm::calls::{BatchRun, Ending};

use super::{Notice, NoticeKind, Reader};

/// Whether a governor passes on what it is sent is in its code, and nothing it answers tells it; so the calls are run
/// both ways.
pub(super) fn payer(reader: &Reader<'_>, notices: &mut Vec<Notice>) {
    let subject = reader.subject;
    let governor = subject.governor.as_ref().map_or(subject.sender, |it| it.address);
    let (Some(wei), Some(by_sender)) = (reader.brought(), &subject.by_sender) else { return };
    let then = match &by_sender.ending {
        Ending::Reverted { call, .. } | Ending::Failed { call, .. }
            if by_sender.ending != reader.run.ending =>
        {
            format!("call {} fails then", call + 1)
        }
        Ending::Succeeded | Ending::Reverted { .. } | Ending::Failed { .. }
            if by_sender.ending != reader.run.ending || !does_the_same(reader, by_sender) =>
        {
            "THE CALLS DO SOMETHING ELSE then, which a file of these calls by that sender shows"
                .to_owned()
        }
        Ending::Succeeded | Ending::Reverted { .. } | Ending::Failed { .. } => {
            "the calls do the same then".to_owned()
        }
    };
    let text = format!(
        "the calls send {wei} wei, which whoever executes brings with each call, as Compound's own governor hands \
         them on; by a governor that hands on nothing they are taken from {}, and {then}",
        subject.sender
    );
    notices.push(Notice::new(NoticeKind::Payer, governor, text));
}

/// Whether a run differs in nothing but what the sender and the governor have.
fn does_the_same(reader: &Reader<'_>, other: &BatchRun) -> bool {
    let subject = reader.subject;
    let governor = subject.governor.as_ref().map(|it| it.address);
    let rest = |run: &BatchRun| {
        let mut changes = run.changes.clone();
        for payer in [Some(subject.sender), governor].into_iter().flatten() {
            if let Some(change) = changes.get_mut(&payer) {
                change.balance = Default::default();
            }
            changes.retain(|_, change| !change.is_nothing());
        }
        (changes, run.logs.clone())
    };
    rest(reader.run) == rest(other)
}
