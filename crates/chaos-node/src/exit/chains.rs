//! What a chain's refusal means for the exit code, and what the user can do next.

use chaos_chains::Error;

use super::{Failure, Kind};

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let kind = of(&error);
        let hint = hint(&error);
        let failure = Self::new(kind, error);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// Errors of a chain are the outside's, but for what the user named wrongly.
pub(super) const fn of(error: &Error) -> Kind {
    match error {
        Error::InvalidUrl { .. }
        | Error::Agree { .. }
        | Error::NoTransaction { .. }
        | Error::SeveralTransactions { .. }
        | Error::NotTheAnchor(_)
        | Error::OtherCode(_)
        | Error::WrongGenesis { .. }
        | Error::NoPublisher => Kind::Input,
        _ => Kind::Outside,
    }
}

/// What can be done about it.
pub(super) fn hint(error: &Error) -> Option<String> {
    Some(match error {
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
            "nothing was sent; `chaoschain anchor --deploy` makes a contract for this log and account".to_owned()
        }
        Error::OtherCode(_) => {
            "nothing was sent; name the right address, or another file by --deployment".to_owned()
        }
        Error::WrongGenesis { .. } => {
            "correct `genesis` or `endpoints` in the chain file: the number alone does not tell chains apart"
                .to_owned()
        }
        Error::UnderWay { .. } => {
            "the same command without --dry-run goes on with it; `chaoschain tx list` shows it".to_owned()
        }
        Error::Unsupported { .. } => "nothing was sent; name another node by --rpc-url".to_owned(),
        _ => return None,
    })
}
