use super::*;

fn row(measure: &str, value: f64, reference: Option<f64>) -> Row {
    Row {
        measure: measure.to_owned(),
        value,
        unit: "s".to_owned(),
        reference,
        ratio: reference.map(|reference| value / reference),
    }
}

#[test]
fn every_object_has_the_same_keys() {
    let keys =
        |row: Row| -> Vec<String> { row.to_json().as_object().unwrap().keys().cloned().collect() };
    let with_all = keys(row("evm_one_core", 1.0, Some(1.0)));
    assert_eq!(with_all.len(), HEAD.len());
    assert!(HEAD.iter().all(|key| with_all.iter().any(|found| found == key)));
    assert_eq!(keys(row("anything else", 1.0, None)), with_all);
}

#[test]
fn an_aim_is_met_at_its_bound_or_below_it() {
    assert_eq!(row("scenarios_2_threads", 1.9, Some(1.0)).met(), Some(true));
    assert_eq!(row("scenarios_2_threads", 1.89, Some(1.0)).met(), Some(false));
    assert_eq!(row("study_12x50x7200", 60.0, None).met(), Some(false));
    assert_eq!(row("study_12x50x7200", 59.9, None).met(), Some(true));
    assert_eq!(row("agents", 10_000.0, None).met(), Some(true));
}

#[test]
fn without_aim_or_reference_nothing_is_met_or_missed() {
    assert_eq!(row("machine_2_processes", 1.0, Some(1.0)).met(), None);
    assert_eq!(row("evm_vs_anvil", 1.0, None).met(), None);
}

#[test]
fn refuses_a_line_without_a_value() {
    let error = Row::read(&json!({"measure": "x", "unit": "s", "value": null})).unwrap_err();
    assert!(error.to_string().starts_with("no `value`"), "{error}");
}

#[test]
fn the_table_is_aligned() {
    let rows = [row("evm_one_core", 3_293.4, Some(3_301.0)), row("x", 1.5, None)];
    let table = table(&rows);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 3);
    let unit = lines[0].find("unit").unwrap();
    assert!(lines[1..].iter().all(|line| &line[unit..=unit] == "s"), "{table}");
    assert!(lines[1].ends_with("ratio >= 0.95  yes"), "{table}");
}
