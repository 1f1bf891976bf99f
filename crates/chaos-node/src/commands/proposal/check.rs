//! `chaoschain proposal check`.

use std::{path::Path, process::ExitCode};

use anyhow::Context as _;
use chaos_agency::calendar::moment;
use chaos_chains::{Address, RpcLimits, StateReader};
use chaos_evm::recorded::{gzip, plain};
use chaos_programs::{
    checking::{self, Asked, Proposed, StudiedWrite},
    proposing::Signer,
};
use chaos_review::{
    FILE_BYTES_MAX, Origin, Payload, Place, RECORDING_BYTES_MAX, Recording, Review, page,
    words::{self, Tone},
};
use chaos_types::{ChainId, Digest};
use serde_json::json;

use crate::{
    args::ProposalCheckArgs,
    commands::{
        sending::{chain_file_at, ensure_describes},
        write_file,
    },
    exit::{Failure, Kind, OrFail as _},
    ledger, output,
};

/// Most bytes of an ABI file.
const ABI_BYTES_MAX: usize = 4 << 20;

pub(crate) fn run(args: &ProposalCheckArgs) -> Result<ExitCode, Failure> {
    let recording = match &args.recorded {
        Some(path) => recorded(path)?,
        None => live(args)?,
    };
    ensure_place(args, &recording.place)?;
    let review = recording.review()?;
    ensure_rules(args, &review)?;
    let seen = Seen {
        digest: review.digest().or_fail(Kind::Check)?,
        bytes: recording.encode().or_fail(Kind::Check)?,
        parameters: studied(args, &review)?,
        recording,
        review,
    };
    if let Some(out) = &args.out {
        write(out, &seen)?;
    }
    let receipt = match &args.agent {
        Some(agent) => Some(sign(args, agent, &seen)?),
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

fn live(args: &ProposalCheckArgs) -> Result<Recording, Failure> {
    let abis = args.abi.iter().map(|given| abi(given)).collect::<Result<_, _>>()?;
    let proposal = match (&args.calls, args.governor, args.id) {
        (Some(path), ..) => Proposed::File(payload(path)?),
        (None, Some(governor), Some(id)) => Proposed::Governor { governor, id },
        (None, ..) => return Err(Failure::message(Kind::Input, "--governor needs --id")),
    };
    let node = node(args)?;
    let at = node.block(args.block)?;
    let (fork, sender, sent_along) = (args.fork.clone(), args.sender, args.sent_along);
    let asked = Asked { node: &node, at: &at, fork, proposal, sender, sent_along, abis };
    Ok(checking::record(asked)?)
}

/// The node that proves the state.
fn node(args: &ProposalCheckArgs) -> Result<StateReader, Failure> {
    let wanted = wanted(args)?;
    match (&args.chain_config, &args.rpc_url) {
        (Some(path), _) => {
            let file = chain_file_at(path)?;
            ensure_describes(&file, wanted.as_ref())?;
            Ok(StateReader::connect_to(&file, RpcLimits::default())?)
        }
        (None, Some(url)) => Ok(StateReader::connect(url, wanted.as_ref(), RpcLimits::default())?),
        (None, None) => Err(Failure::message(Kind::Input, "no state to run it on was named")
            .hint("name a node by --rpc-url or --chain-config, or a recording by --recorded")),
    }
}

/// The chain is the one, and the block has the hash, that somebody asks for.
fn ensure_place(args: &ProposalCheckArgs, place: &Place) -> Result<(), Failure> {
    if let Some(wanted) = wanted(args)?.filter(|wanted| *wanted != place.chain) {
        let text = format!("the recording says that it is of {}, expected {wanted}", place.chain);
        return Err(Failure::message(Kind::Check, text).hint(
            "code can ask for the chain's number: have it recorded on the chain that you mean",
        ));
    }
    match args.block_hash {
        Some(expected) if expected != place.hash => {
            let Place { number, hash, .. } = place;
            let text = format!("block {number} has the hash {hash}, expected {expected}");
            Err(Failure::message(Kind::Check, text))
        }
        _ => Ok(()),
    }
}

/// The rules are those that somebody asks for.
fn ensure_rules(args: &ProposalCheckArgs, review: &Review) -> Result<(), Failure> {
    match &args.fork {
        // The rules of a chain that is known are compared where they are chosen.
        Some(expected) if args.recorded.is_some() && expected != review.fork() => {
            let text = format!(
                "the recording is run by the rules of {}, expected {expected}",
                review.fork()
            );
            Err(Failure::message(Kind::Check, text))
        }
        _ => Ok(()),
    }
}

/// The chain that was asked for.
fn wanted(args: &ProposalCheckArgs) -> Result<Option<ChainId>, Failure> {
    args.chain.as_deref().map(str::parse).transpose().or_fail(Kind::Input)
}

/// What nobody but the recording's author, or the node, says: neither a proof nor an option holds it.
fn claimed(args: &ProposalCheckArgs, place: &Place) -> Vec<&'static str> {
    let chain = args.chain.is_none() && args.chain_config.is_none();
    // Without a recording the rules are the caller's own choice.
    let rules = args.recorded.is_some() && place.fork.is_some() && args.fork.is_none();
    let all = [(chain, "chain"), (args.block_hash.is_none(), "block-hash"), (rules, "fork")];
    all.into_iter().filter_map(|(is_claimed, name)| is_claimed.then_some(name)).collect()
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

/// What a log holds about the parameters that are set; nothing is asked where none are.
fn studied(args: &ProposalCheckArgs, review: &Review) -> Result<Vec<StudiedWrite>, Failure> {
    if review.parameter_writes().is_empty() {
        return Ok(Vec::new());
    }
    let log = match &args.log_dir {
        Some(dir) => Some(ledger::read(dir)?),
        None => ledger::read_if_any(&args.data.data)?,
    };
    Ok(checking::studied(review, log.as_ref())?)
}

/// A recording, as it is written, and what was found.
struct Seen {
    recording: Recording,
    bytes: Vec<u8>,
    review: Review,
    digest: Digest,
    parameters: Vec<StudiedWrite>,
}

fn write(out: &Path, seen: &Seen) -> Result<(), Failure> {
    let Seen { recording, bytes, review, digest, parameters } = seen;
    let bytes = gzip(bytes).context("cannot compress the recording").or_fail(Kind::Storage)?;
    write_file(&out.join("recording.json.gz"), &bytes)?;
    write_file(&out.join("review.json"), &review.to_bytes().or_fail(Kind::Check)?)?;
    let said = StudiedWrite::lines(parameters);
    let page = page(review, &recording.payload.description, *digest, &said);
    write_file(&out.join("report.html"), page.as_bytes())
}

/// Signs and logs what was found, after the studies that the log has of it.
fn sign(args: &ProposalCheckArgs, agent: &str, seen: &Seen) -> Result<Digest, Failure> {
    let mut ledger = ledger::open_or_create(&args.data.data)?;
    let heads = args.bundle.as_ref().map(|_| ledger::heads()).transpose()?;
    let actor = Signer::of(&ledger, agent)?;
    let studies = checking::receipts(&seen.parameters);
    let receipt = checking::sign(&mut ledger, &actor, &seen.bytes, studies)?;
    if let (Some(path), Some(heads)) = (&args.bundle, &heads) {
        let checkpoint = ledger::publish_head(&mut ledger, heads)?;
        let bytes = chaos_ledger::bundle(&ledger, &receipt, &checkpoint, None)?;
        write_file(path, &bytes)?;
    }
    Ok(receipt)
}

fn show(args: &ProposalCheckArgs, seen: &Seen, receipt: Option<Digest>) -> Result<(), Failure> {
    let Seen { review, digest, parameters, .. } = seen;
    let claimed = claimed(args, &seen.recording.place);
    if args.json {
        return output::json(&json!({
            "review": review,
            "digest": digest,
            "parameters": parameters,
            "receipt": receipt,
            "claimed": claimed,
            "out": args.out.as_ref().map(|out| out.display().to_string()),
        }));
    }
    for line in words::lines(review, &StudiedWrite::lines(parameters)) {
        match line.tone {
            Tone::Plain => output::line(line.text),
            Tone::Heading => output::line(output::bold(&line.text)),
            Tone::Good => output::line(output::good(&line.text)),
            Tone::Bad => output::line(output::bad(&line.text)),
        }
    }
    let Recording { origin, payload, .. } = &seen.recording;
    if matches!(origin, Origin::Governor { .. }) && payload.description.is_empty() {
        output::line(format_args!("\n{}", output::bad(words::NO_TEXT)));
    }
    let time = moment(review.timestamp_s().saturating_mul(1_000));
    output::line(format_args!("\nas of   {time}, by the block's own time"));
    output::line(format_args!("review  {}", digest.to_hex()));
    if let Some(receipt) = receipt {
        output::line(format_args!("receipt {}", receipt.to_hex()));
    }
    if let Some(out) = &args.out {
        output::line(format_args!("written to {}", out.display()));
    }
    say_claimed(args, &claimed, &seen.recording.place);
    Ok(())
}

/// What remains to be compared with the chain, each by its option.
fn say_claimed(args: &ProposalCheckArgs, claimed: &[&str], place: &Place) {
    if claimed.is_empty() {
        return;
    }
    let by = if args.recorded.is_some() { "recording" } else { "node" };
    output::line(format_args!(
        "\nclaimed by the {by} alone, compare with the chain that you mean:"
    ));
    for name in claimed {
        let value = match *name {
            "chain" => place.chain.to_string(),
            "fork" => place.fork.clone().unwrap_or_default(),
            _ => place.hash.to_string(),
        };
        // A hash takes the rest of a line of 80 columns.
        output::line(format_args!("--{name} {value}"));
    }
}
