//! `chaoschain agent account`.

use std::{io, path::Path, process::ExitCode};

use anyhow::{Context as _, anyhow};
use chaos_agency::{
    account::{Agreement, spell_signature},
    action::BindAccount,
};
use chaos_chains::Signer;
use chaos_ledger::agents::{self, find_active};
use serde_json::json;

use super::report;
use crate::{
    args::AccountArgs,
    exit::{Failure, Kind, OrFail as _},
    ledger, output, runtime,
};

/// A signature has 132 characters.
const SIGNATURE_BYTES_MAX: usize = 4_096;

pub(super) fn run(args: &AccountArgs) -> Result<ExitCode, Failure> {
    let signer = match &args.keystore {
        Some(path) => Some(Signer::from_keystore(path).or_fail(Kind::Input)?),
        None if args.own_key => Some(Signer::load(None).or_fail(Kind::Input)?),
        None => None,
    };
    let account = account(args, signer.as_ref())?;
    let chain = &args.chain;
    let (did, log, number) = {
        let ledger = ledger::read(&args.data.data)?;
        let did = find_active(&ledger, &args.agent)?.did;
        (did, ledger.operator(), Some(ledger.next_account(&did, chain)?))
    };
    let agreement = Agreement { log, agent: did, chain, account: &account, number };
    let signature = match (&signer, &args.signature) {
        (Some(signer), _) => runtime::single()?
            .block_on(signer.sign_text(&agreement.text()))
            .map_err(chaos_chains::Error::from)?,
        (None, Some(path)) => signature(path)?,
        (None, None) => return to_sign(args, &agreement),
    };
    let signature = spell_signature(&signature).ok_or_else(|| {
        Failure::message(Kind::Input, "the signature is not 65 bytes in hexadecimal, by one key")
    })?;
    let bind = BindAccount { chain: chain.clone(), account, number, signature };
    let mut ledger = ledger::open(&args.data.data)?;
    let bound = agents::bind_account(&mut ledger, &args.agent, bind)?;
    report(args.json, "registered its account", &bound)
}

/// The account in its one spelling.
fn account(args: &AccountArgs, signer: Option<&Signer>) -> Result<String, Failure> {
    let of_key = signer.map(Signer::address);
    let account = args.account.or(of_key).context("no account is named").or_fail(Kind::Input)?;
    match of_key {
        Some(of_key) if of_key != account => Err(Failure::message(
            Kind::Input,
            format!("the key is of account {of_key:#x}, not of {account:#x}"),
        )),
        Some(_) | None => Ok(format!("{account:#x}")),
    }
}

fn signature(path: &Path) -> Result<String, Failure> {
    let bytes = if path == Path::new("-") {
        chaos_files::take(io::stdin().lock(), SIGNATURE_BYTES_MAX)
            .context("standard input cannot be read")
            .and_then(|read| read.ok_or_else(|| anyhow!("that is too long for a signature")))
            .or_fail(Kind::Input)?
            .to_vec()
    } else {
        chaos_files::read(path, SIGNATURE_BYTES_MAX).or_fail(Kind::Input)?
    };
    String::from_utf8(bytes).context("the signature is no text").or_fail(Kind::Input)
}

/// Nothing but the text on standard output, so that it can be handed on as it is.
fn to_sign(args: &AccountArgs, agreement: &Agreement<'_>) -> Result<ExitCode, Failure> {
    let text = agreement.text();
    if args.json {
        output::json(&json!({
            "agent": agreement.agent,
            "chain": agreement.chain,
            "account": agreement.account,
            "number": agreement.number,
            "status": "to be signed",
            "text": text,
        }))?;
    } else {
        output::line(&text);
        output::hint(
            "nothing was changed: have the account sign this text (`cast wallet sign TEXT`, or \
             `personal_sign` of a wallet), and give its signature with --signature FILE or -",
        );
    }
    Ok(ExitCode::SUCCESS)
}
