use maud::html;

use super::*;
use crate::{
    svg::{Anchor, Drawing},
    table::{Entry, Standing, Table},
};

#[test]
fn hostile_text_is_inert_in_every_format() {
    let hostile = "</script><img src=x onerror=\"alert('1')\">&\u{202e}\u{0}\u{1b}[31m";
    let mut table = Table::new(&[hostile]);
    table.column(hostile.to_owned(), crate::table::Align::Right);
    for entry in [
        Entry::Code(hostile.to_owned()),
        Entry::Pair(hostile.to_owned(), hostile.to_owned()),
        Entry::Verdict(Standing::Met, format!("{hostile}: {hostile}")),
    ] {
        table.row(vec![hostile.into(), entry]);
    }
    let mut drawing = Drawing::new("name", 10, hostile.to_owned(), hostile.to_owned());
    drawing.text("cc-t", (0, 0), Anchor::Start, hostile);
    let figure = drawing.finish(hostile.to_owned());
    for document in [characters(&html! { (table) }.into_string()), figure.svg().to_owned()] {
        for word in ["<img", "</script", "\"alert", "\u{202e}", "\u{0}", "\u{1b}"] {
            assert!(!document.contains(word), "{word:?}: {document}");
        }
    }

    let hostile = "a | b\n# head <b> [x](javascript:alert(1)) @everyone `c` **d** https://e.f";
    let escaped = markdown(hostile);
    assert!(!escaped.contains('\n') && !escaped.contains('<') && !escaped.contains('@'));
    assert!(!escaped.contains("://"), "{escaped}");
    let bare = escaped.replace("\\|", "").replace("\\[", "").replace("\\`", "");
    assert!(!bare.contains(['|', '[', '`']), "{escaped}");

    assert_eq!(code("a`b\nc|d"), "`a'b c\u{a6}d`");
}
