use std::{collections::BTreeMap, sync::Arc};

use wasmtime::{
    ResourceLimiter, Result, StoreContextMut,
    component::{Linker, LinkerInstance},
};

use crate::{
    Limits, NotProvable, Trap,
    component::Diverged,
    configuration::{FUEL_PER_HOST_BYTE, FUEL_PER_HOST_CALL},
    transcript::{HostCall, Transcript},
};

/// The interface that components may import.
pub(crate) const INTERFACE: &str = "chaoschain:agent/host@0.1.0";

/// The interface of the types alone.
pub(crate) const TYPES: &str = "chaoschain:agent/types@0.1.0";

/// The functions of [`INTERFACE`].
pub(crate) const FUNCTIONS: [&str; 2] = ["read-input", "note"];

/// Why an input cannot be added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputsError {
    /// Two inputs have one name.
    #[error("two inputs are named `{name}`")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// More than [`Inputs::COUNT_MAX`] inputs.
    #[error("more than {} inputs", Inputs::COUNT_MAX)]
    TooMany,
}

/// The named inputs of a job, which its component may read. Cloning is cheap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inputs {
    named: Arc<BTreeMap<String, Arc<[u8]>>>,
}

impl Inputs {
    /// The most inputs of a job.
    pub const COUNT_MAX: usize = 100_000;

    /// Takes the inputs by name.
    ///
    /// # Errors
    /// If a name is given twice, or there are more than [`Inputs::COUNT_MAX`].
    pub fn new<N, B>(inputs: impl IntoIterator<Item = (N, B)>) -> Result<Self, InputsError>
    where
        N: Into<String>,
        B: Into<Arc<[u8]>>,
    {
        let mut named = BTreeMap::new();
        for (name, bytes) in inputs {
            let name = name.into();
            if named.contains_key(&name) {
                return Err(InputsError::Duplicate { name });
            }
            if named.len() == Self::COUNT_MAX {
                return Err(InputsError::TooMany);
            }
            named.insert(name, bytes.into());
        }
        Ok(Self { named: Arc::new(named) })
    }

    /// The bytes of an input.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<[u8]>> {
        self.named.get(name)
    }
}

/// Where the host's answers come from.
#[derive(Debug)]
pub(crate) enum Source {
    /// From the inputs of the job.
    Inputs(Inputs),
    /// From the record of an earlier run.
    Record(Transcript),
}

/// Why the host ended a run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    #[error(transparent)]
    Trap(Trap),
    #[error(transparent)]
    NotProvable(NotProvable),
    #[error(transparent)]
    Diverged(Diverged),
}

/// What a run holds beside its memories: the limits, what was used of them, and the transcript.
#[derive(Debug)]
pub(crate) struct Host {
    limits: Limits,
    memory_bytes: u64,
    table_elements: u64,
    source: Source,
    transcript: Transcript,
}

impl Host {
    pub(crate) fn new(limits: Limits, source: Source) -> Self {
        Self {
            limits,
            memory_bytes: 0,
            table_elements: 0,
            source,
            transcript: Transcript::default(),
        }
    }

    /// The transcript, once the run is over.
    ///
    /// # Errors
    /// If it was to be a repeat and the record holds calls that were not made.
    pub(crate) fn finish(self) -> Result<Transcript, Diverged> {
        let call = self.transcript.calls().len();
        match &self.source {
            Source::Record(record) if record.calls().len() > call => Err(Diverged { call }),
            Source::Record(_) | Source::Inputs(_) => Ok(self.transcript),
        }
    }

    fn ensure_calls_left(&self) -> Result<(), Stop> {
        if self.transcript.calls().len() as u64 >= self.limits.host_calls {
            return Err(Stop::Trap(Trap::HostCalls));
        }
        Ok(())
    }

    fn read_input(&self, name: &str) -> Result<Option<Arc<[u8]>>, Stop> {
        self.ensure_calls_left()?;
        if name.len() as u64 > self.limits.name_bytes {
            return Err(Stop::Trap(Trap::NameTooLong));
        }
        match &self.source {
            Source::Inputs(inputs) => Ok(inputs.get(name).cloned()),
            Source::Record(record) => match self.recorded(record) {
                Some(HostCall::ReadInput { name: recorded, answer }) if recorded == name => {
                    Ok(answer.clone())
                }
                _ => Err(self.diverged()),
            },
        }
    }

    fn note(&self, text: &str) -> Result<(), Stop> {
        self.ensure_calls_left()?;
        if text.len() as u64 > self.limits.note_bytes {
            return Err(Stop::Trap(Trap::NoteTooLong));
        }
        match &self.source {
            Source::Inputs(_) => Ok(()),
            Source::Record(record) => match self.recorded(record) {
                Some(HostCall::Note { text: recorded }) if recorded == text => Ok(()),
                _ => Err(self.diverged()),
            },
        }
    }

    fn recorded<'a>(&self, record: &'a Transcript) -> Option<&'a HostCall> {
        record.calls().get(self.transcript.calls().len())
    }

    fn diverged(&self) -> Stop {
        Stop::Diverged(Diverged { call: self.transcript.calls().len() })
    }
}

/// Takes fuel for one call, so that the fuel limit bounds the host's work too.
fn charge(store: &mut StoreContextMut<'_, Host>, bytes: usize) -> Result<()> {
    let cost = (bytes as u64).saturating_mul(FUEL_PER_HOST_BYTE).saturating_add(FUEL_PER_HOST_CALL);
    let left = store.get_fuel()?;
    store.set_fuel(left.saturating_sub(cost))?;
    if left < cost {
        return Err(Stop::Trap(Trap::OutOfFuel).into());
    }
    Ok(())
}

fn read_input(
    mut store: StoreContextMut<'_, Host>,
    (name,): (String,),
) -> Result<(Option<Arc<[u8]>>,)> {
    let answer = store.data().read_input(&name)?;
    let bytes = name.len().saturating_add(answer.as_ref().map_or(0, |bytes| bytes.len()));
    charge(&mut store, bytes)?;
    let call = HostCall::ReadInput { name, answer: answer.clone() };
    store.data_mut().transcript.push(call);
    Ok((answer,))
}

fn note(mut store: StoreContextMut<'_, Host>, (text,): (String,)) -> Result<()> {
    store.data().note(&text)?;
    charge(&mut store, text.len())?;
    store.data_mut().transcript.push(HostCall::Note { text });
    Ok(())
}

/// Gives components the two functions and nothing else.
pub(crate) fn link(linker: &mut Linker<Host>) -> Result<()> {
    let mut interface: LinkerInstance<'_, Host> = linker.instance(INTERFACE)?;
    interface.func_wrap("read-input", read_input)?;
    interface.func_wrap("note", note)
}

/// Memories and tables grow within the limits or the run is over: code that is told "no memory"
/// would go on differently where there is more.
impl ResourceLimiter for Host {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        let bytes = self.memory_bytes.saturating_add(desired.saturating_sub(current) as u64);
        if bytes > self.limits.memory_bytes || maximum.is_some_and(|most| desired > most) {
            return Err(Stop::NotProvable(NotProvable::MemoryGrowth { bytes }).into());
        }
        self.memory_bytes = bytes;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> Result<()> {
        let bytes = self.memory_bytes;
        Err(Stop::NotProvable(NotProvable::MemoryGrowth { bytes }).into())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        let elements = self.table_elements.saturating_add(desired.saturating_sub(current) as u64);
        if elements > self.limits.table_elements || maximum.is_some_and(|most| desired > most) {
            return Err(Stop::NotProvable(NotProvable::TableGrowth { elements }).into());
        }
        self.table_elements = elements;
        Ok(true)
    }

    fn table_grow_failed(&mut self, _: wasmtime::Error) -> Result<()> {
        let elements = self.table_elements;
        Err(Stop::NotProvable(NotProvable::TableGrowth { elements }).into())
    }

    fn instances(&self) -> usize {
        count(self.limits.instances)
    }

    fn tables(&self) -> usize {
        count(self.limits.tables)
    }

    fn memories(&self) -> usize {
        count(self.limits.memories)
    }
}

fn count(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}
