//! What is needed to send to a chain, from the command line and the environment, and what is said of it.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::ExitCode,
    sync::{Arc, Once},
    time::Duration,
};

use chaos_chains::{
    Address, B256, CHAIN_FILE_BYTES_MAX, ChainFile, Error, EvmChain, Outbox, Plan, Shortage,
    Signer, Told, U256,
    place::Nodes,
    sending::{Accounts, DEPTH_FOR_FINAL, FeeCap, Finality, Intent, Journal, decimal, wei},
};
use chaos_types::ChainId;
use serde_json::json;

use crate::{
    args::{ChainArgs, KeyArgs, SendArgs, SpendArgs, WaitArgs},
    clock,
    exit::{Failure, Kind, OrFail as _},
    folders::{Making, ensure_home},
    ledger, output, runtime,
};

/// Environment variable with the URL of a remote signer.
const SIGNER_VAR: &str = "CHAOSCHAIN_SIGNER";
const GWEI_DECIMALS: usize = 9;
/// The bits of a file's mode by which its group or everybody reads it.
const OTHERS_READ: u32 = 0o044;
pub(super) const COIN_DECIMALS: usize = 18;

/// The outbox of a data directory: its journal, and the accounts of this user.
pub(super) fn outbox(args: &SendArgs) -> Result<Outbox, Failure> {
    let SpendArgs { max_fee, max_tip, max_cost, max_per_day, dry_run: plans_only, wait } =
        &args.spend;
    let cap = FeeCap {
        max_fee_per_gas: per_gas("--max-fee", max_fee)?,
        max_tip_per_gas: per_gas("--max-tip", max_tip)?,
        max_cost: amount("--max-cost", max_cost, COIN_DECIMALS)?,
    };
    let day = max_per_day.as_deref();
    let day_max = day.map(|text| amount("--max-per-day", text, COIN_DECIMALS)).transpose()?;
    let (anew, plans_only) = (args.anew.clone(), *plans_only);
    Ok(Outbox { cap, day_max, anew, plans_only, ..waiting(&args.data.data, wait)? })
}

/// The key of the account that sends. A remote signer is asked whether it is there, before anything is begun.
pub(super) fn signer(args: &KeyArgs) -> Result<Signer, Failure> {
    let Some(account) = args.signer_account else {
        return Signer::load(args.keystore.as_deref()).or_fail(Kind::Input);
    };
    let url = match &args.signer {
        Some(url) => url.clone(),
        None => std::env::var(SIGNER_VAR).map_err(|_| {
            let reason = format!("neither --signer nor {SIGNER_VAR} says where the signer is");
            Failure::message(Kind::Input, reason)
        })?,
    };
    let remote = || Signer::remote(&url, account).or_fail(Kind::Input);
    // A connection of its own, which ends with the runtime that it was made in.
    let asked = remote()?;
    runtime::single()?.block_on(asked.ensure_ready()).map_err(Error::from)?;
    remote()
}

/// The same, for whoever signs nothing.
pub(super) fn waiting(data: &Path, args: &WaitArgs) -> Result<Outbox, Failure> {
    ensure_home(Making::Journal, data)?;
    Ok(Outbox {
        journal: Journal::new(data.join("transactions")),
        accounts: Accounts::new(ledger::memory(data)?.join("accounts")),
        cap: FeeCap::default(),
        day_max: None,
        anew: Vec::new(),
        until: args.finality,
        patience: Duration::from_secs(args.wait),
        plans_only: false,
        now_ms: clock::now_ms,
        tell: Arc::new(tell),
    })
}

/// A connection that sends through an outbox.
pub(super) async fn connect(args: &ChainArgs, outbox: Outbox) -> Result<EvmChain, Failure> {
    Ok(reach(args).await?.sending(outbox).await?)
}

/// A connection for reading, to the endpoint or to the first of the chain file that answers.
pub(super) async fn reach(args: &ChainArgs) -> Result<EvmChain, Failure> {
    let expected: Option<ChainId> = match &args.chain {
        Some(text) => Some(text.parse().or_fail(Kind::Input)?),
        None => None,
    };
    let Some(file) = chain_file(args)? else {
        let url = args.rpc_url.as_deref().unwrap_or_default();
        return Ok(EvmChain::connect(url, expected.as_ref()).await?);
    };
    ensure_describes(&file, expected.as_ref())?;
    Ok(EvmChain::connect_to(&file).await?)
}

/// Nodes of a reader's, as the command line names them: one by one, or by a chain file.
pub(super) struct NodesAt<'a> {
    pub(super) rpc_url: &'a [String],
    pub(super) chain_config: Option<&'a Path>,
    pub(super) chain: Option<&'a str>,
    pub(super) agree: Option<usize>,
    pub(super) finality: Finality,
}

impl NodesAt<'_> {
    /// The nodes, if any are named, and the chain that the reader means, if it says so.
    pub(super) fn read(&self) -> Result<(Option<Nodes>, Option<ChainId>), Failure> {
        let chain: Option<ChainId> =
            self.chain.map(|text| text.parse().or_fail(Kind::Input)).transpose()?;
        let Some(path) = self.chain_config else {
            let nodes = match self.rpc_url {
                [] => None,
                urls => Some(Nodes::new(urls, self.agree, self.finality)?),
            };
            return Ok((nodes, chain));
        };
        let file = chain_file_at(path)?;
        ensure_describes(&file, chain.as_ref())?;
        let chain = file.chain.clone();
        Ok((Some(Nodes::described(file, self.agree, self.finality)?), Some(chain)))
    }
}

/// The chain file is about the chain that is expected.
pub(super) fn ensure_describes(
    file: &ChainFile,
    expected: Option<&ChainId>,
) -> Result<(), Failure> {
    match expected.filter(|expected| **expected != file.chain) {
        None => Ok(()),
        Some(expected) => {
            let found = &file.chain;
            let reason = format!("--chain is {expected}, and the chain file describes {found}");
            Err(Failure::message(Kind::Input, reason))
        }
    }
}

/// What the chain file says, if there is one.
pub(super) fn chain_file(args: &ChainArgs) -> Result<Option<ChainFile>, Failure> {
    args.chain_config.as_deref().map(chain_file_at).transpose()
}

/// Reads a chain file.
pub(super) fn chain_file_at(path: &Path) -> Result<ChainFile, Failure> {
    let bytes = chaos_files::read(path, CHAIN_FILE_BYTES_MAX).or_fail(Kind::Input)?;
    let is_open = fs::metadata(path).is_ok_and(|it| it.permissions().mode() & OTHERS_READ != 0);
    let about = |failure: Failure| {
        let hint = "`chaoschain chain --help` says what a chain file holds";
        failure.context(format!("the chain file {}", path.display())).hint(hint)
    };
    let text = String::from_utf8(bytes).or_fail(Kind::Input).map_err(about)?;
    let file = ChainFile::parse(&text).or_fail(Kind::Input).map_err(about)?;
    if is_open && file.may_hold_keys() {
        static TOLD: Once = Once::new();
        let path = path.display();
        TOLD.call_once(|| {
            output::tell(format_args!(
                "others can read {path}, whose endpoints may hold keys: `chmod 600 {path}`"
            ));
        });
    }
    Ok(file)
}

/// Where people look things up, if the chain file names it.
pub(super) struct Explorer(Option<String>);

impl Explorer {
    pub(super) fn of(args: &ChainArgs) -> Result<Self, Failure> {
        Ok(Self(chain_file(args)?.and_then(|file| file.explorer)))
    }

    pub(super) fn say_transaction(&self, hash: &B256) {
        if let Some(explorer) = &self.0 {
            output::say(format_args!("{explorer}/tx/{hash:#x}"));
        }
    }

    pub(super) fn say_address(&self, address: &Address) {
        if let Some(explorer) = &self.0 {
            output::say(format_args!("{explorer}/address/{address:#x}"));
        }
    }
}

pub(super) fn amount(flag: &str, text: &str, decimals: usize) -> Result<U256, Failure> {
    wei(text, decimals).ok_or_else(|| {
        let text = text.escape_debug();
        let expected =
            format!("expected a number such as 2 or 0.5, of at most {decimals} decimals");
        Failure::message(Kind::Input, format!("{flag} `{text}`: {expected}"))
    })
}

pub(super) fn per_gas(flag: &str, text: &str) -> Result<u128, Failure> {
    let wei = amount(flag, text, GWEI_DECIMALS)?;
    wei.try_into().map_err(|_| Failure::message(Kind::Input, format!("{flag} {text} is too large")))
}

/// Gwei as people write them.
pub(super) fn gwei(wei: u128) -> String {
    decimal(U256::from(wei), GWEI_DECIMALS)
}

/// What a connection that only plans would have sent, if that is why it did not go on.
pub(super) fn planned(chain: &EvmChain, error: Error, as_json: bool) -> Result<ExitCode, Failure> {
    match error {
        Error::Planned(plan) => {
            show_plans(chain, &[*plan], as_json)?;
            Ok(ExitCode::SUCCESS)
        }
        error => Err(error.into()),
    }
}

/// Prints what would be sent. Refuses if the account cannot pay for all of it.
pub(super) fn show_plans(chain: &EvmChain, plans: &[Plan], as_json: bool) -> Result<(), Failure> {
    for plan in plans {
        if as_json { plan_json(chain.chain_id(), plan)? } else { plan_text(chain.chain_id(), plan) }
    }
    if !as_json {
        output::line("nothing was signed, sent or written");
    }
    ensure_funds(chain, plans)
}

/// The account can pay for all that would be sent.
pub(super) fn ensure_funds(chain: &EvmChain, plans: &[Plan]) -> Result<(), Failure> {
    let needed = plans.iter().fold(U256::ZERO, |sum, plan| sum.saturating_add(plan.worst_cost()));
    match plans.first() {
        Some(Plan { account, balance: found, .. }) if *found < needed => {
            let (account, found, chain) = (*account, *found, chain.chain_id().clone());
            Err(Failure::new(Kind::Outside, Shortage { account, chain, needed, found }))
        }
        _ => Ok(()),
    }
}

fn plan_json(chain: &ChainId, plan: &Plan) -> Result<(), Failure> {
    output::json(&json!({
        "event": "would_send",
        "what": plan.what,
        "chain": chain,
        "account": format!("{:#x}", plan.account),
        "to": plan.to.map(|to| format!("{to:#x}")),
        "nonce": plan.nonce.to_string(),
        "replaces": plan.replaces.map(|hash| format!("{hash:#x}")),
        "gas": plan.gas.to_string(),
        "gas_limit": plan.gas_limit.to_string(),
        "max_fee_per_gas": plan.fees.max_fee_per_gas.to_string(),
        "max_priority_fee_per_gas": plan.fees.max_priority_fee_per_gas.to_string(),
        "expected_cost": plan.expected_cost().to_string(),
        "worst_cost": plan.worst_cost().to_string(),
        "balance": plan.balance.to_string(),
        "data": plan.input.to_string(),
    }))
}

fn plan_text(chain: &ChainId, plan: &Plan) {
    let coin = |amount| decimal(amount, COIN_DECIMALS);
    let fees = plan.fees;
    let to = plan.to.map_or("a new contract".to_owned(), |to| format!("{to:#x}"));
    output::line(format_args!("would send {}", plan.what));
    output::line(format_args!("  from     {:#x} on {chain}, nonce {}", plan.account, plan.nonce));
    output::line(format_args!("  to       {to}, {} bytes of data", plan.input.len()));
    if let Some(hash) = plan.replaces {
        output::line(format_args!("  replaces {hash:#x}"));
    }
    output::line(format_args!("  gas      {}, at most {}", plan.gas, plan.gas_limit));
    output::line(format_args!(
        "  fee      at most {} gwei, {} of it tip",
        gwei(fees.max_fee_per_gas),
        gwei(fees.max_priority_fee_per_gas)
    ));
    output::line(format_args!("  cost     {}", coin(plan.expected_cost())));
    output::line(format_args!("  at worst {} of {}", coin(plan.worst_cost()), coin(plan.balance)));
}

fn tell(told: &Told<'_>) {
    let name = |intent: &Intent| intent.doing(intent.newest()).into_owned();
    match told {
        Told::Sending(intent) => {
            if let Some(attempt) = intent.newest() {
                let (what, nonce, chain) = (name(intent), intent.nonce, &intent.chain);
                let hash = attempt.hash;
                output::tell(format_args!("sending {what} on {chain}: {hash} (nonce {nonce})"));
            }
        }
        Told::Waiting(intent, waited) => {
            output::tell(format_args!(
                "{}: not in a block after {} s",
                name(intent),
                waited.as_secs()
            ));
        }
        Told::Capped(intent, error) => {
            let (what, nonce) = (name(intent), intent.nonce);
            output::tell(format_args!(
                "{what}: too cheap by now, and goes on waiting: {error}; `chaoschain tx bump {nonce}` takes \
                 a higher cap as well"
            ));
        }
        Told::Unsigned(intent, error) => {
            output::say(format_args!(
                "{}: too cheap by now, and goes on waiting: {error}",
                name(intent)
            ));
        }
        Told::Refused(intent, error) => {
            let (what, nonce) = (name(intent), intent.nonce);
            output::tell(format_args!(
                "{what}: the node does not take it again, and it goes on waiting: {error}; `chaoschain tx \
                 bump {nonce}` offers more"
            ));
        }
        Told::Outlasting(intent) => {
            let (what, nonce) = (&intent.what, intent.nonce);
            output::tell(format_args!(
                "{what}: what was signed before (nonce {nonce}) came to nothing in a block that may still be \
                 replaced; nothing is signed anew before that block is final"
            ));
        }
        Told::Replacing(intent) => {
            output::tell(format_args!("{}: too cheap by now, offering more", name(intent)));
        }
        Told::Included(intent, inclusion) => {
            let what = intent.doing(intent.attempt(&inclusion.hash));
            output::tell(format_args!("{what}: in block {}", inclusion.block_number));
        }
        Told::Settling(intent, reached) => {
            output::tell(format_args!("{}: {reached}", name(intent)));
        }
        Told::Unnamed => {
            output::tell(format_args!(
                "this chain names no final block: {DEPTH_FOR_FINAL} blocks stand for one"
            ));
        }
        Told::Left(intent) => {
            output::tell(format_args!(
                "{}: its block is no longer part of the chain, sending it again",
                name(intent)
            ));
        }
    }
}
