use super::*;

fn said(says: &[Saying]) -> Vec<Said> {
    let names = (1..).map(|number| format!("http://node-{number}"));
    names.zip(says).map(|(node, says)| Said { node, says: says.clone() }).collect()
}

fn lookup(agree: usize, says: &[Saying]) -> Lookup {
    Lookup { said: said(says), agree, needed: Finality::Final }
}

fn holds(first: Option<u8>) -> Saying {
    let first_block = first.map(B256::repeat_byte);
    Saying::Holds { finality: Finality::Final, is_named: true, first_block }
}

fn silent() -> Saying {
    Saying::Silent { reason: "gone".to_owned() }
}

fn other(is_final: bool) -> Saying {
    Saying::OtherBlock { found: B256::repeat_byte(9), is_final }
}

#[test]
fn so_many_as_have_to_place_a_block_and_one_less_does_not() {
    let mixed = [holds(Some(1)), silent(), holds(Some(1)), Saying::NotReached { head: 3 }];
    assert!(lookup(2, &mixed).is_placed());
    assert!(!lookup(3, &mixed).is_placed());
    assert_eq!(lookup(3, &mixed).holding(), 2);
    assert!(!lookup(1, &[silent()]).is_placed());
    assert!(!lookup(1, &[Saying::Unsettled { finality: Finality::Safe }]).is_placed());
    assert!(!lookup(1, &[Saying::OtherChain { found: ChainId::evm(5) }]).is_placed());
}

#[test]
fn nodes_whose_chains_begin_otherwise_do_not_agree() {
    assert_eq!(lookup(2, &[holds(Some(1)), holds(Some(2))]).holding(), 1);
    assert_eq!(lookup(2, &[holds(Some(1)), holds(Some(2)), holds(Some(2))]).holding(), 2);
    // One that does not show its first block could be of any chain of the number, and speaks for none.
    assert_eq!(lookup(2, &[holds(Some(1)), holds(None)]).holding(), 1);
    assert_eq!(lookup(2, &[holds(Some(1)), holds(Some(2)), holds(None)]).holding(), 1);
    assert_eq!(lookup(2, &[holds(None), holds(None)]).holding(), 2);
}

#[test]
fn another_block_that_stays_refuses_however_many_agree() {
    let found = lookup(1, &[holds(Some(1)), holds(Some(1)), other(true)]);
    assert!(!found.is_placed());
    assert_eq!(found.contradicting().map(|said| said.node.as_str()), Some("http://node-3"));
    let may_go = lookup(2, &[holds(Some(1)), holds(Some(1)), other(false)]);
    assert!(may_go.is_placed() && may_go.contradicting().is_none());
}

#[test]
fn other_code_refuses_where_enough_nodes_say_so() {
    let code = Saying::OtherContract { found: "no contract" };
    assert!(lookup(2, &[holds(Some(1)), code.clone()]).other_contract().is_none());
    assert!(lookup(2, &[code.clone(), silent(), code.clone()]).other_contract().is_some());
    assert!(lookup(1, &[silent()]).other_contract().is_none());
}

#[test]
fn the_least_sure_of_those_that_agree_is_told() {
    let safe = Saying::Holds { finality: Finality::Safe, is_named: true, first_block: None };
    assert_eq!(lookup(1, &[holds(None), safe]).finality(), Some(Finality::Safe));
    assert_eq!(lookup(1, &[silent()]).finality(), None);
}

#[test]
fn a_node_is_named_once_and_without_its_key() {
    let urls = |urls: &[&str]| urls.iter().map(|&url| url.to_owned()).collect::<Vec<_>>();
    let key = "https://user:sesame@node.example/v3/0123456789abcdef";
    let twice = Nodes::new(&urls(&[key, key]), None, Finality::Final).unwrap_err();
    assert!(matches!(twice, Error::InvalidUrl { .. }) && !twice.to_string().contains("sesame"));
    // Whoever is at a host and port has one word, by whatever key he is asked.
    for other in [
        "https://node.example/v3/fedcba9876543210",
        "https://another@node.example:443/?k=fedcba",
        "https://NODE.example/",
    ] {
        let twice = Nodes::new(&urls(&[key, other]), None, Finality::Final).unwrap_err();
        assert!(matches!(twice, Error::InvalidUrl { .. }), "{other}: {twice}");
    }
    let other = "https://node.example:8545/v3/fedcba9876543210";
    let nodes = Nodes::new(&urls(&[key, other]), None, Finality::Final).unwrap();
    let names: Vec<&str> = nodes.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["https://node.example", "https://node.example:8545"]);
    assert_eq!(nodes.agree(), 2);
    let shown = format!("{nodes:?}");
    assert!(!shown.contains("sesame") && !shown.contains("fedcba"), "{shown}");
}

#[test]
fn as_many_nodes_agree_as_there_can() {
    let one = ["http://127.0.0.1:1".to_owned()];
    for (urls, agree) in [(&one[..], Some(0)), (&one[..], Some(2)), (&[][..], None)] {
        let refused = Nodes::new(urls, agree, Finality::Final).unwrap_err();
        assert!(matches!(refused, Error::Agree { .. }), "{refused:?}");
    }
}
