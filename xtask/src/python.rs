//! The Python package's checks, in a virtual environment in the target folder.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result};

use crate::{
    complain,
    process::{Step, run, target},
    root,
};

/// Where the package lies.
const PACKAGE: &str = "sdk/python";

/// Fails when the interpreter is too old or cannot make virtual environments.
const PROBE: &str = "import ensurepip, sys, venv; print(sys.version); \
                     sys.exit(sys.version_info < (3, 10))";

/// Lints, types and tests of the package; says so loudly where there is no Python to run them.
pub(crate) fn check() -> Result<()> {
    let Some(version) = version("python3") else {
        complain("xtask: python checks skipped: python3 is absent, older than 3.10, or lacks venv");
        return Ok(());
    };
    let python = environment(&version)?;
    let cache = target()?.join("python/pycache");
    let step = |name: &'static str| {
        Step::new(name, &python).env("PYTHONPYCACHEPREFIX", &cache).arg("-m").within(PACKAGE)
    };
    run(step("python format").args(["ruff", "format", "--quiet", "--check", "."]))?;
    run(step("python lints").args(["ruff", "check", "--quiet", "."]))?;
    run(step("python types").arg("mypy"))?;
    run(step("python tests").args(["pytest", "--quiet"]))
}

/// What the interpreter says about itself, if it will do.
fn version(program: &str) -> Option<String> {
    let probed = Command::new(program).args(["-c", PROBE]).stderr(Stdio::null()).output().ok()?;
    probed.status.success().then(|| String::from_utf8_lossy(&probed.stdout).into_owned())
}

/// Installs what `requirements-dev.txt` names, once per version of that file and of Python, and
/// returns the environment's interpreter.
fn environment(version: &str) -> Result<PathBuf> {
    let requirements = root().join(PACKAGE).join("requirements-dev.txt");
    let wanted = fs::read_to_string(&requirements)
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    let folder = target()?.join("python/environment");
    let python = interpreter(&folder);
    let (stamp, wanted) = (folder.join(".chaoschain-requirements"), format!("{version}\n{wanted}"));
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) && python.exists() {
        return Ok(python);
    }
    run(Step::new("python environment", "python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    run(Step::new("python packages", &python)
        .args(["-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check"])
        .arg("--requirement")
        .arg(&requirements))?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(python)
}

fn interpreter(environment: &Path) -> PathBuf {
    environment.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
}
