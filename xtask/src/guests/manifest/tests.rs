use std::path::PathBuf;

use super::{digest, locked, noted};

#[test]
fn digest_is_sha_256_in_hex() {
    // FIPS 180-2, appendix B.1.
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(digest(b"abc"), expected);
}

#[test]
fn paths_of_a_dependency_file_lose_their_detours() {
    let text =
        "/r/guests/../target/a.wasm: /r/crates/x/src/lib.rs /r/guests/../a\\ b.rs\n\n/r/x:\n";
    let expected = ["/r/crates/x/src/lib.rs", "/r/a b.rs"].map(PathBuf::from);
    assert_eq!(noted(text), expected);
}

#[test]
fn a_lock_with_two_versions_of_a_tool_is_refused() {
    let one = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n";
    assert_eq!(locked(one, "a").unwrap(), "1.0.0");
    let two = format!("{one}\n[[package]]\nname = \"a\"\nversion = \"2.0.0\"\n");
    assert!(locked(&two, "a").is_err());
    assert!(locked(one, "b").is_err());
}
