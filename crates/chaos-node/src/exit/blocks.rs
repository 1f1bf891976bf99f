//! What a refusal of blocks means for the exit code, and what the user can do next.

use chaos_evm::recorded::PackError;
use chaos_programs::recorded;

use super::{Failure, Kind};

impl From<recorded::Error> for Failure {
    fn from(error: recorded::Error) -> Self {
        use recorded::Error;
        match error {
            Error::Blocks(error) => (*error).into(),
            Error::NoSuchBlocks { .. } | Error::SeveralChains { .. } => {
                Self::new(Kind::Input, error).hint("choose by --chain and --range")
            }
            Error::Taken { .. } => Self::message(Kind::Input, format_args!("--out {error}"))
                .hint("name a folder that does not exist yet"),
            Error::NoName { .. } => Self::message(Kind::Input, format_args!("--out {error}")),
            Error::BlockFile { .. }
            | Error::Twice { .. }
            | Error::Histories { .. }
            | Error::Pack(PackError::Json(_)) => Self::new(Kind::Input, error),
            Error::Remove { .. } | Error::Write { .. } | Error::Pack(PackError::Gzip(_)) => {
                Self::new(Kind::Storage, error)
            }
        }
    }
}
