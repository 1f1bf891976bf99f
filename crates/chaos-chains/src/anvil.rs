//! A local chain as a child process, for demos and tests.

mod group;

use std::{
    env,
    ffi::OsStr,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use chaos_types::ChainId;
use serde_json::json;

pub use self::group::ProcessGroup;
use crate::{Signer, blocking::Blocking, json_rpc::JsonRpc};

/// Environment variable with the path of the anvil binary; it wins over every other place.
pub const ANVIL_VAR: &str = "CHAOSCHAIN_ANVIL";
/// Time anvil has to open its port, in seconds.
const START_TIMEOUT_S: u64 = 60;
/// Lines of output kept for an error.
const OUTPUT_LINES_MAX: usize = 200;

/// How to start a local chain.
#[derive(Debug, Clone)]
pub struct AnvilConfig {
    /// Folder that holds `contracts/node_modules`, where npm puts anvil.
    pub root: Option<PathBuf>,
    /// EIP-155 number of the chain.
    pub chain_id: u64,
    /// Time of the genesis block, in seconds since 1970.
    pub genesis_time_s: u64,
    /// Time between two blocks, in seconds. Blocks are mined at once, one per transaction; only their
    /// timestamps are this far apart, so that they do not depend on the clock.
    pub block_interval_s: u64,
}

impl Default for AnvilConfig {
    /// Chain 31337, one block every 12 seconds from the start of 2026.
    fn default() -> Self {
        Self { root: None, chain_id: 31337, genesis_time_s: 1_767_225_600, block_interval_s: 12 }
    }
}

/// A running local chain. It ends when it is dropped, and however this process ends.
#[derive(Debug)]
pub struct Anvil {
    // Declared first, so that the process ends before anything else is torn down.
    processes: ProcessGroup,
    endpoint: String,
    chain_id: ChainId,
    signers: Vec<Signer>,
}

/// Why no local chain is running.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No binary was found.
    #[error(
        "anvil was not found in {ANVIL_VAR}, PATH or contracts/node_modules; \
         run `npm ci` in contracts/, or install anvil and put it into PATH"
    )]
    NotFound,
    /// The binary did not start.
    #[error("{binary} could not be started")]
    Spawn {
        /// The binary.
        binary: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The process ended before it opened its port.
    #[error("{binary} ended before it listened: {output}")]
    Ended {
        /// The binary.
        binary: PathBuf,
        /// The last lines it wrote.
        output: String,
    },
    /// The process did not open its port in time.
    #[error("{binary} did not listen within {START_TIMEOUT_S} s")]
    Timeout {
        /// The binary.
        binary: PathBuf,
    },
    /// The process runs but does not obey.
    #[error("{binary} did not accept its settings")]
    Setup {
        /// The binary.
        binary: PathBuf,
        /// The cause.
        #[source]
        source: Box<crate::Error>,
    },
}

impl Anvil {
    /// Starts anvil on a free port of 127.0.0.1 and returns when it listens. Blocking.
    ///
    /// # Errors
    /// If no binary is found (see [`find`]) or it does not come up.
    pub fn start(config: &AnvilConfig) -> Result<Self, Error> {
        let binary = find(config.root.as_deref()).ok_or(Error::NotFound)?;
        let (processes, banner) = spawn(&binary, config)?;
        let endpoint = format!("http://{}", banner.address);
        let anvil = Self {
            processes,
            endpoint,
            chain_id: ChainId::evm(config.chain_id),
            signers: banner.signers,
        };
        let setup = |source| Error::Setup { binary: binary.clone(), source: Box::new(source) };
        let rpc = JsonRpc::new(&anvil.endpoint).map_err(setup)?;
        let interval_s = config.block_interval_s;
        let done: Result<serde_json::Value, crate::Error> =
            Blocking::new().map_err(setup)?.run(async move {
                rpc.request("anvil_setBlockTimestampInterval", json!([interval_s])).await
            });
        done.map_err(setup)?;
        Ok(anvil)
    }

    /// URL of the JSON-RPC endpoint.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The chain this is.
    #[must_use]
    pub fn chain_id(&self) -> ChainId {
        self.chain_id.clone()
    }

    /// The key of a funded account; indices wrap. These keys are published with anvil and worthless.
    #[must_use]
    pub fn signer(&self, index: usize) -> Signer {
        self.signers[index % self.signers.len()].clone()
    }

    /// The operating system's number of the group of processes that runs it.
    #[must_use]
    pub fn process_group_id(&self) -> u32 {
        self.processes.id()
    }
}

/// Where the anvil binary is: [`ANVIL_VAR`], then `PATH`, then `contracts/node_modules` under `root`.
#[must_use]
pub fn find(root: Option<&Path>) -> Option<PathBuf> {
    if let Some(path) = env::var_os(ANVIL_VAR).filter(|path| !path.is_empty()) {
        return Some(PathBuf::from(path));
    }
    let name = format!("anvil{}", env::consts::EXE_SUFFIX);
    let in_path = env::var_os("PATH").and_then(|path| {
        env::split_paths(&path)
            .map(|dir| dir.join(&name))
            .filter(|file| file.is_file())
            .map(|file| behind_npm_wrapper(&file, &name).unwrap_or(file))
            .next()
    });
    in_path.or_else(|| {
        let native = native_in(&root?.join("contracts/node_modules/@foundry-rs"), &name);
        native.filter(|file| file.is_file())
    })
}

/// The native binary next to a `node_modules/.bin` link. The link starts a script that would outlive
/// being killed, and leave anvil running.
fn behind_npm_wrapper(file: &Path, name: &str) -> Option<PathBuf> {
    let real = file.canonicalize().ok()?;
    if real.extension() != Some(OsStr::new("mjs")) {
        return None;
    }
    native_in(real.parent()?.parent()?, name).filter(|file| file.is_file())
}

fn native_in(scope: &Path, name: &str) -> Option<PathBuf> {
    let system = match env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    };
    let machine = match env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        _ => return None,
    };
    Some(scope.join(format!("anvil-{system}-{machine}")).join("bin").join(name))
}

/// What anvil prints before it serves.
struct Banner {
    address: String,
    signers: Vec<Signer>,
}

fn spawn(binary: &Path, config: &AnvilConfig) -> Result<(ProcessGroup, Banner), Error> {
    let (chain_id, time) = (config.chain_id.to_string(), config.genesis_time_s.to_string());
    let place = ["--host", "127.0.0.1", "--port", "0"];
    let chain = ["--chain-id", &chain_id, "--timestamp", &time];
    let mut processes = ProcessGroup::start(binary, place.into_iter().chain(chain))
        .map_err(|source| Error::Spawn { binary: binary.to_owned(), source })?;
    let (sender, lines) = mpsc::channel();
    // Both pipes are read until they close, or anvil would stop when they are full.
    for pipe in [
        processes.take_stdout().map(|pipe| Box::new(pipe) as Box<dyn std::io::Read + Send>),
        processes.take_stderr().map(|pipe| Box::new(pipe) as Box<dyn std::io::Read + Send>),
    ]
    .into_iter()
    .flatten()
    {
        let sender = sender.clone();
        thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                // After the banner nobody listens any more; the pipe is still drained.
                drop(sender.send(line));
            }
        });
    }
    drop(sender);
    let banner = read_banner(&lines, binary)?;
    Ok((processes, banner))
}

fn read_banner(lines: &mpsc::Receiver<String>, binary: &Path) -> Result<Banner, Error> {
    let mut signers = Vec::new();
    let mut output = Vec::new();
    loop {
        let line = match lines.recv_timeout(Duration::from_secs(START_TIMEOUT_S)) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => {
                return Err(Error::Timeout { binary: binary.to_owned() });
            }
            Err(RecvTimeoutError::Disconnected) => {
                let output = output.join("; ");
                return Err(Error::Ended { binary: binary.to_owned(), output });
            }
        };
        if let Some(address) = line.trim().strip_prefix("Listening on ") {
            return Ok(Banner { address: address.to_owned(), signers });
        }
        // Keys are printed as `(0) 0x…`; accounts look alike but are shorter.
        let word = line.split_whitespace().nth(1).unwrap_or_default();
        if line.starts_with('(') && word.len() == 66 {
            signers.extend(Signer::from_hex(word).ok());
        } else if !line.trim().is_empty() && output.len() < OUTPUT_LINES_MAX {
            output.push(line.trim().to_owned());
        }
    }
}
