//! Why nothing is signed anew for what was signed before.

use alloy_primitives::{Address, B256};

use crate::sending::{Inclusion, Intent, Purpose};

/// What was signed before and came to nothing, as one node says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.said())]
pub struct Unvouched {
    /// What was to be done.
    pub what: String,
    /// Who signed it.
    pub account: Address,
    /// For which nonce.
    pub nonce: u64,
    /// How it came to nothing.
    pub ending: ToNothing,
    /// Everything that was signed for that nonce, oldest first, and whether it does nothing but take the nonce. One
    /// of them at most landed, and which a node can say as it likes.
    pub signed: Vec<(B256, bool)>,
    /// Scheme, host and port of the node.
    pub url: String,
}

/// How something came to nothing that was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToNothing {
    /// It is in a block, and was reverted.
    Reverted(Inclusion),
    /// A transfer of nothing has its nonce.
    Cancelled(Inclusion),
    /// Something that the journal has not has its nonce.
    Replaced,
    /// A transfer of nothing waits at its nonce, to which the account has not come.
    GivenUp {
        /// The account's next nonce.
        next: u64,
    },
    /// It did what it says, and that is not so any more.
    Undone(Inclusion),
}

impl Unvouched {
    pub(crate) fn of(intent: &Intent, ending: ToNothing, url: &str) -> Self {
        let signed = intent.attempts.iter();
        Self {
            what: intent.what.clone(),
            account: intent.account,
            nonce: intent.nonce,
            ending,
            signed: signed.map(|it| (it.hash, it.purpose == Purpose::Cancel)).collect(),
            url: url.to_owned(),
        }
    }

    fn said(&self) -> String {
        let Self { what, account, nonce, url, .. } = self;
        let twice = "if that is a lie, whatever is signed anew is paid twice";
        match self.ending {
            ToNothing::Reverted(Inclusion { hash, block_number, .. }) => format!(
                "{what} (nonce {nonce}) was reverted by {hash} in block {block_number}, as {url} says: {twice}"
            ),
            ToNothing::Cancelled(Inclusion { hash, block_number, .. }) => format!(
                "{what} (nonce {nonce}) was cancelled by {hash} in block {block_number}, as {url} says: {twice}"
            ),
            ToNothing::Replaced => format!(
                "{what} was signed for nonce {nonce} of {account:#x}, and {url} says that something took it which is not \
                 in this journal: {twice}"
            ),
            ToNothing::GivenUp { next } => format!(
                "{what} (nonce {nonce}) was given up, and can still land once {account:#x}, at {next} now, comes to that \
                 nonce: whatever is signed anew lands beside it, and is paid twice"
            ),
            ToNothing::Undone(Inclusion { hash, block_number, .. }) => format!(
                "{what} (nonce {nonce}) was done by {hash} in block {block_number}, and is not so any more, as {url} \
                 says: {twice}"
            ),
        }
    }
}

/// Another word on what took a nonce.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} (nonce {nonce}) {}, and {}: one of the two is wrong", self.said(), self.otherwise())]
pub struct Contradicted {
    /// What was to be done.
    pub what: String,
    /// The nonce that it had.
    pub nonce: u64,
    /// What took the nonce, as the node says.
    pub hash: B256,
    /// Scheme, host and port of the node.
    pub url: String,
    /// Which other endpoint of the chain file says otherwise; none where it is whoever names another transaction.
    pub other: Option<String>,
    /// What took the nonce by that word; none where nothing has that was signed for it.
    pub found: Option<B256>,
    /// Whether it is about what was set, and is so still by that word.
    pub is_still_so: bool,
}

impl Contradicted {
    fn said(&self) -> String {
        let Self { hash, url, is_still_so, .. } = self;
        if *is_still_so {
            return format!("was done by {hash}, and is not so any more, as {url} says");
        }
        format!("did nothing by {hash}, as {url} says")
    }

    fn otherwise(&self) -> String {
        match (&self.other, self.found) {
            (Some(other), _) if self.is_still_so => format!("{other} shows that it is so still"),
            (None, found) => {
                let found = found.unwrap_or_default();
                format!("--anew names {found}, which was signed for the same nonce")
            }
            (Some(other), None) => format!("{other} has nothing that was signed for it in a block"),
            (Some(other), Some(found)) if found == self.hash => {
                format!("{other} shows that it did what was meant")
            }
            (Some(other), Some(found)) => format!("{other} shows {found} in its place"),
        }
    }
}
