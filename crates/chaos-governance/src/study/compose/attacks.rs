//! Attacks, worst blocks, state growth and the distance to each limit.

use chaos_parameters::Family;
use chaos_study::{
    StudyResult,
    attack::{AttackResult, Scenario},
};

use super::{Facts, spoken};
use crate::study::data::{
    Attack, AttackRow, Attacks, Constraint, Growth, GrowthCategory, Limit, Origin, Part,
    WorstBlock, WorstBlocks,
};

/// Largest encoded block: 10 MiB less 2 MiB for the beacon block around it (EIP-7934).
const BLOCK_BYTES_MAX: u64 = 8 << 20;

/// More ether than was ever issued: 130 million.
const ETHER_SUPPLY_WEI: i128 = 130_000_000 * 1_000_000_000_000_000_000;

const NO_ATTACKS: &str = "the study names no attacks";

pub(super) fn attacks(result: &StudyResult) -> Part<Attacks> {
    if result.attacks.is_empty() {
        return Part::missing(NO_ATTACKS);
    }
    let row = |row: &chaos_study::attack::Row| AttackRow {
        label: row.name.replace('_', " "),
        unit: row.unit.clone(),
        baseline: row.baseline,
        proposal: row.proposal,
    };
    let possible = |row: &&chaos_study::attack::Row| {
        let most = row.baseline.max(row.proposal);
        match row.unit.as_str() {
            "wei" => most <= ETHER_SUPPLY_WEI,
            "ppm" => !(row.name.starts_with("break_even") && most > 1_000_000),
            _ => true,
        }
    };
    let attacks = result
        .attacks
        .iter()
        .map(|attack| Attack {
            name: spoken(attack.scenario.name()),
            mechanism: attack.scenario.mechanism().to_owned(),
            source: attack.scenario.source().to_owned(),
            origin: Origin::from(attack.layer),
            cost: row(&attack.cost),
            damage: attack.damage.iter().filter(possible).map(row).collect(),
            notes: {
                let beyond: Vec<String> = attack
                    .damage
                    .iter()
                    .filter(|row| !possible(row))
                    .map(|row| row.name.replace('_', " "))
                    .collect();
                let mut notes = attack.notes.clone();
                if !beyond.is_empty() {
                    notes.push(format!(
                        "Out of reach, since it needs more ether than exists or never breaks even: {}.",
                        beyond.join(", ")
                    ));
                }
                notes
            },
        })
        .collect();
    Part::Known(Attacks { ether_usd: None, attacks })
}

pub(super) fn worst_blocks(result: &StudyResult, facts: &Facts) -> Part<WorstBlocks> {
    if !result.attacks.iter().any(|attack| attack.scenario == Scenario::WorstCaseGas) {
        return Part::missing("the study does not ask for worst-case gas");
    }
    let calldata = find(result, Scenario::CalldataBloat)
        .and_then(|attack| attack.row("block_bytes_max"))
        .map(|row| (bytes(row.baseline), bytes(row.proposal)));
    let mut blocks: Vec<WorstBlock> = facts
        .worst_blocks
        .iter()
        .map(|block| WorstBlock {
            operation: block.operation.clone(),
            construction: block.construction.clone(),
            fixture: None,
            gas_per_second: Some(block.gas_per_second),
            microseconds: Some(block.microseconds),
            bytes: None,
            slots: None,
        })
        .collect();
    if calldata.is_some() {
        blocks.push(WorstBlock {
            operation: "calldata".to_owned(),
            construction: "the calldata that buys most bytes per gas".to_owned(),
            fixture: None,
            gas_per_second: None,
            microseconds: None,
            bytes: calldata,
            slots: None,
        });
    }
    if blocks.is_empty() {
        return Part::missing(facts.machine.clone());
    }
    let ethereum = result.parameters.proposal.family() == Family::Ethereum;
    let bytes_limit = Limit { value: BLOCK_BYTES_MAX, why: "EIP-7934".to_owned() };
    Part::Known(WorstBlocks {
        machine: facts.machine.clone(),
        // One machine's time is held to no limit: another one's would pass or miss it.
        time_limit: None,
        bytes_limit: ethereum.then_some(bytes_limit),
        blocks,
    })
}

/// The cheapest growth that an attacker can buy; ordinary growth is part of the EVM layer's rows.
pub(super) fn growth(result: &StudyResult) -> Part<Growth> {
    let Some(attack) = find(result, Scenario::StateBloat) else {
        return Part::missing("the study does not ask for state bloat");
    };
    let Some(row) = attack.row("growth_per_month_max") else {
        return Part::missing("state bloat has no growth under these rules");
    };
    Part::Known(Growth {
        origin: Origin::Reexecuted,
        categories: vec![GrowthCategory {
            name: "most an attacker can add".to_owned(),
            baseline: row.baseline << 20,
            proposal: row.proposal << 20,
        }],
        reference: Some((
            2_813_203_579,
            "mainnet grew by 2.62 GiB a month in early 2024 (Paradigm, How to raise the gas limit)"
                .to_owned(),
        )),
    })
}

/// How far limits are away that follow from the rules; a machine's time is none of them.
pub(super) fn constraints(result: &StudyResult) -> Part<Vec<Constraint>> {
    if result.parameters.proposal.family() != Family::Ethereum {
        return Part::missing("the limits that this study knows are Ethereum's");
    }
    let mut constraints = Vec::new();
    if let Some(row) =
        find(result, Scenario::CalldataBloat).and_then(|attack| attack.row("block_bytes_max"))
    {
        constraints.push(Constraint {
            name: "largest block by calldata".to_owned(),
            unit: "bytes".to_owned(),
            origin: Origin::Reexecuted,
            limit: BLOCK_BYTES_MAX.into(),
            baseline: row.baseline,
            proposal: row.proposal,
            source: "EIP-7934, 8 MiB for the execution block".to_owned(),
        });
    }
    if constraints.is_empty() {
        return Part::missing(if result.attacks.is_empty() {
            NO_ATTACKS
        } else {
            "no attack that the study names comes to a limit that follows from the rules"
        });
    }
    Part::Known(constraints)
}

fn find(result: &StudyResult, scenario: Scenario) -> Option<&AttackResult> {
    result.attacks.iter().find(|attack| attack.scenario == scenario)
}

fn bytes(value: i128) -> u64 {
    u64::try_from(value.max(0)).unwrap_or(u64::MAX)
}
