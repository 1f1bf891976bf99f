//! What components ask their host, and the record of it.

use chaos_sandbox::{
    Argument, Component, Diverged, HostCall, Inputs, InputsError, Limits, Outcome, RunError,
    Transcript, Trap, World,
};

use crate::component::{bytes, compiled, limits, sandbox};

/// Reads the input that its argument names, notes the name, and answers with what it read, or with
/// the failure `no-answer` if there is nothing of that name.
const READER: &str = r#"
  (func $task (param $name i32) (param $len i32) (result i32)
    (call $read-input (local.get $name) (local.get $len) (i32.const 32))
    (call $note (local.get $name) (local.get $len))
    (if (i32.load8_u (i32.const 32))
      (then
        (i32.store (i32.const 4) (i32.load (i32.const 36)))
        (i32.store (i32.const 8) (i32.load (i32.const 40))))
      (else
        (i32.store8 (i32.const 0) (i32.const 1))
        (i32.store8 (i32.const 4) (i32.const 1))
        (i32.store (i32.const 8) (local.get $name))
        (i32.store (i32.const 12) (local.get $len))))
    (i32.const 0))"#;

/// Leaves as many notes as its argument has bytes.
const NOTER: &str = r#"
  (func $task (param $at i32) (param $len i32) (result i32)
    (loop
      (if (local.get $len) (then
        (call $note (local.get $at) (local.get $len))
        (local.set $len (i32.sub (local.get $len) (i32.const 1)))
        (br 1))))
    (i32.store (i32.const 8) (i32.const 0))
    (i32.const 0))"#;

fn inputs() -> Inputs {
    Inputs::new([("blocks", b"one two three".as_slice()), ("fees", b"".as_slice())]).unwrap()
}

fn reader() -> Component {
    compiled(World::Generic, READER)
}

#[test]
fn named_input_is_read_and_recorded() {
    let run = reader().run(Argument::Generic(b"blocks"), &inputs()).unwrap();
    assert_eq!(run.answer(), Some(b"one two three".as_slice()));
    assert_eq!(
        run.transcript.calls(),
        [
            HostCall::ReadInput {
                name: "blocks".to_owned(),
                answer: Some(b"one two three".as_slice().into())
            },
            HostCall::Note { text: "blocks".to_owned() },
        ]
    );
}

#[test]
fn absent_input_is_nothing_and_recorded() {
    let run = reader().run(Argument::Generic(b"prices"), &inputs()).unwrap();
    assert!(matches!(run.outcome, Outcome::Failure(_)));
    assert_eq!(
        run.transcript.calls()[0],
        HostCall::ReadInput { name: "prices".to_owned(), answer: None }
    );
}

#[test]
fn empty_input_is_not_an_absent_one() {
    let run = reader().run(Argument::Generic(b"fees"), &inputs()).unwrap();
    assert_eq!(run.answer(), Some(b"".as_slice()));
    let absent = reader().run(Argument::Generic(b"fees"), &Inputs::default()).unwrap();
    assert_ne!(run.transcript.head(), absent.transcript.head());
}

#[test]
fn replay_needs_the_transcript_alone() {
    let component = reader();
    let argument = Argument::Generic(b"blocks");
    let run = component.run(argument, &inputs()).unwrap();
    let record = Transcript::from_bytes(&run.transcript.to_bytes()).unwrap();
    assert_eq!(component.replay(argument, &record), Ok(run));
}

#[test]
fn replay_refuses_another_record() {
    let component = reader();
    let record =
        |name: &'static [u8]| component.run(Argument::Generic(name), &inputs()).unwrap().transcript;
    let diverged = |call| Err(RunError::Diverged(Diverged { call }));
    let replay = |record: &Transcript| component.replay(Argument::Generic(b"blocks"), record);
    // Another name, at the first call.
    assert_eq!(replay(&record(b"fees")), diverged(0));
    // No call at all.
    assert_eq!(replay(&Transcript::default()), diverged(0));
    // Another function.
    let notes = compiled(World::Generic, NOTER);
    let notes = notes.run(Argument::Generic(b"ab"), &inputs()).unwrap().transcript;
    assert_eq!(replay(&notes), diverged(0));
    // A call that is not made.
    let noter = compiled(World::Generic, NOTER);
    let longer = noter.run(Argument::Generic(b"aaa"), &inputs()).unwrap().transcript;
    assert_eq!(noter.replay(Argument::Generic(b"aaa"), &longer).unwrap().transcript, longer);
    assert_eq!(noter.replay(Argument::Generic(b""), &longer), diverged(0));
}

#[test]
fn calls_are_counted_against_their_limit() {
    let component = sandbox(Limits { host_calls: 3, ..limits() })
        .compile(&bytes(World::Generic, NOTER))
        .unwrap();
    let run = |input| component.run(Argument::Generic(input), &inputs()).unwrap();
    assert!(run(b"abc").answer().is_some());
    let over = run(b"abcd");
    assert_eq!(over.outcome, Outcome::Trap(Trap::HostCalls));
    assert_eq!(over.transcript.calls().len(), 3);
}

#[test]
fn notes_and_names_are_held_to_their_limits() {
    let noter = sandbox(Limits { note_bytes: 5, ..limits() })
        .compile(&bytes(World::Generic, NOTER))
        .unwrap();
    let outcome = |component: &Component, input| {
        component.run(Argument::Generic(input), &inputs()).unwrap().outcome
    };
    assert!(matches!(outcome(&noter, b"abcde"), Outcome::Answer(_)));
    assert_eq!(outcome(&noter, b"abcdef"), Outcome::Trap(Trap::NoteTooLong));
    let reader = sandbox(Limits { name_bytes: 5, ..limits() })
        .compile(&bytes(World::Generic, READER))
        .unwrap();
    assert!(matches!(outcome(&reader, b"block"), Outcome::Failure(_)));
    assert_eq!(outcome(&reader, b"blocks"), Outcome::Trap(Trap::NameTooLong));
}

#[test]
fn what_the_host_does_costs_fuel() {
    let fuel = |bytes: usize| {
        let inputs = Inputs::new([("x", vec![1; bytes])]).unwrap();
        reader().run(Argument::Generic(b"x"), &inputs).unwrap().fuel
    };
    assert_eq!(fuel(60_000) - fuel(50_000), 10_000);
}

#[test]
fn host_work_ends_with_the_fuel() {
    let component = sandbox(Limits { fuel: 50_000, ..limits() })
        .compile(&bytes(World::Generic, READER))
        .unwrap();
    let inputs = Inputs::new([("x", vec![1; 60_000])]).unwrap();
    let run = component.run(Argument::Generic(b"x"), &inputs).unwrap();
    assert_eq!(run.outcome, Outcome::Trap(Trap::OutOfFuel));
    assert_eq!(run.fuel, 50_000);
    assert_eq!(run.transcript.calls(), []);
}

#[test]
fn inputs_of_one_name_are_refused() {
    assert_eq!(
        Inputs::new([("a", vec![1]), ("b", vec![]), ("a", vec![1])]),
        Err(InputsError::Duplicate { name: "a".to_owned() })
    );
}
