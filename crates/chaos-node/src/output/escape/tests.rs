use super::{Painted, lines, one_line};

#[test]
fn our_colours_pass_and_colours_in_data_are_shown() {
    let ours = Painted::new(Some("32"), "ok");
    assert_eq!(lines(format_args!("{ours} {}", "\x1b[32mok")), "\x1b[32mok\x1b[0m \\u001b[32mok");
    let data_in_ours = Painted::new(Some("1"), "a\x1b[8mb");
    assert_eq!(lines(&data_in_ours), "\x1b[1ma\\u001b[8mb\x1b[0m");
    // Painted text that went through a string is data again.
    assert_eq!(lines(ours.to_string()), "\\u001b[32mok\\u001b[0m");
    assert_eq!(lines(Painted::new(None, "plain")), "plain");
}

#[test]
fn lines_keep_newlines_and_one_line_shows_them() {
    assert_eq!(lines("a\n\tb\r\u{9b}2J\u{7f}"), "a\n\tb\\u000d\\u009b2J\\u007f");
    assert_eq!(one_line("p 1\n  \x1b[32mok\u{202e}"), "p 1\\u000a  \\u001b[32mok\\u202e");
    assert_eq!(one_line("Grüße, 世界"), "Grüße, 世界");
}

#[test]
fn escaped_json_is_the_same_document() {
    let value = serde_json::json!({"name": "a\u{9b}31m\u{7f}\u{202e}\x1b\n"});
    let text = lines(serde_json::to_string(&value).unwrap());
    assert!(!text.chars().any(|c| c.is_control() || c == '\u{202e}'));
    assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
}
