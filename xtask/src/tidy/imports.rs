//! Which paths a room's source never names.

use super::tree::Tree;

/// What the files under a path never say, and why.
struct Ban {
    /// How the paths of its files begin, from the workspace's root.
    within: &'static [&'static str],
    /// Files and folders under it that may.
    but: &'static [&'static str],
    /// What their code never says.
    never: &'static [&'static str],
    /// What to do instead.
    instead: &'static str,
}

/// Crates whose source is functions of their arguments.
const PURE: &[&str] = &[
    "crates/chaos-agency/",
    "crates/chaos-attestation/",
    "crates/chaos-chain-config/",
    "crates/chaos-evm/",
    "crates/chaos-governance/",
    "crates/chaos-history/",
    "crates/chaos-incentives/",
    "crates/chaos-log/",
    "crates/chaos-parameters/",
    "crates/chaos-report/",
    "crates/chaos-reputation/",
    "crates/chaos-review/",
    "crates/chaos-sandbox/",
    "crates/chaos-simulation/",
    "crates/chaos-studio/",
    "crates/chaos-study/",
    "crates/chaos-types/",
    "crates/chaos-verify/",
];

const BANS: &[Ban] = &[
    Ban {
        within: PURE,
        but: &[],
        never: &["env::var", "Instant::now", "thread::sleep", "TcpStream::", "Command::new"],
        instead: "time, settings and what others say are arguments",
    },
    Ban {
        within: PURE,
        but: &[
            // They touch the file or folder that they are given.
            "crates/chaos-attestation/src/provide/configfs.rs",
            "crates/chaos-report/src/columnar/file.rs",
        ],
        never: &["fs::", "File::"],
        instead: "bytes are arguments; files are the caller's",
    },
    Ban {
        within: &["crates/"],
        but: &["crates/chaos-node/"],
        never: &["println!", "eprintln!", "print!", "eprint!", "dbg!"],
        instead: "a library prints nothing: return it, or hand it to the sink that you were given",
    },
    Ban {
        within: &["crates/"],
        but: &[
            "crates/chaos-files/",
            // Locks, which hold no bytes.
            "crates/chaos-ledger/src/heads.rs",
            "crates/chaos-store/src/lock.rs",
            "crates/chaos-witness/src/folder/held.rs",
            // The kernel's interface.
            "crates/chaos-attestation/src/provide/configfs.rs",
        ],
        never: &["fs::write(", "File::create", "File::options", "OpenOptions::new"],
        instead: "`chaos_files` writes files whole: synced or not",
    },
    Ban {
        within: &["crates/"],
        but: &["crates/chaos-node/src/clock.rs"],
        never: &["SystemTime::now"],
        instead: "time is an argument",
    },
    Ban {
        within: &["crates/chaos-ledger/"],
        but: &[],
        never: &["env::var"],
        instead: "the environment is the program's; what it says is an argument",
    },
    Ban {
        within: &["crates/chaos-programs/"],
        but: &[],
        never: &["env::var", "Instant::now", "ExitCode"],
        instead: "the environment is the program's; what it says is an argument",
    },
    Ban {
        within: &["crates/chaos-broker/"],
        but: &[],
        never: &["env::var"],
        instead: "the environment is the program's; what it says is an argument",
    },
    Ban {
        within: &["crates/chaos-node/src/"],
        but: &[
            "crates/chaos-node/src/commands/",
            "crates/chaos-node/src/commands.rs",
            "crates/chaos-node/src/main.rs",
        ],
        never: &["commands::"],
        instead: "a command is called by `main` alone; what two commands share lies beside them",
    },
    Ban {
        within: &["crates/chaos-node/src/"],
        but: &[
            "crates/chaos-node/src/args/",
            "crates/chaos-node/src/args.rs",
            "crates/chaos-node/src/commands/",
            "crates/chaos-node/src/commands.rs",
            "crates/chaos-node/src/main.rs",
            // They read the arguments that every command with blocks, or about a chain, takes.
            "crates/chaos-node/src/blocks.rs",
            "crates/chaos-node/src/chains.rs",
        ],
        never: &["args::"],
        instead: "arguments end in the commands: hand on what they mean",
    },
    Ban {
        within: &["crates/chaos-node/src/"],
        but: &["crates/chaos-node/src/output.rs", "crates/chaos-node/src/output/"],
        never: &["println!", "eprintln!", "print!", "eprint!", "dbg!"],
        instead: "what people see goes through `output`",
    },
    Ban {
        within: &["crates/"],
        but: &["crates/chaos-node/"],
        never: &["clap::", "indicatif::", "anyhow::"],
        instead: "only the program knows its command line, its terminal and `anyhow`",
    },
];

pub(super) fn check(tree: &Tree) -> Vec<String> {
    let mut problems = Vec::new();
    let sources = tree.crates.values().flat_map(|own| &own.sources);
    for source in sources {
        let bans = BANS.iter().filter(|ban| ban.holds_for(&source.path));
        for ban in bans {
            for (number, line) in (1..).zip(source.text.lines()) {
                problems.extend(
                    ban.never.iter().filter(|never| says(line, never)).map(|never| {
                        format!("{}:{number}: `{never}`: {}", source.path, ban.instead)
                    }),
                );
            }
        }
    }
    problems
}

impl Ban {
    fn holds_for(&self, path: &str) -> bool {
        self.within.iter().any(|within| path.starts_with(within))
            && !self.but.iter().any(|but| path.starts_with(but))
    }
}

/// Whether a line of code, not of comment, holds the words where no longer name ends in them.
fn says(line: &str, words: &str) -> bool {
    let code = line.split_once("//").map_or(line, |(code, _)| code);
    code.match_indices(words).any(|(at, _)| {
        !code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, words: &str, expect: bool) {
        assert_eq!(says(line, words), expect, "{line}");
    }

    #[test]
    fn bans_find_code_and_leave_comments_and_longer_names_alone() {
        check("    println!(\"x\");", "println!", true);
        check("    eprintln!(\"x\");", "println!", false);
        check("    // println!(\"x\");", "println!", false);
        check("use clap::Parser;", "clap::", true);
        check("use overclap::Parser;", "clap::", false);
        check("    let now = std::time::SystemTime::now();", "SystemTime::now", true);
    }
}
