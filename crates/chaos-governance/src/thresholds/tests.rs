use super::*;
use crate::DEFAULT_STUDIO;

#[test]
fn default_studio_sets_exactly_the_known_thresholds() {
    let studio = Studio::parse(DEFAULT_STUDIO).unwrap();
    let thresholds = Thresholds::of_studio(&studio).unwrap();
    assert_eq!(thresholds.congestion_full_share_ppm, 150_000);
    assert_eq!(thresholds.burst_use_of_target_ppm, 700_000);
}

#[test]
fn missing_and_unknown_thresholds_are_named() {
    let check = |from: &str, to: &str| {
        let studio = Studio::parse(&DEFAULT_STUDIO.replace(from, to)).unwrap();
        Thresholds::of_studio(&studio).unwrap_err().to_string()
    };
    assert_eq!(
        check("burst_full_share_ppm = 20_000\n", ""),
        "`thresholds.burst_full_share_ppm` is missing"
    );
    assert_eq!(
        check("burst_full_share_ppm =", "extra = 1\nburst_full_share_ppm ="),
        "`thresholds.extra` is not known to the governance studio"
    );
}
