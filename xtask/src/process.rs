//! Running other programs, each step named and timed.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::OnceLock,
    time::Instant,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::{complain, root};

/// A program to run.
#[derive(Debug)]
pub(crate) struct Step {
    name: &'static str,
    program: OsString,
    arguments: Vec<OsString>,
    folder: PathBuf,
    variables: Vec<(&'static str, OsString)>,
}

impl Step {
    pub(crate) fn new(name: &'static str, program: impl Into<OsString>) -> Self {
        Self {
            name,
            program: program.into(),
            arguments: Vec::new(),
            folder: root().to_owned(),
            variables: Vec::new(),
        }
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    pub(crate) fn args<I: IntoIterator<Item: AsRef<OsStr>>>(mut self, arguments: I) -> Self {
        self.arguments.extend(arguments.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    pub(crate) fn within(mut self, folder: impl AsRef<Path>) -> Self {
        self.folder = root().join(folder);
        self
    }

    pub(crate) fn env(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// A relative path of a program means one inside the step's folder.
    fn program(&self) -> OsString {
        if self.program.to_string_lossy().contains('/') {
            self.folder.join(&self.program).into_os_string()
        } else {
            self.program.clone()
        }
    }

    fn command(self, program: &OsStr) -> Command {
        let mut command = Command::new(program);
        command.args(self.arguments).current_dir(self.folder).envs(self.variables);
        command
    }
}

/// The cargo that runs us.
pub(crate) fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Where cargo builds: it knows `CARGO_TARGET_DIR` and `build.target-dir`. An absolute path.
pub(crate) fn target() -> Result<&'static Path> {
    static TARGET: OnceLock<PathBuf> = OnceLock::new();
    if let Some(target) = TARGET.get() {
        return Ok(target);
    }
    let metadata = metadata()?;
    let target = metadata["target_directory"].as_str();
    let target = target.context("cargo metadata names no target folder")?;
    Ok(TARGET.get_or_init(|| root().join(target)))
}

/// What cargo says about the workspace, dependencies left out.
pub(crate) fn metadata() -> Result<Value> {
    let output = Command::new(cargo())
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .context("cannot run `cargo metadata`")?;
    ensure!(
        output.status.success(),
        "cargo metadata failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).context("cargo metadata printed no JSON")
}

/// Whether a program is there and answers to these arguments.
pub(crate) fn answers(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Runs a step and says how long it took.
pub(crate) fn run(step: Step) -> Result<()> {
    complete(step, |command| command.status())
}

/// The same, but each line that the program prints is given to `take` as it comes.
pub(crate) fn lines(step: Step, mut take: impl FnMut(&str)) -> Result<()> {
    complete(step, |command| {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        for line in child.stdout.take().map(BufReader::new).into_iter().flat_map(BufRead::lines) {
            take(&line?);
        }
        child.wait()
    })
}

/// Builds, and returns the paths of the programs and tests that it gave.
pub(crate) fn executables(build: Step) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    lines(build.arg("--message-format=json-render-diagnostics"), |line| {
        let message: Value = serde_json::from_str(line).unwrap_or_default();
        found.extend(message["executable"].as_str().map(PathBuf::from));
    })?;
    Ok(found)
}

/// Becomes the program, so that signals and the exit code are its own.
pub(crate) fn become_step(step: Step) -> Result<()> {
    let (name, program) = (step.name, step.program());
    complain(&format!("xtask: {name}"));
    let error = step.command(&program).exec();
    Err(error).with_context(|| format!("cannot run `{}` for {name}", program.display()))
}

fn complete(
    step: Step,
    run: impl FnOnce(&mut Command) -> std::io::Result<ExitStatus>,
) -> Result<()> {
    let name = step.name;
    complain(&format!("xtask: {name}"));
    let started = Instant::now();
    let program = step.program();
    let mut command = step.command(&program);
    let status = run(&mut command)
        .with_context(|| format!("cannot run `{}` for {name}", program.display()))?;
    if !status.success() {
        bail!("{name} failed ({status})");
    }
    complain(&format!("xtask: {name} done in {:.1} s", started.elapsed().as_secs_f64()));
    Ok(())
}

/// Installs what `contracts/package-lock.json` names, once per version of that file.
pub(crate) fn npm_install() -> Result<()> {
    npm_install_within("contracts", "ci")
        .context("Node 20 with npm is needed for the Solidity compiler and the local chain")
}

/// Installs what the folder's `package-lock.json` names with a command of npm, once per version of
/// that file.
pub(crate) fn npm_install_within(folder: &str, command: &str) -> Result<()> {
    let within = root().join(folder);
    let lock = within.join("package-lock.json");
    let lock = fs::read(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
    let stamp = within.join("node_modules/.chaoschain-lock");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    let step = Step::new("npm packages", "npm").args([command, "--no-audit", "--no-fund"]);
    run(step.within(folder))?;
    fs::write(&stamp, lock).with_context(|| format!("cannot write {}", stamp.display()))
}
