use proptest::prelude::*;

use super::*;

fn objective(direction: Direction, by_at_least: Margin, judge: Judge) -> Objective {
    Objective {
        metric: "m".parse().unwrap(),
        direction,
        by_at_least,
        judge,
        parameters: BTreeSet::new(),
    }
}

fn guard(better: Direction, worse_by_at_most: Margin, judge: Judge) -> Guard {
    Guard {
        metric: "m".parse().unwrap(),
        better,
        worse_by_at_most,
        judge,
        parameters: BTreeSet::new(),
    }
}

fn reading(baseline: i128, low: i128, difference: i128, high: i128) -> Reading {
    Reading { baseline, difference, low, high }
}

#[test]
fn objective_in_ppm_is_met_exactly_at_its_threshold() {
    let five_percent = objective(Direction::Decrease, Margin::Ppm(50_000), Judge::Point);
    for (difference, standing) in
        [(-51, Standing::Met), (-50, Standing::Met), (-49, Standing::Missed)]
    {
        let judgement = five_percent.judge(&reading(1_000, difference, difference, difference));
        assert_eq!(judgement, Judgement { standing, judged: difference, threshold: -50 });
    }
}

#[test]
fn objective_margin_is_rounded_up_and_guard_margin_down() {
    // 5 % of 1,010 is 50.5.
    let up = objective(Direction::Increase, Margin::Ppm(50_000), Judge::Point);
    assert_eq!(up.judge(&reading(1_010, 0, 0, 0)).threshold, 51);
    let keep = guard(Direction::Increase, Margin::Ppm(50_000), Judge::Point);
    assert_eq!(keep.judge(&reading(1_010, 0, 0, 0)).threshold, -50);
}

#[test]
fn interval_judges_by_the_less_favourable_end() {
    let down = objective(Direction::Decrease, Margin::Absolute(10), Judge::Interval);
    assert_eq!(down.judge(&reading(100, -40, -20, -9)).standing, Standing::Missed);
    assert_eq!(down.judge(&reading(100, -40, -20, -10)).standing, Standing::Met);
    let keep_low = guard(Direction::Decrease, Margin::Absolute(10), Judge::Interval);
    assert_eq!(keep_low.judge(&reading(100, 0, 5, 11)).standing, Standing::Missed);
    assert_eq!(keep_low.judge(&reading(100, 0, 5, 10)).standing, Standing::Met);
}

#[test]
fn largest_values_saturate_instead_of_overflowing() {
    let margin = Margin::Ppm(u64::MAX);
    assert_eq!(margin.of_rounded_up(i128::MIN), i128::MAX);
    assert_eq!(margin.of_rounded_down(i128::MAX), i128::MAX);
}

proptest! {
    #[test]
    fn no_change_never_meets_an_objective(
        baseline in any::<i128>(),
        ppm in any::<u64>(),
        up in any::<bool>(),
    ) {
        let direction = if up { Direction::Increase } else { Direction::Decrease };
        let objective = objective(direction, Margin::Ppm(ppm), Judge::Interval);
        let judgement = objective.judge(&reading(baseline, 0, 0, 0));
        prop_assert_eq!(judgement.standing, Standing::Missed);
    }

    #[test]
    fn no_change_always_satisfies_a_guard(
        baseline in any::<i128>(),
        ppm in any::<u64>(),
        up in any::<bool>(),
    ) {
        let better = if up { Direction::Increase } else { Direction::Decrease };
        let judgement = guard(better, Margin::Ppm(ppm), Judge::Interval)
            .judge(&reading(baseline, 0, 0, 0));
        prop_assert_eq!(judgement.standing, Standing::Met);
    }

    #[test]
    fn a_wider_interval_never_turns_a_miss_into_a_success(
        baseline in -1_000_000_000_i128..1_000_000_000,
        difference in -1_000_000_i128..1_000_000,
        spread in 0_i128..1_000_000,
        wider in 0_i128..1_000_000,
        ppm in 0_u64..200_000,
    ) {
        let objective = objective(Direction::Decrease, Margin::Ppm(ppm), Judge::Interval);
        let narrow = objective.judge(&reading(baseline, difference - spread, difference, difference + spread));
        let spread = spread + wider;
        let wide = objective.judge(&reading(baseline, difference - spread, difference, difference + spread));
        prop_assert!(narrow.standing == Standing::Met || wide.standing == Standing::Missed);
    }
}
