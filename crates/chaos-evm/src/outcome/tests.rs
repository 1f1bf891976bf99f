use super::*;

#[test]
fn each_group_and_cause_has_its_own_place_and_name() {
    for (place, group) in OutcomeGroup::ALL.into_iter().enumerate() {
        assert_eq!(group as usize, place, "{}", group.name());
    }
    for (place, cause) in ExclusionCause::ALL.into_iter().enumerate() {
        assert_eq!(cause as usize, place, "{}", cause.name());
    }
    let mut names: Vec<&str> = OutcomeGroup::ALL.map(OutcomeGroup::name).to_vec();
    names.extend(ExclusionCause::ALL.map(ExclusionCause::name));
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}
