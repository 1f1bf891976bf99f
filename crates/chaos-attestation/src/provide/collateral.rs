use super::{Evidence, Provider};
use crate::{Refusal, ReportData};

/// A provider whose platform's collateral somebody else has at hand.
#[expect(missing_debug_implementations, reason = "a provider need not have one")]
pub struct WithCollateral {
    inner: Box<dyn Provider>,
    collateral: Vec<u8>,
}

impl WithCollateral {
    /// Quotes by `inner`, with this collateral in the place of its own.
    #[must_use]
    pub const fn new(inner: Box<dyn Provider>, collateral: Vec<u8>) -> Self {
        Self { inner, collateral }
    }
}

impl Provider for WithCollateral {
    fn quote(&self, report_data: &ReportData) -> Result<Evidence, Refusal> {
        let evidence = self.inner.quote(report_data)?;
        Ok(Evidence { collateral: Some(self.collateral.clone()), ..evidence })
    }

    fn about(&self) -> String {
        self.inner.about()
    }
}
