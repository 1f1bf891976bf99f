use std::{fmt, sync::Arc};

use chaos_types::{CodeIdentity, Digest};
use wasmtime::{
    Engine, Store,
    component::{
        ComponentExportIndex, Instance, InstancePre, Linker,
        types::{ComponentInstance, ComponentItem},
    },
};

use crate::{
    Answer, Argument, Configuration, ENGINE, Failure, HostError, INTERFACE, Inputs, Limits,
    NotProvable, Outcome, Run, Step, Transcript, Trap, World,
    configuration::PAGE_BYTES,
    host::{self, Host, Source},
    outcome::{End, Malformed, classify},
};

/// Why bytes are not run as a component.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Longer than [`Limits::component_bytes`].
    #[error("component has {bytes} bytes, the limit is {limit}")]
    TooLarge {
        /// Length of the refused bytes.
        bytes: usize,
        /// The limit.
        limit: u64,
    },
    /// It has more functions, or a longer one, than the limits allow.
    #[error("component has {found} {what}, the limit is {limit}")]
    TooMuchCode {
        /// What it has too much of.
        what: &'static str,
        /// How much it has.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// Not a valid component, or one that uses a feature that is off.
    #[error("not a component that this sandbox runs")]
    Invalid(#[source] HostError),
    /// It imports something else than the host interface.
    #[error("component imports `{name}`; it may import `{}` and nothing else", host::INTERFACE)]
    ForbiddenImport {
        /// The name of the import.
        name: String,
    },
    /// It imports a function that the host interface does not have.
    #[error("component imports `{name}`, which `{}` does not have", host::INTERFACE)]
    UnknownFunction {
        /// The name of the function.
        name: String,
    },
    /// It imports a host function with another type.
    #[error("component imports a function of `{}` with another type", host::INTERFACE)]
    ImportType(#[source] HostError),
    /// It asks the host, which its world does not allow.
    #[error("component imports `{}`, which world `{world}` does not allow", host::INTERFACE)]
    HostForbidden {
        /// The world whose function it exports.
        world: World,
    },
    /// It exports the function of no world.
    #[error("component exports none of `run`, `simulate`, `score` and `decide`")]
    NoWorld,
    /// It exports the function of a world with another type.
    #[error("export `{}` is not `{}`", world.export(), world.signature())]
    ExportType {
        /// The world whose function it exports.
        world: World,
    },
    /// It needs more from the start than a run may use.
    #[error("component needs {needs} {what} from the start, the limit is {limit}")]
    NeedsTooMuch {
        /// What it needs.
        what: &'static str,
        /// How much it needs.
        needs: u64,
        /// The limit.
        limit: u64,
    },
}

/// The point at which a repeat is no longer the recorded run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the run departs from its record at call {call} of the host")]
pub struct Diverged {
    /// Index of the first call that is not as recorded, or is missing.
    pub call: usize,
}

/// Why there is no [`Run`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The component is not of the argument's world.
    #[error("component is not of world `{world}`: it does not export `{}`", world.export())]
    WrongWorld {
        /// The argument's world.
        world: World,
    },
    /// The argument is longer than [`Limits::argument_bytes`].
    #[error("argument has {bytes} bytes, the limit is {limit}")]
    ArgumentTooLarge {
        /// Length of the argument.
        bytes: usize,
        /// The limit.
        limit: u64,
    },
    /// The run ended in a way that need not repeat.
    #[error(transparent)]
    NotProvable(#[from] NotProvable),
    /// The run was to repeat a record and did not.
    #[error(transparent)]
    Diverged(#[from] Diverged),
}

/// A compiled component. Cloning is cheap.
#[derive(Clone)]
pub struct Component {
    inner: Arc<Inner>,
}

struct Inner {
    code: CodeIdentity,
    pre: InstancePre<Host>,
    worlds: Vec<(World, ComponentExportIndex)>,
    limits: Limits,
}

impl fmt::Debug for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Component").field("code", self.code()).finish_non_exhaustive()
    }
}

impl Component {
    pub(crate) fn new(
        linker: &Linker<Host>,
        compiled: &wasmtime::component::Component,
        digest: Digest,
        configuration_digest: Digest,
        configuration: &Configuration,
    ) -> Result<Self, Refused> {
        let asks_host = ensure_imports(linker.engine(), compiled)?;
        let pre = linker
            .instantiate_pre(compiled)
            .map_err(|error| Refused::ImportType(HostError::new(&error)))?;
        let worlds = worlds(linker.engine(), compiled)?;
        if let Some((world, _)) =
            worlds.iter().find(|(world, _)| asks_host && !world.may_ask_host())
        {
            return Err(Refused::HostForbidden { world: *world });
        }
        ensure_fits(compiled, &configuration.limits)?;
        let code = CodeIdentity {
            component: digest,
            engine: ENGINE.to_owned(),
            configuration: configuration_digest,
            interface: INTERFACE.to_owned(),
        };
        let limits = configuration.limits.clone();
        Ok(Self { inner: Arc::new(Inner { code, pre, worlds, limits }) })
    }

    /// Which code this is, under which configuration.
    #[must_use]
    pub fn code(&self) -> &CodeIdentity {
        &self.inner.code
    }

    /// The worlds whose functions it exports; at least one.
    pub fn worlds(&self) -> impl Iterator<Item = World> + '_ {
        self.inner.worlds.iter().map(|(world, _)| *world)
    }

    /// Calls the function of the argument's world once, in a fresh instance.
    ///
    /// # Errors
    /// If the component is not of that world, the argument is too long, or the run ended in a way
    /// that need not repeat. Every other ending, traps and malformed answers included, is a run.
    pub fn run(&self, argument: Argument<'_>, inputs: &Inputs) -> Result<Run, RunError> {
        self.call(argument, Source::Inputs(inputs.clone()))
    }

    /// Repeats a run with the host's answers from its record: needs no inputs of the job.
    ///
    /// The run that comes back has the recorded transcript, head included, or there is none.
    ///
    /// # Errors
    /// As [`Component::run`], and if the component makes another call than the recorded one, one
    /// more, or one less.
    pub fn replay(&self, argument: Argument<'_>, record: &Transcript) -> Result<Run, RunError> {
        self.call(argument, Source::Record(record.clone()))
    }

    fn call(&self, argument: Argument<'_>, source: Source) -> Result<Run, RunError> {
        let world = argument.world();
        let Some((_, export)) = self.inner.worlds.iter().find(|(other, _)| *other == world) else {
            return Err(RunError::WrongWorld { world });
        };
        let (bytes, limit) = (argument.len(), self.inner.limits.argument_bytes);
        if bytes as u64 > limit {
            return Err(RunError::ArgumentTooLarge { bytes, limit });
        }
        let mut store = self.store(source);
        let ended = self
            .inner
            .pre
            .instantiate(&mut store)
            .and_then(|instance| invoke(&mut store, &instance, export, argument));
        let outcome = match ended {
            Ok(outcome) => within(outcome, &self.inner.limits),
            Err(error) => match classify(&error) {
                End::Proven(outcome) => outcome,
                End::NotProvable(reason) => return Err(RunError::NotProvable(reason)),
                End::Diverged(diverged) => return Err(RunError::Diverged(diverged)),
            },
        };
        let left = store.get_fuel().expect("fuel is on");
        // The engine looks at the fuel where functions and loops begin, and would let a run end that
        // used up its last unit, or more, after that.
        let outcome = if left == 0 { Outcome::Trap(Trap::OutOfFuel) } else { outcome };
        Ok(Run {
            outcome,
            fuel: self.inner.limits.fuel - left,
            code: self.inner.code.clone(),
            world,
            argument: argument.digest(),
            transcript: store.into_data().finish()?,
        })
    }

    fn store(&self, source: Source) -> Store<Host> {
        let limits = &self.inner.limits;
        let mut store = Store::new(self.inner.pre.engine(), Host::new(limits.clone(), source));
        store.limiter(|host| host);
        store.set_fuel(limits.fuel).expect("fuel is on");
        let copied =
            [limits.answer_bytes, limits.failure_bytes, limits.name_bytes, limits.note_bytes];
        let most = copied.into_iter().max().unwrap_or_default();
        store.set_hostcall_fuel(usize::try_from(most).unwrap_or(usize::MAX));
        store
    }
}

/// Calls an export with the shape of its world.
fn invoke(
    store: &mut Store<Host>,
    instance: &Instance,
    export: &ComponentExportIndex,
    argument: Argument<'_>,
) -> wasmtime::Result<Outcome> {
    let answer = match argument {
        Argument::Generic(bytes) | Argument::Simulate(bytes) | Argument::Score(bytes) => {
            let function =
                instance.get_typed_func::<(&[u8],), Returned<Vec<u8>>>(&mut *store, export)?;
            function.call(store, (bytes,))?.0.map(Answer::Bytes)
        }
        Argument::Strategy { state, event } => {
            let function =
                instance.get_typed_func::<(&[u8], &[u8]), Returned<Step>>(&mut *store, export)?;
            function.call(store, (state, event))?.0.map(Answer::Step)
        }
    };
    Ok(match answer {
        Ok(answer) => Outcome::Answer(answer),
        Err(failure) => Outcome::Failure(failure),
    })
}

/// What every world's function returns.
type Returned<T> = (Result<T, Failure>,);

/// Holds an outcome against the limits on what a component may send.
fn within(outcome: Outcome, limits: &Limits) -> Outcome {
    let (bytes, limit) = match &outcome {
        Outcome::Answer(answer) => (answer.len(), limits.answer_bytes),
        Outcome::Failure(failure) => (failure.text().len(), limits.failure_bytes),
        Outcome::Trap(_) | Outcome::Malformed(_) => return outcome,
    };
    if bytes as u64 > limit { Outcome::Malformed(Malformed::TooLarge) } else { outcome }
}

/// Refuses every import but the host interface, its types, and names for types, which bring nothing
/// into the component; says whether the host is imported.
fn ensure_imports(
    engine: &Engine,
    compiled: &wasmtime::component::Component,
) -> Result<bool, Refused> {
    let component = compiled.component_type();
    let mut asks_host = false;
    for (name, item) in component.imports(engine) {
        let functions: &[&str] = match (name, &item.ty) {
            (_, ComponentItem::Type(_)) => continue,
            (host::INTERFACE, ComponentItem::ComponentInstance(_)) => &host::FUNCTIONS,
            (host::TYPES, ComponentItem::ComponentInstance(_)) => &[],
            _ => return Err(Refused::ForbiddenImport { name: short(name) }),
        };
        if let ComponentItem::ComponentInstance(interface) = &item.ty {
            ensure_known(engine, interface, functions)?;
        }
        asks_host |= name == host::INTERFACE;
    }
    Ok(asks_host)
}

/// Refuses an interface with anything in it but types and the given functions.
fn ensure_known(
    engine: &Engine,
    interface: &ComponentInstance,
    functions: &[&str],
) -> Result<(), Refused> {
    for (name, item) in interface.exports(engine) {
        let known = match item.ty {
            ComponentItem::ComponentFunc(_) => functions.contains(&name),
            ComponentItem::Type(_) => true,
            ComponentItem::CoreFunc(_)
            | ComponentItem::Module(_)
            | ComponentItem::Component(_)
            | ComponentItem::ComponentInstance(_)
            | ComponentItem::Resource(_) => false,
        };
        if !known {
            return Err(Refused::UnknownFunction { name: short(name) });
        }
    }
    Ok(())
}

/// The longest name that is repeated in an error, in characters.
const NAME_CHARS_MAX: usize = 200;

pub(crate) fn short(name: &str) -> String {
    name.chars().take(NAME_CHARS_MAX).collect()
}

/// The worlds whose functions are exported with the right type.
fn worlds(
    engine: &Engine,
    compiled: &wasmtime::component::Component,
) -> Result<Vec<(World, ComponentExportIndex)>, Refused> {
    let component = compiled.component_type();
    let types = component.instance_type();
    let mut worlds = Vec::new();
    for world in World::ALL {
        let Some(item) = component.get_export(engine, world.export()) else {
            continue;
        };
        let ComponentItem::ComponentFunc(function) = item.ty else {
            return Err(Refused::ExportType { world });
        };
        let fits = match world {
            World::Generic | World::Simulate | World::Score => {
                function.typecheck::<(&[u8],), Returned<Vec<u8>>>(&types)
            }
            World::Strategy => function.typecheck::<(&[u8], &[u8]), Returned<Step>>(&types),
        };
        let index = compiled.get_export_index(None, world.export());
        match (fits, index) {
            (Ok(()), Some(index)) if !function.async_() => worlds.push((world, index)),
            _ => return Err(Refused::ExportType { world }),
        }
    }
    if worlds.is_empty() { Err(Refused::NoWorld) } else { Ok(worlds) }
}

/// Refuses what cannot even begin within the limits.
fn ensure_fits(compiled: &wasmtime::component::Component, limits: &Limits) -> Result<(), Refused> {
    // There is no sum only for a component that imports modules, which was refused above.
    let Some(needs) = compiled.resources_required() else {
        return Ok(());
    };
    let memory = needs.max_initial_memory_size.unwrap_or(0).saturating_mul(PAGE_BYTES);
    let elements = needs.max_initial_table_size.unwrap_or(0);
    for (what, needs, limit) in [
        ("memories", u64::from(needs.num_memories), limits.memories),
        ("bytes of memory", memory, limits.memory_bytes),
        ("tables", u64::from(needs.num_tables), limits.tables),
        ("table elements", elements, limits.table_elements),
    ] {
        if needs > limit {
            return Err(Refused::NeedsTooMuch { what, needs, limit });
        }
    }
    Ok(())
}
