//! Why anchors were not audited, as exit codes.

use chaos_programs::auditing::Error;

use super::{Failure, Kind, UNREADABLE};

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (kind, hint) = match &error {
            Error::Copy(_) | Error::Damaged { .. } => (Kind::Storage, UNREADABLE),
            Error::OtherPublisher { .. } => (
                Kind::Input,
                "leave --publisher out, or name the registry's by leaving --contract out",
            ),
            Error::TooFew { .. } => (
                Kind::Outside,
                "name other nodes by --rpc-url, or how many have to answer by --agree",
            ),
        };
        Self::new(kind, error).hint(hint)
    }
}
