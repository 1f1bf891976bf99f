//! A Markdown document in progress.

use std::fmt;

use crate::table::Table;

/// Markdown that is written with `write!` and `writeln!`, which cannot fail here.
///
/// Text from outside goes through [`inert`](crate::inert) first.
///
/// ```
/// use chaos_report::{Markdown, inert};
///
/// let mut out = Markdown::new();
/// writeln!(out, "# {}", inert::markdown("a * b"));
/// assert_eq!(out.finish(), "# a \\* b\n");
/// ```
#[derive(Debug, Clone, Default)]
pub struct Markdown(String);

impl Markdown {
    /// An empty document.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What `write!` and `writeln!` call.
    pub fn write_fmt(&mut self, arguments: fmt::Arguments<'_>) {
        fmt::Write::write_fmt(&mut self.0, arguments).expect("a string takes any text");
    }

    /// Adds markup as it stands.
    pub fn raw(&mut self, markup: &str) {
        self.0.push_str(markup);
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
