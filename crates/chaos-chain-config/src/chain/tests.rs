use chaos_parameters::{Family, ParameterName as P, pricing::BaseFeeRule};

use super::*;
use crate::HeaderFees;

#[test]
fn every_built_in_file_is_read_and_has_its_own_number_and_names() {
    let all = ChainConfig::all();
    assert!(all.len() >= 21);
    assert!(all.is_sorted_by(|a, b| a.number < b.number));
    let mut names: Vec<&String> = all.iter().flat_map(|chain| &chain.names).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "two chains have one name");
    for chain in all {
        assert_eq!(ChainConfig::named(&chain.names[0]), Some(chain));
        for era in &chain.eras {
            if let Some(rules) = era.rules {
                rules.ensure_consistent().unwrap();
            }
        }
    }
}

#[test]
fn the_rule_is_the_one_in_force_at_the_block() {
    let rule = |chain: u64, number, time| {
        let found = ChainConfig::of(chain).unwrap().parameters_at(number, time);
        found.map(|parameters| {
            let rule = BaseFeeRule::of(&parameters);
            (rule.elasticity_multiplier, rule.change_denominator, rule.floor_wei)
        })
    };
    assert_eq!(rule(1, 12_965_000, 1_628_166_822), Some((2, 8, 0)));
    assert_eq!(rule(1, 24_000_000, 1_767_747_671), Some((2, 8, 0)));
    assert_eq!(rule(8_453, 1, 1_700_000_000), Some((6, 50, 0)));
    assert_eq!(rule(8_453, 9_101_527, 1_704_992_401), Some((6, 250, 0)));
    assert_eq!(rule(8_453, 30_000_000, 1_750_000_000), None);
    assert_eq!(rule(8_453, 43_841_214, 1_774_471_775), Some((5, 100, 5_000_000)));
    assert_eq!(rule(84_532, 1, 1_700_000_000), Some((10, 250, 0)));
    assert_eq!(rule(137, 23_850_000, 1), Some((2, 8, 0)));
    assert_eq!(rule(137, 38_189_056, 1), Some((2, 16, 0)));
    assert_eq!(rule(137, 73_440_256, 1), Some((2, 64, 0)));
    assert_eq!(rule(137, 81_424_000, 1), None);
    assert_eq!(rule(56, 40_000_000, 1), None);
    assert_eq!(ChainConfig::of(777), None);
}

#[test]
fn an_op_stack_block_says_its_rule_itself_since_holocene() {
    let base = ChainConfig::named("base").unwrap();
    let era = |time| base.era_at(30_000_000, time).unwrap();
    assert!(!era(1_736_445_600).in_extra_data);
    assert!(era(1_736_445_601).in_extra_data && !era(1_736_445_601).by_footprint);
    assert!(era(1_764_691_201).by_footprint);
    let fees = HeaderFees::decode(&[1, 0, 0, 0, 125, 0, 0, 0, 6, 0, 0, 0, 0, 0, 30, 132, 128]);
    let parameters = era(1_764_691_201).with(&fees.unwrap()).unwrap();
    assert_eq!(parameters.get(P::BaseFeeChangeDenominator), 125);
    assert_eq!(parameters.min_base_fee_wei(), 2_000_000);
    assert_eq!(parameters.family(), Family::OpStack);
}

#[test]
fn block_time_is_part_of_every_era() {
    let unichain = ChainConfig::named("unichain").unwrap();
    assert_eq!(unichain.parameters_at(1, 1_730_748_360).unwrap().block_time_ms(), 1_000);
}

#[test]
fn a_fork_counts_once_it_has_begun() {
    let name = |chain: &str, number, time| {
        let fork = ChainConfig::named(chain).unwrap().fork_at(number, time);
        fork.map(|fork| (fork.name.clone(), fork.ethereum.clone()))
    };
    let of = |name: &str, ethereum: &str| Some((name.to_owned(), ethereum.to_owned()));
    assert_eq!(name("base", 1, 1_704_992_400), of("bedrock", "paris"));
    assert_eq!(name("base", 1, 1_704_992_401), of("canyon", "shanghai"));
    assert_eq!(name("base", 1, 1_726_070_401), of("granite", "cancun"));
    assert_eq!(name("optimism", 105_235_063, 1_783_526_401), of("karst", "osaka"));
    assert_eq!(name("optimism", 1, 1), None);
    assert_eq!(name("unichain", 1, 1_730_748_360), of("granite", "cancun"));
    assert_eq!(name("arbitrum", 348_448_105, 1_750_201_532), of("arbos-40", "prague"));
    assert_eq!(name("linea", 1, 1), None);
}

/// The table of the docs is the files', row by row.
#[test]
fn the_docs_say_of_each_chain_what_its_file_says() {
    let table = include_str!("../../../../docs/simulation/chains.md");
    for chain in ChainConfig::all() {
        let family = chain.family.map_or("any", Family::as_str);
        let fork = chain.forks.last().map_or("not known", |fork| fork.name.as_str());
        let start = format!("| `{}` | {} | {family} | {fork} | ", chain.names[0], chain.number);
        let row = table.lines().find(|line| line.starts_with(&start));
        let row = row.unwrap_or_else(|| panic!("no row begins with {start}"));
        assert!(row.ends_with(&format!("| {} |", chain.execution.as_str())), "{row}");
        let is_known =
            chain.eras.last().is_some_and(|era| era.rules.is_some() || era.in_extra_data);
        let says_known =
            row.contains("exact by extra") || row.contains("| exact |") || row.contains("backlog");
        assert_eq!(is_known, says_known, "{row}");
    }
    let rows = table.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, ChainConfig::all().len());
}
