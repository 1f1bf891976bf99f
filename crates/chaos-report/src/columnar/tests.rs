use std::{collections::BTreeMap, fs, path::PathBuf, sync::Arc};

use chaos_types::Digest;
use parquet::{
    file::reader::{FileReader as _, SerializedFileReader},
    record::Field,
    schema::types::Type,
};
use serde_json::json;

use super::{
    Arm, Error, MetricLine, PathLine, SeriesLine, write_metrics, write_paths, write_series,
};

/// Set to write the fixtures anew instead of comparing with them.
const WRITE_VARIABLE: &str = "CHAOSCHAIN_WRITE_FIXTURES";

const CELL: &str = "gas-limit=60000000";
const SCENARIOS: [&str; 2] = ["stationary", "demand_shock"];
const GWEI: i128 = 1_000_000_000;
const ETHER: i128 = 1_000_000_000_000_000_000;

/// The differences between the arms on twelve paths; their mean is one. In order they are -5, -4,
/// -3, -2, -1, 0, 1, 2, 3, 4, 6, 11. Nearest rank takes the second for 10 % (12 x 0.1 = 1.2, up
/// to 2) and the eleventh for 90 % (10.8, up to 11).
const DIFFERENCES: [i128; 12] = [3, -5, 0, 4, -1, 11, -4, 1, -3, 2, -2, 6];

/// A metric of the fixture, whose differences are [`DIFFERENCES`] times a step.
struct FixtureMetric {
    name: &'static str,
    unit: &'static str,
    baseline: i128,
    step: i128,
    /// The interval in steps' magnitudes; a step below zero turns the order round.
    interval: (i128, i128),
}

const FIXTURE_METRICS: [FixtureMetric; 3] = [
    FixtureMetric {
        name: "base_fee_median",
        unit: "wei",
        baseline: 20 * GWEI,
        step: 123_456_789,
        interval: (-4, 6),
    },
    FixtureMetric {
        name: "fee_burned",
        unit: "wei_per_block",
        baseline: 3 * ETHER,
        step: -ETHER / 7,
        interval: (-6, 4),
    },
    FixtureMetric {
        name: "use_vs_target",
        unit: "ppm",
        baseline: -1_500,
        step: 10,
        interval: (-4, 6),
    },
];

fn fixtures() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/tables"))
}

fn fixture_metrics() -> Vec<MetricLine<'static>> {
    let line = |scenario, metric: &FixtureMetric| MetricLine {
        cell: CELL,
        scenario,
        model: "flow",
        metric: metric.name,
        unit: metric.unit,
        layer: "fee_market",
        baseline: metric.baseline,
        proposal: metric.baseline + metric.step,
        difference: metric.step,
        low: metric.interval.0 * metric.step.abs(),
        high: metric.interval.1 * metric.step.abs(),
    };
    SCENARIOS
        .iter()
        .flat_map(|scenario| FIXTURE_METRICS.iter().map(|metric| line(*scenario, metric)))
        .collect()
}

fn fixture_paths() -> Vec<PathLine<'static>> {
    let mut lines = Vec::new();
    for scenario in SCENARIOS {
        for metric in &FIXTURE_METRICS {
            lines.extend((0..).zip(DIFFERENCES).map(|(path, difference)| PathLine {
                cell: CELL,
                scenario,
                model: "flow",
                path,
                metric: metric.name,
                baseline: metric.baseline,
                proposal: metric.baseline + difference * metric.step,
            }));
        }
    }
    lines
}

fn fixture_series() -> Vec<SeriesLine<'static>> {
    let mut lines = Vec::new();
    for (arm, rate) in [(Arm::Baseline, 9), (Arm::Proposal, 10)] {
        let mut fee = 10 * GWEI;
        for block in 0..24 {
            lines.push(SeriesLine {
                cell: CELL,
                scenario: "demand_shock",
                model: "flow",
                quantity: "base_fee_wei",
                arm,
                block,
                p10: fee * 3 / 4,
                p50: fee,
                p90: fee * 3 / 2,
            });
            fee = if block < 12 { fee * rate / 8 } else { fee * 8 / rate };
        }
    }
    lines
}

/// The fixture study, file by file.
fn fixture_study() -> BTreeMap<&'static str, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let digests = BTreeMap::from([
        ("metrics.parquet", write_metrics(&place("metrics.parquet"), &fixture_metrics()).unwrap()),
        ("paths.parquet", write_paths(&place("paths.parquet"), &fixture_paths()).unwrap()),
        ("series.parquet", write_series(&place("series.parquet"), &fixture_series()).unwrap()),
    ]);
    let mut files: BTreeMap<&str, Vec<u8>> =
        digests.keys().map(|name| (*name, fs::read(place(name)).unwrap())).collect();
    for (name, digest) in &digests {
        assert_eq!(*digest, Digest::of(&files[name]), "{name}");
    }
    let result = b"{\"format\":\"fixture\",\"seed\":\"1\"}".to_vec();
    let manifest = json!({
        "files": digests,
        "format": "chaoschain-study-manifest/1",
        "result_digest": Digest::of(&result),
    });
    files.insert("result.json", result);
    files.insert("manifest.json", format!("{manifest:#}\n").into_bytes());
    files
}

#[test]
fn the_fixture_study_is_what_the_writers_write() {
    let folder = fixtures().join("study");
    for (name, bytes) in fixture_study() {
        let place = folder.join(name);
        if std::env::var_os(WRITE_VARIABLE).is_some() {
            fs::write(&place, &bytes).unwrap();
        }
        assert!(
            fs::read(&place).unwrap() == bytes,
            "{name} differs; see fixtures/tables/README.md"
        );
    }
}

/// The spelling of a column's type in `schema.json`.
fn type_name(column: &Type) -> String {
    use parquet::basic::{LogicalType, Repetition, Type as Physical};

    assert_eq!(column.get_basic_info().repetition(), Repetition::REQUIRED, "{}", column.name());
    let (physical, logical) =
        (column.get_physical_type(), column.get_basic_info().logical_type_ref());
    match (physical, logical) {
        (Physical::BYTE_ARRAY, Some(LogicalType::String)) => "string".to_owned(),
        (Physical::INT32, None) => "int32".to_owned(),
        (Physical::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::Decimal(_))) => {
            format!("decimal({},{})", column.get_precision(), column.get_scale())
        }
        other => panic!("{}: {other:?}", column.name()),
    }
}

#[test]
fn columns_are_those_that_the_readers_expect() {
    let schema = fs::read(fixtures().join("schema.json")).unwrap();
    let schema: serde_json::Value = serde_json::from_slice(&schema).unwrap();
    let study = fixture_study();
    for (name, expected) in schema["tables"].as_object().unwrap() {
        let bytes = bytes_of(&study[name.as_str()]);
        let reader = SerializedFileReader::new(bytes).unwrap();
        let metadata = reader.metadata().file_metadata();
        let columns: Vec<_> = metadata
            .schema()
            .get_fields()
            .iter()
            .map(|column| json!([column.name(), type_name(column)]))
            .collect();
        assert_eq!(json!(columns), *expected, "{name}");
        assert_eq!(metadata.created_by(), Some("chaoschain"), "{name}");
        assert!(metadata.key_value_metadata().is_none(), "{name}");
    }
}

fn bytes_of(file: &[u8]) -> fs::File {
    use std::io::{Seek as _, Write as _};

    let mut copy = tempfile::tempfile().unwrap();
    copy.write_all(file).unwrap();
    copy.rewind().unwrap();
    copy
}

/// More rows than one group, with amounts across the whole range.
fn many_paths() -> Vec<PathLine<'static>> {
    const MAX: i128 = 10i128.pow(38) - 1;
    (0..140_000)
        .map(|path| PathLine {
            cell: ["low", "high", "ä\n"][path as usize % 3],
            scenario: "",
            model: "agents",
            path,
            metric: "fee_burned",
            baseline: MAX - i128::from(path) * 7_919,
            proposal: i128::from(path) * 104_729 - MAX,
        })
        .collect()
}

#[test]
fn another_reader_finds_every_row_of_a_large_table() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("paths.parquet");
    let lines = many_paths();
    write_paths(&place, &lines).unwrap();
    let reader = SerializedFileReader::new(fs::File::open(&place).unwrap()).unwrap();
    let amount = |field: &Field| match field {
        Field::Decimal(value) => i128::from_be_bytes(value.data().try_into().unwrap()),
        other => panic!("{other}"),
    };
    let mut rows = 0;
    for (row, line) in Arc::new(reader).get_row_iter(None).unwrap().zip(&lines) {
        let fields: Vec<Field> = row.unwrap().into_columns().into_iter().map(|c| c.1).collect();
        assert_eq!(fields[0], Field::Str(line.cell.to_owned()));
        assert_eq!(fields[3], Field::Int(line.path.cast_signed()));
        assert_eq!((amount(&fields[5]), amount(&fields[6])), (line.baseline, line.proposal));
        rows += 1;
    }
    assert_eq!(rows, lines.len());
}

#[test]
fn the_digest_depends_on_the_rows_alone() {
    let folder = tempfile::tempdir().unwrap();
    let digest =
        |name: &str, lines: &[PathLine<'_>]| write_paths(&folder.path().join(name), lines).unwrap();
    let mut lines = many_paths();
    let first = digest("first.parquet", &lines);
    assert_eq!(digest("second.parquet", &lines), first);
    assert_eq!(digest("first.parquet", &lines), first, "written over a file");
    lines[139_999].proposal += 1;
    assert_ne!(digest("second.parquet", &lines), first);
}

#[test]
fn refuses_more_than_38_digits_and_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("paths.parquet");
    let mut lines = many_paths();
    let old = write_paths(&place, &lines[..1]).unwrap();
    for value in [10i128.pow(38), -10i128.pow(38), i128::MAX, i128::MIN] {
        lines[139_998].proposal = value;
        let error = write_paths(&place, &lines).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "column `proposal`, row 139998: expected at most 38 decimal digits, found {value}"
            )
        );
    }
    assert_eq!(Digest::of(&fs::read(&place).unwrap()), old);
}

#[test]
fn refuses_a_block_beyond_31_bits() {
    let folder = tempfile::tempdir().unwrap();
    let mut lines = fixture_series();
    lines[5].block = 1 << 31;
    let error = write_series(&folder.path().join("series.parquet"), &lines).unwrap_err();
    assert!(
        matches!(error, Error::Index { column: "block", row: 5, value: 0x8000_0000 }),
        "{error}"
    );
}

#[test]
fn a_table_without_rows_has_its_columns() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("metrics.parquet");
    write_metrics(&place, &[]).unwrap();
    let reader = SerializedFileReader::new(fs::File::open(&place).unwrap()).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
    assert_eq!(reader.metadata().file_metadata().schema_descr().num_columns(), 11);
}

#[test]
fn says_which_file_it_could_not_write() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("absent/metrics.parquet");
    let error = write_metrics(&place, &[]).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot write {}", place.display()));
}
