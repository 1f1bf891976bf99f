use super::*;

#[test]
fn hostile_text_is_inert_in_every_format() {
    let hostile = "</script><img src=x onerror=\"alert('1')\">&\u{202e}\u{0}\u{1b}[31m";
    let escaped = xml(hostile);
    assert!(!escaped.contains(['<', '>', '"', '\'', '\u{202e}', '\u{0}', '\u{1b}']), "{escaped}");

    let hostile = "a | b\n# head <b> [x](javascript:alert(1)) @everyone `c` **d** https://e.f";
    let escaped = markdown(hostile);
    assert!(!escaped.contains('\n') && !escaped.contains('<') && !escaped.contains('@'));
    assert!(!escaped.contains("://"), "{escaped}");
    let bare = escaped.replace("\\|", "").replace("\\[", "").replace("\\`", "");
    assert!(!bare.contains(['|', '[', '`']), "{escaped}");

    assert_eq!(code("a`b\nc|d"), "`a'b c\u{a6}d`");
}
