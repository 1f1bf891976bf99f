//! Chains as the platform sees them: put a proposal or a checkpoint on one, read it back, prove it.
//!
//! Everything else in ChaosChain is pure; this crate is where it meets nodes that are slow, wrong,
//! rate-limited or gone. It keeps that mess behind four doors:
//!
//! - [`EvmChain`]: an EVM chain over JSON-RPC. It checks the chain's identity when it connects, sends
//!   transactions that are safe to retry, and names every failure ([`Error`]).
//! - [`block_source::BlockSource`]: blocks and lazily fetched state for replay, cached on disk. Blocking.
//! - [`StateReader`]: proofs and answers about the state that one block leaves. Blocking.
//! - [`AnchorProof`]: an offline proof that a checkpoint is in a block, and [`StateProof`], of what contracts hold
//!   after one. Pure; no network.
//!
//! [`attestation`] is the layout of what a submitted proposal carries.
//!
//! [`Anvil`] runs a local chain for demos and tests, [`local::LocalChain`] deploys the contracts on it
//! and holds a vote, and [`Signer`] loads keys from an encrypted keystore or from the environment,
//! never from flags, or has a remote signer sign, whose answers it checks.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use chaos_chains::{Anvil, AnvilConfig, EvmChain, Outbox};
//!
//! # async fn demo() -> Result<(), Box<dyn std::error::Error>> {
//! let anvil = Anvil::start(&AnvilConfig::default())?;
//! let chain = EvmChain::connect(anvil.endpoint(), Some(&anvil.chain_id())).await?;
//! let chain = chain.sending(Outbox::local(Path::new("demo"), || 0)).await?;
//! let deployer = anvil.signer(0);
//! let publisher = deployer.address();
//! let (contract, _) = chain.deploy_anchor(&deployer, "log.example", publisher).await?;
//! let anchored = chain.anchor_checkpoint(contract, &deployer, 7, [1; 32]).await?;
//! let proof = chain.anchor_proof(&anchored.transaction, contract).await?;
//! let fact = proof.verify(7, [1; 32])?;
//! assert_eq!(fact.block_hash, anchored.transaction.block_hash);
//! # Ok(())
//! # }
//! ```
//!
//! Invariants: a secret never appears in an error, in `Debug` or in a shown URL; an answer that does
//! not fit is [`Error::Malformed`], never a zero; nothing is sent before the chain id was checked.
//!
//! It does not know what a proposal means, what a log leaf holds, or who deserves a reward.

mod anchor_proof;
pub mod anvil;
pub mod attestation;
pub mod block_source;
mod blocking;
mod chain_file;
mod chain_id;
mod client;
pub mod contracts;
mod deployment;
mod error;
mod json_rpc;
pub mod local;
mod made;
mod open_vote;
pub mod place;
mod registry;
mod registry_proof;
pub mod sending;
pub mod signer;
mod state_proof;
mod state_reader;
mod trie_path;

pub use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
pub use anchor_proof::{AnchorFact, AnchorParts, AnchorProof, AnchorProofError};
pub use anvil::{Anvil, AnvilConfig};
pub use chain_file::{CHAIN_FILE_BYTES_MAX, ChainFile, ChainFileError};
pub use client::{
    AnchorEvent, AnchorEvents, AnchorQuestion, AnchoredCheckpoint, AnchoredLog,
    CHAOS_TOKEN_DECIMALS, Change, Claim, CreatedDistribution, Ended, EndpointProposal, EvmChain,
    Finding, Found, Funding, GovernanceStack, GovernorCall, GovernorKind, GovernorProposal,
    GovernorTerms, Journaled, ObservedVote, Outbox, Plan, ProposalState, Prospect, RefundedRest,
    Registered, RegistryWriter, StackConfig, StandingDistribution, SubmissionError,
    SubmittedProposal, Support, TokenUnit, Told, TxSummary, VoteQuestion, VoteTally, VotingWindow,
    Word, Work, distribution_id, prospect,
};
pub use deployment::{Contract, DEPLOYMENT_BYTES_MAX, Deployed, Deployment, DeploymentError};
pub use error::{
    CacheError, Contradicted, Error, NotTheAnchor, OtherCode, RegistryRefusal, Shortage, ToNothing,
    Unvouched,
};
pub use json_rpc::RpcLimits;
pub use made::made_at;
pub use open_vote::{OpenVote, OpenVoteError, VOTE_FILE_BYTES_MAX};
pub use registry::{REGISTRY, RegistryKey};
pub use registry_proof::{RegistryFact, RegistryProof, RegistryProofError};
pub use signer::Signer;
pub use state_proof::{
    PaidShare, PaymentClaim, PaymentFact, ProvedBlock, STATE_PROOF_BYTES_MAX, StateProof,
    StateProofError, SubmissionClaim, SubmissionFact,
};
pub use state_reader::{BlockAt, FoundLog, LogFilter, Searched, StateReader};
