use super::*;

#[test]
fn groups_that_are_no_partition_are_refused() {
    let groups = vec![("unchanged".to_owned(), 7), ("broken".to_owned(), 2)];
    assert_eq!(
        Outcomes::new(groups.clone(), 10).unwrap_err().to_string(),
        "outcome groups add up to 9, expected all 10 transactions"
    );
    let twice = vec![("unchanged".to_owned(), 7), ("unchanged".to_owned(), 2)];
    assert_eq!(
        Outcomes::new(twice, 9).unwrap_err().to_string(),
        "outcome group `unchanged` is named twice"
    );
    let large = vec![("a".to_owned(), u64::MAX), ("b".to_owned(), u64::MAX)];
    assert!(Outcomes::new(large, u64::MAX).is_err(), "the sum does not wrap around");
    assert_eq!(Outcomes::new(groups, 9).unwrap().total(), 9);
}

#[test]
fn layer_of_a_result_is_its_origin() {
    assert_eq!(Origin::from(Layer::Evm).tag(), "re-executed");
    assert_eq!(Origin::from(Layer::FeeMarket).tag(), "fee model");
}
