use super::*;

fn thresholds() -> [Threshold; 2] {
    [
        Threshold {
            metric: "use_vs_target".to_owned(),
            side: Side::AtMost,
            value: ThresholdValue::Proposal(-50_000),
        },
        Threshold {
            metric: "base_fee_median".to_owned(),
            side: Side::AtLeast,
            value: ThresholdValue::ChangePpm(200_000),
        },
    ]
}

#[test]
fn thresholds_are_hashed_as_canonical_json() {
    let bytes = chaos_types::canonical::to_vec(&documents(&thresholds())).unwrap();
    assert_eq!(
        String::from_utf8(bytes).unwrap(),
        r#"[{"metric":"use_vs_target","of":"proposal","side":"at_most","value":"-50000"},{"metric":"base_fee_median","of":"change_ppm","side":"at_least","value":"200000"}]"#
    );
}
