//! Components for the tests, written as text around a core module.

use chaos_sandbox::{Component, Configuration, Inputs, Limits, Outcome, RunError, Sandbox, World};

/// The failure type as the WIT tools import it: from the interface, and then under its own name.
const FAILURE: &str = r#"
  (import "chaoschain:agent/types@0.1.0" (instance $types
    (type $v (variant (case "invalid-input" string) (case "no-answer" string)))
    (export "failure" (type (eq $v)))))
  (alias export $types "failure" (type $f))
  (import "failure" (type $failure (eq $f)))"#;

const HOST: &str = r#"
  (import "chaoschain:agent/host@0.1.0" (instance $host
    (export "read-input" (func (param "name" string) (result (option (list u8)))))
    (export "note" (func (param "text" string)))))
  (core func $read-input (canon lower (func $host "read-input")
    (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
  (core func $note (canon lower (func $host "note") (memory (core memory $libc "memory"))))"#;

/// A memory of two pages with an allocator that only moves forward, from 4,096.
const LIBC: &str = r#"
  (core module $libc
    (memory (export "memory") 2)
    (global $top (mut i32) (i32.const 4096))
    (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32)
        (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and
        (i32.sub (i32.add (global.get $top) (local.get $align)) (i32.const 1))
        (i32.sub (i32.const 0) (local.get $align))))
      (global.set $top (i32.add (local.get $at) (local.get $size)))
      (block $fits
        (br_if $fits (i32.le_u (global.get $top) (i32.mul (memory.size) (i32.const 65536))))
        (drop (memory.grow (i32.add (i32.div_u (local.get $size) (i32.const 65536)) (i32.const 1)))))
      (local.get $at)))
  (core instance $libc (instantiate $libc))"#;

/// A component of `world` around the fields of a core module that may use the memory `$memory` and,
/// where the world has a host, the functions `$read-input` and `$note`. Byte-in, byte-out worlds
/// define `(func $task (param i32 i32) (result i32))`, a strategy `$task` with four parameters; the
/// result is where `result<_, failure>` lies.
pub(crate) fn text(world: World, fields: &str) -> String {
    let (host, imports, with) = if world.may_ask_host() {
        (
            HOST,
            r#"(import "host" "read-input" (func $read-input (param i32 i32 i32)))
               (import "host" "note" (func $note (param i32 i32)))"#,
            r#"(with "host" (instance (export "read-input" (func $read-input))
                 (export "note" (func $note))))"#,
        )
    } else {
        ("", "", "")
    };
    let (types, parameters, result) = match world {
        World::Generic => ("", r#"(param "input" (list u8))"#, "(list u8)"),
        World::Simulate => ("", r#"(param "material" (list u8))"#, "(list u8)"),
        World::Score => ("", r#"(param "evidence" (list u8))"#, "(list u8)"),
        World::Strategy => (
            r#"(type $s (record (field "state" (list u8)) (field "intents" (list u8))))
               (export $step "step" (type $s))"#,
            r#"(param "state" (list u8)) (param "event" (list u8))"#,
            "$step",
        ),
    };
    let export = world.export();
    format!(
        r#"(component {FAILURE} {LIBC} {host}
  (core module $code
    (import "libc" "memory" (memory $memory 1))
    {imports}
    {fields}
    (export "task" (func $task)))
  (core instance $code (instantiate $code (with "libc" (instance $libc)) {with}))
  {types}
  (func (export "{export}") {parameters} (result (result {result} (error $failure)))
    (canon lift (core func $code "task")
      (memory (core memory $libc "memory")) (realloc (core func $libc "realloc")))))"#
    )
}

/// The bytes of [`text`].
pub(crate) fn bytes(world: World, fields: &str) -> Vec<u8> {
    let text = text(world, fields);
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Limits small enough for tests that use them up.
pub(crate) fn limits() -> Limits {
    Limits { fuel: 10_000_000, memory_bytes: 8 << 20, ..Limits::default() }
}

pub(crate) fn sandbox(limits: Limits) -> Sandbox {
    Sandbox::new(Configuration::new(limits)).unwrap()
}

/// A compiled component of `world` under [`limits`].
pub(crate) fn compiled(world: World, fields: &str) -> Component {
    sandbox(limits()).compile(&bytes(world, fields)).unwrap()
}

/// How the one call of a generic component ends.
pub(crate) fn ending(fields: &str, input: &[u8]) -> Result<Outcome, RunError> {
    let component = compiled(World::Generic, fields);
    let run = component.run(chaos_sandbox::Argument::Generic(input), &Inputs::default())?;
    Ok(run.outcome)
}

/// Answers with its input.
pub(crate) const ECHO: &str = r#"
  (func $task (param i32 i32) (result i32)
    (i32.store (i32.const 4) (local.get 0))
    (i32.store (i32.const 8) (local.get 1))
    (i32.const 0))"#;
