//! `chaoschain agent`.

use std::process::ExitCode;

use chaos_agency::{
    Action, Evidence,
    action::{Profile, Revoke, RotateKey},
    registry::{Agent, ensure_profile},
};
use chaos_types::{AgentKey, Did, Digest};
use serde_json::{Value, json};

use crate::{
    args::{AgentArgs, AgentCommand, RegisterArgs, RevokeArgs, RotateArgs, ShowArgs},
    exit::{Failure, Kind, OrFail as _},
    home::{Deed, Home},
    keys::successor_of,
    output,
    studio::role_capabilities,
};

pub(crate) fn run(args: &AgentArgs) -> Result<ExitCode, Failure> {
    match &args.command {
        AgentCommand::Register(args) => register(args),
        AgentCommand::List(args) => list(&Home::open(&args.data.data)?, args.json),
        AgentCommand::Show(args) => show(args),
        AgentCommand::Rotate(args) => rotate(args),
        AgentCommand::Revoke(args) => revoke(args),
    }
}

fn register(args: &RegisterArgs) -> Result<ExitCode, Failure> {
    let mut capabilities = if args.capabilities.is_empty() {
        role_capabilities(&args.studio, &args.role)?
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
    ensure_profile(&profile).or_fail(Kind::Input)?;
    let mut home = Home::open_or_create(&args.data.data, None)?;
    let (did, receipt) = enrol(&mut home, profile)?;
    home.save_views()?;
    report(args.json, &args.name, "registered", did, receipt)
}

/// Makes a key and registers it. Everything that the registry could refuse is checked before the
/// key file is written.
pub(crate) fn enrol(home: &mut Home, profile: Profile) -> Result<(Did, Digest), Failure> {
    ensure_profile(&profile).or_fail(Kind::Input)?;
    let name = profile.name.clone();
    if let Some(existing) =
        home.views().registry().agents().find(|agent| agent.profile.name == name)
    {
        let (did, status) = (existing.did, status(existing));
        return Err(Failure::message(
            Kind::Input,
            format!("duplicate agent: the name `{name}` belongs to {did} ({status}) for ever"),
        )
        .hint("choose another name, or `chaoschain agent show` the existing one"));
    }
    // A password that does not open the log's key would make a key that nobody finds out about.
    home.operator_key()?;
    let key = home.unused_key(&name)?;
    let receipt = home.act(deed(key.did(), &key, Action::Register(profile)))?;
    Ok((key.did(), receipt))
}

fn deed(agent: Did, key: &AgentKey, action: Action) -> Deed<'_> {
    Deed {
        agent,
        keys: vec![key],
        parents: vec![],
        subjects: vec![],
        evidence: Evidence::None {},
        action,
    }
}

fn report(
    as_json: bool,
    name: &str,
    what: &str,
    did: Did,
    receipt: Digest,
) -> Result<ExitCode, Failure> {
    if as_json {
        output::json(&json!({"agent": did, "name": name, "status": what, "receipt": receipt}))?;
    } else {
        output::line(format_args!("{} {what}", output::bold(name)));
        output::line(format_args!("  agent    {did}"));
        output::line(format_args!("  receipt  {receipt}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn list(home: &Home, as_json: bool) -> Result<ExitCode, Failure> {
    let mut agents: Vec<&Agent> = home.views().registry().agents().collect();
    agents.sort_by_key(|agent| agent.keys.first().map_or(0, |span| span.from));
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

const fn status(agent: &Agent) -> &'static str {
    if agent.revoked.is_some() { "revoked" } else { "active" }
}

/// The agent with this name or DID.
pub(crate) fn find<'a>(home: &'a Home, text: &str) -> Result<&'a Agent, Failure> {
    let registry = home.views().registry();
    let by_did = text.parse::<Did>().ok().and_then(|did| registry.agent(&did));
    by_did
        .or_else(|| registry.named(text))
        .or_else(|| registry.agents().find(|agent| agent.profile.name == text))
        .ok_or_else(|| {
            Failure::message(Kind::Input, format!("no agent `{text}` in {}", home.dir().display()))
                .hint("`chaoschain agent list` names the registered ones")
        })
}

fn show(args: &ShowArgs) -> Result<ExitCode, Failure> {
    let home = Home::open(&args.data.data)?;
    let agent = find(&home, &args.agent)?;
    let scores = scores(&home, agent.did)?;
    let rewards: Vec<Value> = home
        .views()
        .rewards()
        .iter()
        .filter(|((did, ..), _)| *did == agent.did)
        .map(|((_, chain, token), row)| {
            json!({"chain": chain, "token": token, "total": row.total.to_string(), "receipts": row.receipts})
        })
        .collect();
    if args.json {
        output::json(
            &json!({"agent": agent, "status": status(agent), "scores": scores, "rewards": rewards}),
        )?;
        return Ok(ExitCode::SUCCESS);
    }
    output::line(format_args!("{} ({})", output::bold(&agent.profile.name), status(agent)));
    output::line(format_args!("  agent         {}", agent.did));
    output::line(format_args!(
        "  role          {} in {}",
        agent.profile.role, agent.profile.studio
    ));
    output::line(format_args!("  capabilities  {}", agent.profile.capabilities.join(", ")));
    if let Some(reason) = &agent.revoked {
        output::line(format_args!("  revoked       {}", output::one_line(reason)));
    }
    for span in &agent.keys {
        let until = span.until.map_or("now".to_owned(), |until| format!("entry {}", until - 1));
        output::line(format_args!("  key           {}  entry {} to {until}", span.key, span.from));
    }
    for score in &scores {
        output::line(format_args!(
            "  score         {} {}: {} to {} (of 1,000,000)",
            score["domain"].as_str().unwrap_or_default(),
            score["role"].as_str().unwrap_or_default(),
            score["lower_ppm"],
            score["upper_ppm"]
        ));
    }
    for reward in &rewards {
        output::line(format_args!(
            "  rewards       {} of {} on {}",
            reward["total"].as_str().unwrap_or_default(),
            output::one_line(reward["token"].as_str().unwrap_or_default()),
            reward["chain"].as_str().unwrap_or_default()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn scores(home: &Home, agent: Did) -> Result<Vec<Value>, Failure> {
    let views = home.views();
    let table = views.scores(views.last_integrated_at_ms()).or_fail(Kind::Check)?;
    table
        .scores
        .iter()
        .filter(|row| row.agent == agent.to_string())
        .map(|row| serde_json::to_value(row).or_fail(Kind::Check))
        .collect()
}

fn rotate(args: &RotateArgs) -> Result<ExitCode, Failure> {
    let mut home = Home::open(&args.data.data)?;
    let agent = find(&home, &args.agent)?;
    ensure_active(agent)?;
    let (did, name) = (agent.did, agent.profile.name.clone());
    if did == home.views().registry().operator() {
        return Err(Failure::message(
            Kind::Input,
            "the operator's key is the log's key and cannot be rotated",
        )
        .hint("a new log key is a new log; start one in another data directory"));
    }
    let old = home.key(&name)?;
    let new = home.unused_key(&successor_of(&name))?;
    let mut deed = deed(did, &old, Action::RotateKey(RotateKey { new_key: new.did() }));
    deed.keys.push(&new);
    let receipt = home.act(deed)?;
    home.key(&name)?;
    home.save_views()?;
    report(args.json, &name, "rotated", did, receipt)
}

fn ensure_active(agent: &Agent) -> Result<(), Failure> {
    match &agent.revoked {
        None => Ok(()),
        Some(reason) => Err(Failure::message(
            Kind::Input,
            format!("agent `{}` is already revoked ({reason})", agent.profile.name),
        )),
    }
}

fn revoke(args: &RevokeArgs) -> Result<ExitCode, Failure> {
    let mut home = Home::open(&args.data.data)?;
    let agent = find(&home, &args.agent)?;
    ensure_active(agent)?;
    let (target, name) = (agent.did, agent.profile.name.clone());
    if target == home.views().registry().operator() {
        return Err(Failure::message(
            Kind::Input,
            "the operator's key is the log's key and cannot be revoked",
        )
        .hint("a log ends with its key; start another in another data directory"));
    }
    let action = Action::Revoke(Revoke { agent: target, reason: args.reason.clone() });
    let receipt = if args.by_operator {
        let key = home.operator_key()?;
        home.act(deed(key.did(), &key, action))?
    } else {
        let key = home.key(&name)?;
        home.act(deed(target, &key, action))?
    };
    home.save_views()?;
    report(args.json, &name, "revoked", target, receipt)
}
