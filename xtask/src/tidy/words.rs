//! The column *never knows* of the code map: words that a crate's source does not hold, in code,
//! comments and messages alike. A word that a crate may not know is a subject that is not its own.

use super::tree::Tree;

/// A crate and the beginnings of the words that its source never holds.
///
/// Words are compared in lower case, and names are taken apart: `ObserveVote` and `observe_vote` hold
/// the word `vote`, `devote` does not.
const NEVER: &[(&str, &[&str])] = &[
    ("chaos-types", &["studio", "proposal", "vot", "governance", "tokio", "async"]),
    ("chaos-files", &["studio", "agent", "receipt", "proposal"]),
    ("chaos-log", &["studio", "agent", "receipt", "proposal", "vot", "governance", "simulat"]),
    ("chaos-witness", &["studio", "agent", "receipt", "proposal", "vot", "governance", "tokio"]),
    ("chaos-reputation", &["proposal", "vot", "simulat", "ethereum", "evm"]),
    ("chaos-incentives", &["proposal", "vot", "simulat", "governance", "receipt"]),
    ("chaos-parameters", &["studio", "governance", "sqlite", "socket", "revm"]),
    ("chaos-chain-config", &["studio", "governance", "receipt", "sqlite", "socket", "revm"]),
    ("chaos-sandbox", &["studio", "proposal", "vot", "governance", "ethereum", "evm"]),
    (
        "chaos-attestation",
        &[
            "proposal",
            "vot",
            "governance",
            "ethereum",
            "evm",
            "studios",
            "receipt",
            "lease",
            "socket",
        ],
    ),
    ("chaos-agency", &["proposal", "simulat", "vot", "oversee", "governance", "liquidity"]),
    ("chaos-verify", &["studio", "proposal", "vot", "simulat", "governance", "sqlite", "socket"]),
    ("chaos-store", &["studio", "proposal", "vot", "governance", "simulat", "reputation"]),
    ("chaos-ledger", &["proposal", "vot", "simulat", "ethereum", "clap"]),
    ("chaos-chains", &["studio", "reputation", "clap", "sqlite"]),
    ("chaos-studio", &["liquidity", "ethereum", "evm", "treasur"]),
    (
        "chaos-report",
        &["vot", "governance", "studio", "receipt", "sqlite", "socket", "revm", "clap"],
    ),
    ("chaos-evm", &["studio", "governance", "vot", "reputation", "sqlite", "socket"]),
    ("chaos-review", &["studio", "receipt", "sqlite", "socket", "tokio", "revm", "clap"]),
    ("chaos-simulation", &["studio", "governance", "receipt", "revm", "sqlite", "socket"]),
    ("chaos-history", &["studio", "governance", "receipt", "revm", "sqlite", "socket"]),
    ("chaos-study", &["studio", "governance", "receipt", "vot", "sqlite", "socket"]),
    ("chaos-governance", &["liquidity", "socket", "sqlite"]),
    ("chaos-programs", &["liquidity", "clap"]),
    ("chaos-broker", &["studios", "proposal", "vot", "governance", "ethereum", "evm"]),
    ("chaos-api", &["studio", "proposal", "vot", "governance", "simulat", "clap"]),
];

pub(super) fn check(tree: &Tree) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, never) in NEVER {
        let Some(own) = tree.crates.get(*name) else {
            problems.push(format!("`{name}` has a list of words and does not exist"));
            continue;
        };
        for source in &own.sources {
            for (number, line) in (1..).zip(source.text.lines()) {
                problems.extend(
                    words(line).filter(|word| never.iter().any(|stem| word.starts_with(stem))).map(
                        |word| format!("{}:{number}: `{name}` never knows `{word}`", source.path),
                    ),
                );
            }
        }
    }
    problems
}

/// The words of a line in lower case: runs of letters, cut where a capital follows a small letter.
fn words(line: &str) -> impl Iterator<Item = String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for character in line.chars() {
        let hump = character.is_uppercase() && before.is_lowercase();
        if hump || !character.is_alphabetic() {
            words.push(String::new());
        }
        if character.is_alphabetic()
            && let Some(word) = words.last_mut()
        {
            word.extend(character.to_lowercase());
        }
        before = character;
    }
    words.into_iter().filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart_into_words() {
        let found: Vec<_> = words("Action::ObserveVote { observe_vote: 3 } // devoted").collect();
        assert_eq!(found, ["action", "observe", "vote", "observe", "vote", "devoted"]);
    }
}
