use serde::{Deserialize, Serialize};

/// Where a figure came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// Re-execution of recorded transactions.
    Evm,
    /// The fee-market model.
    FeeMarket,
}

impl Layer {
    /// The name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Evm => "evm",
            Self::FeeMarket => "fee_market",
        }
    }
}
