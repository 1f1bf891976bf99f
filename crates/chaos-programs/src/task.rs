//! A component that an agent runs, and the receipt of it.

use chaos_agency::{
    Action, Evidence, action,
    receipt::{Input, Product},
};
use chaos_ledger::{Ledger, NewEntry};
use chaos_sandbox::{Argument, Component, Inputs, InputsError, Run, World};
use chaos_types::Digest;

use crate::{
    enclave::Enclave,
    program::{Program as _, Ran, RunComponent},
    proposing::Signer,
    reexecution::{COMPONENT, argument_name},
};

/// Why a component cannot be run so.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The component has no such world.
    #[error("the component has {}, not `{asked}`", has.join(", "))]
    NoWorld {
        /// The world that was asked for.
        asked: String,
        /// Those that it has.
        has: Vec<String>,
    },
    /// The component has several worlds, or none.
    #[error("the component has the worlds {}", has.join(", "))]
    Worlds {
        /// Those that it has.
        has: Vec<String>,
    },
    /// The world takes another number of inputs.
    #[error("the world {world} does not take {found} inputs")]
    Arguments {
        /// The world.
        world: World,
        /// How many inputs there are.
        found: usize,
    },
    /// Named inputs are refused.
    #[error(transparent)]
    Inputs(InputsError),
}

/// What is run on what, as bytes.
#[derive(Debug, Clone, Default)]
pub struct Task {
    /// The component.
    pub component: Vec<u8>,
    /// What it is given; a strategy takes two, its state and an event.
    pub arguments: Vec<Vec<u8>>,
    /// What it may ask its host for, by name.
    pub named: Vec<(String, Vec<u8>)>,
}

impl Task {
    /// Runs the component, which was compiled from these bytes, in the world that is asked for or the
    /// only one that it has.
    ///
    /// # Errors
    /// If it has no such world, the inputs do not fit it, or the run ended where no result follows.
    pub fn run(
        &self,
        component: &Component,
        world: Option<&str>,
    ) -> Result<Ran<Run, action::Run>, crate::Error> {
        let world = choose(&component.worlds().collect::<Vec<_>>(), world)?;
        let parts: Vec<&[u8]> = self.arguments.iter().map(Vec::as_slice).collect();
        let argument = Argument::of(world, &parts)
            .ok_or(Error::Arguments { world, found: self.arguments.len() })?;
        let inputs = Inputs::new(self.named.iter().cloned()).map_err(Error::Inputs)?;
        RunComponent { component, argument, inputs: &inputs }.run()
    }

    /// Signs and logs what was run; with `enclave` its key signs too, and its quote is evidence.
    ///
    /// # Errors
    /// If the ledger refuses or fails.
    pub fn record(
        &self,
        ledger: &mut Ledger,
        actor: &Signer,
        enclave: Option<&Enclave>,
        ran: &Ran<Run, action::Run>,
    ) -> Result<Digest, crate::Error> {
        let mut inputs = vec![input(ledger, COMPONENT.to_owned(), &self.component)?];
        for (index, bytes) in self.arguments.iter().enumerate() {
            let name = argument_name(ran.output.world, index).to_owned();
            inputs.push(input(ledger, name, bytes)?);
        }
        for (name, bytes) in &self.named {
            inputs.push(input(ledger, format!("named/{name}"), bytes)?);
        }
        let output = ledger.put_blob(&ran.document)?;
        let replay = RunComponent::replay(inputs, output);
        let evidence = match enclave {
            Some(enclave) => enclave.evidence(ledger, ran.body.execution.clone(), Some(replay))?,
            None => Evidence::Replayable(replay),
        };
        let mut keys = vec![&actor.key];
        keys.extend(enclave.map(Enclave::key));
        Ok(ledger.record(NewEntry {
            agent: actor.did,
            keys,
            parents: vec![],
            subjects: vec![Product::new("answer", output)],
            evidence,
            action: Action::Run(ran.body.clone()),
        })?)
    }
}

fn input(ledger: &Ledger, name: String, bytes: &[u8]) -> Result<Input, crate::Error> {
    Ok(Input { name, digest: ledger.put_blob(bytes)? })
}

/// The world that was asked for, or the only one that the component has.
fn choose(has: &[World], asked: Option<&str>) -> Result<World, Error> {
    let names = || has.iter().map(ToString::to_string).collect();
    match (asked, has) {
        (Some(asked), _) => {
            let found = has.iter().copied().find(|world| world.to_string() == asked);
            found.ok_or_else(|| Error::NoWorld { asked: asked.to_owned(), has: names() })
        }
        (None, [only]) => Ok(*only),
        (None, _) => Err(Error::Worlds { has: names() }),
    }
}
