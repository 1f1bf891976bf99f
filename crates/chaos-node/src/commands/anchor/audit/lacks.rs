//! What speaks against an audit that found no split view.

use chaos_agency::action::DeclareAnchoring;
use chaos_chains::REGISTRY;
use chaos_programs::auditing::{Audit, Head, Logged, Row, Whose};

use super::anchors;
use crate::exit::Kind;

/// What somebody can do who found another root where nobody but he says that it is the log's.
const UNVOUCHED_HINT: &str = "this accuses nobody: anybody can make a contract that shows the log's name and publisher, with \
    events that its constructor wrote, and anchor in the registry under an account of his own. Look at each transaction: \
    one that a publisher signed whom the log declares, sent to this contract, is that publisher's word";

/// How it ends, why, and what can be done.
type Lack = (Kind, String, &'static str);

/// What speaks against an audit that found no split view, and what can be done.
pub(super) fn lack(audit: &Audit) -> Option<Lack> {
    let (own, ahead) = (audit.own().count(), audit.ahead().count());
    let disputed = audit.disputed().count();
    if audit.whose == Whose::Unknown {
        return Some((
            Kind::Input,
            "nothing was judged: neither the log nor you say which publisher is the log's"
                .to_owned(),
            "`chaoschain anchor` declares it in the log; name it by --publisher, as the log's operator says",
        ));
    }
    if disputed > 0 {
        return Some((
            Kind::Check,
            format!("the nodes disagree about {}", anchors(disputed)),
            "a node makes anchors up, or leaves them out: look at each transaction at a third node",
        ));
    }
    if let Some(behind) = behind(audit) {
        return Some(behind);
    }
    if let Some(unvouched) = unvouched(audit) {
        return Some(unvouched);
    }
    if let Some(unshown) = unshown(audit) {
        return Some(unshown);
    }
    if let Some(earlier) = earlier(audit) {
        return Some(earlier);
    }
    if let (0, Whose::Declared, Some(last)) = (own, audit.whose, audit.declared.last()) {
        let DeclareAnchoring { chain, contract, publisher } = &last.body;
        let message = format!(
            "nothing that the log's publisher anchored is here up to block {}; by entry {} it is {publisher} in \
             {contract} on {chain}",
            audit.last_block, last.index
        );
        let hint = "name nodes of that chain by --rpc-url; `chaoschain anchor` anchors";
        return Some((Kind::Check, message, hint));
    }
    if own == 0
        && let Some(named) = named_another(audit)
    {
        return Some(named);
    }
    if own == 0 {
        return Some((
            Kind::Check,
            format!("the log's publisher has anchored nothing up to block {}", audit.last_block),
            "`chaoschain anchor` anchors; --contract names a contract of the log's own",
        ));
    }
    (ahead > 0).then(|| {
        let (ahead, size) = (anchors(ahead), audit.log_size);
        (
            Kind::Input,
            format!("{ahead} not judged: ahead of this copy, which has {size} entries"),
            "fetch the log anew (`chaoschain log mirror`) and audit again. What stays ahead of all that the log \
             publishes is of another history, or of one that it keeps to itself",
        )
    })
}

/// What the log's own entries say was anchored, and nobody saw.
fn unshown(audit: &Audit) -> Option<Lack> {
    if let Some(Logged { index, size, block_number }) = audit.missing.first() {
        let message = format!(
            "entry {index} says that size {size} was anchored in block {block_number}, and the chain has no \
             such anchor"
        );
        let hint = "its block was replaced after all, or the log says what is not so; `chaoschain anchor` \
                    anchors anew";
        return Some((Kind::Check, message, hint));
    }
    let Logged { index, size, block_number } = audit.unreached.first()?;
    let Audit { first_block, last_block, .. } = audit;
    let message = format!(
        "not judged: entry {index} says that size {size} was anchored in block {block_number}, and blocks \
         {first_block} to {last_block} were looked at"
    );
    let hint = "an earlier block is looked at by --from-block, also where a node says that the contract came later; a \
                later one once the nodes have come there";
    Some((Kind::Input, message, hint))
}

/// Other roots than the copy's, where nobody but the reader says that they are the log's.
fn unvouched(audit: &Audit) -> Option<Lack> {
    let (count, contract) = (audit.unvouched().count(), audit.contract);
    let of = if contract == REGISTRY {
        "by a publisher that no entry of the log declares".to_owned()
    } else {
        format!("in {contract:#x}, which no entry of the log names")
    };
    (count > 0).then(|| {
        let message = format!(
            "{} not in the log, {of}: that it is the log's, nobody says but you",
            anchors(count)
        );
        (Kind::Check, message, UNVOUCHED_HINT)
    })
}

/// What too few nodes have come to, and speaks against a success.
fn behind(audit: &Audit) -> Option<Lack> {
    let last = audit.last_block;
    let hint = "find out which node stands still or runs ahead, and ask again without it, or once all are as far";
    if let Some(Row { event, said_by, .. }) = audit.beyond().next() {
        let (said_by, size, block) = (said_by.join(", "), event.size, event.block_number);
        let message = format!(
            "by {said_by} another history was anchored in block {block} (size {size}), and too few nodes have \
             come past block {last}"
        );
        return Some((Kind::Check, message, hint));
    }
    let Head { node, number, .. } = audit.far_ahead()?;
    let message = format!(
        "not judged: what is past block {last}, where too few nodes have come; {node} is at block {number}"
    );
    Some((Kind::Outside, message, hint))
}

/// The newest anchor was made before the reader's first block.
fn earlier(audit: &Audit) -> Option<Lack> {
    let size = audit.earlier_newest?;
    let Audit { first_block, last_block, .. } = audit;
    let message = format!(
        "not judged: the newest anchor, of size {size}, was made before block {first_block}, and blocks {first_block} \
         to {last_block} were looked at"
    );
    let hint = "an earlier block is looked at by --from-block, and all of them without it";
    Some((Kind::Input, message, hint))
}

/// The reader named another publisher than the log declares, and that one anchored nothing.
fn named_another(audit: &Audit) -> Option<Lack> {
    let Whose::Named(publisher) = audit.whose else { return None };
    let last = audit.declared.last()?;
    if audit.declared.iter().any(|it| it.body.publisher.parse() == Ok(publisher)) {
        return None;
    }
    let (index, declared) = (last.index, &last.body.publisher);
    let message = format!(
        "{publisher:#x}, which you named, has anchored nothing of this log up to block {}; the log's entry {index} \
         declares {declared}",
        audit.last_block
    );
    let hint = "without --publisher the anchors of whom the log declares are judged";
    Some((Kind::Check, message, hint))
}
