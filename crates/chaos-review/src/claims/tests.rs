use alloy_primitives::{address, uint};

use super::*;

const TOKEN: Address = address!("0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045");
const PAYEE: Address = address!("0x70997970C51812dc3A010C7d01b50e0d17dc79C8");

/// `transfer(PAYEE, 1000 * 10^18)` on the token.
fn pays() -> Vec<u8> {
    let amount: U256 = uint!(1_000_000_000_000_000_000_000_U256);
    [&[0xa9, 0x05, 0x9c, 0xbb], &PAYEE.into_word().0[..], &amount.to_be_bytes::<32>()].concat()
}

#[track_caller]
fn check(text: &str, expect: &[(&str, &[usize])]) {
    let input = pays();
    let call = Holder { target: TOKEN, value: U256::ZERO, input: &input };
    let comparison = compare(text, &[call]);
    let found: Vec<(&str, &[usize])> =
        comparison.claims.iter().map(|it| (it.text.as_str(), &it.calls[..])).collect();
    assert_eq!(found, expect, "{text}");
    assert!(comparison.is_whole);
}

#[test]
fn a_text_that_says_100_does_not_match_calls_that_pay_1000() {
    check("Pays 100 CHAOS.", &[("100", &[])]);
    check("Pays 1000 CHAOS.", &[("1000", &[1])]);
}

#[test]
fn numbers_are_read_as_people_write_them() {
    for text in ["1,000", "1_000", "1k", "$1000", "(1000)", "1000.00", "**1,000**", "1 thousand"] {
        let shown = text.trim_matches(|c: char| !c.is_alphanumeric());
        check(text, &[(shown, &[1])]);
    }
    check("0.001 million", &[("0.001 million", &[1])]);
    check("1,00", &[]);
    check("10.5", &[("10.5", &[])]);
}

#[test]
fn addresses_are_found_in_links_and_in_any_spelling() {
    let small = format!("{TOKEN:#x}");
    check(&small, &[(&TOKEN.to_string(), &[1])]);
    check(&format!("https://etherscan.io/address/{PAYEE}#code"), &[(&PAYEE.to_string(), &[1])]);
    let other = "0x1111111111111111111111111111111111111111";
    check(other, &[(other, &[])]);
}

#[test]
fn what_is_not_compared_is_named() {
    let text = "Raise it by 4% as EIP-1559 says, see v2.1; auditor.eth gets １００, ٣٤";
    let comparison = compare(text, &[]);
    assert_eq!(comparison.not_compared, ["4%", "EIP-1559", "v2.1", "auditor.eth", "１００", "٣٤"]);
    assert!(comparison.claims.is_empty());
    let words: Vec<String> = (0..CLAIMS_MAX + 7).map(|n| format!("v{n}")).collect();
    let comparison = compare(&words.join(" "), &[]);
    assert_eq!((comparison.not_compared.len(), comparison.left_out), (CLAIMS_MAX, 7));
}

#[test]
fn every_address_of_a_word_is_looked_for_and_what_stands_between_them() {
    let other = "0x1111111111111111111111111111111111111111";
    let link = format!("[{other}](https://etherscan.io/address/{PAYEE}/v2)");
    check(&link, &[(other, &[]), (&PAYEE.to_string(), &[1])]);
    check(&format!("{TOKEN}→{other}"), &[(&TOKEN.to_string(), &[1]), (other, &[])]);
    check(
        &format!("{PAYEE}:1000:{other}"),
        &[(&PAYEE.to_string(), &[1]), ("1000", &[1]), (other, &[])],
    );
    assert_eq!(compare(&link, &[]).not_compared, ["v2"]);
    let longer = format!("{other}1");
    assert_eq!(compare(&longer, &[]).not_compared, [longer.as_str()]);
}

#[test]
fn the_suffix_that_names_the_proposer_is_one_at_the_end_alone() {
    let other = "0x1111111111111111111111111111111111111111";
    check(&format!("Pays 1000.#proposer={other}"), &[("1000", &[1])]);
    check(&format!("#proposer={other}"), &[]);
    check(&format!("#proposer={other} Pays 1000"), &[(other, &[]), ("1000", &[1])]);
    check(&format!("{other}#proposer="), &[(other, &[])]);
    check(&format!("#proposer={other} "), &[(other, &[])]);
    assert_eq!(compare("999#proposer=", &[]).not_compared, ["999#proposer"]);
}

#[test]
fn a_text_of_numbers_ends() {
    let text = (0..10_000).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
    let comparison = compare(&text, &[]);
    assert_eq!(comparison.claims.len(), CLAIMS_MAX);
    assert_eq!(comparison.left_out, 10_000 - CLAIMS_MAX);
    let input = vec![0xff; 10 << 20];
    let call = Holder { target: TOKEN, value: U256::ZERO, input: &input };
    assert!(!compare("1", &[call]).is_whole);
}

#[test]
fn any_text_is_compared_without_a_panic() {
    for text in
        ["0x", "0x…", "€", "1e400", "9".repeat(100).as_str(), "\u{0}1", "..", ",,1", "1.", ".5"]
    {
        let _comparison = compare(text, &[]);
    }
}
