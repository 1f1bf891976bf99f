//! Text from outside that is no markup, whatever it holds.

/// A finished document without control characters and those that reorder text on screen; each
/// becomes U+FFFD. Markup is escaped before, where a template takes the text.
#[must_use]
pub(crate) fn characters(document: &str) -> String {
    document.chars().map(harmless).collect()
}

/// Text for one line of Markdown, also inside a table cell: nothing in it is markup.
///
/// It must not start a line: a leading `-` or `1.` stays what it is.
#[must_use]
pub(crate) fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (index, character) in text.char_indices() {
        let rest = text.get(index..).unwrap_or_default();
        match character {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '$' => {
                escaped.push('\\');
                escaped.push(character);
            }
            // A mention or an automatic link would call people or places that the author never
            // meant; an entity looks the same and is neither.
            '@' => escaped.push_str("&#64;"),
            ':' if rest.starts_with("://") => escaped.push_str("&#58;"),
            '.' if text.get(..index).is_some_and(ends_with_www) => escaped.push_str("&#46;"),
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\n' | '\r' | '\t' => escaped.push(' '),
            other => escaped.push(harmless(other)),
        }
    }
    escaped.trim().to_owned()
}

fn ends_with_www(text: &str) -> bool {
    text.len() >= 3 && text.get(text.len() - 3..).is_some_and(|end| end.eq_ignore_ascii_case("www"))
}

/// Text for a Markdown code span; backticks and line breaks cannot leave it.
#[must_use]
pub(crate) fn code(text: &str) -> String {
    let inner: String = text
        .chars()
        .map(|character| match character {
            '`' => '\'',
            '|' => '\u{00a6}',
            '\n' | '\r' | '\t' => ' ',
            other => harmless(other),
        })
        .collect();
    format!("`{inner}`")
}

/// One line of text that is shown as it is, such as a line of a command.
#[must_use]
pub fn line(text: &str) -> String {
    let one: String = text
        .chars()
        .map(|character| match character {
            '\n' | '\r' | '\t' => ' ',
            other => harmless(other),
        })
        .collect();
    one.trim_end().to_owned()
}

/// Replaces control and bidirectional-override characters.
fn harmless(character: char) -> char {
    match character {
        '\n' | '\t' => character,
        '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fffe}'
        | '\u{ffff}' => char::REPLACEMENT_CHARACTER,
        other if other.is_control() => char::REPLACEMENT_CHARACTER,
        other => other,
    }
}

#[cfg(test)]
mod tests;
