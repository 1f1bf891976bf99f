//! `chaoschain agent`.

mod account;

use std::process::ExitCode;

use chaos_agency::{account::Account, action::Profile, registry::ensure_profile, views::RewardRow};
use chaos_programs::studio::role_capabilities;
use chaos_types::Did;
use serde_json::{Value, json};

use crate::{
    args::{AgentArgs, AgentCommand, RegisterArgs, RevokeArgs, RotateArgs, ShowArgs, UpdateArgs},
    exit::{Failure, Kind, OrFail as _},
    kinds::KINDS,
    ledger, output,
};
use chaos_ledger::{
    Ledger,
    agents::{self, Changed, RevokedBy, find, status},
};

pub(crate) fn run(args: &AgentArgs) -> Result<ExitCode, Failure> {
    match &args.command {
        AgentCommand::Register(args) => register(args),
        AgentCommand::List(args) => list(&ledger::read(&args.data.data)?, args.json),
        AgentCommand::Show(args) => show(args),
        AgentCommand::Update(args) => update(args),
        AgentCommand::Rotate(args) => rotate(args),
        AgentCommand::Account(args) => account::run(args),
        AgentCommand::Revoke(args) => revoke(args),
    }
}

fn register(args: &RegisterArgs) -> Result<ExitCode, Failure> {
    let mut capabilities = if args.capabilities.is_empty() {
        role_capabilities(&args.studio, &args.role, &KINDS)?
    } else {
        args.capabilities.clone()
    };
    capabilities.sort();
    capabilities.dedup();
    let profile = Profile {
        name: args.name.clone(),
        role: args.role.clone(),
        capabilities,
        studio: args.studio.clone(),
    };
    // Before anything is created.
    ensure_profile(&profile, &KINDS.capabilities()).or_fail(Kind::Input)?;
    let mut ledger = ledger::open_or_create(&args.data.data)?;
    let registered = agents::enrol(&mut ledger, profile)?;
    report(args.json, "registered", &registered)
}

fn report(as_json: bool, what: &str, changed: &Changed) -> Result<ExitCode, Failure> {
    let Changed { agent: did, name, receipt } = changed;
    if as_json {
        output::json(&json!({"agent": did, "name": name, "status": what, "receipt": receipt}))?;
    } else {
        output::sentence(format_args!("{} {what}", output::bold(name)));
        output::sentence(format_args!("  agent    {did}"));
        output::sentence(format_args!("  receipt  {receipt}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn list(ledger: &Ledger, as_json: bool) -> Result<ExitCode, Failure> {
    let agents = ledger.agents()?;
    if as_json {
        output::json(&agents)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<_> = agents
        .iter()
        .map(|agent| {
            vec![
                agent.profile.name.clone(),
                agent.profile.role.clone(),
                agent.profile.studio.clone(),
                status(agent).to_owned(),
                agent.did.to_string(),
            ]
        })
        .collect();
    output::table(&["name", "role", "studio", "status", "agent"], &rows);
    Ok(ExitCode::SUCCESS)
}

fn show(args: &ShowArgs) -> Result<ExitCode, Failure> {
    let ledger = ledger::read(&args.data.data)?;
    let agent = find(&ledger, &args.agent)?;
    let scores = scores(&ledger, agent.did)?;
    let rewards: Vec<Value> = ledger
        .rewards(&agent.did)?
        .into_iter()
        .map(|RewardRow { chain, token, total, receipts }| {
            json!({"chain": chain, "token": token, "total": total.to_string(), "receipts": receipts})
        })
        .collect();
    let accounts = ledger.accounts(&agent.did)?;
    if args.json {
        output::json(&json!({
            "agent": agent,
            "status": status(&agent),
            "accounts": accounts,
            "scores": scores,
            "rewards": rewards,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    output::sentence(format_args!("{} ({})", output::bold(&agent.profile.name), status(&agent)));
    output::sentence(format_args!("  agent         {}", agent.did));
    output::sentence(format_args!(
        "  role          {} in {}",
        agent.profile.role, agent.profile.studio
    ));
    output::sentence(format_args!("  capabilities  {}", agent.profile.capabilities.join(", ")));
    if let Some(reason) = &agent.revoked {
        output::sentence(format_args!("  revoked       {}", output::one_line(reason)));
    }
    for span in &agent.keys {
        let until = span.until.map_or("now".to_owned(), |until| format!("entry {}", until - 1));
        output::sentence(format_args!(
            "  key           {}  entry {} to {until}",
            span.key, span.from
        ));
    }
    for Account { chain, account, from, until } in &accounts {
        let until = until.map_or("now".to_owned(), |until| format!("entry {}", until - 1));
        output::sentence(format_args!(
            "  account       {account} of {chain}  entry {from} to {until}"
        ));
    }
    for score in &scores {
        output::sentence(format_args!(
            "  score         {} {}: {} to {} (of 1,000,000)",
            score["domain"].as_str().unwrap_or_default(),
            score["role"].as_str().unwrap_or_default(),
            score["lower_ppm"],
            score["upper_ppm"]
        ));
    }
    for reward in &rewards {
        output::sentence(format_args!(
            "  rewards       {} of {} on {}",
            reward["total"].as_str().unwrap_or_default(),
            output::one_line(reward["token"].as_str().unwrap_or_default()),
            reward["chain"].as_str().unwrap_or_default()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn scores(ledger: &Ledger, agent: Did) -> Result<Vec<Value>, Failure> {
    let table = ledger.scores(ledger.last_integrated_at_ms())?;
    table
        .scores
        .iter()
        .filter(|row| row.agent == agent.to_string())
        .map(|row| serde_json::to_value(row).or_fail(Kind::Check))
        .collect()
}

fn update(args: &UpdateArgs) -> Result<ExitCode, Failure> {
    let mut ledger = ledger::open(&args.data.data)?;
    let agent = find(&ledger, &args.agent)?;
    let is_operator = agent.did == ledger.operator();
    let mut profile = agent.profile;
    if is_operator && (args.role.is_some() || args.studio.is_some()) {
        let hint =
            "without an option the operator is registered for every kind that this program knows";
        return Err(
            Failure::message(Kind::Input, "the operator has the role of its log").hint(hint)
        );
    }
    profile.role = args.role.clone().unwrap_or(profile.role);
    profile.studio = args.studio.clone().unwrap_or(profile.studio);
    profile.capabilities = match args.capabilities.as_slice() {
        [] if is_operator => KINDS.capabilities().into_iter().map(str::to_owned).collect(),
        [] => role_capabilities(&profile.studio, &profile.role, &KINDS)?,
        kinds => kinds.to_vec(),
    };
    profile.capabilities.sort();
    profile.capabilities.dedup();
    let updated = agents::update(&mut ledger, profile)?;
    report(args.json, "updated", &updated)
}

fn rotate(args: &RotateArgs) -> Result<ExitCode, Failure> {
    let mut ledger = ledger::open(&args.data.data)?;
    let rotated = agents::rotate(&mut ledger, &args.agent)?;
    report(args.json, "rotated", &rotated)
}

fn revoke(args: &RevokeArgs) -> Result<ExitCode, Failure> {
    let mut ledger = ledger::open(&args.data.data)?;
    let by = if args.by_operator { RevokedBy::Operator } else { RevokedBy::Itself };
    let revoked = agents::revoke(&mut ledger, &args.agent, &args.reason, by)?;
    report(args.json, "revoked", &revoked)
}
