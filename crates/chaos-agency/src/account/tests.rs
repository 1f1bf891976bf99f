use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use chaos_types::AgentKey;

use super::*;
use crate::{Action, Evidence, Kinds, Receipt, receipt::Draft};

/// The first account of every development chain, as anvil gives it with its key.
const KEY: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const ACCOUNT: &str = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";

/// What anvil's `personal_sign` gives for [`TEXT`] by that account.
const SIGNATURE: &str = "0xde165b1593964ffbb85ee2655c446e4958b139788183cd7d386e8d935bb2bb2472dd24ca8085857688de1a7da5957f80859f2ca8b92a207613e832e05cb58e131c";

const TEXT: &str = "\
ChaosChain: pay an agent at this account

Account: 0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266
Chain: eip155:1
Agent: did:key:z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX
Log: did:key:z6MkwVDfCg9LbbY6xjH3EZk8YSFQZujV5Y4y1ZWeER9tDiN3

What this agent earns in this log goes to this account. This is no transaction.";

fn key(byte: u8) -> AgentKey {
    AgentKey::from_seed(&[byte; 32])
}

fn chain(text: &str) -> ChainId {
    text.parse().unwrap()
}

fn signed(text: &str) -> String {
    let signer: PrivateKeySigner = KEY.parse().unwrap();
    hex::encode_prefixed(signer.sign_message_sync(text.as_bytes()).unwrap().as_bytes())
}

fn agreement(chain: &ChainId) -> Agreement<'_> {
    Agreement { log: key(9).did(), agent: key(1).did(), chain, account: ACCOUNT, number: None }
}

#[test]
fn agreement_is_the_text_that_wallets_show_and_the_signature_that_they_make() {
    let mainnet = chain("eip155:1");
    let agreement = agreement(&mainnet);
    assert_eq!(agreement.text(), TEXT);
    assert_eq!(signed(TEXT), SIGNATURE);
    agreement.ensure_signed(SIGNATURE).unwrap();
}

/// What an account agrees to now has a number.
#[test]
fn agreement_with_a_number_is_another_text() {
    let mainnet = chain("eip155:1");
    let numbered = Agreement { number: Some(2), ..agreement(&mainnet) };
    let text = TEXT.replace("\n\nWhat", "\nNumber: 2\n\nWhat");
    assert_eq!(numbered.text(), text);
    numbered.ensure_signed(&signed(&text)).unwrap();
    numbered.ensure_signed(SIGNATURE).unwrap_err();
}

#[test]
fn signature_of_another_log_agent_chain_or_account_is_no_agreement() {
    let mainnet = chain("eip155:1");
    let optimism = chain("eip155:10");
    let good = agreement(&mainnet);
    for other in [
        Agreement { log: key(8).did(), ..good },
        Agreement { agent: key(2).did(), ..good },
        Agreement { chain: &optimism, ..good },
        Agreement { account: "0x00000000000000000000000000000000000000aa", ..good },
        Agreement { number: Some(1), ..good },
    ] {
        let refused = other.ensure_signed(SIGNATURE).unwrap_err();
        assert_eq!(refused.code, Fault::AccountNotAgreed.code(), "{other:?}");
    }
}

#[test]
fn signature_has_one_spelling() {
    let mainnet = chain("eip155:1");
    let good = agreement(&mainnet);
    let read = read(SIGNATURE).unwrap();
    let order = alloy_primitives::U256::from_str_radix(
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
        16,
    );
    let other_half = Signature::new(read.r(), order.unwrap() - read.s(), !read.v());
    assert!(
        other_half.recover_address_from_msg(TEXT).is_ok(),
        "it is a signature of the same text"
    );
    let parity = [&SIGNATURE[..130], if read.v() { "01" } else { "00" }].concat();
    for other in [
        SIGNATURE.to_uppercase(),
        SIGNATURE[2..].to_owned(),
        format!("{SIGNATURE} "),
        SIGNATURE[..130].to_owned(),
        format!("{SIGNATURE}00"),
        spelled(&other_half),
        parity.clone(),
        String::new(),
    ] {
        let refused = good.ensure_signed(&other).unwrap_err();
        assert_eq!(refused.code, Fault::AccountNotAgreed.code(), "{other}");
    }
    // What wallets write is brought into it.
    assert_eq!(spell_signature(&parity).as_deref(), Some(SIGNATURE));
    assert_eq!(spell_signature(&format!("{SIGNATURE}\n")).as_deref(), Some(SIGNATURE));
    assert_eq!(spell_signature(&spelled(&other_half)), None);
    assert_eq!(spell_signature("0x00"), None);
}

#[track_caller]
fn refused(change: impl FnOnce(&mut BindAccount), fault: Fault) {
    let mut bind = BindAccount {
        chain: chain("eip155:1"),
        account: ACCOUNT.to_owned(),
        number: None,
        signature: SIGNATURE.to_owned(),
    };
    change(&mut bind);
    let draft = Draft {
        log: key(9).did(),
        agent: key(1).did(),
        claimed_at_ms: 0,
        parents: vec![],
        subjects: vec![],
        evidence: Evidence::None {},
        action: Action::BindAccount(bind),
    };
    let read = Receipt::open(&draft.sign(&[&key(1)]).unwrap(), &Kinds::default());
    assert_eq!(read.unwrap_err().code, fault.code());
}

#[test]
fn receipt_of_an_account_is_refused_where_it_is_read() {
    refused(|bind| bind.chain = chain("cosmos:hub"), Fault::AccountChainOther);
    refused(|bind| bind.account = ACCOUNT.to_uppercase(), Fault::AddressMalformed);
    refused(|bind| bind.chain = chain("eip155:10"), Fault::AccountNotAgreed);
    refused(|bind| bind.signature.truncate(20), Fault::AccountNotAgreed);
    refused(|bind| bind.number = Some(1), Fault::AccountNotAgreed);
}

#[test]
fn number_is_left_out_or_is_one() {
    let read = |number: &str| {
        let text = format!(r#"{{"account":"0x","chain":"eip155:1"{number},"signature":"0x"}}"#);
        serde_json::from_str::<BindAccount>(&text).map(|bind| bind.number)
    };
    assert_eq!(read("").unwrap(), None);
    assert_eq!(read(r#","number":2"#).unwrap(), Some(2));
    read(r#","number":null"#).unwrap_err();
    read(r#","number":"2""#).unwrap_err();
}
