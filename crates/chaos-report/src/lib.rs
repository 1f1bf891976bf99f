//! Numbers, tables, charts and pages, the same on every machine.
//!
//! A report is believed if its figures agree with each other wherever they stand: on the terminal,
//! in a post, on a page, in a drawing. So there is one way to write a number ([`quantity`]), one
//! [`Table`] that is written once and shown in every form, and one [`Drawing`] that all charts
//! share.
//!
//! ```
//! use chaos_report::{Markdown, Table, quantity};
//!
//! assert_eq!(quantity::of(40_123_456_789, "wei"), "40.1 gwei");
//! let mut table = Table::new(&["metric", "#value"]);
//! table.row(vec!["base fee".into(), quantity::of(7_000_000_000, "wei").into()]);
//! let mut text = Markdown::new();
//! text.table(&table);
//! assert_eq!(text.finish(), "| metric | value |\n|---|--:|\n| base fee | 7 gwei |\n");
//! ```
//!
//! Invariants: numbers are integers with a unit and never floats; the same content gives the same
//! bytes; text from outside is [inert] in every form; a page and a drawing load nothing and run
//! nothing.
//!
//! It refuses to know what is reported: which metrics there are, what is a good value, and where a
//! figure comes from are words of the caller. With the feature `parquet` it also writes results as
//! columns for notebooks.

pub mod inert;
pub mod markdown;
pub mod quantity;

pub mod axis;
pub mod legend;
pub mod scale;
pub mod svg;
pub mod table;
pub mod text;

mod page;

#[cfg(feature = "parquet")]
pub mod columnar;

pub use markdown::{Code, Inline, Markdown};
pub use page::page;
pub use quantity::{Comparison, Unit};
pub use svg::{Drawing, Figure};
pub use table::{Standing, Table};
