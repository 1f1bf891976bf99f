//! What is needed to send to a chain, from the command line and the environment.

use std::{path::Path, sync::Arc, time::Duration};

use chaos_chains::{
    Outbox, Told, U256,
    sending::{Accounts, FeeCap, Journal, wei},
};

use crate::{
    args::SpendArgs,
    clock,
    exit::{Failure, Kind},
    ledger, output,
};

const GWEI_DECIMALS: usize = 9;
const COIN_DECIMALS: usize = 18;

/// The outbox of a data directory: its journal, and the accounts of this user.
pub(super) fn outbox(data: &Path, args: &SpendArgs) -> Result<Outbox, Failure> {
    let cap = FeeCap {
        max_fee_per_gas: per_gas("--max-fee", &args.max_fee)?,
        max_tip_per_gas: per_gas("--max-tip", &args.max_tip)?,
        max_cost: amount("--max-cost", &args.max_cost, COIN_DECIMALS)?,
    };
    Ok(Outbox {
        journal: Journal::new(data.join("transactions")),
        accounts: Accounts::new(ledger::memory(data)?.join("accounts")),
        cap,
        patience: Duration::from_secs(args.wait),
        now_ms: clock::now_ms,
        tell: Arc::new(tell),
    })
}

fn amount(flag: &str, text: &str, decimals: usize) -> Result<U256, Failure> {
    wei(text, decimals).ok_or_else(|| {
        let text = text.escape_debug();
        let expected =
            format!("expected a number such as 2 or 0.5, of at most {decimals} decimals");
        Failure::message(Kind::Input, format!("{flag} `{text}`: {expected}"))
    })
}

fn per_gas(flag: &str, text: &str) -> Result<u128, Failure> {
    let wei = amount(flag, text, GWEI_DECIMALS)?;
    wei.try_into().map_err(|_| Failure::message(Kind::Input, format!("{flag} {text} is too large")))
}

fn tell(told: &Told<'_>) {
    match told {
        Told::Sending(intent) => {
            if let Some(attempt) = intent.newest() {
                let (what, nonce) = (&intent.what, intent.nonce);
                output::say(format_args!("sending {what}: {} (nonce {nonce})", attempt.hash));
            }
        }
        Told::Waiting(intent, waited) => {
            output::say(format_args!(
                "{}: not in a block after {} s",
                intent.what,
                waited.as_secs()
            ));
        }
        Told::Replacing(intent) => {
            output::say(format_args!("{}: too cheap by now, offering more", intent.what));
        }
        Told::Included(intent, inclusion) => {
            let block = inclusion.block_number;
            output::say(format_args!("{}: in block {block}", intent.what));
        }
    }
}
