//! What each measure should reach.

/// What is compared with what.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Aim {
    /// The value over its reference, at least this.
    RatioAtLeast(f64),
    /// The value over its reference, at most this.
    RatioAtMost(f64),
    /// The value, at least this.
    AtLeast(f64),
    /// The value, below this.
    Below(f64),
}

/// The aims, by measure; a measure that is not named has none.
const AIMS: [(&str, Aim); 44] = [
    ("evm_one_core", Aim::RatioAtLeast(0.95)),
    ("evm_vs_anvil", Aim::RatioAtLeast(20.0)),
    ("scenarios_2_threads", Aim::RatioAtLeast(1.9)),
    ("base_fee_rule", Aim::AtLeast(1e6)),
    ("agents", Aim::AtLeast(1e4)),
    ("agents_backlog", Aim::AtLeast(1e4)),
    ("study_12x50x7200", Aim::Below(60.0)),
    ("study_12x50x7200_memory", Aim::Below(500.0)),
    ("memory_per_scenario", Aim::Below(2.0)),
    ("agent_python", Aim::RatioAtLeast(500.0)),
    ("append_group_commit", Aim::AtLeast(2e4)),
    ("log_open_1000000", Aim::Below(50.0)),
    ("log_open_memory_1000000", Aim::Below(60.0)),
    ("log_append_10000", Aim::RatioAtMost(1.3)),
    ("log_append_100000", Aim::RatioAtMost(1.3)),
    ("log_append_1000000", Aim::RatioAtMost(1.3)),
    ("log_append_bytes_1000", Aim::Below(64.0)),
    ("log_append_bytes_10000", Aim::Below(64.0)),
    ("log_append_bytes_100000", Aim::Below(64.0)),
    ("log_append_bytes_1000000", Aim::Below(64.0)),
    ("log_register_among_100000", Aim::Below(20.0)),
    ("log_register_bytes_among_100000", Aim::Below(64.0)),
    ("log_rebuild_1000000", Aim::Below(60.0)),
    ("log_rebuild_memory_1000000", Aim::Below(1e3)),
    ("log_writers", Aim::AtLeast(1e4)),
    ("log_mirror_leaves_1000000", Aim::Below(60.0)),
    ("log_mirror_1000000", Aim::Below(120.0)),
    ("log_bundle_length_10000", Aim::Below(8.0)),
    ("log_bundle_verified_10000", Aim::Below(5.0)),
    ("log_forged_refused", Aim::Below(50.0)),
    ("receipts verified", Aim::RatioAtLeast(0.8)),
    ("attestation_p50", Aim::Below(1.0)),
    ("attestation_p99", Aim::Below(3.0)),
    ("attestation_overhead", Aim::RatioAtMost(1.15)),
    ("attestation_warm", Aim::RatioAtMost(0.5)),
    ("sandbox_fee_market", Aim::RatioAtMost(2.5)),
    ("release_p50", Aim::Below(10.0)),
    ("release_p99", Aim::Below(10.0)),
    ("release_cold_p50", Aim::Below(10.0)),
    ("discovery_p99", Aim::Below(1.0)),
    ("discovery_all_p99", Aim::Below(1.0)),
    ("selection_all_p99", Aim::Below(1.0)),
    ("sandbox_instantiation", Aim::Below(50.0)),
    ("sandbox_digests_of_10000", Aim::Below(2.0)),
];

impl Aim {
    pub(crate) fn of(measure: &str) -> Option<Self> {
        AIMS.iter().find(|(name, _)| *name == measure).map(|(_, aim)| *aim)
    }

    /// Whether the figures reach it; `None` without the figure that it is about.
    pub(crate) fn met(self, value: f64, ratio: Option<f64>) -> Option<bool> {
        match self {
            Self::RatioAtLeast(least) => ratio.map(|ratio| ratio >= least),
            Self::RatioAtMost(most) => ratio.map(|ratio| ratio <= most),
            Self::AtLeast(least) => Some(value >= least),
            Self::Below(most) => Some(value < most),
        }
    }
}

impl std::fmt::Display for Aim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::RatioAtLeast(least) => write!(f, "ratio >= {least}"),
            Self::RatioAtMost(most) => write!(f, "ratio <= {most}"),
            Self::AtLeast(least) => write!(f, "value >= {least}"),
            Self::Below(most) => write!(f, "value < {most}"),
        }
    }
}
