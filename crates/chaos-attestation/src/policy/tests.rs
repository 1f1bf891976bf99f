use super::*;

#[test]
fn the_presets_are_of_their_class() {
    assert_eq!(Policy::production().anchor_class(), AnchorClass::IntelProduction);
    assert_eq!(Policy::development().anchor_class(), AnchorClass::Development);
    let production = ProductionPolicy::recommended();
    assert_eq!(production.document.workloads.accept, Acceptance::Allowlist);
    assert_ne!(Policy::production().id(), Policy::development().id());
}

#[track_caller]
fn refuses(toml: &str, expected: &str) {
    let error = Policy::parse(toml).unwrap_err();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text += &format!(": {cause}");
        source = cause.source();
    }
    assert!(text.contains(expected), "{text}");
}

#[test]
fn every_key_must_be_written() {
    for line in PRODUCTION_TOML.lines().filter(|line| line.contains(" = ")) {
        let Some((key, _)) = line.split_once(" = ").filter(|(key, _)| !key.starts_with('#')) else {
            continue;
        };
        refuses(&PRODUCTION_TOML.replace(&format!("\n{line}"), ""), &format!("`{key}`"));
    }
}

#[test]
fn an_unknown_key_is_an_error_that_names_it_and_its_place() {
    let toml = PRODUCTION_TOML.replace("grace_days = 0", "grace_days = 0\ngrace_dayz = 3");
    refuses(&toml, "grace_dayz");
    refuses(&toml, "line 23");
}

#[test]
fn no_key_lets_a_production_policy_hold_the_development_class() {
    refuses(
        &PRODUCTION_TOML.replace("tee_types", "anchors = [\"development\"]\ntee_types"),
        "anchors",
    );
    refuses(
        &PRODUCTION_TOML.replace("\"production\"\n", "[\"production\", \"development\"]\n"),
        "class",
    );
}

#[test]
fn values_out_of_range_are_errors() {
    for (from, to, expected) in [
        ("version = 1", "version = 2", "version 2"),
        ("[\"tdx\"]", "[]", "`tee_types` has 0 entries"),
        ("[\"tdx\"]", "[\"tdx\", \"tdx\"]", "each of them once"),
        ("[\"tdx\"]", "[\"snp\"]", "snp"),
        ("[\"UpToDate\"]", "[\"Revoked\"]", "Revoked, which verification refuses"),
        ("[\"UpToDate\"]", "[\"Uptodate\"]", "Uptodate"),
        ("grace_days = 0", "grace_days = 4000", "4000 days"),
        ("grace_days = 0", "grace_days = -1", "grace_days"),
        ("service_tds = []", "service_tds = [\"00\"]", "96 hexadecimal digits"),
        ("smt = \"accept\"", "smt = true", "smt"),
        ("\"allowlist\"\n", "\"none\"\n", "none"),
    ] {
        assert!(PRODUCTION_TOML.contains(from), "{from}");
        refuses(&PRODUCTION_TOML.replacen(from, to, 1), expected);
    }
}

#[test]
fn an_oversized_policy_is_refused_before_it_is_parsed() {
    refuses(&"#".repeat(POLICY_BYTES_MAX + 1), "65537 bytes");
}

#[test]
fn comments_do_not_change_the_id_and_values_do() {
    let id = Policy::production().id();
    let stripped: String = PRODUCTION_TOML
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(Policy::parse(&stripped).unwrap().id(), id);
    let other = PRODUCTION_TOML.replace("evaluation_number_min = 17", "evaluation_number_min = 18");
    assert_ne!(Policy::parse(&other).unwrap().id(), id);
}
