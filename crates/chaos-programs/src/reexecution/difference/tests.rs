use chaos_types::Check;
use serde_json::json;

use super::*;

/// What is said of a stated document, and of the computed one.
#[track_caller]
fn check(stated: &Value, computed: &Value, said: &str, unsaid: &[&str]) {
    let mut attachments = Attachments::default();
    let digest = attachments.insert(serde_json::to_vec(stated).unwrap());
    let rejection = refuse(&digest, &attachments, &serde_json::to_vec(computed).unwrap());
    assert_eq!(rejection.check, Check::Evidence);
    assert!(rejection.reason.contains(said), "{}", rejection.reason);
    for word in unsaid {
        assert!(!rejection.reason.contains(word), "`{word}` in: {}", rejection.reason);
    }
}

#[test]
fn former_rule_is_named_only_where_its_format_is_claimed() {
    let result = |format: &str, fee: &str| json!({ "format": format, "metrics": { "fee": fee } });
    let computed = result(RESULT_FORMAT_REVISED, "2");
    let fee = "metrics.fee is stated as \"1\", is \"2\"";
    check(&result(RESULT_FORMAT, "1"), &computed, "0012-one-fee-rule", &[]);
    check(&result(RESULT_FORMAT, "1"), &computed, fee, &[]);
    check(&result(RESULT_FORMAT_REVISED, "1"), &computed, fee, &["0012", "format"]);
    check(&result("other/1", "1"), &computed, "is stated as \"other/1\"", &["0012"]);
}

#[test]
fn a_missing_and_an_added_field_are_named() {
    let short = json!({ "format": RESULT_FORMAT, "a": "1" });
    let long = json!({ "format": RESULT_FORMAT, "a": "1", "b": { "c": "2" } });
    check(&short, &long, "b is stated as null, is {\"c\":\"2\"}", &["0012"]);
    check(&long, &short, "b is stated as {\"c\":\"2\"}, is null", &["0012"]);
    check(&json!("text"), &json!("other"), "is stated as \"text\", is \"other\"", &["0012"]);
}

#[test]
fn a_result_that_is_not_in_the_bundle_is_not_explained() {
    let stated = Digest::of(b"elsewhere");
    let rejection = refuse(&stated, &Attachments::default(), b"{\"format\":\"x\"}");
    assert!(rejection.reason.contains("does not hold the stated result"), "{}", rejection.reason);
    assert!(!rejection.reason.contains("0012"), "{}", rejection.reason);
}
