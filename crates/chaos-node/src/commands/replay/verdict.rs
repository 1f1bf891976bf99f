//! What the comparison of blocks with their headers comes to, in words and as an exit code.

use std::process::ExitCode;

use chaos_evm::{Agreement, BlockReplay, ReceiptsRoot, ReplaySummary, Verdict};

use crate::exit::Kind;

/// The exit code of several blocks. Nothing compared is no success: it is that of an input that cannot be
/// used for what was asked.
pub(crate) fn exit_code(summary: &ReplaySummary) -> ExitCode {
    match summary.verdict() {
        Verdict::Holds => ExitCode::SUCCESS,
        Verdict::Differs => ExitCode::from(Kind::Check as u8),
        Verdict::NothingCompared => ExitCode::from(Kind::Input as u8),
    }
}

/// The word of a block's agreement.
pub(crate) const fn word(agreement: Agreement) -> &'static str {
    match agreement {
        Agreement::Agrees => "agrees",
        Agreement::Differs => "differs",
        Agreement::NotComparable(_) => "not comparable",
    }
}

/// A block that does not agree, and why, in one sentence.
pub(crate) fn of_block(replay: &BlockReplay) -> String {
    let number = replay.number;
    match replay.agreement() {
        Agreement::Agrees => format!("block {number} agrees"),
        Agreement::NotComparable(why) => format!("block {number} is not comparable: {why}"),
        Agreement::Differs => format!("block {number} differs: {}", differences(replay).join("; ")),
    }
}

/// What of a block is not as its header says.
pub(crate) fn differences(replay: &BlockReplay) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    if replay.gas_header != replay.gas_replayed {
        found.push(format!(
            "gas {} where the header has {}",
            replay.gas_replayed, replay.gas_header
        ));
    }
    if let ReceiptsRoot::Mismatch { header, computed } = &replay.receipts_root {
        found.push(format!("receipts root {computed} where the header has {header}"));
    }
    if replay.logs_bloom_agrees == Some(false) {
        found.push("another logs bloom than the header's".to_owned());
    }
    for rejected in &replay.rejected {
        found.push(format!(
            "transaction {} {} may not stand where it stands: {}",
            rejected.index, rejected.hash, rejected.reason
        ));
    }
    found
}

/// How many blocks agree, differ, and could not be compared, in one clause.
pub(crate) fn counts(summary: &ReplaySummary, blocks: usize) -> String {
    let mut text = format!("{} of {blocks} blocks agree", summary.agreeing);
    if summary.differing > 0 {
        text.push_str(&format!(", {} differ", summary.differing));
    }
    if summary.not_comparable > 0 {
        text.push_str(&format!(", {} not comparable", summary.not_comparable));
    }
    text
}
