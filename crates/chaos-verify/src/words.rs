//! The words of a verification: one for each fact, and none that says more than was shown.

use std::fmt;

use chaos_types::Check;
use serde::Serialize;

/// Declares the closed list of words for one fact, each with what people read.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $first:ident = $first_word:literal, $first_means:literal;
        $($variant:ident = $word:literal, $means:literal;)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            #[doc = $first_means]
            #[default]
            $first,
            $(#[doc = $means] $variant,)*
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    Self::$first => $first_word,
                    $(Self::$variant => $word,)*
                })
            }
        }
    };
}

words! {
    /// Whether the receipt holds together by itself.
    Formed {
        NotWellFormed = "not well-formed", "It does not, or that was not reached.";
        WellFormed = "well-formed",
            "Signatures, statement and every rule that needs the receipt alone hold.";
    }
}

words! {
    /// Whether a log holds the receipt.
    Placed {
        NotShown = "not shown to be in a log", "No log is shown to hold it.";
        InItsOwnLog = "in a log that it names itself",
            "A log holds it, whose key comes from the bundle alone.";
        ByARetiredKey = "in the log, by the word of a retired key",
            "The trusted log's root key has retired the key that says so, and nothing shows that it said so before.";
        InTheLog = "in the log", "The log that the reader trusts holds it.";
    }
}

words! {
    /// Whether the log's own fold counts the receipt: an entry that breaks a rule stays in the log.
    Counted {
        NotShown = "counted: not shown", "Nothing shows what the fold said.";
        Stated = "counted: the log's word",
            "The log's state does not refuse it, and no rule that rows answer speaks against it.";
        Shown = "counted: shown", "Every rule was answered by rows of the log's state.";
        Recomputed = "counted: recomputed", "The log was folded here.";
    }
}

words! {
    /// Whether a chain holds the log's head.
    Anchored {
        NotAnchored = "not anchored", "The bundle has no anchor, or none that holds.";
        NotPlaced = "not placed", "An anchor in a block of which nobody said that it is on the chain.";
        Anchored = "anchored", "An anchor in a block that the reader named, or that so many of its nodes have as it asked for.";
    }
}

words! {
    /// Whether an anchor is where the log says that it is anchored.
    Declared {
        NotShown = "what the log declares about it: not shown",
            "Nothing shows what the log declares about its anchors, or there is no anchor.";
        Nothing = "the log declares no place for it",
            "The log declares nothing, so that its operator could anchor another history elsewhere.";
        There = "where the log declares it", "On the chain, in the contract and by the publisher that the log declares.";
    }
}

words! {
    /// Whether the claimed computation was repeated.
    Reexecuted {
        NothingToRun = "nothing to re-execute", "The receipt names no program.";
        NotReexecuted = "not re-executed", "Nobody ran its program here.";
        ClaimedNotRecomputed = "claimed, not recomputed",
            "Its program reads what the signer wrote about the log.";
        Reexecuted = "re-executed", "Its program was run here and gave the same, or the proof that it carries was checked here.";
    }
}

words! {
    /// Whether hardware vouches for the receipt, and under whose root.
    Attested {
        NotAttested = "not attested", "The receipt claims no attestation, or none that holds.";
        NotAppraised = "not appraised", "A quote is named, and nobody appraised it.";
        Development = "attested under development trust", "Under a root whose key anyone may hold.";
        Production = "attested under production trust", "Under the maker's root.";
    }
}

words! {
    /// Whether what the receipt says of a chain was shown there.
    OnChain {
        NotSaid = "nothing said of a chain", "It says nothing of a chain, or that was not reached.";
        Claimed = "on chain: the signer's word", "Nothing shows it, or what should show it was not looked at.";
        Unvouched = "on chain: by a contract that anybody can have made",
            "A contract holds it, and neither its address nor the reader says that it is more than its maker's word.";
        NotPlaced = "on chain: proven, not placed", "A block's state holds it, and nobody said that the block is on the chain.";
        Shown = "on chain: shown", "A block's state holds it, which the reader named, or that so many of its nodes have as it asked for.";
    }
}

words! {
    /// Whether witnesses that the reader named have cosigned the log's head.
    Witnessed {
        NotAsked = "no witnesses named", "The reader named none, and nobody but the log signed.";
        NotYours = "not witnessed by a policy of yours",
            "Others signed the head, and the reader named no policy that says who they are.";
        NoQuorum = "not witnessed: the policy asks for none",
            "The reader's policy has `quorum none`.";
        Witnessed = "witnessed", "The quorum of the reader's policy has cosigned the head.";
    }
}

/// What a verification has shown, in one word for each fact.
///
/// Each begins as what claims least; only the check that shows more sets another word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Words {
    /// Whether the receipt holds together by itself.
    pub formed: Formed,
    /// Whether a log holds it.
    pub placed: Placed,
    /// Whether the log's fold counts it.
    pub counted: Counted,
    /// Whether a chain holds the log's head.
    pub anchored: Anchored,
    /// Whether that is where the log declares it.
    pub declared: Declared,
    /// Whether the claimed computation was repeated.
    pub reexecuted: Reexecuted,
    /// Whether hardware vouches for it.
    pub attested: Attested,
    /// Whether witnesses of the reader's have cosigned the log's head.
    pub witnessed: Witnessed,
    /// Whether what it says of a chain was shown there.
    pub on_chain: OnChain,
}

impl Words {
    /// Takes back what rests on a head that is a retired key's word.
    pub(crate) fn by_retired_key(&mut self) {
        self.placed = self.placed.min(Placed::ByARetiredKey);
        if self.counted == Counted::Shown {
            self.counted = Counted::Stated;
        }
    }

    /// Takes back what rests on a check that failed.
    pub(crate) fn forget_from(&mut self, check: Check) {
        let least = Self::default();
        match check {
            Check::Format | Check::Envelope | Check::Statement => *self = least,
            Check::Inclusion | Check::Checkpoint => *self = Self { formed: self.formed, ..least },
            Check::Agent => {
                let Self { formed, placed, witnessed, .. } = *self;
                *self = Self { formed, placed, witnessed, ..least };
            }
            Check::Anchor => {
                (self.anchored, self.declared) = (least.anchored, least.declared);
            }
            Check::Attestation => self.attested = least.attested,
            Check::Evidence => {
                (self.reexecuted, self.on_chain) = (Reexecuted::NotReexecuted, least.on_chain);
            }
        }
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { formed, placed, counted, anchored, declared, .. } = self;
        let Self { reexecuted, attested, witnessed, on_chain, .. } = self;
        write!(f, "{formed}; {placed}; {counted}; {anchored}")?;
        match anchored {
            Anchored::NotAnchored => {}
            Anchored::NotPlaced | Anchored::Anchored => write!(f, " ({declared})")?,
        }
        write!(f, "; {reexecuted}; {attested}")?;
        match on_chain {
            OnChain::NotSaid => {}
            OnChain::Claimed | OnChain::Unvouched | OnChain::NotPlaced | OnChain::Shown => {
                write!(f, "; {on_chain}")?;
            }
        }
        match witnessed {
            Witnessed::NotAsked => Ok(()),
            Witnessed::NotYours | Witnessed::NoQuorum | Witnessed::Witnessed => {
                write!(f, "; {witnessed}")
            }
        }
    }
}
