//! `chaoschain broker`.

use std::{collections::BTreeSet, path::Path, process::ExitCode, time::Duration};

use chaos_attestation::{
    WorkloadId,
    allowlist::{ALLOWLIST_BYTES_MAX, Allowlist, Build, Entry, Revocation, Trust},
};
use chaos_broker::service::{
    Client, Command, Incident, Lives, Opened, PolicyName, REBUILDS_MIN, Report, Server, Settings,
};
use chaos_ledger::{Keys, Ledger, OPERATOR};
use serde_json::json;

use crate::{
    args::{
        BrokerArgs, BrokerCommand, DismissArgs, EnrolArgs, InForceArgs, PublishArgs, ServeArgs,
    },
    clock,
    exit::{Failure, Kind, OrFail as _},
    ledger, output,
    runtime::{self, Stop},
};

const DAY_S: u64 = 86_400;

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
    let opened = Opened::open(&args.data.data, ledger::from_environment(), clock::SYSTEM)?;
    let settings = settings(args, opened.ledger(), opened.settings())?;
    let changed = opened.settings().map(|recorded| settings.changed_from(recorded));
    let mut state = opened.with(settings)?;
    if let Some(envelope) = &allowlist {
        state.publish(envelope)?;
    }
    let runtime = runtime::server()?;
    let served = runtime.block_on(async {
        let stop = Stop::new()?;
        let server = Server::bind(&args.listen.to_string(), state).await?;
        output::json(&json!({
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

/// What the command line says, and for the rest what was recorded the last time.
fn settings(
    args: &ServeArgs,
    ledger: &Ledger,
    recorded: Option<&Settings>,
) -> Result<Settings, Failure> {
    let policy = match (&args.policy, recorded) {
        (Some(text), _) => policy(text, ledger)?,
        (None, Some(recorded)) => recorded.policy.clone(),
        (None, None) => {
            return Err(Failure::message(Kind::Input, "no policy was recorded here yet")
                .hint("name one with --policy: `development`, `production` or a file"));
        }
    };
    let same_policy = recorded.is_some_and(|recorded| recorded.policy == policy);
    let root = match &args.root {
        Some(file) => Some(Settings::keep_root(&chaos_files::read(file, ROOT_BYTES_MAX)?, ledger)?),
        None => recorded.filter(|_| same_policy).and_then(|recorded| recorded.root),
    };
    let builders: BTreeSet<_> = if args.builders.is_empty() {
        recorded.map_or_else(BTreeSet::new, |recorded| recorded.trust.builders.clone())
    } else {
        args.builders.iter().copied().collect()
    };
    let issuer = recorded.map_or_else(|| ledger.operator(), |recorded| recorded.trust.issuer);
    let at_first = if builders.is_empty() { 0 } else { REBUILDS_MIN };
    let rebuilds_min = recorded.map_or(at_first, |recorded| recorded.trust.rebuilds_min);
    let lives = recorded.map_or_else(Lives::default, |recorded| recorded.lives);
    Ok(Settings {
        policy,
        root,
        trust: Trust {
            issuer: args.issuer.unwrap_or(issuer),
            builders,
            rebuilds_min: args.rebuilds.unwrap_or(rebuilds_min),
        },
        lives: Lives {
            nonce_s: args.nonce_seconds.unwrap_or(lives.nonce_s),
            lease_s: args.lease_seconds.unwrap_or(lives.lease_s),
            service_s: args.service_seconds.unwrap_or(lives.service_s),
        },
    })
}

/// The operator's way to the broker of a data directory.
pub(super) fn open(dir: &Path) -> Result<Client, Failure> {
    Ok(Client::open(dir, ledger::from_environment(), clock::SYSTEM)?)
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
    let next = amend(&mut client, &keys, args.days, |list| {
        if let Some(revoked) = list.revoked.iter().find(|it| it.workload == args.workload) {
            return Err(Failure::message(
                Kind::Input,
                format!("{} was dismissed for ever: {}", args.workload, revoked.reason),
            ));
        }
        list.entries.retain(|entry| entry.build.workload != args.workload);
        list.entries.push(Entry { build, rebuilds });
        list.entries.sort_by_key(|entry| entry.build.workload);
        Ok(())
    })?;
    report(args.json, "enrolled", &args.workload, &next)
}

fn dismiss(args: &DismissArgs) -> Result<ExitCode, Failure> {
    let mut client = open(&args.data.data)?;
    let password = ledger::password()?;
    let keys = Keys::new(&args.data.data, Some(&password), clock::SYSTEM);
    let next = amend(&mut client, &keys, args.days, |list| {
        if list.revoked.iter().any(|it| it.workload == args.workload) {
            return Err(Failure::message(
                Kind::Input,
                format!("{} is dismissed already", args.workload),
            ));
        }
        list.entries.retain(|entry| entry.build.workload != args.workload);
        let (workload, reason) = (args.workload, args.reason.clone());
        list.revoked.push(Revocation { workload, reason });
        list.revoked.sort_by_key(|revoked| revoked.workload);
        Ok(())
    })?;
    report(args.json, "dismissed", &args.workload, &next)
}

/// What an amendment of the allowlist led to.
struct Amended {
    sequence: u64,
    receipts: Vec<chaos_types::Digest>,
}

/// Signs the next issue of the operator's allowlist and puts it in force.
fn amend(
    client: &mut Client,
    keys: &Keys<'_>,
    days: u64,
    change: impl FnOnce(&mut Allowlist) -> Result<(), Failure>,
) -> Result<Amended, Failure> {
    let key = keys.open(OPERATOR)?;
    let (held, trust) = in_force(client)?;
    if trust.issuer != key.did() {
        return Err(Failure::message(
            Kind::Input,
            format!("the allowlists of {} count here, not the operator's", trust.issuer),
        )
        .hint("`chaoschain broker publish` puts a list of theirs in force"));
    }
    let now = clock::now_s();
    let mut list = held.unwrap_or_else(|| Allowlist {
        issuer: key.did(),
        sequence: 0,
        not_before_s: 0,
        expires_at_s: 0,
        entries: vec![],
        revoked: vec![],
    });
    list.sequence += 1;
    list.not_before_s = now;
    list.expires_at_s = now + days * DAY_S;
    change(&mut list)?;
    let envelope = String::from_utf8(list.sign(&key).or_fail(Kind::Input)?).or_fail(Kind::Input)?;
    let receipts = done(client.command(Command::PublishAllowlist { envelope }, None)?)?;
    Ok(Amended { sequence: list.sequence, receipts })
}

fn in_force(client: &mut Client) -> Result<(Option<Allowlist>, Trust), Failure> {
    match client.command(Command::ShowAllowlist, None)? {
        Report::Allowlist { list, trust } => Ok((list.map(|list| *list), *trust)),
        Report::Done { .. }
        | Report::Secrets(_)
        | Report::Leases(_)
        | Report::Services(_)
        | Report::Trail(_) => Err(other_report()),
    }
}

/// The receipts of what was done.
pub(super) fn done(report: Report) -> Result<Vec<chaos_types::Digest>, Failure> {
    match report {
        Report::Done { receipts } => Ok(receipts),
        Report::Allowlist { .. }
        | Report::Secrets(_)
        | Report::Leases(_)
        | Report::Services(_)
        | Report::Trail(_) => Err(other_report()),
    }
}

pub(super) fn other_report() -> Failure {
    Failure::message(Kind::Outside, "the broker gave another report than was asked for")
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
    let envelope = String::from_utf8(chaos_files::read(&args.file, ALLOWLIST_BYTES_MAX)?)
        .or_fail(Kind::Input)?;
    let mut client = open(&args.data.data)?;
    let receipts = done(client.command(Command::PublishAllowlist { envelope }, None)?)?;
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
    let mut client = open(&args.data.data)?;
    let (list, trust) = in_force(&mut client)?;
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
