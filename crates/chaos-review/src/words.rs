//! A review on a terminal of 80 columns.

use alloy_primitives::{Address, B256, U256};

use crate::{
    book::{Decoded, Ground},
    claims::{Claim, ClaimKind},
    governors::CallsGround,
    review::{
        AccountReview, CallReview, EventReview, GovernorReview, Review, SlotReview, StateGround,
        TokenMoved,
    },
};

/// Columns of a line.
pub(crate) const COLUMNS: usize = 79;
/// Rows that are shown of a list.
pub(crate) const ROWS_SHOWN: usize = 40;
/// Notices that are shown: nobody reads more of them, and what has power comes first.
const NOTICES_SHOWN: usize = 200;
/// Calls that are shown.
const CALLS_SHOWN: usize = 200;

/// A line, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What stands there.
    pub text: String,
    /// How it may be coloured.
    pub tone: Tone,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Text.
    Plain,
    /// The name of what follows.
    Heading,
    /// Something went well.
    Good,
    /// Something did not, or has to be looked at.
    Bad,
}

/// How a name is known, in words.
#[must_use]
pub(crate) const fn ground(ground: Ground) -> &'static str {
    match ground {
        Ground::Code => "by the code at the address",
        Ground::Given => "by the ABI that was given, on its giver's word",
        Ground::Signature => "not verified: the proposer's name for four bytes",
        Ground::Selector => "not verified: other names have the same four bytes",
        Ground::Topic => "by its topic; what it means is the emitter's word",
    }
}

/// How it is known that calls are a proposal's, in words.
pub(crate) const fn calls_ground(ground: CallsGround) -> &'static str {
    match ground {
        CallsGround::Number => "with their text they hash to the proposal's number",
        CallsGround::State => "from the governor's state; the text is the node's word",
        CallsGround::Word => "on the node's word: nothing shows that they are the proposal's",
    }
}

/// A name, shown as what it is.
#[must_use]
pub(crate) fn name_of(decoded: &Decoded) -> String {
    match decoded.ground {
        Ground::Selector => format!("selector of {}", decoded.signature),
        Ground::Code | Ground::Given | Ground::Signature | Ground::Topic => {
            decoded.signature.clone()
        }
    }
}

/// That all calls succeed.
pub(crate) fn succeeded(count: usize) -> String {
    if count == 1 { "the call succeeds".to_owned() } else { format!("all {count} calls succeed") }
}

/// That a proposal on a chain has no text. Compound's governors keep none, so a node can withhold it.
pub const NO_TEXT: &str =
    "no text was compared: the proposal has none, or the node shows no event that holds it";

/// The title of what others say of the parameters that a proposal sets.
pub(crate) const PARAMETERS: &str = "Parameters that are set, and what is known of that change";

/// The whole review, with what others say of the [parameters](Review::parameter_writes) that it sets: a line each, as
/// long as it is, indented by its first blanks.
#[must_use]
pub fn lines(review: &Review, parameters: &[Line]) -> Vec<Line> {
    let mut page = Page::default();
    page.place(review);
    page.result(review);
    page.notices(review);
    page.parameters(parameters);
    page.text(review);
    page.calls(review);
    page.moved(review);
    page.events(review);
    page.delegations(review);
    page.changes(review);
    page.left_out(review);
    page.lines
}

#[derive(Default)]
struct Page {
    lines: Vec<Line>,
}

impl Page {
    fn put(&mut self, tone: Tone, indent: usize, text: &str) {
        for text in wrapped(indent, text) {
            self.lines.push(Line { text, tone });
        }
    }

    fn plain(&mut self, indent: usize, text: &str) {
        self.put(Tone::Plain, indent, text);
    }

    fn heading(&mut self, text: &str) {
        self.put(Tone::Plain, 0, "");
        self.put(Tone::Heading, 0, text);
    }

    fn more(&mut self, indent: usize, all: usize) {
        if all > ROWS_SHOWN {
            let rest = all - ROWS_SHOWN;
            self.plain(indent, &format!("… and {rest} more; --json and --out have all of them"));
        }
    }

    fn governor(&mut self, governor: &GovernorReview) {
        self.plain(0, &format!("governor {}", governor.address));
        self.plain(0, &format!("proposal {}", governor.id));
        let state = governor.state.unwrap_or("in a state that the governor does not tell");
        let tone = if governor.is_over() { Tone::Bad } else { Tone::Plain };
        self.put(tone, 0, &format!("         {state}"));
        if governor.is_over() {
            self.put(tone, 0, "         what follows is what its calls would do once more");
        }
        let tone = if governor.calls == CallsGround::Word { Tone::Bad } else { Tone::Plain };
        self.put(tone, 0, &format!("calls    {}", calls_ground(governor.calls)));
    }

    fn place(&mut self, review: &Review) {
        if let Some(governor) = &review.governor {
            self.governor(governor);
        }
        let at = &review.block;
        self.plain(
            0,
            &format!("after    block {} of {}, rules of {}", at.number, review.chain, review.fork),
        );
        if let Some(hash) = at.hash {
            self.plain(0, &format!("         {hash}"));
        }
        let state = match review.state {
            StateGround::Proven => "proven against that block's state root, place by place",
        };
        self.plain(0, &format!("state    {state}"));
        self.plain(0, &format!("sender   {}", review.sender));
        match review.governor.as_ref().map(|it| (it.sender_is_executor, it.timelock)) {
            Some((true, Some(_))) => self.plain(0, "         the timelock that the governor names"),
            Some((true, None)) => self.plain(0, "         the governor, which names no timelock"),
            Some((false, _)) => {
                self.put(Tone::Bad, 0, "         not the one who makes this governor's calls");
            }
            None => {}
        }
        if review.sent_along != "0" {
            self.plain(0, &format!("         with {} wei sent along", review.sent_along));
        }
        if let Some(wei) = &review.brought {
            self.plain(0, &format!("         with {wei} wei that whoever executes brings"));
        }
    }

    fn result(&mut self, review: &Review) {
        let result = &review.result;
        let count = review.calls.len();
        self.plain(0, "");
        let gas = format!("{} gas of at most {}", result.gas, result.gas_limit);
        let Some(call) = result.failed_call else {
            return self.put(Tone::Good, 0, &format!("{}: {gas}", succeeded(count)));
        };
        self.put(Tone::Bad, 0, &format!("call {call} of {count} fails, so nothing happens: {gas}"));
        self.plain(2, result.reason.as_deref().unwrap_or_default());
        if let Some(error) = &result.error {
            self.decoded(2, error);
        }
    }

    fn decoded(&mut self, indent: usize, decoded: &Decoded) {
        self.plain(indent, &name_of(decoded));
        self.plain(indent, &format!("({})", ground(decoded.ground)));
        self.arguments(indent, decoded);
    }

    fn arguments(&mut self, indent: usize, decoded: &Decoded) {
        let width = decoded.arguments.iter().map(|it| it.name.chars().count()).max().unwrap_or(0);
        for argument in &decoded.arguments {
            let text = format!("{:width$}  {}", argument.name, argument.value);
            self.plain(indent + 2, &text);
        }
    }

    fn notices(&mut self, review: &Review) {
        if review.notices.is_empty() {
            return;
        }
        self.heading("Look at first");
        let mut last = None;
        for notice in review.notices.iter().take(NOTICES_SHOWN) {
            if last.replace(notice.address) != Some(notice.address) {
                self.put(Tone::Bad, 2, &notice.address.to_string());
            }
            self.plain(4, &notice.text);
            if notice.more > 0 {
                self.plain(6, &format!("and {} more such events", notice.more));
            }
        }
        if let Some(rest @ 1..) = review.notices.len().checked_sub(NOTICES_SHOWN) {
            self.put(Tone::Bad, 2, &format!("… and {rest} more: read them in --json or --out"));
        }
    }

    fn parameters(&mut self, parameters: &[Line]) {
        if parameters.is_empty() {
            return;
        }
        self.heading(PARAMETERS);
        for line in parameters {
            let text = line.text.trim_start_matches(' ');
            self.put(line.tone, line.text.len() - text.len(), text);
        }
    }

    fn text(&mut self, review: &Review) {
        let text = &review.text;
        if text.claims.is_empty() && text.not_compared.is_empty() {
            return;
        }
        self.heading("The text against the calls");
        let (found, missing): (Vec<&Claim>, Vec<&Claim>) =
            text.claims.iter().partition(|claim| !claim.calls.is_empty());
        for claim in missing.iter().take(ROWS_SHOWN) {
            let what = match claim.kind {
                ClaimKind::Address => "",
                ClaimKind::Number => "the number ",
            };
            self.put(Tone::Bad, 2, &format!("{what}{}: not found in the calls", claim.text));
        }
        self.more(2, missing.len());
        for claim in found.iter().take(ROWS_SHOWN) {
            let calls: Vec<String> = claim.calls.iter().take(8).map(usize::to_string).collect();
            let rest = if claim.calls.len() > calls.len() { " and others" } else { "" };
            self.plain(2, &format!("{}: in call {}{rest}", claim.text, calls.join(", ")));
        }
        self.more(2, found.len());
        if !text.not_compared.is_empty() {
            let words: Vec<&str> = text.not_compared.iter().take(8).map(String::as_str).collect();
            let rest = text.not_compared.len().saturating_sub(words.len());
            let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
            self.plain(2, &format!("not compared: {}{rest}", words.join(", ")));
        }
        if text.left_out > 0 {
            self.plain(2, &format!("{} more were not looked for", text.left_out));
        }
        if !text.is_whole {
            self.plain(2, "not all of the calls' input was looked through");
        }
        self.plain(2, "Numbers are looked for as they are and times 10^6, 10^8 and 10^18.");
        self.plain(2, "That one is found does not show that the text is right.");
    }

    fn calls(&mut self, review: &Review) {
        self.heading("Calls");
        for (index, call) in review.calls.iter().take(CALLS_SHOWN).enumerate() {
            self.call(index, call);
        }
        if let Some(rest @ 1..) = review.calls.len().checked_sub(CALLS_SHOWN) {
            self.put(Tone::Bad, 2, &format!("… and {rest} more: read them in --json or --out"));
        }
    }

    fn call(&mut self, index: usize, call: &CallReview) {
        let contract = match (call.contract, call.has_code) {
            (Some(name), _) => format!("  {name}"),
            (None, true) => String::new(),
            (None, false) => "  no code there".to_owned(),
        };
        self.plain(2, &format!("{:<3}{}{contract}", index + 1, call.target));
        if call.value != "0" {
            self.plain(5, &format!("sends {} wei", call.value));
        }
        match &call.decoded {
            Some(decoded) => self.decoded(5, decoded),
            None if call.input_bytes == 0 => self.plain(5, "no input"),
            None => {
                let selector = call.selector.as_deref().unwrap_or("none");
                let bytes = call.input_bytes;
                self.plain(5, &format!("selector {selector}, {bytes} bytes, meaning not known"));
                self.plain(5, &call.input);
            }
        }
        for inner in &call.inner {
            self.plain(5, "and in its bytes");
            self.decoded(7, inner);
        }
    }

    fn moved(&mut self, review: &Review) {
        if !review.wei.is_empty() {
            self.heading("Wei");
            for moved in review.wei.iter().take(ROWS_SHOWN) {
                self.plain(2, &moved.account.to_string());
                self.plain(4, &format!("{} → {}", moved.before, moved.after));
            }
            self.more(2, review.wei.len());
        }
        if !review.tokens.is_empty() {
            self.heading("Tokens, by the events of the tokens, in their smallest unit");
            let mut last = None;
            for TokenMoved { token, account, difference } in review.tokens.iter().take(ROWS_SHOWN) {
                if last.replace(token) != Some(token) {
                    self.plain(2, &format!("token {token}"));
                }
                let sign = if difference.starts_with('-') { "" } else { "+" };
                let account = if account.is_zero() {
                    "made or burnt".to_owned()
                } else {
                    account.to_string()
                };
                self.plain(4, &format!("{account}  {sign}{difference}"));
            }
            self.more(2, review.tokens.len());
        }
    }

    fn events(&mut self, review: &Review) {
        if review.events.is_empty() {
            return;
        }
        self.heading("Events");
        for event in review.events.iter().take(ROWS_SHOWN) {
            self.event(event);
        }
        self.more(2, review.events.len());
    }

    fn event(&mut self, event: &EventReview) {
        self.plain(2, &format!("{:<3}{}", event.call, event.address));
        match &event.decoded {
            Some(decoded) => {
                self.plain(5, &decoded.signature);
                self.arguments(5, decoded);
            }
            None => {
                self.plain(5, "meaning not known");
                for topic in &event.topics {
                    self.plain(5, &format!("topic {topic}"));
                }
                self.plain(5, &format!("data {}", event.data));
            }
        }
    }

    fn delegations(&mut self, review: &Review) {
        if review.delegations.is_empty() {
            return;
        }
        self.heading("Code that ran as another's (delegatecall)");
        for delegation in review.delegations.iter().take(ROWS_SHOWN) {
            self.plain(2, &format!("{} ran the code of", delegation.account));
            self.plain(4, &delegation.code.to_string());
        }
        self.more(2, review.delegations.len());
    }

    fn changes(&mut self, review: &Review) {
        if review.changes.is_empty() {
            return;
        }
        self.heading("State that is different");
        for account in review.changes.iter().take(ROWS_SHOWN) {
            self.account(account);
        }
        self.more(2, review.changes.len());
    }

    fn account(&mut self, account: &AccountReview) {
        let name = account.contract.map(|name| format!("  {name}")).unwrap_or_default();
        self.plain(2, &format!("{}{name}", account.address));
        if let Some((before, after)) = &account.nonce {
            self.plain(4, &format!("nonce {before} → {after}"));
        }
        if let Some((before, after)) = &account.code_hash {
            self.plain(4, "code by its hash");
            self.plain(6, &format!("{before} →"));
            self.plain(6, &after.to_string());
        }
        for SlotReview { slot, name, before, after } in account.slots.iter().take(ROWS_SHOWN) {
            let name = name.clone().unwrap_or_else(|| format!("slot {}", word(*slot)));
            self.plain(4, &name);
            self.plain(6, &format!("{} → {}", word(*before), word(*after)));
        }
        self.more(4, account.slots.len());
    }

    fn left_out(&mut self, review: &Review) {
        if let Some(slot) = review.filled_queue {
            self.plain(0, "");
            let text = format!(
                "The governor takes calls to itself only where its own execute has put them down. They were \
                 put down for it, in its slot {}, and taken out of what is different.",
                word(slot)
            );
            self.plain(0, &text);
        }
        if review.left_out.steps > 0 {
            self.plain(0, "");
            let text = format!(
                "{} calls below these calls were not looked at one by one: there may be delegations \
                 among them",
                review.left_out.steps
            );
            self.put(Tone::Bad, 0, &text);
        }
    }
}

/// A word of storage: a small number, something of an address's length, or all of it.
pub(crate) fn word(word: B256) -> String {
    let number = U256::from_be_bytes(word.0);
    match number.bit_len() {
        0..=128 => number.to_string(),
        129..=160 => Address::from_word(word).to_string(),
        _ => word.to_string(),
    }
}

/// Lines of at most [`COLUMNS`] characters, broken at blanks where there are some.
fn wrapped(indent: usize, text: &str) -> Vec<String> {
    let text: String = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    let mut lines = Vec::new();
    let mut rest: &str = &text;
    let mut indent_now = indent;
    loop {
        let room = COLUMNS.saturating_sub(indent_now).max(20);
        let blank = " ".repeat(indent_now);
        let Some((end, _)) = rest.char_indices().nth(room) else {
            lines.push(format!("{blank}{rest}").trim_end().to_owned());
            return lines;
        };
        let head = &rest[..end];
        let (head, tail) = match head.rfind(' ').filter(|place| !head[..*place].trim().is_empty()) {
            Some(place) => (&rest[..place], &rest[place + 1..]),
            None => (head, &rest[end..]),
        };
        lines.push(format!("{blank}{head}").trim_end().to_owned());
        rest = tail;
        indent_now = indent + 2;
    }
}

#[cfg(test)]
mod tests;
