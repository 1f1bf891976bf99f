//! How a run can end.

use chaos_sandbox::{
    Answer, Argument, Failure, Inputs, Limits, Malformed, NotProvable, Outcome, RunError, Step,
    Trap, World,
};

use crate::component::{ECHO, bytes, compiled, ending, limits, sandbox, text};

const FOREVER: &str = "(func $task (param i32 i32) (result i32) (loop (br 0)) (unreachable))";

#[track_caller]
fn check_trap(body: &str, expect: Trap) {
    let fields = format!("(func $task (param i32 i32) (result i32) {body})");
    assert_eq!(ending(&fields, b""), Ok(Outcome::Trap(expect)));
}

#[test]
fn endless_loop_stops_at_the_fuel_limit_every_time() {
    let component = compiled(World::Generic, FOREVER);
    for _ in 0..3 {
        let run = component.run(Argument::Generic(b""), &Inputs::default()).unwrap();
        assert_eq!(run.outcome, Outcome::Trap(Trap::OutOfFuel));
        assert_eq!(run.fuel, limits().fuel);
    }
}

#[test]
fn endless_tail_calls_stop_at_the_fuel_limit() {
    let component = compiled(
        World::Generic,
        "(func $task (param i32 i32) (result i32) (return_call $task (local.get 1) (local.get 0)))",
    );
    let run = component.run(Argument::Generic(b""), &Inputs::default()).unwrap();
    assert_eq!(run.outcome, Outcome::Trap(Trap::OutOfFuel));
    assert_eq!(run.fuel, limits().fuel);
}

#[test]
fn fuel_limit_is_exact() {
    let spent = {
        let component = compiled(World::Generic, ECHO);
        component.run(Argument::Generic(b"abc"), &Inputs::default()).unwrap().fuel
    };
    for (fuel, answers) in [(spent - 1, false), (spent, false), (spent + 1, true)] {
        let component =
            sandbox(Limits { fuel, ..limits() }).compile(&bytes(World::Generic, ECHO)).unwrap();
        let run = component.run(Argument::Generic(b"abc"), &Inputs::default()).unwrap();
        assert_eq!(run.answer().is_some(), answers, "with {fuel} of {spent}");
        assert_eq!(run.fuel, fuel.min(spent));
    }
}

#[test]
fn endless_allocation_is_not_provable() {
    let fields = "(func $task (param i32 i32) (result i32)
        (loop (drop (memory.grow (i32.const 1))) (br 0)) (unreachable))";
    let Err(RunError::NotProvable(NotProvable::MemoryGrowth { bytes })) = ending(fields, b"")
    else {
        panic!("memory growth is not provable");
    };
    assert_eq!(bytes, limits().memory_bytes + 65_536);
}

#[test]
fn memory_grows_to_its_limit_and_no_further() {
    // There are two pages from the start.
    let pages = limits().memory_bytes / 65_536;
    let grow = |pages: u64| {
        let fields = format!(
            "(func $task (param i32 i32) (result i32)
               (drop (memory.grow (i32.const {pages}))) (i32.const 0))"
        );
        ending(&fields, b"")
    };
    assert!(matches!(grow(pages - 2), Ok(Outcome::Answer(_))));
    assert!(matches!(
        grow(pages - 1),
        Err(RunError::NotProvable(NotProvable::MemoryGrowth { .. }))
    ));
}

#[test]
fn memories_count_together() {
    // Two pages are the allocator's.
    let pages = limits().memory_bytes / 65_536 - 2;
    let run = |own: u64| {
        let own = format!(
            "(component (core module $own (memory {own})) (core instance (instantiate $own))"
        );
        let text = text(World::Score, ECHO).replacen("(component", &own, 1);
        let component = sandbox(limits()).compile(&wat::parse_str(text).unwrap()).unwrap();
        component.run(Argument::Score(b""), &Inputs::default()).map(|run| run.outcome)
    };
    assert!(matches!(run(pages), Ok(Outcome::Answer(_))));
    assert!(matches!(run(pages + 1), Err(RunError::NotProvable(NotProvable::MemoryGrowth { .. }))));
}

#[test]
fn component_of_too_many_instances_is_not_run() {
    let run = |instances: u64| {
        let text = text(World::Score, ECHO).replacen(
            "(component",
            &format!(
                "(component (core module $own) {}",
                "(core instance (instantiate $own))".repeat(usize::try_from(instances).unwrap())
            ),
            1,
        );
        let component = sandbox(limits()).compile(&wat::parse_str(text).unwrap()).unwrap();
        component.run(Argument::Score(b""), &Inputs::default()).map(|run| run.outcome)
    };
    // Two instances are the allocator and the code.
    assert!(matches!(run(limits().instances - 2), Ok(Outcome::Answer(_))));
    assert!(matches!(
        run(limits().instances - 1),
        Err(RunError::NotProvable(NotProvable::Host(_)))
    ));
}

#[test]
fn endless_table_growth_is_not_provable() {
    let fields = "(table $t 1 funcref)
        (func $task (param i32 i32) (result i32)
          (loop (drop (table.grow $t (ref.null func) (i32.const 1000))) (br 0)) (unreachable))";
    assert!(matches!(
        ending(fields, b""),
        Err(RunError::NotProvable(NotProvable::TableGrowth { .. }))
    ));
}

#[test]
fn endless_recursion_is_not_provable() {
    let fields = "(func $task (param i32 i32) (result i32)
        (i32.add (call $task (local.get 0) (local.get 1)) (i32.const 1)))";
    assert_eq!(ending(fields, b""), Err(RunError::NotProvable(NotProvable::StackOverflow)));
}

#[test]
fn traps_of_the_specification_are_runs() {
    check_trap("unreachable", Trap::Unreachable);
    check_trap("(i32.load (i32.const -1))", Trap::MemoryOutOfBounds);
    check_trap("(i32.div_u (i32.const 1) (i32.const 0))", Trap::DivisionByZero);
    check_trap("(i32.div_s (i32.const 0x80000000) (i32.const -1))", Trap::IntegerOverflow);
    check_trap("(i32.trunc_f32_s (f32.const nan))", Trap::Conversion);
    check_trap("(i32.trunc_f32_s (f32.const 1e30))", Trap::IntegerOverflow);
    check_trap(
        "(memory.fill (i32.const 0) (i32.const 0) (i32.const -1)) (i32.const 0)",
        Trap::OutOfFuel,
    );
    check_trap(
        "(memory.fill (i32.const 131000) (i32.const 0) (i32.const 500)) (i32.const 0)",
        Trap::MemoryOutOfBounds,
    );
}

#[test]
fn traps_of_tables_are_runs() {
    let call = |index: i32| {
        format!(
            "(table $t 2 funcref) (elem (table $t) (i32.const 1) func $task)
             (type $other (func (result i32)))
             (func $task (param i32 i32) (result i32)
               (call_indirect $t (type $other) (i32.const {index})))"
        )
    };
    for (index, trap) in [(0, Trap::EmptyElement), (1, Trap::CallType), (2, Trap::TableOutOfBounds)]
    {
        assert_eq!(ending(&call(index), b""), Ok(Outcome::Trap(trap)));
    }
}

#[test]
fn trap_in_a_start_function_is_a_run() {
    let fields = "(func $start unreachable) (start $start)
        (func $task (param i32 i32) (result i32) (i32.const 0))";
    assert_eq!(ending(fields, b""), Ok(Outcome::Trap(Trap::Unreachable)));
}

#[test]
fn failures_carry_their_text() {
    let failure = |case: u8| {
        format!(
            r#"(data (memory $memory) (i32.const 32) "seven expected, found six")
            (func $task (param i32 i32) (result i32)
              (i32.store8 (i32.const 0) (i32.const 1))
              (i32.store8 (i32.const 4) (i32.const {case}))
              (i32.store (i32.const 8) (i32.const 32))
              (i32.store (i32.const 12) (i32.const 25))
              (i32.const 0))"#
        )
    };
    let text = "seven expected, found six".to_owned();
    assert_eq!(ending(&failure(0), b""), Ok(Outcome::Failure(Failure::InvalidInput(text.clone()))));
    assert_eq!(ending(&failure(1), b""), Ok(Outcome::Failure(Failure::NoAnswer(text))));
}

#[test]
fn strategy_answers_with_both_parts() {
    // The next state is the event and the intents are the state.
    let component = compiled(
        World::Strategy,
        "(func $task (param i32 i32 i32 i32) (result i32)
           (i32.store (i32.const 4) (local.get 2))
           (i32.store (i32.const 8) (local.get 3))
           (i32.store (i32.const 12) (local.get 0))
           (i32.store (i32.const 16) (local.get 1))
           (i32.const 0))",
    );
    let argument = Argument::Strategy { state: b"calm", event: b"trade" };
    let run = component.run(argument, &Inputs::default()).unwrap();
    let step = Step { state: b"trade".to_vec(), intents: b"calm".to_vec() };
    assert_eq!(run.outcome, Outcome::Answer(Answer::Step(step)));
}

#[test]
fn argument_over_its_limit_is_refused_before_the_run() {
    let component = sandbox(Limits { argument_bytes: 4, ..limits() })
        .compile(&bytes(World::Strategy, STILL))
        .unwrap();
    let run = |state, event| {
        component
            .run(Argument::Strategy { state, event }, &Inputs::default())
            .map(|run| run.outcome)
    };
    assert!(run(b"ab", b"cd").is_ok());
    assert_eq!(run(b"abc", b"de"), Err(RunError::ArgumentTooLarge { bytes: 5, limit: 4 }));
}

const STILL: &str = "(func $task (param i32 i32 i32 i32) (result i32) (i32.const 0))";

#[test]
fn answer_over_its_limit_is_malformed() {
    let component = sandbox(Limits { answer_bytes: 5_000, ..limits() })
        .compile(&bytes(World::Generic, ECHO))
        .unwrap();
    let outcome = |len: usize| {
        let input = vec![7; len];
        component.run(Argument::Generic(&input), &Inputs::default()).unwrap().outcome
    };
    assert_eq!(outcome(5_000), Outcome::Answer(Answer::Bytes(vec![7; 5_000])));
    assert_eq!(outcome(5_001), Outcome::Malformed(Malformed::TooLarge));
    assert_eq!(outcome(60_000), Outcome::Malformed(Malformed::TooLarge));
}

#[test]
fn failure_over_its_limit_is_malformed() {
    let component = sandbox(Limits { failure_bytes: 10, ..limits() })
        .compile(&bytes(
            World::Generic,
            "(func $task (param i32 i32) (result i32)
               (i32.store8 (i32.const 0) (i32.const 1))
               (i32.store (i32.const 8) (local.get 0))
               (i32.store (i32.const 12) (local.get 1))
               (i32.const 0))",
        ))
        .unwrap();
    let outcome =
        |text: &[u8]| component.run(Argument::Generic(text), &Inputs::default()).unwrap().outcome;
    assert_eq!(
        outcome(b"0123456789"),
        Outcome::Failure(Failure::InvalidInput("0123456789".to_owned()))
    );
    assert_eq!(outcome(b"0123456789a"), Outcome::Malformed(Malformed::TooLarge));
}
