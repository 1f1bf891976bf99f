//! The sandbox's components: built from `guests/`, committed in `guests/artifacts`, and checked.
//!
//! A Rust guest gives the same bytes in any folder, so the check builds it again and compares. That
//! needs the target `wasm32-unknown-unknown` and the compiler that made the artifact; where either
//! is missing, the check says so and compares the digests of the sources that the manifest records.
//! The guest in JavaScript is always checked in that way: its tool draws random seeds as it builds.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};

use self::manifest::{Artifact, Manifest, digest};
use crate::{
    complain,
    process::{Step, cargo, run, target},
    root,
};

mod manifest;
mod quoter;

const TARGET: &str = "wasm32-unknown-unknown";

/// The guests written in Rust: package and world.
const RUST: [(&str, &str); 2] = [("fee-market", "simulate"), ("scorer", "score")];

/// Builds all guests and writes what changed.
pub(crate) fn generate() -> Result<()> {
    let compiler = compiler()?;
    ensure!(
        have_target(),
        "guests need the target {TARGET}: `rustup target add {TARGET}`, or Debian's rustc-web"
    );
    let mut manifest = Manifest::read().unwrap_or_default();
    build_rust()?;
    for (name, world) in RUST {
        let component = fs::read(built(name)?).context("the guest was not built")?;
        let file = format!("{name}.wasm");
        let artifact = Artifact::new(world, &component, sources(name)?, &rust_tools(&compiler)?);
        write_changed(&artifacts().join(&file), &component)?;
        manifest.artifacts.insert(file, artifact);
    }
    quoter::generate(&mut manifest)?;
    write_changed(&Manifest::path(), manifest.to_text()?.as_bytes())
}

/// Fails if an artifact is not what its sources give.
pub(crate) fn check() -> Result<()> {
    let manifest = Manifest::read()?;
    let compiler = compiler()?;
    let names: Vec<String> = RUST.iter().map(|(name, _)| format!("{name}.wasm")).collect();
    for file in names.iter().map(String::as_str).chain([quoter::FILE]) {
        manifest.get(file)?.ensure_bytes(file)?;
    }
    manifest.get(quoter::FILE)?.ensure_sources(quoter::FILE)?;
    if let Some(obstacle) = obstacle(&manifest, &names, &compiler)? {
        complain(&format!(
            "xtask: guests are not built again: {obstacle}; comparing the digests of their sources"
        ));
        for file in &names {
            manifest.get(file)?.ensure_sources(file)?;
        }
    } else {
        build_rust()?;
        for ((name, _), file) in RUST.iter().zip(&names) {
            let artifact = manifest.get(file)?;
            let component = fs::read(built(name)?).context("the guest was not built")?;
            if digest(&component) != artifact.sha256 || sources(name)? != artifact.sources {
                bail!("guests/artifacts/{file} is stale: run `cargo xtask gen`");
            }
        }
    }
    complain("xtask: guests are up to date");
    Ok(())
}

/// Fails if a source file is not formatted.
pub(crate) fn format() -> Result<()> {
    // By name: with `--all`, cargo would look for the workspace of every crate behind the link.
    let packages = RUST.iter().map(|(name, _)| *name).chain(["componentize"]);
    let packages = packages.flat_map(|name| ["--package", name]);
    run(Step::new("guests' format", cargo())
        .args(["fmt", "--check"])
        .args(packages)
        .within("guests"))
}

/// Why the Rust guests cannot be built to the same bytes here.
fn obstacle(manifest: &Manifest, names: &[String], compiler: &str) -> Result<Option<String>> {
    for file in names {
        let made_with = manifest.get(file)?.tools.get("rustc").map_or("", String::as_str);
        if made_with != compiler {
            return Ok(Some(format!("{file} was made with rustc {made_with}, this is {compiler}")));
        }
    }
    Ok((!have_target()).then(|| format!("the target {TARGET} is not installed")))
}

/// Where guests are built; cargo's own folders lie in it.
fn build_folder() -> Result<PathBuf> {
    Ok(target()?.join("guests"))
}

/// All Rust guests as components in the build folder.
fn build_rust() -> Result<()> {
    let mut build = guests_cargo("guests", "build")?.args(["--release", "--target", TARGET]);
    for (name, _) in RUST {
        build = build.args(["--package", name]);
    }
    run(build.env("CARGO_ENCODED_RUSTFLAGS", flags()?))?;
    for (name, _) in RUST {
        let step = guests_cargo("component", "run")?.args(["--package", "componentize", "--"]);
        run(step.arg(core_module(name)?).arg(built(name)?))?;
    }
    Ok(())
}

fn guests_cargo(name: &'static str, command: &str) -> Result<Step> {
    Ok(Step::new(name, cargo())
        .args([command, "--quiet", "--locked", "--target-dir"])
        .arg(build_folder()?)
        .within("guests"))
}

/// Compiler flags under which the folders of this machine leave no trace in the bytes.
fn flags() -> Result<String> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(env::home_dir()?.join(".cargo")));
    let home = home.context("neither CARGO_HOME nor a home folder is set")?;
    let remapped = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    // Of several prefixes that fit, rustc takes the last.
    Ok([remapped(&home, "cargo"), remapped(root(), "chaoschain")].join("\u{1f}"))
}

fn built(name: &str) -> Result<PathBuf> {
    Ok(build_folder()?.join(format!("{name}.wasm")))
}

fn core_module(name: &str) -> Result<PathBuf> {
    Ok(release()?.join(format!("{}.wasm", name.replace('-', "_"))))
}

fn release() -> Result<PathBuf> {
    Ok(build_folder()?.join(TARGET).join("release"))
}

fn artifacts() -> PathBuf {
    root().join("guests/artifacts")
}

/// The files that the guest was built from, as cargo noted them, with what pins the rest.
fn sources(name: &str) -> Result<manifest::Files> {
    let notes = release()?.join(format!("{}.d", name.replace('-', "_")));
    let text =
        fs::read_to_string(&notes).with_context(|| format!("cannot read {}", notes.display()))?;
    let own = ["Cargo.toml", "Cargo.lock", "componentize/Cargo.toml", "componentize/src/main.rs"];
    let own = own.iter().map(|file| PathBuf::from("guests").join(file));
    let manifest = PathBuf::from("guests").join(name).join("Cargo.toml");
    // Guests reach the crates by a link within their own folder.
    let (link, crates) = (root().join("guests/crates"), root().join("crates"));
    let noted = manifest::noted(&text).into_iter().filter_map(|path| {
        let path = path.strip_prefix(&link).map_or(path.clone(), |within| crates.join(within));
        path.strip_prefix(root()).ok().map(Path::to_owned)
    });
    manifest::hash(own.chain([manifest]).chain(noted))
}

fn rust_tools(compiler: &str) -> Result<Vec<(&'static str, String)>> {
    let lock = fs::read_to_string(root().join("guests/Cargo.lock"))
        .context("cannot read guests/Cargo.lock")?;
    // The tool's own manifest pins the version that is used of those in the lock.
    Ok(vec![
        ("rustc", compiler.to_owned()),
        ("wit-bindgen", manifest::locked(&lock, "wit-bindgen-rust")?),
        ("wit-component", manifest::locked(&lock, "wit-component")?),
    ])
}

/// Version, commit and host of the compiler: with all three the same, so are the bytes.
fn compiler() -> Result<String> {
    let program = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(program)
        .arg("-vV")
        .current_dir(root())
        .output()
        .context("cannot run rustc")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .with_context(|| format!("rustc -vV prints no {name}"))
    };
    let commit = field("commit-hash")?;
    Ok(format!("{} {} {}", field("release")?, commit.get(..9).unwrap_or(commit), field("host")?))
}

/// Whether the target is there, after asking rustup for it where there is one.
fn have_target() -> bool {
    let library = || {
        let output = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
            .args(["--print", "target-libdir", "--target", TARGET])
            .current_dir(root())
            .output()
            .ok()?;
        let folder = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
        folder.is_dir().then_some(())
    };
    if library().is_some() {
        return true;
    }
    complain(&format!("xtask: asking rustup for the target {TARGET}"));
    let asked = Command::new("rustup")
        .args(["target", "add", TARGET])
        .current_dir(root())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    asked.is_ok_and(|status| status.success()) && library().is_some()
}

fn write_changed(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    complain(&format!("xtask: wrote {}", path.display()));
    Ok(())
}
