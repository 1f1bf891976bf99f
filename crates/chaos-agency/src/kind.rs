//! Kinds of receipts that others bring, and the set of kinds that a log knows.

use std::fmt;

use chaos_types::{Check, Digest, Rejection, canonical};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    Action, Fault, Ground, Key, View,
    action::{self, Other},
    ground,
    receipt::{Form, ensure_own},
    state::VIEW_SEPARATOR,
};

/// Whose receipts of a kind count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signer {
    /// Any agent that is registered for the kind.
    Agent,
    /// The log's operator alone, if it is registered for the kind.
    Operator,
}

/// The body of a kind of receipt that is not the platform's own.
///
/// Its canonical JSON is the body on the wire. Every field must be read strictly
/// (`deny_unknown_fields`), since a field that is not read is a byte that says nothing.
pub trait Body: Serialize + DeserializeOwned {
    /// The kind as written on the wire.
    const KIND: &'static str;
    /// Whose receipts of this kind count.
    const SIGNER: Signer;
    /// Whether an outcome can count the action for or against its agent.
    const IS_WORK: bool = false;
    /// What receipts of the kind rest on, and where each of it comes from. A kind that does not say so
    /// does not compile, since nobody could tell who lies.
    const GROUNDS: &'static [Ground];
    /// Whether a log publishes the documents that receipts of the kind name, unless its operator says
    /// otherwise. A kind that does not say so does not compile, since what was published once stays so.
    const DISCLOSED: bool;

    /// The rules of the kind that need the receipt alone. Everyone who reads a receipt makes them;
    /// what needs the log is a [`View`]'s matter.
    ///
    /// # Errors
    /// The [`Rejection`] by *statement* that the receipt is refused with.
    fn ensure(&self, form: &Form<'_>) -> Result<(), Rejection>;

    /// What the agent says it did, with the figures, to follow its name: `read 32 blocks of …`.
    fn sentence(&self) -> String;

    /// What shows what the receipt says of a chain, by digest, if that was kept.
    fn shown_by(&self) -> Option<Digest> {
        None
    }
}

/// What the platform must know of a kind to admit its receipts.
#[derive(Clone, Copy)]
pub struct Kind {
    name: &'static str,
    signer: Signer,
    is_work: bool,
    grounds: &'static [Ground],
    is_disclosed: bool,
    ensure: fn(&Form<'_>) -> Result<(), Rejection>,
    sentence: fn(&Value) -> String,
    shown_by: fn(&Value) -> Option<Digest>,
}

impl Kind {
    /// The kind of a body.
    #[must_use]
    pub const fn of<B: Body>() -> Self {
        Self {
            name: B::KIND,
            signer: B::SIGNER,
            is_work: B::IS_WORK,
            grounds: B::GROUNDS,
            is_disclosed: B::DISCLOSED,
            ensure: |form| read::<B>(B::KIND, &form.written.body)?.ensure(form),
            sentence: |body| B::deserialize(body).map_or_else(|_| String::new(), |b| b.sentence()),
            shown_by: |body| B::deserialize(body).ok()?.shown_by(),
        }
    }

    /// The kind as written on the wire.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) const fn signer(&self) -> Signer {
        self.signer
    }

    pub(crate) const fn is_work(&self) -> bool {
        self.is_work
    }

    pub(crate) fn sentence(&self, body: &Value) -> String {
        (self.sentence)(body)
    }

    pub(crate) fn shown_by(&self, body: &Value) -> Option<Digest> {
        (self.shown_by)(body)
    }

    pub(crate) const fn grounds(&self) -> &'static [Ground] {
        self.grounds
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Kind {}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Kind").field(&self.name).finish()
    }
}

/// The kinds of receipts that one owner brings, and the view over them if it has one.
#[derive(Debug, Clone, Copy)]
pub struct Extension {
    /// Its name, which no other extension has: the kinds of its view's rows begin with it.
    pub name: &'static str,
    /// The version of its rules and of the rows that its view writes. It is raised with every change of
    /// either, so that rows of another version are folded anew.
    pub version: u32,
    /// The kinds. None may have the name of another's or of the platform's.
    pub kinds: &'static [Kind],
    /// Its rules and the rows that it keeps.
    pub view: Option<&'static dyn View>,
}

/// Every kind of receipt that a log or a verifier knows: the platform's own, and those that are
/// handed in. A receipt of any other kind is refused.
#[derive(Debug, Clone, Copy, Default)]
pub struct Kinds(&'static [Extension]);

/// The platform's kinds that an agent can be registered for.
const PLATFORM: [&str; 5] = [
    action::Anchor::KIND,
    action::Pay::KIND,
    action::Run::KIND,
    action::Score::KIND,
    action::Verdict::KIND,
];

/// The version of the platform's rules and of the rows that they write.
const RULES_VERSION: u32 = 11;

/// The kinds of the platform's rows that only grow, so that a log can commit to them.
const COMMITTED: [&str; 15] = [
    "account",
    "account_owner",
    "agent",
    "anchoring",
    "delegation",
    "forked",
    "judged",
    "key",
    "model",
    "name",
    "outcome",
    "paid",
    "refused",
    "span",
    "time",
];

impl Kinds {
    /// The platform's kinds and those of `extensions`.
    ///
    /// # Panics
    /// If two kinds or two extensions have one name. In a constant, it does not compile then.
    #[must_use]
    pub const fn new(extensions: &'static [Extension]) -> Self {
        assert!(!has_clash(extensions), "a name of a kind or an extension is taken");
        Self(extensions)
    }

    /// What decides how a log folds, by digest: the version of the platform's rules, and the name, the
    /// version and the kinds of each extension.
    ///
    /// # Panics
    /// Never: names and versions have a canonical form.
    #[must_use]
    pub fn rules(&self) -> Digest {
        let mut extensions: Vec<_> = self
            .0
            .iter()
            .map(|Extension { name, version, kinds, .. }| {
                let mut kinds: Vec<_> = kinds.iter().map(Kind::name).collect();
                kinds.sort_unstable();
                (*name, *version, kinds)
            })
            .collect();
        extensions.sort_unstable();
        let parts = ("chaoschain-rules/1", RULES_VERSION, extensions);
        Digest::of(&canonical::to_vec(&parts).expect("names and versions"))
    }

    /// The kinds that an agent may list as capabilities, sorted. Managing its own registry entry
    /// needs none.
    #[must_use]
    pub fn capabilities(&self) -> Vec<&'static str> {
        let mut names = PLATFORM.to_vec();
        names.extend(self.others().map(Kind::name));
        names.sort_unstable();
        names
    }

    /// The kinds whose documents a log publishes unless its operator says otherwise: the platform's,
    /// and those that say so.
    pub fn disclosed(&self) -> impl Iterator<Item = &'static str> {
        PLATFORM.into_iter().chain(self.others().filter(|kind| kind.is_disclosed).map(Kind::name))
    }

    /// What the receipts of each kind rest on, the platform's kinds first.
    #[must_use]
    pub fn grounds(&self) -> Vec<(&'static str, &'static [Ground])> {
        let mut grounds = ground::OWN.to_vec();
        grounds.extend(self.others().map(|kind| (kind.name, kind.grounds)));
        grounds
    }

    /// The views of the extensions, by the extensions' names.
    pub(crate) fn views(&self) -> impl Iterator<Item = (&'static str, &'static dyn View)> {
        self.0.iter().filter_map(|extension| Some((extension.name, extension.view?)))
    }

    /// Whether the log commits to rows under this key.
    pub(crate) fn commits(&self, key: &Key) -> bool {
        let kind = key.kind();
        match kind.split_once(VIEW_SEPARATOR) {
            None => COMMITTED.contains(&kind),
            Some((owner, kind)) => {
                self.views().any(|(name, view)| name == owner && view.committed().contains(&kind))
            }
        }
    }

    fn others(&self) -> impl Iterator<Item = &'static Kind> {
        self.0.iter().flat_map(|extension| extension.kinds)
    }

    /// Reads an action as its owner reads it, and makes the rules of its kind.
    ///
    /// # Errors
    /// A [`Rejection`] by *statement* if nobody here owns the kind, the body is not its owner's, or
    /// the receipt breaks a rule that needs nothing else.
    pub(crate) fn read(self, form: &Form<'_>) -> Result<Action, Rejection> {
        let (name, body) = (form.written.kind.as_str(), &form.written.body);
        let action = match name {
            "register" => Action::Register(read(name, body)?),
            "update" => Action::Update(read(name, body)?),
            "rotate_key" => Action::RotateKey(read(name, body)?),
            "revoke" => Action::Revoke(read(name, body)?),
            action::Delegate::KIND => Action::Delegate(read(name, body)?),
            action::BindAccount::KIND => Action::BindAccount(read(name, body)?),
            action::Verdict::KIND => Action::Verify(read(name, body)?),
            action::Anchor::KIND => Action::Anchor(read(name, body)?),
            action::DeclareAnchoring::KIND => Action::DeclareAnchoring(read(name, body)?),
            action::Run::KIND => Action::Run(read(name, body)?),
            action::Score::KIND => Action::Score(read(name, body)?),
            action::Pay::KIND => Action::Pay(read(name, body)?),
            action::CorrectTime::KIND => Action::CorrectTime(read(name, body)?),
            action::ReportFork::KIND => Action::ReportFork(read(name, body)?),
            other => {
                let kind = self.others().find(|kind| kind.name == other).ok_or_else(|| {
                    Rejection::new(
                        Check::Statement,
                        Fault::KindUnknown,
                        format!("receipts of the kind `{}` are not known", other.escape_debug()),
                    )
                })?;
                (kind.ensure)(form)?;
                Action::Other(Other { kind: *kind, body: body.clone() })
            }
        };
        ensure_own(&action, form)?;
        Ok(action)
    }
}

/// Whether two kinds or two extensions have one name.
const fn has_clash(extensions: &[Extension]) -> bool {
    let mut one = 0;
    while one < extensions.len() {
        let mut other = 0;
        while other <= one {
            let (Extension { name, kinds, .. }, Extension { name: earlier, kinds: before, .. }) =
                (&extensions[one], &extensions[other]);
            if other < one && (same(name, earlier) || share_a_name(kinds, before)) {
                return true;
            }
            other += 1;
        }
        if clashes_within(extensions[one].kinds) {
            return true;
        }
        one += 1;
    }
    false
}

/// Whether a kind has the name of the platform's, or of another of the same extension.
const fn clashes_within(kinds: &[Kind]) -> bool {
    let mut at = 0;
    while at < kinds.len() {
        let mut own = 0;
        while own < ground::OWN.len() {
            if same(kinds[at].name, ground::OWN[own].0) {
                return true;
            }
            own += 1;
        }
        let (earlier, rest) = kinds.split_at(at);
        if share_a_name(earlier, rest) {
            return true;
        }
        at += 1;
    }
    false
}

const fn share_a_name(some: &[Kind], others: &[Kind]) -> bool {
    let mut one = 0;
    while one < some.len() {
        let mut other = 0;
        while other < others.len() {
            if same(some[one].name, others[other].name) {
                return true;
            }
            other += 1;
        }
        one += 1;
    }
    false
}

const fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// An action as it is written, before its owner reads it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    pub(crate) kind: String,
    pub(crate) body: Value,
}

/// Reads a body, which must be spelled as its type spells it.
fn read<B: Serialize + DeserializeOwned>(kind: &str, body: &Value) -> Result<B, Rejection> {
    let reject = |reason| Rejection::new(Check::Statement, Fault::BodyMalformed, reason);
    let read = B::deserialize(body)
        .map_err(|error| reject(format!("the body of the kind `{kind}`: {error}")))?;
    match serde_json::to_value(&read) {
        Ok(spelled) if spelled == *body => Ok(read),
        Ok(_) | Err(_) => {
            Err(reject(format!("the body of the kind `{kind}` is in a second spelling")))
        }
    }
}

#[cfg(test)]
mod tests;
