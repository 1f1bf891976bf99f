//! The shares that all tests together reached once. They may only rise.

use std::{collections::BTreeMap, fmt::Write as _, fs};

use anyhow::{Context as _, Result, bail, ensure};

use super::{ALL, Shares, percent};
use crate::{complain, root};

/// Where they are kept: a name and thousandths of its lines on each line.
const FLOOR: &str = "xtask/src/coverage/floor";
/// The page that shows the workspace's, and how the line begins.
const PAGE: &str = "docs/benchmarks.md";
const LINE: &str = "- **Coverage.**";

/// By how much a share may differ from run to run: what a killed process ran is not counted, and where
/// the kill falls is the machine's.
const NOISE_PERMILLE: u64 = 5;

type Floor = BTreeMap<String, u64>;

/// A run of some tests is neither held against the floor nor kept as one.
pub(super) fn ensure_no_option(arguments: &[String]) -> Result<()> {
    let is_ours = |argument: &&String| ["--check", "--raise"].contains(&argument.as_str());
    match arguments.iter().find(is_ours) {
        Some(option) => bail!("`{option}` stands alone: it is about all tests"),
        None => Ok(()),
    }
}

/// Refuses shares below the floor.
pub(super) fn check(shares: &Shares) -> Result<()> {
    let floor = read()?;
    ensure!(
        floor.contains_key(ALL),
        "{FLOOR} holds no share of the workspace: `cargo xtask coverage --raise` writes it"
    );
    let below = below(&floor, shares);
    ensure!(below.is_empty(), "coverage fell:\n  {}", below.join("\n  "));
    complain(&format!("xtask: coverage: {} shares, none below {FLOOR}", floor.len()));
    Ok(())
}

/// Keeps what is above the floor, and shows the workspace's on the page.
pub(super) fn raise(shares: &Shares) -> Result<()> {
    let mut floor = read()?;
    // A crate that is gone has no floor; one that fell keeps its own.
    floor.retain(|name, _| shares.contains_key(name));
    for (name, lines) in shares {
        let kept = floor.entry(name.clone()).or_default();
        *kept = lines.permille().max(*kept);
    }
    fs::write(root().join(FLOOR), spell(&floor)).with_context(|| FLOOR.to_owned())?;
    let path = root().join(PAGE);
    let page = fs::read_to_string(&path).with_context(|| PAGE.to_owned())?;
    fs::write(&path, shown(&page, floor[ALL])?).with_context(|| PAGE.to_owned())?;
    let below = below(&floor, shares);
    ensure!(below.is_empty(), "coverage fell, and the floor stays:\n  {}", below.join("\n  "));
    Ok(())
}

fn below(floor: &Floor, shares: &Shares) -> Vec<String> {
    let fell = |(name, floor): (&String, &u64)| match shares.get(name) {
        None => Some(format!("{name} is in {FLOOR}, and no line of it was counted")),
        Some(lines) if lines.permille() + NOISE_PERMILLE < *floor => {
            let (found, expected) = (percent(lines.permille()), percent(*floor));
            Some(format!("{name}: {found} of its lines, {expected} once"))
        }
        Some(_) => None,
    };
    floor.iter().filter_map(fell).collect()
}

fn read() -> Result<Floor> {
    let text = fs::read_to_string(root().join(FLOOR)).with_context(|| FLOOR.to_owned())?;
    parse(&text)
}

fn parse(text: &str) -> Result<Floor> {
    let row = |line: &str| {
        let (name, permille) = line.split_once(' ')?;
        Some((name.to_owned(), permille.trim().parse().ok()?))
    };
    text.lines()
        .map(|line| {
            row(line).with_context(|| format!("{FLOOR}: expected `NAME N`, found `{line}`"))
        })
        .collect()
}

fn spell(floor: &Floor) -> String {
    floor.iter().fold(String::new(), |mut text, (name, permille)| {
        let _written = writeln!(text, "{name} {permille}");
        text
    })
}

/// The page with the workspace's share on its line.
fn shown(page: &str, permille: u64) -> Result<String> {
    let line = page.lines().find(|line| line.starts_with(LINE));
    let line = line.with_context(|| format!("{PAGE} has no line that begins `{LINE}`"))?;
    let share = percent(permille);
    let new = format!(
        "{LINE} All tests together run {share} of the crates' lines, as `cargo xtask coverage` counts them; \
         `{FLOOR}` holds the share of each crate in thousandths, and `cargo xtask coverage --check` refuses less."
    );
    Ok(page.replacen(line, &new, 1))
}

#[cfg(test)]
mod tests {
    use super::{super::Lines, *};

    fn shares(rows: &[(&str, u64)]) -> Shares {
        let lines = |run| Lines { all: 1000, run };
        rows.iter().map(|(name, run)| ((*name).to_owned(), lines(*run))).collect()
    }

    #[test]
    fn a_share_below_its_floor_or_gone_is_named_and_one_above_is_not() {
        let floor = parse("all 900\nchaos-gone 1\nchaos-log 950\nchaos-types 800\n").unwrap();
        let found =
            below(&floor, &shares(&[("all", 900), ("chaos-log", 944), ("chaos-types", 795)]));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("chaos-gone is in"));
        assert_eq!(found[1], "chaos-log: 94.4 % of its lines, 95.0 % once");
    }

    #[test]
    fn the_floor_is_read_as_it_was_written() {
        let text = "all 900\nchaos-log 950\n";
        assert_eq!(spell(&parse(text).unwrap()), text);
        assert!(parse("chaos-log\n").is_err());
    }

    #[test]
    fn the_page_shows_the_workspace_and_keeps_the_rest() {
        let page = shown("before\n- **Coverage.** none\nafter\n", 875).unwrap();
        assert!(
            page.starts_with("before\n- **Coverage.** All tests together run 87.5 %"),
            "{page}"
        );
        assert!(page.ends_with("less.\nafter\n"));
        assert!(shown("no such line\n", 875).is_err());
    }
}
