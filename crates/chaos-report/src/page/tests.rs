use maud::html;

use super::*;

#[test]
fn page_stands_alone_and_its_texts_are_no_markup() {
    let hostile = "</title><script src=x>\u{202e}\u{0}\u{1b}[31m & \"'";
    let page = page(hostile, &html! { p title=(hostile) { (hostile) } });
    assert!(page.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
    assert!(page.contains("default-src 'none'; style-src 'unsafe-inline'"));
    for word in ["<script", "</title><", "\u{202e}", "\u{0}", "\u{1b}", "x>\u{fffd}"] {
        assert!(!page.contains(word), "{word:?}");
    }
    assert_eq!(page.matches("\"'</p>").count(), 0, "a quote is escaped in text, too");
}
