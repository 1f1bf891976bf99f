//! Benchmarks by name, each one object per measure with `--json`.

use anyhow::{Result, bail};

use crate::process::{self, Step, cargo};

/// Name, package, bench target.
const BENCHES: [(&str, &str, &str); 3] = [
    ("replay", "chaos-simulation", "replay"),
    ("append", "chaos-store", "append"),
    ("verify", "chaos-agency", "verify"),
];

/// Runs the named bench, or all of them.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let json = arguments.iter().any(|argument| argument == "--json");
    let named = arguments.iter().find(|argument| !argument.starts_with("--"));
    if let Some(name) = named
        && !BENCHES.iter().any(|(known, ..)| known == name)
    {
        let known: Vec<_> = BENCHES.iter().map(|(known, ..)| *known).collect();
        bail!("unknown benchmark `{name}`; known are {}", known.join(", "));
    }
    for (name, package, target) in BENCHES {
        if named.is_some_and(|named| named != name) {
            continue;
        }
        let mut step = Step::new(name, cargo()).args([
            "bench",
            "--quiet",
            "--package",
            package,
            "--bench",
            target,
            "--",
        ]);
        if json {
            step = step.arg("--json");
        }
        process::run(step)?;
    }
    Ok(())
}
