//! A parameter study: one report for a cross-examiner, one proposal for each place of decision.
//!
//! [`Study`] is plain data that the caller fills from the engine's results. [`html`] renders the
//! whole report, [`figures`] its charts, [`forum_markdown`], [`eip_markdown`] and
//! [`readiness_markdown`] the proposal. A part that was not measured is shown as not measured, with
//! the reason, in every rendering; blocks that were made up are said to be so before anything else.
//!
//! Values carry their unit as a name: `wei`, `wei_per_block`, `wei_per_day`, `gas`,
//! `gas_per_block`, `gas_per_second`, `ppm`, `milli_blocks`, `milli_count`, `count`, `blocks`,
//! `bytes`, `bytes_per_block`, `bytes_per_month`, `nanoseconds`, `microseconds`, `milliseconds`,
//! `seconds`. Each is shown in the unit people use; any other name is printed behind the number.

mod compose;
pub mod data;
mod eip;
mod figures;
#[cfg(test)]
#[path = "../tests/world/study.rs"]
mod fixture;
mod forum;
mod html;
mod readiness;
mod sections;
mod summary;
mod words;

pub(crate) use compose::flow_definitions;
pub use compose::{Facts, TimedBlock, compose};
pub use data::{Heading, Part, Study};
pub use eip::markdown as eip_markdown;
pub use figures::figures;
pub use forum::markdown as forum_markdown;
pub use html::render as html;
pub use readiness::markdown as readiness_markdown;
pub use summary::{Rows, Summary, summary};
