use std::fmt;

use revm::primitives::hardfork::SpecId;

/// An operation that a worst-case block repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// `JUMPDEST`, one gas each.
    Jumpdest,
    /// `EXP` with a 32-byte exponent.
    Exp,
    /// `KECCAK256` over 32 KiB.
    Keccak256,
    /// `MSTORE` to ever new memory.
    MemoryExpansion,
    /// `LOG0` without data.
    Log,
    /// `SLOAD` of cold slots.
    SloadCold,
    /// `SSTORE` to empty slots.
    SstoreNew,
    /// `SSTORE` of zero to full slots, refunded in part.
    SstoreClear,
    /// `BALANCE` of cold accounts that do not exist.
    BalanceCold,
    /// `EXTCODESIZE` of cold contracts of 24 KiB.
    ExtcodesizeCold,
    /// `CALL` of cold accounts that do not exist.
    CallEmpty,
    /// `CALL` that gives one wei to accounts that do not exist.
    CallNewAccount,
    /// Signature recovery on secp256k1, precompile 1.
    Ecrecover,
    /// SHA-256 over 32 KiB, precompile 2.
    Sha256,
    /// RIPEMD-160 over 32 KiB, precompile 3.
    Ripemd160,
    /// Copy of 32 KiB, precompile 4.
    Identity,
    /// Modular power with a 512-byte even modulus, precompile 5.
    ModexpEvenModulus,
    /// Modular power with a 32-byte modulus and a 168-byte exponent, precompile 5.
    ModexpLongExponent,
    /// Modular power of 32 bytes priced at the minimum, precompile 5.
    ModexpMinimumPrice,
    /// Addition on BN254, precompile 6.
    Bn254Add,
    /// Multiplication on BN254, precompile 7.
    Bn254Mul,
    /// Four pairings on BN254, precompile 8.
    Bn254Pairing,
    /// BLAKE2b's compression with 20,000 rounds, precompile 9.
    Blake2f,
    /// KZG point evaluation, precompile 10 (EIP-4844).
    PointEvaluation,
    /// One-term multiplication on BLS12-381 G1, precompile 12 (EIP-2537).
    Bls12G1Msm,
    /// One-term multiplication on BLS12-381 G2, precompile 14 (EIP-2537).
    Bls12G2Msm,
    /// Two pairings on BLS12-381, precompile 15 (EIP-2537).
    Bls12Pairing,
    /// Map to BLS12-381 G2, precompile 17 (EIP-2537).
    Bls12MapG2,
    /// Signature check on secp256r1, precompile 256 (EIP-7951).
    P256Verify,
}

impl Operation {
    /// All operations.
    pub const ALL: [Self; 29] = [
        Self::Jumpdest,
        Self::Exp,
        Self::Keccak256,
        Self::MemoryExpansion,
        Self::Log,
        Self::SloadCold,
        Self::SstoreNew,
        Self::SstoreClear,
        Self::BalanceCold,
        Self::ExtcodesizeCold,
        Self::CallEmpty,
        Self::CallNewAccount,
        Self::Ecrecover,
        Self::Sha256,
        Self::Ripemd160,
        Self::Identity,
        Self::ModexpEvenModulus,
        Self::ModexpLongExponent,
        Self::ModexpMinimumPrice,
        Self::Bn254Add,
        Self::Bn254Mul,
        Self::Bn254Pairing,
        Self::Blake2f,
        Self::PointEvaluation,
        Self::Bls12G1Msm,
        Self::Bls12G2Msm,
        Self::Bls12Pairing,
        Self::Bls12MapG2,
        Self::P256Verify,
    ];

    /// The name in results, such as `sload_cold`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jumpdest => "jumpdest",
            Self::Exp => "exp",
            Self::Keccak256 => "keccak256",
            Self::MemoryExpansion => "memory_expansion",
            Self::Log => "log",
            Self::SloadCold => "sload_cold",
            Self::SstoreNew => "sstore_new",
            Self::SstoreClear => "sstore_clear",
            Self::BalanceCold => "balance_cold",
            Self::ExtcodesizeCold => "extcodesize_cold",
            Self::CallEmpty => "call_empty",
            Self::CallNewAccount => "call_new_account",
            Self::Ecrecover => "ecrecover",
            Self::Sha256 => "sha256",
            Self::Ripemd160 => "ripemd160",
            Self::Identity => "identity",
            Self::ModexpEvenModulus => "modexp_even_modulus",
            Self::ModexpLongExponent => "modexp_long_exponent",
            Self::ModexpMinimumPrice => "modexp_minimum_price",
            Self::Bn254Add => "bn254_add",
            Self::Bn254Mul => "bn254_mul",
            Self::Bn254Pairing => "bn254_pairing",
            Self::Blake2f => "blake2f",
            Self::PointEvaluation => "point_evaluation",
            Self::Bls12G1Msm => "bls12_g1_msm",
            Self::Bls12G2Msm => "bls12_g2_msm",
            Self::Bls12Pairing => "bls12_pairing",
            Self::Bls12MapG2 => "bls12_map_g2",
            Self::P256Verify => "p256_verify",
        }
    }

    /// The first fork that has it. Nothing before Istanbul is supported.
    #[must_use]
    pub const fn since(self) -> SpecId {
        match self {
            Self::PointEvaluation => SpecId::CANCUN,
            Self::Bls12G1Msm | Self::Bls12G2Msm | Self::Bls12Pairing | Self::Bls12MapG2 => {
                SpecId::PRAGUE
            }
            Self::P256Verify => SpecId::OSAKA,
            Self::Jumpdest
            | Self::Exp
            | Self::Keccak256
            | Self::MemoryExpansion
            | Self::Log
            | Self::SloadCold
            | Self::SstoreNew
            | Self::SstoreClear
            | Self::BalanceCold
            | Self::ExtcodesizeCold
            | Self::CallEmpty
            | Self::CallNewAccount
            | Self::Ecrecover
            | Self::Sha256
            | Self::Ripemd160
            | Self::Identity
            | Self::ModexpEvenModulus
            | Self::ModexpLongExponent
            | Self::ModexpMinimumPrice
            | Self::Bn254Add
            | Self::Bn254Mul
            | Self::Bn254Pairing
            | Self::Blake2f => SpecId::ISTANBUL,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
