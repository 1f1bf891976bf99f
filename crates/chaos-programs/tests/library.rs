//! The example is run as it stands.

#[path = "../examples/library.rs"]
#[expect(dead_code, reason = "its `main` is the example's own")]
mod library;

#[test]
fn libraries_register_study_and_verify_without_the_program()
-> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    library::run(folder.path())
}
