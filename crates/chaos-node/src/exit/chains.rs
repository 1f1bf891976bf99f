//! What a chain's refusal means for the exit code, and what the user can do next.

use chaos_chains::{Error, RegistryRefusal, signer::Unsigned};

use super::{Failure, Kind};

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let kind = of(&error);
        let hint = hint(&error);
        let failure = match error {
            // Four libraries say the same on their way to the cause.
            Error::Unreachable { .. } => Self::message(kind, error.in_short()),
            error => Self::new(kind, error),
        };
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// Errors of a chain are the outside's, but for what the user named wrongly.
pub(super) fn of(error: &Error) -> Kind {
    match error {
        Error::InvalidUrl { .. }
        | Error::Agree { .. }
        | Error::NoTransaction { .. }
        | Error::SeveralTransactions { .. }
        | Error::NotTheAnchor(_)
        | Error::OtherCode(_)
        | Error::WrongGenesis { .. }
        | Error::NoGovernor { .. }
        | Error::NoPublisher => Kind::Input,
        Error::Registry(refusal) => match **refusal {
            RegistryRefusal::Conflict { .. } => Kind::Check,
            RegistryRefusal::Missing
            | RegistryRefusal::Writer { .. }
            | RegistryRefusal::Ahead { .. } => Kind::Input,
            RegistryRefusal::Passed { .. } | RegistryRefusal::NotYet { .. } => Kind::Outside,
        },
        Error::Unsigned(unsigned) => match **unsigned {
            Unsigned::Other { .. } | Unsigned::OtherKey { .. } => Kind::Check,
            Unsigned::NoAccount { .. } => Kind::Input,
            Unsigned::Key(_)
            | Unsigned::Unanswered { .. }
            | Unsigned::Refused { .. }
            | Unsigned::Malformed { .. } => Kind::Outside,
        },
        _ => Kind::Outside,
    }
}

/// What can be done about it.
pub(super) fn hint(error: &Error) -> Option<String> {
    Some(match error {
        Error::Unreachable { .. } => {
            "start the node, or name one that answers by --rpc-url or in the chain file; what was sent stays \
             in the journal"
                .to_owned()
        }
        Error::NotMined { .. } => {
            "it stays in the journal: the same command goes on with it; `chaoschain tx bump` offers more for \
             it, `chaoschain tx cancel` takes its place"
                .to_owned()
        }
        Error::NotSettled { .. } => {
            "it stays in the journal: the same command goes on with it; --finality says how sure it has to be"
                .to_owned()
        }
        Error::Gap { nonce, .. } => format!(
            "a node told a wrong nonce when it was signed, or what lay between is lost; `chaoschain tx cancel \
             {nonce}` gives it up"
        ),
        Error::Orphaned { nonce, .. } => format!(
            "wait until it has landed, or let `chaoschain tx cancel {nonce}` take its place"
        ),
        Error::OtherGenesis { nonce, .. } => format!(
            "ask another node, if this one is wrong about its first block; if that chain is gone, \
             `chaoschain tx cancel {nonce} --gone` strikes what was sent there"
        ),
        Error::Behind { .. } => "wait, or name another node by --rpc-url".to_owned(),
        Error::Unshown { .. } | Error::Forgotten { .. } => {
            "name a node by --rpc-url that keeps older blocks; nothing is signed anew before it is shown"
                .to_owned()
        }
        Error::NoTransaction { .. } => "`chaoschain tx list` shows what is open".to_owned(),
        Error::SeveralTransactions { .. } => "name it by more digits of its hash".to_owned(),
        Error::NotTheAnchor(_) => {
            "nothing was sent; without --contract the log is anchored in the chain's registry".to_owned()
        }
        Error::Registry(refusal) => refused(refusal)?.to_owned(),
        Error::BlockNotSettled { .. } => {
            "nothing is lost: the same command goes on; --finality says how sure it has to be".to_owned()
        }
        Error::NoEvent { .. } | Error::EventsRefused { .. } => {
            "name another node of the chain by --rpc-url, which gives its events (eth_getLogs)".to_owned()
        }
        Error::NoStateProof { .. } | Error::StateProof(_) | Error::BlockLeft { .. } => {
            "nothing is lost: the same command goes on with it; --rpc-url names another node of the chain, \
             which keeps the state of older blocks"
                .to_owned()
        }
        Error::Unsupported { capability, .. } if capability.contains("what is logged") => {
            "nothing was sent; name another node of the chain by --rpc-url".to_owned()
        }
        Error::Unsupported { capability, .. } if capability.contains("eth_getProof") => {
            "nothing was sent; name another node of the chain by --rpc-url. A CheckpointAnchor contract of the \
             log's own (--contract) needs no such proof, if the log has one"
                .to_owned()
        }
        Error::OtherCode(_) => {
            "nothing was sent; name the right address, or another file by --deployment".to_owned()
        }
        Error::WrongGenesis { .. } => {
            "correct `genesis` or `endpoints` in the chain file: the number alone does not tell chains apart"
                .to_owned()
        }
        Error::Unsigned(unsigned) => self::unsigned(unsigned)?.to_owned(),
        Error::UnderWay { .. } => {
            "the same command without --dry-run goes on with it; `chaoschain tx list` shows it".to_owned()
        }
        Error::Unsupported { .. } => "nothing was sent; name another node by --rpc-url".to_owned(),
        _ => return None,
    })
}

/// What can be done about what was not signed.
fn unsigned(unsigned: &Unsigned) -> Option<&'static str> {
    Some(match unsigned {
        Unsigned::Unanswered { .. } => {
            "nothing was sent; look whether the signer runs and --signer or CHAOSCHAIN_SIGNER names it, then \
             run the command again"
        }
        Unsigned::Refused { .. } => {
            "nothing was sent; the signer's own log says why: it may have another account, or rules of what it \
             signs"
        }
        Unsigned::NoAccount { .. } => {
            "nothing was sent; give the signer this account's key, or name one that it has by --signer-account"
        }
        Unsigned::Other { field: "chain", .. } => {
            "nothing was sent; the signer is set to another chain (Web3Signer: --chain-id)"
        }
        Unsigned::Other { .. } | Unsigned::OtherKey { .. } => {
            "nothing was sent and what was signed is not kept, but the signer has it: find out why it signs \
             what nobody asked for before it is asked again"
        }
        Unsigned::Malformed { .. } => {
            "nothing was sent; the URL has to be that of a signer, which answers eth_signTransaction"
        }
        Unsigned::Key(_) => return None,
    })
}

/// What can be done about what the registry refuses.
const fn refused(refusal: &RegistryRefusal) -> Option<&'static str> {
    Some(match refusal {
        RegistryRefusal::Missing => {
            "nothing was sent; --deploy puts it there, which anybody may and which gives nobody a right"
        }
        RegistryRefusal::Writer { .. } => {
            "nothing was sent; use that account's key, or declare another place for the log by --redeclare"
        }
        RegistryRefusal::Ahead { .. } => {
            "nothing was sent; this is an older copy of the log: go on with the one that was anchored"
        }
        RegistryRefusal::Conflict { .. } => {
            "nothing was sent; this is another log of that name, or the log forked: compare it with a mirror"
        }
        RegistryRefusal::NotYet { .. } => "nothing is lost: the same command goes on",
        RegistryRefusal::Passed { .. } => return None,
    })
}
