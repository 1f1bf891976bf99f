use super::*;

#[test]
fn engine_has_the_listed_features_and_no_others() {
    let sandbox = Sandbox::new(Configuration::default()).unwrap();
    let mut names: Vec<&str> =
        sandbox.engine.get_wasm_features().iter_names().map(|(name, _)| name).collect();
    names.sort_unstable();
    assert_eq!(names, FEATURES);
}

#[test]
fn engine_is_set_as_the_configuration_says() {
    let sandbox = Sandbox::new(Configuration::default()).unwrap();
    let engine = &sandbox.engine;
    assert_eq!(engine.get_cranelift_nan_canonicalization(), Some(true));
    assert!(engine.get_consume_fuel());
    assert!(!engine.get_epoch_interruption());
    assert!(!engine.get_shared_memory());
    let stack_bytes = u64::try_from(engine.get_max_wasm_stack()).unwrap();
    assert_eq!(stack_bytes, sandbox.configuration().limits.stack_bytes);
}

#[test]
fn shelf_forgets_the_one_used_longest_ago() {
    let sandbox = Sandbox::new(Configuration::default()).unwrap();
    let component = |n: usize| {
        let text = format!(
            r#"(component $n{n}
              (type $v (variant (case "invalid-input" string) (case "no-answer" string)))
              (export $failure "failure" (type $v))
              (core module $m
                (memory (export "memory") 1)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
                (func (export "score") (param i32 i32) (result i32) (i32.const 0)))
              (core instance $i (instantiate $m))
              (func (export "score") (param "evidence" (list u8))
                (result (result (list u8) (error $failure)))
                (canon lift (core func $i "score") (memory (core memory $i "memory"))
                  (realloc (core func $i "realloc")))))"#
        );
        sandbox.compile(&wat::parse_str(text).unwrap()).unwrap()
    };
    let (first, second) = (component(0), component(1));
    let digest = |component: &Component| component.code().component;
    let third_of_bytes = COMPONENTS_CACHED_BYTES_MAX / 3;
    let mut shelf = Shelf::default();
    shelf.put(digest(&first), third_of_bytes, first.clone());
    shelf.put(digest(&second), third_of_bytes, second.clone());
    assert!(shelf.take(&digest(&first)).is_some());
    let third = component(2);
    shelf.put(digest(&third), third_of_bytes + 3, third.clone());
    assert!(shelf.take(&digest(&first)).is_some());
    assert!(shelf.take(&digest(&second)).is_none());
    assert!(shelf.take(&digest(&third)).is_some());
    assert_eq!(shelf.bytes, 2 * third_of_bytes + 3);
    // What is larger than the shelf is not kept, and takes nothing away.
    shelf.put(digest(&second), COMPONENTS_CACHED_BYTES_MAX + 1, second);
    assert_eq!(shelf.items.len(), 2);
}
