//! What several files of one call say about each other.

use chaos_programs::LogCopy;
use chaos_types::Code;
use chaos_verify::{Fault, Fork, Heads, Options, ProvedFork};

use super::{Content, Found};
use crate::exit::{Failure, Kind, OrFail as _};

/// The name of the reader's copy of the log where it is what shows something.
const COPY: &str = "the copy of the log";

/// Heads of one log that cannot both be honest refuse whatever was proved under them, and so do proofs of
/// a fork. Says whether a log forked.
///
/// A log is its root key: which keys sign for it is gathered from all files before any of them is judged,
/// and from the reader's copy of the log if they do not say whose key it is.
pub(super) fn hold(
    found: &mut [Found],
    options: &Options<'_>,
    copy: Option<&LogCopy>,
) -> Result<bool, Failure> {
    let mut heads = Heads::default();
    for Found { name, content } in &*found {
        match content {
            Ok(Content::Bundle(checked)) => {
                if let Some(head) = &checked.report.head {
                    heads.learn(&head.log, &head.succession, name);
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
    Ok(is_proved || forks)
}

/// Refuses bundles by what the others show; whether two of them show a fork.
fn refuse(found: &mut [Found], heads: &mut Heads) -> bool {
    let mut forks: Vec<Box<Fork>> = Vec::new();
    for Found { name, content } in &mut *found {
        let Ok(Content::Bundle(checked)) = content else { continue };
        let Some(head) = &checked.report.head else { continue };
        match heads.rejection(head) {
            Some(rejection) => checked.reject(rejection),
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
    !forks.is_empty()
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
