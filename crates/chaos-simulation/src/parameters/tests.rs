use super::*;

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
    assert_eq!(
        error.to_string(),
        "unknown parameter `gaslimit`; known: gas-limit, elasticity-multiplier, \
         base-fee-change-denominator"
    );
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
fn json_refuses_unknown_missing_and_unbounded_parameters() {
    let json = serde_json::to_string(&base()).unwrap();
    assert_eq!(serde_json::from_str::<Parameters>(&json).unwrap(), base());
    for (json, part) in [
        (r#"{"gas_limit":30000000,"elasticity_multiplier":2}"#, "denominator is missing"),
        (r#"{"gas_limit":1,"elasticity_multiplier":2,"base_fee_change_denominator":8}"#, "5000"),
        (r#"{"gas-limit":30000000}"#, "unknown parameter `gas-limit`"),
    ] {
        let message = serde_json::from_str::<Parameters>(json).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
}
