//! Components that are not run at all.

use std::error::Error as _;

use chaos_sandbox::{Argument, Inputs, Limits, Refused, RunError, World};

use crate::component::{ECHO, bytes, compiled, limits, sandbox, text};

fn refusal(text: &str) -> Refused {
    let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    sandbox(limits()).compile(&bytes).unwrap_err()
}

/// A component that imports what `import` says and is else in order.
fn importing(import: &str) -> String {
    text(World::Simulate, ECHO).replacen("(component", &format!("(component {import}"), 1)
}

#[test]
fn forbidden_import_is_refused_by_name() {
    for (name, import) in [
        (
            "wasi:clocks/wall-clock@0.2.0",
            r#"(import "wasi:clocks/wall-clock@0.2.0" (instance (export "now" (func (result u64)))))"#,
        ),
        (
            "wasi:random/random@0.2.0",
            r#"(import "wasi:random/random@0.2.0" (instance
                 (export "get-random-u64" (func (result u64)))))"#,
        ),
        ("now", r#"(import "now" (func (result u64)))"#),
        ("code", r#"(import "code" (core module))"#),
        (
            "chaoschain:agent/host@0.1.1",
            r#"(import "chaoschain:agent/host@0.1.1" (instance
                 (export "note" (func (param "text" string)))))"#,
        ),
    ] {
        assert_eq!(refusal(&importing(import)), Refused::ForbiddenImport { name: name.to_owned() });
    }
}

#[test]
fn unknown_host_function_is_refused_by_name() {
    let import = r#"(import "chaoschain:agent/host@0.1.0" (instance
        (export "now" (func (result u64)))))"#;
    assert_eq!(refusal(&importing(import)), Refused::UnknownFunction { name: "now".to_owned() });
}

#[test]
fn host_function_of_another_type_is_refused() {
    let text =
        text(World::Generic, ECHO).replacen("(param \"text\" string)", "(param \"text\" u32)", 1);
    let text = text.replace(
        "(core func $note (canon lower (func $host \"note\") (memory (core memory $libc \"memory\"))))",
        "(core func $note (canon lower (func $host \"note\")))",
    );
    let text = text.replace("(func $note (param i32 i32))", "(func $note (param i32))");
    assert!(matches!(refusal(&text), Refused::ImportType(_)));
}

#[test]
fn simulation_and_scorer_may_not_ask_the_host() {
    for world in [World::Simulate, World::Score] {
        let text = text(World::Generic, ECHO)
            .replace("(export \"run\")", &format!("(export \"{}\")", world.export()));
        assert_eq!(refusal(&text), Refused::HostForbidden { world });
    }
}

#[test]
fn component_of_no_world_is_refused() {
    let text = text(World::Score, ECHO).replace("(export \"score\")", "(export \"scores\")");
    assert_eq!(refusal(&text), Refused::NoWorld);
}

#[test]
fn export_of_another_type_is_refused() {
    let swapped = text(World::Score, ECHO).replace("(export \"score\")", "(export \"decide\")");
    assert_eq!(refusal(&swapped), Refused::ExportType { world: World::Strategy });

    let cases = text(World::Score, ECHO).replace("no-answer", "other-answer");
    assert_eq!(refusal(&cases), Refused::ExportType { world: World::Score });

    let texts = text(World::Score, ECHO).replace("(list u8)", "string");
    assert_eq!(refusal(&texts), Refused::ExportType { world: World::Score });

    let value = r#"(component (component $c) (instance (export "run") (instantiate $c)))"#;
    assert_eq!(refusal(value), Refused::ExportType { world: World::Generic });
}

#[test]
fn call_of_another_world_is_refused() {
    let component = compiled(World::Simulate, ECHO);
    assert_eq!(component.worlds().collect::<Vec<_>>(), [World::Simulate]);
    for argument in [
        Argument::Generic(b""),
        Argument::Score(b""),
        Argument::Strategy { state: b"", event: b"" },
    ] {
        let world = argument.world();
        assert_eq!(
            component.run(argument, &Inputs::default()),
            Err(RunError::WrongWorld { world })
        );
    }
}

#[track_caller]
fn check_feature_is_off(text: &str, word: &str) {
    let Refused::Invalid(error) = refusal(text) else {
        panic!("{word} is refused as invalid");
    };
    let error = error.to_string();
    assert!(error.contains(word), "`{error}` names `{word}`");
}

#[test]
fn relaxed_simd_is_refused() {
    let with = |instruction: &str| {
        format!(
            "{ECHO} (func (param v128 v128 v128) (result v128)
               ({instruction} (local.get 0) (local.get 1) (local.get 2)))"
        )
    };
    check_feature_is_off(&text(World::Score, &with("f32x4.relaxed_madd")), "relaxed SIMD");
    // The same with an instruction that is not relaxed compiles.
    let bytes = bytes(World::Score, &with("v128.bitselect"));
    sandbox(limits()).compile(&bytes).unwrap();
}

#[test]
fn threads_are_refused() {
    let atomic = "(func (param i32) (result i32) (i32.atomic.load (local.get 0)))";
    check_feature_is_off(&text(World::Score, &format!("{ECHO} {atomic}")), "threads");
    let shared = r#"(component (core module (memory 1 2 shared)))"#;
    assert!(matches!(refusal(shared), Refused::Invalid(_)));
}

#[test]
fn features_that_are_not_listed_are_refused() {
    for (fields, word) in [
        ("(memory i64 1)", "memory64"),
        ("(tag $t)", "exceptions"),
        ("(type $s (struct))", "gc"),
        ("(func (param (ref func)))", "function references"),
        ("(memory 1 (pagesize 1))", "custom page sizes"),
    ] {
        check_feature_is_off(&format!("(component (core module {fields}))"), word);
    }
}

#[test]
fn bytes_that_are_no_component_are_refused() {
    let sandbox = sandbox(limits());
    let module = wat::parse_str("(module)").unwrap();
    let cut = &bytes(World::Score, ECHO)[..200];
    for bytes in [b"".as_slice(), b"\0asm", b"component", &module, cut] {
        let refused = sandbox.compile(bytes).unwrap_err();
        assert!(matches!(refused, Refused::Invalid(_)));
        assert!(!refused.source().unwrap().to_string().is_empty());
    }
    assert_eq!(sandbox.components_cached(), 0);
}

#[test]
fn oversized_component_is_refused_unread() {
    let limits = Limits { component_bytes: 100, ..limits() };
    assert_eq!(
        sandbox(limits).compile(&[0; 101]).unwrap_err(),
        Refused::TooLarge { bytes: 101, limit: 100 }
    );
}

#[test]
fn too_much_code_is_refused_before_it_is_compiled() {
    let functions = |count: usize| text(World::Score, &format!("{ECHO}{}", "(func)".repeat(count)));
    // Two functions are the allocator and the task.
    let limits = Limits { functions: 12, function_bytes: 400, ..limits() };
    let compile = |text: &str| sandbox(limits.clone()).compile(&wat::parse_str(text).unwrap());
    assert!(compile(&functions(10)).is_ok());
    assert_eq!(
        compile(&functions(11)).unwrap_err(),
        Refused::TooMuchCode { what: "functions", found: 13, limit: 12 }
    );
    // One byte of locals, one for each instruction, and the end.
    let long = |count: usize| text(World::Score, &format!("{ECHO}(func {})", "nop ".repeat(count)));
    assert!(compile(&long(398)).is_ok());
    assert_eq!(
        compile(&long(399)).unwrap_err(),
        Refused::TooMuchCode { what: "bytes in one function", found: 401, limit: 400 }
    );
}

/// Locals times blocks is what a compiler's work grows with: 4,000 of each, in 44 kilobytes, took it
/// half a minute.
#[test]
fn many_loops_over_many_locals_are_refused_before_they_are_compiled() {
    let bomb = |locals: usize, loops: usize| {
        let code = format!("(func (local {}) {})", "i32 ".repeat(locals), "(loop)".repeat(loops));
        text(World::Score, &format!("{ECHO}{code}"))
    };
    // The allocator beside the task has one.
    let limits = Limits { merges: 601, ..limits() };
    let compile = |text: &str| sandbox(limits.clone()).compile(&wat::parse_str(text).unwrap());
    assert_eq!(compile(&bomb(20, 30)).err(), None);
    assert_eq!(
        compile(&bomb(20, 31)).unwrap_err(),
        Refused::TooMuchCode { what: "merges of locals", found: 621, limit: 601 }
    );
    let default = Limits { functions: 12, ..Limits::default() };
    let refused = sandbox(default).compile(&wat::parse_str(bomb(5_000, 5_000)).unwrap());
    let Refused::TooMuchCode { what, .. } = refused.unwrap_err() else { panic!("it compiled") };
    assert_eq!(what, "merges of locals");
}

#[test]
fn component_that_needs_too_much_from_the_start_is_refused() {
    let memory = text(World::Score, ECHO)
        .replace("(memory (export \"memory\") 2)", "(memory (export \"memory\") 129)");
    assert_eq!(
        refusal(&memory),
        Refused::NeedsTooMuch {
            what: "bytes of memory",
            needs: 129 * 65_536,
            limit: limits().memory_bytes
        }
    );
    let table = text(World::Score, &format!("{ECHO} (table 200001 funcref)"));
    assert!(matches!(refusal(&table), Refused::NeedsTooMuch { what: "table elements", .. }));
}
