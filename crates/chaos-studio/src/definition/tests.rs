use std::error::Error as _;

use proptest::prelude::*;

use super::*;

const EXAMPLE: &str = include_str!("../../tests/studio.toml");

/// Replaces `from` in the example and expects the refusal to read `expect`.
#[track_caller]
fn check(from: &str, to: &str, expect: &str) {
    assert!(EXAMPLE.contains(from), "the example has no `{from}`");
    let error = parse(&EXAMPLE.replacen(from, to, 1)).expect_err("must be refused");
    let cause = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    let text = format!("{error}{cause}");
    assert!(text.contains(expect), "expected `{expect}` in `{text}`");
}

#[test]
fn contradictions_are_refused_with_the_key_at_fault() {
    check(
        "min = 5_000_000",
        "min = 200_000_000",
        "`policies.parameters.gas-limit`: min 200000000 is greater than max 100000000",
    );
    check(
        "depends_on = [\"measure\"]",
        "depends_on = [\"write\"]",
        "`tasks`: these wait for each other: try, write",
    );
    check(
        "role = \"core_developer\"",
        "role = \"auditor\"",
        "`tasks[2].role`: there is no role `auditor`",
    );
    check(
        "action = \"draft\"",
        "action = \"simulate\"",
        "`tasks[2].action`: role `core_developer` may not perform `simulate`",
    );
    check(
        "[\"measure\", \"try\"]",
        "[\"mesure\"]",
        "`tasks[2].depends_on`: there is no task `mesure`",
    );
    check("name = \"try\"", "name = \"measure\"", "`tasks[1].name`: `measure` stands there twice");
    check(
        "parameters = [\"gas-limit\"]",
        "parameters = [\"gaslimit\"]",
        "`policies.guards[0].parameters`: `policies.parameters` has no `gaslimit`",
    );
}

// The objective of the example applies to all parameters; narrowed, it leaves one without.
#[test]
fn parameter_without_objective_is_refused() {
    let narrowed = EXAMPLE
        .replace("judge = \"interval\"", "judge = \"interval\"\nparameters = [\"gas-limit\"]")
        .replace(
            "[policies.evidence]",
            "[policies.parameters.denominator]\nmin = 1\nmax = 9\nmax_step = { absolute = 1 }\n[policies.evidence]",
        );
    let error = parse(&narrowed).unwrap_err().to_string();
    assert!(error.starts_with("`policies.parameters.denominator`"), "{error}");
}

#[test]
fn values_out_of_range_are_refused_with_what_was_expected() {
    check(
        "reward_weight = 3",
        "reward_weight = 0",
        "`tasks[1].reward_weight`: expected an integer from 1 to 1000000, found 0",
    );
    check(
        "rounds_max = 4",
        "rounds_max = 0",
        "`policies.rounds_max`: expected an integer from 1 to 64, found 0",
    );
    check(
        "min = 5_000_000",
        "min = -5",
        "`policies.parameters.gas-limit.min`: expected an integer from 0",
    );
    check(
        "{ ppm = 250_000 }",
        "{ ppm = 0 }",
        "`policies.parameters.gas-limit.max_step.ppm`: expected an integer from 1",
    );
    check(
        "{ ppm = 250_000 }",
        "{}",
        "`policies.parameters.gas-limit.max_step`: expected exactly one of",
    );
    check(
        "{ ppm = 250_000 }",
        "{ ppm = 1, absolute = 1 }",
        "`policies.parameters.gas-limit.max_step`: expected exactly one of",
    );
    check(
        "threshold_ppm = 500_000",
        "threshold_ppm = 1_000_000",
        "`policies.approvals.threshold_ppm`: expected an integer from 0 to 999999",
    );
    check(
        "\"decrease\"",
        "\"down\"",
        "`policies.objectives[0].direction`: expected one of increase, decrease, found `down`",
    );
    check(
        "\"point\"",
        "\"mean\"",
        "`policies.guards[0].judge`: expected one of point, interval, found `mean`",
    );
    check(
        "[\"replayable\"]",
        "[\"none\"]",
        "`policies.evidence.classes[0]`: expected one of replayable, attested, corroborated, found `none`",
    );
    check("[\"replayable\"]", "[]", "`policies.evidence.classes` is empty");
    check("version = 1", "version = 2", "`version`: expected an integer from 1 to 1, found 2");
    check("name = \"example\"", "name = \"Example\"", "`name` is not a name");
    check("[\"draft\", \"submit\"]", "[]", "`roles.core_developer.actions` is empty");
    check(
        "description = \"Two",
        "description = \"\" #",
        "`description`: expected 1 to 2000 bytes of text, found 0 bytes",
    );
}

#[test]
fn unknown_missing_and_repeated_keys_are_refused_with_their_place() {
    check("rounds_max = 4", "rounds_max = 4\nround_max = 4", "unknown field `round_max`");
    check("quorum_ppm = 40_000\n", "", "missing field `quorum_ppm`");
    check("rounds_max = 4", "rounds_max = 4\nrounds_max = 5", "line 36");
    check("rounds_max = 4", "rounds_max = \"four\"", "expected i64");
    check("rounds_max = 4", "rounds_max = 0.5", "expected i64");
}

#[test]
fn oversized_definition_is_refused_before_it_is_read() {
    let text = "#".repeat(DEFINITION_BYTES_MAX + 1);
    assert!(matches!(parse(&text), Err(DefinitionError::TooLarge { .. })));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_without_panic(text in "\\PC{0,200}") {
        let _ = parse(&text);
    }

    #[test]
    fn any_damage_to_the_example_is_read_or_refused_without_panic(
        at in 0..EXAMPLE.len(),
        insert in "[\\[\\]{}=\"0-9a-z.\n-]{0,3}",
    ) {
        let mut text = EXAMPLE.to_owned();
        text.replace_range(at..=at, &insert);
        let _ = parse(&text);
    }
}
