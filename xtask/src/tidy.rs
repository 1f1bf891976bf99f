//! The map is a test: what ARCHITECTURE.md promises about the crates, a machine checks.
//!
//! Each check is a table and a short function in a file of its own. A check reads the [`Tree`] and
//! returns one line per broken rule; a new rule is a new row, or a new file and a line in [`run`].

mod dependencies;
mod imports;
mod layers;
mod rules;
mod surface;
mod tree;
mod words;

use anyhow::{Result, bail};

use self::tree::Tree;
use crate::complain;

/// Checks the whole tree and names everything that is wrong, not only the first.
pub(crate) fn run() -> Result<()> {
    let tree = Tree::read()?;
    let problems = [
        layers::check(&tree)?,
        dependencies::check(&tree)?,
        imports::check(&tree),
        words::check(&tree),
        rules::check(&tree)?,
        surface::check(&tree)?,
    ]
    .concat();
    if problems.is_empty() {
        let crates = tree.crates.len();
        complain(&format!(
            "xtask: tidy: {crates} crates, imports point down, and each knows its place"
        ));
        return Ok(());
    }
    bail!("tidy:\n  {}", problems.join("\n  "))
}
