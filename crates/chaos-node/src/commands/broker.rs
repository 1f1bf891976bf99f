//! `chaoschain broker`.

use std::{path::Path, process::ExitCode, time::Duration};

use chaos_attestation::{
    WorkloadId,
    allowlist::{ALLOWLIST_BYTES_MAX, Build, Entry, Revocation},
};
use chaos_broker::service::{
    Amended, Client, Error, Incident, ListInForce, Opened, PolicyName, Server, Settings, Wanted,
};
use chaos_ledger::{Keys, Ledger, OPERATOR};
use serde_json::json;

use crate::{
    args::{
        BrokerArgs, BrokerCommand, DismissArgs, EnrolArgs, InForceArgs, PublishArgs, ServeArgs,
    },
    clock,
    exit::{Failure, Kind, OrFail as _},
    folders::{Making, ensure_home},
    ledger, output,
    runtime::{self, Stop},
};

/// A root certificate file is at most this long, in bytes.
const ROOT_BYTES_MAX: usize = 64 << 10;

/// A policy file is at most this long, in bytes.
const POLICY_BYTES_MAX: usize = 64 << 10;

pub(crate) fn run(args: &BrokerArgs) -> Result<ExitCode, Failure> {
    match &args.command {
        BrokerCommand::Serve(args) => serve(args),
        BrokerCommand::Enrol(args) => enrol(args),
        BrokerCommand::Dismiss(args) => dismiss(args),
        BrokerCommand::Publish(args) => publish(args),
        BrokerCommand::Allowlist(args) => show(args),
    }
}

/// Serves the data directory until the process is told to stop. An allowlist that is named is put in
/// force first.
fn serve(args: &ServeArgs) -> Result<ExitCode, Failure> {
    let allowlist = args
        .allowlist
        .as_deref()
        .map(|file| chaos_files::read(file, ALLOWLIST_BYTES_MAX))
        .transpose()?;
    ensure_home(Making::Log, &args.data.data)?;
    let heads = ledger::remembered(&args.data.data)?;
    let password = ledger::from_environment();
    let opened = Opened::open(&args.data.data, password, heads.as_ref(), clock::SYSTEM)?;
    let wanted = wanted(args, opened.ledger())?;
    let settings = Settings::of(wanted, opened.settings(), opened.ledger().operator())?;
    let changed = opened.settings().map(|recorded| settings.changed_from(recorded));
    let mut state = opened.with(settings)?;
    if let Some(envelope) = &allowlist {
        state.publish(envelope)?;
    }
    let runtime = runtime::server()?;
    let served = runtime.block_on(async {
        let stop = Stop::new()?;
        let server = Server::bind(&args.listen.to_string(), state).await?;
        output::ready(&json!({
            "event": "ready", "address": server.address(), "broker": server.broker(),
            "data": args.data.data, "settings": server.state().settings(), "changed": changed,
        }))?;
        Ok(server.run(stop.asked(), tell).await?)
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    served.map(|()| ExitCode::SUCCESS)
}

fn tell(incident: &Incident) {
    output::say(incident);
}

/// The policy that a command line names: `development`, `production` or a file, which is read,
/// checked and kept.
fn policy(text: &str, ledger: &Ledger) -> Result<PolicyName, Failure> {
    match text {
        "development" => Ok(PolicyName::Development),
        "production" => Ok(PolicyName::Production),
        file => {
            let document = chaos_files::read(Path::new(file), POLICY_BYTES_MAX)?;
            PolicyName::keep(&document, ledger)
                .map_err(|error| Failure::from(error).context(format!("policy file {file}")))
        }
    }
}

/// What the command line says.
fn wanted(args: &ServeArgs, ledger: &Ledger) -> Result<Wanted, Failure> {
    let root = args.root.as_deref().map(|file| chaos_files::read(file, ROOT_BYTES_MAX));
    let root = root.transpose()?;
    Ok(Wanted {
        policy: args.policy.as_deref().map(|text| policy(text, ledger)).transpose()?,
        root: root.map(|der| Settings::keep_root(&der, ledger)).transpose()?,
        issuer: args.issuer,
        builders: args.builders.iter().copied().collect(),
        rebuilds_min: args.rebuilds,
        nonce_s: args.nonce_seconds,
        lease_s: args.lease_seconds,
        service_s: args.service_seconds,
    })
}

/// The operator's way to the broker of a data directory.
pub(super) fn open(dir: &Path) -> Result<Client, Failure> {
    ensure_home(Making::Log, dir)?;
    let heads = ledger::remembered(dir)?;
    let open = || Client::open(dir, ledger::from_environment(), heads.as_ref(), clock::SYSTEM);
    // No server has it open, which would be asked: then another command does, and is soon done.
    Ok(ledger::patiently(open, |error| match error {
        Error::Ledger(error) => ledger::in_use(error),
        _ => None,
    })?)
}

fn enrol(args: &EnrolArgs) -> Result<ExitCode, Failure> {
    let mut client = open(&args.data.data)?;
    let password = ledger::password()?;
    let keys = Keys::new(&args.data.data, Some(&password), clock::SYSTEM);
    let build = Build {
        workload: args.workload,
        name: args.name.clone(),
        repository: args.repository.clone(),
        commit: args.commit.clone(),
        toolchain: args.toolchain.clone(),
        code: None,
    };
    let rebuilds = args
        .builders
        .iter()
        .map(|builder| build.vouch(&keys.open(builder)?).or_fail(Kind::Input))
        .collect::<Result<Vec<_>, _>>()?;
    let operator = keys.open(OPERATOR)?;
    let entry = Entry { build, rebuilds };
    let next = client.amend(&operator, clock::now_s(), args.days, |list| list.enter(entry))?;
    report(args.json, "enrolled", &args.workload, &next)
}

fn dismiss(args: &DismissArgs) -> Result<ExitCode, Failure> {
    let mut client = open(&args.data.data)?;
    let password = ledger::password()?;
    let keys = Keys::new(&args.data.data, Some(&password), clock::SYSTEM);
    let (workload, reason) = (args.workload, args.reason.clone());
    let operator = keys.open(OPERATOR)?;
    let next = client.amend(&operator, clock::now_s(), args.days, |list| {
        list.revoke(Revocation { workload, reason })
    })?;
    report(args.json, "dismissed", &args.workload, &next)
}

fn report(
    as_json: bool,
    what: &str,
    workload: &WorkloadId,
    next: &Amended,
) -> Result<ExitCode, Failure> {
    if as_json {
        output::json(&json!({
            "status": what, "workload": workload, "sequence": next.sequence,
            "receipts": next.receipts,
        }))?;
    } else {
        output::line(format_args!("{workload} {what}, allowlist {}", next.sequence));
        for receipt in &next.receipts {
            output::line(format_args!("  receipt  {receipt}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn publish(args: &PublishArgs) -> Result<ExitCode, Failure> {
    let envelope = chaos_files::read(&args.file, ALLOWLIST_BYTES_MAX)?;
    let receipts = open(&args.data.data)?.publish(envelope)?;
    if args.json {
        output::json(&json!({"status": "published", "receipts": receipts}))?;
    } else {
        output::line("published");
        for receipt in receipts {
            output::line(format_args!("  receipt  {receipt}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(args: &InForceArgs) -> Result<ExitCode, Failure> {
    let ListInForce { list, trust } = open(&args.data.data)?.allowlist()?;
    if args.json {
        output::json(&json!({"list": list, "trust": trust}))?;
        return Ok(ExitCode::SUCCESS);
    }
    let Some(list) = list else {
        output::line("no allowlist is in force: nothing is released to anybody");
        return Ok(ExitCode::SUCCESS);
    };
    output::line(format_args!(
        "allowlist {} by {}, until {} s",
        list.sequence, list.issuer, list.expires_at_s
    ));
    let entries = list.entries.iter().map(|entry| {
        let vouched = format!("{} rebuilds", entry.rebuilds.len());
        vec![entry.build.workload.to_string(), entry.build.name.clone(), vouched]
    });
    let revoked = list.revoked.iter().map(|revoked| {
        vec![revoked.workload.to_string(), "dismissed".to_owned(), revoked.reason.clone()]
    });
    output::table(&["workload", "name", "why"], &entries.chain(revoked).collect::<Vec<_>>());
    Ok(ExitCode::SUCCESS)
}
