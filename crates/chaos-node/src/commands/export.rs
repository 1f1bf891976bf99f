//! `chaoschain export`.

use std::{collections::BTreeMap, fs, path::Path, process::ExitCode};

use anyhow::Context as _;
use chaos_chains::{B256, Bytes, block_source::HeaderFacts};
use chaos_evm::{Header, RecordedBlock};
use chaos_programs::blocks;
use chaos_simulation::fee_market::ObservedBlock;
use chaos_types::ChainId;
use serde_json::{Value, json};

use crate::{
    args::{ExportArgs, StateFrom},
    exit::{Failure, Kind, OrFail as _},
    live, output,
    recorded::{self, Pack, Packed},
};

pub(crate) fn run(args: &ExportArgs) -> Result<ExitCode, Failure> {
    recorded::ensure_free(&args.out)?;
    let wanted: Option<ChainId> =
        args.chain.as_ref().map(|text| text.parse().or_fail(Kind::Input)).transpose()?;
    let manifest = match (&args.blocks, &args.rpc_url) {
        (Some(dir), _) => repack(args, dir, wanted.as_ref())?,
        (None, Some(url)) if args.headers_only => headers(args, url, wanted.as_ref())?,
        (None, Some(url)) => live_blocks(args, url, wanted.as_ref())?,
        (None, None) => {
            return Err(Failure::message(Kind::Input, "no blocks were named")
                .hint("give recorded blocks by --blocks DIR or live ones by --rpc-url URL"));
        }
    };
    report(&manifest, &args.out, args.json)?;
    Ok(ExitCode::SUCCESS)
}

/// Says what was written; the whole manifest with `--json`.
pub(crate) fn report(manifest: &Value, out: &Path, as_json: bool) -> Result<(), Failure> {
    if as_json {
        return output::json(manifest);
    }
    output::line(format_args!(
        "{}: {} blocks, {} rows of fees, {} codes of {}",
        out.display(),
        manifest["blocks"].as_array().map_or(0, Vec::len),
        manifest["fee_history"]["blocks"],
        manifest["bytecodes"]["count"].as_u64().unwrap_or(0),
        manifest["chain"].as_str().unwrap_or("")
    ));
    Ok(())
}

fn live_blocks(args: &ExportArgs, url: &str, wanted: Option<&ChainId>) -> Result<Value, Failure> {
    let fetched = live::fetch_range(url, &args.source(), wanted)?;
    let mut files = Files::default();
    for input in &fetched.blocks.inputs {
        let name = format!("{}.json", input.block().header.number);
        files.add(&fetched.folder.join("blocks").join(name))?;
    }
    files.add_codes(&fetched.folder)?;
    let blocks = files.blocks.len();
    let source = json!({
        "kind": "rpc",
        "endpoint": fetched.endpoint,
        "state_from": args.node.state_from.name(),
    });
    let checks = json!({
        "header_hashes_recomputed": fetched.hashes_recomputed,
        "parent_hashes": blocks.saturating_sub(1),
        "state_proven": args.node.state_from == StateFrom::StateProof,
    });
    files.pack(fetched.blocks.chain, source, checks).write(&args.out)
}

fn headers(args: &ExportArgs, url: &str, wanted: Option<&ChainId>) -> Result<Value, Failure> {
    let fetched = live::load_headers(url, &args.source(), wanted)?;
    let checks = json!({"parent_hashes": fetched.headers.len().saturating_sub(1)});
    let pack = Pack {
        chain: fetched.chain,
        blocks: Vec::new(),
        codes: &BTreeMap::new(),
        fees: fetched.headers.iter().map(observe_facts).collect(),
        source: json!({"kind": "rpc", "endpoint": fetched.endpoint, "headers_only": true}),
        checks,
    };
    pack.write(&args.out)
}

fn repack(args: &ExportArgs, dir: &Path, wanted: Option<&ChainId>) -> Result<Value, Failure> {
    let ends = match &args.range {
        Some(text) => live::first_last(text).ok_or_else(|| {
            let text = format!("--range: expected FIRST..=LAST with --blocks, found `{text}`");
            Failure::message(Kind::Input, text)
        })?,
        None => (0, u64::MAX),
    };
    let mut by_chain: BTreeMap<u64, Files> = BTreeMap::new();
    for folder in blocks::chain_folders(dir)? {
        let mut here: BTreeMap<u64, Files> = BTreeMap::new();
        for path in blocks::block_files(&folder)? {
            let packed = packed(&path)?;
            let (number, chain) =
                (packed.recorded.block.header.number, packed.recorded.block.chain_id);
            let asked = wanted.is_none_or(|wanted| *wanted == ChainId::evm(chain));
            if asked && (ends.0..=ends.1).contains(&number) {
                here.entry(chain).or_default().blocks.push(packed);
            }
        }
        for (chain, mut files) in here {
            files.add_codes(&folder)?;
            let all = by_chain.entry(chain).or_default();
            all.blocks.append(&mut files.blocks);
            all.codes.append(&mut files.codes);
        }
    }
    let chains: Vec<String> =
        by_chain.keys().map(|chain| ChainId::evm(*chain).to_string()).collect();
    let mut by_chain = by_chain.into_iter();
    let (Some((chain, mut files)), None) = (by_chain.next(), by_chain.next()) else {
        let what = if chains.is_empty() {
            format!("{} holds no such blocks", dir.display())
        } else {
            format!("{} holds blocks of {}", dir.display(), chains.join(", "))
        };
        return Err(Failure::message(Kind::Input, what).hint("choose by --chain and --range"));
    };
    let checks = json!({"parent_hashes": files.linked()?});
    files.pack(ChainId::evm(chain), json!({"kind": "recorded"}), checks).write(&args.out)
}

/// Blocks and codes on their way into a folder.
#[derive(Default)]
struct Files {
    blocks: Vec<Packed>,
    codes: BTreeMap<B256, Bytes>,
}

impl Files {
    fn add(&mut self, path: &Path) -> Result<(), Failure> {
        self.blocks.push(packed(path)?);
        Ok(())
    }

    fn add_codes(&mut self, folder: &Path) -> Result<(), Failure> {
        for name in ["bytecodes.json.gz", "bytecodes.json"] {
            let path = folder.join(name);
            if path.exists() {
                // Reading them as the replay does checks every hash.
                let bytes = super::read(&path)?;
                blocks::decode_bytecodes(&bytes, &path)?;
                let codes: BTreeMap<B256, Bytes> = recorded::plain(bytes)
                    .and_then(|json| Ok(serde_json::from_slice(&json)?))
                    .with_context(|| path.display().to_string())
                    .or_fail(Kind::Input)?;
                self.codes.extend(codes);
                return Ok(());
            }
        }
        let text = format!("{} has no bytecodes.json.gz or bytecodes.json", folder.display());
        Err(Failure::message(Kind::Input, text))
    }

    /// How many blocks name the one before them as their parent; a neighbour that does not is an
    /// error, as are two blocks of one height.
    fn linked(&self) -> Result<usize, Failure> {
        let mut headers: Vec<&Header> =
            self.blocks.iter().map(|block| &block.recorded.block.header).collect();
        headers.sort_by_key(|header| header.number);
        let mut linked = 0;
        for pair in headers.windows(2) {
            let [parent, child] = pair else { continue };
            let (number, below) = (child.number, parent.number);
            if number == below {
                let text = format!("block {number} is there twice");
                return Err(Failure::message(Kind::Input, text));
            }
            let Some(hash) = parent.hash.filter(|_| number - below == 1) else { continue };
            if hash != child.parent_hash {
                let (expected, text) = (child.parent_hash, "are of different histories");
                return Err(Failure::message(
                    Kind::Input,
                    format!(
                        "blocks {below} and {number} {text}: {below} has hash {hash}, {number} \
                         names {expected} as its parent"
                    ),
                ));
            }
            linked += 1;
        }
        Ok(linked)
    }

    fn pack(&mut self, chain: ChainId, source: Value, checks: Value) -> Pack<'_> {
        let mut blocks = std::mem::take(&mut self.blocks);
        blocks.sort_by_key(|block| block.recorded.block.header.number);
        let fees = blocks.iter().map(|block| observe(&block.recorded.block.header)).collect();
        Pack { chain, blocks, codes: &self.codes, fees, source, checks }
    }
}

fn packed(path: &Path) -> Result<Packed, Failure> {
    let decode = || -> anyhow::Result<Packed> {
        let json = recorded::plain(fs::read(path)?)?;
        let recorded = RecordedBlock::decode(&json, None)?;
        Ok(Packed { recorded, json })
    };
    decode().with_context(|| path.display().to_string()).or_fail(Kind::Input)
}

/// A header as a row of a fee history.
pub(crate) fn observe(header: &Header) -> ObservedBlock {
    ObservedBlock {
        number: header.number,
        timestamp: header.timestamp,
        gas_used: header.gas_used,
        gas_limit: header.gas_limit,
        base_fee_wei: header.base_fee_per_gas.map(u128::from),
    }
}

fn observe_facts(header: &HeaderFacts) -> ObservedBlock {
    ObservedBlock {
        number: header.number,
        timestamp: header.timestamp,
        gas_used: header.gas_used,
        gas_limit: header.gas_limit,
        base_fee_wei: header.base_fee_wei.map(u128::from),
    }
}
