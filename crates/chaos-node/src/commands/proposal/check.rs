//! `chaoschain proposal check`.

use std::{path::Path, process::ExitCode};

use anyhow::Context as _;
use chaos_chains::{Address, RpcLimits, StateReader};
use chaos_evm::recorded::{gzip, plain};
use chaos_programs::{
    checking::{self, Asked, Proposed},
    proposing::Signer,
};
use chaos_review::{
    FILE_BYTES_MAX, Payload, Place, RECORDING_BYTES_MAX, Recording, Review, page,
    words::{self, Tone},
};
use chaos_types::{ChainId, Digest};
use serde_json::json;

use crate::{
    args::ProposalCheckArgs,
    commands::write_file,
    exit::{Failure, Kind, OrFail as _},
    ledger, output,
};

/// Most bytes of an ABI file.
const ABI_BYTES_MAX: usize = 4 << 20;

pub(crate) fn run(args: &ProposalCheckArgs) -> Result<ExitCode, Failure> {
    let recording = match (&args.recorded, &args.rpc_url) {
        (Some(path), _) => recorded(path)?,
        (None, Some(url)) => live(args, url)?,
        (None, None) => {
            return Err(Failure::message(Kind::Input, "no state to run it on was named")
                .hint("name a node by --rpc-url, or a recording by --recorded"));
        }
    };
    ensure_block(args, &recording.place)?;
    let review = recording.review()?;
    let seen = Seen {
        digest: review.digest().or_fail(Kind::Check)?,
        bytes: recording.encode().or_fail(Kind::Check)?,
        recording,
        review,
    };
    if let Some(out) = &args.out {
        write(out, &seen)?;
    }
    let receipt = match &args.agent {
        Some(agent) => Some(sign(args, agent, &seen.bytes)?),
        None => None,
    };
    show(args, &seen, receipt)?;
    let review = &seen.review;
    Ok(if review.succeeded() { ExitCode::SUCCESS } else { ExitCode::from(Kind::Check as u8) })
}

fn recorded(path: &Path) -> Result<Recording, Failure> {
    let bytes = read(path, RECORDING_BYTES_MAX)?;
    let bytes = plain(bytes).or_fail(Kind::Input).map_err(|it| it.context(path.display()))?;
    Recording::decode(&bytes).map_err(|error| Failure::from(error).context(path.display()))
}

fn live(args: &ProposalCheckArgs, url: &str) -> Result<Recording, Failure> {
    let wanted: Option<ChainId> =
        args.chain.as_deref().map(str::parse).transpose().or_fail(Kind::Input)?;
    let abis = args.abi.iter().map(|given| abi(given)).collect::<Result<_, _>>()?;
    let proposal = match (&args.calls, args.governor, args.id) {
        (Some(path), ..) => Proposed::File(payload(path)?),
        (None, Some(governor), Some(id)) => Proposed::Governor { governor, id },
        (None, ..) => return Err(Failure::message(Kind::Input, "--governor needs --id")),
    };
    let node = StateReader::connect(url, wanted.as_ref(), RpcLimits::default())?;
    let at = node.block(args.block)?;
    let (fork, sender, sent_along) = (args.fork.clone(), args.sender, args.sent_along);
    let asked = Asked { node: &node, at: &at, fork, proposal, sender, sent_along, abis };
    Ok(checking::record(asked)?)
}

/// The block has the hash that somebody asks for.
fn ensure_block(args: &ProposalCheckArgs, place: &Place) -> Result<(), Failure> {
    match args.block_hash {
        Some(expected) if expected != place.hash => {
            let Place { number, hash, .. } = place;
            let text = format!("block {number} has the hash {hash}, expected {expected}");
            Err(Failure::message(Kind::Check, text))
        }
        _ => Ok(()),
    }
}

fn payload(path: &Path) -> Result<Payload, Failure> {
    let bytes = read(path, FILE_BYTES_MAX)?;
    Payload::decode(&bytes).or_fail(Kind::Input).map_err(|it| it.context(path.display()))
}

/// `FILE`, or `ADDRESS=FILE`.
fn abi(given: &str) -> Result<(Option<Address>, String), Failure> {
    let parts = given
        .split_once('=')
        .and_then(|(address, path)| Some((address.parse::<Address>().ok()?, path)));
    let (address, path) = parts.map_or((None, given), |(address, path)| (Some(address), path));
    let bytes = read(Path::new(path), ABI_BYTES_MAX)?;
    let text = String::from_utf8(bytes).or_fail(Kind::Input).map_err(|it| it.context(path))?;
    Ok((address, text))
}

fn read(path: &Path, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    chaos_files::read(path, bytes_max).or_fail(Kind::Input)
}

/// A recording, as it is written, and what was found.
struct Seen {
    recording: Recording,
    bytes: Vec<u8>,
    review: Review,
    digest: Digest,
}

fn write(out: &Path, seen: &Seen) -> Result<(), Failure> {
    let Seen { recording, bytes, review, digest } = seen;
    let bytes = gzip(bytes).context("cannot compress the recording").or_fail(Kind::Storage)?;
    write_file(&out.join("recording.json.gz"), &bytes)?;
    write_file(&out.join("review.json"), &review.to_bytes().or_fail(Kind::Check)?)?;
    let page = page(review, &recording.payload.description, *digest);
    write_file(&out.join("report.html"), page.as_bytes())
}

/// Signs and logs what was found.
fn sign(args: &ProposalCheckArgs, agent: &str, recording: &[u8]) -> Result<Digest, Failure> {
    let mut ledger = ledger::open_or_create(&args.data.data)?;
    let heads = args.bundle.as_ref().map(|_| ledger::heads()).transpose()?;
    let actor = Signer::of(&ledger, agent)?;
    let receipt = checking::sign(&mut ledger, &actor, recording)?;
    if let (Some(path), Some(heads)) = (&args.bundle, &heads) {
        let checkpoint = ledger::publish_head(&mut ledger, heads)?;
        let bytes = chaos_ledger::bundle(&ledger, &receipt, &checkpoint, None)?;
        write_file(path, &bytes)?;
    }
    Ok(receipt)
}

fn show(args: &ProposalCheckArgs, seen: &Seen, receipt: Option<Digest>) -> Result<(), Failure> {
    let Seen { review, digest, .. } = seen;
    if args.json {
        return output::json(&json!({
            "review": review,
            "digest": digest,
            "receipt": receipt,
            "out": args.out.as_ref().map(|out| out.display().to_string()),
        }));
    }
    for line in words::lines(review) {
        match line.tone {
            Tone::Plain => output::line(line.text),
            Tone::Heading => output::line(output::bold(&line.text)),
            Tone::Good => output::line(output::good(&line.text)),
            Tone::Bad => output::line(output::bad(&line.text)),
        }
    }
    output::line(format_args!("\nreview  {}", digest.to_hex()));
    if let Some(receipt) = receipt {
        output::line(format_args!("receipt {}", receipt.to_hex()));
    }
    if let Some(out) = &args.out {
        output::line(format_args!("written to {}", out.display()));
    }
    if args.block_hash.is_none() {
        output::say(
            "\nCompare the block's hash with the chain's: what is proven is proven against it.",
        );
    }
    Ok(())
}
