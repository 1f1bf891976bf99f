use super::*;
use crate::study::{
    data::Part,
    fixture::{bare, study},
};

#[test]
fn owner_finds_status_step_and_the_exact_reverting_call() {
    let markdown = markdown(&study(""));
    assert!(markdown.contains("- **Status**: ready\n- **Step**: 2 of 4, 45 to 60 Mgas"));
    assert!(markdown.contains(
        "- **Rollback**: ready: `setGasLimit(uint64)` on \
         `0x229047fed2591dbec1eF1118d64F7aF3dB9EB290`"
    ));
    assert!(markdown.contains("- calldata `0xb40a817c0000000002aea540`"));
    assert!(markdown.contains("- **Blocks built in time**: 99.8 % → 99.7 %"));
    for title in
        ["Sequencer revenue", "Inclusion delay in the next launch", "Forecast to be scored"]
    {
        assert!(markdown.contains(&format!("## {title}\n")), "{title}");
    }
}

#[test]
fn climbs_take_as_long_as_their_blocks() {
    // 411 blocks of two seconds are the 13.7 minutes of the design document that this report follows.
    let markdown = markdown(&study(""));
    assert!(
        markdown.contains("| floor of 1 wei: 1 wei to 0.001 gwei | 411 | 13.7 min |"),
        "{markdown}"
    );
    assert!(markdown.contains("| base fee doubles, as it is | 35 | 70 s |"));
    assert!(markdown.contains("| base fee doubles, after the change | 70 | 2.3 min |"));
}

#[test]
fn floor_is_priced_as_a_token_transfer() {
    let markdown = markdown(&study(""));
    assert!(markdown.contains("| 0.0002 gwei | 9 gwei (45,000 gas) | \\$0.000027 |"), "{markdown}");
}

#[test]
fn missing_rollback_is_not_ready() {
    let mut study = study("");
    study.rollout.rollback.clear();
    assert!(markdown(&study).contains("- **Rollback**: NOT READY: no reverting call"));
    study.readiness = Part::missing("not a rollup");
    assert!(markdown(&study).contains("- readiness: not measured: not a rollup"));
    assert!(markdown(&bare()).contains("- readiness: not measured"));
}
