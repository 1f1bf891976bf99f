//! Running a component again.

use chaos_agency::action;
use chaos_sandbox::{Argument, Inputs, World};
use chaos_types::{Digest, Rejection};
use chaos_verify::Fault;

use super::{COMPONENT, hold, json, reject, shown, work::Work};
use crate::{program::RunComponent, sandbox};

/// What a component's arguments are called among a receipt's inputs.
pub(crate) const fn argument_name(world: World, index: usize) -> &'static str {
    match (world, index) {
        (World::Strategy, 0) => "state",
        (World::Strategy, _) => "event",
        (World::Generic | World::Simulate | World::Score, _) => "input",
    }
}

/// Runs the component on the named inputs again; everything in the receipt's body follows from that.
pub(super) fn run(work: &Work<'_>, claimed: &action::Run) -> Result<Digest, Rejection> {
    let named = |name: &str| name.strip_prefix("named/").map(str::to_owned);
    let sandbox = sandbox::shared().map_err(shown)?;
    let component = sandbox.compile(&work.bytes(COMPONENT)?).map_err(shown)?;
    let claimed_world = &claimed.execution.world;
    let world =
        component.worlds().find(|world| world.to_string() == *claimed_world).ok_or_else(|| {
            reject(
                Fault::ClaimNotRepeated,
                format!("the component has no world {}", json(claimed_world)),
            )
        })?;
    let read: &[&str] = match world {
        World::Strategy => &[COMPONENT, argument_name(world, 0), argument_name(world, 1)],
        World::Generic | World::Simulate | World::Score => &[COMPONENT, argument_name(world, 0)],
    };
    work.named.ensure_inputs(|name| read.contains(&name) || named(name).is_some())?;
    let mut arguments = vec![work.bytes(argument_name(world, 0))?];
    if world == World::Strategy {
        arguments.push(work.bytes(argument_name(world, 1))?);
    }
    let parts: Vec<&[u8]> = arguments.iter().map(AsRef::as_ref).collect();
    let argument = Argument::of(world, &parts).ok_or_else(|| {
        reject(Fault::InputUnexpected, format!("the world {world} takes other inputs"))
    })?;
    let mut given = Vec::new();
    for input in work.named.inputs {
        if let Some(name) = named(&input.name) {
            given.push((name, work.bytes(&input.name)?.into_owned()));
        }
    }
    let inputs = Inputs::new(given).map_err(shown)?;
    hold(RunComponent { component: &component, argument, inputs: &inputs }, claimed)
}
