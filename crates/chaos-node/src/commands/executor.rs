//! `chaoschain executor`.

use std::{collections::BTreeSet, io, path::Path, process::ExitCode};

use chaos_attestation::{
    Evidence, Provider, Refusal, ReportData,
    collateral::COLLATERAL_BYTES_MAX,
    provide::{
        Configfs, Development, TSM_ROOT,
        development::{Identity, Scenario, Seed, Window},
    },
};
use chaos_broker::{
    JobId, Name, ServiceId,
    directory::Tags,
    executor::{self, Environment, Event, Plan},
};
use chaos_ledger::Keys;
use chaos_types::AgentKey;
use serde_json::json;

use crate::{
    args::{
        ExecutorArgs, ExecutorCommand, ExecutorRunArgs, ProviderArgs, ProviderKind, WorkloadArgs,
    },
    clock,
    exit::{Failure, Kind, OrFail as _},
    ledger, output,
    runtime::{self, Stop},
};

pub(crate) fn run(args: ExecutorArgs) -> Result<ExitCode, Failure> {
    match args.command {
        ExecutorCommand::Run(args) => work(*args),
        ExecutorCommand::Workload(args) => show(&args),
    }
}

fn work(args: ExecutorRunArgs) -> Result<ExitCode, Failure> {
    let provider = provider(&args.provider)?;
    let owner = owner(&args)?;
    let tenant = args.secrets.first().map_or(&args.name, |secret| secret.tenant()).clone();
    let plan = Plan {
        address: args.broker,
        broker: args.broker_key,
        job: args.job.unwrap_or_else(|| JobId::new(tenant, args.name.clone())),
        service: ServiceId::new(args.name, args.instance),
        endpoints: args.endpoints,
        tags: tags(&args.tags)?,
        capacity: args.capacity,
        secrets: args.secrets.into_iter().collect::<BTreeSet<_>>(),
        role: args.role,
        heartbeat_s: args.heartbeat_seconds,
        poll_s: args.revocations_seconds,
        once: args.once,
    };
    let environment = Environment {
        provider: provider.as_ref(),
        owner,
        system: clock::SYSTEM,
        events: &mut |event| tell(event).map_err(io::Error::other),
    };
    runtime::single()?.block_on(async {
        let stop = Stop::new()?;
        Ok::<_, Failure>(executor::run(plan, environment, stop.asked()).await?)
    })?;
    Ok(ExitCode::SUCCESS)
}

fn tell(event: &Event) -> Result<(), Failure> {
    output::json(&serde_json::to_value(event).or_fail(Kind::Check)?)
}

/// The key that owns the service: whoever took a name first keeps it, so it should outlive a run.
fn owner(args: &ExecutorRunArgs) -> Result<AgentKey, Failure> {
    let Some(name) = &args.owner else {
        output::say(
            "warning: the service's name belongs to a key of this run only; a later run is refused \
             the name until it is free again (see --owner)",
        );
        return Ok(clock::SYSTEM.random_key()?);
    };
    let password = ledger::password()?;
    Ok(Keys::new(&args.data.data, Some(&password), clock::SYSTEM).open_or_create(name)?)
}

/// Tags as the command line writes them, `KEY=VALUE`, each key once.
pub(super) fn tags(texts: &[String]) -> Result<Tags, Failure> {
    let mut tags = Tags::default();
    for text in texts {
        let wrong = |what: &str| {
            Failure::message(Kind::Input, format!("tag `{text}`: {what}"))
                .hint("a tag is exchange=, region=, size= or environment= with a name, each once")
        };
        let (key, value) = text.split_once('=').ok_or_else(|| wrong("expected KEY=VALUE"))?;
        let slot = match key {
            "exchange" => &mut tags.exchange,
            "region" => &mut tags.region,
            "size" => &mut tags.size,
            "environment" => &mut tags.environment,
            _ => return Err(wrong("there is no such key")),
        };
        let value: Name =
            value.parse().map_err(|refusal: chaos_broker::Refusal| wrong(&refusal.detail))?;
        if slot.replace(value).is_some() {
            return Err(wrong("the key is there twice"));
        }
    }
    Ok(tags)
}

/// A provider whose platform's collateral comes from a file.
struct WithCollateral {
    inner: Box<dyn Provider>,
    collateral: Vec<u8>,
}

impl Provider for WithCollateral {
    fn quote(&self, report_data: &ReportData) -> Result<Evidence, Refusal> {
        let evidence = self.inner.quote(report_data)?;
        Ok(Evidence { collateral: Some(self.collateral.clone()), ..evidence })
    }

    fn about(&self) -> String {
        self.inner.about()
    }
}

fn provider(args: &ProviderArgs) -> Result<Box<dyn Provider>, Failure> {
    let inner: Box<dyn Provider> = match args.provider {
        ProviderKind::Development => Box::new(development(args)),
        ProviderKind::Configfs => {
            if args.machine.is_some() {
                return Err(Failure::message(
                    Kind::Input,
                    "--machine is the development provider's: hardware measures what it runs",
                ));
            }
            Box::new(Configfs::new(Path::new(TSM_ROOT).to_owned()))
        }
    };
    let Some(file) = &args.collateral else { return Ok(inner) };
    Ok(Box::new(WithCollateral {
        inner,
        collateral: chaos_files::read(file, COLLATERAL_BYTES_MAX)?,
    }))
}

fn development(args: &ProviderArgs) -> Development {
    let scenario = Scenario::new(Window::of_day(clock::now_s()));
    let scenario = match &args.machine {
        Some(name) => scenario.identity(Identity::named(name)),
        None => scenario,
    };
    Development::simulating(&Seed::well_known(), scenario)
}

fn show(args: &WorkloadArgs) -> Result<ExitCode, Failure> {
    match args.provider.provider {
        ProviderKind::Development => {
            let provider = development(&args.provider);
            output::json(&json!({"provider": provider.about(), "workload": provider.workload()}))?;
            Ok(ExitCode::SUCCESS)
        }
        ProviderKind::Configfs => Err(Failure::message(
            Kind::Input,
            "a workload of hardware is known from a verified quote only",
        )
        .hint("`chaoschain attest verify` shows the workload of a quote")),
    }
}
