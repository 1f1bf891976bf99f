use super::*;

fn given(secret: &SecretId, version: u64) -> Given {
    Given { secret: secret.clone(), version }
}

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex).unwrap()
}

/// RFC 9180, appendix A.2.1: the suite with X25519, HKDF-SHA256 and ChaCha20-Poly1305, base mode.
#[test]
fn the_suite_opens_the_vector_of_the_rfc() {
    let private = <Kem as hpke::Kem>::PrivateKey::from_bytes(&bytes(
        "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb",
    ))
    .unwrap();
    let encapsulated = <Kem as hpke::Kem>::EncappedKey::from_bytes(&bytes(
        "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a",
    ))
    .unwrap();
    let plaintext = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, Kem>(
        &OpModeR::Base,
        &private,
        &encapsulated,
        &bytes("4f6465206f6e2061204772656369616e2055726e"),
        &bytes(
            "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db\
             21993c62ce81883d2dd1b51a28",
        ),
        &bytes("436f756e742d30"),
    )
    .unwrap();
    assert_eq!(plaintext, b"Beauty is truth, truth beauty");
}

#[test]
fn a_ciphertext_is_bound_to_evidence_policy_lease_expiry_secret_and_version() {
    let mut random = crate::tests::random(1);
    let (private, public) = PrivateKey::draw(&mut random);
    let digest = |text: &str| Digest::of(text.as_bytes());
    let (evidence, policy) = (EvidenceId::from(digest("evidence")), digest("policy"));
    let (lease, other_lease) = (LeaseId::draw(&mut random), LeaseId::draw(&mut random));
    let other_evidence = EvidenceId::from(digest("other evidence"));
    let other_policy = digest("other policy");
    let id: SecretId = "a/key".parse().unwrap();
    let bound = Bound { evidence: &evidence, policy: &policy, lease: &lease, expires_at_s: 1_000 };
    let secret = Secret::new(b"the secret".to_vec()).unwrap();
    let sealed = bound.seal(&public, given(&id, 3), &secret, &mut random).unwrap();
    assert_eq!(bound.open(&sealed, &private).unwrap().expose(), b"the secret");
    let others = [
        Bound { evidence: &other_evidence, ..bound },
        Bound { policy: &other_policy, ..bound },
        Bound { lease: &other_lease, ..bound },
        Bound { expires_at_s: 1_001, ..bound },
    ];
    for other in others {
        assert_eq!(other.open(&sealed, &private).unwrap_err().code, Fault::CiphertextInvalid);
    }
    let renamed = Sealed { secret: "b/key".parse().unwrap(), ..sealed.clone() };
    let newer = Sealed { version: 4, ..sealed.clone() };
    let mut changed = sealed.clone();
    changed.ciphertext.0[0] ^= 1;
    let mut redirected = sealed.clone();
    redirected.encapsulated.0[0] ^= 1;
    for sealed in [renamed, newer, changed, redirected] {
        assert_eq!(bound.open(&sealed, &private).unwrap_err().code, Fault::CiphertextInvalid);
    }
    let (another, _) = PrivateKey::draw(&mut random);
    assert_eq!(bound.open(&sealed, &another).unwrap_err().code, Fault::CiphertextInvalid);
}

#[test]
fn a_key_without_entropy_is_refused() {
    let digest = Digest::of(b"");
    let evidence = EvidenceId::from(digest);
    let mut random = crate::tests::random(1);
    let lease = LeaseId::draw(&mut random);
    let bound = Bound { evidence: &evidence, policy: &digest, lease: &lease, expires_at_s: 1 };
    let secret = Secret::new(b"the secret".to_vec()).unwrap();
    let low_order = ReleaseKey(Hex([0; 32]));
    let refusal = bound
        .seal(&low_order, given(&"a/key".parse().unwrap(), 1), &secret, &mut random)
        .unwrap_err();
    assert_eq!(refusal.code, ReasonCode::MessageMalformed);
}
