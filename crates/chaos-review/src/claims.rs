//! What a proposal's text names, looked for in its calls.
//!
//! A text can say anything. Two things in it can be compared without understanding it: addresses, and
//! numbers. Neither finding shows that the text is true; a number that no call holds shows that
//! somebody should ask.

use std::collections::BTreeSet;

use alloy_primitives::{Address, U256};
use serde::Serialize;

/// Most addresses and numbers of a text that are looked for.
pub(crate) const CLAIMS_MAX: usize = 200;
/// Most words of calls that are looked through.
const WORDS_MAX: usize = 200_000;
/// Digits that a token's unit commonly has; a number of the text is looked for in each.
const DECIMALS: [usize; 4] = [0, 6, 8, 18];

/// Something that a text names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Claim {
    /// As the text has it.
    pub(crate) text: String,
    /// What it is.
    pub(crate) kind: ClaimKind,
    /// The calls that hold it, from 1.
    pub(crate) calls: Vec<usize>,
}

/// What can be looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClaimKind {
    /// An address.
    Address,
    /// A number, as it is or in units of 10^6, 10^8 or 10^18.
    Number,
}

/// The text against the calls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Comparison {
    /// What the text names.
    pub(crate) claims: Vec<Claim>,
    /// Addresses, numbers and words of the text beyond [`CLAIMS_MAX`] of each.
    pub(crate) left_out: usize,
    /// Per cents, names (`auditor.eth`) and words with digits in the text, which are not looked for.
    pub(crate) not_compared: Vec<String>,
    /// Whether all words of the calls were looked through.
    pub(crate) is_whole: bool,
}

/// What one call holds.
#[derive(Debug, Default)]
struct Held {
    addresses: BTreeSet<Address>,
    numbers: BTreeSet<U256>,
}

/// One call, as far as it can hold what a text names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Holder<'a> {
    /// Whom it calls.
    pub(crate) target: Address,
    /// What it sends.
    pub(crate) value: U256,
    /// Its input.
    pub(crate) input: &'a [u8],
}

/// Looks for what `text` names in `calls`.
#[must_use]
pub(crate) fn compare(text: &str, calls: &[Holder<'_>]) -> Comparison {
    let mut words_left = WORDS_MAX;
    let held: Vec<Held> = calls.iter().map(|call| held(call, &mut words_left)).collect();
    let mut comparison = Comparison { is_whole: words_left > 0, ..Comparison::default() };
    let mut seen = BTreeSet::new();
    for token in tokens(text) {
        match token {
            Token::Address(address, shown) => {
                let holds = |it: &Held| it.addresses.contains(&address);
                add(&mut comparison, &mut seen, shown, ClaimKind::Address, &held, holds);
            }
            Token::Number(number, shown) => {
                let wanted = number.in_units();
                let holds = |it: &Held| wanted.iter().any(|wanted| it.numbers.contains(wanted));
                add(&mut comparison, &mut seen, shown, ClaimKind::Number, &held, holds);
            }
            Token::Other(shown) => {
                if !seen.insert(shown.clone()) {
                    continue;
                }
                match comparison.not_compared.len() < CLAIMS_MAX {
                    true => comparison.not_compared.push(shown),
                    false => comparison.left_out += 1,
                }
            }
        }
    }
    comparison
}

fn add(
    comparison: &mut Comparison,
    seen: &mut BTreeSet<String>,
    text: String,
    kind: ClaimKind,
    held: &[Held],
    holds: impl Fn(&Held) -> bool,
) {
    if !seen.insert(text.clone()) {
        return;
    }
    if comparison.claims.len() >= CLAIMS_MAX {
        comparison.left_out += 1;
        return;
    }
    let found = held.iter().enumerate().filter(|(_, it)| holds(it)).map(|(place, _)| place + 1);
    comparison.claims.push(Claim { text, kind, calls: found.collect() });
}

/// Every address that an input holds where an argument can begin.
pub(crate) fn addresses_in<'a>(inputs: impl Iterator<Item = &'a [u8]>) -> BTreeSet<Address> {
    let mut words_left = WORDS_MAX;
    let holders = inputs.map(|input| Holder { target: Address::ZERO, value: U256::ZERO, input });
    holders.flat_map(|holder| held(&holder, &mut words_left).addresses).collect()
}

/// Every word of a call's input at each place where an argument, or an argument of a call inside an
/// argument, can begin: the words after its selector, and those after a selector within bytes.
fn held(call: &Holder<'_>, words_left: &mut usize) -> Held {
    let mut held = Held::default();
    held.addresses.insert(call.target);
    held.numbers.insert(call.value);
    for start in [4, 8, 12] {
        for word in call.input.get(start..).unwrap_or_default().chunks_exact(32) {
            if *words_left == 0 {
                return held;
            }
            *words_left -= 1;
            let number = U256::from_be_slice(word);
            held.numbers.insert(number);
            if number.bit_len() <= 160 {
                held.addresses.insert(Address::from_slice(&word[12..]));
            }
        }
    }
    held
}

/// A number of a text: its digits without the point, and how many stood behind it.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    digits: U256,
    behind: usize,
}

impl Decimal {
    fn in_units(&self) -> Vec<U256> {
        let scaled = DECIMALS.into_iter().filter(|decimals| *decimals >= self.behind);
        scaled
            .filter_map(|decimals| {
                let scale = U256::from(10).checked_pow(U256::from(decimals - self.behind))?;
                self.digits.checked_mul(scale)
            })
            .collect()
    }
}

enum Token {
    Address(Address, String),
    Number(Decimal, String),
    Other(String),
}

/// What stands between blanks, without the punctuation around it. Nothing that holds an address, a digit
/// of any script or a name is passed over.
fn tokens(text: &str) -> Vec<Token> {
    let words: Vec<&str> = without_suffix(text).split_whitespace().collect();
    let mut tokens = Vec::new();
    for (place, word) in words.iter().enumerate() {
        let mut rest = *word;
        while let Some((before, address, after)) = cut_at_address(rest) {
            tokens.extend(token(before, None));
            tokens.push(Token::Address(address, address.to_string()));
            rest = after;
        }
        tokens.extend(token(rest, words.get(place + 1).copied()));
    }
    tokens
}

/// The text without OpenZeppelin's `#proposer=0x…`, which names who may propose and is no claim about calls.
/// The governor reads it at the very end of the text alone, as it is done here.
fn without_suffix(text: &str) -> &str {
    const MARK: &str = "#proposer=0x";
    let Some(at) = text.len().checked_sub(MARK.len() + 40) else { return text };
    let Some((before, suffix)) = text.split_at_checked(at) else { return text };
    let is_suffix = suffix
        .strip_prefix(MARK)
        .is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    if is_suffix { before } else { text }
}

fn token(word: &str, next: Option<&str>) -> Option<Token> {
    let inner = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '%');
    let is_name = inner.to_lowercase().ends_with(".eth");
    if !is_name && !inner.contains(char::is_numeric) {
        return None;
    }
    let other = || Some(Token::Other(inner.chars().take(60).collect()));
    let Some(mut number) = number_of(inner) else { return other() };
    let Some((zeros, unit)) = next.and_then(multiple) else {
        return Some(Token::Number(number, inner.to_owned()));
    };
    let shown = format!("{inner} {unit}");
    let Some(digits) = number.digits.checked_mul(U256::from(10).pow(U256::from(zeros))) else {
        return Some(Token::Other(shown));
    };
    number.digits = digits;
    Some(Token::Number(number, shown))
}

/// The first address in a word, such as in a link, with what stands before it and behind it.
fn cut_at_address(word: &str) -> Option<(&str, Address, &str)> {
    word.match_indices("0x").find_map(|(start, mark)| {
        let digits = word.get(start + mark.len()..)?;
        let end = digits.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(digits.len());
        let (digits, after) = digits.split_at(end);
        let address = (digits.len() == 40).then(|| digits.parse().ok()).flatten()?;
        Some((word.get(..start)?, address, after))
    })
}

fn multiple(word: &str) -> Option<(u64, &'static str)> {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    match word.to_ascii_lowercase().as_str() {
        "thousand" => Some((3, "thousand")),
        "million" => Some((6, "million")),
        "billion" => Some((9, "billion")),
        _ => None,
    }
}

/// `1000`, `1,000`, `1_000`, `1.5`, `100k`, `1.5M`, `$100`.
fn number_of(word: &str) -> Option<Decimal> {
    let word = word.trim_start_matches(['$', '€']);
    let (word, zeros) = match word.strip_suffix(['k', 'K']) {
        Some(word) => (word, 3_u64),
        None => match word.strip_suffix(['m', 'M']) {
            Some(word) => (word, 6),
            None => (word, 0),
        },
    };
    let (whole, behind) = word.split_once('.').unwrap_or((word, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let groups: Vec<&str> = whole.split([',', '_', '\'']).collect();
    let is_grouped = groups.iter().skip(1).all(|group| group.len() == 3);
    if whole.is_empty()
        || !groups.iter().all(|it| is_digits(it))
        || !is_grouped
        || !is_digits(behind)
    {
        return None;
    }
    let text = format!("{}{behind}", groups.concat());
    if text.is_empty() || text.len() > 60 || behind.len() > 18 {
        return None;
    }
    let digits: U256 = text.parse().ok()?;
    let digits = digits.checked_mul(U256::from(10).pow(U256::from(zeros)))?;
    Some(Decimal { digits, behind: behind.len() })
}

#[cfg(test)]
mod tests;
