use std::fs;

use tempfile::TempDir;

use crate::program::run;

#[test]
fn control_characters_of_a_bundle_are_shown_and_draw_nothing() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("x\x1b[31m\n  ok    evidence.json");
    // RFC 8785 escapes the newline and ESC, but leaves the one-byte CSI of ECMA-48 as it is.
    let bundle = "{\"\\n  \\u001b[32maccepted\\u001b[0m  submit\u{9b}8m\":1}";
    fs::write(&path, bundle).unwrap();
    let out = run(["verify", path.to_str().unwrap()]).expect_code(1).stdout;
    assert!(out.contains(r"\u000a  \u001b[32maccepted\u001b[0m  submit\u009b8m"), "{out}");
    assert!(!out.chars().any(|c| c.is_control() && c != '\n'), "{out:?}");
    assert!(!out.lines().any(|line| line.trim_start().starts_with("accepted")), "{out}");
    assert!(!out.lines().any(|line| line.trim_start().starts_with("ok ")), "{out}");

    let json = run(["verify", path.to_str().unwrap(), "--json"]).expect_code(1);
    assert!(!json.stdout.chars().any(|c| c.is_control() && c != '\n'), "{:?}", json.stdout);
    assert_eq!(json.json()[0]["file"], path.to_str().unwrap());

    let gone = dir.path().join("gone\x1b[31m\n  accepted");
    let error = run(["verify", gone.to_str().unwrap()]).expect_error(3, &["gone\\u001b"]).stderr;
    assert!(!error.lines().any(|line| line.starts_with("  accepted")), "{error}");
}

#[test]
fn devices_pipes_and_folders_are_no_bundles() {
    let dir = TempDir::new().unwrap();
    for path in ["/dev/zero", "/dev/stdin", dir.path().to_str().unwrap()] {
        run(["verify", path]).expect_error(3, &[path, "not a regular file"]);
    }
}
