//! What a refusal to check a proposal means for the exit code, and what the user can do next.

use chaos_programs::checking;
use chaos_review::RecordingError;

use super::{Failure, Kind};

impl From<checking::Error> for Failure {
    fn from(error: checking::Error) -> Self {
        use checking::Error;
        match error {
            Error::Node(error) => error.into(),
            Error::Place(error) => (*error).into(),
            Error::NoProofs { .. } => Self::new(Kind::Outside, error)
                .hint("name a node by --rpc-url that has the method"),
            Error::State { .. } => Self::new(Kind::Outside, error).hint(
                "the node has no state of that block any more, is of another chain, or lies; name one that \
                 keeps it, or a newer block by --block",
            ),
            Error::NoProposal { .. } => Self::new(Kind::Input, error).hint(
                "compare number, governor and chain with the page that asks for votes; --block names a \
                 block at which it was known",
            ),
            Error::NoEvent { .. } => Self::new(Kind::Outside, error).hint(
                "the calls are in that event; name a node by --rpc-url that keeps the events of those \
                 blocks, or give the calls by --calls",
            ),
            Error::OtherProposal { .. } => Self::new(Kind::Check, error)
                .hint("believe nothing else of that node; name another one by --rpc-url"),
            Error::NoSender => Self::new(Kind::Input, error).hint(
                "it is the timelock that owns what is called, or the governor where there is none: `sender` \
                 in the file, or --sender ADDRESS",
            ),
            Error::NoState { .. } => Self::new(Kind::Input, error)
                .hint("nothing can be proven of it; name a later block by --block"),
            Error::Header { .. } => Self::new(Kind::Outside, error),
            Error::Payload(_) | Error::Json(_) => Self::new(Kind::Input, error),
        }
    }
}

impl From<RecordingError> for Failure {
    fn from(error: RecordingError) -> Self {
        match error {
            RecordingError::ForkOther { .. } => {
                Self::new(Kind::Input, error).hint("leave --fork out: the chain's rules are known")
            }
            RecordingError::UnknownChain(_) | RecordingError::Fork { .. } => Self::new(
                Kind::Input,
                error,
            )
            .hint(
                "say which of Ethereum's rules it runs by --fork: osaka, prague, cancun, shanghai, \
                     paris or london",
            ),
            error => Self::new(Kind::Input, error),
        }
    }
}
