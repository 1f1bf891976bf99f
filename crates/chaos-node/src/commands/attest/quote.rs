//! `chaoschain attest quote`: evidence about where this runs, or a simulation of it.

use std::process::ExitCode;

use chaos_attestation::{
    Provider, Quote,
    provide::{
        Configfs, Development,
        development::{Identity, Scenario, Seed, Shape, Window},
    },
};
use serde_json::json;

use super::verify::report_data;
use crate::{
    args::{AttestQuoteArgs, ProviderKind, QuoteVersion},
    clock,
    commands::write_file,
    exit::{Failure, Kind, OrFail as _},
    output,
};

pub(crate) fn run(args: &AttestQuoteArgs) -> Result<ExitCode, Failure> {
    let report_data = report_data(&args.report_data)?;
    let (provider, root): (Box<dyn Provider>, _) = match args.provider {
        ProviderKind::Development => {
            let machine = development(args);
            let root = machine.root_der().to_vec();
            (Box::new(machine), Some(root))
        }
        ProviderKind::Configfs => (Box::new(Configfs::new(args.tsm.clone())), None),
    };
    let evidence = provider.quote(&report_data).or_fail(Kind::Outside)?;
    let quote = Quote::parse(&evidence.quote).or_fail(Kind::Outside)?;
    let workload = quote.workload();

    let files = [
        ("quote.bin", Some(evidence.quote.as_slice())),
        ("collateral.json", evidence.collateral.as_deref()),
        ("root.der", root.as_deref()),
        ("event-log.json", evidence.event_log.as_deref()),
    ];
    let mut written = Vec::new();
    for (name, bytes) in files {
        if let Some(bytes) = bytes {
            write_file(&args.out.join(name), bytes)?;
            written.push(name);
        }
    }
    let development = root.is_some();
    if args.json {
        output::json(&json!({
            "provider": provider.about(),
            "development": development,
            "quote_version": quote.version(),
            "evidence_id": quote.id(),
            "workload_id": workload,
            "report_data": hex::encode(report_data.as_bytes()),
            "folder": args.out,
            "files": written,
        }))?;
    } else {
        output::line(format_args!("{} of TDX version {}", output::bold("quote"), quote.version()));
        output::line(format_args!("  provider  {}", provider.about()));
        output::line(format_args!("  evidence  {}", quote.id()));
        output::line(format_args!("  workload  {workload}"));
        output::line(format_args!("  files     {} in {}", written.join(", "), args.out.display()));
    }
    if development {
        output::say(output::bad(
            "DEVELOPMENT TRUST: everybody has the keys that signed this quote.",
        ));
        output::say("It shows that the machinery works and proves nothing about hardware.");
    }
    Ok(ExitCode::SUCCESS)
}

fn development(args: &AttestQuoteArgs) -> Development {
    let at_s = args.at.unwrap_or_else(clock::now_s);
    let shape = match args.quote_version {
        QuoteVersion::V4 => Shape::V4,
        QuoteVersion::V5 => Shape::V5Td15,
    };
    let scenario =
        Scenario::new(Window::of_day(at_s)).shape(shape).identity(Identity::named(&args.td));
    Development::simulating(&Seed::well_known(), scenario)
}
