//! What a voter and an owner need beyond the figures.

use chaos_types::Digest;

use super::{Delay, Origin, Part};
use crate::proposal::Call;

/// Who gains and who loses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affected {
    /// Such as `senders in the lowest tenth of tips`.
    pub who: String,
    /// Which way.
    pub effect: Effect,
    /// By how much, in one sentence.
    pub text: String,
    /// Where that comes from.
    pub origin: Origin,
}

/// Which way a group is affected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It is better off.
    Gains,
    /// It is worse off.
    Loses,
    /// The study finds no difference.
    Unchanged,
    /// The study cannot tell.
    Unclear,
}

/// What happens to the transactions of one contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// Address or name.
    pub name: String,
    /// Its transactions in the sample.
    pub transactions: u64,
    /// Of those, transactions that end differently.
    pub changed: u64,
    /// Sum of gas after over before, less one, in ppm.
    pub gas_change_ppm: i128,
}

/// What a reader may dispute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumption {
    /// Such as `price elasticity of demand`.
    pub name: String,
    /// Value in the study.
    pub value: String,
    /// Where it comes from or what happens if it is wrong.
    pub note: String,
}

/// How to repeat the study.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reproduce {
    /// The exact command; may have several lines.
    pub command: String,
    /// Digest it ends with.
    pub expected: Digest,
    /// How long it took, in seconds.
    pub seconds: Option<u64>,
    /// What it needs beside the program, in a clause; empty if nothing.
    pub needs: String,
    /// The bundle of the receipt that vouches for it, by digest.
    pub bundle: Option<Digest>,
    /// How much memory it took, in MiB.
    pub memory_mib: Option<u64>,
    /// What the command does not repeat; empty if it repeats everything.
    pub not_covered: String,
}

/// How the change is made and taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rollout {
    /// Who signs or votes.
    pub signer: String,
    /// Block, date or condition.
    pub effective: String,
    /// The steps in order.
    pub steps: Vec<String>,
    /// When to stop or revert.
    pub stop_conditions: Vec<String>,
    /// The calls that carry the change out; empty if it is not made by a call.
    pub payload: Vec<Call>,
    /// The calls that take it back.
    pub rollback: Vec<Call>,
}

/// What the owner of a rollup checks before signing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// Such as `ready` or `not ready: state growth over budget`.
    pub status: String,
    /// Which step of the plan this is, and how many there are.
    pub step: (u32, u32),
    /// The step and the total in words, such as `25 to 30 Mgas/s; total plan 25 to 50 Mgas/s`.
    pub plan: String,
    /// Time between blocks in milliseconds.
    pub block_time_ms: u64,
    /// Full blocks until the base fee doubles as the chain is, and after the change, in
    /// thousandths of a block.
    pub doubling_milli_blocks: (u64, u64),
    /// Climbs from a floor to the market price.
    pub climbs: Vec<Climb>,
    /// What a floor costs users.
    pub floors: Vec<Floor>,
    /// Gas of the token transfer in `floors`.
    pub transfer_gas: u64,
    /// Blocks that are built within their time as the chain is, and after the change, in ppm.
    pub built_in_time_ppm: Part<(u32, u32)>,
    /// Inclusion delay by decile of the tip in the next rush.
    pub launch: Part<Launch>,
    /// Other checks.
    pub checks: Vec<Check>,
}

/// Something that was checked before signing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What.
    pub what: String,
    /// Whether it holds.
    pub passed: bool,
    /// What was found.
    pub finding: String,
}

/// Full blocks from one base fee to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Climb {
    /// Such as `floor of 1 wei`.
    pub label: String,
    /// Start in wei per gas.
    pub from_wei: u128,
    /// Market price in wei per gas.
    pub to_wei: u128,
    /// Full blocks needed.
    pub blocks: u64,
}

/// What a minimum base fee means for a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Floor {
    /// Minimum base fee in wei per gas.
    pub floor_wei: u128,
    /// Cost of a token transfer at that floor in wei.
    pub transfer_wei: u128,
    /// The same in millionths of a US dollar, if a price was assumed.
    pub transfer_usd_micros: Option<u128>,
}

/// Inclusion delays in a rush, such as a token launch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// The rush, in one sentence.
    pub what: String,
    /// Delays by decile of the tip.
    pub delays: Vec<Delay>,
}

/// Who made the study.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disclosure {
    /// The makers, one line each; agents with their ids.
    pub makers: Vec<String>,
    /// Who paid, conflicts of interest.
    pub text: String,
}
