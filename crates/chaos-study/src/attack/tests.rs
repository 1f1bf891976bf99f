use std::collections::BTreeSet;

use chaos_parameters::{ParameterName as P, Preset, Setting};
use chaos_types::canonical;
use proptest::prelude::*;

use super::*;

/// Ethereum after the second blob-parameter fork, with these parameters changed.
pub(super) fn ethereum(changes: &[(P, u64)]) -> Parameters {
    let settings: Vec<_> =
        changes.iter().map(|(name, value)| Setting::new(*name, *value).unwrap()).collect();
    Preset::Bpo2.parameters().apply(&settings).unwrap()
}

/// The default market on equal arms.
pub(super) fn case(parameters: Parameters) -> Case {
    Case::new(parameters, parameters)
}

#[test]
fn equal_arms_differ_in_nothing() {
    for result in run_all(&case(ethereum(&[(P::GasLimit, 600_000)]))).unwrap() {
        for row in std::iter::once(&result.cost).chain(&result.damage) {
            assert_eq!(row.difference, 0, "{} {}", result.scenario, row.name);
            assert_eq!(row.baseline, row.proposal);
        }
    }
}

#[test]
fn every_attack_names_each_of_its_rows_once_and_reads_back() {
    let case = Case::new(ethereum(&[(P::GasLimit, 600_000)]), ethereum(&[(P::GasLimit, 500_000)]));
    for result in run_all(&case).unwrap() {
        let rows = || std::iter::once(&result.cost).chain(&result.damage);
        let names: BTreeSet<_> = rows().map(|row| &row.name).collect();
        assert_eq!(names.len(), rows().count(), "{}", result.scenario);
        assert!(!result.damage.is_empty() && !result.notes.is_empty());
        assert!(rows().all(|row| row.difference == row.proposal - row.baseline));
        let bytes = canonical::to_vec(&result).unwrap();
        assert_eq!(serde_json::from_slice::<AttackResult>(&bytes).unwrap(), result);
    }
}

#[test]
fn any_number_of_threads_gives_the_same_results() {
    let case = Case::new(ethereum(&[(P::GasLimit, 600_000)]), ethereum(&[(P::GasLimit, 500_000)]));
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| run_all(&case).unwrap())
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn attacks_that_reach_a_bound_or_name_it_are_revised() {
    let revised = |case: &Case| -> Vec<_> {
        Scenario::ALL.into_iter().filter(|scenario| is_revised(*scenario, case)).collect()
    };
    let always = vec![Scenario::BlockStuffing, Scenario::ParameterEdges];
    assert_eq!(revised(&case(ethereum(&[]))), always);
    // A full block multiplies the fee by ten: from 2^60 wei past 2^63.
    let steep = ethereum(&[(P::ElasticityMultiplier, 10), (P::BaseFeeChangeDenominator, 1)]);
    let steep = revised(&Case::new(ethereum(&[]), steep));
    assert!(steep.contains(&Scenario::FullEmptyAlternation), "{steep:?}");
    let dear = Case { base_fee_wei: 1 << 63, ..case(ethereum(&[])) };
    assert!(revised(&dear).contains(&Scenario::BaseFeeSuppression));
    let fraction = case(ethereum(&[(P::BlobUpdateFraction, 1 << 31)]));
    assert!(revised(&fraction).contains(&Scenario::BlobGriefing));
}

#[test]
fn names_read_back_and_an_unknown_one_lists_the_known() {
    for scenario in Scenario::ALL {
        assert_eq!(scenario.name().parse::<Scenario>().unwrap(), scenario);
        assert_eq!(serde_json::to_value(scenario).unwrap(), scenario.name());
        assert!(scenario.source().contains("https://"));
        assert!(!scenario.mechanism().contains("  "));
    }
    let error = "51_percent".parse::<Scenario>().unwrap_err().to_string();
    assert!(error.starts_with("unknown attack `51_percent`; known: base_fee_suppression, "));
}

#[test]
fn every_preset_can_be_attacked() {
    for preset in Preset::ALL {
        let mut case = case(preset.parameters());
        case.base_fee_wei = 50_000_000;
        for scenario in Scenario::ALL {
            // The slow one does not depend on the family.
            if scenario != Scenario::WorstCaseGas {
                run(scenario, &case).unwrap();
            }
        }
    }
}

#[test]
fn the_smallest_gas_limit_is_attacked_with_what_fits() {
    let results = run_all(&case(ethereum(&[(P::GasLimit, 5_000)]))).unwrap();
    assert_eq!(results.len(), Scenario::ALL.len());
    assert_eq!(results[4].damage, []);
}

#[test]
fn a_chain_without_blobs_has_no_blobs_to_buy() {
    let result = run(Scenario::BlobGriefing, &case(Preset::Base2026.parameters())).unwrap();
    assert_eq!((result.cost.baseline, result.damage.len()), (0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn no_accepted_parameters_break_the_fee_market_attacks(
        limit in 5_000u64..=1_000_000_000_000, elasticity in 1u64..=1_000,
        denominator in 1u64..=100_000, floor in 0u64..=1 << 53, block_time in 4_000u64..=600_000,
        blobs in (1u64..=1_024, 1u64..=1_024), fraction in 1u64..=1 << 40, blob_floor in 1u64..=1 << 53,
        wei in (0u128..1 << 90, 0u128..1 << 90, 0u128..1 << 90), shock_multiple: u64,
    ) {
        let proposal = ethereum(&[
            (P::GasLimit, limit), (P::ElasticityMultiplier, elasticity), (P::MinBaseFee, floor),
            (P::BaseFeeChangeDenominator, denominator), (P::BlockTime, block_time),
            (P::BlobTarget, blobs.0.min(blobs.1)), (P::BlobMax, blobs.0.max(blobs.1)),
            (P::BlobUpdateFraction, fraction), (P::BlobMinFee, blob_floor),
        ]);
        let case = Case {
            base_fee_wei: wei.0, tip_wei: wei.1, blob_clearing_price_wei: wei.2, shock_multiple,
            ..Case::new(ethereum(&[]), proposal)
        };
        for scenario in Scenario::ALL {
            if layer(scenario) == Layer::FeeMarket {
                let result = run(scenario, &case).unwrap();
                let rows = || std::iter::once(&result.cost).chain(&result.damage);
                // Only a gain may be negative, and the use of blocks below target.
                prop_assert!(rows().all(|row| {
                    row.proposal >= 0 || ["gain", "drift", "use"].iter().any(|word| row.name.starts_with(word))
                }), "{result:?}");
            }
        }
    }
}
