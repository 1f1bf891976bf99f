//! Where quotes come from.

mod collateral;
mod configfs;
pub mod development;

pub use collateral::WithCollateral;
pub use configfs::{Configfs, TSM_ROOT};
pub use development::Development;

use crate::{Refusal, ReportData};

/// What an environment says about itself: a quote, and what else is needed to read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The quote as the environment gave it, perhaps with padding.
    pub quote: Vec<u8>,
    /// Collateral in `QuoteCollateralV3` JSON, if the provider has it at hand.
    pub collateral: Option<Vec<u8>>,
    /// The event log that replays to the run-time registers, if the environment keeps one.
    pub event_log: Option<Vec<u8>>,
}

/// A source of quotes about the environment that the caller runs in.
///
/// A call may take seconds on real hardware, blocks, and has no effect but the quote. It may be
/// called from several threads, and again after a failure.
pub trait Provider: Send + Sync {
    /// A quote over these 64 bytes.
    ///
    /// # Errors
    /// [`crate::ReasonCode::ProviderUnavailable`], with what is missing.
    fn quote(&self, report_data: &ReportData) -> Result<Evidence, Refusal>;

    /// What the source is, for people, such as `development TDX v4`.
    fn about(&self) -> String;
}
