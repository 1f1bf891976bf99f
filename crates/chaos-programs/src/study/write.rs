//! The study's folder.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use chaos_agency::calendar::date;
use chaos_evm::ReplayInput;
use chaos_governance::{
    receipts::undated,
    study::{self as render, Facts},
};
use chaos_parameters::pricing::next_base_fee;
use chaos_report::columnar::{self, Arm, MetricLine, PathLine, SeriesLine};
use chaos_simulation::{MetricRow, flow::ObservedBlock, forecast::Forecast};
use chaos_study::{StudyResult, TransactionRun};
use chaos_types::{Digest, canonical};
use serde_json::json;

use super::{Conditions, Measured, StudyFile, blocks::StudyBlocks, cells::Done, evm, inputs};
use crate::{
    Error, files,
    forecasting::kept::{is_hindcast, kept_form, read as read_kept},
};

/// The file with the digest of each other.
pub(crate) const MANIFEST: &str = "manifest.json";

/// Names the layout of `manifest.json`.
pub(crate) const MANIFEST_FORMAT: &str = "chaoschain-study-manifest/1";

/// The forecast in its folder.
const FORECAST: &str = "forecast.json";

/// The study file in its folder.
const STUDY: &str = "study.toml";

/// The bundle of the study's receipt.
pub(crate) const BUNDLE: &str = "bundle.json";

/// What was written where.
#[derive(Debug)]
pub struct Written {
    /// The folder.
    pub folder: PathBuf,
    /// The digest that two runs must agree on.
    pub digest: Digest,
    /// The digest of each file, by its name in the folder.
    pub files: BTreeMap<String, Digest>,
    /// The digest of `bundle.json`, if the study is signed.
    pub bundle: Option<Digest>,
}

/// Writes files into a study's folder and remembers them for its manifest.
pub(super) struct Writer<'a> {
    pub(super) folder: &'a Path,
    files: BTreeMap<String, Digest>,
}

impl Writer<'_> {
    pub(super) fn put(&mut self, name: &str, bytes: &[u8]) -> Result<Digest, Error> {
        files::write(&self.folder.join(name), bytes)?;
        let digest = Digest::of(bytes);
        self.files.insert(name.to_owned(), digest);
        Ok(digest)
    }

    /// Names a file that is there.
    pub(super) fn name(&mut self, name: &str) -> Result<(), Error> {
        let digest = Digest::of(&files::read(&self.folder.join(name))?);
        self.files.insert(name.to_owned(), digest);
        Ok(())
    }
}

/// Everything that a run found.
pub(super) struct Found<'a> {
    pub(super) file: &'a StudyFile,
    pub(super) blocks: &'a StudyBlocks,
    pub(super) cells: &'a [Done],
    pub(super) transactions: &'a [TransactionRun],
    pub(super) result: &'a StudyResult,
    pub(super) measured: Measured,
    /// The bundle of the study's receipt, if an agent signed it.
    pub(super) bundle: Option<&'a [u8]>,
}

impl Found<'_> {
    /// Writes results, tables, report and renderings, and last the manifest that names them.
    pub(super) fn write(
        self,
        folder: &Path,
        conditions: &Conditions<'_>,
    ) -> Result<Written, Error> {
        let Self { file, blocks, cells, transactions, result, measured, bundle } = self;
        let now_s = conditions.now_s;
        let mut writer = Writer { folder, files: BTreeMap::new() };
        let digest = result.digest()?;
        let bundle = keep_bundle(folder, digest, bundle)?;
        inputs::write(&mut writer, file, blocks, conditions.copied, conditions.progress)?;
        writer.put(STUDY, file.text.as_bytes())?;
        writer.put("result.json", &result.to_canonical()?)?;
        write_tables(&mut writer, file, cells, transactions, result)?;
        // When a clock says that it was made is in its file alone: documents name what it says, and the log dates it.
        let mut manifest: Vec<(String, Digest)> = vec![("study file".to_owned(), file.digest)];
        manifest.extend(result.inputs.iter().map(|input| (input.name.clone(), input.digest)));
        let outputs = writer.files.iter().filter(|(name, _)| !name.starts_with("inputs/"));
        manifest.extend(outputs.map(|(name, digest)| (name.clone(), *digest)));
        let forecast =
            result.forecast.as_ref().map(undated).transpose().map_err(Error::Forecast)?;
        if let Some(forecast) = &result.forecast {
            writer.put(FORECAST, &dated(folder, forecast, now_s)?)?;
        }
        let facts = Facts {
            result: digest,
            source: source(blocks),
            replay: blocks.validation(),
            base_fee_rule: base_fee_rule(blocks, &result.parameters.baseline),
            observed: observed(blocks.observed()),
            fans: cells.first().map(|done| done.result.fans.clone()).unwrap_or_default(),
            worst_blocks: measured.worst_blocks,
            machine: evm::MACHINE.to_owned(),
            command: match bundle {
                Some(_) => format!(
                    "chaoschain verify . --reexecute\nchaoschain simulate --experiment {STUDY} --out again"
                ),
                None => format!("chaoschain simulate --experiment {STUDY} --out again"),
            },
            bundle,
            manifest,
            day: date(now_s),
            forecast,
            is_hindcast: result.forecast.as_ref().is_some_and(|it| is_hindcast(it, now_s)),
        };
        let study = render::compose(&file.study, result, &facts);
        for figure in render::figures(&study) {
            writer.put(&format!("figures/{}.svg", figure.name), figure.svg().as_bytes())?;
        }
        writer.put("report.html", render::html(&study).as_bytes())?;
        writer.put("proposal-forum.md", render::forum_markdown(&study).as_bytes())?;
        writer.put("proposal-eip.md", render::eip_markdown(&study).as_bytes())?;
        writer.put("readiness.md", render::readiness_markdown(&study).as_bytes())?;
        let manifest = json!({
            "format": MANIFEST_FORMAT,
            "result_digest": digest,
            "files": writer.files,
        });
        let bytes = canonical::to_vec(&manifest)?;
        files::write(&folder.join(MANIFEST), &bytes)?;
        Ok(Written { folder: folder.to_owned(), digest, files: writer.files, bundle })
    }
}

/// Writes the bundle, or keeps that of an earlier run with the same result; one of another result would vouch for
/// what is not there. The digest of the bundle that is there.
fn keep_bundle(
    folder: &Path,
    result: Digest,
    bundle: Option<&[u8]>,
) -> Result<Option<Digest>, Error> {
    let path = folder.join(BUNDLE);
    if let Some(bytes) = bundle {
        files::write(&path, bytes)?;
        return Ok(Some(Digest::of(bytes)));
    }
    if !path.exists() {
        return Ok(None);
    }
    let manifest = fs::read(folder.join(MANIFEST)).ok();
    let manifest: Option<serde_json::Value> =
        manifest.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let is_same = manifest.is_some_and(|it| it["result_digest"] == json!(result));
    if is_same {
        return Ok(Some(Digest::of(&files::read(&path)?)));
    }
    fs::remove_file(&path).map_err(|source| Error::Write { path, source })?;
    Ok(None)
}

/// The forecast with the time at which it was first made; the result itself knows no clock.
///
/// The same forecast in the folder keeps its time, or a repeated run would make it younger.
fn dated(folder: &Path, forecast: &Forecast, now_s: u64) -> Result<Vec<u8>, Error> {
    let kept = fs::read(folder.join(FORECAST)).ok();
    let kept = kept.and_then(|bytes| read_kept(&bytes).ok());
    let made_at = kept
        .filter(|kept| Forecast { made_at: None, ..kept.clone() } == *forecast)
        .and_then(|kept| kept.made_at)
        .unwrap_or(now_s);
    let dated = Forecast { made_at: Some(made_at), ..forecast.clone() };
    Ok(kept_form(&dated)?)
}

/// Where the blocks come from, in one sentence.
fn source(blocks: &StudyBlocks) -> String {
    let count = blocks.blocks().len();
    if blocks.generated && blocks.by_history {
        return format!(
            "Demand is calibrated from a fee history of {}; no blocks of it are there, so {count} generated blocks \
             are executed in a local EVM in their place.",
            blocks.chain()
        );
    }
    if blocks.generated {
        return format!(
            "A source of the study is absent, so these are {count} generated blocks: token \
             transfers, swaps and mints executed in a local EVM."
        );
    }
    let era = |input: &ReplayInput| input.block().header.number;
    let range = match (blocks.blocks().first(), blocks.blocks().last()) {
        (Some(first), Some(last)) => format!(", {} to {}", era(first), era(last)),
        _ => String::new(),
    };
    format!("{count} recorded blocks of {}{range}.", blocks.chain())
}

fn observed(blocks: &[ObservedBlock]) -> Option<(u64, u64, u64)> {
    let mut numbers: Vec<u64> = blocks
        .iter()
        .filter(|block| block.base_fee_wei.is_some())
        .map(|block| block.number)
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    Some((*numbers.first()?, *numbers.last()?, numbers.len() as u64))
}

/// How many of the recorded transitions of the base fee the rule reproduces.
fn base_fee_rule(
    blocks: &StudyBlocks,
    baseline: &chaos_parameters::Parameters,
) -> Option<(u64, u64)> {
    let mut counts = (0, 0);
    for pair in blocks.observed().windows(2) {
        let (Some(before), Some(after)) = (pair[0].base_fee_wei, pair[1].base_fee_wei) else {
            continue;
        };
        if pair[0].number + 1 != pair[1].number {
            continue;
        }
        let limit = chaos_parameters::Setting::new(
            chaos_parameters::ParameterName::GasLimit,
            pair[0].gas_limit,
        )
        .ok()?;
        let next = next_base_fee(before, pair[0].gas_used, &baseline.with(limit));
        counts.0 += u64::from(next == after);
        counts.1 += 1;
    }
    (counts.1 > 0).then_some(counts)
}

fn write_tables(
    writer: &mut Writer<'_>,
    file: &StudyFile,
    cells: &[Done],
    transactions: &[TransactionRun],
    result: &StudyResult,
) -> Result<(), Error> {
    let names: Vec<(String, String)> = cells
        .iter()
        .map(|done| {
            let changes = done.cell.parameters.changes_from(&result.parameters.baseline);
            let cell: Vec<String> =
                changes.iter().map(|(name, _, to)| format!("{}={to}", name.flag())).collect();
            let cell = if cell.is_empty() { "baseline".to_owned() } else { cell.join(" ") };
            (cell, file.study.scenarios[done.cell.scenario].name.clone())
        })
        .collect();
    let quantities: BTreeMap<&str, String> = cells
        .iter()
        .flat_map(|done| &done.result.fans)
        .map(|(name, fan)| (name.as_str(), format!("{name}_{}", fan.unit)))
        .collect();
    let (mut metrics, mut paths, mut series) = (Vec::new(), Vec::new(), Vec::new());
    for (done, (cell, scenario)) in cells.iter().zip(&names) {
        let place = (cell.as_str(), scenario.as_str(), "flow");
        metrics.extend(metric_lines(place, &done.result.metrics));
        for (metric, pairs) in &done.result.pairs {
            for (path, (baseline, proposal)) in (0u32..).zip(pairs) {
                paths.push(path_line(place, metric, path, (baseline.0, proposal.0)));
            }
        }
        for (quantity, fan) in &done.result.fans {
            for (arm, band) in [(Arm::Baseline, &fan.baseline), (Arm::Proposal, &fan.proposal)] {
                for (index, block) in fan.blocks.iter().enumerate() {
                    series.push(SeriesLine {
                        cell,
                        scenario,
                        model: "flow",
                        quantity: &quantities[quantity.as_str()],
                        arm,
                        block: *block,
                        p10: band.p10[index].0,
                        p50: band.p50[index].0,
                        p90: band.p90[index].0,
                    });
                }
            }
        }
    }
    for (run, (cell, scenario)) in transactions.iter().zip(&names) {
        let place = (cell.as_str(), scenario.as_str(), "agents");
        metrics.extend(metric_lines(place, &run.figures.metrics));
        for (metric, pairs) in &run.pairs {
            for (path, baseline, proposal) in pairs {
                paths.push(path_line(place, metric, *path, (*baseline, *proposal)));
            }
        }
    }
    if let (Some(evm), Some((cell, scenario))) = (&result.evm, names.first()) {
        metrics.extend(metric_lines((cell, scenario, "evm"), &evm.metrics));
    }
    let place = |name: &str| writer.folder.join(name);
    let written = [
        ("metrics.parquet", columnar::write_metrics(&place("metrics.parquet"), &metrics)),
        ("paths.parquet", columnar::write_paths(&place("paths.parquet"), &paths)),
        ("series.parquet", columnar::write_series(&place("series.parquet"), &series)),
    ];
    for (name, digest) in written {
        writer.files.insert(name.to_owned(), digest.map_err(Error::Table)?);
    }
    Ok(())
}

/// Cell, scenario and model of a line.
type Place<'a> = (&'a str, &'a str, &'a str);

fn metric_lines<'a>(
    (cell, scenario, model): Place<'a>,
    metrics: &'a BTreeMap<String, MetricRow>,
) -> impl Iterator<Item = MetricLine<'a>> {
    metrics.iter().map(move |(metric, row)| MetricLine {
        cell,
        scenario,
        model,
        metric,
        unit: &row.unit,
        layer: row.layer.name(),
        baseline: row.baseline,
        proposal: row.proposal,
        difference: row.difference,
        low: row.interval.low,
        high: row.interval.high,
    })
}

const fn path_line<'a>(
    (cell, scenario, model): Place<'a>,
    metric: &'a str,
    path: u32,
    (baseline, proposal): (i128, i128),
) -> PathLine<'a> {
    PathLine { cell, scenario, model, path, metric, baseline, proposal }
}
