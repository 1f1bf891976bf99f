use std::collections::{BTreeMap, BTreeSet};

use crate::name::{ActionName, RoleName, TaskName};

/// One step of the studio's work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Name, unique in the studio.
    pub name: TaskName,
    /// Who does it.
    pub role: RoleName,
    /// The kind of action it is recorded as.
    pub action: ActionName,
    /// Tasks that must be finished before it starts.
    pub depends_on: BTreeSet<TaskName>,
    /// Its share of a reward pool, relative to the other tasks; at least 1.
    pub reward_weight: u64,
}

/// Puts tasks in an order in which each comes after all it depends on.
///
/// Ties keep the order of the definition, so the result is a function of the file alone.
///
/// # Errors
/// The names of the tasks that wait for each other, if there is a cycle.
pub(crate) fn in_order(tasks: &[Task]) -> Result<Vec<TaskName>, Vec<TaskName>> {
    let mut waiting: BTreeMap<usize, &Task> = tasks.iter().enumerate().collect();
    let mut done: BTreeSet<&TaskName> = BTreeSet::new();
    let mut order = Vec::with_capacity(tasks.len());
    while !waiting.is_empty() {
        let ready = waiting
            .iter()
            .find(|(_, task)| task.depends_on.iter().all(|name| done.contains(name)))
            .map(|(index, _)| *index);
        let Some(task) = ready.and_then(|index| waiting.remove(&index)) else {
            return Err(waiting.values().map(|task| task.name.clone()).collect());
        };
        done.insert(&task.name);
        order.push(task.name.clone());
    }
    Ok(order)
}

#[cfg(test)]
mod tests;
