//! `chaoschain run`.

use std::{path::Path, process::ExitCode};

use chaos_agency::action;
use chaos_programs::{enclave::Enclave, program::Ran, proposing::Signer, sandbox, task::Task};
use chaos_sandbox::{Outcome, Run};
use chaos_types::Digest;
use serde_json::json;

use crate::{
    args::RunArgs,
    clock,
    commands::{provider, tell_unanchored, write_file},
    exit::{Failure, Kind, OrFail as _},
    ledger, output,
};

/// An input file is at most this long, in bytes: 64 MiB.
const INPUT_BYTES_MAX: usize = 64 << 20;

pub(crate) fn run(args: &RunArgs) -> Result<ExitCode, Failure> {
    let task = read_task(args)?;
    let component = sandbox::shared()?
        .compile(&task.component)
        .or_fail(Kind::Input)
        .map_err(|failure| failure.context(args.component.display()))?;
    let ran = task.run(&component, args.world.as_deref())?;
    let receipt = if args.no_receipt { None } else { Some(leave(args, &task, &ran)?) };
    let Ran { output: done, document, body } = ran;
    let answer = body.answered.then_some(document);
    if let (Some(path), Some(answer)) = (&args.out, &answer) {
        write_file(path, answer)?;
    }
    if args.json {
        print_json(args, &done, answer.as_deref(), receipt.as_ref())?;
    } else {
        print_human(args, &done, answer.as_deref(), receipt.as_ref());
    }
    Ok(if body.answered { ExitCode::SUCCESS } else { ExitCode::from(Kind::Check as u8) })
}

fn read_task(args: &RunArgs) -> Result<Task, Failure> {
    let arguments = args.input.iter().map(|path| read(path)).collect::<Result<_, _>>()?;
    let mut named: Vec<(String, Vec<u8>)> = Vec::new();
    for text in &args.named {
        let Some((name, path)) = text.split_once('=') else {
            let expected = format!("--named: expected NAME=FILE, found `{text}`");
            return Err(Failure::message(Kind::Input, expected));
        };
        if named.iter().any(|(known, _)| known == name) {
            let twice = format!("--named: the input `{name}` is given twice");
            return Err(Failure::message(Kind::Input, twice));
        }
        named.push((name.to_owned(), read(Path::new(path))?));
    }
    Ok(Task { component: read(&args.component)?, arguments, named })
}

/// The bytes of a file that may not be longer than an input.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = chaos_files::read(path, INPUT_BYTES_MAX)?;
    if bytes.len() > INPUT_BYTES_MAX {
        return Err(Failure::message(
            Kind::Input,
            format!("{} is longer than an input, at most {INPUT_BYTES_MAX} bytes", path.display()),
        ));
    }
    Ok(bytes)
}

/// Signs and logs what was run.
fn leave(args: &RunArgs, task: &Task, ran: &Ran<Run, action::Run>) -> Result<Digest, Failure> {
    let mut ledger = ledger::open_or_create(&args.data.data)?;
    let heads = args.bundle.as_ref().map(|_| ledger::heads()).transpose()?;
    let actor = Signer::of(&ledger, &args.agent)?;
    let enclave = match args.attest {
        Some(kind) => {
            let provider = provider(kind);
            let collateral = args.collateral.as_deref().map(read).transpose()?;
            let operator = ledger.operator();
            Some(Enclave::quoted(provider.as_ref(), collateral, &operator, clock::SYSTEM)?)
        }
        None => None,
    };
    let receipt = task.record(&mut ledger, &actor, enclave.as_ref(), ran)?;
    if let Some(enclave) = &enclave {
        output::say(format_args!(
            "attested by {}, evidence {}",
            enclave.about(),
            enclave.evidence_id()
        ));
    }
    if let (Some(path), Some(heads)) = (&args.bundle, &heads) {
        let checkpoint = ledger::publish_head(&mut ledger, heads)?;
        let bytes = chaos_ledger::bundle(&ledger, &receipt, &checkpoint, None)?;
        write_file(path, &bytes)?;
        tell_unanchored(&ledger)?;
    }
    Ok(receipt)
}

/// How a run ended, in words.
fn ending(done: &Run) -> String {
    match &done.outcome {
        Outcome::Answer(_) => "answer".to_owned(),
        Outcome::Failure(failure) => failure.to_string(),
        Outcome::Trap(trap) => format!("trap: {trap}"),
        Outcome::Malformed(malformed) => format!("malformed output: {malformed}"),
    }
}

fn print_json(
    args: &RunArgs,
    done: &Run,
    answer: Option<&[u8]>,
    receipt: Option<&Digest>,
) -> Result<(), Failure> {
    let answer = answer.map(|bytes| match std::str::from_utf8(bytes) {
        Ok(text) => json!({ "text": text }),
        Err(_) => json!({ "hex": hex::encode(bytes) }),
    });
    output::json(&json!({
        "ended": ending(done),
        "answer": if args.out.is_some() { None } else { answer },
        "execution": sandbox::execution(done)?,
        "code_identity": done.code.digest().or_fail(Kind::Check)?,
        "host_calls": done.transcript.calls().len(),
        "receipt": receipt,
    }))
}

fn print_human(args: &RunArgs, done: &Run, answer: Option<&[u8]>, receipt: Option<&Digest>) {
    match (answer, &args.out) {
        (Some(bytes), Some(path)) => {
            output::say(format_args!("{} bytes written to {}", bytes.len(), path.display()));
        }
        (Some(bytes), None) => match std::str::from_utf8(bytes) {
            Ok(text) => output::line(text),
            Err(_) => output::line(hex::encode(bytes)),
        },
        (None, _) => output::line(output::bad(&output::one_line(&ending(done)))),
    }
    let code = &done.code;
    for (name, value) in [
        ("world", done.world.to_string()),
        ("fuel", done.fuel.to_string()),
        ("component", code.component.to_string()),
        ("engine", code.engine.clone()),
        ("configuration", code.configuration.to_string()),
        ("interface", code.interface.clone()),
        (
            "transcript",
            format!("{} ({} calls)", done.transcript.head(), done.transcript.calls().len()),
        ),
        ("receipt", receipt.map_or_else(|| "none".to_owned(), ToString::to_string)),
    ] {
        output::say(format_args!("{name:<14} {value}"));
    }
}
