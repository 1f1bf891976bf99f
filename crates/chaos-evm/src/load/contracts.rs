//! The contracts that the load runs, and the calls made to them.

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::{SolCall, SolValue, sol};
use serde::Deserialize;

sol! {
    function mint(address to, uint256 value);
    function transfer(address to, uint256 value);
    function approve(address spender, uint256 value);
    function addLiquidity(uint256 amount0, uint256 amount1);
    function swap(bool zeroForOne, uint256 amountIn, uint256 amountOutMin, address to);
}

mod nft {
    use alloy_sol_types::sol;

    sol! {
        function mint(address to);
    }
}

const LOAD_TOKEN: &str = include_str!("../../../../contracts/artifacts/LoadToken.json");
const LOAD_POOL: &str = include_str!("../../../../contracts/artifacts/LoadPool.json");
const LOAD_NFT: &str = include_str!("../../../../contracts/artifacts/LoadNft.json");

/// A compiled contract in this build is not usable.
#[derive(Debug, thiserror::Error)]
#[error("compiled contract `{name}` is damaged")]
pub struct ArtifactError {
    /// The contract.
    pub name: &'static str,
    /// The cause.
    #[source]
    pub source: serde_json::Error,
}

/// The creation codes.
#[derive(Debug)]
pub(super) struct CreationCodes {
    token: Bytes,
    pool: Bytes,
    nft: Bytes,
}

impl CreationCodes {
    /// Reads the artifacts built into this program.
    pub(super) fn embedded() -> Result<Self, ArtifactError> {
        Ok(Self {
            token: creation_code("LoadToken", LOAD_TOKEN)?,
            pool: creation_code("LoadPool", LOAD_POOL)?,
            nft: creation_code("LoadNft", LOAD_NFT)?,
        })
    }

    pub(super) fn token(&self, name: &str, symbol: &str) -> Bytes {
        with_arguments(&self.token, &(name, symbol).abi_encode_params())
    }

    pub(super) fn pool(&self, token0: Address, token1: Address) -> Bytes {
        with_arguments(&self.pool, &(token0, token1).abi_encode_params())
    }

    pub(super) fn nft(&self) -> Bytes {
        self.nft.clone()
    }
}

fn creation_code(name: &'static str, json: &str) -> Result<Bytes, ArtifactError> {
    #[derive(Deserialize)]
    struct Artifact {
        bytecode: Bytes,
    }
    let artifact: Artifact =
        serde_json::from_str(json).map_err(|source| ArtifactError { name, source })?;
    Ok(artifact.bytecode)
}

fn with_arguments(code: &Bytes, arguments: &[u8]) -> Bytes {
    [code.as_ref(), arguments].concat().into()
}

pub(super) fn mint(to: Address, value: U256) -> Bytes {
    mintCall { to, value }.abi_encode().into()
}

pub(super) fn transfer(to: Address, value: U256) -> Bytes {
    transferCall { to, value }.abi_encode().into()
}

pub(super) fn approve(spender: Address) -> Bytes {
    approveCall { spender, value: U256::MAX }.abi_encode().into()
}

pub(super) fn add_liquidity(amount: U256) -> Bytes {
    addLiquidityCall { amount0: amount, amount1: amount }.abi_encode().into()
}

pub(super) fn swap(
    zero_for_one: bool,
    amount_in: U256,
    amount_out_min: U256,
    to: Address,
) -> Bytes {
    let call = swapCall {
        zeroForOne: zero_for_one,
        amountIn: amount_in,
        amountOutMin: amount_out_min,
        to,
    };
    call.abi_encode().into()
}

pub(super) fn mint_nft(to: Address) -> Bytes {
    nft::mintCall { to }.abi_encode().into()
}
