//! `chaoschain proposal submit`.

use std::process::ExitCode;

use chaos_chains::{Contract, SubmissionError, SubmittedProposal};
use chaos_programs::{
    proposing,
    submitting::{OnRecord, PROPOSAL_BYTES_MAX, Published, record_submission, submittable},
};
use chaos_types::Digest;
use serde_json::json;

use crate::{
    args::SubmitArgs,
    commands::{
        deployment,
        sending::{Explorer, connect, outbox, planned, signer},
    },
    exit::{Failure, Kind, OrFail as _},
    ledger, output, runtime,
};

pub(crate) fn run(args: &SubmitArgs) -> Result<ExitCode, Failure> {
    let outbox = outbox(&args.send)?;
    let text = chaos_files::read(&args.proposal, PROPOSAL_BYTES_MAX).or_fail(Kind::Input)?;
    let published = Published::parse(&text)
        .or_fail(Kind::Input)
        .map_err(|failure| failure.context(args.proposal.display()))?;
    let signer = signer(&args.send.key)?;
    let mut ledger = ledger::open(&args.send.data.data)?;
    let developer = proposing::Signer::of(&ledger, &args.agent)?;
    // What the log would not admit must not be paid for.
    let draft = submittable(&ledger, &published, &developer)?;
    ledger.ensure_clock()?;
    let heads = ledger::heads()?;
    runtime::server()?.block_on(async {
        let chain = connect(&args.send.chain, outbox).await?;
        let (contract, file) = (Contract::ProposalEndpoint, &args.deployment);
        let endpoint = deployment::contract(&chain, contract, args.endpoint, file).await?;
        chain.ensure_claims_provable(endpoint).await?;
        let checkpoint = if args.send.spend.dry_run {
            // Its length is all that matters.
            Digest::of(b"")
        } else {
            let head = chaos_api::publish_head(&mut ledger, &heads, &ledger::tell_silent).await?;
            Digest::of(head.to_string().as_bytes())
        };
        // Until the block stays, others may write to the log.
        drop(ledger);
        let (uri, _) = published.uri();
        let settling = chain.settling()?;
        let submitted = settling.submit_attested(endpoint, &signer, &uri, draft, checkpoint).await;
        let submitted = match submitted {
            Err(SubmissionError::Chain(error)) => return planned(&chain, error, args.send.json),
            submitted => submitted.map_err(chaos_programs::Error::from)?,
        };
        if args.send.spend.dry_run {
            return on_record(args, &submitted);
        }
        // Now, since nodes forget what the state was some blocks ago.
        let on = OnRecord::shown(&settling, endpoint, &submitted, &uri, draft).await?;
        let mut ledger = ledger::open(&args.send.data.data)?;
        let developer = proposing::Signer::of(&ledger, &args.agent)?;
        let receipt = record_submission(&mut ledger, &developer, &text, &on)?;
        report(args, &on, &receipt)
    })
}

/// What is on record already is logged by the command that writes, and paid by none.
fn on_record(args: &SubmitArgs, submitted: &SubmittedProposal) -> Result<ExitCode, Failure> {
    let number = submitted.proposal_id.to_string();
    if args.send.json {
        output::json(&json!({"event": "on_record", "proposal_id": number}))?;
    } else {
        output::line(format_args!("it is on record already, as proposal {number}"));
        output::line("nothing would be paid; without --dry-run its receipt is logged");
    }
    Ok(ExitCode::SUCCESS)
}

fn report(args: &SubmitArgs, on: &OnRecord<'_>, receipt: &Digest) -> Result<ExitCode, Failure> {
    let OnRecord {
        chain, endpoint, submitted: SubmittedProposal { proposal_id, transaction }, ..
    } = on;
    if args.send.json {
        output::json(&json!({
            "receipt": receipt,
            "chain": chain,
            "endpoint": format!("{endpoint:#x}"),
            "proposal_id": proposal_id.to_string(),
            "transaction": format!("{:#x}", transaction.hash),
            "block_number": transaction.block_number.to_string(),
            "gas_used": transaction.gas_used.to_string(),
            "finality": args.send.spend.wait.finality.to_string(),
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let finality = args.send.spend.wait.finality;
    output::line(format_args!("proposal {proposal_id} is on record on {chain}, {finality}"));
    output::line(format_args!("  endpoint     {endpoint:#x}"));
    output::line(format_args!("  transaction  {:#x}", transaction.hash));
    output::line(format_args!("  block        {}", transaction.block_number));
    output::line(format_args!("  gas          {}", transaction.gas_used));
    output::line(format_args!("  receipt      {receipt}"));
    Explorer::of(&args.send.chain)?.say_transaction(&transaction.hash);
    Ok(ExitCode::SUCCESS)
}
