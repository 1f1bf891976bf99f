//! `chaoschain chain doctor`.

use std::process::ExitCode;

use chaos_chains::{
    Address, EvmChain, Finding, Found, Prospect, Work, prospect, sending::FeeCap,
    signer::PRIVATE_KEY_VAR,
};
use serde_json::json;

use crate::{
    args::{DoctorArgs, WorkKind},
    clock,
    commands::sending::{per_gas, reach, signer},
    exit::{Failure, Kind},
    output, runtime,
};

pub(crate) fn run(args: &DoctorArgs) -> Result<ExitCode, Failure> {
    let cap = FeeCap { max_fee_per_gas: per_gas("--max-fee", &args.max_fee)?, ..FeeCap::default() };
    let account = account(args)?;
    let (chain, findings) = runtime::single()?.block_on(async {
        let chain = reach(&args.chain).await?;
        let findings = chain.examine(account, &cap, clock::now_s()).await?;
        Ok::<_, Failure>((chain, findings))
    })?;
    let asked: Vec<Work> = Work::ALL.into_iter().filter(|work| is_asked(args, *work)).collect();
    if args.json {
        as_json(&asked, &findings)?
    } else {
        as_text(&chain, &asked, &findings)
    }
    // What nobody looked at is no success.
    let works = asked.iter().all(|work| prospect(*work, &findings) == Prospect::Works);
    Ok(if works { ExitCode::SUCCESS } else { ExitCode::from(Kind::Outside as u8) })
}

/// Who would pay: named, or the owner of the key that is there.
fn account(args: &DoctorArgs) -> Result<Option<Address>, Failure> {
    let has_key = args.key.keystore.is_some()
        || args.key.signer_account.is_some()
        || std::env::var_os(PRIVATE_KEY_VAR).is_some_and(|key| !key.is_empty());
    match args.account {
        None if has_key => {
            let signer = signer(&args.key)?;
            Ok(Some(signer.address()))
        }
        account => Ok(account),
    }
}

fn is_asked(args: &DoctorArgs, work: Work) -> bool {
    let kind = match work {
        Work::Anchor => WorkKind::Anchor,
        Work::Vote => WorkKind::Vote,
        Work::Pay => WorkKind::Pay,
        Work::Deploy => WorkKind::Deploy,
    };
    args.works.is_empty() || args.works.contains(&kind)
}

const fn word(found: Found) -> &'static str {
    match found {
        Found::Here => "ok",
        Found::Limited => "limited",
        Found::Missing => "missing",
        Found::NotAsked => "not asked",
    }
}

const fn outlook(prospect: Prospect) -> &'static str {
    match prospect {
        Prospect::Works => "works",
        Prospect::Fails => "fails",
        Prospect::NotShown => "not shown",
    }
}

fn as_json(asked: &[Work], findings: &[Finding]) -> Result<(), Failure> {
    for Finding { name, found, needed_for, text } in findings {
        let needed_for: Vec<String> = needed_for.iter().map(Work::to_string).collect();
        output::json(&json!({
            "capability": name, "found": word(*found), "needed_for": needed_for, "text": text,
        }))?;
    }
    for work in asked {
        let outlook = outlook(prospect(*work, findings));
        output::json(&json!({"work": work.to_string(), "outlook": outlook}))?;
    }
    Ok(())
}

fn as_text(chain: &EvmChain, asked: &[Work], findings: &[Finding]) {
    output::sentence(format_args!(
        "{} at {}",
        output::bold(chain.chain_id().as_str()),
        chain.url()
    ));
    for Finding { name, found, text, .. } in findings {
        let word = format!("{:<9}", word(*found));
        let word = match found {
            Found::Here => output::good(&word),
            Found::Missing => output::bad(&word),
            Found::Limited | Found::NotAsked => output::dim(&word),
        };
        output::sentence(format_args!("  {word} {name:<21} {text}"));
    }
    for work in asked {
        let outlook = prospect(*work, findings);
        let lacking: Vec<&str> = findings
            .iter()
            .filter(|it| it.needed_for.contains(work))
            .filter(|it| match it.found {
                Found::Here | Found::Limited => false,
                Found::NotAsked => outlook == Prospect::NotShown,
                Found::Missing => true,
            })
            .map(|it| it.name)
            .collect();
        let why = match outlook {
            Prospect::Works => String::new(),
            Prospect::Fails => format!(", for want of {}", lacking.join(", ")),
            Prospect::NotShown => format!(", not asked: {}", lacking.join(", ")),
        };
        output::sentence(format_args!("{work:<7} {}{why}", self::outlook(outlook)));
    }
}
