use alloy_primitives::{LogData, U256, address, hex as from_hex, keccak256};

use super::{contracts, *};

const TARGET: Address = address!("0x0000000000000000000000000000000000001001");

/// The code of the project's token, as an artifact has it.
fn token_code() -> Vec<u8> {
    let artifact = include_str!("../../../../contracts/artifacts/ChaosToken.json");
    let artifact: serde_json::Value = serde_json::from_str(artifact).unwrap();
    from_hex::decode(artifact["deployedBytecode"].as_str().unwrap()).unwrap()
}

fn transfer() -> Vec<u8> {
    let function = Function::parse("transfer(address,uint256)").unwrap();
    let values = [DynSolValue::Address(TARGET), DynSolValue::Uint(7_u64.try_into().unwrap(), 256)];
    function.abi_encode_input(&values).unwrap()
}

#[test]
fn every_line_of_the_list_is_read() {
    let known = Book::default().known;
    let read = known.functions().count() + known.events().count() + known.errors().count();
    assert_eq!(read, include_str!("../known.txt").lines().count());
}

#[test]
fn four_bytes_are_never_more_than_four_bytes() {
    let book = Book::default();
    let unknown = book.shelf(TARGET, &[0x5f]);
    let decoded = book.call(unknown, &transfer()).unwrap();
    assert_eq!((decoded.name(), decoded.ground), ("transfer", Ground::Selector));
    let ours = book.shelf(TARGET, &token_code());
    assert_eq!(ours.name(), Some("ChaosToken"));
    assert_eq!(book.call(ours, &transfer()).unwrap().ground, Ground::Code);
}

#[test]
fn a_contract_is_known_whatever_its_constructor_set_and_by_nothing_less() {
    let book = Book::default();
    let mut code = token_code();
    let push32 = code.windows(33).position(|it| it[0] == 0x7f && it[1..] == [0; 32]).unwrap();
    code[push32 + 1..push32 + 33].fill(0xab);
    assert_eq!(book.shelf(TARGET, &code).name(), Some("ChaosToken"));
    code[0] ^= 1;
    assert_eq!(book.shelf(TARGET, &code).name(), None);
    code[0] ^= 1;
    code.push(0);
    assert_eq!(book.shelf(TARGET, &code).name(), None);
}

#[test]
fn input_that_could_be_read_in_more_than_one_way_has_no_meaning() {
    let book = Book::default();
    let check = |input: &[u8]| assert_eq!(book.call(Shelf::default(), input), None);
    let input = transfer();
    check(&[&input[..], &[0]].concat());
    check(&input[..input.len() - 1]);
    let mut dirty = input.clone();
    dirty[4] = 1;
    check(&dirty);
    check(&input[..3]);
    check(&[]);
}

#[test]
fn an_abi_that_was_given_says_whose_word_it_is() {
    let mut book = Book::default();
    let abi = r#"[{"type": "function", "name": "sweep", "inputs": [{"name": "to", "type": "address"}],
        "outputs": [], "stateMutability": "nonpayable"}]"#;
    book.give(Some(TARGET), abi).unwrap();
    let input = Function::parse("sweep(address)").unwrap();
    let input = input.abi_encode_input(&[DynSolValue::Address(TARGET)]).unwrap();
    let decoded = book.call(book.shelf(TARGET, &[]), &input).unwrap();
    assert_eq!((decoded.name(), decoded.ground), ("sweep", Ground::Given));
    assert_eq!(book.call(book.shelf(Address::ZERO, &[]), &input), None, "for this address alone");
}

#[test]
fn refuses_an_abi_whose_types_have_no_size() {
    let abi = |kind: &str| {
        format!(
            r#"[{{"type": "function", "name": "f", "inputs": [{{"name": "a", "type": "{kind}"}}],
            "outputs": [], "stateMutability": "nonpayable"}}]"#
        )
    };
    let mut book = Book::default();
    assert!(book.give(None, &abi("uint256[]")).is_ok());
    assert!(book.give(None, &abi("uint256[0][]")).is_err());
    assert!(matches!(book.give(None, &abi("bytes[][][]")), Err(AbiFault::Type { .. })));
    assert!(matches!(book.give(None, "{}"), Err(AbiFault::Form(_))));
}

#[test]
fn lists_that_point_to_the_same_bytes_again_and_again_are_bounded() {
    let book = Book::default();
    let word = |number: usize| U256::from(number).to_be_bytes::<32>();
    // multicall(bytes[]) whose entries all begin at the same place.
    let bomb = |entries: usize, bytes: usize| {
        let mut input = vec![0xac, 0x96, 0x50, 0xd8];
        input.extend(word(32));
        input.extend(word(entries));
        (0..entries).for_each(|_| input.extend(word(entries * 32)));
        input.extend(word(bytes));
        input.resize(input.len() + bytes, 0);
        input
    };
    assert_eq!(book.call(Shelf::default(), &bomb(1, 32)).unwrap().name(), "multicall");
    assert_eq!(book.call(Shelf::default(), &bomb(2_000, 60_000)), None, "it is written otherwise");
    let mut endless = bomb(1, 32);
    endless[36..68].copy_from_slice(&word(usize::MAX));
    assert_eq!(book.call(Shelf::default(), &endless), None);
    // With two lists in one another the room would be squared again.
    let mut book = Book::default();
    let abi = r#"[{"type": "function", "name": "f", "inputs": [{"name": "a", "type": "bytes[][]"}],
        "outputs": [], "stateMutability": "nonpayable"}]"#;
    book.give(None, abi).unwrap();
    let selector = Function::parse("f(bytes[][])").unwrap().selector();
    let mut input = selector.to_vec();
    input.extend(word(32));
    input.extend(word(1_000));
    (0..1_000).for_each(|_| input.extend(word(32_000)));
    input.extend(word(1_000));
    (0..1_000).for_each(|_| input.extend(word(32_000)));
    input.extend(word(30_000));
    input.resize(input.len() + 30_016, 0);
    assert_eq!(book.call(book.shelf(TARGET, &[]), &input), None);
}

#[test]
fn an_event_is_named_by_its_whole_topic_and_its_shape() {
    let book = Book::default();
    let topic = topic_of("Transfer(address,address,uint256)");
    let word = TARGET.into_word();
    let log = |topics: Vec<B256>, data: usize| Log {
        address: TARGET,
        data: LogData::new_unchecked(topics, vec![0; data].into()),
    };
    let decoded = book.event(Shelf::default(), &log(vec![topic, word, word], 32)).unwrap();
    assert_eq!((decoded.name(), decoded.ground), ("Transfer", Ground::Topic));
    assert_eq!(decoded.arguments.len(), 3);
    // ERC-721's has the number as a topic.
    let decoded = book.event(Shelf::default(), &log(vec![topic, word, word, word], 0)).unwrap();
    assert_eq!(decoded.arguments[2].name, "tokenId");
    assert_eq!(book.event(Shelf::default(), &log(vec![topic, word], 64)), None);
    assert_eq!(book.event(Shelf::default(), &log(vec![], 0)), None);
}

#[test]
fn published_slots_are_hashes_over_their_names() {
    let minus_one = |name: &str| B256::from(U256::from_be_bytes(keccak256(name).0) - U256::from(1));
    let erc7201 = |name: &str| {
        let mut slot = keccak256(minus_one(name));
        slot.0[31] = 0;
        slot
    };
    let check = |slot: B256, expect: &str| {
        let name = name_of_slot(None, slot.into(), &Default::default());
        assert_eq!(name.as_deref(), Some(expect));
    };
    check(minus_one("eip1967.proxy.implementation"), contracts::IMPLEMENTATION);
    check(minus_one("eip1967.proxy.admin"), "proxy admin (EIP-1967)");
    check(minus_one("eip1967.proxy.beacon"), contracts::BEACON);
    check(keccak256("PROXIABLE"), "proxy implementation (EIP-1822)");
    check(keccak256("org.zeppelinos.proxy.implementation"), "proxy implementation (zeppelinos)");
    let openzeppelin = |name: &str| erc7201(&format!("openzeppelin.storage.{name}"));
    check(openzeppelin("Initializable"), "Initializable (OpenZeppelin, ERC-7201)");
    check(openzeppelin("Ownable"), "owner (OpenZeppelin, ERC-7201)");
    check(openzeppelin("Ownable2Step"), "pending owner (OpenZeppelin, ERC-7201)");
    check(openzeppelin("Pausable"), "Pausable (OpenZeppelin, ERC-7201)");
}

#[test]
fn slots_of_mappings_are_named_by_what_was_hashed() {
    let slot = |key: B256, of: B256| keccak256([key.0, of.0].concat());
    let holder = address!("0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045");
    let (owner, spender) = (holder.into_word(), B256::with_last_byte(9));
    let inner = slot(owner, B256::with_last_byte(1));
    let outer = slot(spender, inner);
    let preimages = [(inner, (owner, B256::with_last_byte(1))), (outer, (spender, inner))];
    let preimages = preimages.into_iter().collect();
    let name = |contract, slot: B256, field: u64| {
        let slot = U256::from_be_bytes(slot.0) + U256::from(field);
        name_of_slot(contract, slot, &preimages)
    };
    let expect = format!("_allowances[{holder}][9]");
    assert_eq!(name(Some("ChaosToken"), outer, 0), Some(expect));
    assert_eq!(name(None, outer, 0), Some(format!("mapping at slot 1[{holder}][9]")));
    assert_eq!(name(None, inner, 2), Some(format!("mapping at slot 1[{holder}] + 2")));
    assert_eq!(name(None, keccak256("nobody hashed this"), 0), None);
    assert_eq!(
        name(None, B256::with_last_byte(3), 0),
        None,
        "a place without a layout has no name"
    );
}
