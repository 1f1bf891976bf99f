//! Makes a component of a core module that carries its interface in a custom section, as
//! `wit-bindgen` leaves it: `componentize MODULE COMPONENT`.

use std::{env, fs, path::PathBuf};

use anyhow::{Context, Result, bail};
use wit_component::ComponentEncoder;

fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [module, component] = &arguments[..] else {
        bail!("usage: componentize MODULE COMPONENT");
    };
    let bytes = fs::read(module).with_context(|| format!("cannot read {}", module.display()))?;
    let encoded = ComponentEncoder::default()
        .validate(true)
        .module(&bytes)
        .with_context(|| format!("{} carries no interface", module.display()))?
        .encode()
        .with_context(|| format!("{} is not a component's core", module.display()))?;
    fs::write(component, encoded).with_context(|| format!("cannot write {}", component.display()))
}
