//! A small state in which attackers' transactions are executed.

use std::convert::Infallible;

use alloy_primitives::{Address, B256, U256};
use chaos_parameters::Parameters;
use revm::{
    Context, DatabaseRef, ExecuteCommitEvm, MainBuilder, MainnetEvm,
    bytecode::Bytecode,
    context::{
        BlockEnv, CfgEnv, TxEnv,
        result::{EVMError, ExecutionResult},
    },
    context_interface::cfg::gas_params::GasId,
    handler::MainnetContext,
    primitives::hardfork::SpecId,
    state::AccountInfo,
};

use super::{
    Error,
    rules::{calldata_floor, refund_quotient},
};
use chaos_evm::overlay::Overlay;

/// Where the attacker's contract lives.
pub(super) const CONTRACT: Address = Address::repeat_byte(0xc0);

/// First bytes of the attacker's senders and of the accounts around them.
const MARK: [u8; 4] = [0xa7, 0x7a, 0xc4, 0x01];
/// Wei that senders and the contract hold: 2^100.
const BALANCE_BITS: usize = 100;

/// The state before an attack. Nothing is stored for what follows a rule, so that a million
/// neighbours cost no memory.
#[derive(Debug, Clone, Default)]
pub(super) struct Stage {
    /// Code of [`CONTRACT`].
    pub(super) code: Bytecode,
    /// Value of every storage slot of the contract.
    pub(super) slot_value: U256,
    /// Code of every account near a sender; `None` if these accounts do not exist.
    pub(super) neighbour_code: Option<Bytecode>,
}

/// The sender of transaction `index`; the 2^64 - 1 addresses above it are its neighbours.
pub(super) fn sender(index: u64) -> Address {
    let mut bytes = [0; 20];
    bytes[..4].copy_from_slice(&MARK);
    bytes[4..12].copy_from_slice(&index.to_be_bytes());
    Address::from(bytes)
}

impl Stage {
    /// Only senders, no contract.
    pub(super) fn empty() -> Self {
        Self::default()
    }

    fn account(&self, address: Address) -> Option<AccountInfo> {
        let balance = U256::from(1) << BALANCE_BITS;
        let with_code = |code: &Bytecode| AccountInfo {
            balance,
            nonce: 1,
            code_hash: code.hash_slow(),
            code: Some(code.clone()),
            account_id: None,
        };
        if address == CONTRACT {
            return Some(with_code(&self.code));
        }
        if address[..4] != MARK {
            return None;
        }
        if address[12..] == [0; 8] {
            return Some(AccountInfo { balance, ..AccountInfo::default() });
        }
        self.neighbour_code.as_ref().map(with_code)
    }
}

impl DatabaseRef for Stage {
    type Error = Infallible;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        Ok(self.account(address))
    }

    /// Code travels inside the account.
    fn code_by_hash_ref(&self, _code_hash: B256) -> Result<Bytecode, Infallible> {
        Ok(Bytecode::default())
    }

    fn storage_ref(&self, address: Address, _index: U256) -> Result<U256, Infallible> {
        Ok(if address == CONTRACT { self.slot_value } else { U256::ZERO })
    }

    fn block_hash_ref(&self, _number: u64) -> Result<B256, Infallible> {
        Ok(B256::ZERO)
    }
}

/// What the EVM itself must know of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pricing {
    /// The fork.
    pub(super) spec: SpecId,
    /// The divisor that bounds refunds; `None` for the fork's own.
    pub(super) refund_quotient: Option<u64>,
    /// Gas per calldata token below which nothing is charged; `None` for the fork's own.
    pub(super) calldata_floor: Option<u64>,
}

impl Pricing {
    /// The fork's own prices.
    pub(super) const fn of(spec: SpecId) -> Self {
        Self { spec, refund_quotient: None, calldata_floor: None }
    }

    /// The fork's prices with an arm's refunds and calldata floor.
    pub(super) fn with_parameters(spec: SpecId, parameters: &Parameters) -> Self {
        Self {
            spec,
            refund_quotient: Some(refund_quotient(parameters)),
            calldata_floor: Some(calldata_floor(parameters, spec)),
        }
    }

    fn configuration(self) -> CfgEnv {
        let mut configuration = CfgEnv::new_with_spec(self.spec);
        // The attacker's own packing keeps to the cap.
        configuration.tx_gas_limit_cap = Some(u64::MAX);
        configuration.disable_nonce_check = true;
        if let Some(quotient) = self.refund_quotient {
            configuration.gas_params.override_gas([(GasId::max_refund_quotient(), quotient)]);
        }
        if let Some(floor) = self.calldata_floor.filter(|_| self.spec.is_enabled_in(SpecId::PRAGUE))
        {
            configuration.gas_params.override_gas([(GasId::tx_floor_cost_per_token(), floor)]);
        }
        configuration
    }
}

/// An EVM on a stage.
pub(super) struct Machine<'a> {
    evm: MainnetEvm<MainnetContext<Overlay<&'a Stage>>>,
}

impl<'a> Machine<'a> {
    pub(super) fn new(stage: &'a Stage, pricing: Pricing) -> Self {
        let mut block = BlockEnv {
            number: U256::from(1),
            timestamp: U256::from(1),
            gas_limit: u64::MAX,
            prevrandao: Some(B256::ZERO),
            ..BlockEnv::default()
        };
        block.set_blob_excess_gas_and_price(0, 1);
        let context: MainnetContext<_> = Context::new(Overlay::new(stage), pricing.spec);
        let evm = context.with_cfg(pricing.configuration()).with_block(block).build_mainnet();
        Self { evm }
    }

    /// Runs one transaction and commits it.
    pub(super) fn transact(&mut self, transaction: TxEnv) -> Result<ExecutionResult, Error> {
        self.evm.transact_commit(transaction).map_err(|error| match error {
            EVMError::Transaction(reason) => Error::Refused(reason),
            other => Error::Stopped(other),
        })
    }

    /// The state as it stands.
    pub(super) fn into_state(self) -> Overlay<&'a Stage> {
        self.evm.ctx.journaled_state.database
    }
}
