//! Which exit code a witness's failures have.

use chaos_api::{GatherError, HeadError};
use chaos_witness::OpenError;

use super::{Failure, Kind};

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let kind = match &error {
            OpenError::Forgotten { .. } => {
                return Self::new(Kind::Storage, error).hint(
                    "find the memory that it had (CHAOSCHAIN_HEADS); if it is lost and the folder is no \
                     old copy, `--only-copy` says so",
                );
            }
            OpenError::Create { .. } | OpenError::InUse { .. } => Kind::Storage,
            OpenError::Keys(_) | OpenError::Checkpoint(_) => Kind::Storage,
            OpenError::Order { .. } => {
                return Self::new(Kind::Input, error).hint(
                    "put the newer key's line below the older one's; of those that are over none is needed",
                );
            }
            OpenError::Above { .. } => {
                return Self::new(Kind::Input, error).hint(
                    "if it is the newer key, swap the two lines; if it is an older one, take its line away",
                );
            }
            OpenError::OtherWitness { .. } => {
                return Self::new(Kind::Input, error).hint(
                    "a witness is its name and its key: start it with the --name that its memory says and the \
                     keys/witness.pem of it, or name another folder",
                );
            }
            OpenError::OwnerDamaged { path, expected } => {
                let hint = format!(
                    "with this --name and the key in its folder it is to say `{expected}`, in a line. If the name is \
                     right, remove {}: the next start writes it anew, and refuses a name under which nothing of \
                     that was cosigned",
                    path.display()
                );
                return Self::new(Kind::Storage, error).hint(hint);
            }
            OpenError::NoLogs => Kind::Input,
        };
        Self::new(kind, error)
    }
}

impl From<HeadError> for Failure {
    fn from(error: HeadError) -> Self {
        match error {
            HeadError::Ledger(error) => (*error).into(),
            HeadError::Gather(error) => error.into(),
            HeadError::Alarm { .. } => Self::new(Kind::Check, error).hint(
                "nothing was published: find out which log the others have seen before anything more \
                 is signed here. If you know that it was shown what a stolen key signed, go on without it: \
                 `chaoschain log checkpoint --log-policy FILE`, with a FILE that has its line no more and whose \
                 quorum is more than half of those that are left",
            ),
            HeadError::Short(_) => Self::new(Kind::Outside, error)
                .hint("nothing was published; the last published checkpoint stays"),
        }
    }
}

impl From<GatherError<chaos_store::StoreError>> for Failure {
    fn from(error: GatherError<chaos_store::StoreError>) -> Self {
        let kind = match &error {
            GatherError::Client(_) => Kind::Outside,
            GatherError::Prove(_) => Kind::Storage,
        };
        Self::new(kind, error)
    }
}
