//! Which chain ran which hard fork from when: data, one table.

use super::{DEVELOPMENT, ETHEREUM, Family, Hardfork, LOCAL, RISE, UnknownChain};

/// When a fork starts on a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// With this block.
    Block(u64),
    /// With the first block of this second since 1970, or of a later one.
    Time(u64),
}

use Start::{Block, Time};

/// What is known of a chain.
#[derive(Debug)]
pub(super) struct Schedule {
    pub(super) chain_id: u64,
    pub(super) name: &'static str,
    pub(super) family: Family,
    /// Oldest first; a fork counts once it and all before it have started.
    forks: &'static [(Start, Hardfork)],
}

/// The chains. Numbers and times of Ethereum's networks are those of go-ethereum's
/// [`params/config.go`](https://github.com/ethereum/go-ethereum/blob/master/params/config.go), which
/// [EIP-7607](https://eips.ethereum.org/EIPS/eip-7607) and its predecessors give as well; Sepolia's
/// Merge, which came by difficulty, was block 1,450,409 (nimbus-eth1's fork ids). RISE runs under
/// Prague with the OP-stack additions (Isthmus and Jovian add no opcode): that is the fork at which
/// the recorded blocks reproduce their header, earlier ones are not told apart. A local node and the
/// generator run the newest rules.
pub(super) const SCHEDULES: [Schedule; 7] = [
    Schedule {
        chain_id: ETHEREUM,
        name: "Ethereum",
        family: Family::Ethereum,
        forks: &[
            (Block(0), Hardfork::Frontier),
            (Block(1_150_000), Hardfork::Homestead),
            (Block(2_463_000), Hardfork::Tangerine),
            (Block(2_675_000), Hardfork::SpuriousDragon),
            (Block(4_370_000), Hardfork::Byzantium),
            (Block(7_280_000), Hardfork::Petersburg),
            (Block(9_069_000), Hardfork::Istanbul),
            (Block(12_244_000), Hardfork::Berlin),
            (Block(12_965_000), Hardfork::London),
            (Block(15_537_394), Hardfork::Paris),
            (Time(1_681_338_455), Hardfork::Shanghai),
            (Time(1_710_338_135), Hardfork::Cancun),
            (Time(1_746_612_311), Hardfork::Prague),
            (Time(1_764_798_551), Hardfork::Osaka),
            (Time(1_765_290_071), Hardfork::Bpo1),
            (Time(1_767_747_671), Hardfork::Bpo2),
        ],
    },
    Schedule {
        chain_id: 11_155_111,
        name: "Sepolia",
        family: Family::Ethereum,
        forks: &[
            (Block(0), Hardfork::London),
            (Block(1_450_409), Hardfork::Paris),
            (Time(1_677_557_088), Hardfork::Shanghai),
            (Time(1_706_655_072), Hardfork::Cancun),
            (Time(1_741_159_776), Hardfork::Prague),
            (Time(1_760_427_360), Hardfork::Osaka),
            (Time(1_761_017_184), Hardfork::Bpo1),
            (Time(1_761_607_008), Hardfork::Bpo2),
        ],
    },
    Schedule {
        chain_id: 17_000,
        name: "Holesky",
        family: Family::Ethereum,
        forks: &[
            (Block(0), Hardfork::Paris),
            (Time(1_696_000_704), Hardfork::Shanghai),
            (Time(1_707_305_664), Hardfork::Cancun),
            (Time(1_740_434_112), Hardfork::Prague),
            (Time(1_759_308_480), Hardfork::Osaka),
            (Time(1_759_800_000), Hardfork::Bpo1),
            (Time(1_760_389_824), Hardfork::Bpo2),
        ],
    },
    Schedule {
        chain_id: 560_048,
        name: "Hoodi",
        family: Family::Ethereum,
        forks: &[
            (Block(0), Hardfork::Cancun),
            (Time(1_742_999_832), Hardfork::Prague),
            (Time(1_761_677_592), Hardfork::Osaka),
            (Time(1_762_365_720), Hardfork::Bpo1),
            (Time(1_762_955_544), Hardfork::Bpo2),
        ],
    },
    Schedule {
        chain_id: RISE,
        name: "RISE",
        family: Family::OpStack,
        forks: &[(Block(0), Hardfork::Prague)],
    },
    Schedule {
        chain_id: LOCAL,
        name: "anvil",
        family: Family::Ethereum,
        forks: &[(Block(0), Hardfork::Osaka)],
    },
    Schedule {
        chain_id: DEVELOPMENT,
        name: "generated",
        family: Family::Ethereum,
        forks: &[(Block(0), Hardfork::Osaka)],
    },
];

/// What is known of a chain.
pub(super) fn of(chain_id: u64) -> Result<&'static Schedule, UnknownChain> {
    SCHEDULES.iter().find(|schedule| schedule.chain_id == chain_id).ok_or(UnknownChain { chain_id })
}

/// The chains by number and name, for messages.
pub(super) fn known() -> String {
    let chains = SCHEDULES.iter().map(|known| format!("{} ({})", known.chain_id, known.name));
    chains.collect::<Vec<_>>().join(", ")
}

impl Schedule {
    /// The fork of a block; the first one for a block before all of them.
    pub(super) fn at(&self, number: u64, timestamp: u64) -> Hardfork {
        let started = |start: &Start| match *start {
            Block(first) => number >= first,
            Time(first) => timestamp >= first,
        };
        self.forks
            .iter()
            .take_while(|(start, _)| started(start))
            .last()
            .map_or(Hardfork::Frontier, |(_, fork)| *fork)
    }
}
