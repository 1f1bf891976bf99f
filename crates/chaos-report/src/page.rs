//! A page that stands alone.
//!
//! Styles and figures are inside, there is no script, and the content security policy forbids
//! loading anything. Templates escape every text by its type.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::inert;

const STYLE: &str = include_str!("page/style.css");

/// The whole document with `body` as its content; the same content gives the same bytes.
#[must_use]
pub fn page(title: &str, body: &Markup) -> String {
    let document = html! {
        (DOCTYPE) "\n"
        html lang="en" {
            head {
                "\n" meta charset="utf-8";
                "\n" meta name="viewport" content="width=device-width, initial-scale=1";
                "\n" meta name="color-scheme" content="light dark";
                "\n" meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; style-src 'unsafe-inline'";
                "\n" title { (title) }
                "\n" style { (PreEscaped(STYLE)) }
            }
            "\n" body { "\n" main { "\n" (body) } "\n" }
        }
        "\n"
    };
    inert::characters(&document.into_string())
}

#[cfg(test)]
mod tests;
