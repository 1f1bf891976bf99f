//! A message to or from a broker or directory that is accepted is written again byte for byte, and
//! one that answers no nonce is refused before its evidence is looked at.

#![no_main]

use chaos_attestation::{self as attestation, Appraiser, Evidence, Finding, WorkloadId};
use chaos_broker::{
    Fault, Reason, Refusal, directory,
    release::{self, Broker, Context},
    vault::{KeyFile, Secret, Vault},
};
use chaos_types::AgentKey;
use libfuzzer_sys::fuzz_target;

const AT_S: u64 = 1_790_000_000;

/// Must not be asked.
struct Nobody;

impl Appraiser for Nobody {
    fn appraise(&self, _: &Evidence, _: u64) -> Result<Finding, attestation::Refusal> {
        panic!("evidence was appraised without a nonce")
    }

    fn ensure_allowed(&self, _: &WorkloadId, _: u64) -> Result<(), attestation::Refusal> {
        panic!("a workload was looked up without evidence")
    }
}

fn random(bytes: &mut [u8]) {
    bytes.fill(7);
}

fn refused<T>(answer: Result<T, Refusal>) -> Reason {
    answer.err().expect("there is no nonce to answer").code
}

fuzz_target!(|bytes: &[u8]| {
    let key = AgentKey::from_seed(&[1; 32]);
    if let Ok(message) = release::Message::from_bytes(bytes) {
        assert_eq!(message.to_bytes().expect("what was read can be written"), bytes);
        let mut broker = Broker::new(key.did(), release::Config::default());
        if let release::Message::ReleaseRequest(request) = &message {
            let secret = Secret::new(vec![7; 32]).expect("32 bytes are a secret");
            let source = KeyFile::new(&secret).expect("32 bytes are a key");
            let vault = Vault::create(&source, &mut random).expect("the key wraps");
            let context = Context { appraiser: &Nobody, key: &key, vault: &vault };
            let answered = broker.release(request, &context, &mut random, AT_S);
            assert_eq!(refused(answered.answer), Fault::NonceUnknown);
        }
    }
    if let Ok(message) = directory::Message::from_bytes(bytes) {
        assert_eq!(message.to_bytes().expect("what was read can be written"), bytes);
        let mut directory = directory::Directory::new(key.did(), directory::Config::default());
        let answer: Option<Result<(), Refusal>> = match &message {
            directory::Message::Register(request) => {
                Some(directory.register(request, &Nobody, AT_S).answer)
            }
            directory::Message::Heartbeat(request) => {
                Some(directory.heartbeat(request, &Nobody, AT_S).answer)
            }
            directory::Message::Withdraw(request) => Some(directory.withdraw(request, AT_S).answer),
            directory::Message::ChallengeRequest(_)
            | directory::Message::Challenge(_)
            | directory::Message::Discover(_)
            | directory::Message::Found(_)
            | directory::Message::Done
            | directory::Message::Refused(_) => None,
        };
        if let Some(answer) = answer {
            refused(answer);
        }
    }
});
