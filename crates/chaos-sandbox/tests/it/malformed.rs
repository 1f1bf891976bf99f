//! What a component sends may be any bytes at all.

use chaos_sandbox::{Answer, Argument, Component, Limits, Malformed, Outcome, Trap, World};
use proptest::prelude::*;

use crate::{
    component::{ending, limits, sandbox},
    judge::{AREA, INPUT_AT, inputs, judge},
};

fn area() -> Component {
    sandbox(Limits::default()).compile(&wat::parse_str(AREA).unwrap()).unwrap()
}

fn outcome(component: &Component, input: &[u8]) -> Outcome {
    component.run(Argument::Generic(input), &inputs()).unwrap().outcome
}

/// Bytes before the result in what [`result`] gives: the pointer to it and no host call.
const HEAD_BYTES: usize = 20;

/// An input with a result in it, and what follows.
fn result(fields: [u32; 4], rest: &[u8]) -> Vec<u8> {
    let at = u32::try_from(INPUT_AT + HEAD_BYTES).unwrap();
    let mut input = at.to_le_bytes().to_vec();
    input.resize(HEAD_BYTES, 0);
    for field in fields {
        input.extend_from_slice(&field.to_le_bytes());
    }
    input.extend_from_slice(rest);
    input
}

/// Where `rest` of [`result`] lies.
const REST_AT: u32 = 4_096 + 20 + 16;

#[test]
fn each_breach_has_its_name() {
    let component = area();
    let cases: [(&str, Vec<u8>, Malformed); 10] = [
        ("result at an odd address", 4_097u32.to_le_bytes().to_vec(), Malformed::Unaligned),
        ("result behind the memory", 131_072u32.to_le_bytes().to_vec(), Malformed::OutOfBounds),
        ("result across the end", 131_060u32.to_le_bytes().to_vec(), Malformed::OutOfBounds),
        (
            "result at the last address",
            (u32::MAX - 3).to_le_bytes().to_vec(),
            Malformed::OutOfBounds,
        ),
        ("third case of a result", result([2, 0, 0, 0], b""), Malformed::Case),
        ("third case of a failure", result([1, 2, 0, 0], b""), Malformed::Case),
        ("list across the end", result([0, 131_071, 2, 0], b""), Malformed::OutOfBounds),
        ("list that wraps", result([0, u32::MAX, u32::MAX, 0], b""), Malformed::OutOfBounds),
        ("text across the end", result([1, 0, 131_071, 2], b""), Malformed::OutOfBounds),
        ("text that is not UTF-8", result([1, 1, REST_AT, 2], &[0xc3, 0x28]), Malformed::Text),
    ];
    for (name, input, expect) in cases {
        assert_eq!(outcome(&component, &input), Outcome::Malformed(expect), "{name}");
    }
}

#[test]
fn allocator_that_lies_is_malformed() {
    let with = |realloc: &str| {
        format!(
            r#"(component
              (type $v (variant (case "invalid-input" string) (case "no-answer" string)))
              (export $failure "failure" (type $v))
              (core module $m
                (memory (export "memory") 1)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) {realloc})
                (func (export "run") (param i32 i32) (result i32) (i32.const 0)))
              (core instance $i (instantiate $m))
              (func (export "run") (param "input" (list u8))
                (result (result (list u8) (error $failure)))
                (canon lift (core func $i "run") (memory (core memory $i "memory"))
                  (realloc (core func $i "realloc")))))"#
        )
    };
    let sandbox = sandbox(limits());
    for (realloc, expect) in [
        ("(i32.const 65535)", Outcome::Malformed(Malformed::OutOfBounds)),
        ("(i32.const -1)", Outcome::Malformed(Malformed::OutOfBounds)),
        ("unreachable", Outcome::Trap(Trap::Unreachable)),
        ("(i32.const 65534)", Outcome::Answer(Answer::Bytes(vec![]))),
    ] {
        let component = sandbox.compile(&wat::parse_str(with(realloc)).unwrap()).unwrap();
        assert_eq!(outcome(&component, b"ab"), expect, "{realloc}");
    }
}

#[test]
fn host_call_while_the_host_allocates_is_malformed() {
    // The allocator leaves a note, which the canonical ABI forbids.
    let text = r#"(component
      (import "chaoschain:agent/host@0.1.0" (instance $host
        (export "note" (func (param "text" string)))))
      (type $v (variant (case "invalid-input" string) (case "no-answer" string)))
      (export $failure "failure" (type $v))
      (core module $libc (memory (export "memory") 1))
      (core instance $libc (instantiate $libc))
      (core func $note (canon lower (func $host "note") (memory (core memory $libc "memory"))))
      (core module $m
        (import "host" "note" (func $note (param i32 i32)))
        (func (export "realloc") (param i32 i32 i32 i32) (result i32)
          (call $note (i32.const 0) (i32.const 1)) (i32.const 16))
        (func (export "run") (param i32 i32) (result i32) (i32.const 0)))
      (core instance $i (instantiate $m
        (with "host" (instance (export "note" (func $note))))))
      (func (export "run") (param "input" (list u8))
        (result (result (list u8) (error $failure)))
        (canon lift (core func $i "run") (memory (core memory $libc "memory"))
          (realloc (core func $i "realloc")))))"#;
    let sandbox = sandbox(limits());
    let component = sandbox.compile(&wat::parse_str(text).unwrap()).unwrap();
    assert_eq!(outcome(&component, b"ab"), Outcome::Malformed(Malformed::Reentrance));
}

/// Two components in one: the caller gives its argument to the other, which sends back the list that
/// the argument's two words describe; the engine's adapters check it between the two.
const NESTED: &str = r#"(component
  (type $v (variant (case "invalid-input" string) (case "no-answer" string)))
  (import "failure" (type $failure (eq $v)))
  (component $describer
    (core module $m
      (memory (export "memory") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
      (func (export "task") (param i32 i32) (result i32) (local.get 0)))
    (core instance $i (instantiate $m))
    (func (export "task") (param "words" (list u8)) (result (list u8))
      (canon lift (core func $i "task") (memory (core memory $i "memory"))
        (realloc (core func $i "realloc")))))
  (component $caller
    (import "task" (func $task (param "words" (list u8)) (result (list u8))))
    (import "failure" (type $failure (eq $v)))
    (core module $libc
      (memory (export "memory") 2)
      (global $top (mut i32) (i32.const 4096))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (global.set $top (i32.add (global.get $top) (i32.const 64)))
        (global.get $top)))
    (core instance $libc (instantiate $libc))
    (core func $task (canon lower (func $task)
      (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
    (core module $code
      (import "describer" "task" (func $task (param i32 i32 i32)))
      (func (export "run") (param i32 i32) (result i32)
        (call $task (local.get 0) (local.get 1) (i32.const 4))
        (i32.const 0)))
    (core instance $code (instantiate $code
      (with "describer" (instance (export "task" (func $task))))))
    (func (export "run") (param "input" (list u8)) (result (result (list u8) (error $failure)))
      (canon lift (core func $code "run") (memory (core memory $libc "memory"))
        (realloc (core func $libc "realloc")))))
  (instance $describer (instantiate $describer))
  (instance $caller (instantiate $caller
    (with "task" (func $describer "task")) (with "failure" (type $failure))))
  (export "run" (func $caller "run")))"#;

#[test]
fn list_between_the_parts_of_a_component_is_checked() {
    let sandbox = sandbox(limits());
    let component = sandbox.compile(&wat::parse_str(NESTED).unwrap()).unwrap();
    let list = |at: u32, len: u32| [at.to_le_bytes(), len.to_le_bytes()].concat();
    let input = list(4_096, 4);
    assert_eq!(
        outcome(&component, &input),
        Outcome::Answer(Answer::Bytes(4_096_u32.to_le_bytes().to_vec()))
    );
    for (at, len) in [(65_535, 2), (u32::MAX, 1), (0, u32::MAX)] {
        assert_eq!(
            outcome(&component, &list(at, len)),
            Outcome::Malformed(Malformed::OutOfBounds),
            "{len} bytes at {at}"
        );
    }
}

#[test]
fn malformed_note_is_malformed() {
    let note = |at: u32, len: u32| {
        format!(
            r#"(data (memory $memory) (i32.const 64) "\c3\28")
            (func $task (param i32 i32) (result i32)
              (call $note (i32.const {at}) (i32.const {len})) (i32.const 0))"#
        )
    };
    for (at, len, expect) in [
        (64, 2, Malformed::Text),
        (131_071, 2, Malformed::OutOfBounds),
        (u32::MAX, u32::MAX, Malformed::OutOfBounds),
    ] {
        assert_eq!(ending(&note(at, len), b""), Ok(Outcome::Malformed(expect)));
    }
}

#[test]
fn malformed_note_in_utf_16_is_malformed() {
    // A pair of surrogates, "G clef"; then one of them alone.
    let text = |at: u32, len: u32| {
        let fields = format!(
            r#"(data (memory $memory) (i32.const 64) "\34\d8\1e\dd")
            (func $task (param i32 i32) (result i32)
              (call $note (i32.const {at}) (i32.const {len}))
              (i32.store (i32.const 8) (i32.const 0)) (i32.const 0))"#
        );
        crate::component::text(World::Generic, &fields).replace(
            "(canon lower (func $host \"note\") ",
            "(canon lower (func $host \"note\") string-encoding=utf16 ",
        )
    };
    let sandbox = sandbox(limits());
    for (at, len, expect) in [
        (64, 2, Outcome::Answer(Answer::Bytes(vec![]))),
        (64, 1, Outcome::Malformed(Malformed::Text)),
        (65, 1, Outcome::Malformed(Malformed::Unaligned)),
        (131_070, 2, Outcome::Malformed(Malformed::OutOfBounds)),
    ] {
        let component = sandbox.compile(&wat::parse_str(text(at, len)).unwrap()).unwrap();
        assert_eq!(outcome(&component, b""), expect, "{len} units at {at}");
    }
}

#[test]
fn malformed_name_is_malformed() {
    let read = |at: u32, len: u32, into: u32| {
        format!(
            "(func $task (param i32 i32) (result i32)
              (call $read-input (i32.const {at}) (i32.const {len}) (i32.const {into}))
              (i32.const 0))"
        )
    };
    for (at, len, into, expect) in [
        (131_071, 2, 64, Malformed::OutOfBounds),
        (0, 1, 131_070, Malformed::Unaligned),
        (0, 1, 131_072, Malformed::OutOfBounds),
    ] {
        assert_eq!(ending(&read(at, len, into), b""), Ok(Outcome::Malformed(expect)));
    }
}

fn word() -> impl Strategy<Value = u32> {
    prop_oneof![
        4 => 0u32..4,
        4 => (1_024u32..1_050).prop_map(|word| 4 * word),
        1 => 4_090u32..4_200,
        2 => Just(u32::try_from(INPUT_AT + HEAD_BYTES).unwrap()),
        1 => 65_530u32..65_540,
        2 => 131_040u32..131_080,
        1 => 0u32..140_000,
        1 => any::<u32>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_memory_is_decoded_as_the_canonical_abi_says(
        at in word(),
        kind in 0u8..4,
        call in [word(), word(), word()],
        words in prop::collection::vec(word(), 0..12),
        rest in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        thread_local! {
            static COMPONENT: Component = area();
        }
        let mut input = at.to_le_bytes().to_vec();
        input.push(kind);
        call.iter().for_each(|word| input.extend_from_slice(&word.to_le_bytes()));
        input.resize(HEAD_BYTES, 0);
        words.iter().for_each(|word| input.extend_from_slice(&word.to_le_bytes()));
        input.extend_from_slice(&rest);
        let outcome = COMPONENT.with(|component| outcome(component, &input));
        prop_assert_eq!(outcome, judge(&input));
    }
}
