use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use chaos_types::Digest;
#[cfg(feature = "cache")]
use wasmtime::{Cache, CacheConfig};
use wasmtime::{Config, Engine, component::Linker};

use crate::{
    Component, Configuration, HostError, Refused, code,
    configuration::{Error, FEATURES},
    host::{self, Host},
};

/// The most compiled components that a sandbox keeps in memory.
pub const COMPONENTS_CACHED_MAX: usize = 64;

/// The most bytes, counted before compilation, of the components that a sandbox keeps in memory:
/// 256 MiB. Compiled code is a few times as large.
pub(crate) const COMPONENTS_CACHED_BYTES_MAX: usize = 256 << 20;

/// An engine under one configuration, with the components that it compiled.
///
/// It can be shared between threads; every run has its own memories.
pub struct Sandbox {
    configuration: Arc<Configuration>,
    digest: Digest,
    engine: Engine,
    linker: Linker<Host>,
    compiled: Mutex<Shelf>,
}

impl Sandbox {
    /// A sandbox that keeps compiled components in memory only.
    ///
    /// # Errors
    /// If the configuration is not one of this version, a limit is out of range, or the engine
    /// cannot be set up on this machine.
    pub fn new(configuration: Configuration) -> Result<Self, Error> {
        Self::build(configuration, |_| ())
    }

    /// A sandbox that keeps compiled components in `folder` as well.
    ///
    /// The folder holds machine code that is run without another look at it: whoever can write to
    /// it can do anything that this process can. It must belong to this process alone, and inside a
    /// trusted execution environment it must not lie on a disk of the host.
    ///
    /// # Errors
    /// As [`Sandbox::new`], and if the folder cannot be used.
    #[cfg(feature = "cache")]
    pub fn with_cache(
        configuration: Configuration,
        folder: &std::path::Path,
    ) -> Result<Self, Error> {
        // The engine takes absolute paths alone.
        let folder = std::path::absolute(folder)
            .map_err(|error| Error::Cache(HostError::from_message(error.to_string())))?;
        let mut settings = CacheConfig::new();
        settings.with_directory(folder);
        let cache = Cache::new(settings).map_err(|error| Error::Cache(HostError::new(&error)))?;
        Self::build(configuration, |config| {
            config.cache(Some(cache));
        })
    }

    /// `adjust` sets what changes no result.
    fn build(
        configuration: Configuration,
        adjust: impl FnOnce(&mut Config),
    ) -> Result<Self, Error> {
        configuration.ensure_runnable()?;
        let digest = configuration.digest().expect("limits in range have a canonical form");
        let (engine, linker) = set_up(&configuration, adjust)
            .map_err(|error| Error::Engine(HostError::new(&error)))?;
        let configuration = Arc::new(configuration);
        Ok(Self { configuration, digest, engine, linker, compiled: Mutex::default() })
    }

    /// The configuration that its runs are made under.
    #[must_use]
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// The component of these bytes, ready to run: taken from memory if it is there, else compiled.
    ///
    /// Compiling costs no fuel. What it takes is bounded by [`crate::Limits::component_bytes`],
    /// `functions`, `function_bytes` and `merges`, which are looked at first, as are the names of
    /// imports; within the default limits that can still be tens of seconds, so a service compiles
    /// strangers' components on a thread of their own.
    ///
    /// # Errors
    /// If the bytes are too many or no valid component, use a feature that is off, import anything
    /// but the host interface, export the function of no world, or need more than the limits.
    pub fn compile(&self, bytes: &[u8]) -> Result<Component, Refused> {
        let limit = self.configuration.limits.component_bytes;
        if bytes.len() as u64 > limit {
            return Err(Refused::TooLarge { bytes: bytes.len(), limit });
        }
        let digest = Digest::of(bytes);
        if let Some(component) = self.shelf(|shelf| shelf.take(&digest)) {
            return Ok(component);
        }
        code::ensure_compilable(bytes, &self.configuration.limits)?;
        let compiled = wasmtime::component::Component::from_binary(&self.engine, bytes)
            .map_err(|error| Refused::Invalid(HostError::new(&error)))?;
        let component =
            Component::new(&self.linker, &compiled, digest, self.digest, &self.configuration)?;
        self.shelf(|shelf| shelf.put(digest, bytes.len(), component.clone()));
        Ok(component)
    }

    /// How many compiled components are in memory; at most [`COMPONENTS_CACHED_MAX`].
    #[must_use]
    pub fn components_cached(&self) -> usize {
        self.shelf(|shelf| shelf.items.len())
    }

    fn shelf<T>(&self, look: impl FnOnce(&mut Shelf) -> T) -> T {
        // A panic elsewhere leaves the shelf as it was: every change is one push or one removal.
        look(&mut self.compiled.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("configuration", &self.digest).finish_non_exhaustive()
    }
}

fn set_up(
    configuration: &Configuration,
    adjust: impl FnOnce(&mut Config),
) -> wasmtime::Result<(Engine, Linker<Host>)> {
    let mut config = Config::new();
    // What the engine turns on by itself is turned off unless it is listed, so that a newer engine
    // brings no feature unseen.
    for (name, feature) in Engine::new(&config)?.get_wasm_features().iter_names() {
        if !FEATURES.contains(&name) {
            config.wasm_features(feature, false);
        }
    }
    let stack_bytes = usize::try_from(configuration.limits.stack_bytes).unwrap_or(usize::MAX);
    config
        .cranelift_nan_canonicalization(true)
        .consume_fuel(true)
        .max_wasm_stack(stack_bytes)
        .shared_memory(false)
        .epoch_interruption(false)
        // Backtraces are part of no result, and cost more than most traps.
        .wasm_backtrace_max_frames(None);
    adjust(&mut config);
    let engine = Engine::new(&config)?;
    let mut linker = Linker::new(&engine);
    host::link(&mut linker)?;
    Ok((engine, linker))
}

/// Compiled components, the one used last at the end.
#[derive(Default)]
struct Shelf {
    items: VecDeque<(Digest, usize, Component)>,
    bytes: usize,
}

impl Shelf {
    fn take(&mut self, digest: &Digest) -> Option<Component> {
        let index = self.items.iter().position(|(other, _, _)| other == digest)?;
        let item = self.items.remove(index)?;
        let component = item.2.clone();
        self.items.push_back(item);
        Some(component)
    }

    fn put(&mut self, digest: Digest, bytes: usize, component: Component) {
        // Two threads may have compiled the same.
        if self.take(&digest).is_some() || bytes > COMPONENTS_CACHED_BYTES_MAX {
            return;
        }
        self.items.push_back((digest, bytes, component));
        self.bytes += bytes;
        while self.items.len() > COMPONENTS_CACHED_MAX || self.bytes > COMPONENTS_CACHED_BYTES_MAX {
            let (_, bytes, _) = self.items.pop_front().expect("what is too much is not nothing");
            self.bytes -= bytes;
        }
    }
}

#[cfg(test)]
mod tests;
