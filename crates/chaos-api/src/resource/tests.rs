use super::*;

#[track_caller]
fn check(text: &str, holds: bool) {
    match text.parse::<Resource>() {
        Ok(resource) => {
            assert!(holds, "`{text}` was read as {resource:?}");
            assert_eq!(resource.to_string(), text);
        }
        Err(error) => assert!(!holds, "{error}"),
    }
}

#[test]
fn every_path_has_one_spelling() {
    let hex = "0".repeat(64);
    for path in [
        "checkpoint",
        "tile/0/000",
        "tile/1/x001/x234/067",
        "tile/entries/000.p/12",
        "records/000",
        "records/x003/906.p/255",
    ] {
        check(path, true);
    }
    check(&format!("receipt/{hex}"), true);
    check(&format!("blob/{hex}"), true);
    for path in [
        "",
        "checkpoint/",
        "/checkpoint",
        "tile/64/000",
        "tile/0/0",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "records/entries/000",
        "records/000.p/0",
        "records/../checkpoint",
        "receipt/sha256:00",
        "blob/../../chaoschain.sqlite",
        "keys/operator.pem",
    ] {
        check(path, false);
    }
    check(&format!("receipt/{}", "A".repeat(64)), false);
    check(&format!("blob/{hex}0"), false);
    check(&"records/x001/".repeat(40), false);
}

#[test]
fn whole_of_a_part_is_the_full_tile() {
    let whole = |text: &str| text.parse::<Resource>().unwrap().whole().map(|w| w.to_string());
    assert_eq!(whole("tile/0/001.p/3"), Some("tile/0/001".to_owned()));
    assert_eq!(whole("records/001.p/3"), Some("records/001".to_owned()));
    assert_eq!(whole("tile/entries/001"), None);
    assert_eq!(whole("checkpoint"), None);
}
