//! Contracts put on a chain one by one, and what a node is looked over for.

use chaos_chains::{
    Address, Anvil, AnvilConfig, B256, ChainFile, Contract, Deployed, Deployment, Error, EvmChain,
    Found, Outbox, Prospect, StackConfig, Work, prospect, sending::FeeCap,
};

use crate::{
    connect, start_anvil,
    stub::{self, Reply},
};

/// Everything, in the order in which each needs the one before.
const ALL: [Contract; 6] = [
    Contract::CheckpointRegistry,
    Contract::Token,
    Contract::Governor,
    Contract::ParameterRegistry,
    Contract::ProposalEndpoint,
    Contract::RewardDistributor,
];

async fn nothing(chain: &EvmChain) -> Deployment {
    Deployment::new(chain.chain_id().clone(), chain.first_block().await.unwrap())
}

#[tokio::test]
async fn a_deployment_goes_on_where_it_stopped_and_pays_for_nothing_twice() {
    let Some(anvil) = start_anvil() else { return };
    let chain = connect(anvil.endpoint()).await;
    let (from, terms) = (anvil.signer(0), StackConfig::default());
    let foreseen = nothing(&chain).await;
    let account = from.address();
    let plans = chain.plan_deployment(account, &ALL, &terms, &foreseen).await.unwrap();
    assert_eq!(plans.iter().map(|plan| plan.nonce).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    let mut on = foreseen;
    for contract in &ALL[..3] {
        chain.deploy_contract(&from, *contract, &terms, &mut on).await.unwrap();
    }
    // Whoever was stopped reads its file, or has lost it.
    let mut read = Deployment::parse(on.to_json().as_bytes()).unwrap();
    let mut lost = nothing(&chain).await;
    for deployment in [&mut read, &mut lost] {
        for contract in ALL {
            chain.deploy_contract(&from, contract, &terms, deployment).await.unwrap();
        }
    }
    assert_eq!(read, lost);
    assert_eq!(chain.transactions_of(account).await.unwrap(), 6);
    assert_eq!(read.contracts.len(), 7, "the timelock comes with its governor");
    // What was foreseen is what it took.
    let governor = &plans[2];
    assert_eq!(account.create(2), read.contracts[&Contract::Governor].address);
    let hash = read.contracts[&Contract::Governor].transaction.unwrap();
    assert!(governor.gas_limit > governor.gas && governor.gas > 4_000_000, "{hash}: {governor:?}");
    for (contract, known) in &read.contracts {
        chain.ensure_code(*contract, known).await.unwrap();
        if *contract != Contract::Timelock && *contract != Contract::CheckpointRegistry {
            chain.ensure_made_of(*contract, known.address).await.unwrap();
        }
    }
    let none = chain.plan_deployment(account, &ALL, &terms, &read).await.unwrap();
    assert_eq!(none, []);
    let found = chain.governor_terms(read.contracts[&Contract::Governor].address).await.unwrap();
    assert_eq!(found.supply, terms.supply);
    assert_eq!(found.timelock_s, chaos_chains::U256::from(terms.timelock_s));
}

#[tokio::test]
async fn a_file_that_names_another_contract_is_refused_before_anything_is_sent() {
    let Some(anvil) = start_anvil() else { return };
    let chain = connect(anvil.endpoint()).await;
    let (from, terms) = (anvil.signer(0), StackConfig::default());
    let mut on = nothing(&chain).await;
    chain.deploy_contract(&from, Contract::ProposalEndpoint, &terms, &mut on).await.unwrap();
    let endpoint = on.contracts[&Contract::ProposalEndpoint];
    for known in [
        Deployed { address: Address::repeat_byte(9), ..endpoint },
        Deployed { code_hash: B256::repeat_byte(9), ..endpoint },
    ] {
        let mut lying = nothing(&chain).await;
        lying.contracts.insert(Contract::RewardDistributor, known);
        let refused =
            chain.deploy_contract(&from, Contract::RewardDistributor, &terms, &mut lying).await;
        assert!(matches!(refused, Err(Error::OtherCode(_))), "{refused:?}");
    }
    let other = chain.ensure_made_of(Contract::RewardDistributor, endpoint.address).await;
    assert!(matches!(other, Err(Error::OtherCode(_))), "{other:?}");
    assert_eq!(chain.transactions_of(from.address()).await.unwrap(), 1);
}

#[tokio::test]
async fn a_doctor_says_what_a_node_has_and_what_an_account_lacks() {
    let Some(anvil) = start_anvil() else { return };
    let chain = EvmChain::connect(anvil.endpoint(), None).await.unwrap();
    let cap = FeeCap::default();
    chain.mine_blocks(1).await.unwrap();
    let now_s = chain.newest_time_s().await.unwrap();
    let rich = chain.examine(Some(anvil.signer(0).address()), &cap, now_s).await.unwrap();
    for work in Work::ALL {
        assert_eq!(prospect(work, &rich), Prospect::Works, "{work}: {rich:#?}");
    }
    let poor = chain.examine(Some(Address::repeat_byte(7)), &cap, now_s).await.unwrap();
    let nobody = chain.examine(None, &cap, now_s).await.unwrap();
    for work in Work::ALL {
        assert_eq!(prospect(work, &poor), Prospect::Fails, "{work}");
        assert_eq!(prospect(work, &nobody), Prospect::NotShown, "{work}");
    }
    let named = |name| rich.iter().find(|finding| finding.name == name).unwrap().found;
    assert_eq!(named("eth_getProof"), Found::Here);
    assert_eq!(named("checkpoint registry"), Found::Missing);
    assert!(rich.iter().all(|it| it.text.chars().count() <= 47), "a line is short: {rich:#?}");
}

/// It said that everything works, by nodes through which nothing can be sent.
#[tokio::test]
async fn a_doctor_says_works_of_no_node_that_lacks_what_sending_asks() {
    let Some(anvil) = start_anvil() else { return };
    let account = anvil.signer(0).address();
    connect(anvil.endpoint()).await.mine_blocks(2).await.unwrap();
    let refused = r#""error":{"code":-32601,"message":"the method is not available"}"#;
    let catching_up = r#""result":{"currentBlock":"0x10","highestBlock":"0x1500000"}"#;
    let empty = r#""result":{}"#;
    for (method, answer) in [
        ("eth_sendRawTransaction", refused),
        ("eth_sendRawTransaction", empty),
        ("eth_getTransactionReceipt", refused),
        ("eth_getTransactionReceipt", empty),
        ("eth_getTransactionCount", refused),
        ("eth_estimateGas", refused),
        ("eth_syncing", catching_up),
        ("\"0x1\"]", refused),
        ("eth_getBalance", refused),
    ] {
        let address = anvil.endpoint().strip_prefix("http://").unwrap().to_owned();
        let url = stub::serve(move |body| {
            let answer = if body.contains(method) {
                format!(r#"{{"jsonrpc":"2.0","id":0,{answer}}}"#)
            } else {
                stub::forward(&address, body)
            };
            Reply::Answer(200, String::new(), answer)
        });
        let chain = EvmChain::connect(&url, None).await.unwrap();
        let found = chain.examine(Some(account), &FeeCap::default(), 0).await.unwrap();
        for work in [Work::Vote, Work::Pay, Work::Anchor] {
            assert_eq!(prospect(work, &found), Prospect::Fails, "{method} {work}: {found:#?}");
        }
    }
}

/// Of a chain that others mine too: a local one mines when it is asked.
#[tokio::test]
async fn a_node_whose_newest_block_is_old_is_behind() {
    let root = Some(concat!(env!("CARGO_MANIFEST_DIR"), "/../..").into());
    let config = AnvilConfig { root, chain_id: 424_242, ..AnvilConfig::default() };
    let Ok(anvil) = Anvil::start(&config) else { return };
    let chain = EvmChain::connect(anvil.endpoint(), None).await.unwrap();
    chain.mine_blocks(1).await.unwrap();
    let (account, newest_s) = (anvil.signer(0).address(), chain.newest_time_s().await.unwrap());
    for (age_s, outlook) in [(3_600, Prospect::Works), (3_601, Prospect::Fails)] {
        let now_s = newest_s + age_s;
        let found = chain.examine(Some(account), &FeeCap::default(), now_s).await.unwrap();
        assert_eq!(prospect(Work::Vote, &found), outlook, "{found:#?}");
    }
}

fn file(endpoints: &str, genesis: B256, finality: &str) -> ChainFile {
    ChainFile::parse(&format!(
        "version = 1\nid = \"eip155:31337\"\ngenesis = \"{genesis:#x}\"\nendpoints = [{endpoints}]\n\
         block_time_ms = 2000\nfinality = \"{finality}\"\n"
    ))
    .unwrap()
}

#[tokio::test]
async fn a_chain_file_leads_to_its_chain_alone() {
    let Some(anvil) = start_anvil() else { return };
    let genesis = connect(anvil.endpoint()).await.first_block().await.unwrap();
    let own = format!("\"http://127.0.0.1:9\", \"{}\"", anvil.endpoint());
    // The first endpoint that answers.
    EvmChain::connect_to(&file(&own, genesis, "named")).await.unwrap();
    let other = EvmChain::connect_to(&file(&own, B256::repeat_byte(1), "named")).await;
    assert!(matches!(other, Err(Error::WrongGenesis { .. })), "{other:?}");
    let dead = EvmChain::connect_to(&file("\"http://127.0.0.1:9\"", genesis, "named")).await;
    assert!(matches!(dead, Err(Error::Unreachable { .. })), "{dead:?}");
}

/// Anvil names its final blocks; the file's word goes before.
#[tokio::test]
async fn a_block_stays_under_as_many_as_the_chain_file_says() {
    let Some(anvil) = start_anvil() else { return };
    let genesis = connect(anvil.endpoint()).await.first_block().await.unwrap();
    let own = format!("\"{}\"", anvil.endpoint());
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap().keep();
    let outbox = Outbox {
        until: chaos_chains::sending::Finality::Final,
        patience: std::time::Duration::from_secs(1),
        ..Outbox::local(&folder, || 0)
    };
    let chain = EvmChain::connect_to(&file(&own, genesis, "included:3")).await.unwrap();
    let chain = chain.sending(outbox).await.unwrap();
    let (from, terms) = (anvil.signer(0), StackConfig::default());
    let mut on = nothing(&chain).await;
    let settling = chain.settling().unwrap();
    let early = settling.deploy_contract(&from, Contract::ProposalEndpoint, &terms, &mut on).await;
    assert!(matches!(early, Err(Error::NotSettled { .. })), "{early:?}");
    chain.mine_blocks(2).await.unwrap();
    settling.deploy_contract(&from, Contract::ProposalEndpoint, &terms, &mut on).await.unwrap();
    assert_eq!(chain.transactions_of(from.address()).await.unwrap(), 1);
}

/// What a connection that only plans would have sent.
#[tokio::test]
async fn a_connection_that_plans_signs_and_sends_nothing() {
    let Some(anvil) = start_anvil() else { return };
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap().keep();
    let outbox = Outbox { plans_only: true, ..Outbox::local(&folder, || 0) };
    let chain = EvmChain::connect(anvil.endpoint(), None).await.unwrap();
    let chain = chain.sending(outbox).await.unwrap();
    let from = anvil.signer(0);
    let planned = chain.submit_proposal(Address::repeat_byte(3), &from, "uri", b"").await;
    let Err(Error::Planned(plan)) = planned else { panic!("{planned:?}") };
    assert_eq!((plan.nonce, plan.account), (0, from.address()));
    assert_eq!(chain.transactions_of(from.address()).await.unwrap(), 0);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "nothing was written");
}
