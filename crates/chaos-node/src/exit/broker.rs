//! What a broker's or an executor's failure means for the exit code, and what the user can do next.

use chaos_broker::{directory::TagsError, executor, service::Error, transport};

use super::{Failure, Kind};

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (kind, hint) = match error {
            Error::Ledger(error) => return error.into(),
            Error::ReadVault(error) => return error.into(),
            Error::Unsound { .. } => (
                Kind::Input,
                Some(
                    "name the builders' keys with --builder; `chaoschain attest allowlist vouch` \
                     is theirs",
                ),
            ),
            Error::AnchorClass { .. } => {
                (Kind::Input, Some("serve another class from another data directory"))
            }
            Error::NoPolicy => {
                (Kind::Input, Some("name one with --policy: `development`, `production` or a file"))
            }
            Error::ForeignIssuer { .. } => {
                (Kind::Input, Some("`chaoschain broker publish` puts a list of theirs in force"))
            }
            Error::Refused(_)
            | Error::Amend(_)
            | Error::AllowlistText(_)
            | Error::PolicyText(_)
            | Error::Policy(_)
            | Error::Root(_)
            | Error::Password(_) => (Kind::Input, None),
            Error::Store(_)
            | Error::Blob(_)
            | Error::Leaf(_)
            | Error::Event { .. }
            | Error::Unreadable { .. }
            | Error::Fold(_)
            | Error::Rollback(_)
            | Error::Allowlist { .. }
            | Error::RecordedRoot(_)
            | Error::FindVault(_)
            | Error::OpenVault { .. }
            | Error::SealVault(_)
            | Error::WriteVault { .. }
            | Error::AddressFile(_) => (Kind::Storage, None),
            Error::Encode(_) | Error::Panicked => (Kind::Check, None),
            Error::System(_) | Error::Listen { .. } | Error::Channel(_) | Error::OtherAnswer => {
                (Kind::Outside, None)
            }
        };
        let failure = Self::new(kind, error);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// What a question led to: a refusal says that an input is wrong.
impl From<transport::Error> for Failure {
    fn from(error: transport::Error) -> Self {
        Error::from(error).into()
    }
}

/// What an executor's work led to: a refusal says that a check failed.
impl From<executor::Error> for Failure {
    fn from(error: executor::Error) -> Self {
        match error {
            executor::Error::Channel(transport::Error::Refused(refusal)) => {
                Self::new(Kind::Check, refusal)
            }
            executor::Error::Channel(error) => Self::new(Kind::Outside, error),
            error @ executor::Error::LeaseEnded(_) => Self::new(Kind::Check, error)
                .hint("`chaoschain secret audit` at the broker tells what happened to the lease"),
            executor::Error::Key(error) => error.into(),
            error @ executor::Error::Events(_) => Self::new(Kind::Outside, error),
        }
    }
}

impl From<TagsError> for Failure {
    fn from(error: TagsError) -> Self {
        Self::new(Kind::Input, error)
            .hint("a tag is exchange=, region=, size= or environment= with a name, each once")
    }
}
