use std::ops::AddAssign;

/// Money moved in a block, in wei. Gas and blob gas are kept apart.
///
/// A transaction deposits its maximum fee for its gas; what it does not pay comes back. So
/// `deposited = burnt + tips + refunded` and `blob_deposited = blob_burnt + blob_refunded`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Payments {
    /// Maximum fees times gas.
    pub deposited_wei: u128,
    /// Base fee times gas.
    pub burnt_wei: u128,
    /// Effective tips times gas, to the proposer.
    pub tips_wei: u128,
    /// What came back.
    pub refunded_wei: u128,
    /// Maximum blob fees times blob gas.
    pub blob_deposited_wei: u128,
    /// Blob fee times blob gas.
    pub blob_burnt_wei: u128,
    /// What came back of the blob deposits.
    pub blob_refunded_wei: u128,
}

impl AddAssign for Payments {
    fn add_assign(&mut self, other: Self) {
        self.deposited_wei += other.deposited_wei;
        self.burnt_wei += other.burnt_wei;
        self.tips_wei += other.tips_wei;
        self.refunded_wei += other.refunded_wei;
        self.blob_deposited_wei += other.blob_deposited_wei;
        self.blob_burnt_wei += other.blob_burnt_wei;
        self.blob_refunded_wei += other.blob_refunded_wei;
    }
}

/// One block of one arm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Block {
    /// Place in the path, the warm-up included.
    pub height: u32,
    /// Whether it comes after the warm-up.
    pub measured: bool,
    /// Gas limit in force.
    pub gas_limit: u64,
    /// Gas target in force.
    pub gas_target: u64,
    /// Base fee in wei.
    pub base_fee_wei: u64,
    /// Price of a unit of blob gas in wei; zero without a blob market.
    pub blob_fee_wei: u64,
    /// Gas used, an attacker's included.
    pub gas_used: u64,
    /// Gas used by an attacker.
    pub gas_stuffed: u64,
    /// Blobs included.
    pub blobs: u64,
    /// Users' transactions included.
    pub transactions: u32,
    /// The largest of them in gas.
    pub transaction_gas_max: u32,
    /// Whether its proposer left it empty on purpose.
    pub emptied: bool,
    /// The lowest effective tip included; `None` if no user was.
    pub tip_lowest_wei: Option<u64>,
    /// The tip paid by an attacker; `None` if there was none.
    pub tip_stuffed_wei: Option<u64>,
    /// The smallest of maximum fee less price over included transactions; never negative.
    pub headroom_lowest_wei: Option<i64>,
    /// Transactions left in the pool that could pay.
    pub backlog_eligible: u32,
    /// Their gas.
    pub backlog_eligible_gas: u64,
    /// Transactions left in the pool whose maximum fee is too low.
    pub backlog_ineligible: u32,
    /// Their gas.
    pub backlog_ineligible_gas: u64,
    /// Money moved.
    pub payments: Payments,
}
