use super::*;

const EXAMPLE: &str = include_str!("../../tests/studio.toml");

#[test]
fn example_reads_into_what_it_says() {
    let studio = Studio::parse(EXAMPLE).unwrap();
    assert_eq!(studio.name().as_str(), "example");
    assert_eq!(studio.roles().len(), 2);
    let tasks: Vec<&str> = studio.tasks().iter().map(|task| task.name.as_str()).collect();
    assert_eq!(tasks, ["measure", "try", "write"]);
    let weights: u64 = studio.tasks().iter().map(|task| task.reward_weight).sum();
    assert_eq!(weights, 6);
    assert_eq!(studio.policy().rounds_max(), 4);
    let limit = "gas-limit".parse().unwrap();
    assert_eq!(studio.policy().objectives(&limit).count(), 1);
    assert_eq!(studio.policy().guards(&limit).count(), 1);
    assert_eq!(studio.thresholds()[&"full_share_ppm".parse().unwrap()], 200_000);
}

#[test]
fn digest_ignores_layout_and_follows_meaning() {
    let digest = |text: &str| Studio::parse(text).unwrap().digest();
    let same = format!("# a comment\n{}", EXAMPLE.replace("5_000_000", "5000000"));
    assert_eq!(digest(&same), digest(EXAMPLE));
    assert_ne!(
        digest(&EXAMPLE.replace("quorum_ppm = 40_000", "quorum_ppm = 40_001")),
        digest(EXAMPLE)
    );
}
