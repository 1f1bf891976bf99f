//! Inputs of the precompiled contracts: public test vectors and group generators.

use alloy_primitives::hex;
use chaos_types::Digest;

/// A recoverable signature, from go-ethereum's `ecRecover` vectors.
pub(super) const ECRECOVER: [u8; 128] = hex!(
    "18c547e4f7b0f325ad1e56f57e26c745b09a3e503d86e00e5255ff7f715d3d1c"
    "000000000000000000000000000000000000000000000000000000000000001c"
    "73b1693892219d736caba55bdb67216e485557ea6b6af75f37096c9aa6a5a75f"
    "eeb940b1d03b21e36b0e47e79769f095fe2ab855bd91e3a38756b7d75a9c4549"
);

/// A valid signature, from <https://github.com/daimo-eth/p256-verifier/tree/master/test-vectors>.
pub(super) const P256: [u8; 160] = hex!(
    "4cee90eb86eaa050036147a12d49004b6b9c72bd725d39d4785011fe190f0b4d"
    "a73bd4903f0ce3b639bbbf6e8e80d16931ff4bcf5993d58468e8fb19086e8cac"
    "36dbcd03009df8c59286b162af3bd7fcc0450c9aa81be5d10d312af6c66b1d60"
    "4aebd3099c618202fcfe16ae7770b0c49ab5eadf74b754204a3bb6060e44eff3"
    "7618b065f9832de4ca6ca971a7a1adc826d0f7c00181a5fb2ddf79ae00b4e10e"
);

/// A valid proof, from the vectors of the consensus specification: versioned hash, point, value,
/// commitment, proof.
pub(super) const POINT_EVALUATION: [u8; 192] = hex!(
    "0100000000000000000000000000000000000000000000000000000000000000"
    "73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000000"
    "1522a4a7f34e1ea350ae07c29c96c7e79655aa926122e95fe69fcbd932ca49e9"
    "8f59a8d2a1a625a17f3fea0fe5eb8c896db3764f3185481bc22f91b4aaffcca2"
    "5f26936857bc3a7c2539ea8ec3a952b7"
    "a62ad71d14c5719385c0686f1871430475bf3a00f0aa3f7b8dd99a9abc216074"
    "4faf0070725e00b60ad9a026a15b1a8c"
);

/// The generator of BN254 G1, (1, 2).
pub(super) const BN254_G1: [u8; 64] = hex!(
    "0000000000000000000000000000000000000000000000000000000000000001"
    "0000000000000000000000000000000000000000000000000000000000000002"
);

/// The generator of BN254 G2 ([EIP-197](https://eips.ethereum.org/EIPS/eip-197)).
pub(super) const BN254_G2: [u8; 128] = hex!(
    "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
    "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
    "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
    "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
);

/// The generator of BLS12-381 G1 ([EIP-2537](https://eips.ethereum.org/EIPS/eip-2537)).
pub(super) const BLS12_G1: [u8; 128] = hex!(
    "0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac58"
    "6c55e83ff97a1aeffb3af00adb22c6bb"
    "0000000000000000000000000000000008b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3ed"
    "d03cc744a2888ae40caa232946c5e7e1"
);

/// The generator of BLS12-381 G2 ([EIP-2537](https://eips.ethereum.org/EIPS/eip-2537)).
pub(super) const BLS12_G2: [u8; 256] = hex!(
    "00000000000000000000000000000000024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d177"
    "0bac0326a805bbefd48056c8c121bdb8"
    "0000000000000000000000000000000013e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049"
    "334cf11213945d57e5ac7d055d042b7e"
    "000000000000000000000000000000000ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c"
    "923ac9cc3baca289e193548608b82801"
    "000000000000000000000000000000000606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab"
    "3f370d275cec1da1aaa9075ff05f79be"
);

/// The input of a modular power: base and exponent all ones in binary, and a modulus that is all
/// ones but for its last bit, when it is to be even.
pub(super) fn modexp(base: usize, exponent: usize, modulus: usize, even: bool) -> Vec<u8> {
    let mut input = Vec::new();
    for length in [base, exponent, modulus] {
        input.extend_from_slice(&[0; 24]);
        input.extend_from_slice(&(length as u64).to_be_bytes());
    }
    input.resize(input.len() + base + exponent + modulus, 0xff);
    if even && let Some(last) = input.last_mut() {
        *last = 0xfe;
    }
    input
}

/// BLAKE2b's compression of a fixed block with this many rounds
/// ([EIP-152](https://eips.ethereum.org/EIPS/eip-152)).
pub(super) fn blake2f(rounds: u32) -> Vec<u8> {
    let mut input = rounds.to_be_bytes().to_vec();
    input.resize(212, 0x5a);
    input.push(1);
    input
}

/// The versioned hash must match the commitment, so it is computed (EIP-4844).
pub(super) fn point_evaluation() -> Vec<u8> {
    let mut input = POINT_EVALUATION.to_vec();
    let hash = Digest::of(&POINT_EVALUATION[96..144]);
    input[1..32].copy_from_slice(&hash.as_bytes()[1..]);
    input
}

/// A scalar of 32 bytes, all ones in binary.
pub(super) const SCALAR: [u8; 32] = [0xff; 32];
