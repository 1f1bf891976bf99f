//! A Markdown document in progress, escaped by type.

use std::fmt;

use crate::{inert, table::Table};

/// Markdown, and nothing else: only [`inline!`](crate::inline) and this module make it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inline(String);

/// What can stand in a line of Markdown, and how: text is inert, whatever it holds.
///
/// ```
/// use chaos_report::markdown::ToInline;
///
/// assert_eq!("a_b".to_inline().to_string(), "a\\_b");
/// ```
pub trait ToInline {
    /// The Markdown that shows it.
    fn to_inline(&self) -> Inline;
}

/// Text in a code span, such as an address to copy.
#[derive(Debug, Clone, Copy)]
pub struct Code<T>(pub T);

/// Text as a double-quoted YAML scalar, as the head of an EIP wants it.
#[derive(Debug, Clone, Copy)]
pub struct Scalar<'a>(pub &'a str);

/// A Markdown document in progress.
///
/// ```
/// use chaos_report::{Markdown, add_line};
///
/// let mut out = Markdown::new();
/// add_line!(out, "# {}", "a * b");
/// assert_eq!(out.finish(), "# a \\* b\n");
/// ```
#[derive(Debug, Clone, Default)]
pub struct Markdown(String);

/// Markdown from a literal with values in it; each value is escaped by its type.
///
/// Names in braces are refused, so that no value passes by unescaped.
#[macro_export]
macro_rules! inline {
    ($format:literal $(, $value:expr)* $(,)?) => {
        $crate::markdown::Inline::of(format_args!(
            concat!($format)
            $(, $crate::markdown::ToInline::to_inline(&$value))*
        ))
    };
}

/// Adds to a [`Markdown`] document what [`inline!`] makes of the rest.
#[macro_export]
macro_rules! add {
    ($out:expr, $($rest:tt)+) => { $out.add(&$crate::inline!($($rest)+)) };
}

/// Adds a line.
#[macro_export]
macro_rules! add_line {
    ($out:expr) => { $out.raw("\n") };
    ($out:expr, $($rest:tt)+) => {{
        $out.add(&$crate::inline!($($rest)+));
        $out.raw("\n");
    }};
}

impl Inline {
    /// What [`inline!`](crate::inline) calls with values that are Markdown already.
    #[doc(hidden)]
    #[must_use]
    pub fn of(arguments: fmt::Arguments<'_>) -> Self {
        Self(arguments.to_string())
    }

    /// Pieces with something between them.
    #[must_use]
    pub fn joined(pieces: &[Self], between: &'static str) -> Self {
        let pieces: Vec<&str> = pieces.iter().map(|piece| piece.0.as_str()).collect();
        Self(pieces.join(between))
    }
}

impl fmt::Display for Inline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ToInline for str {
    fn to_inline(&self) -> Inline {
        Inline(inert::markdown(self))
    }
}

impl ToInline for String {
    fn to_inline(&self) -> Inline {
        self.as_str().to_inline()
    }
}

impl ToInline for Inline {
    fn to_inline(&self) -> Inline {
        self.clone()
    }
}

impl<T: fmt::Display> ToInline for Code<T> {
    fn to_inline(&self) -> Inline {
        Inline(inert::code(&self.0.to_string()))
    }
}

impl ToInline for Scalar<'_> {
    fn to_inline(&self) -> Inline {
        let text = inert::line(self.0);
        Inline(format!("\"{}\"", text.trim().replace('\\', "\\\\").replace('"', "\\\"")))
    }
}

impl<T: ToInline + ?Sized> ToInline for &T {
    fn to_inline(&self) -> Inline {
        (**self).to_inline()
    }
}

macro_rules! digits {
    ($($number:ty),+) => {
        $(impl ToInline for $number {
            fn to_inline(&self) -> Inline {
                Inline(self.to_string())
            }
        })+
    };
}

digits!(u8, u32, u64, usize, i128);

impl Markdown {
    /// An empty document.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a piece.
    pub fn add(&mut self, piece: &Inline) {
        self.0.push_str(&piece.0);
    }

    /// Adds markup that was written here and holds nothing from outside.
    pub fn raw(&mut self, markup: &'static str) {
        self.0.push_str(markup);
    }

    /// Adds a line of a code block, which text cannot leave.
    pub fn indented(&mut self, text: &str) {
        self.0.push_str("    ");
        self.0.push_str(&inert::line(text));
        self.0.push('\n');
    }

    /// Adds a table.
    pub fn table(&mut self, table: &Table) {
        table.markdown(&mut self.0);
    }

    /// The document.
    #[must_use]
    pub fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests;
