//! `chaoschain verify`.

mod print;
mod source;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use chaos_attestation::{Anchor, WorkloadId, Workloads};
use chaos_log::VerifierKey;
use chaos_programs::{
    ChainView, LogCopy, Reader,
    appraisal::{Appraiser, known_anchors},
    check, policy,
    reexecution::Inputs,
};
use chaos_types::Rejection;
use chaos_verify::{Heads, Report};

use self::source::Source;
use crate::{
    args::VerifyArgs,
    exit::{Failure, Kind, OrFail as _},
    kinds::KINDS,
    narration::Terminal,
};

pub(crate) fn run(args: &VerifyArgs) -> Result<ExitCode, Failure> {
    let verifier = Verifier::new(args)?;
    let mut found: Vec<Found> =
        source::of(&args.files).into_iter().map(|source| verifier.look_at(source)).collect();
    let forked = hold_heads_together(&mut found);
    for found in &found {
        print::one(found, args.json)?;
    }
    if !args.json && found.len() > 1 {
        print::sum(&found);
    }
    let any = |is: fn(&Found) -> bool| found.iter().any(is);
    Ok(if forked {
        ExitCode::from(Kind::Fork as u8)
    } else if any(Found::is_refused) {
        ExitCode::from(Kind::Check as u8)
    } else if any(|found| found.report.is_err()) {
        ExitCode::from(Kind::Input as u8)
    } else {
        ExitCode::SUCCESS
    })
}

/// What was found of one bundle.
struct Found {
    /// The file, as people read it.
    name: String,
    /// The report, or why there is none.
    report: Result<Report, Failure>,
    /// What was required and is not shown, by the requirement's name.
    lacks: Vec<(&'static str, Rejection)>,
}

impl Found {
    const fn is_accepted(&self) -> bool {
        matches!(&self.report, Ok(report) if report.result.is_ok()) && self.lacks.is_empty()
    }

    const fn is_refused(&self) -> bool {
        self.report.is_ok() && !self.is_accepted()
    }
}

/// Heads of one log that cannot both be honest refuse whatever was proved under them.
fn hold_heads_together(found: &mut [Found]) -> bool {
    let mut heads = Heads::default();
    let mut forks = Vec::new();
    for found in &*found {
        let head = found.report.as_ref().ok().and_then(|report| report.head.as_ref());
        forks.extend(head.and_then(|head| heads.see(head, &found.name).err()));
    }
    for fork in &forks {
        for Found { name, report, lacks } in &mut *found {
            let Ok(report) = report else { continue };
            if fork.heads.iter().any(|(whose, _)| whose == name) {
                report.reject(fork.rejection());
                lacks.clear();
            }
        }
    }
    !forks.is_empty()
}

/// Everything that the command line says about how to verify.
struct Verifier<'a> {
    args: &'a VerifyArgs,
    trusted: Option<VerifierKey>,
    copy: Option<LogCopy>,
    appraiser: Appraiser,
}

impl<'a> Verifier<'a> {
    fn new(args: &'a VerifyArgs) -> Result<Self, Failure> {
        let trusted = match &args.log {
            Some(text) => Some(
                text.parse::<VerifierKey>()
                    .or_fail(Kind::Input)
                    .map_err(|failure| failure.context("--log"))?,
            ),
            None => None,
        };
        for folder in &args.inputs {
            fs::read_dir(folder)
                .with_context(|| format!("--inputs: cannot read the folder {}", folder.display()))
                .or_fail(Kind::Input)?;
        }
        let copy = match &args.log_dir {
            Some(dir) => Some(LogCopy::open(dir, KINDS)?),
            None => None,
        };
        Ok(Self { args, trusted, copy, appraiser: appraiser(args)? })
    }

    fn look_at(&self, source: Source) -> Found {
        let Source { name, bytes, path } = source;
        let report = bytes.map(|bytes| self.verify(&bytes, path.as_deref()));
        let lacks = match &report {
            Ok(report) => self.lacks(report),
            Err(_) => Vec::new(),
        };
        Found { name, report, lacks }
    }

    fn verify(&self, bytes: &[u8], path: Option<&Path>) -> Report {
        let inputs = self.args.reexecute.then(|| Inputs::new(self.folders(path)));
        let chain = ChainView { blocks: &self.args.block_hash, contract: self.args.contract };
        check(
            bytes,
            Reader { log: self.trusted.as_ref(), copy: self.copy.as_ref(), kinds: KINDS, chain },
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
            let rejection = required.requirement(self.args).ensure(report).err()?;
            Some((required.name(), rejection))
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
