use chaos_report::text;

use super::{folded, hung, stacked, visible};

const DIGEST: &str = "sha256:48c6f2929fc3394873768f5b1965f8c9a5996c3efb913d68a1d9427e174f8568";

/// Folds to 80 columns; every line fits, and the words are the same.
#[track_caller]
fn check(line: &str, expect: &str) {
    let text = folded(line, Some(80));
    assert_eq!(text, expect);
    assert!(text.lines().all(|line| visible(line) <= 80), "{text}");
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&text), words(line));
}

#[test]
fn what_follows_stands_under_the_text_and_a_digest_in_a_line_of_its_own() {
    check("short", "short");
    check(
        "  ok    agent        researcher (researcher), key valid; entry 5 counts by 3 rows under the root that \
         the last entry states",
        "  ok    agent        researcher (researcher), key valid; entry 5 counts by 3\n                     \
         rows under the root that the last entry states",
    );
    check(
        &format!("            simulate {DIGEST}, evidence attested"),
        &format!("            simulate\n        {DIGEST},\n            evidence attested"),
    );
    check(
        &format!(
            "a sentence without a label, whose further lines are set in a little, and a {DIGEST}"
        ),
        &format!(
            "a sentence without a label, whose further lines are set in a little, and a\n  {DIGEST}"
        ),
    );
}

#[test]
fn colours_take_no_columns() {
    let line = format!("  \x1b[32maccepted\x1b[0m  {}", "word ".repeat(20).trim_end());
    let text = folded(&line, Some(80));
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (visible(lines[0]), lines[1]),
        (76, &*format!("            {}", "word ".repeat(7).trim_end()))
    );
}

#[test]
fn what_is_no_terminal_gets_lines_as_they_are() {
    let line = "word ".repeat(40);
    assert_eq!(folded(&line, None), line);
    assert_eq!(hung("error:", "two\nlines", None), "error: two\nlines");
    assert_eq!(
        hung("error:", &"word ".repeat(16), Some(80)).trim_end(),
        format!("error: {}\n       word word", "word ".repeat(14).trim_end())
    );
}

#[test]
fn wide_table_has_its_last_column_in_lines_of_its_own() {
    let row = |cells: &[&str]| cells.iter().map(|&cell| cell.to_owned()).collect::<Vec<_>>();
    let rows =
        [row(&["0", "register", DIGEST]), row(&["1", "refused", &"why ".repeat(30)]), row(&["2"])];
    let lines = stacked(&["entry", "kind", "receipt"], &rows, 80, text::columns);
    assert_eq!(lines[0], "entry  kind\n       receipt");
    assert_eq!(lines[1], format!("0      register\n       {DIGEST}"));
    assert!(
        lines.iter().flat_map(|line| line.lines()).all(|line| visible(line) <= 80),
        "{lines:?}"
    );
    assert_eq!(lines[3], "2");
}
