use chaos_report::inline;

use super::*;
use crate::study::fixture::{HOSTILE, bare, study};

#[test]
fn headings_are_those_of_eip_1_in_order() {
    for study in [study("text"), bare()] {
        let markdown = markdown(&study);
        let headings: Vec<&str> =
            markdown.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(
            headings,
            [
                "Abstract",
                "Motivation",
                "Specification",
                "Rationale",
                "Backwards Compatibility",
                "Test Cases",
                "Security Considerations",
                "Copyright",
            ]
        );
    }
}

#[test]
fn preamble_stays_one_scalar_a_line_within_its_length() {
    let markdown = markdown(&study(HOSTILE));
    let preamble: Vec<&str> = markdown.lines().take_while(|line| !line.is_empty()).collect();
    assert_eq!(preamble.len(), 7);
    assert_eq!((preamble[0], preamble[6]), ("---", "---"));
    let title = preamble[1].strip_prefix("title: \"").unwrap().strip_suffix('"').unwrap();
    assert!(title.chars().count() <= 44 + title.matches('\\').count());
    assert_eq!(
        inline!("{}", Scalar(&cut("a \"b\" \\ c\nd", 99))).to_string(),
        "\"a \\\"b\\\" \\\\ c d\""
    );
}

#[test]
fn compatibility_partitions_all_transactions() {
    let markdown = markdown(&study(""));
    assert!(markdown.contains("| unchanged | 17,689 | 99.30 % |"));
    assert!(markdown.contains("Each of 17,814 recorded transactions was executed again"));
    assert!(markdown.contains("- 80.0 % intervals of base fee, median held 40 of 49 times"));
}

#[test]
fn no_time_of_a_machine_stands_among_the_test_cases() {
    let markdown = markdown(&study(""));
    let (_, cases) = markdown.split_once("## Test Cases").unwrap();
    let (cases, _) = cases.split_once("## Security Considerations").unwrap();
    assert!(cases.contains("execution time of worst blocks: not in this document"), "{cases}");
    assert!(!cases.contains("1,420 ms"), "{cases}");
}
