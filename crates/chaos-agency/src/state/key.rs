use std::fmt;

use chaos_types::{ChainId, Did, Digest};

use crate::{action::Role, forks::About};

/// What stands between an extension's name and the kind of a row that its view keeps.
pub(crate) const VIEW_SEPARATOR: char = '.';

/// The typed key of a row: its kind and its parts, such as `span/did:key:z6Mk…/2`.
///
/// Its bytes are `kind 00 part 00 part`; keys are in the order of their bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Vec<u8>);

impl Key {
    /// A key of a kind of the platform's.
    pub(crate) fn new(kind: &str, parts: &[&dyn fmt::Display]) -> Self {
        Self::of(kind.to_owned(), parts)
    }

    /// A key of a kind that an extension's view keeps: `extension.kind`. The platform's kinds have no
    /// such name, so that neither can put a row in the other's place.
    #[must_use]
    pub fn of_view(extension: &str, kind: &str, parts: &[&dyn fmt::Display]) -> Self {
        Self::of(format!("{extension}{VIEW_SEPARATOR}{kind}"), parts)
    }

    fn of(kind: String, parts: &[&dyn fmt::Display]) -> Self {
        let mut text = kind;
        for part in parts {
            text.push('\0');
            // A part is a name, a number or a digest; a separator within one would move its end.
            text.push_str(&part.to_string().replace('\0', "\u{fffd}"));
        }
        Self(text.into_bytes())
    }

    /// The key that a store kept, as its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Its bytes, taken out.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.parts().next().unwrap_or_default()
    }

    /// Kind and parts.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split(|&byte| byte == 0).map(|part| std::str::from_utf8(part).unwrap_or_default())
    }

    /// The first key after all that begin with this one's kind and parts.
    #[must_use]
    pub fn end(&self) -> Self {
        let mut bytes = self.0.clone();
        bytes.push(1);
        Self(bytes)
    }

    /// What is known of an agent whatever its span.
    pub(crate) fn agent(agent: &Did) -> Self {
        Self::new("agent", &[agent])
    }

    /// An agent's key and profile for a range of the log.
    pub(crate) fn span(agent: &Did, number: u64) -> Self {
        Self::new("span", &[agent, &number])
    }

    /// All spans of an agent, whichever of them is asked for.
    pub(crate) fn spans(agent: &Did) -> Self {
        Self::new("span", &[agent])
    }

    /// Where a receipt stands, which is no row: the tree of the log shows it.
    pub(crate) fn place(receipt: &Digest) -> Self {
        Self::new("place", &[receipt])
    }

    /// The root of the tree of so many entries, which is no row: proofs of the tree show it.
    pub(crate) fn tree(size: u64) -> Self {
        Self::new("tree", &[&size])
    }

    /// Whose a key is, for ever.
    pub(crate) fn of_key(key: &Did) -> Self {
        Self::new("key", &[key])
    }

    /// The how-manieth delegation of a role of the log's root key, from 1.
    #[must_use]
    pub fn delegation(role: Role, number: u64) -> Self {
        Self::new("delegation", &[&role, &number])
    }

    /// Whose a name is, for ever.
    pub(crate) fn name(name: &str) -> Self {
        Self::new("name", &[&name])
    }

    /// The accounts of a chain that an agent has registered.
    pub(crate) fn account(agent: &Did, chain: &ChainId) -> Self {
        Self::new("account", &[agent, chain])
    }

    /// Whose an account is, for ever.
    pub(crate) fn account_owner(chain: &ChainId, account: &str) -> Self {
        Self::new("account_owner", &[chain, &account])
    }

    /// That an entry counts for nothing. If there is no such row, it counts.
    pub(crate) fn refused(index: u64) -> Self {
        Self::new("refused", &[&index])
    }

    /// The n-th correction of the log's clock.
    pub(crate) fn time(number: u64) -> Self {
        Self::new("time", &[&number])
    }

    /// The n-th declaration of where the log is anchored, from 0.
    pub(crate) fn anchoring(number: u64) -> Self {
        Self::new("anchoring", &[&number])
    }

    /// The report of a fork by a key, by the sizes of the two heads.
    pub(crate) fn forked(about: &About) -> Self {
        let [one, other] = &about.sizes;
        Self::new("forked", &[&about.log, one, other])
    }

    pub(crate) fn refusal(index: u64) -> Self {
        Self::new("refusal", &[&Sorted(index)])
    }

    /// What an entry that counts did.
    pub(crate) fn action(index: u64) -> Self {
        Self::new("action", &[&Sorted(index)])
    }

    /// The number in the second part of a key that sorts as numbers do: the entry of an action, a refusal or
    /// a piece of evidence.
    #[must_use]
    pub fn sorted(&self) -> Option<u64> {
        self.parts().nth(1)?.parse().ok()
    }

    /// That a receipt brought an outcome.
    pub(crate) fn outcome(receipt: &Digest) -> Self {
        Self::new("outcome", &[receipt])
    }

    /// That a score by a model counts.
    pub(crate) fn model(name: &str) -> Self {
        Self::new("model", &[&name])
    }

    /// That an outcome was paid for.
    pub(crate) fn paid(outcome: &Digest) -> Self {
        Self::new("paid", &[outcome])
    }

    /// That an outcome judged a receipt.
    pub(crate) fn judged(receipt: &Digest) -> Self {
        Self::new("judged", &[receipt])
    }

    /// The part of an outcome that counts for or against one agent.
    pub(crate) fn evidence(index: u64, number: usize) -> Self {
        Self::new("evidence", &[&Sorted(index), &format_args!("{number:05}")])
    }

    /// The evidence of the outcomes from `index` on.
    pub(crate) fn evidence_from(index: u64) -> Self {
        Self::new("evidence", &[&Sorted(index)])
    }
}

/// Twenty digits, so that keys sort as numbers do.
struct Sorted(u64);

impl fmt::Display for Sorted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:020}", self.0)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, part) in self.parts().enumerate() {
            if number > 0 {
                f.write_str("/")?;
            }
            write!(f, "{}", part.escape_debug())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}
