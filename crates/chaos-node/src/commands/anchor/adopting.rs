//! Anchors that an earlier command paid for and did not log.

use chaos_chains as chain;
use chaos_ledger::Ledger;
use chaos_log::root_at;
use chaos_programs::{
    Error,
    anchoring::{self, Place, Recorded, Written},
};
use chaos_store::Records as _;
use serde_json::json;

use crate::{
    args::AnchorArgs,
    exit::{Failure, Kind, OrFail as _},
    ledger, output,
};

/// Logs what earlier commands paid for and did not wait for; whether there was any.
pub(super) async fn adopt(
    args: &AnchorArgs,
    mut ledger: Ledger,
    place: &Place<'_>,
) -> Result<(Ledger, bool), Failure> {
    let mut adopted = None;
    for (size, root) in anchoring::unlogged(&ledger, place)? {
        if *root_at(ledger.store(), size).or_fail(Kind::Storage)?.as_bytes() != root {
            output::tell(format_args!(
                "the anchor of size {size} in the journal is of another log"
            ));
            continue;
        }
        // Until the block stays, others may write to the log.
        drop(ledger);
        let written = resumed(size, root, place).await?;
        ledger = ledger::open(&args.send.data.data)?;
        if let Some(written) = written
            && anchoring::unlogged(&ledger, place)?.contains(&(size, root))
        {
            adopted = Some(finish(&mut ledger, size, written)?);
        }
    }
    let Some(recorded) = adopted else { return Ok((ledger, false)) };
    if !args.how.go_on {
        tell_adopted(args, &recorded, ledger.size())?;
    }
    Ok((ledger, true))
}

fn tell_adopted(args: &AnchorArgs, recorded: &Recorded, size: u64) -> Result<(), Failure> {
    let Recorded { body, receipt, reached, .. } = recorded;
    let anchored = body.log_size;
    if args.send.json {
        return output::json(&json!({
            "event": "adopted",
            "receipt": receipt,
            "anchor": body,
            "finality": reached.finality.to_string(),
            "depth": reached.depth.to_string(),
            "log_size": size.to_string(),
        }));
    }
    output::line(format_args!(
        "size {anchored} was anchored by an earlier command, and is logged now"
    ));
    output::line(format_args!("  receipt      {receipt}"));
    output::line(format_args!(
        "  the log has {size} entries; nothing was paid for those behind it"
    ));
    if args.how.when.every.is_none() {
        output::line("  `chaoschain anchor` again anchors them, --go-on does so at once");
    }
    Ok(())
}

/// An anchor that an earlier command sent, once its block stays; none if it came to nothing.
async fn resumed(size: u64, root: [u8; 32], place: &Place<'_>) -> Result<Option<Written>, Failure> {
    match anchoring::write(size, root, place).await {
        Ok(written) => Ok(Some(written)),
        Err(Error::Chain(
            error @ (chain::Error::Failed { .. } | chain::Error::Reverted { .. }),
        )) => {
            output::tell(format_args!("the anchor of size {size} came to nothing: {error}"));
            Ok(None)
        }
        Err(Error::Chain(chain::Error::Registry(refusal))) if refusal.is_passed() => {
            output::tell(format_args!("no receipt of size {size}: {refusal}"));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Logs an anchor that an earlier command paid for and did not wait for.
fn finish(ledger: &mut Ledger, size: u64, written: Written) -> Result<Recorded, Failure> {
    // Where another head was published since, the note of this one is gone: such an anchor is in no
    // bundle, and the next covers what it does.
    let newest = ledger.store().checkpoint().or_fail(Kind::Storage)?;
    let signed = newest.filter(|signed| signed.claimed().size() == size);
    let recorded = anchoring::record(ledger, written, signed.as_ref())?;
    let receipt = recorded.receipt;
    output::tell(format_args!("size {size} was anchored before, receipt {receipt}"));
    Ok(recorded)
}
