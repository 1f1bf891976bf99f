//! Section K: what the agents did.

use maud::{Markup, html};

use super::section;
use crate::study::data::Story;

pub(super) fn section_of(story: &Story) -> Markup {
    section(
        'K',
        &html! {
            ol.time {
                @for step in &story.steps {
                    li {
                        p.who {
                            b { (step.kind) } " " span { (step.agent) }
                            @if let Some(receipt) = step.receipt {
                                " " code title=(receipt.to_string()) { "receipt " (receipt.short()) }
                            }
                        }
                        p { (step.text) }
                    }
                    "\n"
                }
            }
            "\n"
        },
    )
}
