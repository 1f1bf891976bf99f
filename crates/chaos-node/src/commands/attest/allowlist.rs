//! `chaoschain attest allowlist`: drafts, signatures, checks.

use std::{fs, io::ErrorKind, path::Path, process::ExitCode};

use anyhow::Context as _;
use chaos_attestation::{
    Refusal,
    allowlist::{ALLOWLIST_BYTES_MAX, Allowlist, Build, Entry, Revocation, State, Trust},
};
use chaos_files::{Readers, Turn, create_synced, write_synced};
use chaos_types::{AgentKey, canonical};
use serde_json::json;

use crate::{
    args::{
        AddArgs, AllowlistArgs, AllowlistCommand, CheckArgs, DataArgs, NewArgs, RevokeWorkloadArgs,
        ShowListArgs, SignArgs, VouchArgs,
    },
    clock,
    exit::{Failure, Kind, OrFail as _},
    ledger, output,
};

pub(crate) fn run(args: &AllowlistArgs) -> Result<ExitCode, Failure> {
    match &args.command {
        AllowlistCommand::New(args) => begin(args),
        AllowlistCommand::Add(args) => add(args),
        AllowlistCommand::Vouch(args) => vouch(args),
        AllowlistCommand::Revoke(args) => revoke(args),
        AllowlistCommand::Sign(args) => sign(args),
        AllowlistCommand::Show(args) => show(args),
        AllowlistCommand::Check(args) => check(args),
    }
}

fn begin(args: &NewArgs) -> Result<ExitCode, Failure> {
    let issuer = key_of(&args.data, &args.issuer)?.did();
    let before = args.after.as_deref().map(signed).transpose()?;
    let draft = Allowlist::next(issuer, before, clock::now_s(), args.days.into());
    create(&args.out, &spell(&draft)?)?;
    output::line(format_args!(
        "{} draft of allowlist {} by {issuer}, {} entries",
        args.out.display(),
        draft.sequence,
        draft.entries.len()
    ));
    Ok(ExitCode::SUCCESS)
}

fn add(args: &AddArgs) -> Result<ExitCode, Failure> {
    let _turn = turn(&args.draft)?;
    let mut draft = draft(&args.draft)?;
    let build = Build {
        workload: args.workload,
        name: args.name.clone(),
        repository: args.repository.clone(),
        commit: args.commit.clone(),
        toolchain: args.toolchain.clone(),
        code: None,
    };
    draft.add(build).or_fail(Kind::Input)?;
    replace(&args.draft, &spell(&draft)?)?;
    output::line(format_args!("{} added, nobody vouches for it yet", args.workload));
    Ok(ExitCode::SUCCESS)
}

fn vouch(args: &VouchArgs) -> Result<ExitCode, Failure> {
    let _turn = turn(&args.draft)?;
    let mut draft = draft(&args.draft)?;
    let key = key_of(&args.data, &args.builder)?;
    let count = draft.vouch(&args.workload, &key).or_fail(Kind::Input)?;
    replace(&args.draft, &spell(&draft)?)?;
    output::line(format_args!("{} {} vouched for, {count} in all", args.workload, args.builder));
    Ok(ExitCode::SUCCESS)
}

fn revoke(args: &RevokeWorkloadArgs) -> Result<ExitCode, Failure> {
    let _turn = turn(&args.draft)?;
    let mut draft = draft(&args.draft)?;
    let (workload, reason) = (args.workload, args.reason.clone());
    draft.revoke(Revocation { workload, reason }).or_fail(Kind::Input)?;
    replace(&args.draft, &spell(&draft)?)?;
    output::line(format_args!("{} revoked", args.workload));
    Ok(ExitCode::SUCCESS)
}

fn sign(args: &SignArgs) -> Result<ExitCode, Failure> {
    let draft = draft(&args.draft)?;
    let envelope = draft.sign(&key_of(&args.data, &args.issuer)?).or_fail(Kind::Input)?;
    // A rebuild that does not hold would be found by every verifier; better here.
    Allowlist::open(&envelope).or_fail(Kind::Input)?;
    create(&args.out, &envelope)?;
    output::line(format_args!("{} allowlist {} signed", args.out.display(), draft.sequence));
    Ok(ExitCode::SUCCESS)
}

fn show(args: &ShowListArgs) -> Result<ExitCode, Failure> {
    let list = match Allowlist::open(&chaos_files::read(&args.list, ALLOWLIST_BYTES_MAX)?) {
        Ok(list) => list,
        Err(refusal) => return refused(args.json, &refusal),
    };
    if args.json {
        output::json(&list)?;
        return Ok(ExitCode::SUCCESS);
    }
    output::line(format_args!("{} {}", output::bold("allowlist"), list.sequence));
    output::line(format_args!("  issuer   {}", list.issuer));
    output::line(format_args!(
        "  holds    from {} until {} (UTC)",
        chaos_agency::calendar::date(list.not_before_s),
        chaos_agency::calendar::date(list.expires_at_s)
    ));
    for Entry { build, rebuilds } in &list.entries {
        output::line(format_args!("  entry    {}", build.workload));
        let name = output::one_line(&build.name);
        let repository = output::one_line(&build.repository);
        output::line(format_args!("           {name}, {repository} at {}", build.commit));
        output::line(format_args!("           built by {}", output::one_line(&build.toolchain)));
        for rebuild in rebuilds {
            output::line(format_args!("           rebuilt by {}", rebuild.builder));
        }
    }
    for Revocation { workload, reason } in &list.revoked {
        output::line(format_args!("  revoked  {workload}: {}", output::one_line(reason)));
    }
    Ok(ExitCode::SUCCESS)
}

fn check(args: &CheckArgs) -> Result<ExitCode, Failure> {
    let trust = Trust {
        issuer: args.issuer,
        builders: args.builders.iter().copied().collect(),
        rebuilds_min: args.rebuilds,
    };
    let at_s = args.at.unwrap_or_else(clock::now_s);
    let mut state = match &args.after {
        // It may be over by now.
        Some(before) => State::restore(trust, &chaos_files::read(before, ALLOWLIST_BYTES_MAX)?, 0)
            .or_fail(Kind::Input)
            .map_err(|failure| failure.context(before.display()))?,
        None => State::new(trust),
    };
    let checked = state
        .accept(&chaos_files::read(&args.list, ALLOWLIST_BYTES_MAX)?, at_s)
        .and_then(|accepted| {
            args.workloads
                .iter()
                .try_for_each(|workload| state.active(workload, at_s).map(|_| ()))?;
            Ok(accepted)
        });
    let accepted = match checked {
        Ok(accepted) => accepted,
        Err(refusal) => return refused(args.json, &refusal),
    };
    if args.json {
        output::json(&json!({
            "verdict": "accepted",
            "sequence": accepted.sequence,
            "digest": accepted.digest,
            "active": args.workloads,
        }))?;
    } else {
        output::line(format_args!("{} allowlist {}", output::good("accepted"), accepted.sequence));
        for workload in &args.workloads {
            output::line(format_args!("  active  {workload}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn refused(as_json: bool, refusal: &Refusal) -> Result<ExitCode, Failure> {
    if as_json {
        output::json(
            &json!({"verdict": "refused", "code": refusal.code, "detail": refusal.detail}),
        )?;
    } else {
        let detail = output::one_line(&refusal.detail);
        output::line(format_args!("{} {}", output::bad("refused"), refusal.code));
        output::line(format_args!("  {detail}"));
    }
    Ok(ExitCode::from(Kind::Check as u8))
}

/// The key of a registered agent.
fn key_of(data: &DataArgs, name: &str) -> Result<AgentKey, Failure> {
    let ledger = ledger::open(&data.data)?;
    let name = chaos_ledger::agents::find(&ledger, name)?.profile.name.clone();
    Ok(ledger.key(&name)?)
}

fn draft(path: &Path) -> Result<Allowlist, Failure> {
    let bytes = chaos_files::read(path, ALLOWLIST_BYTES_MAX)?;
    canonical::strict_value(&bytes)
        .map_err(anyhow::Error::from)
        .and_then(|value| Ok(serde_json::from_value(value)?))
        .with_context(|| format!("{} is not a draft", path.display()))
        .or_fail(Kind::Input)
}

fn signed(path: &Path) -> Result<Allowlist, Failure> {
    Allowlist::open(&chaos_files::read(path, ALLOWLIST_BYTES_MAX)?)
        .or_fail(Kind::Input)
        .map_err(|failure| failure.context(path.display()))
}

/// Waits until no other process changes the draft: whoever replaced it would undo that change.
fn turn(path: &Path) -> Result<Turn, Failure> {
    // Nothing gets no lock beside it.
    fs::metadata(path)
        .with_context(|| format!("cannot read {}", path.display()))
        .or_fail(Kind::Input)?;
    Turn::wait(path)
        .with_context(|| format!("cannot lock {}", path.display()))
        .or_fail(Kind::Storage)
}

/// A draft as people read and edit it.
fn spell(draft: &Allowlist) -> Result<Vec<u8>, Failure> {
    let mut bytes = serde_json::to_vec_pretty(draft).or_fail(Kind::Check)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Writes a file that does not exist yet.
fn create(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    create_synced(path, Readers::Everyone, bytes).map_err(|error| {
        let exists = error.kind() == ErrorKind::AlreadyExists;
        let kind = if exists { Kind::Input } else { Kind::Storage };
        Failure::new(kind, error).context(format_args!("cannot write {}", path.display()))
    })
}

/// Writes a file anew; a kill or a power cut leaves the old one or the new one.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    write_synced(path, Readers::Everyone, bytes)
        .with_context(|| format!("cannot write {}", path.display()))
        .or_fail(Kind::Storage)
}
