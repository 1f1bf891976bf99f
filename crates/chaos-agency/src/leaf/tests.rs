use super::*;

#[test]
fn layouts_keep_their_bytes() {
    let leaf = Leaf::new(Digest::of(b"receipt"), 1_767_225_600_000);
    let receipt = Digest::of(b"receipt");
    let expect =
        format!(r#"{{"integrated_at_ms":"1767225600000","receipt":"{receipt}","version":1}}"#);
    assert_eq!(String::from_utf8(leaf.to_bytes()).unwrap(), expect);
    assert_eq!(Leaf::from_bytes(&leaf.to_bytes()).unwrap(), leaf);
    let leaf = leaf.stating(map::EMPTY);
    let expect = format!(
        r#"{{"integrated_at_ms":"1767225600000","receipt":"{receipt}","state":"{}","version":2}}"#,
        map::EMPTY
    );
    assert_eq!(String::from_utf8(leaf.to_bytes()).unwrap(), expect);
    assert_eq!(Leaf::from_bytes(&leaf.to_bytes()).unwrap(), leaf);
}

#[test]
fn a_root_belongs_to_layout_2_alone() {
    let leaf = Leaf::new(Digest::of(b"receipt"), 7);
    let state = Some(map::EMPTY);
    for (changed, expect) in [
        (Leaf { version: 2, ..leaf }, "log entry of version 2 lacks a root of the state"),
        (Leaf { state, ..leaf }, "log entry of version 1 states a root of the state"),
        (
            Leaf { version: 3, ..leaf },
            "log entry has version 3, this program knows versions 1 and 2",
        ),
        (
            Leaf { version: 0, state, ..leaf },
            "log entry has version 0, this program knows versions 1 and 2",
        ),
    ] {
        assert_eq!(Leaf::from_bytes(&changed.to_bytes()).unwrap_err().to_string(), expect);
    }
    let text = String::from_utf8(leaf.stating(map::EMPTY).to_bytes()).unwrap();
    for other in [
        text.replace(&map::EMPTY.to_string(), &map::EMPTY.to_string().to_uppercase()),
        text.replace(&format!("\"{}\"", map::EMPTY), "null"),
        text.replace("\"state\"", "\"root\""),
    ] {
        assert!(Leaf::from_bytes(other.as_bytes()).is_err(), "{other}");
    }
}
