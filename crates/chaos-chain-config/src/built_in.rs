//! The chains that are built in, one file each.

use std::sync::OnceLock;

use crate::{ChainConfig, file};

/// Their files, ascending by number.
const FILES: &[&str] = &[
    include_str!("../chains/ethereum.toml"),
    include_str!("../chains/op-mainnet.toml"),
    include_str!("../chains/bnb.toml"),
    include_str!("../chains/gnosis.toml"),
    include_str!("../chains/unichain.toml"),
    include_str!("../chains/polygon.toml"),
    include_str!("../chains/local-geth.toml"),
    include_str!("../chains/rise.toml"),
    include_str!("../chains/base.toml"),
    include_str!("../chains/holesky.toml"),
    include_str!("../chains/local.toml"),
    include_str!("../chains/mode.toml"),
    include_str!("../chains/arbitrum-one.toml"),
    include_str!("../chains/arbitrum-nova.toml"),
    include_str!("../chains/linea.toml"),
    include_str!("../chains/base-sepolia.toml"),
    include_str!("../chains/hoodi.toml"),
    include_str!("../chains/generated.toml"),
    include_str!("../chains/zora.toml"),
    include_str!("../chains/sepolia.toml"),
    include_str!("../chains/op-sepolia.toml"),
];

pub(crate) fn all() -> &'static [ChainConfig] {
    static ALL: OnceLock<Vec<ChainConfig>> = OnceLock::new();
    ALL.get_or_init(|| {
        let decode = |text: &&str| file::decode(text).expect("a test reads the built-in files");
        FILES.iter().map(decode).collect()
    })
}
