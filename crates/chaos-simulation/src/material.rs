//! A comparison as bytes: everything that a run depends on in one canonical document.
//!
//! Whoever has the document and the program has the result. The native program and the component
//! of the sandbox read the same document by [`simulate`] and must write the same bytes.

use std::{error::Error as _, num::NonZeroUsize};

use chaos_types::{ChainId, canonical};
use serde::{Deserialize, Serialize};

use crate::{
    EvmBlockFigures, Experiment, Input, Material, Program, Simulation, experiment,
    flow::ObservedBlock, run,
};

/// Names the layout of [`MaterialDocument`]; a change of layout changes it.
pub const MATERIAL_FORMAT: &str = "chaos-simulation/material/1";

/// A document has at most this many observed blocks, and this many re-executed ones.
///
/// The canonical document's own limit of 64 MiB is reached at about 460,000 observed blocks.
pub const MATERIAL_BLOCKS_MAX: usize = 500_000;

/// A document names at most this many inputs.
pub const MATERIAL_INPUTS_MAX: usize = 500_000;

/// The material of one comparison with its experiment, as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaterialDocument {
    /// [`MATERIAL_FORMAT`].
    pub format: String,
    /// The chain the blocks are from.
    pub chain: ChainId,
    /// The program that is to run; another one refuses the document.
    pub program: Program,
    /// Digests of everything that `observed` and `evm` came from.
    pub inputs: Vec<Input>,
    /// Blocks to calibrate demand from.
    pub observed: Vec<ObservedBlock>,
    /// Re-executed blocks; may be empty.
    pub evm: Vec<EvmBlockFigures>,
    /// What is compared and how.
    pub experiment: Experiment,
}

/// Why a document gave no result.
#[derive(Debug, thiserror::Error)]
pub enum MaterialError {
    /// The bytes are not a canonical document.
    #[error("material")]
    Canonical(#[source] canonical::Error),
    /// A field is missing, unknown, or holds something else than it should.
    #[error("material: {path}")]
    Field {
        /// Where in the document, such as `observed[3].gas_used`.
        path: String,
        /// What was expected and found.
        #[source]
        source: serde_json::Error,
    },
    /// The layout is another one.
    #[error("material: format: expected `{MATERIAL_FORMAT}`, found `{found}`")]
    Format {
        /// The format as found, at most 80 characters of it.
        found: String,
    },
    /// The document asks for another program, whose result this one cannot give.
    #[error("material: program: this is {} {}, the document is for {name} {version}",
        env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))]
    Program {
        /// Name of the program asked for, at most 80 characters of it.
        name: String,
        /// Its version, at most 80 characters of it.
        version: String,
    },
    /// A list is too long.
    #[error("material: {list}: at most {max} entries, found {found}")]
    TooMany {
        /// The list.
        list: &'static str,
        /// Most entries accepted.
        max: usize,
        /// Entries found.
        found: usize,
    },
    /// A block used more gas than its limit.
    #[error("material: observed[{index}]: gas used {gas_used} is above the limit {gas_limit}")]
    AboveLimit {
        /// Position in the list, from 0.
        index: usize,
        /// Gas used.
        gas_used: u64,
        /// Gas limit.
        gas_limit: u64,
    },
    /// The experiment did not run.
    #[error("simulation")]
    Run(#[source] experiment::Error),
}

impl MaterialError {
    /// Whether the document was read and has no answer; otherwise it is not what is read here.
    #[must_use]
    pub const fn is_no_answer(&self) -> bool {
        match self {
            Self::Canonical(_)
            | Self::Field { .. }
            | Self::Format { .. }
            | Self::Program { .. }
            | Self::TooMany { .. }
            | Self::AboveLimit { .. } => false,
            Self::Run(error) => match error {
                experiment::Error::OutOfBounds { .. } => false,
                experiment::Error::Calibration(_)
                | experiment::Error::Transactions(_)
                | experiment::Error::Threads { .. }
                | experiment::Error::Canonical(_) => true,
            },
        }
    }

    /// The message with its causes, as a component reports it: the same on every machine.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

impl MaterialDocument {
    /// What [`run`] takes, as one document.
    #[must_use]
    pub fn new(experiment: &Experiment, material: &Material<'_>) -> Self {
        Self {
            format: MATERIAL_FORMAT.to_owned(),
            chain: material.chain.clone(),
            program: material.program.clone(),
            inputs: material.inputs.clone(),
            observed: material.observed.to_vec(),
            evm: material.evm.to_vec(),
            experiment: *experiment,
        }
    }

    /// The canonical bytes (RFC 8785).
    ///
    /// # Errors
    /// If the experiment holds an integer beyond 2^53 in its small fields.
    pub fn to_canonical(&self) -> Result<Vec<u8>, MaterialError> {
        canonical::to_vec(self).map_err(MaterialError::Canonical)
    }

    /// Reads a document that this program can run.
    ///
    /// # Errors
    /// If the bytes are not canonical JSON of this layout, a list is too long, a block is
    /// impossible, or another program or version is asked for. The error says where.
    pub fn from_canonical(bytes: &[u8]) -> Result<Self, MaterialError> {
        let document: Self = canonical::from_slice(bytes).map_err(|error| placed(error, bytes))?;
        document.ensure_readable()?;
        Ok(document)
    }

    /// Runs the experiment; the same bytes for any number of threads.
    ///
    /// # Errors
    /// As [`run`].
    pub fn run(&self, threads: NonZeroUsize) -> Result<Simulation, experiment::Error> {
        let material = Material {
            chain: self.chain.clone(),
            program: self.program.clone(),
            inputs: self.inputs.clone(),
            observed: &self.observed,
            evm: &self.evm,
        };
        run(&self.experiment, &material, threads)
    }

    fn ensure_readable(&self) -> Result<(), MaterialError> {
        let shown = |text: &str| text.chars().take(80).collect();
        if self.format != MATERIAL_FORMAT {
            return Err(MaterialError::Format { found: shown(&self.format) });
        }
        if self.program != Program::this() {
            let Program { name, version } = &self.program;
            return Err(MaterialError::Program { name: shown(name), version: shown(version) });
        }
        for (list, max, found) in [
            ("inputs", MATERIAL_INPUTS_MAX, self.inputs.len()),
            ("observed", MATERIAL_BLOCKS_MAX, self.observed.len()),
            ("evm", MATERIAL_BLOCKS_MAX, self.evm.len()),
        ] {
            if found > max {
                return Err(MaterialError::TooMany { list, max, found });
            }
        }
        for (index, block) in self.observed.iter().enumerate() {
            let ObservedBlock { gas_used, gas_limit, .. } = *block;
            if gas_used > gas_limit {
                return Err(MaterialError::AboveLimit { index, gas_used, gas_limit });
            }
        }
        Ok(())
    }
}

/// Reads a material document, runs its experiment on one thread and writes the canonical result.
///
/// This is the whole program of the sandbox's fee-market component.
///
/// # Errors
/// As [`MaterialDocument::from_canonical`] and [`run`].
pub fn simulate(material: &[u8]) -> Result<Vec<u8>, MaterialError> {
    let document = MaterialDocument::from_canonical(material)?;
    let simulation = document.run(NonZeroUsize::MIN).map_err(MaterialError::Run)?;
    simulation.result.to_canonical().map_err(MaterialError::Canonical)
}

/// Adds to an error of shape where in the document it is.
fn placed(error: canonical::Error, bytes: &[u8]) -> MaterialError {
    if !matches!(error, canonical::Error::Shape(_)) {
        return MaterialError::Canonical(error);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    match serde_path_to_error::deserialize::<_, MaterialDocument>(&mut deserializer) {
        Err(placed) => {
            let path = match placed.path().to_string().as_str() {
                "." => "the document".to_owned(),
                path => path.to_owned(),
            };
            MaterialError::Field { path, source: placed.into_inner() }
        }
        Ok(_) => MaterialError::Canonical(error),
    }
}

#[cfg(test)]
mod tests;
