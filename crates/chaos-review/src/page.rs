//! A review as a page that stands alone.

use chaos_report::table::{Entry, Table};
use chaos_types::Digest;
use maud::{Markup, html};

use crate::{
    book::Decoded,
    claims::Claim,
    governors::CallsGround,
    review::{AccountReview, CallReview, EventReview, Review, StateGround},
    words::{Line, NO_TEXT, PARAMETERS, Tone, calls_ground, ground, name_of, succeeded, word},
};

/// Rows that a page has of one list; the review as data has all of them.
pub(crate) const ROWS_MAX: usize = 1_000;

/// The page, with what others say of the parameters as [`lines`](crate::words::lines) has it; the same of both gives
/// the same bytes.
#[must_use]
pub fn page(review: &Review, text: &str, digest: Digest, parameters: &[Line]) -> String {
    let title = match &review.governor {
        None => "What a file of calls does".to_owned(),
        Some(governor) => {
            let short: String = governor.id.chars().take(12).collect();
            let more = if short.len() < governor.id.len() { "…" } else { "" };
            format!("What proposal {short}{more} does")
        }
    };
    let body = html! {
        header {
            p.over { "Governance proposal on " code { (review.chain) } } "\n"
            h1 { (title) }
        }
        "\n"
        (verdict(review, digest))
        (notices(review))
        (said_of(parameters))
        (text_against_calls(review, text))
        (calls(review))
        (moved(review))
        (events(review))
        (delegations(review))
        (changes(review))
        (limits(review))
    };
    chaos_report::page(&title, &body)
}

fn verdict(review: &Review, digest: Digest) -> Markup {
    let result = &review.result;
    let class = if result.succeeded { "verdict ok" } else { "verdict no" };
    html! {
        section class=(class) aria-label="Result" {
            @match result.failed_call {
                None => p.mark { "\u{2713} " (succeeded(review.calls.len())) },
                Some(call) => {
                    p.mark { "\u{2715} call " (call) " fails, so nothing happens" }
                    p { (result.reason.as_deref().unwrap_or_default()) }
                    @if let Some(error) = &result.error { (decoded(error)) }
                }
            }
            "\n"
            dl.ids {
                @if let Some(governor) = &review.governor {
                    dt { "governor" } dd { code { (governor.address) } }
                    dt { "number" } dd { code { (governor.id) } }
                    @let state = governor.state.unwrap_or("in a state that it does not tell");
                    dt { "stands" }
                    @if governor.is_over() {
                        dd.no { (state) "; what follows is what its calls would do once more" }
                    } @else {
                        dd { (state) }
                    }
                    dt { "calls" }
                    @if governor.calls == CallsGround::Word {
                        dd.no { (calls_ground(governor.calls)) }
                    } @else {
                        dd { (calls_ground(governor.calls)) }
                    }
                    @if !governor.sender_is_executor {
                        dt { "executor" } dd.no { "the sender is not the one who makes its calls" }
                    }
                }
                dt { "sender" } dd { code { (review.sender) } }
                @if review.sent_along != "0" { dt { "sent along" } dd { (review.sent_along) " wei" } }
                @if let Some(wei) = &review.brought {
                    dt { "brought" } dd { (wei) " wei, by whoever executes" }
                }
                dt { "after block" } dd { (review.block.number) ", rules of " (review.fork) }
                @if let Some(hash) = review.block.hash { dt { "its hash" } dd { code { (hash) } } }
                dt { "state" } dd { (state_words(review.state)) }
                dt { "gas" } dd { (result.gas) " of at most " (result.gas_limit) ", without the executor's own" }
                dt { "review" } dd { code { (digest.to_hex()) } }
            }
        }
        "\n"
    }
}

const fn state_words(state: StateGround) -> &'static str {
    match state {
        StateGround::Proven => {
            "every value that was read is proven against the block's state root; compare the block's hash \
             with the chain"
        }
    }
}

/// A section, if there is something in it.
fn section(title: &str, is_empty: bool, body: Markup) -> Markup {
    html! { @if !is_empty { section { h2 { (title) } "\n" (body) } "\n" } }
}

fn more(all: usize) -> Markup {
    html! {
        @if all > ROWS_MAX { p.note { "… and " (all - ROWS_MAX) " more, in review.json" } }
    }
}

fn code(text: impl ToString) -> Entry {
    Entry::Code(text.to_string())
}

fn notices(review: &Review) -> Markup {
    let mut table = Table::new(&["address", "what"]);
    for notice in review.notices.iter().take(ROWS_MAX) {
        let more = match notice.more {
            0 => String::new(),
            more => format!(", and {more} more such events"),
        };
        table.row(vec![code(notice.address), format!("{}{more}", notice.text).into()]);
    }
    let body = html! { (table) (more(review.notices.len())) };
    section("Look at first", table.is_empty(), body)
}

fn said_of(parameters: &[Line]) -> Markup {
    let body = html! {
        @for Line { text, tone } in parameters {
            @match tone {
                Tone::Heading => h3 { (text) },
                Tone::Bad => p.no { (text) },
                Tone::Plain | Tone::Good => p { (text) },
            }
            "\n"
        }
    };
    section(PARAMETERS, parameters.is_empty(), body)
}

fn text_against_calls(review: &Review, text: &str) -> Markup {
    let comparison = &review.text;
    let mut table = Table::new(&["the text names", "the calls"]);
    let missing = |claim: &&Claim| claim.calls.is_empty();
    let (missing, found): (Vec<&Claim>, Vec<&Claim>) = comparison.claims.iter().partition(missing);
    for claim in missing.into_iter().chain(found) {
        let calls: Vec<String> = claim.calls.iter().take(8).map(usize::to_string).collect();
        let calls = match calls.is_empty() {
            true => "not found".to_owned(),
            false if claim.calls.len() > calls.len() => {
                format!("in call {} and others", calls.join(", "))
            }
            false => format!("in call {}", calls.join(", ")),
        };
        table.row(vec![code(&claim.text), calls.into()]);
    }
    let body = html! {
        @if text.is_empty() { p.no { (NO_TEXT) } } @else { details { summary { "The text" } pre { (text) } } }
        @if !table.is_empty() { (table) }
        @if comparison.left_out > 0 { p.note { (comparison.left_out) " more were not looked for." } }
        @if !comparison.is_whole { p.note { "Not all of the calls' input was looked through." } }
        @if !comparison.not_compared.is_empty() {
            p.note { "Not compared: " (comparison.not_compared.join(", ")) }
        }
        p.note {
            "Addresses and numbers are looked for, numbers as they are and times 10^6, 10^8 and 10^18. That "
            "one is found does not show that the text is right."
        }
    };
    let is_expected = review.governor.is_some();
    section("The text against the calls", text.is_empty() && !is_expected, body)
}

fn decoded(decoded: &Decoded) -> Markup {
    html! {
        p { code { (name_of(decoded)) } " " small { (ground(decoded.ground)) } }
        @if !decoded.arguments.is_empty() {
            dl.ids {
                @for argument in &decoded.arguments {
                    dt { (argument.name) } dd { code { (argument.value) } }
                }
            }
        }
    }
}

fn calls(review: &Review) -> Markup {
    let body = html! {
        @for (index, call) in review.calls.iter().take(ROWS_MAX).enumerate() { (call_of(index, call)) }
        (more(review.calls.len()))
    };
    section("Calls", review.calls.is_empty(), body)
}

fn call_of(index: usize, call: &CallReview) -> Markup {
    html! {
        h3 { (index + 1) ". " code { (call.target) } @if let Some(name) = call.contract { " " (name) } }
        @if !call.has_code { p.note { "There is no code at this address." } }
        @if call.value != "0" { p { "sends " (call.value) " wei" } }
        @match &call.decoded {
            Some(it) => (decoded(it)),
            None => p { code { (call.input) } " " small { "meaning not known" } },
        }
        @for inner in &call.inner { p.note { "and in its bytes" } (decoded(inner)) }
        "\n"
    }
}

fn moved(review: &Review) -> Markup {
    let mut wei = Table::new(&["account", "#wei before", "#afterwards"]);
    for it in review.wei.iter().take(ROWS_MAX) {
        wei.row(vec![code(it.account), it.before.as_str().into(), it.after.as_str().into()]);
    }
    let mut tokens = Table::new(&["token", "account", "#difference"]);
    for it in review.tokens.iter().take(ROWS_MAX) {
        let account = if it.account.is_zero() { "made or burnt".into() } else { code(it.account) };
        tokens.row(vec![code(it.token), account, it.difference.as_str().into()]);
    }
    html! {
        (section("Wei", wei.is_empty(), html! { (wei) (more(review.wei.len())) }))
        (section("Tokens", tokens.is_empty(), html! {
            p.note { "By the events of the tokens, in their smallest unit." }
            (tokens) (more(review.tokens.len()))
        }))
    }
}

fn events(review: &Review) -> Markup {
    let body = html! {
        @for event in review.events.iter().take(ROWS_MAX) { (event_of(event)) }
        (more(review.events.len()))
    };
    section("Events", review.events.is_empty(), body)
}

fn event_of(event: &EventReview) -> Markup {
    html! {
        h3 { "call " (event.call) ": " code { (event.address) } }
        @match &event.decoded {
            Some(it) => (decoded(it)),
            None => {
                @for topic in &event.topics { p { code { (topic) } } }
                p { code { (event.data) } " " small { "meaning not known" } }
            }
        }
        "\n"
    }
}

fn delegations(review: &Review) -> Markup {
    let mut table = Table::new(&["account", "ran the code of"]);
    for it in review.delegations.iter().take(ROWS_MAX) {
        table.row(vec![code(it.account), code(it.code)]);
    }
    let body = html! { (table) (more(review.delegations.len())) };
    section("Code that ran as another's", table.is_empty(), body)
}

fn changes(review: &Review) -> Markup {
    let body = html! {
        @for account in review.changes.iter().take(ROWS_MAX) { (account_of(account)) }
        (more(review.changes.len()))
    };
    section("State that is different", review.changes.is_empty(), body)
}

fn account_of(account: &AccountReview) -> Markup {
    let mut table = Table::new(&["place", "before", "afterwards"]);
    if let Some((before, after)) = &account.nonce {
        table.row(vec!["nonce".into(), before.as_str().into(), after.as_str().into()]);
    }
    if let Some((before, after)) = &account.code_hash {
        table.row(vec!["code by its hash".into(), code(before), code(after)]);
    }
    for slot in account.slots.iter().take(ROWS_MAX) {
        let name = slot.name.clone().unwrap_or_else(|| format!("slot {}", word(slot.slot)));
        table.row(vec![code(name), code(word(slot.before)), code(word(slot.after))]);
    }
    html! {
        h3 { code { (account.address) } @if let Some(name) = account.contract { " " (name) } }
        (table)
        (more(account.slots.len()))
    }
}

fn limits(review: &Review) -> Markup {
    let steps = review.left_out.steps;
    let body = html! {
        ul.plain {
            li { "The calls are run after this block. When they are executed the state will be another." }
            li { "What the executor does around the calls is not run: gas is that of the calls alone." }
            li { "A name that rests on four bytes is not verified, and a contract may do anything under any name." }
            li { "Powers that change hands are called out where an event or a published slot shows it." }
            @if let Some(slot) = review.filled_queue {
                li {
                    "The governor takes calls to itself only where its own execute has put them down. They were "
                    "put down for it, in its slot " code { (word(slot)) } "."
                }
            }
            @if steps > 0 {
                li { (steps) " calls below these calls were not looked at one by one." }
            }
        }
    };
    section("What this does not show", false, body)
}

#[cfg(test)]
mod tests;
