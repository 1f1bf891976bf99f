use super::*;

#[test]
fn each_kind_of_gas_has_its_own_place_and_name() {
    let mut names: Vec<&str> = GasKind::ALL.map(GasKind::name).to_vec();
    for (place, kind) in GasKind::ALL.into_iter().enumerate() {
        assert_eq!(kind as usize, place, "{}", kind.name());
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), GasKind::ALL.len());
}
