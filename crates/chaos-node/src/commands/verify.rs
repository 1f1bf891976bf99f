//! `chaoschain verify`.

mod print;

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use chaos_attestation::{Anchor, WorkloadId, Workloads};
use chaos_log::{Policy, VerifierKey};
use chaos_programs::{
    ChainView, LogCopy, Reader,
    appraisal::{Appraiser, known_anchors},
    bundle_files::{Source, read_all},
    check, policy,
    reexecution::{Inputs, ensure_known},
};
use chaos_types::{Code, Rejection};
use chaos_verify::{Fault, Fork, Heads, Options, ProvedFork, Report, verify_fork};

use crate::{
    args::{Required, VerifyArgs},
    clock,
    commands::witness,
    exit::{Failure, Kind, OrFail as _},
    kinds::KINDS,
    narration::Terminal,
    output,
};

pub(crate) fn run(args: &VerifyArgs) -> Result<ExitCode, Failure> {
    let verifier = Verifier::new(args)?;
    let mut found: Vec<Found> = read_all(&args.files, &mut io::stdin().lock())
        .into_iter()
        .map(|source| verifier.look_at(source))
        .collect();
    let forked = hold_heads_together(&mut found);
    for found in &found {
        print::one(found, args.json)?;
    }
    if !args.json && found.len() > 1 {
        print::sum(&found);
    }
    if args.log_dir.is_some() && found.iter().any(Found::lacks_an_input) {
        output::hint(
            "a copy of a log has what its receipts name only if it was fetched: `chaoschain log \
             repair --from URL --data DIR` fetches what the log publishes",
        );
    }
    let any = |is: fn(&Found) -> bool| found.iter().any(is);
    Ok(if forked {
        ExitCode::from(Kind::Fork as u8)
    } else if any(Found::is_refused) {
        ExitCode::from(Kind::Check as u8)
    } else if any(|found| found.content.is_err()) {
        ExitCode::from(Kind::Input as u8)
    } else {
        ExitCode::SUCCESS
    })
}

/// What was found in one file.
struct Found {
    /// The file, as people read it.
    name: String,
    /// What it holds, or why it could not be read.
    content: Result<Content, Failure>,
}

/// What a file holds.
enum Content {
    /// A bundle, or what should be one.
    Bundle(Box<Checked>),
    /// A file that says that it proves a fork; the proof if it does.
    Fork(Result<Box<ProvedFork>, Rejection>),
}

/// What was found of a bundle.
struct Checked {
    report: Report,
    /// What was required and is not shown, by the requirement's name.
    lacks: Vec<(&'static str, Rejection)>,
}

impl Checked {
    const fn is_accepted(&self) -> bool {
        self.report.result.is_ok() && self.lacks.is_empty()
    }

    /// Refuses a bundle by what was learnt beside it.
    fn reject(&mut self, rejection: Rejection) {
        self.report.reject(rejection);
        self.lacks.clear();
    }
}

impl Found {
    const fn is_accepted(&self) -> bool {
        matches!(&self.content, Ok(Content::Bundle(checked)) if checked.is_accepted())
    }

    const fn is_fork(&self) -> bool {
        matches!(&self.content, Ok(Content::Fork(Ok(_))))
    }

    fn lacks_an_input(&self) -> bool {
        let Ok(Content::Bundle(checked)) = &self.content else { return false };
        let missing = Code::from(Fault::InputMissing);
        matches!(&checked.report.result, Err(rejection) if rejection.code == missing)
    }

    const fn is_refused(&self) -> bool {
        self.content.is_ok() && !self.is_accepted() && !self.is_fork()
    }
}

/// Heads of one log that cannot both be honest refuse whatever was proved under them.
fn hold_heads_together(found: &mut [Found]) -> bool {
    let mut heads = Heads::default();
    let (mut forks, mut is_proved) = (Vec::new(), false);
    for Found { name, content } in &*found {
        match content {
            Ok(Content::Bundle(checked)) => {
                let head = checked.report.head.as_ref();
                forks.extend(head.and_then(|head| heads.see(head, name).err()));
            }
            Ok(Content::Fork(Ok(proof))) => {
                heads.accuse(proof, name);
                is_proved = true;
            }
            Ok(Content::Fork(Err(_))) | Err(_) => {}
        }
    }
    for Found { name, content } in found {
        let Ok(Content::Bundle(checked)) = content else { continue };
        let named = |fork: &&Fork| fork.heads.iter().any(|(whose, _)| whose == name);
        let rejection = forks.iter().map(AsRef::as_ref).find(named).map(Fork::rejection);
        let accused = || checked.report.head.as_ref().and_then(|head| heads.rejection(head));
        if let Some(rejection) = rejection.or_else(accused) {
            checked.reject(rejection);
        }
    }
    is_proved || !forks.is_empty()
}

/// Everything that the command line says about how to verify.
struct Verifier<'a> {
    args: &'a VerifyArgs,
    trusted: Option<VerifierKey>,
    policy: Option<Policy>,
    copy: Option<LogCopy>,
    appraiser: Appraiser,
}

impl<'a> Verifier<'a> {
    fn new(args: &'a VerifyArgs) -> Result<Self, Failure> {
        let trusted = args.log.clone();
        let policy = args.log_policy.as_deref().map(witness::policy).transpose()?;
        for folder in &args.inputs {
            fs::read_dir(folder)
                .with_context(|| format!("--inputs: cannot read the folder {}", folder.display()))
                .or_fail(Kind::Input)?;
        }
        let copy = match &args.log_dir {
            Some(dir) => Some(LogCopy::open(dir, KINDS)?),
            None => None,
        };
        Ok(Self { args, trusted, policy, copy, appraiser: appraiser(args)? })
    }

    fn look_at(&self, source: Source) -> Found {
        let Source { name, bytes, path } = source;
        let content = bytes.map_err(Failure::from).map(|bytes| {
            if ProvedFork::is_claimed_by(&bytes) {
                return Content::Fork(self.verify_fork(&bytes));
            }
            let report = self.verify(&bytes, path.as_deref());
            let lacks = self.lacks(&report);
            Content::Bundle(Box::new(Checked { report, lacks }))
        });
        Found { name, content }
    }

    fn verify_fork(&self, bytes: &[u8]) -> Result<Box<ProvedFork>, Rejection> {
        let (log, policy) = (self.trusted.as_ref(), self.policy.as_ref());
        verify_fork(bytes, &Options { log, policy, ..Options::default() }).map(Box::new)
    }

    fn verify(&self, bytes: &[u8], path: Option<&Path>) -> Report {
        let inputs = self.args.reexecute.then(|| Inputs::new(self.folders(path)));
        let chain = ChainView { blocks: &self.args.block_hash, contract: self.args.contract };
        check(
            bytes,
            Reader {
                log: self.trusted.as_ref(),
                policy: self.policy.as_ref(),
                now_ms: Some(clock::now_ms()),
                copy: self.copy.as_ref(),
                kinds: KINDS,
                chain,
            },
            &self.appraiser,
            inputs.as_ref(),
            &Terminal::default(),
        )
    }

    /// Where inputs are looked up: in the named folders, or in the one above the bundle's.
    fn folders(&self, path: Option<&Path>) -> Vec<PathBuf> {
        if !self.args.inputs.is_empty() {
            return self.args.inputs.clone();
        }
        let above = path
            .and_then(|path| path.canonicalize().ok())
            .and_then(|path| Some(path.parent()?.parent()?.to_owned()));
        above.into_iter().collect()
    }

    fn lacks(&self, report: &Report) -> Vec<(&'static str, Rejection)> {
        let lacks = self.args.require.iter().filter_map(|required| {
            let shown = required.requirement(self.args).ensure(report);
            // That a receipt names a program does not mean that there is one.
            let shown = shown.and_then(|()| match (required, &report.result) {
                (Required::Replayable, Ok(receipt)) => ensure_known(receipt),
                _ => Ok(()),
            });
            Some((required.name(), shown.err()?))
        });
        lacks.collect()
    }
}

/// The trust anchors and the policy that the command line names.
fn appraiser(args: &VerifyArgs) -> Result<Appraiser, Failure> {
    let mut anchors = known_anchors();
    for path in &args.root {
        let der = fs::read(path)
            .with_context(|| format!("cannot read {}", path.display()))
            .or_fail(Kind::Input)?;
        let anchor = Anchor::from_root(&der).or_fail(Kind::Input);
        anchors.push(anchor.map_err(|failure| failure.context(path.display()))?);
    }
    let policy = args.policy.as_deref().map(policy::named).transpose()?;
    let workloads: BTreeSet<WorkloadId> = args.workload.iter().copied().collect();
    let allowed = (!workloads.is_empty()).then(|| Box::new(workloads) as Box<dyn Workloads>);
    Ok(Appraiser::new(anchors, policy, allowed))
}
