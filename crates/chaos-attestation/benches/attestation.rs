//! What verification costs, against bare `dcap-qvl` in the same run: quotes that Intel's hardware
//! signed where the recorded ones are at hand, else quotes of a simulated machine.
//!
//! `cargo xtask bench attestation [--json]`. *Cold* is the whole work: parsing and trimming the
//! quote, verification, claims, policy and binding. *Warm* is the same for a platform whose
//! collateral and quoting enclave the verifier has seen.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a benchmark's answer"
)]

use std::{
    fs,
    hint::black_box,
    path::{Path, PathBuf},
    time::Instant,
};

use chaos_attestation::{
    Anchor, Collateral, EvidenceInput, Policy, Provider as _, Quote, ReportData, Verifier,
    provide::{
        Development,
        development::{Seed, Window},
    },
    verify,
};
use dcap_qvl::{QuoteCollateralV3, verify::QuoteVerifier};

const ROUNDS: usize = 400;

/// The recorded quotes that are UpToDate, each with its collateral and time.
const RECORDED: &[(&str, &str, u64)] = &[
    ("intel/tdx-v4-qvl-2025-06/quote.bin", "intel/tdx-v4-qvl-2025-06", 1_750_600_000),
    ("intel/tdx-v4-near-2025-09/quote.bin", "intel/tdx-v4-near-2025-09", 1_757_230_919),
    (
        "intel/quotes-only/dstack-quote-report.bin",
        "intel/tdx-v5-td15-below-tcb-qvl-2026-02",
        1_771_844_331,
    ),
    (
        "intel/tdx-v5-td15-gotdx-2026-02/quote.bin",
        "intel/tdx-v5-td15-below-tcb-qvl-2026-02",
        1_771_844_331,
    ),
];

/// What the production policy says, less what a stranger's evidence cannot have: a listed
/// workload.
fn policy(class: &str) -> Policy {
    let preset = match class {
        "production" => chaos_attestation::policy::PRODUCTION_TOML,
        _ => chaos_attestation::policy::DEVELOPMENT_TOML,
    };
    Policy::parse(&preset.replace("accept = \"allowlist\"", "accept = \"any\"")).unwrap()
}

struct Case {
    quote: Vec<u8>,
    bare: QuoteCollateralV3,
    collateral: Collateral,
    report_data: ReportData,
    anchor: Anchor,
    policy: Policy,
    at_s: u64,
}

impl Case {
    fn new(quote: Vec<u8>, json: &[u8], anchor: Anchor, class: &str, at_s: u64) -> Self {
        let report_data = ReportData::from_bytes(*Quote::parse(&quote).unwrap().report_data());
        Self {
            bare: serde_json::from_slice(json).unwrap(),
            collateral: Collateral::parse(json).unwrap(),
            policy: policy(class),
            quote,
            report_data,
            anchor,
            at_s,
        }
    }

    fn recorded(folder: &Path) -> Option<Vec<Self>> {
        RECORDED
            .iter()
            .map(|(quote, collateral, at_s)| {
                let quote = fs::read(folder.join(quote)).ok()?;
                let json = fs::read(folder.join(collateral).join("collateral.json")).ok()?;
                Some(Self::new(quote, &json, Anchor::intel(), "production", *at_s))
            })
            .collect()
    }

    fn simulated() -> Vec<Self> {
        let at_s = 1_790_000_000;
        let machine = Development::new(&Seed::well_known(), Window::of_day(at_s));
        let quote = machine.quote(&ReportData::bind("bench", &[])).unwrap().quote;
        vec![Self::new(quote, machine.collateral(), machine.anchor(), "development", at_s)]
    }

    fn bare(&self) {
        let verifier = QuoteVerifier::new(self.anchor.root_der().to_vec());
        black_box(verifier.verify(&self.quote, &self.bare, self.at_s).unwrap());
    }

    fn cold(&self) {
        let quote = Quote::parse(&self.quote).unwrap();
        let anchors = std::slice::from_ref(&self.anchor);
        let claims = verify(&quote, &self.collateral, anchors, self.at_s).unwrap();
        let appraisal =
            self.policy.appraise(claims, None, self.at_s).with_binding(&self.report_data);
        appraisal.ensure_accepted().unwrap();
        black_box(appraisal);
    }

    fn warm(&self, verifier: &Verifier) {
        let evidence = EvidenceInput {
            quote: &self.quote,
            collateral: &self.collateral,
            report_data: &self.report_data,
            at_s: self.at_s,
        };
        black_box(verifier.attest(&self.policy, None, &evidence).unwrap());
    }
}

fn main() {
    let json = std::env::args().any(|argument| argument == "--json");
    let folder =
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/attestation"));
    let cases = Case::recorded(&folder).unwrap_or_else(|| {
        eprintln!("no recorded quotes beside the repository: measuring a simulated machine");
        Case::simulated()
    });
    let verifier = Verifier::new(vec![cases[0].anchor.clone()]);
    let (mut bare, mut cold, mut warm) = (Vec::new(), Vec::new(), Vec::new());
    // interleaved, so that all see the same weather
    for _ in 0..ROUNDS {
        for case in &cases {
            bare.push(time_ms(|| case.bare()));
            cold.push(time_ms(|| case.cold()));
            warm.push(time_ms(|| case.warm(&verifier)));
        }
    }
    // the first round of a platform is no warm one
    warm.drain(..cases.len());
    let reference = percentile(&mut bare, 50);
    row(json, "attestation_p50", percentile(&mut cold, 50), reference);
    row(json, "attestation_warm", percentile(&mut warm, 50), reference);
    let reference = percentile(&mut bare, 99);
    row(json, "attestation_p99", percentile(&mut cold, 99), reference);
    row(json, "attestation_warm_p99", percentile(&mut warm, 99), reference);
    row(json, "attestation_overhead", percentile(&mut cold, 50), percentile(&mut bare, 50));
}

fn row(json: bool, measure: &str, value: f64, reference: f64) {
    let ratio = value / reference;
    if json {
        println!(
            "{{\"measure\":\"{measure}\",\"value\":{value:.4},\"unit\":\"ms\",\
             \"reference\":{reference:.4},\"ratio\":{ratio:.3}}}"
        );
    } else {
        println!("{measure:<22}  {value:.4} ms, bare dcap-qvl {reference:.4} ms, ratio {ratio:.3}");
    }
}

fn time_ms(work: impl FnOnce()) -> f64 {
    let started = Instant::now();
    work();
    started.elapsed().as_secs_f64() * 1e3
}

fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() * percent / 100).min(values.len() - 1)]
}
