//! The page of metrics and parameters is what the program says of itself.

use std::{fmt::Write as _, fs, path::Path};

use chaos_parameters::{ParameterName, Preset};
use chaos_simulation::{EvmMetric, flow, transactions};

/// Set to write the page instead of comparing it.
const WRITE: &str = "CHAOSCHAIN_WRITE_DOCS";

fn row(out: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    writeln!(out, "| {} |", cells.join(" | ")).unwrap();
}

fn head(out: &mut String, cells: &[&str]) {
    row(out, cells);
    row(out, &vec!["---"; cells.len()]);
}

fn page() -> String {
    let mut out = String::from(
        "# Metrics and parameters\n\nWritten by `CHAOSCHAIN_WRITE_DOCS=1 cargo test -p \
         chaos-simulation --test it docs`; a test\ncompares it with the program.\n\nU is gas used \
         over gas limit, b the base fee, T the gas target, e the elasticity multiplier. All\nfigures \
         are integers: `ppm` are millionths, `milli_blocks` thousandths of a block.\n\n## Layer \
         `evm`: re-executed transactions\n\n",
    );
    head(&mut out, &["metric", "unit", "definition"]);
    for metric in EvmMetric::ALL {
        row(&mut out, &[metric.name(), metric.unit(), metric.definition()]);
    }
    out.push_str("\n## Layer `fee_market`, flow model: demand as one number per block\n\n");
    head(&mut out, &["metric", "unit", "definition"]);
    for metric in flow::Metric::ALL {
        row(&mut out, &[metric.name(), metric.unit(), metric.definition()]);
    }
    out.push_str("\n## Layer `fee_market`, transaction model: users, pool and builder\n\n");
    head(&mut out, &["metric", "unit", "definition", "source"]);
    for metric in transactions::Metric::ALL {
        row(&mut out, &[metric.name(), metric.unit(), metric.definition(), metric.source()]);
    }
    out.push_str("\n## Parameters\n\n");
    head(&mut out, &["parameter", "unit", "from", "to", "chains", "layers", "meaning", "source"]);
    for name in ParameterName::ALL {
        let definition = name.definition();
        let chains: Vec<_> = definition.families.iter().map(|family| family.as_str()).collect();
        let layers: Vec<_> = definition.layers.iter().map(|layer| layer.name()).collect();
        row(
            &mut out,
            &[
                definition.flag,
                definition.unit,
                &definition.min.to_string(),
                &definition.max.to_string(),
                &chains.join(", "),
                &layers.join(", "),
                definition.meaning,
                definition.source,
            ],
        );
    }
    out.push_str("\n## Presets\n\n");
    head(&mut out, &["preset", "chains", "what differs from zero", "source"]);
    for preset in Preset::ALL {
        let parameters = preset.parameters();
        let values: Vec<String> = ParameterName::ALL
            .into_iter()
            .filter(|name| parameters.get(*name) > 0)
            .map(|name| format!("{} {}", name.flag(), parameters.get(name)))
            .collect();
        let family = parameters.family();
        row(&mut out, &[preset.as_str(), family.as_str(), &values.join(", "), preset.source()]);
    }
    out
}

#[test]
fn the_page_of_metrics_and_parameters_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/simulation/metrics.md");
    if std::env::var_os(WRITE).is_some() {
        fs::write(&path, page()).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page(),
        "docs/simulation/metrics.md is stale; its first lines say how to write it"
    );
}
