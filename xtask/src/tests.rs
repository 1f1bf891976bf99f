use std::fs;

use super::*;

#[test]
fn a_demo_takes_the_first_folder_that_holds_none() {
    let parent = env::temp_dir().join(format!("xtask-demo-{}", std::process::id()));
    for (finished, next) in [
        ("", "demo-out"),
        ("demo-out/data", "demo-out"),
        ("demo-out/bundles", "demo-out-2"),
        ("demo-out-2/bundles", "demo-out-3"),
    ] {
        fs::create_dir_all(parent.join(finished)).expect("the temporary folder takes folders");
        assert_eq!(demo_folder(&parent), next, "after {finished}");
    }
    fs::remove_dir_all(parent).expect("what was made can be removed");
}
