//! Tables that are written once and shown in HTML and in Markdown.

use maud::{Markup, Render, html};

use crate::inert::{code, markdown};

/// How a value stands to a requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The requirement holds.
    Met,
    /// It does not.
    Missed,
    /// The mean is on the wanted side and the tail is not: nobody can tell.
    Undecided,
    /// Nothing was held against it, so nothing follows.
    NotJudged,
}

/// A table: a head and rows of as many entries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<Entry>>,
}

/// Where a column's entries stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
    /// What belongs to the entry before it, such as an interval to its difference: a page shows it
    /// below that entry, so that a table of many columns fits; Markdown gives it a column.
    Under,
}

/// One entry, not escaped yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Plain text.
    Text(String),
    /// A name to copy, such as an address.
    Code(String),
    /// A figure and what it is relative to, such as `−1.2 gwei` and `−11.0 %`.
    Pair(String, String),
    /// A word that tells one kind of figure from another, such as where it comes from.
    Tag(&'static str),
    /// A verdict in words.
    Verdict(Standing, String),
}

impl From<String> for Entry {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Entry {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Table {
    /// A table without rows; a column whose name starts with `#` holds numbers.
    #[must_use]
    pub fn new(columns: &[&str]) -> Self {
        let columns = columns
            .iter()
            .map(|name| match name.strip_prefix('#') {
                Some(name) => (name.to_owned(), Align::Right),
                None => ((*name).to_owned(), Align::Left),
            })
            .collect();
        Self { columns, rows: Vec::new() }
    }

    /// Adds a column whose name comes from outside.
    pub fn column(&mut self, name: String, align: Align) {
        self.columns.push((name, align));
    }

    /// Adds a row with an entry for each column.
    pub fn row(&mut self, entries: Vec<Entry>) {
        debug_assert_eq!(entries.len(), self.columns.len(), "one entry per column");
        self.rows.push(entries);
    }

    /// Whether there is no row.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// As a Markdown table.
    pub(crate) fn markdown(&self, out: &mut String) {
        let line = |entries: Vec<String>| format!("| {} |\n", entries.join(" | "));
        out.push_str(&line(self.columns.iter().map(|(name, _)| markdown(name)).collect()));
        out.push('|');
        for (_, align) in &self.columns {
            out.push_str(match align {
                Align::Left => "---|",
                Align::Right | Align::Under => "--:|",
            });
        }
        out.push('\n');
        for row in &self.rows {
            out.push_str(&line(row.iter().map(Entry::markdown).collect()));
        }
    }
}

/// In a page the first column names the row, and on a narrow screen each row becomes a block.
impl Render for Table {
    fn render(&self) -> Markup {
        html! {
            div.scroll {
                table.stack {
                    thead {
                        tr {
                            @for (index, (name, align)) in self.columns.iter().enumerate() {
                                @if *align != Align::Under {
                                    th scope="col" class=[class(*align)] {
                                        (name)
                                        @for (_, (under, _)) in self.under(index) {
                                            " " small { (under) }
                                        }
                                    }
                                }
                            }
                        }
                    }
                    tbody { @for row in &self.rows { "\n" tr { (self.cells(row)) } } }
                }
            }
            "\n"
        }
    }
}

impl Table {
    fn cells(&self, row: &[Entry]) -> Markup {
        html! {
            @for (index, (entry, (name, align))) in row.iter().zip(&self.columns).enumerate() {
                @if index == 0 {
                    th scope="row" { (entry) (self.entries_under(index, row)) }
                } @else if *align != Align::Under {
                    td class=[class(*align)] data-l=(name) {
                        (entry) (self.entries_under(index, row))
                    }
                }
            }
        }
    }

    fn entries_under(&self, index: usize, row: &[Entry]) -> Markup {
        html! {
            @for (at, (name, _)) in self.under(index) {
                @if let Some(entry) = row.get(at) {
                    " " div.under data-l=(name) { (entry) }
                }
            }
        }
    }

    /// The columns whose entries stand below those of column `index`, with their places.
    fn under(&self, index: usize) -> impl Iterator<Item = (usize, &(String, Align))> {
        let behind = self.columns.iter().enumerate().skip(index + 1);
        behind.take_while(|(_, (_, align))| *align == Align::Under)
    }
}

const fn class(align: Align) -> Option<&'static str> {
    match align {
        Align::Left | Align::Under => None,
        Align::Right => Some("n"),
    }
}

impl Standing {
    /// The class that colours it.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Met => "ok",
            Self::Missed => "no",
            Self::Undecided | Self::NotJudged => "may",
        }
    }
}

impl Render for Entry {
    fn render(&self) -> Markup {
        match self {
            Self::Text(text) => html! { (text) },
            Self::Code(text) => html! { code { (text) } },
            Self::Pair(text, beside) if beside.is_empty() => html! { (text) },
            Self::Pair(text, beside) => html! { span { (text) " " small { (beside) } } },
            // A hyphen that does not break keeps a tag on one line.
            Self::Tag(tag) => html! { span.tag { (tag.replace('-', "\u{2011}")) } },
            Self::Verdict(standing, text) => {
                let (verdict, requirement) = text.split_once(": ").unwrap_or((text, ""));
                html! {
                    span class=(standing.class()) {
                        (verdict)
                        @if !requirement.is_empty() { " " small { (requirement) } }
                    }
                }
            }
        }
    }
}

impl Entry {
    fn markdown(&self) -> String {
        match self {
            Self::Text(text) | Self::Verdict(_, text) => markdown(text),
            Self::Code(text) => code(text),
            Self::Pair(text, beside) if beside.is_empty() => markdown(text),
            Self::Pair(text, beside) => format!("{} ({})", markdown(text), markdown(beside)),
            Self::Tag(tag) => (*tag).to_owned(),
        }
    }
}
