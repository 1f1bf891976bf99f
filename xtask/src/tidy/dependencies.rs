//! What a crate never links, however far down its tree of dependencies it may lie.

use std::{collections::BTreeSet, process::Command};

use anyhow::{Context, Result, ensure};

use super::tree::Tree;
use crate::{process::cargo, root};

/// Database engines.
const DATABASE: &[&str] = &["rusqlite", "libsqlite3-sys"];
/// Clients, servers and what drives them.
const NETWORK: &[&str] = &["tokio", "mio", "hyper", "reqwest", "rustls"];
/// The Ethereum virtual machine.
const EVM: &[&str] = &["revm"];
/// The engine for WebAssembly components.
const WASM: &[&str] = &["wasmtime"];
/// Command lines and terminals.
const FACE: &[&str] = &["clap", "indicatif"];

/// A second stack, or a second library of cryptography, for TLS.
const SECOND_TLS: &[&str] = &["openssl-sys", "aws-lc-sys"];

/// Which packages a crate never links, in groups.
const NEVER: &[(&str, &[&[&str]])] = &[
    ("chaos-types", &[DATABASE, NETWORK, EVM, WASM, FACE]),
    ("chaos-files", &[DATABASE, NETWORK, EVM, WASM, FACE]),
    ("chaos-log", &[DATABASE, NETWORK, EVM, WASM, FACE]),
    ("chaos-witness", &[DATABASE, NETWORK, EVM, WASM, FACE]),
    ("chaos-reputation", &[DATABASE, NETWORK, EVM, WASM, FACE]),
    ("chaos-incentives", &[DATABASE, NETWORK, EVM, WASM, FACE]),
    ("chaos-parameters", &[DATABASE, NETWORK, EVM, WASM, FACE]),
    ("chaos-chain-config", &[DATABASE, NETWORK, EVM, WASM, FACE]),
    ("chaos-sandbox", &[DATABASE, NETWORK, EVM, FACE]),
    ("chaos-attestation", &[DATABASE, NETWORK, EVM, WASM, FACE]),
    ("chaos-agency", &[DATABASE, NETWORK, EVM, WASM, FACE]),
    ("chaos-verify", &[DATABASE, NETWORK, EVM, WASM, FACE]),
    ("chaos-store", &[NETWORK, EVM, WASM, FACE]),
    ("chaos-ledger", &[NETWORK, EVM, WASM, FACE]),
    ("chaos-chains", &[DATABASE, WASM, FACE]),
    ("chaos-studio", &[DATABASE, NETWORK, EVM, WASM, FACE]),
    ("chaos-evm", &[DATABASE, NETWORK, WASM, FACE]),
    ("chaos-review", &[DATABASE, NETWORK, WASM, FACE]),
    ("chaos-simulation", &[DATABASE, NETWORK, EVM, WASM, FACE]),
    ("chaos-history", &[DATABASE, NETWORK, EVM, WASM, FACE]),
    ("chaos-study", &[DATABASE, NETWORK, WASM, FACE]),
    ("chaos-governance", &[DATABASE, NETWORK, WASM, FACE]),
    ("chaos-programs", &[FACE]),
    ("chaos-broker", &[EVM, WASM, FACE, SECOND_TLS]),
    ("chaos-api", &[EVM, WASM, FACE, SECOND_TLS]),
    ("chaos-node", &[SECOND_TLS]),
];

/// Crates whose every package is listed, one name a line: a new one is a decision of its own.
const WHOLE: &[(&str, &str)] = &[("chaos-verify", include_str!("linked/chaos-verify.txt"))];

/// The program, and how many packages it links at most, each version of one counted.
const PROGRAM: &str = "chaos-node";
/// Four of them are `axum` and what it brings, since a log is published over HTTP; two are the room that says what
/// a proposal does, and `alloy-dyn-abi`, since the ABIs that it reads are not known when it is compiled.
const PACKAGES_MAX: usize = 484;

pub(super) fn check(tree: &Tree) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for (name, groups) in NEVER {
        if !tree.crates.contains_key(*name) {
            problems.push(format!("`{name}` has a list of banned packages and does not exist"));
            continue;
        }
        let linked = linked(name)?;
        for package in groups.iter().copied().flatten() {
            if linked.contains(*package) {
                problems.push(format!(
                    "`{name}` links `{package}`, which it never does (`cargo tree --package {name} \
                     --edges normal --invert {package}`)"
                ));
            }
        }
    }
    for (name, listed) in WHOLE {
        let listed: BTreeSet<String> = listed.lines().map(ToOwned::to_owned).collect();
        let linked = linked(name)?;
        for package in linked.symmetric_difference(&listed) {
            let found = if linked.contains(package) { "links" } else { "no longer links" };
            problems.push(format!(
                "`{name}` {found} `{package}`; xtask/src/tidy/linked/{name}.txt lists what it links"
            ));
        }
    }
    let packages = listed(PROGRAM)?;
    // A package that was listed before is listed again with `(*)` at its end.
    let packages: BTreeSet<&str> =
        packages.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    let count = packages.len();
    if count > PACKAGES_MAX {
        problems.push(format!(
            "`{PROGRAM}` links {count} packages, at most {PACKAGES_MAX} are allowed (`cargo tree \
             --package {PROGRAM} --edges normal --duplicates` shows those in several versions)"
        ));
    }
    Ok(problems)
}

/// The names of the packages that a crate links when nothing else asks for features.
fn linked(name: &str) -> Result<BTreeSet<String>> {
    let packages = listed(name)?;
    Ok(packages.lines().filter_map(|line| line.split(' ').next()).map(ToOwned::to_owned).collect())
}

/// Those packages with their versions, one a line, some more than once.
fn listed(name: &str) -> Result<String> {
    let output = Command::new(cargo())
        .args(["tree", "--offline", "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .args(["--package", name])
        // A caller may have its builds unify features over the workspace, which links everything.
        .env_remove("CARGO_RESOLVER_FEATURE_UNIFICATION")
        .current_dir(root())
        .output()
        .context("cannot run `cargo tree`")?;
    ensure!(
        output.status.success(),
        "cargo tree failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
