//! The last page: the report, a verification by another process, and where to look.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use chaos_programs::{deciding::Told, simulation::BlockSet};
use serde_json::json;

use super::{Ended, Setup};
use crate::{
    commands::write_file,
    exit::{Failure, Kind, OrFail as _},
    ledger, output,
};

impl Setup<'_> {
    /// Writes the report, has another process verify everything, and says where to look.
    pub(super) fn close(self, block_set: &BlockSet, ended: &Ended) -> Result<ExitCode, Failure> {
        let folder = self.folder.path();
        let key = self.ledger.log_key()?.verifier().to_string();
        let Ended { finished, decided, bundles } = ended;
        let html = decided.report(&self.ledger, block_set, finished, self.told(&key));
        write_file(&folder.join("report.html"), html.as_bytes())?;
        // The other process must not need this one's lock, keys or memory.
        let Self { ledger, source, args, folder, keys_open, .. } = self;
        let data = ledger.dir().to_owned();
        drop(ledger);
        let folder = folder.path();
        let accepted = verify_elsewhere(bundles, &source.folders, &data, &key)?;
        let body = &decided.anchoring.body;
        if args.json {
            output::json(&json!({
                "outcome": "finalised",
                "out": folder.display().to_string(),
                "bundles": bundles.len(),
                "verified": accepted,
                "receipt": decided.draft,
                "proposal": finished.proposal.id(),
                "result_digest": finished.proposal.content().result,
                "log": key,
                "anchor": body,
                "keys_open": keys_open,
            }))?;
        } else {
            let anchor = format!(
                "size {} in block {} {} of {}, contract {}",
                body.log_size, body.block_number, body.block_hash, body.chain, body.contract
            );
            closing_lines(&[
                ("proposal", folder.join("proposal.md").display().to_string()),
                ("report", folder.join("report.html").display().to_string()),
                ("bundles", format!("{} in {}", bundles.len(), folder.join("bundles").display())),
                (
                    "verified",
                    format!(
                        "{accepted} bundles by a separate process: counted by folding the log again, \
                         re-executed where they can be"
                    ),
                ),
                ("log", key),
                ("receipt", decided.draft.to_string()),
                ("anchor", anchor),
                ("keys", about_keys(keys_open).to_owned()),
            ]);
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Writes the bundles of what was done, has another process verify them, and says why there is
    /// nothing else.
    pub(super) fn close_without_proposal(mut self, reason: &str) -> Result<ExitCode, Failure> {
        let checkpoint = ledger::publish_head(&mut self.ledger, &self.heads)?;
        let bundles = self.write_bundles(&checkpoint, None)?;
        let key = self.ledger.log_key()?.verifier().to_string();
        let Self { ledger, source, args, folder, keys_open, .. } = self;
        let data = ledger.dir().to_owned();
        drop(ledger);
        let folder = folder.path();
        let accepted = verify_elsewhere(&bundles, &source.folders, &data, &key)?;
        if args.json {
            output::json(&json!({
                "outcome": "given_up",
                "reason": reason,
                "out": folder.display().to_string(),
                "bundles": bundles.len(),
                "verified": accepted,
                "log": key,
                "keys_open": keys_open,
            }))?;
        } else {
            closing_lines(&[
                ("bundles", format!("{} in {}", bundles.len(), folder.join("bundles").display())),
                ("verified", format!("{accepted} bundles by a separate process")),
                ("log", key),
                ("keys", about_keys(keys_open).to_owned()),
                ("no proposal", format!("{reason}; so there is no vote and no report.html")),
            ]);
        }
        Ok(ExitCode::SUCCESS)
    }

    /// What the report cannot know: what was done, and how all is verified.
    fn told(&self, key: &str) -> Told<'_> {
        Told {
            steps: &self.narration.steps,
            verify: vec![
                format!("chaoschain verify bundles/*.json --log '{key}'"),
                format!(
                    "chaoschain verify bundles --reexecute --log-dir data{}",
                    self.source.verify_option()
                ),
            ],
        }
    }
}

/// Whether the demo's agents can act again.
const fn about_keys(open: bool) -> &'static str {
    if open {
        "the agents' key files open with CHAOSCHAIN_PASSWORD"
    } else {
        "nobody knows their random password, so these agents cannot sign again; set \
         CHAOSCHAIN_PASSWORD before a demo to go on with its folder"
    }
}

/// The narration's last lines, for people.
fn closing_lines(lines: &[(&str, String)]) {
    output::line("");
    for (name, text) in lines {
        output::line(format_args!("{name:<12} {text}"));
    }
}

/// Runs `chaoschain verify` as a stranger with a copy of the log would, and counts what it accepted.
fn verify_elsewhere(
    bundles: &[PathBuf],
    folders: &[PathBuf],
    data: &Path,
    log: &str,
) -> Result<usize, Failure> {
    let program = std::env::current_exe().or_fail(Kind::Outside)?;
    let inputs = folders.iter().flat_map(|folder| [OsStr::new("--inputs"), folder.as_os_str()]);
    let output = Command::new(program)
        .arg("verify")
        .args(bundles)
        .args(["--json", "--reexecute", "--require", "counted", "--log", log])
        .args([OsStr::new("--log-dir"), data.as_os_str()])
        .args(inputs)
        .stdin(Stdio::null())
        .output()
        .or_fail(Kind::Outside)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let accepted = text.lines().filter(|line| line.contains("\"verdict\":\"accepted\"")).count();
    if output.status.success() && accepted == bundles.len() {
        return Ok(accepted);
    }
    let first = text.lines().find(|line| !line.contains("\"verdict\":\"accepted\""));
    Err(Failure::message(
        Kind::Check,
        format!(
            "the separate verification accepted {accepted} of {} bundles: {}{}",
            bundles.len(),
            first.unwrap_or_default(),
            String::from_utf8_lossy(&output.stderr)
        ),
    ))
}
