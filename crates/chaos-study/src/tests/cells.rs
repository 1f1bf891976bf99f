//! Which cells a study has, and what names their work.

use std::collections::BTreeSet;

use super::*;

/// (gas limit, denominator, scenario) of every cell.
fn places(study: &Study) -> Vec<(u64, u64, usize)> {
    let cells = study.cells(&baseline(study)).unwrap();
    let place = |cell: &Cell| {
        let parameters = &cell.parameters;
        (parameters.gas_limit(), parameters.base_fee_change_denominator(), cell.scenario)
    };
    cells.iter().map(place).collect()
}

#[test]
fn cells_are_the_proposal_in_every_scenario_then_the_product_of_the_axes_then_no_change() {
    let grid = "gas-limit = [45_000_000, 15_000_000]\nbase-fee-change-denominator = [16, 8, 16]";
    let text = edited("gas-limit = [15_000_000, 45_000_000]", grid);
    let scenarios = "[[scenarios]]\nname = \"double\"\nwhat = \"more\"\ndemand = \"2\"\n[market]";
    let study = Study::parse(&text.replace("[market]", scenarios)).unwrap();
    let (proposal, low, high) = (60_000_000, 15_000_000, 45_000_000);
    let expected = [
        (proposal, 8, 0),
        (proposal, 8, 1),
        (low, 8, 0),
        (low, 16, 0),
        (high, 8, 0),
        (high, 16, 0),
        (30_000_000, 8, 0),
    ];
    assert_eq!(places(&study), expected);
}

#[test]
fn the_proposal_in_the_grid_is_not_run_twice() {
    let study = small_with("[15_000_000, 45_000_000]", "[15_000_000, 60_000_000]");
    assert_eq!(places(&study), [(60_000_000, 8, 0), (15_000_000, 8, 0), (30_000_000, 8, 0)]);
    let none = small_with("gas-limit = [15_000_000, 45_000_000]", "");
    assert_eq!(places(&none), [(60_000_000, 8, 0)]);
}

#[test]
fn alternatives_change_the_baseline_and_not_the_proposal() {
    let study = small_with("gas-limit = [15_000_000, 45_000_000]", "min-base-fee = [1]");
    let cells = study.cells(&baseline(&study)).unwrap();
    let changed = cells[1].parameters.changes_from(&baseline(&study));
    assert_eq!(changed, [(ParameterName::MinBaseFee, 0, 1)]);
}

/// The keys of the proposal and of the first alternative.
fn keys(study: &Study, material: &Material<'_>) -> [Digest; 2] {
    let baseline = baseline(study);
    let cells = study.cells(&baseline).unwrap();
    [0, 1].map(|index| cells[index].key(study, &baseline, material).unwrap())
}

#[test]
fn whatever_a_cell_depends_on_changes_its_key() {
    let material = material(&[]);
    let mut seen = BTreeSet::from(keys(&small(), &material));
    for (from, to) in [
        ("seed = 7", "seed = 8"),
        ("paths = 6\nb", "paths = 7\nb"),
        ("\nblocks = 60", "\nblocks = 61"),
        ("warmup_blocks = 20", "warmup_blocks = 21"),
        ("elasticity = \"0.2\"", "elasticity = \"0.3\""),
        ("elasticity = \"0.2\"", "demand = \"1.1\""),
        ("[market]", "[market]\npatience_blocks = 9"),
        ("[market]", "[market]\npool_blocks = 9"),
        ("change = \"-0.1\"", "change = \"-0.2\""),
        ("change = \"-0.1\"", "value = -100_000"),
        ("at_most", "at_least"),
        ("metric = \"base_fee_median\"\nside", "metric = \"base_fee_p95\"\nside"),
        ("gas-limit = 30_000_000", "gas-limit = 31_000_000"),
        ("preset = \"london\"", "base-fee-change-denominator = 9"),
    ] {
        for key in keys(&small_with(from, to), &material) {
            assert!(seen.insert(key), "`{to}` leaves a key as it was");
        }
    }
    let mut other = material.clone();
    other.inputs[0].digest = Digest::of(b"other blocks");
    let mut more = material.clone();
    more.inputs.push(Input { name: "fee-history".to_owned(), digest: Digest::of(b"fees") });
    let mut newer = material.clone();
    newer.program.version.push_str(".1");
    for material in [other, more, newer] {
        for key in keys(&small(), &material) {
            assert!(seen.insert(key), "{:?} {:?}", material.inputs, material.program);
        }
    }
}

#[test]
fn a_cells_own_parameters_and_scenario_are_in_its_key() {
    let text = "[[scenarios]]\nname = \"double\"\nwhat = \"more\"\ndemand = \"2\"\n[market]";
    let study = small_with("[market]", text);
    let (baseline, material) = (baseline(&study), material(&[]));
    let cells = study.cells(&baseline).unwrap();
    let keys: BTreeSet<Digest> =
        cells.iter().map(|cell| cell.key(&study, &baseline, &material).unwrap()).collect();
    assert_eq!((cells.len(), keys.len()), (5, 5));
}

#[test]
fn what_a_cell_does_not_depend_on_leaves_its_key() {
    let material = material(&[]);
    let expected = keys(&small(), &material);
    for (from, to) in [
        ("\"small\"", "\"tiny\""),
        ("A small study", "A tiny study"),
        ("Does it work?", "Does it?"),
        ("\"as observed\"", "\"as seen\""),
        ("demand of the blocks", "their demand"),
        ("agent_paths = 2", "agent_paths = 3"),
        ("better = \"lower\"", "better = \"higher\""),
        ("attacks = []", "attacks = [\"all\"]"),
        ("[15_000_000, 45_000_000]", "[15_000_000, 50_000_000]"),
        ("[market]", "[sources]\nwhen_absent = \"generate\"\n[market]"),
    ] {
        assert_eq!(keys(&small_with(from, to), &material), expected, "`{to}` changes a key");
    }
    let mut shuffled = material.clone();
    shuffled.inputs.push(Input { name: "a".to_owned(), digest: Digest::of(b"a") });
    let mut turned = shuffled.clone();
    turned.inputs.reverse();
    assert_eq!(keys(&small(), &shuffled), keys(&small(), &turned));
}

/// One of the two is never given up: a file of one kept in a folder may not stand for the other.
#[test]
fn proposal_and_alternative_of_equal_parameters_have_different_keys_if_alternatives_are_screened() {
    let screened = |limit: &str| {
        let text = edited("screen_paths = 0", "screen_paths = 2");
        Study::parse(&text.replace("gas-limit = 60_000_000", limit)).unwrap()
    };
    let (proposed, alternative) =
        (screened("gas-limit = 15_000_000"), screened("gas-limit = 60_000_000"));
    let (baseline, material) = (baseline(&proposed), material(&[]));
    let cell = proposed.cells(&baseline).unwrap()[0];
    assert_eq!(cell, alternative.cells(&baseline).unwrap()[1]);
    let key = |study: &Study| cell.key(study, &baseline, &material).unwrap();
    assert_ne!(key(&proposed), key(&alternative));
}
