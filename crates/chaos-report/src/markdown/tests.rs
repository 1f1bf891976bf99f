use super::*;

#[test]
fn text_is_inert_by_its_type() {
    let hostile = "a * [b](c) | `d`\n# e";
    let owned = hostile.to_owned();
    let mut out = Markdown::new();
    add_line!(out, "- {}: **{}**", hostile, owned);
    add!(out, "{} of {}", 3_usize, Code(hostile));
    assert_eq!(
        out.finish(),
        "- a \\* \\[b\\](c) \\| \\`d\\` \\# e: **a \\* \\[b\\](c) \\| \\`d\\` \\# e**\n\
         3 of `a * [b](c) \u{a6} 'd' # e`"
    );
}

#[test]
fn what_is_markdown_already_is_not_escaped_twice() {
    let pieces = [inline!("**{}**", "a_b"), inline!("{}", Code(7))];
    let joined = Inline::joined(&pieces, " · ");
    assert_eq!(inline!("- {}", joined).to_string(), "- **a\\_b** · `7`");
}

#[test]
fn text_leaves_neither_a_code_block_nor_a_scalar() {
    let mut out = Markdown::new();
    out.indented("one\ntwo");
    add_line!(out, "title: {}", Scalar("say \"\\n\"\nend: x"));
    assert_eq!(out.finish(), "    one two\ntitle: \"say \\\"\\\\n\\\" end: x\"\n");
}
