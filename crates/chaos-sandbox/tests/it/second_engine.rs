//! A component on another engine: its core module in an interpreter, with the canonical ABI done by
//! hand. It shares no code with the sandbox, so that the same answer from both means something.

use chaos_sandbox::{Answer, Argument, Failure, Malformed, Outcome, Step, Trap, World};
use wasmi::{Engine, Error, Instance, Linker, Module, Store, TrapCode, TypedFunc};
use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAlias, ComponentExternalKind, ExternalKind,
    Parser, Payload,
};

type Realloc = TypedFunc<(i32, i32, i32, i32), i32>;

/// The core functions behind one export of a component, by their names in its core module.
#[derive(Debug, Clone, Default)]
struct Lift {
    function: String,
    memory: String,
    realloc: String,
    post_return: Option<String>,
}

/// What is read of a component: its one core module and how its functions are lifted.
#[derive(Default)]
struct Reader {
    modules: Vec<Vec<u8>>,
    core_functions: Vec<String>,
    core_memories: Vec<String>,
    functions: Vec<Option<Lift>>,
    exports: Vec<(String, usize)>,
}

impl Reader {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Self::default();
        let mut depth = 0;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.unwrap() {
                Payload::ModuleSection { unchecked_range, .. } => {
                    if depth == 0 {
                        reader.modules.push(bytes[unchecked_range].to_vec());
                    }
                    depth += 1;
                }
                Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth -= 1,
                payload if depth == 0 => reader.section(payload)?,
                _ => {}
            }
        }
        Some(reader)
    }

    /// Takes one section; `None` if it calls out of the component.
    fn section(&mut self, payload: Payload<'_>) -> Option<()> {
        match payload {
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    self.alias(&alias.unwrap());
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for canonical in section {
                    let CanonicalFunction::Lift { core_func_index, options, .. } =
                        canonical.unwrap()
                    else {
                        return None;
                    };
                    let lift = self.lift(core_func_index, &options);
                    self.functions.push(Some(lift));
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export.unwrap();
                    if export.kind == ComponentExternalKind::Func {
                        let index = usize::try_from(export.index).unwrap();
                        self.exports.push((export.name.name.to_owned(), index));
                        // An export is a new item that stands for the exported one.
                        self.functions.push(self.functions[index].clone());
                    }
                }
            }
            _ => {}
        }
        Some(())
    }

    fn alias(&mut self, alias: &ComponentAlias<'_>) {
        match alias {
            ComponentAlias::CoreInstanceExport { kind: ExternalKind::Func, name, .. } => {
                self.core_functions.push((*name).to_owned());
            }
            ComponentAlias::CoreInstanceExport { kind: ExternalKind::Memory, name, .. } => {
                self.core_memories.push((*name).to_owned());
            }
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Func, .. } => {
                self.functions.push(None);
            }
            _ => {}
        }
    }

    fn lift(&self, function: u32, options: &[CanonicalOption]) -> Lift {
        let name = |index: u32| self.core_functions[usize::try_from(index).unwrap()].clone();
        let mut lift = Lift { function: name(function), ..Lift::default() };
        for option in options {
            match option {
                CanonicalOption::Memory(index) => {
                    lift.memory = self.core_memories[usize::try_from(*index).unwrap()].clone();
                }
                CanonicalOption::Realloc(index) => lift.realloc = name(*index),
                CanonicalOption::PostReturn(index) => lift.post_return = Some(name(*index)),
                CanonicalOption::UTF8 => {}
                other => panic!("{other:?} is not done by hand here"),
            }
        }
        lift
    }
}

/// An import-free component in the interpreter.
pub(crate) struct Interpreted {
    module: Module,
    lift: Lift,
}

impl Interpreted {
    /// The export of `world`; `None` for a component that is more than one core module, as those
    /// are that ask their host.
    pub(crate) fn new(component: &[u8], world: World) -> Option<Self> {
        let reader = Reader::read(component)?;
        let [module] = reader.modules.as_slice() else {
            return None;
        };
        let (_, index) =
            reader.exports.iter().find(|(name, _)| name == world.export()).expect("its export");
        let lift = reader.functions[*index].clone().expect("a lifted function");
        Some(Self { module: Module::new(&Engine::default(), module).unwrap(), lift })
    }

    /// Calls the export in a fresh instance.
    pub(crate) fn run(&self, argument: Argument<'_>) -> Outcome {
        match self.call(argument) {
            Ok(outcome) => outcome,
            Err(error) => Outcome::Trap(trap(&error)),
        }
    }

    fn call(&self, argument: Argument<'_>) -> Result<Outcome, Error> {
        let mut store = Store::new(self.module.engine(), ());
        let linker = Linker::new(self.module.engine());
        let instance = linker.instantiate_and_start(&mut store, &self.module)?;
        let memory = instance.get_memory(&store, &self.lift.memory).unwrap();
        let lower = |store: &mut Store<()>, bytes: &[u8]| -> Result<[i32; 2], Error> {
            let realloc: Realloc = instance.get_typed_func(&*store, &self.lift.realloc)?;
            let len = i32::try_from(bytes.len()).unwrap();
            let at = realloc.call(&mut *store, (0, 0, 1, len))?;
            memory.write(store, usize::try_from(at).unwrap(), bytes).unwrap();
            Ok([at, len])
        };
        let (at, step) = match argument {
            Argument::Generic(bytes) | Argument::Simulate(bytes) | Argument::Score(bytes) => {
                let [at, len] = lower(&mut store, bytes)?;
                let function: TypedFunc<(i32, i32), i32> =
                    instance.get_typed_func(&store, &self.lift.function)?;
                (function.call(&mut store, (at, len))?, false)
            }
            Argument::Strategy { state, event } => {
                let [a, b] = lower(&mut store, state)?;
                let [c, d] = lower(&mut store, event)?;
                let function: TypedFunc<(i32, i32, i32, i32), i32> =
                    instance.get_typed_func(&store, &self.lift.function)?;
                (function.call(&mut store, (a, b, c, d))?, true)
            }
        };
        let outcome = lift(memory.data(&store), at.cast_unsigned(), step);
        self.clean_up(&mut store, &instance, at)?;
        Ok(outcome.unwrap_or_else(Outcome::Malformed))
    }

    fn clean_up(&self, store: &mut Store<()>, instance: &Instance, at: i32) -> Result<(), Error> {
        if let Some(name) = &self.lift.post_return {
            let function: TypedFunc<i32, ()> = instance.get_typed_func(&*store, name)?;
            function.call(store, at)?;
        }
        Ok(())
    }
}

/// Reads `result<list<u8>, failure>`, or `result<step, failure>`, as the canonical ABI lays it out.
fn lift(memory: &[u8], at: u32, step: bool) -> Result<Outcome, Malformed> {
    let at = usize::try_from(at).unwrap();
    if !at.is_multiple_of(4) {
        return Err(Malformed::Unaligned);
    }
    let area = slice(memory, at, if step { 20 } else { 16 })?;
    let word = |offset: usize| {
        usize::try_from(u32::from_le_bytes(area[offset..offset + 4].try_into().unwrap())).unwrap()
    };
    let list = |offset: usize| Ok(slice(memory, word(offset), word(offset + 4))?.to_vec());
    match area[0] {
        0 if step => {
            let step = Step { state: list(4)?, intents: list(12)? };
            Ok(Outcome::Answer(Answer::Step(step)))
        }
        0 => Ok(Outcome::Answer(Answer::Bytes(list(4)?))),
        1 => {
            let failure = match area[4] {
                0 => Failure::InvalidInput,
                1 => Failure::NoAnswer,
                _ => return Err(Malformed::Case),
            };
            let text = String::from_utf8(list(8)?).map_err(|_| Malformed::Text)?;
            Ok(Outcome::Failure(failure(text)))
        }
        _ => Err(Malformed::Case),
    }
}

fn slice(memory: &[u8], at: usize, len: usize) -> Result<&[u8], Malformed> {
    memory.get(at..at.saturating_add(len)).ok_or(Malformed::OutOfBounds)
}

fn trap(error: &Error) -> Trap {
    match error.as_trap_code().unwrap_or_else(|| panic!("{error}")) {
        TrapCode::UnreachableCodeReached => Trap::Unreachable,
        TrapCode::MemoryOutOfBounds => Trap::MemoryOutOfBounds,
        TrapCode::TableOutOfBounds => Trap::TableOutOfBounds,
        TrapCode::IndirectCallToNull => Trap::EmptyElement,
        TrapCode::BadSignature => Trap::CallType,
        TrapCode::IntegerOverflow => Trap::IntegerOverflow,
        TrapCode::IntegerDivisionByZero => Trap::DivisionByZero,
        TrapCode::BadConversionToInteger => Trap::Conversion,
        other => panic!("{other} has no counterpart"),
    }
}
