//! Control characters in data: shown, never obeyed.
//!
//! Names, reasons and program names come from files that strangers make. A newline and a colour in
//! one of them could draw a line of output that this program never printed.

use std::{
    cell::Cell,
    fmt::{self, Display, Formatter, Write},
};

/// Text in a colour. Its own codes reach the terminal; codes that come with data do not.
#[derive(Debug, Clone)]
pub(crate) struct Painted {
    code: Option<&'static str>,
    text: String,
}

thread_local! {
    /// Whether [`Painted`] is writing a code of its own, which [`Escaping`] then lets through.
    static OWN_CODE: Cell<bool> = const { Cell::new(false) };
}

impl Painted {
    /// `text` between an SGR code and its end, or as it is.
    pub(super) fn new(code: Option<&'static str>, text: &str) -> Self {
        Self { code, text: text.to_owned() }
    }
}

impl Display for Painted {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(code) = self.code else { return f.write_str(&self.text) };
        write_own(f, code)?;
        f.write_str(&self.text)?;
        write_own(f, "0")
    }
}

fn write_own(f: &mut Formatter<'_>, code: &str) -> fmt::Result {
    OWN_CODE.set(true);
    let written = write!(f, "\x1b[{code}m");
    OWN_CODE.set(false);
    written
}

/// Passes text on with every control character but newline and tab escaped.
struct Escaping(String);

impl Write for Escaping {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if OWN_CODE.get() {
            self.0.push_str(text);
        } else {
            text.chars().for_each(|c| push(&mut self.0, c, matches!(c, '\n' | '\t')));
        }
        Ok(())
    }
}

/// Adds a character, or its escape in the form that JSON uses, so that a JSON document stays the
/// same document.
fn push(text: &mut String, c: char, harmless: bool) {
    // The marks that reorder a line's text (Unicode TR9, and CVE-2021-42574) are not controls by
    // category, but they make a line read as what it is not.
    let reorders = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if harmless || !(c.is_control() || reorders) {
        text.push(c);
    } else {
        text.push_str(&format!("\\u{:04x}", u32::from(c)));
    }
}

/// Text as it may go to a terminal: newlines and tabs, our own colours, and no other control.
pub(super) fn lines(text: impl Display) -> String {
    let mut escaping = Escaping(String::new());
    let _infallible = write!(escaping, "{text}");
    escaping.0
}

/// Data that belongs on one line, with its newlines escaped as well.
pub(crate) fn one_line(data: &str) -> String {
    let mut text = String::with_capacity(data.len());
    data.chars().for_each(|c| push(&mut text, c, false));
    text
}

#[cfg(test)]
mod tests;
