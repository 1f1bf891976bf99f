use super::*;

#[track_caller]
fn check(line: &str, expect: Option<(&str, &str)>) {
    assert_eq!(item(line), expect, "{line}");
}

#[test]
fn public_items_are_told_from_fields_and_from_what_the_crate_keeps() {
    check("pub struct Tree {", Some(("struct", "Tree")));
    check("    pub const fn root(&self) -> Root {", Some(("fn", "root")));
    check("    pub async fn ask<T>(&self) {", Some(("fn", "ask")));
    check("pub const LIMIT_MAX: usize = 3;", Some(("const", "LIMIT_MAX")));
    check("pub mod wire;", Some(("mod", "wire")));
    check("    pub name: String,", None);
    check("pub(crate) fn kept() {", None);
    check("pub use tree::Tree;", None);
    check("fn own() {", None);
}

#[test]
fn a_type_in_a_signature_a_field_or_a_variant_is_held() {
    let text = "\
/// Not Said.
pub struct Tree {
    pub leaf: Leaf,
    hidden: Hidden,
}
pub enum Error {
    Broken(Cause),
}
impl Tree {
    pub fn read(
        from: Source,
    ) -> Outcome {
        Inner::new()
    }
}
";
    let held: Words<'_> = held(text).collect();
    for name in ["Leaf", "Cause", "Source", "Outcome"] {
        assert!(held.contains(name), "{name}");
    }
    for name in ["Said", "Hidden", "Inner", "Tree", "read"] {
        assert!(!held.contains(name), "{name}");
    }
}

#[test]
fn examples_are_the_lines_between_fences() {
    let text =
        "//! prose\n//! ```\n//! let tree = Tree::new();\n//! ```\n//! more prose\nuse Tree;\n";
    assert_eq!(examples(text).collect::<Vec<_>>(), [" let tree = Tree::new();"]);
}
