//! `chaoschain verify`.

mod copy;
mod print;
mod together;

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use chaos_agency::{Action, forks};
use chaos_api::KeptAlarm;
use chaos_attestation::{Anchor, WorkloadId, Workloads};
use chaos_chains::place::Nodes;
use chaos_governance::receipts::RunStudy;
use chaos_log::{Policy, VerifierKey};
use chaos_programs::{
    ChainView, LogCopy, Reader,
    appraisal::{Appraiser, known_anchors},
    bundle_files::{Source, is_read_in_a_folder, read_all, study_folder},
    check, policy,
    reexecution::{Inputs, ensure_known},
};
use chaos_types::{ChainId, Check, Code, Digest, Rejection};
use chaos_verify::{Fault, Head, Options, ProvedFork, Report, TreesProof};

use crate::{
    args::{Required, VerifyArgs},
    clock,
    commands::{policy::LogPolicy, sending::NodesAt, write_file},
    exit::{Failure, Kind, OrFail as _},
    kinds::KINDS,
    narration::Terminal,
    output,
};

pub(crate) fn run(args: &VerifyArgs) -> Result<ExitCode, Failure> {
    if args.files.iter().filter(|file| file.as_os_str() == "-").count() > 1 {
        return Err(Failure::message(
            Kind::Input,
            "`-` is one file, and standard input is read once",
        ));
    }
    let verifier = Verifier::new(args)?;
    let mut found: Vec<Found> = read_all(&args.files, &mut io::stdin().lock())
        .into_iter()
        .map(|source| verifier.look_at(source))
        .collect();
    tell_passed_over(&args.files);
    let reported = verifier.reported(&found);
    let beside = together::Beside { copy: verifier.copy.as_ref(), reported: &reported };
    let together::Held { forked, unread } = together::hold(&mut found, &verifier.trust(), beside);
    // What was found is told whether it could be kept or not, and is graver than that it was not.
    let kept = keep_proofs(&mut found, args.keep_forks.as_deref());
    for found in &mut found {
        if let Ok(Content::Bundle(checked)) = &mut found.content {
            checked.lacks = verifier.lacks(&checked.report);
        }
    }
    let is_copy_unread = unread.is_some();
    verifier.tell_unread(unread);
    for found in &found {
        print::one(found, args.json)?;
    }
    if !args.json && found.len() > 1 {
        print::sum(&found);
    }
    let is_unkept = kept.map_err(|failure| failure.report()).is_err();
    tell_what_to_do(args, &found);
    Ok(code(&found, forked, is_copy_unread || is_unkept))
}

/// Says what would show more.
fn tell_what_to_do(args: &VerifyArgs, found: &[Found]) {
    if args.keep_forks.is_some() && found.iter().any(Found::is_forked_without_proof) {
        output::say(
            "no proof was kept of a fork that two files show, or a copy that ends before the bundle's head: \
             --keep-forks writes what a bundle and a copy prove that reaches as far",
        );
    }
    if args.log_dir.is_some() && found.iter().any(Found::lacks_an_input) {
        output::hint(
            "a copy of a log has what its receipts name only if it was fetched: `chaoschain log \
             repair --from URL --data DIR` fetches what the log publishes",
        );
    }
    if found.iter().any(|found| found.is_not_compared() && !found.is_copy_unread()) {
        output::hint(
            "the copy ends before the head of a bundle: `chaoschain log mirror SOURCE DIR` brings it up",
        );
    }
    if !args.block_hash.is_empty() && args.chain.is_none() && found.iter().any(Found::is_too_old) {
        output::hint(
            "if you know the hash to be of a development chain, whose clock bounds nothing, name that chain: \
             `--chain eip155:31337`",
        );
    }
}

/// The gravest of what was found.
fn code(found: &[Found], forked: bool, is_storage: bool) -> ExitCode {
    let any = |is: fn(&Found) -> bool| found.iter().any(is);
    if forked {
        ExitCode::from(Kind::Fork as u8)
    } else if any(Found::is_refused) {
        ExitCode::from(Kind::Check as u8)
    } else if is_storage {
        ExitCode::from(Kind::Storage as u8)
    } else if any(|found| found.content.is_err() || found.is_undecided())
        || any(|found| found.is_alarm() && found.is_named)
        || found.iter().all(Found::is_alarm)
    {
        ExitCode::from(Kind::Input as u8)
    } else {
        ExitCode::SUCCESS
    }
}

/// Says what of the named folders was not looked at: a proof may lie there.
fn tell_passed_over(files: &[PathBuf]) {
    for folder in files {
        if let Ok(Some(study)) = study_folder(folder) {
            output::say(format_args!(
                "{}: a study, {} as its manifest.json says. The receipt names result.json; pages and tables beside it \
                 follow from that and are not signed",
                folder.display(),
                output::count(study.files as u64, "file is", "files are")
            ));
            continue;
        }
        let Ok(entries) = fs::read_dir(folder) else { continue };
        let (folders, others): (Vec<PathBuf>, Vec<PathBuf>) = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.is_dir() || !is_read_in_a_folder(path))
            .partition(|path| path.is_dir());
        if folders.is_empty() && others.is_empty() {
            continue;
        }
        output::say(format_args!(
            "{}: not looked at: {} and {} that end neither with .json nor with .fork",
            folder.display(),
            output::count(folders.len() as u64, "folder within it", "folders within it"),
            output::count(others.len() as u64, "file", "files"),
        ));
    }
}

/// What was found in one file.
struct Found {
    /// The file, as people read it.
    name: String,
    /// What it holds, or why it could not be read.
    content: Result<Content, Failure>,
    /// Whether it was named itself, and not a folder that it lies in.
    is_named: bool,
}

/// What a file holds.
enum Content {
    /// A bundle, or what should be one.
    Bundle(Box<Checked>),
    /// A file that says that it proves a fork; the proof if it does.
    Fork(Result<Box<Forked>, Rejection>),
    /// What a monitor wrote down beside a proof, or without one: there is nothing to verify.
    Alarm(KeptAlarm),
}

/// A proof of a fork.
struct Forked {
    proof: ProvedFork,
    /// The root key of the log, as far as anything shows it.
    root: VerifierKey,
    /// The entry that retired the key which the proof is about, as far as anything shows it. Then it is the
    /// owner's or a thief's, and no fork of the log.
    retired_since: Option<u64>,
    /// Two delegations of one number that the log's root key signed, if anything shows such.
    split: Option<String>,
}

/// What was found of a bundle.
struct Checked {
    report: Report,
    /// What was required and is not shown, by the requirement's name.
    lacks: Vec<(&'static str, Rejection)>,
    /// The fork that it proves together with the reader's copy of the log.
    fork: Option<Kept>,
    /// Why the reader's copy of the log was not read for it, so that it was judged without.
    unread: Option<Rejection>,
}

/// A proof that was made here.
struct Kept {
    proof: ProvedFork,
    /// Where it was written, if that was asked for.
    path: Option<PathBuf>,
}

impl Checked {
    const fn is_accepted(&self) -> bool {
        self.report.result.is_ok() && self.lacks.is_empty()
    }

    /// The fork that the receipt reports, if it is a report.
    fn reported(&self) -> Option<ProvedFork> {
        match &self.report.result.as_ref().ok()?.action {
            Action::ReportFork(report) => forks::read(report)
                .ok()
                .map(|proof| ProvedFork::Trees(Box::new(TreesProof::new(proof)))),
            _ => None,
        }
    }

    /// Whether all that speaks against it is that its program could not be run here for want of an input.
    fn lacks_an_input(&self) -> bool {
        let follows = Code::from(Fault::NotReexecuted);
        self.report.lacks_an_input() && self.lacks.iter().all(|(_, lack)| lack.code == follows)
    }

    /// Whether nothing speaks against it but that the reader's copy of the log ends before its head, or cannot
    /// be read.
    fn is_not_compared(&self) -> bool {
        self.is_rejected_as(Fault::LogCopyBehind) || self.is_copy_unread()
    }

    fn is_copy_unread(&self) -> bool {
        self.is_rejected_as(Fault::LogCopyUnread)
    }

    fn is_rejected_as(&self, fault: Fault) -> bool {
        self.report.result.as_ref().is_err_and(|rejection| rejection.code == Code::from(fault))
    }

    /// Whether it was asked for what is required: of what was rejected nothing is.
    fn is_asked(&self) -> bool {
        self.report.result.is_ok() || self.report.lacks_an_input()
    }

    /// How it ended, in a word: what was asked for and could not be done is no success, and no refusal.
    fn verdict(&self) -> &'static str {
        if self.is_accepted() {
            "accepted"
        } else if self.lacks_an_input() {
            "not re-executed"
        } else if self.is_not_compared() {
            "not compared"
        } else {
            "rejected"
        }
    }

    /// Refuses a bundle by what was learnt beside it.
    fn reject(&mut self, rejection: Rejection) {
        self.report.reject(rejection);
    }
}

impl Found {
    const fn is_accepted(&self) -> bool {
        matches!(&self.content, Ok(Content::Bundle(checked)) if checked.is_accepted())
    }

    const fn is_alarm(&self) -> bool {
        matches!(&self.content, Ok(Content::Alarm(_)))
    }

    const fn is_fork(&self) -> bool {
        matches!(&self.content, Ok(Content::Fork(Ok(_))))
    }

    /// Whether it proves what a retired key did, which is no fork of the log.
    fn is_about_a_retired_key(&self) -> bool {
        matches!(&self.content, Ok(Content::Fork(Ok(forked))) if forked.retired_since.is_some())
    }

    /// The head that a bundle's receipt was proved under.
    fn head(&self) -> Option<&Head> {
        match &self.content {
            Ok(Content::Bundle(checked)) => checked.report.head.as_ref(),
            Ok(Content::Fork(_) | Content::Alarm(_)) | Err(_) => None,
        }
    }

    /// Why the reader's copy of the log was not read for it.
    fn unread(&self) -> Option<&Rejection> {
        match &self.content {
            Ok(Content::Bundle(checked)) => checked.unread.as_ref(),
            Ok(Content::Fork(_) | Content::Alarm(_)) | Err(_) => None,
        }
    }

    fn lacks_an_input(&self) -> bool {
        matches!(&self.content, Ok(Content::Bundle(checked)) if checked.lacks_an_input())
    }

    fn is_not_compared(&self) -> bool {
        matches!(&self.content, Ok(Content::Bundle(checked)) if checked.is_not_compared())
    }

    fn is_copy_unread(&self) -> bool {
        matches!(&self.content, Ok(Content::Bundle(checked)) if checked.is_copy_unread())
    }

    /// Whether what was asked for could not be done, which speaks neither for nor against it.
    fn is_undecided(&self) -> bool {
        self.lacks_an_input() || self.is_not_compared()
    }

    /// Whether it is refused as of a log that forked, and no proof of that was made here.
    fn is_forked_without_proof(&self) -> bool {
        let Ok(Content::Bundle(checked)) = &self.content else { return false };
        checked.fork.is_none() && checked.is_rejected_as(Fault::LogForked)
    }

    /// Whether its anchor's block is older than what it holds.
    fn is_too_old(&self) -> bool {
        matches!(&self.content, Ok(Content::Bundle(checked)) if checked.is_rejected_as(Fault::AnchorTooOld))
    }

    fn is_refused(&self) -> bool {
        if let Err(failure) = &self.content {
            // A study's folder that is not as its manifest says.
            return failure.is_of_a_check();
        }
        let is_judged = matches!(&self.content, Ok(Content::Bundle(_) | Content::Fork(_)));
        is_judged && !self.is_accepted() && !self.is_fork() && !self.is_undecided()
    }
}

/// Writes the proofs that were made here into a folder, if one was named.
fn keep_proofs(found: &mut [Found], folder: Option<&Path>) -> Result<(), Failure> {
    let Some(folder) = folder else { return Ok(()) };
    for found in found {
        let Ok(Content::Bundle(checked)) = &mut found.content else { continue };
        let Some(Kept { proof, path }) = &mut checked.fork else { continue };
        let file = folder.join(format!("{}.fork", proof.name()));
        write_file(&file, proof.to_string().as_bytes())?;
        *path = Some(file);
    }
    Ok(())
}

/// Everything that the command line says about how to verify.
struct Verifier<'a> {
    args: &'a VerifyArgs,
    trusted: Option<VerifierKey>,
    policy: Option<Policy>,
    copy: Option<LogCopy>,
    /// Why the copy that was named does not open.
    unopened: Option<Failure>,
    appraiser: Appraiser,
    nodes: Option<Nodes>,
    chain: Option<ChainId>,
}

impl<'a> Verifier<'a> {
    fn new(args: &'a VerifyArgs) -> Result<Self, Failure> {
        let trusted = args.log.clone();
        let policy = args.log_policy.as_deref().map(LogPolicy::of_reader).transpose()?;
        if let (Some(policy), Some(log)) = (&policy, &trusted) {
            policy.ensure_names(log)?;
        }
        let policy = policy.map(LogPolicy::into_rule);
        for folder in &args.inputs {
            fs::read_dir(folder)
                .with_context(|| format!("--inputs: cannot read the folder {}", folder.display()))
                .or_fail(Kind::Input)?;
        }
        let (copy, unopened) = match args.log_dir.as_deref().map(copy::open).transpose()? {
            Some(Err(failure)) => (None, Some(failure)),
            Some(Ok(copy)) => (Some(copy), None),
            None => (None, None),
        };
        let (nodes, chain) = NodesAt {
            rpc_url: &args.rpc_url,
            chain_config: args.chain_config.as_deref(),
            chain: args.chain.as_deref(),
            agree: args.agree,
            finality: args.finality,
        }
        .read()?;
        let appraiser = appraiser(args)?;
        Ok(Self { args, trusted, policy, copy, unopened, appraiser, nodes, chain })
    }

    fn look_at(&self, source: Source) -> Found {
        let Source { name, bytes, path } = source;
        let is_named = path.as_ref().is_none_or(|path| self.args.files.contains(path));
        let content = bytes.map_err(Failure::from).map(|bytes| {
            if ProvedFork::is_claimed_by(&bytes) {
                return Content::Fork(ProvedFork::parse(&bytes).map(|proof| {
                    let root = proof.log().clone();
                    Box::new(Forked { proof, root, retired_since: None, split: None })
                }));
            }
            if let Some(alarm) = KeptAlarm::parse(&bytes) {
                return Content::Alarm(alarm);
            }
            let (mut report, unread) = self.verify(&bytes, path.as_deref());
            hold_to_result(&mut report, path.as_deref());
            let fork = self.fork(&report, &bytes).map(|proof| Kept { proof, path: None });
            Content::Bundle(Box::new(Checked { report, lacks: Vec::new(), fork, unread }))
        });
        Found { name, content, is_named }
    }

    /// Which logs the reader trusts.
    fn trust(&self) -> Options<'_> {
        let (log, policy) = (self.trusted.as_ref(), self.policy.as_ref());
        Options { log, policy, ..Options::default() }
    }

    fn report(&self, bytes: &[u8], path: Option<&Path>, copy: Option<&LogCopy>) -> Report {
        let inputs = self.args.reexecute.then(|| Inputs::new(self.folders(path)));
        let chain = ChainView {
            chain: self.chain.as_ref(),
            blocks: &self.args.block_hash,
            contract: self.args.contract,
            trusted: &self.args.trust_contract,
            nodes: self.nodes.as_ref(),
        };
        check(
            bytes,
            Reader {
                log: self.trusted.as_ref(),
                policy: self.policy.as_ref(),
                now_ms: Some(clock::now_ms()),
                copy,
                kinds: KINDS,
                chain,
            },
            &self.appraiser,
            inputs.as_ref(),
            &Terminal::default(),
        )
    }

    /// The proof that the log forked, if the copy at hand is another branch than the bundle's.
    fn fork(&self, report: &Report, bytes: &[u8]) -> Option<ProvedFork> {
        let differs = [Fault::LogCopyOther, Fault::LogCopyBehind].map(Code::from);
        let is_other = |rejection: &Rejection| differs.contains(&rejection.code);
        let head = report.head.as_ref().filter(|_| report.result.as_ref().is_err_and(is_other))?;
        self.copy.as_ref()?.fork(head, bytes)
    }

    /// Where inputs are looked up: in the named folders, or where a study keeps them beside its bundle, and in the
    /// folder above the bundle's.
    fn folders(&self, path: Option<&Path>) -> Vec<PathBuf> {
        if !self.args.inputs.is_empty() {
            return self.args.inputs.clone();
        }
        let beside = path.and_then(|path| Some(path.parent()?.join("inputs")));
        if let Some(beside) = beside.filter(|folder| folder.is_dir()) {
            return vec![beside];
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

/// The result that lies beside the bundle of a study is the one that the receipt names, or somebody has put another
/// one there.
fn hold_to_result(report: &mut Report, path: Option<&Path>) {
    let Ok(receipt) = &report.result else { return };
    let (Some(_), Some(replay)) = (receipt.action.read::<RunStudy>(), receipt.evidence.replay())
    else {
        return;
    };
    let beside = path.and_then(|path| Some(path.parent()?.join("result.json")));
    let Some(Ok(bytes)) = beside.filter(|file| file.is_file()).map(fs::read) else { return };
    let found = Digest::of(&bytes);
    if found != replay.output {
        let reason = format!(
            "result.json beside the bundle is {found}, the receipt names {}",
            replay.output
        );
        report.reject(Rejection::new(Check::Evidence, Fault::ResultOther, reason));
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
