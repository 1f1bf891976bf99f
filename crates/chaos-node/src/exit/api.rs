//! What a refusal to publish, mirror, watch or mend means for the exit code.

use chaos_api::{ExportError, MirrorError, MonitorError, PublishError, RepairError, SourceError};
use chaos_store::OpenError;

use super::{Failure, Kind, UNREADABLE};

/// What puts right the lines of witnesses below a kept head, or whose they are.
const COSIGNERS: &str = "`chaoschain log repair --from SOURCE` puts a line right or takes the source's, `chaoschain log checkpoint` \
     asks the witnesses again, with --log-policy FILE where the log's policy is damaged";

impl From<PublishError> for Failure {
    fn from(error: PublishError) -> Self {
        let hint = match &error {
            PublishError::Exchanged { .. } => {
                Some("start it again, so that it opens the directory that is there now")
            }
            PublishError::Open(_) | PublishError::Store(_) | PublishError::Blob(_) => {
                Some(UNREADABLE)
            }
            PublishError::Cosigners(_) => Some(COSIGNERS),
            _ => None,
        };
        with(Self::new(Kind::Storage, error), hint)
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        let (kind, hint) = match &error {
            ExportError::Unsigned => {
                (Kind::Input, Some("`chaoschain log checkpoint` signs one, with the log's key"))
            }
            ExportError::Foreign(_) => (
                Kind::Input,
                Some(
                    "export into a folder of its own; if it is this log's and the file `checkpoint` in it is \
                     damaged, remove that file",
                ),
            ),
            ExportError::Within { .. }
            | ExportError::DataDirectory { .. }
            | ExportError::Witness { .. } => (Kind::Input, Some("export into a folder of its own")),
            ExportError::Ahead { .. } | ExportError::Root { .. } => (
                Kind::Check,
                Some("the folder shows what was published; find out what happened to this log"),
            ),
            ExportError::Publish(PublishError::Cosigners(_)) => (Kind::Storage, Some(COSIGNERS)),
            ExportError::Publish(_) | ExportError::Write { .. } | ExportError::Read(_) => {
                (Kind::Storage, None)
            }
        };
        with(Self::new(kind, error), hint)
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        Self::new(of_source(&error), error)
    }
}

const fn of_source(error: &SourceError) -> Kind {
    match error {
        SourceError::Url { .. } => Kind::Input,
        SourceError::Client(_)
        | SourceError::Absent { .. }
        | SourceError::Status { .. }
        | SourceError::Http { .. }
        | SourceError::File { .. }
        | SourceError::Data { .. } => Kind::Outside,
        SourceError::Encoded { .. } | SourceError::TooLong { .. } => Kind::Check,
    }
}

/// What whoever meets it can do.
const fn hint_of(error: &MirrorError) -> Option<&'static str> {
    match error {
        MirrorError::NoKey => {
            Some("--log names it; the log's operator prints it with `chaoschain log checkpoint`")
        }
        MirrorError::Repeated { .. } => Some(
            "its operator signed that, and the log's rules refuse it (receipt-repeated): a copy has \
             one place for a receipt. What stands before the second is copied and checked, nothing \
             after it is; ask the operator, whose log ends here for everybody who copies it",
        ),
        MirrorError::NoMirror | MirrorError::Published { .. } => Some(
            "a copy is made by `chaoschain log mirror URL DIR --log KEY`, in a new directory of its own",
        ),
        MirrorError::OtherLog { .. } => {
            Some("a directory holds the copy of one log; name a new one for another log's")
        }
        MirrorError::Fork(_) => Some(
            "nothing more is stored; `chaoschain log findings DIR` names the proof and says how to go on",
        ),
        MirrorError::NotHeld { .. } => {
            Some("nothing was stored; a source with a head by the key in force shows it")
        }
        MirrorError::Decided(_) => Some(
            "nothing of it is stored, and the copy goes on with the log itself: name a source that has it",
        ),
        MirrorError::Place { .. } => Some(
            "nothing was stored; whoever publishes this rewrote the log, or `keys` there is of another log: \
             ask the log's owner, and name another source",
        ),
        MirrorError::KeptPlace(_) => Some(
            "nothing was stored. Either this copy was made from whoever has the key that was replaced, or who \
             publishes now rewrote the log: ask the log's owner, and if the copy is the false one make another \
             in a new folder",
        ),
        MirrorError::NotRoot { .. } => Some(
            "nothing was stored; --log takes the root key, from somebody whom you trust: it names the \
             log for ever, and the later keys follow from it",
        ),
        MirrorError::NoKeys(_) => Some(
            "a log whose root key has handed its checkpoints on publishes `keys`: ask a source that \
             has it, as `chaoschain log serve` and `log export` have; if none has, --log names another \
             log's key",
        ),
        MirrorError::LostKey { .. } => {
            Some("--log-policy names witnesses whose quorum says which history it is")
        }
        MirrorError::Open(OpenError::Foreign { .. }) => {
            Some("move that file away: the next round makes the copy anew")
        }
        MirrorError::Source(SourceError::Absent { .. })
        | MirrorError::Root { .. }
        | MirrorError::Parent { .. }
        | MirrorError::LeafTile { .. }
        | MirrorError::Tile { .. }
        | MirrorError::Width { .. } => Some(
            "name another copy of the log, or ask who publishes this one to publish it anew (`chaoschain \
             log export --check`, `log serve`)",
        ),
        MirrorError::NotFound { .. } => Some("`chaoschain log findings DIR` lists what stands"),
        MirrorError::Rollback { .. } => {
            Some("nothing was stored; an older answer may be a cache's, or entries are gone")
        }
        kept => of_kept(kept),
    }
}

/// The same of what lies in the copy itself.
const fn of_kept(error: &MirrorError) -> Option<&'static str> {
    match error {
        MirrorError::KeptUnsigned { .. } => Some(
            "what is kept here was changed, or is of another log: move the directory away and make the copy anew",
        ),
        MirrorError::KeptKeys(_) => Some(
            "the next round of `chaoschain log mirror` or `log monitor`, and `chaoschain log repair`, take it from the source \
             anew",
        ),
        MirrorError::KeptLeaf { .. } => Some(UNREADABLE),
        MirrorError::RecordedFindings(_) | MirrorError::RecordedFork(_) => Some(
            "what this copy has found in its log cannot be read: make a new copy in another directory by \
             `chaoschain log mirror SOURCE DIR --log KEY`, which finds it again; what was kept against the log is in the \
             folder `alarms` of this one, and what was accepted is accepted anew",
        ),
        _ => None,
    }
}

impl From<MirrorError> for Failure {
    fn from(error: MirrorError) -> Self {
        let hint = hint_of(&error);
        let kind = match &error {
            // Whether a monitor or a mirror meets it, it is one fault.
            error
                if error.is_contradiction()
                    && !matches!(error, MirrorError::Fork(_) | MirrorError::Decided(_)) =>
            {
                Kind::Check
            }
            MirrorError::Source(error) => of_source(error),
            MirrorError::Open(_) | MirrorError::Store(_) | MirrorError::Ledger(_) => Kind::Storage,
            MirrorError::NoKey
            | MirrorError::NoMirror
            | MirrorError::Published { .. }
            | MirrorError::NotFound { .. }
            | MirrorError::NotRoot { .. }
            | MirrorError::OtherLog { .. } => Kind::Input,
            MirrorError::RecordedKey(_)
            | MirrorError::RecordedCheckpoint(_)
            | MirrorError::Recorded(_)
            | MirrorError::RecordedFork(_)
            | MirrorError::RecordedFindings(_)
            | MirrorError::KeptUnsigned { .. }
            | MirrorError::KeptKeys(_)
            | MirrorError::KeptLeaf { .. }
            | MirrorError::Alarm { .. }
            | MirrorError::Stopped => Kind::Storage,
            MirrorError::Fork(_) | MirrorError::Decided(_) | MirrorError::ForkLost { .. } => {
                Kind::Fork
            }
            MirrorError::Slow { .. } | MirrorError::NotHeld { .. } => Kind::Outside,
            _ => Kind::Check,
        };
        with(Self::new(kind, error), hint)
    }
}

impl From<MonitorError> for Failure {
    fn from(error: MonitorError) -> Self {
        match error {
            MonitorError::Mirror(error) => error.into(),
            MonitorError::Alarm { .. } => Self::new(Kind::Storage, error),
        }
    }
}

impl From<RepairError> for Failure {
    fn from(error: RepairError) -> Self {
        match error {
            RepairError::Source(error) => Self::from(*error).context("cannot mend from the source"),
            RepairError::Ledger(error) => error.into(),
            RepairError::Checkpoint(_) => Self::new(Kind::Check, error).hint(UNREADABLE),
            RepairError::SourceBefore { .. } => Self::new(Kind::Check, error).hint(
                "the source ends before the log's last rotation, or does not publish `keys`; mend from a copy \
                 that reaches as far as what was signed here",
            ),
            RepairError::KeysAhead { .. } => Self::new(Kind::Check, error).hint(
                "nothing was changed; mend from a copy that reaches the last rotation. If that was never \
                 published and no copy has it, move keys/operator.log.pem out of the data directory and put \
                 the newest keys/operator.log.retired-*.pem in its place",
            ),
            RepairError::NotShown { .. } => Self::new(Kind::Check, error).hint(
                "mend from a copy that reaches as far as what was signed here",
            ),
            RepairError::Differs { is_known: false, .. } => Self::new(Kind::Storage, error).hint(
                "keep this directory: what is in it may show what the log signed. Ask those who have its heads (its \
                 witnesses, other copies, chains that it is anchored in) which of the two it signed; \
                 `chaoschain log mirror SOURCE DIR --log KEY` into another directory copies what the source has",
            ),
            RepairError::Differs { .. } => Self::new(Kind::Storage, error).hint(
                "to go on with what the log signed, move chaoschain.sqlite out of the data directory, together with \
                 chaoschain.sqlite-wal and chaoschain.sqlite-shm where they lie there, and run this again: the log \
                 comes from the source and the keys stay. What only this directory has is in the files that were \
                 moved",
            ),
            RepairError::Forked { ref kept, .. } => {
                let hint = kept.as_ref().ok().map(|file| {
                    let file = file.display();
                    format!(
                        "nothing was changed; the proof is in {file}, and `chaoschain verify {file}` shows it to \
                         anybody"
                    )
                });
                let failure = Self::new(Kind::Fork, error).context("cannot mend from the source");
                match hint {
                    Some(hint) => failure.hint(hint),
                    None => failure,
                }
            }
            RepairError::Open(_) | RepairError::Store(_) | RepairError::Blob(_) => {
                Self::new(Kind::Storage, error).hint(UNREADABLE)
            }
        }
    }
}

fn with(failure: Failure, hint: Option<&str>) -> Failure {
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
