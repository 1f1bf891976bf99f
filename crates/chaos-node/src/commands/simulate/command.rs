//! The command line that repeats a simulation.

use std::path::Path;

use chaos_parameters::Setting;

use chaos_programs::simulation::BlockSet;

use crate::args::{BlockSource, SimulationArgs};

/// The `chaoschain simulate` that gives the same result digest.
///
/// `place` says where the blocks are. Whatever differs from the defaults is spelled out, apart from
/// the number of threads, on which no result depends. Paths stand as the user typed them: nobody
/// else's machine has this one's folders.
pub(crate) fn command(
    place: &str,
    block_set: &BlockSet,
    setting: Setting,
    args: &SimulationArgs,
) -> String {
    let chain = &block_set.chain;
    format!("chaoschain simulate {place} --chain {chain} --set {setting}{}", options(args))
}

fn options(args: &SimulationArgs) -> String {
    // By name, so that an option added later is not forgotten here.
    let SimulationArgs { seed, elasticity, paths, path_blocks, fee_history, columns, threads: _ } =
        args;
    let mut text = format!(" --seed {seed}");
    if let Some(elasticity) = elasticity {
        text.push_str(&format!(" --elasticity {elasticity}"));
    }
    if let Some(paths) = paths {
        text.push_str(&format!(" --paths {paths}"));
    }
    if let Some(blocks) = path_blocks {
        text.push_str(&format!(" --path-blocks {blocks}"));
    }
    if let Some(path) = fee_history {
        text.push_str(&format!(" --fee-history {}", quoted(path)));
    }
    if let Some(columns) = columns {
        text.push_str(&format!(" --columns {}", quoted(Path::new(columns))));
    }
    text
}

/// How the blocks were named on the command line. Of live ones the numbers are given, as the newest
/// are others by now; the endpoint is left out, as its URL may hold a key.
pub(crate) fn place(source: &BlockSource, block_set: &BlockSet) -> String {
    let number = |input: Option<&chaos_evm::ReplayInput>| {
        input.map_or(0, |input| input.block().header.number)
    };
    match (&source.blocks, &source.rpc_url) {
        (Some(dir), _) => format!("--blocks {}", quoted(dir)),
        (None, Some(_)) => format!(
            "--rpc-url URL --range {}..={}",
            number(block_set.inputs.first()),
            number(block_set.inputs.last())
        ),
        (None, None) => String::new(),
    }
}

/// A path as a POSIX shell reads it back.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests;
