use super::*;

/// `printf '%s' '{"class_attested_ppm":900000,...}' | sha256sum` over the text below.
#[test]
fn the_model_id_is_the_digest_of_the_published_file() {
    let text = concat!(
        r#"{"class_attested_ppm":900000,"class_corroborated_ppm":800000,"#,
        r#""class_replayable_ppm":1000000,"failure_factor":2,"failure_half_life_days":180,"#,
        r#""fraud_factor":20,"model":"belief/1","payer_cap_micro":6000000,"#,
        r#""prior_micro":4000000,"success_half_life_days":90,"units_max_micro":8000000}"#
    );
    for (model, text) in
        [(Model::Belief1, text.to_owned()), (Model::Belief2, text.replace("belief/1", "belief/2"))]
    {
        let read: Params = canonical::from_slice(text.as_bytes()).unwrap();
        assert_eq!(read, Params::of(model));
        assert_eq!(read.model().unwrap(), model);
        assert_eq!(read.id().unwrap(), Digest::of(text.as_bytes()));
    }
}

#[test]
fn other_models_and_impossible_numbers_are_refused() {
    let other = Params { model: "mean/1".to_owned(), ..Params::of(Model::NEWEST) };
    assert_eq!(
        other.id().unwrap_err().to_string(),
        "expected model `belief/1` or `belief/2`, found `mean/1`"
    );
    let never = Params { success_half_life_days: 0, ..Params::of(Model::NEWEST) };
    assert_eq!(
        never.id().unwrap_err().to_string(),
        "success_half_life_days must be from 1 to 1024, found 0"
    );
}
