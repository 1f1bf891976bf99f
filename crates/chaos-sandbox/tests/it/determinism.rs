//! The same run gives the same bytes, fuel and transcript, wherever and however often it is made.

use std::thread;

use chaos_sandbox::{Argument, Component, Inputs, Run, World};
use chaos_types::Digest;
use proptest::prelude::*;

use crate::component::{bytes, compiled, limits, sandbox};

/// Mixes integers, floats, memory and both host functions: answers with eight numbers that depend
/// on every byte of its argument and of the input `seed`.
const MIXER: &str = r#"
  (data (memory $memory) (i32.const 64) "seed")
  (func $step (param $state i64) (param $byte i32) (result i64)
    (i64.mul
      (i64.xor (local.get $state) (i64.extend_i32_u (local.get $byte)))
      (i64.const 0x100000001b3)))
  (func $fold (param $state i64) (param $at i32) (param $len i32) (result i64)
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get $len)))
      (local.set $state (call $step (local.get $state) (i32.load8_u (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (local.set $len (i32.sub (local.get $len) (i32.const 1)))
      (br $next)))
    (local.get $state))
  (func $task (param $at i32) (param $len i32) (result i32)
    (local $state i64) (local $n i32) (local $x f64)
    (call $read-input (i32.const 64) (i32.const 4) (i32.const 32))
    (local.set $state (call $fold (i64.const 0xcbf29ce484222325)
      (i32.load (i32.const 36)) (i32.load (i32.const 40))))
    (local.set $state (call $fold (local.get $state) (local.get $at) (local.get $len)))
    (loop $next
      (local.set $state (call $step (local.get $state) (local.get $n)))
      (local.set $x (f64.sqrt (f64.reinterpret_i64 (local.get $state))))
      (f64.store (i32.add (i32.const 1024) (i32.shl (local.get $n) (i32.const 3)))
        (f64.div (local.get $x) (f64.sub (local.get $x) (local.get $x))))
      (i64.store (i32.add (i32.const 1088) (i32.shl (local.get $n) (i32.const 3)))
        (local.get $state))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $n) (i32.const 8))))
    (i32.store (i32.const 4) (i32.const 1024))
    (i32.store (i32.const 8) (i32.const 128))
    (i32.const 0))"#;

fn seeded() -> Inputs {
    Inputs::new([("seed", b"a seed".as_slice())]).unwrap()
}

fn run(component: &Component, input: &[u8]) -> Run {
    component.run(Argument::Generic(input), &seeded()).unwrap()
}

#[test]
fn runs_on_two_threads_and_two_engines_are_one() {
    let first = compiled(World::Generic, MIXER);
    let second = compiled(World::Generic, MIXER);
    let expect = run(&first, b"block 19426587");
    thread::scope(|scope| {
        for component in [&first, &second] {
            let expect = &expect;
            scope.spawn(move || {
                for _ in 0..200 {
                    assert_eq!(run(component, b"block 19426587"), *expect);
                }
            });
        }
    });
}

#[test]
fn a_thousand_runs_have_one_digest() {
    let component = compiled(World::Generic, MIXER);
    let digests: Vec<Digest> =
        (0..1_000).map(|_| run(&component, b"block 19426587").record().digest().unwrap()).collect();
    assert!(digests.iter().all(|digest| *digest == digests[0]));
}

#[test]
fn a_run_leaves_nothing_to_the_next() {
    // Counts its calls in memory and in a global, and answers with both.
    let component = compiled(
        World::Score,
        "(global $count (mut i32) (i32.const 0))
         (func $task (param i32 i32) (result i32)
           (global.set $count (i32.add (global.get $count) (i32.const 1)))
           (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1)))
           (i32.store (i32.const 68) (global.get $count))
           (i32.store (i32.const 4) (i32.const 64))
           (i32.store (i32.const 8) (i32.const 8))
           (i32.const 0))",
    );
    for _ in 0..3 {
        let run = component.run(Argument::Score(b""), &Inputs::default()).unwrap();
        assert_eq!(run.answer(), Some([1, 0, 0, 0, 1, 0, 0, 0].as_slice()));
    }
}

#[test]
fn fuel_depends_on_the_input() {
    let component = compiled(World::Generic, MIXER);
    let fuel = |input: &[u8]| run(&component, input).fuel;
    let (none, one, two) = (fuel(b""), fuel(b"a"), fuel(b"ab"));
    assert!(none < one);
    assert_eq!(two - one, one - none);
}

#[test]
fn every_nan_is_the_canonical_one() {
    // Each pair would be a NaN of another sign or payload on one processor or another.
    let f32s = [
        "(f32.div (f32.const 0) (f32.const 0))",
        "(f32.sqrt (f32.const -1))",
        "(f32.add (f32.const nan:0x200001) (f32.const 1))",
        "(f32.mul (f32.const 0) (f32.const inf))",
        "(f32.min (f32.const -nan:0x7fffff) (f32.const 1))",
        "(f32.ceil (f32.const nan:0x1))",
        "(f32.demote_f64 (f64.const nan:0x4000000000001))",
        "(f32x4.extract_lane 1 (f32x4.sub (v128.const f32x4 0 inf 0 0) (v128.const f32x4 0 inf 0 0)))",
        "(f32x4.extract_lane 2 (f32x4.nearest (v128.const f32x4 0 0 -nan:0x400010 0)))",
    ];
    let f64s = [
        "(f64.sub (f64.const inf) (f64.const inf))",
        "(f64.max (f64.const 1) (f64.const -nan:0x123))",
        "(f64.floor (f64.const -nan:0x8000000000001))",
        "(f64.promote_f32 (f32.const -nan:0x400001))",
        "(f64x2.extract_lane 0 (f64x2.div (v128.const f64x2 0 0) (v128.const f64x2 0 1)))",
    ];
    let mut stores = String::new();
    for (index, value) in f32s.iter().enumerate() {
        stores.push_str(&format!("(f32.store (i32.const {}) {value})\n", 64 + 4 * index));
    }
    for (index, value) in f64s.iter().enumerate() {
        stores.push_str(&format!("(f64.store (i32.const {}) {value})\n", 256 + 8 * index));
    }
    let component = compiled(
        World::Score,
        &format!(
            "(func $task (param i32 i32) (result i32) {stores}
               (i32.store (i32.const 4) (i32.const 64))
               (i32.store (i32.const 8) (i32.const 512))
               (i32.const 0))"
        ),
    );
    let run = component.run(Argument::Score(b""), &Inputs::default()).unwrap();
    let bytes = run.answer().unwrap();
    for (index, value) in f32s.iter().enumerate() {
        let bits = u32::from_le_bytes(bytes[4 * index..][..4].try_into().unwrap());
        assert_eq!(bits, 0x7fc0_0000, "{value} is {bits:x}");
    }
    for (index, value) in f64s.iter().enumerate() {
        let bits = u64::from_le_bytes(bytes[192 + 8 * index..][..8].try_into().unwrap());
        assert_eq!(bits, 0x7ff8_0000_0000_0000, "{value} is {bits:x}");
    }
}

#[test]
fn compiled_code_from_the_folder_runs_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let component = bytes(World::Generic, MIXER);
    let expect = run(&compiled(World::Generic, MIXER), b"input");
    for _ in 0..2 {
        let configuration = sandbox(limits()).configuration().clone();
        let sandbox = chaos_sandbox::Sandbox::with_cache(configuration, folder.path()).unwrap();
        assert_eq!(run(&sandbox.compile(&component).unwrap(), b"input"), expect);
    }
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_some());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_run_repeats(input in prop::collection::vec(any::<u8>(), 0..200)) {
        thread_local! {
            static COMPONENT: Component = compiled(World::Generic, MIXER);
        }
        let (first, second) =
            COMPONENT.with(|component| (run(component, &input), run(component, &input)));
        prop_assert_eq!(first, second);
    }
}
