//! In which unit a token's amounts are meant. A node says any: an amount in whole tokens would be as much as it likes.

use std::path::Path;

use chaos_chains::{Address, CHAOS_TOKEN_DECIMALS, Contract, Error, EvmChain, TokenUnit};

use crate::{
    commands::deployment,
    exit::{Failure, Kind},
    output,
};

/// Where a unit is to be had, and no node's word.
const WHERE: &str = "the token's documentation says it, and so does an explorer of your choice; one node's word is none";

/// By what its reader knows a token's unit.
pub(super) struct Asked<'a> {
    pub(super) deployment: &'a Path,
    /// What `--decimals` says.
    pub(super) decimals: Option<u8>,
    /// Whether an amount in whole tokens is given, or one is told that is final, and what for.
    pub(super) needed_for: Option<&'static str>,
}

/// Whose word a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The token is our own, whose code says it.
    Code,
    /// Its reader has named it.
    Named,
    /// The node alone says it.
    Node,
}

impl Source {
    /// What is said of a unit before anything is sent.
    pub(super) const fn said(self) -> &'static str {
        match self {
            Self::Code => "its decimals are those of its code, which is ours",
            Self::Named => {
                "its decimals are what --decimals says; its symbol is what the node says"
            }
            Self::Node => "symbol and decimals are what the node says",
        }
    }
}

/// The unit of a token, as its reader knows it and the node says too. Refuses a node that says another, and where nobody
/// but a node says it of an amount that counts.
pub(super) async fn of(
    chain: &EvmChain,
    token: Address,
    asked: &Asked<'_>,
) -> Result<(TokenUnit, Source), Failure> {
    let unit = chain.token_unit(token).await?;
    if is_own(chain, token, asked.deployment).await? {
        ensure_named_as(asked.decimals, token)?;
        ensure_said(chain.url(), &unit)?;
        return Ok((unit, Source::Code));
    }
    let Some(decimals) = asked.decimals else {
        // What has no unit is told in its smallest, which needs none.
        return match asked.needed_for.filter(|_| unit.decimals.is_some()) {
            Some(what) => Err(unnamed(token, what)),
            None => Ok((unit, Source::Node)),
        };
    };
    ensure_agreed(chain.url(), &unit, decimals)?;
    if decimals != CHAOS_TOKEN_DECIMALS && shows_ours(chain, token).await? {
        ensure_named_as(Some(decimals), token)?;
    }
    for (url, said) in chain.units_elsewhere(token).await? {
        match said {
            Ok(unit) => ensure_agreed(&url, &unit, decimals)?,
            Err(error) => output::tell(format_args!(
                "what {url}, of the chain file, says of the token's decimals is not known: {error}"
            )),
        }
    }
    Ok((unit, Source::Named))
}

/// Whether it is the deployment's token, made by whoever has the deployment, with our code.
async fn is_own(chain: &EvmChain, token: Address, file: &Path) -> Result<bool, Failure> {
    let Some(on) = deployment::read(file)? else { return Ok(false) };
    let Some(known) = on.contracts.get(&Contract::Token).filter(|known| known.address == token)
    else {
        return Ok(false);
    };
    // The same account makes the same address on another chain.
    if on.ensure_chain(chain.chain_id(), chain.first_block().await?).is_err() {
        return Ok(false);
    }
    Ok(chain.is_own(Contract::Token, known).await?)
}

/// Whether the node shows the code of our token.
async fn shows_ours(chain: &EvmChain, token: Address) -> Result<bool, Failure> {
    match chain.ensure_made_of(Contract::Token, token).await {
        Ok(_) => Ok(true),
        Err(Error::OtherCode(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Nobody names another unit of our own token.
fn ensure_named_as(decimals: Option<u8>, token: Address) -> Result<(), Failure> {
    let Some(decimals) = decimals.filter(|decimals| *decimals != CHAOS_TOKEN_DECIMALS) else {
        return Ok(());
    };
    let reason = format!(
        "--decimals says {decimals}, and the code of {token:#x} is that of ChaosToken, which has {CHAOS_TOKEN_DECIMALS}"
    );
    Err(Failure::message(Kind::Input, reason).hint(
        "nothing was sent; it is to be left out, unless the node shows false code: then name another by --rpc-url",
    ))
}

/// A node says of our own token what its code says.
fn ensure_said(url: &str, unit: &TokenUnit) -> Result<(), Failure> {
    if unit.decimals == Some(CHAOS_TOKEN_DECIMALS) {
        return Ok(());
    }
    let (token, found) = (unit.token, decimals(unit));
    let reason = format!(
        "{url} says that {token:#x} has {found} decimals: it is your deployment's ChaosToken, which has \
         {CHAOS_TOKEN_DECIMALS} by its code"
    );
    let hint = "nothing was sent; that node does not say what is so, and whole tokens would be another amount by it: name \
                another node by --rpc-url";
    Err(Failure::message(Kind::Outside, reason).hint(hint))
}

/// A node says of a token what its reader says.
fn ensure_agreed(url: &str, unit: &TokenUnit, named: u8) -> Result<(), Failure> {
    if unit.decimals == Some(named) {
        return Ok(());
    }
    let (token, found) = (unit.token, decimals(unit));
    let reason =
        format!("--decimals says {named}, and {url} says that {token:#x} has {found} decimals");
    let hint = format!("nothing was sent; one of the two is wrong: {WHERE}");
    Err(Failure::message(Kind::Input, reason).hint(hint))
}

/// What the node says is not told: whoever copies it has the node's word only.
fn unnamed(token: Address, what: &str) -> Failure {
    let reason = format!(
        "nobody here says how many decimals token {token:#x} has, which decides how much {what}"
    );
    let hint = format!(
        "nothing was sent; name it by --decimals: {WHERE}. Of a ChaosToken that your deployment's own account made, named by \
         --deployment, it is known"
    );
    Failure::message(Kind::Input, reason).hint(hint)
}

fn decimals(unit: &TokenUnit) -> String {
    unit.decimals.map_or_else(|| "no".to_owned(), |decimals| decimals.to_string())
}
