//! The file of what is deployed, as commands read and write it.

use std::{fs, path::Path};

use anyhow::Context as _;
use chaos_chains::{Address, Contract, DEPLOYMENT_BYTES_MAX, Deployment, Error, EvmChain};
use chaos_files::Readers;

use crate::exit::{Failure, Kind, OrFail as _};

/// What can be done beside a deployment of another chain, such as that of a vote whose outcome is paid here.
const OTHER_CHAIN: &str = "name this chain's own by --deployment: `chaoschain chain deploy registry --deployment here.json` begins one, \
    with `distributor` in place of `registry` if it is paid here";

/// Reads a deployment; none where there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<Deployment>, Failure> {
    let is_there = fs::exists(path).or_fail(Kind::Input).map_err(|error| named(error, path))?;
    if !is_there {
        return Ok(None);
    }
    let bytes = chaos_files::read(path, DEPLOYMENT_BYTES_MAX).or_fail(Kind::Input)?;
    let parsed = Deployment::parse(&bytes).or_fail(Kind::Input);
    parsed.map(Some).map_err(|failure| named(failure, path))
}

/// Writes a deployment so that it outlives a power cut.
pub(super) fn write(path: &Path, deployment: &Deployment) -> Result<(), Failure> {
    write_text(path, &deployment.to_json())
}

/// Writes a file that says what was paid for, so that it outlives a power cut.
pub(super) fn write_text(path: &Path, text: &str) -> Result<(), Failure> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))
            .or_fail(Kind::Storage)?;
    }
    chaos_files::write_synced(path, Readers::Everyone, text.as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))
        .or_fail(Kind::Storage)
}

/// The file that something is about.
pub(super) fn named(failure: Failure, path: &Path) -> Failure {
    failure.context(path.display())
}

/// Where a contract is: by its address, or by a deployment. What is there is looked at before anything is
/// sent to it.
pub(super) async fn contract(
    chain: &EvmChain,
    contract: Contract,
    address: Option<Address>,
    file: &Path,
) -> Result<Address, Failure> {
    if let Some(address) = address {
        chain.ensure_made_of(contract, address).await?;
        return Ok(address);
    }
    let Some(deployment) = read(file)? else {
        let reason =
            format!("there is no {}, which says where the {} is", file.display(), contract.name());
        let hint = "`chaoschain chain deploy` writes it; name another by --deployment";
        return Err(Failure::message(Kind::Input, reason).hint(hint));
    };
    let genesis = chain.first_block().await?;
    deployment
        .ensure_chain(chain.chain_id(), genesis)
        .or_fail(Kind::Input)
        .map_err(|failure| named(failure, file).hint(OTHER_CHAIN))?;
    let known = deployment.contract(contract).or_fail(Kind::Input);
    let known = known.map_err(|failure| named(failure, file))?;
    if let Err(error) = chain.ensure_code(contract, &known).await {
        // A reorganisation may have taken what the journal sends again.
        let is_gone =
            matches!(&error, Error::OtherCode(it) if it.found == chaos_chains::KECCAK256_EMPTY);
        if !(is_gone && chain.sends()) {
            return Err(error.into());
        }
        chain.go_on(None).await?;
        chain.ensure_code(contract, &known).await?;
    }
    Ok(known.address)
}
