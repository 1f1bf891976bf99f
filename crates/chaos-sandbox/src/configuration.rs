//! What decides the result of a run beside the component: the engine's settings and the limits.
//!
//! Both are written into one canonical document, whose digest is the `configuration` of a
//! [`chaos_types::CodeIdentity`]. Whoever has the document can build the same sandbox.

use chaos_types::{Digest, canonical};
use serde::{Deserialize, Serialize};

/// The format of the document.
pub const FORMAT: &str = "chaoschain/sandbox-configuration/v1";

/// A WebAssembly page: memories grow by 65,536 bytes.
pub const PAGE_BYTES: u64 = 65_536;

/// The most fuel a run can be given: 2^53, so that it stays an integer in every JSON reader.
pub const FUEL_MAX: u64 = canonical::INTEGER_MAX;

/// The most memory a run can be given: 4 GiB, what a 32-bit memory can address.
pub(crate) const MEMORY_BYTES_MAX: u64 = 4 << 30;

/// The deepest stack a run can be given: 1 MiB, half of what a thread has beside the main one.
pub(crate) const STACK_BYTES_MAX: u64 = 1 << 20;

/// The longest of the byte limits: 1 GiB.
pub const BYTES_MAX: u64 = 1 << 30;

/// The largest of the counts: a million.
pub const COUNT_MAX: u64 = 1_000_000;

/// WebAssembly features that components may use, by the engine's names for them; all others are
/// off, among them threads and relaxed SIMD, whose results depend on the machine.
///
/// The engine's own adapters between the parts of a component use several memories at once.
pub const FEATURES: [&str; 12] = [
    "BULK_MEMORY",
    "COMPONENT_MODEL",
    "EXTENDED_CONST",
    "FLOATS",
    "MULTI_MEMORY",
    "MULTI_VALUE",
    "MUTABLE_GLOBAL",
    "REFERENCE_TYPES",
    "SATURATING_FLOAT_TO_INT",
    "SIGN_EXTENSION",
    "SIMD",
    "TAIL_CALL",
];

/// Fuel for each call of a host function, beside its bytes.
pub(crate) const FUEL_PER_HOST_CALL: u64 = 1_000;

/// Fuel for each byte that a host function is given or answers with.
pub(crate) const FUEL_PER_HOST_BYTE: u64 = 1;

/// Why no sandbox can be built from a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The document has another format.
    #[error("configuration has format `{found}`, expected `{FORMAT}`")]
    Format {
        /// The format named in the document.
        found: String,
    },
    /// The settings are not those that this version of the engine is run with.
    #[error("engine settings differ from those of this version; it can repeat only its own runs")]
    Settings,
    /// A limit is outside its range.
    #[error("limit `{limit}` is {found}, expected {least} to {most}")]
    Limit {
        /// Name of the limit.
        limit: &'static str,
        /// Its value.
        found: u64,
        /// Least value.
        least: u64,
        /// Greatest value.
        most: u64,
    },
    /// The engine cannot be set up so on this machine.
    #[error("the engine cannot be set up")]
    Engine(#[source] crate::HostError),
    /// The folder for compiled code cannot be used.
    #[cfg(feature = "cache")]
    #[error("the folder for compiled code cannot be used")]
    Cache(#[source] crate::HostError),
}

/// How the engine is set. There is one accepted value, [`Settings::default`]; it is spelled out so
/// that the digest changes when a setting does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Every NaN that arithmetic produces has the one canonical bit pattern. Always true.
    pub nan_canonicalisation: bool,
    /// Instructions consume fuel by the engine's own table of costs. Always true.
    pub fuel: bool,
    /// Fuel for each call of a host function.
    pub fuel_per_host_call: u64,
    /// Fuel for each byte that a host function is given or answers with.
    pub fuel_per_host_byte: u64,
    /// The features that are on; all others are off.
    pub features: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            nan_canonicalisation: true,
            fuel: true,
            fuel_per_host_call: FUEL_PER_HOST_CALL,
            fuel_per_host_byte: FUEL_PER_HOST_BYTE,
            features: FEATURES.map(str::to_owned).to_vec(),
        }
    }
}

/// What one run may use. Where a limit ends a run, the same limit ends every repeat of it, with two
/// exceptions, the stack and the memory, which are [`crate::NotProvable`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// Fuel; about one unit for each instruction. 1 to 2^53.
    pub fuel: u64,
    /// Bytes of all linear memories together.
    pub memory_bytes: u64,
    /// Number of linear memories.
    pub memories: u64,
    /// Number of tables.
    pub tables: u64,
    /// Elements of all tables together.
    pub table_elements: u64,
    /// Number of core instances inside the component.
    pub instances: u64,
    /// Bytes of the call stack of WebAssembly code.
    pub stack_bytes: u64,
    /// Bytes of a component.
    pub component_bytes: u64,
    /// Number of functions in a component.
    pub functions: u64,
    /// Bytes of one function's code; compiling takes more than proportionally long in them.
    pub function_bytes: u64,
    /// Locals times blocks, summed over all functions: what a compiler's work grows with.
    pub merges: u64,
    /// Bytes of the argument, all parts together.
    pub argument_bytes: u64,
    /// Bytes of the answer, all parts together.
    pub answer_bytes: u64,
    /// Bytes of the text of a failure.
    pub failure_bytes: u64,
    /// Number of calls of host functions.
    pub host_calls: u64,
    /// Bytes of the name of an input.
    pub name_bytes: u64,
    /// Bytes of a note.
    pub note_bytes: u64,
}

impl Default for Limits {
    /// Room for a simulation calibrated on days of blocks: a million million units of fuel, which
    /// last for minutes, and 256 MiB of memory.
    fn default() -> Self {
        Self {
            fuel: 1_000_000_000_000,
            memory_bytes: 256 << 20,
            memories: 8,
            tables: 32,
            table_elements: 200_000,
            instances: 64,
            stack_bytes: 1 << 20,
            component_bytes: 16 << 20,
            functions: 50_000,
            function_bytes: 256 << 10,
            merges: 20_000_000,
            argument_bytes: 64 << 20,
            answer_bytes: 64 << 20,
            failure_bytes: 16 << 10,
            host_calls: 10_000,
            name_bytes: 1 << 10,
            note_bytes: 4 << 10,
        }
    }
}

impl Limits {
    fn ensure_in_range(&self) -> Result<(), Error> {
        let ranges = [
            ("fuel", self.fuel, 1, FUEL_MAX),
            ("memory-bytes", self.memory_bytes, PAGE_BYTES, MEMORY_BYTES_MAX),
            ("memories", self.memories, 1, COUNT_MAX),
            ("tables", self.tables, 0, COUNT_MAX),
            ("table-elements", self.table_elements, 0, COUNT_MAX),
            ("instances", self.instances, 1, COUNT_MAX),
            ("stack-bytes", self.stack_bytes, PAGE_BYTES, STACK_BYTES_MAX),
            ("component-bytes", self.component_bytes, 1, BYTES_MAX),
            ("functions", self.functions, 0, COUNT_MAX),
            ("function-bytes", self.function_bytes, 0, BYTES_MAX),
            ("merges", self.merges, 0, FUEL_MAX),
            ("argument-bytes", self.argument_bytes, 0, BYTES_MAX),
            ("answer-bytes", self.answer_bytes, 0, BYTES_MAX),
            ("failure-bytes", self.failure_bytes, 0, BYTES_MAX),
            ("host-calls", self.host_calls, 0, COUNT_MAX),
            ("name-bytes", self.name_bytes, 0, BYTES_MAX),
            ("note-bytes", self.note_bytes, 0, BYTES_MAX),
        ];
        for (limit, found, least, most) in ranges {
            if !(least..=most).contains(&found) {
                return Err(Error::Limit { limit, found, least, most });
            }
        }
        Ok(())
    }
}

/// The whole configuration, as a receipt's reader needs it to repeat a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Configuration {
    /// Always [`FORMAT`].
    pub format: String,
    /// How the engine is set.
    pub settings: Settings,
    /// What one run may use.
    pub limits: Limits,
}

impl Default for Configuration {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Configuration {
    /// The settings of this version under the given limits.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { format: FORMAT.to_owned(), settings: Settings::default(), limits }
    }

    /// The canonical JSON document.
    ///
    /// # Errors
    /// If a limit is above 2^53, which no sandbox accepts.
    pub fn to_canonical(&self) -> Result<Vec<u8>, canonical::Error> {
        canonical::to_vec(self)
    }

    /// SHA-256 of the canonical document.
    ///
    /// # Errors
    /// If a limit is above 2^53, which no sandbox accepts.
    pub fn digest(&self) -> Result<Digest, canonical::Error> {
        Ok(Digest::of(&self.to_canonical()?))
    }

    pub(crate) fn ensure_runnable(&self) -> Result<(), Error> {
        if self.format != FORMAT {
            return Err(Error::Format { found: self.format.chars().take(80).collect() });
        }
        if self.settings != Settings::default() {
            return Err(Error::Settings);
        }
        self.limits.ensure_in_range()
    }
}
