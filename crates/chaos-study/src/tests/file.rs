//! What a study file says, and how it is refused.

use chaos_parameters::Preset;
use proptest::prelude::*;

use super::*;
use crate::attack::Scenario as Attack;

/// The text is refused, and the message holds all these words.
#[track_caller]
fn refused_text(text: &str, words: &[&str]) {
    let message = chain(&Study::parse(text).unwrap_err());
    assert!(message.starts_with("study"), "{message}");
    for word in words {
        assert!(message.contains(word), "`{word}` is not in: {message}");
    }
}

/// The small study is refused after one edit.
#[track_caller]
fn refused(from: &str, to: &str, words: &[&str]) {
    refused_text(&edited(from, to), words);
}

#[test]
fn unknown_keys_are_refused_with_their_line_and_the_known_ones() {
    for (from, to, words) in [
        ("title =", "titel =", ["titel = \"A small study\"", "unknown field `titel`", "`title`"]),
        ("seed =", "sed =", ["sed = 7", "unknown field `sed`", "`seed`"]),
        ("side =", "sides =", ["sides = \"at_most\"", "unknown field `sides`", "`side`"]),
        ("better =", "best =", ["best = \"lower\"", "unknown field `best`", "`better`"]),
        ("what =", "text =", ["text = \"demand of the", "unknown field `text`", "`what`"]),
        ("[market]", "[markt]", ["[markt]", "unknown field `markt`", "`market`"]),
    ] {
        refused(from, to, &words);
    }
    refused("[market]", "[sources]\nblock = \"x\"\n[market]", &["line ", "`block`", "`blocks`"]);
    refused(
        "gas-limit = 60_000_000",
        "gaslimit = 1",
        &["[proposal]", "`gaslimit`", "known: gas-limit"],
    );
    refused("gas-limit = [15", "speed = [15", &["[grid]", "unknown parameter `speed`", "known:"]);
    refused("preset = \"london\"", "gas = 1", &["[baseline]", "`gas`", "known: gas-limit"]);
}

#[test]
fn values_that_cannot_be_name_section_expectation_and_finding() {
    let cases: [(&str, &str, &[&str]); 18] = [
        ("version = 1", "version = 2", &["version 2", "expected 1"]),
        ("\"small\"", "\"Small study\"", &["name", "lower-case", "`Small study`"]),
        ("\"0.2\"", "\"-1\"", &["[[scenarios]] elasticity", "not negative", "`-1`"]),
        ("\"0.2\"", "0.2", &["elasticity = 0.2", "floating point `0.2`", "expected a string"]),
        ("\"0.2\"", "\"0.2\"\ndemand = \"0\"", &["[[scenarios]] demand", "above zero", "`0`"]),
        ("\"london\"", "\"paris\"", &["[baseline]", "unknown preset `paris`", "known: london"]),
        ("\"london\"", "7", &["[baseline] preset", "a name in quotes", "`7`"]),
        (
            "preset = \"london\"",
            "base-fee-change-denominator = 0",
            &["[baseline]", "base-fee-change-denominator must be from 1 to 100000", "found 0"],
        ),
        ("= 60_000_000", "= 4_999", &["[proposal]", "must be from 5000 to", "found 4999"]),
        ("= 60_000_000", "= \"60\"", &["[proposal]", "gas-limit", "whole number of gas", "60"]),
        ("= 60_000_000", "= -1", &["[proposal]", "gas-limit", "whole number of gas", "`-1`"]),
        ("[15_000_000, 45_000_000]", "[1]", &["[grid]", "must be from 5000 to", "found 1"]),
        ("[15_000_000, 45_000_000]", "[]", &["[grid] gas-limit", "at least one", "`[]`"]),
        ("\"at_most\"", "\"below\"", &["side = \"below\"", "`below`", "`at_most`"]),
        ("\"-0.1\"", "\"-10%\"", &["[[thresholds]] change", "\"-0.333\"", "`-10%`"]),
        ("\"lower\"", "\"less\"", &["[[goals]] better", "`lower` or `higher`", "`less`"]),
        ("attacks = []", "attacks = [\"fire\"]", &["attacks", "`all` or names", "`fire`"]),
        ("attacks = []", "attacks = [\"all\", \"fire\"]", &["attacks", "`all` or", "`fire`"]),
    ];
    for (from, to, words) in cases {
        refused(from, to, words);
    }
}

#[test]
fn parameters_that_contradict_each_other_are_refused_in_their_own_section() {
    let words = ["blob-target=7 contradicts blob-max=6", "may not exceed the maximum"];
    let blobs = |section: &str, text: &str| {
        let place = format!("[{section}]");
        let text = edited("preset = \"london\"", "preset = \"cancun\"").replacen(
            &place,
            &format!("{place}\n{text}"),
            1,
        );
        refused_text(&text, &[&[place.as_str()], &words[..]].concat());
    };
    blobs("baseline", "blob-target = 7");
    blobs("proposal", "blob-target = 7");
    blobs("grid", "blob-target = [3, 7]");
    refused(
        "gas-limit = 60_000_000",
        "gas-limit = 60_000_000\ngas_limit = 61_000_000",
        &["[proposal]", "gas-limit is set twice"],
    );
    refused(
        "gas-limit = 60_000_000",
        "speed-limit = 7",
        &["[proposal]", "speed-limit does not exist on ethereum chains", "arbitrum"],
    );
}

#[test]
fn a_threshold_has_either_a_value_or_a_change() {
    let place = "[[thresholds]] base_fee_median";
    let expected = "either `value` or `change`";
    refused("change = \"-0.1\"", "", &[place, expected, "`neither`"]);
    refused("change = \"-0.1\"", "change = \"-0.1\"\nvalue = 3", &[place, expected, "`both`"]);
}

#[test]
fn metrics_outside_the_flow_model_are_refused() {
    let both = edited("[[goals]]\nmetric = \"base_fee_median\"", "[[goals]]\nmetric = \"height\"");
    let words = ["a metric of the flow model", "`height`"];
    refused_text(&both, &[&["[[goals]] metric"], &words[..]].concat());
    let threshold = edited("metric = \"base_fee_median\"\nside", "metric = \"height\"\nside");
    refused_text(&threshold, &[&["[[thresholds]] metric"], &words[..]].concat());
}

#[test]
fn names_are_not_used_twice() {
    let again = "elasticity = \"0.2\"\n[[scenarios]]\nname = \"as observed\"\nwhat = \"again\"";
    refused(
        "elasticity = \"0.2\"",
        again,
        &["[[scenarios]] name", "not used before", "`as observed`"],
    );
    let name = Attack::ALL[0].name();
    let twice = format!("attacks = [\"{name}\", \"{name}\"]");
    refused("attacks = []", &twice, &["attacks", "not used before", name]);
}

#[test]
fn the_proposal_is_parameters_and_nothing_else() {
    let preset = "preset = \"osaka\"\ngas-limit = 60_000_000";
    refused("gas-limit = 60_000_000", preset, &["[proposal] preset", "only parameters", "`osaka`"]);
    refused("gas-limit = 60_000_000", "", &["[proposal]", "at least one parameter"]);
    refused("[proposal]\ngas-limit = 60_000_000", "", &["missing field `proposal`"]);
}

#[test]
fn a_grid_has_at_most_ten_thousand_combinations() {
    let axis = |count: u64| {
        (1..=count).map(|i| (10_000_000 + i).to_string()).collect::<Vec<_>>().join(", ")
    };
    let grid = |rest: &str| {
        edited(
            "gas-limit = [15_000_000, 45_000_000]",
            &format!("gas-limit = [{}]\n{rest}", axis(100)),
        )
    };
    let hundred = (1..=100).map(|i| i.to_string()).collect::<Vec<_>>().join(", ");
    let denominators = format!("base-fee-change-denominator = [{hundred}]");
    let most = Study::parse(&grid(&denominators)).unwrap();
    assert_eq!(most.cells(&baseline(&most)).unwrap().len(), 1 + 10_000 + 1);
    let words = ["[grid]", "at most 10000 combinations", "`20000`"];
    refused_text(&grid(&format!("{denominators}\nmin-base-fee = [1, 2]")), &words);
}

#[test]
fn a_file_is_read_up_to_one_mebibyte() {
    let filled = |bytes: usize| format!("{SMALL}#{}", "x".repeat(bytes - SMALL.len() - 1));
    assert_eq!(Study::parse(&filled(1 << 20)).unwrap(), small());
    refused_text(&filled((1 << 20) + 1), &["1048577 bytes", "at most 1048576"]);
}

#[test]
fn messages_stay_short_whatever_the_file_holds() {
    let long = "9".repeat(10_000);
    for (from, to) in [
        ("= 60_000_000", format!("= \"{long}\"")),
        ("\"london\"", format!("\"{long}\"")),
        ("\"0.2\"", format!("\"{long}\"")),
        ("\"small\"", format!("\"{long}\"")),
        ("attacks = []", format!("attacks = [\"{long}\"]")),
    ] {
        let message = chain(&Study::parse(&edited(from, &to)).unwrap_err());
        assert!(message.len() < 1_000, "{} bytes for `{from}`", message.len());
    }
}

#[test]
fn a_file_says_what_the_study_holds() {
    let study = small();
    assert_eq!((study.name.as_str(), study.preset), ("small", Preset::London));
    assert_eq!(baseline(&study).gas_limit(), 30_000_000);
    assert_eq!(study.market.seed, 7);
    assert_eq!(study.market.assumptions.elasticity_ppm, 250_000, "the posterior's median");
    assert_eq!(study.scenarios[0].elasticity_ppm, Some(200_000));
    assert_eq!(study.scenarios[0].demand_ppm, 1_000_000);
    assert_eq!(study.thresholds[0].value, ThresholdValue::ChangePpm(-100_000));
    assert!(study.goals[0].lower_is_better);
    assert_eq!(study.sources.when_absent, WhenAbsent::Refuse);
    let all = small_with("attacks = []", "attacks = [\"all\"]");
    assert_eq!(all.attacks, Attack::ALL);
    let value = small_with("change = \"-0.1\"", "value = -3");
    assert_eq!(value.thresholds[0].value, ThresholdValue::Proposal(-3));
}

#[test]
fn the_blocks_own_gas_limit_is_the_baselines_unless_the_file_sets_one() {
    assert_eq!(small().baseline(Some(36_000_000)).unwrap().gas_limit(), 30_000_000);
    let open = small_with("gas-limit = 30_000_000\n", "");
    assert_eq!(open.baseline(Some(36_000_000)).unwrap().gas_limit(), 36_000_000);
    assert_eq!(open.baseline(None).unwrap().gas_limit(), Preset::London.parameters().gas_limit());
}

#[test]
fn the_example_study_is_read_as_it_is_written() {
    let study = Study::parse(include_str!("../../../../examples/gas-limit-60m.toml")).unwrap();
    assert_eq!(study.name, "gas-limit-60m");
    let proposal = baseline(&study).apply(&study.proposal).unwrap();
    assert_eq!(proposal.gas_limit(), 60_000_000);
    let elasticities: Vec<Option<u32>> = study.scenarios.iter().map(|s| s.elasticity_ppm).collect();
    assert_eq!(elasticities, [None, None, Some(6_000)]);
    assert_eq!(study.scenarios[1].demand_ppm, 2_000_000);
    // Four limits by two denominators, of which 60 Mgas at 8 is the proposal; and no change.
    assert_eq!(study.cells(&baseline(&study)).unwrap().len(), 3 + 4 * 2 - 1 + 1);
    assert_eq!(study.attacks, Attack::ALL);
}

#[test]
fn the_paths_of_the_transaction_model_are_read_by_either_name() {
    let named = small_with("agent_paths", "transaction_paths");
    assert_eq!(named.market, small().market);
    let twice = SMALL.replace("agent_paths = 2", "agent_paths = 2\ntransaction_paths = 2");
    refused_text(&twice, &["duplicate field `agent_paths`"]);
}

/// The two arms share their arrivals, so they make blocks at one pace.
#[test]
fn another_block_time_is_refused_while_the_transaction_model_is_asked_for() {
    let faster = edited("gas-limit = 60_000_000", "block-time = 6_000");
    refused_text(&faster, &["[market] agent_paths", "block-time", "`2`"]);
    let without = faster.replace("agent_paths = 2", "agent_paths = 0");
    let study = Study::parse(&without).unwrap();
    let proposal = baseline(&study).apply(&study.proposal).unwrap();
    assert_eq!((baseline(&study).block_time_ms(), proposal.block_time_ms()), (12_000, 6_000));
}

proptest! {
    /// Lines of both studies in any order, some lost, some twice; the fuzz target's law.
    #[test]
    fn what_is_accepted_has_consistent_cells_the_proposals_first(
        kept in prop::collection::vec(0u8..120, 64),
        other in prop::collection::vec((0usize..64, 0usize..64), 0..3),
    ) {
        let mut lines: Vec<&str> = SMALL.lines().collect();
        for (from, to) in other {
            let (from, to) = (from % lines.len(), to % lines.len());
            lines.swap(from, to);
        }
        let keep = |fate: &u8| usize::from(*fate > 0) + usize::from(*fate == 1);
        let text: String = lines
            .iter()
            .zip(&kept)
            .map(|(line, fate)| format!("{line}\n").repeat(keep(fate)))
            .collect();
        if let Ok(study) = Study::parse(&text) {
            let baseline = study.baseline(None).unwrap();
            let cells = study.cells(&baseline).unwrap();
            let (own, alternatives) = cells.split_at(study.scenarios.len());
            let proposal = baseline.apply(&study.proposal).unwrap();
            prop_assert!(own.iter().all(|cell| cell.parameters == proposal));
            prop_assert!(alternatives.iter().all(|cell| cell.scenario == 0));
            prop_assert!(cells.iter().all(|cell| cell.parameters.ensure_consistent().is_ok()));
        }
    }
}

#[test]
fn decimals_are_read_exactly_or_not_at_all() {
    let known =
        [("0", 0), ("1", 1_000_000), ("0.2", 200_000), ("0.006", 6_000), ("007.5", 7_500_000)];
    for (text, ppm) in known {
        assert_eq!(parse_ppm(text), Some(ppm), "{text}");
    }
    assert_eq!(parse_ppm("4294.967295"), Some(u32::MAX));
    for text in
        ["", ".", ".5", "-1", "+1", "1e3", "0.1234567", "1,5", " 1", "4294.967296", "0.-1", "٣"]
    {
        assert_eq!(parse_ppm(text), None, "{text}");
    }
}
