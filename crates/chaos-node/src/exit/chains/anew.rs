//! What to look up before anything is signed anew for what was signed before.

use chaos_chains::{Contradicted, ToNothing, Unvouched};

/// What took the nonce is asked for, and never one hash: a node that lies names whichever transaction did not land,
/// of which another node rightly says that it knows nothing.
pub(super) fn unvouched(it: &Unvouched) -> String {
    let Unvouched { account, nonce, .. } = it;
    match it.ending {
        ToNothing::Reverted(_) | ToNothing::Cancelled(_) | ToNothing::Replaced => {
            let (all, meant) = (signed(it, false), signed(it, true));
            format!(
                "nothing was signed. Look up, at another node or an explorer of your choice, what took nonce {nonce} of \
                 {account:#x}: signed for it here {all}. If it is {meant} and it succeeded, it is done: give the same \
                 command by that node. If it was reverted or is anything else, in a block there, the same command with \
                 --anew and its hash signs anew. Nothing at that nonce, or a hash that is not known there, is no answer: \
                 it may land yet, or another may have landed in its place"
            )
        }
        ToNothing::GivenUp { next } => {
            let hash = newest(it);
            format!(
                "nothing was signed: `chaoschain tx cancel {next}` takes nonce {next} for nothing, and once the account is \
                 at {nonce}, what waits there lands and the same command goes on. Where it never comes there, or twice \
                 is well, --anew {hash} signs it anew"
            )
        }
        ToNothing::Undone(inclusion) => format!(
            "nothing was signed. Look up, at another node or an explorer of your choice, whether it is so still: if it \
             is, give the same command by that node; if not, something else of {account:#x} undid it, and the same \
             command with --anew {} does it again",
            inclusion.hash
        ),
    }
}

pub(super) fn contradicted(it: &Contradicted) -> String {
    if it.is_still_so {
        return "nothing was signed: one of the two is wrong, or behind. Look up elsewhere whether it is so still, and give \
                the same command by a node that shows that; an endpoint that shows it wrongly is no witness: take it out of \
                the chain file"
            .to_owned();
    }
    let nonce = it.nonce;
    format!(
        "nothing was signed: one of the two is wrong, or behind. Look up elsewhere what took nonce {nonce}, and give the \
         same command by a node that shows that; an endpoint that shows it wrongly is no witness: take it out of the \
         chain file"
    )
}

/// What was signed for a nonce, all of it or what was meant alone.
fn signed(it: &Unvouched, meant: bool) -> String {
    let all = it.signed.iter().filter(|(_, cancels)| !(meant && *cancels));
    let all: Vec<String> = all
        .map(|(hash, cancels)| format!("{hash}{}", if *cancels { " (its cancel)" } else { "" }))
        .collect();
    match (&all[..], meant) {
        ([], _) => "none".to_owned(),
        ([one], true) => one.clone(),
        (several, true) => format!("one of {}", several.join(", ")),
        ([one], false) => format!("was {one} alone"),
        (several, false) => format!("were {}", several.join(", ")),
    }
}

fn newest(it: &Unvouched) -> String {
    it.signed.last().map_or_else(|| "HASH".to_owned(), |(hash, _)| hash.to_string())
}
