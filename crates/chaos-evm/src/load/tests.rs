use super::{demand::Dice, *};

#[test]
fn dice_stay_below_their_bound_and_reach_every_side() {
    let mut dice = Dice::new(7);
    let mut seen = [0_u32; 6];
    for _ in 0..6_000 {
        seen[usize::try_from(dice.below(6)).unwrap()] += 1;
    }
    assert!(seen.iter().all(|count| (800..1_200).contains(count)), "{seen:?}");
}

#[test]
fn default_parameters_are_in_range() {
    assert_eq!(LoadParameters::default().ensure_valid(), Ok(()));
}
