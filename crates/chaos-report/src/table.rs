//! Tables that are written once and shown in HTML and in Markdown.

use crate::inert::{markdown, xml};

/// Writes to a `String`, which cannot fail.
macro_rules! put {
    ($out:expr, $($arg:tt)*) => {{
        let _ = std::fmt::Write::write_fmt($out, format_args!($($arg)*));
    }};
}

/// How a value stands to a requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The requirement holds.
    Met,
    /// It does not.
    Missed,
    /// The mean is on the wanted side and the tail is not: nobody can tell.
    Undecided,
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

    /// As HTML; the first column names the row, and on a narrow screen each row becomes a block.
    pub fn html(&self, out: &mut String) {
        out.push_str("<div class=\"scroll\"><table class=\"stack\">\n<thead><tr>");
        for (name, align) in &self.columns {
            let class = class(*align);
            put!(out, "<th scope=\"col\"{class}>{}</th>", xml(name));
        }
        out.push_str("</tr></thead>\n<tbody>\n");
        for row in &self.rows {
            out.push_str("<tr>");
            for (index, (entry, (name, align))) in row.iter().zip(&self.columns).enumerate() {
                let text = entry.html();
                if index == 0 {
                    put!(out, "<th scope=\"row\">{text}</th>");
                } else {
                    let class = class(*align);
                    put!(out, "<td{class} data-l=\"{}\">{text}</td>", xml(name));
                }
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody>\n</table></div>\n");
    }

    /// As a Markdown table.
    pub fn markdown(&self, out: &mut String) {
        let names: Vec<String> = self.columns.iter().map(|(name, _)| markdown(name)).collect();
        put!(out, "| {} |\n|", names.join(" | "));
        for (_, align) in &self.columns {
            out.push_str(match align {
                Align::Left => "---|",
                Align::Right => "--:|",
            });
        }
        out.push('\n');
        for row in &self.rows {
            let entries: Vec<String> = row.iter().map(Entry::markdown).collect();
            put!(out, "| {} |\n", entries.join(" | "));
        }
    }
}

const fn class(align: Align) -> &'static str {
    match align {
        Align::Left => "",
        Align::Right => " class=\"n\"",
    }
}

impl Entry {
    fn html(&self) -> String {
        match self {
            Self::Text(text) => xml(text),
            Self::Code(text) => format!("<code>{}</code>", xml(text)),
            Self::Pair(text, beside) if beside.is_empty() => xml(text),
            Self::Pair(text, beside) => {
                format!("<span>{} <small>{}</small></span>", xml(text), xml(beside))
            }
            // A hyphen that does not break keeps a tag on one line.
            Self::Tag(tag) => {
                format!("<span class=\"tag\">{}</span>", tag.replace('-', "\u{2011}"))
            }
            Self::Verdict(standing, text) => {
                let class = match standing {
                    Standing::Met => "ok",
                    Standing::Missed => "no",
                    Standing::Undecided => "may",
                };
                let (verdict, requirement) = text.split_once(": ").unwrap_or((text, ""));
                let verdict = format!("<span class=\"{class}\">{}", xml(verdict));
                match requirement {
                    "" => format!("{verdict}</span>"),
                    requirement => format!("{verdict} <small>{}</small></span>", xml(requirement)),
                }
            }
        }
    }

    fn markdown(&self) -> String {
        match self {
            Self::Text(text) | Self::Verdict(_, text) => markdown(text),
            Self::Code(text) => crate::inert::code(text),
            Self::Pair(text, beside) if beside.is_empty() => markdown(text),
            Self::Pair(text, beside) => format!("{} ({})", markdown(text), markdown(beside)),
            Self::Tag(tag) => (*tag).to_owned(),
        }
    }
}
