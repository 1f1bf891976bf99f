//! `chaoschain secret`, `chaoschain lease` and `chaoschain service`: the operator's side of the
//! broker.

use std::{path::Path, process::ExitCode};

use chaos_attestation::AnchorClass;
use chaos_broker::{
    directory::{Query, Tags},
    release::Rule,
    service::{Command, Error, Report, Row, find_at},
    vault::SECRET_BYTES_MAX,
};
use serde_json::json;
use zeroize::Zeroizing;

use super::broker::open;
use crate::{
    args::{
        AnchorArg, FindArgs, GrantArgs, LeaseArgs, LeaseCommand, RestoreJobArgs, RevokeServiceArgs,
        SecretArgs, SecretCommand, ServiceArgs, ServiceCommand, TableArgs,
    },
    exit::{Failure, Kind, OrFail as _},
    output, runtime,
};

pub(crate) fn run(args: SecretArgs) -> Result<ExitCode, Failure> {
    match args.command {
        SecretCommand::Store(args) => {
            let bytes = read(&args.file)?;
            let command =
                Command::StoreSecret { secret: args.secret.clone(), purpose: args.purpose };
            carry_out(&args.table, command, Some(bytes), &args.secret, "stored")
        }
        SecretCommand::Rotate(args) => {
            let bytes = read(&args.file)?;
            let command = Command::RotateSecret { secret: args.secret.clone() };
            carry_out(&args.table, command, Some(bytes), &args.secret, "rotated")
        }
        SecretCommand::Revoke(args) => {
            let command = Command::RevokeSecret { secret: args.secret.clone() };
            carry_out(&args.table, command, None, &args.secret, "revoked")
        }
        SecretCommand::Grant(args) => {
            carry_out(&args.table, Command::Allow(rule(&args)), None, &args.secret, "granted")
        }
        SecretCommand::Withdraw(args) => {
            carry_out(&args.table, Command::Forbid(rule(&args)), None, &args.secret, "withdrawn")
        }
        SecretCommand::List(args) => list(&args, Command::ListSecrets),
        SecretCommand::Audit(args) => list(&args, Command::Trail),
    }
}

pub(crate) fn run_lease(args: LeaseArgs) -> Result<ExitCode, Failure> {
    match args.command {
        LeaseCommand::List(args) => list(&args, Command::ListLeases),
        LeaseCommand::Revoke(args) => match (args.lease, args.job) {
            (Some(lease), _) => {
                carry_out(&args.table, Command::RevokeLease { lease }, None, lease, "revoked")
            }
            (None, Some(job)) => {
                let command = Command::RevokeJob { job: job.clone() };
                carry_out(&args.table, command, None, job, "revoked")
            }
            (None, None) => Err(Failure::message(Kind::Input, "expected a lease or --job")),
        },
        LeaseCommand::Restore(RestoreJobArgs { job, table }) => {
            let command = Command::RestoreJob { job: job.clone() };
            carry_out(&table, command, None, job, "restored")
        }
    }
}

pub(crate) fn run_service(args: ServiceArgs) -> Result<ExitCode, Failure> {
    match args.command {
        ServiceCommand::List(args) => list(&args, Command::ListServices),
        ServiceCommand::Find(args) => find(&args),
        ServiceCommand::Revoke(RevokeServiceArgs { service, table }) => {
            let command = Command::RevokeService { service: service.clone() };
            carry_out(&table, command, None, service, "revoked")
        }
        ServiceCommand::Restore(RevokeServiceArgs { service, table }) => {
            let command = Command::RestoreService { service: service.clone() };
            carry_out(&table, command, None, service, "restored")
        }
    }
}

fn rule(args: &GrantArgs) -> Rule {
    Rule {
        anchor: match args.anchor {
            AnchorArg::IntelProduction => AnchorClass::IntelProduction,
            AnchorArg::Development => AnchorClass::Development,
        },
        job: args.job.clone(),
        role: args.role.clone(),
        secret: args.secret.clone(),
        workload: args.workload,
    }
}

/// The bytes of a secret from a file or standard input, without one newline at the end.
fn read(file: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let limit = SECRET_BYTES_MAX + 1;
    let mut bytes = if file == Path::new("-") {
        chaos_files::take(std::io::stdin().lock(), limit).or_fail(Kind::Input)?.ok_or_else(
            || {
                Failure::message(
                    Kind::Input,
                    format!("standard input is longer than a secret, {SECRET_BYTES_MAX} bytes"),
                )
            },
        )?
    } else {
        chaos_files::read_secret(file, limit)?
    };
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    Ok(bytes)
}

fn carry_out(
    args: &TableArgs,
    command: Command,
    secret: Option<Zeroizing<Vec<u8>>>,
    subject: impl ToString,
    what: &str,
) -> Result<ExitCode, Failure> {
    let receipts = open(&args.data.data)?.carry_out(command, secret)?;
    let subject = subject.to_string();
    if args.json {
        output::json(&json!({"subject": subject, "status": what, "receipts": receipts}))?;
    } else {
        output::line(format_args!("{} {what}", output::bold(&subject)));
        for receipt in &receipts {
            output::line(format_args!("  receipt  {receipt}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(args: &TableArgs, command: Command) -> Result<ExitCode, Failure> {
    let mut client = open(&args.data.data)?;
    let report = client.command(command, None)?;
    match report {
        Report::Secrets(rows) => print(args, &rows),
        Report::Leases(rows) => print(args, &rows),
        Report::Services(rows) => print(args, &rows),
        Report::Trail(rows) => print(args, &rows),
        Report::Done { .. } | Report::Allowlist { .. } => Err(Error::OtherAnswer.into()),
    }
}

fn print<R: Row>(args: &TableArgs, rows: &[R]) -> Result<ExitCode, Failure> {
    if args.json {
        for row in rows {
            output::json(row)?;
        }
    } else {
        output::table(R::HEADER, &rows.iter().map(R::cells).collect::<Vec<_>>());
    }
    Ok(ExitCode::SUCCESS)
}

fn find(args: &FindArgs) -> Result<ExitCode, Failure> {
    let query = Query { name: args.name.clone(), tags: Tags::parse(&args.tags)? };
    let routes = match (&args.broker, &args.broker_key) {
        (Some(address), Some(key)) => runtime::single()?.block_on(find_at(address, key, query))?,
        (None, _) | (_, None) => open(&args.table.data.data)?.find(query)?,
    };
    print(&args.table, &routes)
}
