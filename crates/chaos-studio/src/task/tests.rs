use super::*;

fn task(name: &str, depends_on: &[&str]) -> Task {
    Task {
        name: name.parse().unwrap(),
        role: "researcher".parse().unwrap(),
        action: "analyse".parse().unwrap(),
        depends_on: depends_on.iter().map(|n| n.parse().unwrap()).collect(),
        reward_weight: 1,
    }
}

fn order(tasks: &[Task]) -> Result<Vec<String>, Vec<String>> {
    let text = |names: Vec<TaskName>| names.iter().map(ToString::to_string).collect();
    in_order(tasks).map(text).map_err(text)
}

#[test]
fn every_task_follows_what_it_depends_on() {
    let tasks = [task("c", &["a", "b"]), task("b", &["a"]), task("a", &[])];
    assert_eq!(order(&tasks), Ok(vec!["a".into(), "b".into(), "c".into()]));
}

#[test]
fn independent_tasks_keep_the_order_of_the_file() {
    let tasks = [task("z", &[]), task("m", &[]), task("a", &[])];
    assert_eq!(order(&tasks), Ok(vec!["z".into(), "m".into(), "a".into()]));
}

#[test]
fn cycle_is_reported_without_the_tasks_outside_it() {
    let tasks = [task("free", &[]), task("a", &["b"]), task("b", &["a"]), task("self", &["self"])];
    assert_eq!(order(&tasks), Err(vec!["a".into(), "b".into(), "self".into()]));
}
