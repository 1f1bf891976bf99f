//! `chaoschain executor`.

use std::{collections::BTreeSet, io, path::Path, process::ExitCode};

use chaos_attestation::{
    Provider,
    collateral::COLLATERAL_BYTES_MAX,
    provide::{
        Configfs, Development, TSM_ROOT, WithCollateral,
        development::{Identity, Scenario, Seed, Window},
    },
};
use chaos_broker::{
    JobId, ServiceId,
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
    folders::{Making, ensure_home},
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
        tags: Tags::parse(&args.tags)?,
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
    ensure_home(Making::Log, &args.data.data)?;
    let password = ledger::password()?;
    Ok(Keys::new(&args.data.data, Some(&password), clock::SYSTEM).open_or_create(name)?)
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
    let collateral = chaos_files::read(file, COLLATERAL_BYTES_MAX)?;
    Ok(Box::new(WithCollateral::new(inner, collateral)))
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
