//! What proposers that are not honest do with their blocks.

use rand_chacha::{ChaCha8Rng, rand_core::Rng};

use chaos_parameters::pricing::Fees;

use super::{Proposer, draw::generator, rules::Rules};

/// The proposers' plan and what is left of it.
#[derive(Debug)]
pub(super) struct Proposers {
    plan: Proposer,
    generator: ChaCha8Rng,
    /// Whether the coalition owns this block and the next one.
    owned: (bool, bool),
    emptied_before: bool,
    budget_left_wei: u128,
    stuffing_over: bool,
}

/// What happens to a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    Pack,
    Empty,
    /// Somebody pays this tip for all gas.
    Stuff {
        tip_wei: u64,
    },
}

impl Proposers {
    pub(super) fn new(plan: Proposer, stream: (u64, u32)) -> Self {
        let budget_left_wei = match plan {
            Proposer::Stuffing { budget_wei, .. } => budget_wei,
            Proposer::Honest
            | Proposer::EmptyShare { .. }
            | Proposer::Suppression { .. }
            | Proposer::Alternate => 0,
        };
        Self {
            plan,
            generator: generator(stream, b"proposers"),
            owned: (false, false),
            emptied_before: false,
            budget_left_wei,
            stuffing_over: false,
        }
    }

    /// Decides on a measured block; `best_tip_wei` is what users offer at most.
    pub(super) fn plan(
        &mut self,
        measured: u32,
        rules: &Rules,
        fees: &Fees,
        best_tip_wei: u64,
    ) -> Plan {
        let plan = match self.plan {
            Proposer::Honest => Plan::Pack,
            Proposer::EmptyShare { share_ppm } => {
                self.turn(share_ppm);
                if self.owned.0 { Plan::Empty } else { Plan::Pack }
            }
            Proposer::Suppression { share_ppm } => {
                self.turn(share_ppm);
                let worth_it = self.owned.0 && self.owned.1 && !self.emptied_before;
                if worth_it { Plan::Empty } else { Plan::Pack }
            }
            Proposer::Alternate if measured % 2 == 1 => Plan::Empty,
            Proposer::Alternate => Plan::Pack,
            Proposer::Stuffing { from_block, blocks, .. } => {
                let since = measured.checked_sub(from_block);
                if self.stuffing_over || since.is_none_or(|since| since >= blocks) {
                    Plan::Pack
                } else {
                    let tip_wei = best_tip_wei.saturating_add(1).max(rules.priority_fee_floor_wei);
                    let price = u128::from(fees.base_fee_wei) + u128::from(tip_wei);
                    let cost = price * u128::from(fees.gas_limit);
                    match self.budget_left_wei.checked_sub(cost) {
                        Some(left) => {
                            self.budget_left_wei = left;
                            Plan::Stuff { tip_wei }
                        }
                        None => {
                            self.stuffing_over = true;
                            Plan::Pack
                        }
                    }
                }
            }
        };
        self.emptied_before = plan == Plan::Empty;
        plan
    }

    /// Whether the current block's proposer belongs to the coalition.
    pub(super) const fn coalition_owns(&self) -> bool {
        self.owned.0
    }

    /// Moves the ownership window by a block.
    fn turn(&mut self, share_ppm: u32) {
        let draw = u64::from(self.generator.next_u32());
        let next = draw * 1_000_000 < u64::from(share_ppm) << 32;
        self.owned = (self.owned.1, next);
    }
}
