//! Which code ran, and under which configuration.

use std::{collections::BTreeSet, fs, path::Path};

use chaos_sandbox::{
    Argument, COMPONENTS_CACHED_MAX, Configuration, ENGINE, Inputs, Limits, Record, Sandbox, World,
    configuration::{Error, FEATURES, FUEL_MAX},
};
use chaos_types::{Digest, canonical};

use crate::component::{ECHO, bytes, compiled, limits, sandbox, text};

#[test]
fn engine_is_named_with_the_version_that_is_built() {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
    let lock = fs::read_to_string(lock).unwrap();
    let (_, version) = lock.split_once("name = \"wasmtime\"\nversion = \"").unwrap();
    let (version, _) = version.split_once('"').unwrap();
    assert_eq!(ENGINE, format!("wasmtime {version}"));
}

#[test]
fn identity_changes_with_each_byte_of_the_component() {
    let sandbox = sandbox(limits());
    let component = bytes(World::Score, ECHO);
    // A custom section changes no behaviour, and yet it is another component.
    let mut longer = component.clone();
    longer.extend_from_slice(&[0, 2, 1, b'x']);
    let mut other = longer.clone();
    *other.last_mut().unwrap() = b'y';
    let identities: BTreeSet<Digest> = [&component, &longer, &other]
        .into_iter()
        .map(|bytes| sandbox.compile(bytes).unwrap().code().digest().unwrap())
        .collect();
    assert_eq!(identities.len(), 3);
    let code = sandbox.compile(&component).unwrap().code().clone();
    assert_eq!(code.component, Digest::of(&component));
    assert_eq!(code.engine, ENGINE);
    assert_eq!(code.interface, "chaoschain:agent@0.1.0");
}

#[test]
fn identity_changes_with_each_limit() {
    let document = serde_json::to_value(Limits::default()).unwrap();
    let component = bytes(World::Score, ECHO);
    let mut identities = BTreeSet::new();
    let names: Vec<String> = document.as_object().unwrap().keys().cloned().collect();
    for name in &names {
        let mut changed = document.clone();
        changed[name] = (document[name].as_u64().unwrap() - 1).into();
        let limits: Limits = serde_json::from_value(changed).unwrap();
        let code = sandbox(limits).compile(&component).unwrap().code().clone();
        identities.insert(code.digest().unwrap());
    }
    identities
        .insert(sandbox(Limits::default()).compile(&component).unwrap().code().digest().unwrap());
    assert_eq!(names.len(), 17);
    assert_eq!(identities.len(), names.len() + 1);
}

#[test]
fn configuration_has_one_spelling() {
    let text = String::from_utf8(Configuration::default().to_canonical().unwrap()).unwrap();
    assert_eq!(
        text,
        concat!(
            r#"{"format":"chaoschain/sandbox-configuration/v1","#,
            r#""limits":{"answer-bytes":67108864,"argument-bytes":67108864,"#,
            r#""component-bytes":16777216,"failure-bytes":16384,"fuel":1000000000000,"#,
            r#""function-bytes":262144,"functions":50000,"host-calls":10000,"instances":64,"memories":8,"memory-bytes":268435456,"merges":20000000,"#,
            r#""name-bytes":1024,"note-bytes":4096,"stack-bytes":1048576,"#,
            r#""table-elements":200000,"tables":32},"#,
            r#""settings":{"features":["BULK_MEMORY","COMPONENT_MODEL","EXTENDED_CONST","FLOATS","MULTI_MEMORY","MULTI_VALUE","MUTABLE_GLOBAL","#,
            r#""REFERENCE_TYPES","SATURATING_FLOAT_TO_INT","SIGN_EXTENSION","SIMD","TAIL_CALL"],"#,
            r#""fuel":true,"fuel-per-host-byte":1,"fuel-per-host-call":1000,"#,
            r#""nan-canonicalisation":true}}"#,
        )
    );
    let read: Configuration = canonical::from_slice(text.as_bytes()).unwrap();
    assert_eq!(read, Configuration::default());
    assert_eq!(
        Configuration::default().digest().unwrap().to_string(),
        "sha256:fc5befefcd1b9e9064a81fe3592cae67c79733f42443d1c8bb78720e562495b7"
    );
}

#[test]
fn configuration_of_other_settings_is_refused() {
    let mut other = Configuration::default();
    other.settings.nan_canonicalisation = false;
    assert_eq!(Sandbox::new(other).unwrap_err(), Error::Settings);

    let mut other = Configuration::default();
    other.settings.features.push("RELAXED_SIMD".to_owned());
    assert_eq!(Sandbox::new(other).unwrap_err(), Error::Settings);

    let mut other = Configuration::default();
    other.format.push('2');
    assert!(matches!(Sandbox::new(other).unwrap_err(), Error::Format { .. }));
}

#[test]
fn limit_out_of_range_is_refused_by_name() {
    for (limits, limit) in [
        (Limits { fuel: 0, ..limits() }, "fuel"),
        (Limits { fuel: FUEL_MAX + 1, ..limits() }, "fuel"),
        (Limits { memory_bytes: 65_535, ..limits() }, "memory-bytes"),
        (Limits { memory_bytes: (4 << 30) + 1, ..limits() }, "memory-bytes"),
        (Limits { stack_bytes: (1 << 20) + 1, ..limits() }, "stack-bytes"),
        (Limits { host_calls: 1_000_001, ..limits() }, "host-calls"),
    ] {
        let Err(Error::Limit { limit: found, .. }) = Sandbox::new(Configuration::new(limits))
        else {
            panic!("{limit} is refused");
        };
        assert_eq!(found, limit);
    }
}

#[test]
fn features_are_named_in_order() {
    assert!(FEATURES.is_sorted());
}

#[test]
fn arguments_are_named_by_their_bytes() {
    assert_eq!(Argument::Simulate(b"abc").digest(), Digest::of(b"abc"));
    let digest = |state, event| Argument::Strategy { state, event }.digest();
    assert_ne!(digest(b"a", b"bc"), digest(b"ab", b"c"));
    assert_eq!(Argument::of(World::Score, &[b"x"]), Some(Argument::Score(b"x")));
    assert_eq!(
        Argument::of(World::Strategy, &[b"x", b"y"]),
        Some(Argument::Strategy { state: b"x", event: b"y" })
    );
    assert_eq!(Argument::of(World::Score, &[b"x", b"y"]), None);
    assert_eq!(Argument::of(World::Strategy, &[b"x"]), None);
}

#[test]
fn record_is_read_back_and_holds_no_more() {
    let run = compiled(World::Score, ECHO).run(Argument::Score(b"{}"), &Inputs::default()).unwrap();
    let record = run.record();
    let bytes = record.to_canonical().unwrap();
    assert_eq!(canonical::from_slice::<Record>(&bytes).unwrap(), record);
    let mut value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(value["outcome"]["digest"], Digest::of(b"{}").to_string());
    assert_eq!(value["outcome"]["bytes"], 2);
    assert_eq!(value["host-calls"], 0);
    assert_eq!(value["world"], "score");
    value["outcome"]["time-ms"] = 5.into();
    let bytes = canonical::to_vec(&value).unwrap();
    assert!(canonical::from_slice::<Record>(&bytes).is_err());
}

#[test]
fn guests_of_this_repository_fit_the_default_limits() {
    let sandbox = sandbox(Limits::default());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guests/artifacts");
    let mut worlds = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "wasm") {
            let component = sandbox.compile(&fs::read(&path).unwrap());
            worlds.extend(component.unwrap_or_else(|error| panic!("{path:?}: {error:?}")).worlds());
        }
    }
    assert_eq!(worlds, [World::Simulate, World::Score, World::Strategy].into());
}

#[test]
fn compiled_components_are_kept_up_to_the_bound() {
    let sandbox = sandbox(limits());
    let numbered = |n: usize| {
        let text = text(World::Score, ECHO).replacen("(component", &format!("(component $n{n}"), 1);
        wat::parse_str(text).unwrap()
    };
    for n in 0..COMPONENTS_CACHED_MAX + 5 {
        sandbox.compile(&numbered(n)).unwrap();
        sandbox.compile(&numbered(n)).unwrap();
        assert_eq!(sandbox.components_cached(), (n + 1).min(COMPONENTS_CACHED_MAX));
    }
}
