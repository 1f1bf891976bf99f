//! Which exit code a witness's failures have.

use chaos_api::GatherError;
use chaos_witness::OpenError;

use super::{Failure, Kind};

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let kind = match &error {
            OpenError::Create { .. } | OpenError::InUse { .. } => Kind::Storage,
            OpenError::OtherWitness { .. } | OpenError::NoLogs => Kind::Input,
        };
        Self::new(kind, error)
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
