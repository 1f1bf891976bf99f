//! Running other programs, each step named and timed.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, bail};

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
}

/// The cargo that runs us.
pub(crate) fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
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

fn complete(
    step: Step,
    run: impl FnOnce(&mut Command) -> std::io::Result<ExitStatus>,
) -> Result<()> {
    complain(&format!("xtask: {}", step.name));
    let started = Instant::now();
    // A relative program path means one inside the step's folder.
    let program = if step.program.to_string_lossy().contains('/') {
        step.folder.join(&step.program).into_os_string()
    } else {
        step.program.clone()
    };
    let mut command = Command::new(&program);
    command.args(&step.arguments).current_dir(&step.folder).envs(step.variables);
    let status = run(&mut command)
        .with_context(|| format!("cannot run `{}` for {}", program.display(), step.name))?;
    if !status.success() {
        bail!("{} failed ({status})", step.name);
    }
    complain(&format!("xtask: {} done in {:.1} s", step.name, started.elapsed().as_secs_f64()));
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
