//! What a chain's refusal means for the exit code, and what the user can do next.

mod anew;

use chaos_chains::{
    Error, RegistryRefusal,
    sending::{AccountError, JournalError},
    signer::Unsigned,
};

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

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        Error::from(error).into()
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
        | Error::WrongChain { .. }
        | Error::WrongGenesis { .. }
        | Error::NoGovernor { .. }
        | Error::MadeElsewhere { .. }
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
        // What is kept here cannot be read or written, as the log's own.
        Error::Journal(_)
        | Error::Account(
            AccountError::Io { .. } | AccountError::Read(_) | AccountError::Malformed { .. },
        )
        | Error::Older { .. } => Kind::Storage,
        // Another process has the account, for a while.
        Error::Account(AccountError::InUse { .. }) => Kind::Outside,
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
        Error::NotTheAnchor(_) => {
            "nothing was sent; without --contract the log is anchored in the chain's registry".to_owned()
        }
        Error::Registry(refusal) => refused(refusal)?.to_owned(),
        Error::BlockNotSettled { .. } => {
            "nothing is lost: the same command goes on; --finality says how sure it has to be".to_owned()
        }
        Error::RegistryState { .. } => {
            "it can prove and does not: name another node of the chain by --rpc-url".to_owned()
        }
        Error::NoEvent { .. } | Error::EventsRefused { .. } => {
            "name another node of the chain by --rpc-url, which gives its events (eth_getLogs)".to_owned()
        }
        Error::NoStateProof { .. } | Error::StateProof(_) | Error::BlockLeft { .. } => {
            "nothing is lost: the same command goes on with it; --rpc-url names another node of the chain, \
             which keeps the state of older blocks"
                .to_owned()
        }
        Error::Unsupported { capability, .. } => unsupported(capability).to_owned(),
        Error::OtherCode(_) => {
            "nothing was sent; name the right address, or another file by --deployment; what a reorganisation \
             took, `chaoschain tx resume` sends again"
                .to_owned()
        }
        Error::WrongGenesis { .. } => {
            "correct `genesis` or `endpoints` in the chain file: the number alone does not tell chains apart"
                .to_owned()
        }
        Error::GasOverstated { .. } => {
            "nothing was sent; name another node by --rpc-url; where a rollup puts the price of its data into gas, \
             wait until that is lower"
                .to_owned()
        }
        Error::GasUnderstated { .. } => {
            "nothing was sent; name another node by --rpc-url, one of the two answers is wrong".to_owned()
        }
        Error::Unsigned(unsigned) => self::unsigned(unsigned)?.to_owned(),
        Error::Reverted { reason, .. } => contract(reason)?.to_owned(),
        error => {
            let sent = || of_sent(error).map(str::to_owned);
            return of_the_journal(error).or_else(|| of_what_is_kept(error)).or_else(sent);
        }
    })
}

/// What can be done about what was signed and is not where it was meant to be.
fn of_sent(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::NonceHeld { .. } => {
            "this account is used by another program or machine; nothing was paid twice: wait until that block \
             is final, and give the same command again, which asks for --anew with what took the nonce. Use an account \
             of its own for each machine"
        }
        Error::Rejected { method, .. } if method == "eth_sendRawTransaction" => {
            "it is signed and stays in the journal, and the same command offers it again; where another program \
             of this account uses its nonce, wait until that has landed"
        }
        Error::LeftChain { .. } => {
            "nothing was paid twice: the same command goes on, and what was sent from here goes out again as it is"
        }
        _ => return None,
    })
}

/// What can be done where a node or its chain lacks something.
fn unsupported(capability: &str) -> &'static str {
    match capability {
        it if it.contains("what is logged") => {
            "nothing was sent; name another node of the chain by --rpc-url"
        }
        it if it.contains("eth_getProof") => {
            "nothing was sent; name another node of the chain by --rpc-url. A CheckpointAnchor contract of the \
             log's own (--contract) needs no such proof, if the log has one"
        }
        it if it.contains("Cancun") => {
            "nothing was sent; the chain's EVM is older: registry and distributor work there, and proposals and \
             votes need another chain"
        }
        it if it.contains("deterministic deployer") => {
            "nothing was sent; it is the chain that lacks it: anybody may put it there, docs/guides/chain.md says how \
             under \"A chain without the deployer\". `chain deploy` puts the other parts there when they are named"
        }
        _ => "nothing was sent; name another node by --rpc-url",
    }
}

/// What can be done about a transaction, or about what was done before.
fn of_the_journal(error: &Error) -> Option<String> {
    Some(match error {
        Error::NotMined { nonce, cancels: true, .. } => format!(
            "the cancel stays in the journal: `chaoschain tx cancel {nonce}` goes on with it, and `chaoschain tx \
             bump {nonce}` offers more for it; what was cancelled may still land before it does"
        ),
        Error::NotMined { nonce, cancels: false, .. } => format!(
            "it stays in the journal: the same command goes on with it; `chaoschain tx bump {nonce}` offers more \
             for it, `chaoschain tx cancel {nonce}` takes its place"
        ),
        Error::NotOver { .. } => {
            "nothing was sent: the same command goes on once that block is final; a chain that mines only when \
             asked has to be asked for its blocks"
                .to_owned()
        }
        Error::Unvouched(unvouched) => anew::unvouched(unvouched),
        Error::Contradicted(contradicted) => anew::contradicted(contradicted),
        Error::Older { nonce, .. } => format!(
            "what it lacks would be paid for again: bring back the newest copy of the data directory; if there \
             is none, `chaoschain tx cancel {nonce}` says where that landed and frees the account, and what \
             was done since the copy is to be looked up on the chain"
        ),
        Error::NotSettled { .. } => {
            "it stays in the journal: the same command goes on with it; --finality says how sure it has to be"
                .to_owned()
        }
        Error::Gap { next, nonce, .. } => format!(
            "a node told a wrong nonce when it was signed, or what lay between is lost; `chaoschain tx cancel {next}` \
             takes nonce {next} for nothing, so that it can land once nothing is missing below it; `chaoschain tx \
             cancel {nonce}` gives it up"
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
        Error::MadeElsewhere { .. } => {
            "nothing was sent; bring back the deployment file that has it, or name that one by --deployment; \
             --again deploys another"
                .to_owned()
        }
        Error::UnderWay { .. } => {
            "the same command without --dry-run goes on with it; `chaoschain tx list` shows it".to_owned()
        }
        _ => return None,
    })
}

/// What can be done about files that cannot be used.
fn of_what_is_kept(error: &Error) -> Option<String> {
    Some(match error {
        Error::Journal(
            JournalError::Malformed { .. }
            | JournalError::Changed { .. }
            | JournalError::Format { .. }
            | JournalError::Read(_),
        ) => {
            "nothing was sent; `chaoschain tx repair` puts a flipped bit right, which the signature in it shows; \
             what is damaged more has to come from a copy of the data directory. Without it what it was for \
             would be paid for again"
                .to_owned()
        }
        Error::Journal(JournalError::Io { .. }) => {
            "nothing was sent; make room, or make the folder writable".to_owned()
        }
        Error::Account(AccountError::Malformed { .. } | AccountError::Read(_)) => {
            "nothing was sent; it says what this user's programs sent last from the account. Move the file away \
             once nothing of the account waits: `chaoschain tx list` in each data directory shows it"
                .to_owned()
        }
        _ => return None,
    })
}

/// What can be done about what a contract refuses, by the name of its error.
fn contract(reason: &str) -> Option<&'static str> {
    let name = reason.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    Some(match name {
        "GovernorInsufficientProposerVotes" => {
            "nothing was sent; the account needs more votes to propose, as the threshold says: `chaoschain vote \
             delegate` lets its tokens count, from the next block on"
        }
        "GovernorNonexistentProposal" => {
            "the governor has no such proposal in that block: give it time to get there, ask with another \
             --finality, or name another number"
        }
        "GovernorAlreadyCastVote" => "nothing was sent; an account votes once",
        "RefundNotOpen" => {
            "nothing was sent; what is left is refunded after the deadline that was fixed when it was funded, \
             and never without one"
        }
        "RefundTooEarly" => {
            "a deadline lies at least 90 days off; plan it again with a later one, or without one"
        }
        "NothingLeft" => "nothing was sent; all of it was claimed or refunded",
        "ClaimsClosed" => "nothing was sent; what was left has gone back to the funder",
        "UnknownDistribution" => "nothing was sent; `chaoschain pay fund` comes first",
        "InvalidProof" => "nothing was sent; the file is not the one that was funded",
        "UnknownProposal" => "the endpoint has no proposal of that number",
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
