//! Verifying a bundle with everything that this project can check.

mod anchors;
mod claims;

use chaos_agency::{Kinds, Receipt, action};
use chaos_chains::{
    Address, AnchorFact, B256,
    place::{Lookup, Nodes, Sought},
};
use chaos_log::{Checkpoint, Policy, VerifierKey};
use chaos_types::{ChainId, Check, Digest, Rejection, Verified};
use chaos_verify::{
    Attachments, Block, Fault, FoldedLog, Options, ReadAnchor, Reexecute, Report, Said,
};

use crate::{
    LogCopy, Progress,
    appraisal::Appraiser,
    reexecution::{Inputs, ensure_repeatable, reexecute},
};

/// The chain id of local development chains, whose operator sets their clock as he likes.
const DEVELOPMENT_CHAIN: u64 = 31_337;

/// What the reader of a bundle knows.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    /// The log that it trusts. Without it the bundle's own log key is used.
    pub log: Option<&'a VerifierKey>,
    /// Which witnesses must have cosigned, and which logs it trusts.
    pub policy: Option<&'a Policy>,
    /// What time it has, milliseconds since 1970; `None` bounds nothing.
    pub now_ms: Option<u64>,
    /// A copy of the log that it has.
    pub copy: Option<&'a LogCopy>,
    /// The kinds of receipts that it knows.
    pub kinds: Kinds,
    /// What it knows of the chain that anchors are on.
    pub chain: ChainView<'a>,
}

/// What the reader of an anchor knows of its chain. A header is easily invented, so an anchor is
/// placed only by a block hash that comes from somewhere else than the bundle.
#[derive(Debug, Clone, Copy, Default)]
pub struct ChainView<'a> {
    /// The chain that the reader means. An anchor on another one is refused.
    pub chain: Option<&'a ChainId>,
    /// Hashes of blocks that are on the chain. If there are any, an anchor in another block is refused.
    pub blocks: &'a [B256],
    /// The contract that the log's operator anchors in. An anchor in another one is refused.
    pub contract: Option<Address>,
    /// Contracts of this project's that the reader knows to have been made as they should be, wherever they are.
    pub trusted: &'a [Address],
    /// Nodes that are asked for the block. They place an anchor as well, and one that contradicts refuses it.
    pub nodes: Option<&'a Nodes>,
}

/// Verifies one bundle's bytes with everything that this project can check. Programs are run again if
/// `inputs` are given.
pub fn check(
    bytes: &[u8],
    reader: Reader<'_>,
    appraiser: &Appraiser,
    inputs: Option<&Inputs>,
    progress: &dyn Progress,
) -> Report {
    let reexecute = inputs.map(|inputs| Programs { inputs, copy: reader.copy, progress });
    let options = Options {
        root: None,
        log: reader.log,
        policy: reader.policy,
        now_ms: reader.now_ms,
        copy: reader.copy.map(|copy| copy as &dyn FoldedLog),
        kinds: reader.kinds,
        reexecute: reexecute.as_ref().map(|programs| programs as &dyn Reexecute),
        appraise: Some(appraiser),
        anchor: Some(&EvmProofs(reader.chain)),
        claim: Some(&EvmProofs(reader.chain)),
    };
    chaos_verify::verify(bytes, &options)
}

/// The programs of this release, with the inputs at hand.
struct Programs<'a> {
    inputs: &'a Inputs,
    copy: Option<&'a LogCopy>,
    progress: &'a dyn Progress,
}

impl Reexecute for Programs<'_> {
    fn ensure_repeatable(
        &self,
        receipt: &Verified<Receipt>,
        attachments: &Attachments,
    ) -> Result<(), Rejection> {
        let replay = ensure_repeatable(receipt, attachments)?;
        // What the program reads would be the signer's own words about the log.
        if self.copy.is_none() && receipt.action.sums_up_the_log() {
            return Err(Rejection::new(
                Check::Evidence,
                Fault::InputsNotFromLog,
                format!(
                    "what `{}` reads for a {} comes from the log, which is not at hand",
                    replay.program.name,
                    receipt.action.kind()
                ),
            ));
        }
        Ok(())
    }

    fn reexecute(
        &self,
        receipt: &Verified<Receipt>,
        index: u64,
        attachments: &Attachments,
    ) -> Result<Digest, Rejection> {
        if !receipt.action.sums_up_the_log() {
            return reexecute(receipt, attachments, self.inputs, self.progress);
        }
        let copy = self.copy.ok_or_else(|| {
            let reason = "the log is not at hand".to_owned();
            Rejection::new(Check::Evidence, Fault::InputsNotFromLog, reason)
        })?;
        let given = from_log(copy, receipt, index, attachments)?;
        reexecute(receipt, &given, self.inputs, self.progress)
    }
}

/// The attachments with what the log gives for the input that sums it up. The receipt must name that
/// very document: its own would be the signer's word.
fn from_log(
    copy: &LogCopy,
    receipt: &Receipt,
    index: u64,
    attachments: &Attachments,
) -> Result<Attachments, Rejection> {
    let (name, document) = copy.input(receipt, index)?;
    let mut given = attachments.clone();
    let digest = given.insert(document);
    let named = receipt.evidence.replay().and_then(|replay| {
        replay.inputs.iter().find(|input| input.name == name).map(|input| input.digest)
    });
    if named == Some(digest) {
        return Ok(given);
    }
    let named = named.map_or_else(|| "none".to_owned(), |digest| digest.to_string());
    Err(Rejection::new(
        Check::Evidence,
        Fault::LogGivesOther,
        format!("the log gives {digest} for the input `{name}`, the receipt names {named}"),
    ))
}

/// The anchor proofs of EVM chains.
struct EvmProofs<'a>(ChainView<'a>);

impl ReadAnchor for EvmProofs<'_> {
    fn read_anchor(
        &self,
        proof: &serde_json::Value,
        anchor: &action::Anchor,
        checkpoint: &Checkpoint,
    ) -> Result<Block, Rejection> {
        self.0.place(&anchors::read(proof, anchor, checkpoint)?, checkpoint.origin())
    }
}

impl ChainView<'_> {
    /// Holds the block and the contract against what the reader knows, and asks the reader's nodes.
    fn place(&self, fact: &AnchorFact, origin: &str) -> Result<Block, Rejection> {
        self.ensure_chain(fact)?;
        if let Some(expected) = self.contract
            && expected != fact.contract
        {
            return Err(Rejection::new(
                Check::Anchor,
                Fault::AnchorContractOther,
                format!("anchored in contract {:#x}, expected {expected:#x}", fact.contract),
            ));
        }
        let is_named = self.blocks.contains(&fact.block_hash);
        if !is_named && !self.blocks.is_empty() {
            return Err(Rejection::new(
                Check::Anchor,
                Fault::AnchorBlockOther,
                format!(
                    "anchored in block {:#x}, named is {}",
                    fact.block_hash,
                    claims::listed(self.blocks)
                ),
            ));
        }
        let lookup = self.nodes.map(|nodes| nodes.look_up(&sought(fact, origin)));
        if let Some(lookup) = &lookup {
            ensure_not_contradicted(lookup, fact)?;
        }
        let is_placed_by_nodes = lookup.as_ref().is_some_and(Lookup::is_placed);
        // The registry's code hash is in its proof. Of another contract a block shows that something wrote an event,
        // and any contract can: the reader names it, or nodes look at its code.
        let is_code_known = fact.transaction_hash.is_none() || self.contract.is_some();
        let is_placed = is_named && is_code_known || is_placed_by_nodes;
        let is_local = fact.chain.evm_number() == Some(DEVELOPMENT_CHAIN);
        // The hash that the reader named may be of a chain with a clock, and that it is of a development chain is
        // the operator's word alone.
        let is_dated = !is_local || is_named && !is_placed_by_nodes && self.chain.is_none();
        let clock = match is_local {
            true if is_dated => "; by the operator's word of a development chain",
            true => "; a development chain, whose clock bounds nothing",
            false => "",
        };
        let advice = match (is_named, &lookup) {
            (true, None) if is_code_known => "the hash that was named".to_owned(),
            (true, None) => {
                "the hash that was named; not placed: nobody looked at the contract's code, and the reader \
                 names no contract"
                    .to_owned()
            }
            (true, Some(lookup)) => format!("the hash that was named; {}", told(lookup, fact.block_number, &fact.chain)),
            (false, None) => "not compared with the chain".to_owned(),
            (false, Some(lookup)) if lookup.is_placed() => {
                told(lookup, fact.block_number, &fact.chain)
            }
            (false, Some(lookup)) => {
                format!("not placed: {}", told(lookup, fact.block_number, &fact.chain))
            }
        };
        let detail = format!(
            "in block {} {:#x} of {}, contract {:#x}; {advice}{clock}",
            fact.block_number, fact.block_hash, fact.chain, fact.contract
        );
        let said = said(lookup);
        let time_s = is_dated.then_some(fact.timestamp_s);
        Ok(Block { is_placed, time_s, detail, said })
    }

    /// The anchor is on the chain that the reader means, if it means one.
    fn ensure_chain(&self, fact: &AnchorFact) -> Result<(), Rejection> {
        match self.chain.filter(|expected| **expected != fact.chain) {
            None => Ok(()),
            Some(expected) => Err(Rejection::new(
                Check::Anchor,
                Fault::AnchorChainOther,
                format!("anchored on {}, expected {expected}", fact.chain),
            )),
        }
    }
}

/// What is looked up of an anchor.
fn sought(fact: &AnchorFact, origin: &str) -> Sought {
    Sought {
        chain: fact.chain.clone(),
        block_number: fact.block_number,
        block_hash: fact.block_hash,
        contract: fact.contract,
        origin: Some(origin.to_owned()),
    }
}

/// Refuses an anchor that the reader's nodes speak against, and not only leave open.
fn ensure_not_contradicted(lookup: &Lookup, fact: &AnchorFact) -> Result<(), Rejection> {
    let number = fact.block_number;
    let (fault, said) = match (lookup.contradicting(), lookup.other_contract()) {
        (Some(said), _) => (Fault::AnchorBlockContradicted, said),
        (None, Some(said)) => (Fault::AnchorCodeOther, said),
        (None, None) => return Ok(()),
    };
    let reason = format!(
        "anchored in block {number} {:#x}, contract {:#x}: {} {}",
        fact.block_hash, fact.contract, said.node, said.says
    );
    Err(Rejection::new(Check::Anchor, fault, reason))
}

/// What each node says.
fn said(lookup: Option<Lookup>) -> Vec<Said> {
    let said = lookup.map(|lookup| lookup.said).unwrap_or_default();
    let said = said.into_iter().map(|it| Said {
        agrees: it.says.agrees(),
        says: it.says.to_string(),
        who: it.node,
    });
    said.collect()
}

/// What the nodes say together.
fn told(lookup: &Lookup, number: u64, chain: &ChainId) -> String {
    let (holding, of) = (lookup.holding(), lookup.said.len());
    let sure = lookup.finality().filter(|_| lookup.is_placed());
    match sure {
        Some(finality) => {
            format!(
                "placed: block {number} of {chain}, {finality}, said by {holding} of {of} nodes"
            )
        }
        None => {
            let (needed, agree) = (lookup.needed, lookup.agree);
            format!("{holding} of {of} nodes say that they have it, {needed}, and {agree} have to")
        }
    }
}

#[cfg(test)]
mod tests;
