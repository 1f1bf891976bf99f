use super::*;
use crate::{Parameters, Preset, parse_setting};

fn base() -> Parameters {
    Parameters::ethereum(30_000_000).unwrap()
}

#[test]
fn a_setting_changes_one_parameter_and_leaves_the_others() {
    let proposal = base().with(parse_setting("gas-limit=60_000_000").unwrap());
    assert_eq!(proposal.gas_limit(), 60_000_000);
    assert_eq!(proposal.gas_target(), 30_000_000);
    assert_eq!(proposal.changes_from(&base()), [(ParameterName::GasLimit, 30_000_000, 60_000_000)]);
}

#[test]
fn an_unknown_name_lists_the_known_ones() {
    let error = parse_setting("gaslimit=1").unwrap_err();
    let known = "unknown parameter `gaslimit`; known: gas-limit, elasticity-multiplier, ";
    assert!(error.to_string().starts_with(known), "{error}");
}

#[test]
fn a_value_out_of_bounds_names_the_bounds() {
    let error = parse_setting("elasticity-multiplier=0").unwrap_err();
    assert_eq!(error.to_string(), "elasticity-multiplier must be from 1 to 1000 ratio, found 0");
    assert!(Parameters::ethereum(4_999).is_err());
}

#[test]
fn malformed_settings_say_what_was_expected() {
    for (text, part) in [
        ("gas-limit", "expected `name=value`"),
        ("gas-limit=", "expects a whole number of gas"),
        ("gas-limit=-5", "expects a whole number of gas"),
        ("gas-limit=_5", "expects a whole number of gas"),
        ("gas-limit=3e7", "found `3e7`"),
        ("gas-limit=99999999999999999999", "found `99999999999999999999`"),
    ] {
        let message = parse_setting(text).unwrap_err().to_string();
        assert!(message.contains(part), "{text}: {message}");
    }
}

#[test]
fn every_definition_is_usable() {
    for (index, name) in ParameterName::ALL.into_iter().enumerate() {
        let definition = name.definition();
        assert_eq!(name as usize, index);
        assert!(definition.min <= definition.max && definition.max <= 1 << 53);
        assert_eq!(definition.flag.replace('-', "_"), definition.key);
        assert_eq!(definition.flag.parse(), Ok(name));
        assert!(help_table().contains(definition.source));
    }
}

#[test]
fn every_preset_is_consistent_and_survives_json() {
    for preset in Preset::ALL {
        let parameters = preset.parameters();
        parameters.ensure_consistent().unwrap();
        for name in ParameterName::ALL {
            let value = parameters.get(name);
            if name.applies_to(parameters.family()) {
                name.ensure_bounds(value).unwrap();
            } else {
                assert_eq!(value, 0, "{preset} {name}");
            }
        }
        let json = serde_json::to_string(&parameters).unwrap();
        assert_eq!(serde_json::from_str::<Parameters>(&json).unwrap(), parameters);
        assert_eq!(preset.as_str().parse(), Ok(preset));
    }
}

#[test]
fn settings_that_cannot_hold_together_are_refused_with_the_reason() {
    for (preset, settings, part) in [
        (Preset::Prague, "blob-target=10", "the blob target may not exceed the maximum"),
        (Preset::Prague, "blob-target=0", "a maximum above zero needs a target above zero"),
        (Preset::Osaka, "transaction-gas-cap=20999", "a plain transfer of 21000 gas"),
        (Preset::OpCanyon, "blob-max=6", "does not exist on op_stack chains"),
        (Preset::Arbos51, "gas-target-3=0", "both set or both zero"),
        (Preset::Arbos51, "base-fee-change-denominator=8", "does not exist on arbitrum chains"),
        (Preset::London, "gas-limit=30000000 gas-limit=36000000", "set twice"),
        (Preset::London, "base-fee-change-denominator=0", "must be from 1"),
    ] {
        let message = settings
            .split(' ')
            .map(parse_setting)
            .collect::<Result<Vec<_>, _>>()
            .and_then(|settings| preset.parameters().apply(&settings))
            .unwrap_err()
            .to_string();
        assert!(message.contains(part), "{settings}: {message}");
    }
}

#[test]
fn json_refuses_unknown_missing_and_unbounded_parameters() {
    let whole = serde_json::to_value(base()).unwrap();
    let with = |key: &str, value: serde_json::Value| {
        let mut map = whole.as_object().unwrap().clone();
        map.insert(key.to_owned(), value);
        serde_json::Value::Object(map)
    };
    let without = |key: &str| {
        let mut map = whole.as_object().unwrap().clone();
        map.remove(key);
        serde_json::Value::Object(map)
    };
    for (json, part) in [
        (without("base_fee_change_denominator"), "denominator is missing"),
        (without("family"), "missing field `family`"),
        (with("gas_limit", 1.into()), "5000"),
        (with("gas_limit", (-1).into()), "found `-1`"),
        (with("gas-limit", 30_000_000.into()), "unknown parameter `gas-limit`"),
        (with("speed_limit", 7.into()), "speed-limit does not exist on ethereum chains"),
        (with("family", "cosmos".into()), "unknown variant `cosmos`"),
    ] {
        let message = serde_json::from_value::<Parameters>(json).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
}
