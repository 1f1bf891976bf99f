use proptest::prelude::*;

use super::*;
use crate::{ParameterName, Preset, Setting, pricing::GAS_PER_BLOB};

/// One block of a path.
#[derive(Debug, Clone, Copy)]
struct Step {
    /// Whether this block is the first of the next set of parameters.
    changes: bool,
    /// Gas used, in ppm of the limit; above a million is use above the limit.
    use_ppm: u64,
    blobs: u64,
    elapsed_ms: u64,
}

fn any_step() -> impl Strategy<Value = Step> {
    let use_ppm = prop_oneof![Just(0u64), Just(1_000_000), 0u64..=1_000_000, Just(2_000_000)];
    (prop::bool::weighted(0.05), use_ppm, 0u64..=1_100, 0u64..20_000).prop_map(
        |(changes, use_ppm, blobs, elapsed_ms)| Step { changes, use_ppm, blobs, elapsed_ms },
    )
}

/// A value within the parameter's bounds: at one of them, near zero, or anywhere in between.
fn value_of(name: ParameterName, draw: u64) -> u64 {
    let definition = name.definition();
    let span = definition.max - definition.min;
    definition.min
        + match draw % 5 {
            0 => 0,
            1 => span,
            2 => (draw / 5) % 1_000.min(span + 1),
            3 => (draw / 5) % (span / 1_000 + 1),
            _ => (draw / 5) % (span + 1),
        }
}

/// A set of parameters of the preset's family with some of them changed; settings that contradict
/// each other are left out.
fn parameters(preset: Preset, draws: &[(usize, u64)]) -> Parameters {
    let mut parameters = preset.parameters();
    for (place, draw) in draws {
        let name = ParameterName::ALL[place % ParameterName::COUNT];
        if let Ok(setting) = Setting::new(name, value_of(name, *draw)) {
            parameters = parameters.apply(&[setting]).unwrap_or(parameters);
        }
    }
    parameters
}

fn any_fee() -> impl Strategy<Value = u64> {
    prop_oneof![
        0u64..10,
        0u64..=1 << 40,
        any::<u64>(),
        Just(u64::MAX),
        Just(BASE_FEE_WEI_MAX),
        Just(0)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Two hundred blocks, changes of rules in the middle, fees from zero to the bound.
    #[test]
    fn the_compiled_rule_is_the_rule_in_every_block_of_a_path(
        preset in prop::sample::select(&Preset::ALL[..]),
        changed in prop::collection::vec(prop::collection::vec((any::<usize>(), any::<u64>()), 0..6), 1..5),
        fee in any_fee(),
        steps in prop::collection::vec(any_step(), 200),
    ) {
        let sets: Vec<Parameters> =
            changed.iter().map(|draws| parameters(preset, draws)).collect();
        let mut current = 0;
        let mut rule = Compiled::new(&sets[0]);
        let mut fees = rule.settled(fee);
        let mut state = FeeState::settled(&sets[0], fee.into());
        for step in steps {
            if step.changes {
                current = (current + 1) % sets.len();
                rule = Compiled::new(&sets[current]);
                rule.enact(&mut fees);
                state = state.enact(&sets[current]);
            }
            let own = &sets[current];
            prop_assert_eq!(fees.state(), state);
            prop_assert_eq!(fees.gas_target, state.gas_target(own));
            prop_assert_eq!(u128::from(fees.blob_fee_wei), state.blob_fee_wei(own));
            prop_assert_eq!(
                rule.reserve_price_active(fees.base_fee_wei, fees.blob_fee_wei),
                state.reserve_price_active(own)
            );
            prop_assert!(state.base_fee_wei >= own.min_base_fee_wei().into());
            let gas = u128::from(state.gas_limit) * u128::from(step.use_ppm) / 1_000_000;
            let used = BlockUse {
                gas: u64::try_from(gas).unwrap(),
                blob_gas: step.blobs * GAS_PER_BLOB,
                elapsed_ms: step.elapsed_ms,
            };
            rule.advance(&mut fees, used);
            state = state.advance(own, used);
        }
    }
}
