//! From the TOML text to a checked studio.

mod check;
mod wire;

use chaos_types::{Digest, canonical};

use crate::{
    name::{ActionName, NameError, RoleName, TaskName},
    studio::Studio,
};

/// Definitions longer than this are refused before they are parsed, in bytes.
const DEFINITION_BYTES_MAX: usize = 256 << 10;

/// The version of the format that this crate reads.
const VERSION: i64 = 1;

/// Why a definition was refused; `key` is the dotted path of the key at fault.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionError {
    /// The text is longer than the limit.
    #[error("definition has {bytes} bytes, the limit is {DEFINITION_BYTES_MAX}")]
    TooLarge {
        /// Size of the text.
        bytes: usize,
    },
    /// The text is not TOML, or a key is unknown, missing, or of the wrong type.
    #[error("definition cannot be read")]
    Syntax(#[source] toml::de::Error),
    /// A value is not a name.
    #[error("`{key}` is not a name")]
    Name {
        /// Path of the key.
        key: String,
        /// What is wrong with it.
        #[source]
        source: NameError,
    },
    /// A value is outside what the key accepts.
    #[error("`{key}`: expected {expected}, found {found}")]
    Value {
        /// Path of the key.
        key: String,
        /// What would be accepted.
        expected: Expected,
        /// What stands there.
        found: String,
    },
    /// A list that needs entries is empty.
    #[error("`{key}` is empty, at least one entry is needed")]
    Empty {
        /// Path of the key.
        key: String,
    },
    /// An entry stands twice in a list.
    #[error("`{key}`: `{name}` stands there twice")]
    Duplicate {
        /// Path of the key.
        key: String,
        /// The entry.
        name: String,
    },
    /// The range of a parameter holds no value.
    #[error("`{key}`: min {min} is greater than max {max}")]
    EmptyRange {
        /// Path of the table.
        key: String,
        /// The lower end.
        min: u64,
        /// The upper end.
        max: u64,
    },
    /// A margin gives none or both of its forms.
    #[error("`{key}`: expected exactly one of `absolute` and `ppm`")]
    Margin {
        /// Path of the table.
        key: String,
    },
    /// A task names a role that is not defined.
    #[error("`{key}`: there is no role `{role}`")]
    UnknownRole {
        /// Path of the key.
        key: String,
        /// The role that was named.
        role: RoleName,
    },
    /// A task's role may not perform the task's action.
    #[error("`{key}`: role `{role}` may not perform `{action}`")]
    ActionNotPermitted {
        /// Path of the key.
        key: String,
        /// The role.
        role: RoleName,
        /// The action.
        action: ActionName,
    },
    /// A task depends on one that is not defined.
    #[error("`{key}`: there is no task `{task}`")]
    UnknownTask {
        /// Path of the key.
        key: String,
        /// The task that was named.
        task: TaskName,
    },
    /// Tasks wait for each other.
    #[error("`tasks`: these wait for each other: {}", list(tasks))]
    Cycle {
        /// The tasks that cannot start.
        tasks: Vec<TaskName>,
    },
    /// An objective or guard names a parameter that is not open to change.
    #[error("`{key}`: `policies.parameters` has no `{parameter}`")]
    UnknownParameter {
        /// Path of the key.
        key: String,
        /// The parameter that was named.
        parameter: String,
    },
    /// A parameter can be changed but no objective says what for.
    #[error("`policies.parameters.{parameter}`: no objective applies, so no change could succeed")]
    NoObjective {
        /// The parameter.
        parameter: String,
    },
    /// The definition cannot be hashed.
    #[error("definition has no canonical form")]
    Canonical(#[source] canonical::Error),
}

/// What a key accepts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Expected {
    /// An integer in a range, ends included.
    #[error("an integer from {min} to {max}")]
    Integer {
        /// Smallest value accepted.
        min: u64,
        /// Largest value accepted.
        max: u64,
    },
    /// One of a few words.
    #[error("one of {}", .0.join(", "))]
    OneOf(&'static [&'static str]),
    /// A text of limited length.
    #[error("1 to {bytes_max} bytes of text")]
    Text {
        /// Largest length.
        bytes_max: usize,
    },
    /// A list of limited length.
    #[error("at most {len_max} entries")]
    Entries {
        /// Largest length.
        len_max: usize,
    },
}

fn list(tasks: &[TaskName]) -> String {
    tasks.iter().map(TaskName::as_str).collect::<Vec<_>>().join(", ")
}

pub(crate) fn parse(text: &str) -> Result<Studio, DefinitionError> {
    if text.len() > DEFINITION_BYTES_MAX {
        return Err(DefinitionError::TooLarge { bytes: text.len() });
    }
    let wire: wire::Definition = toml::from_str(text).map_err(DefinitionError::Syntax)?;
    let bytes = canonical::to_vec(&wire).map_err(DefinitionError::Canonical)?;
    check::studio(wire, Digest::of(&bytes))
}

#[cfg(test)]
mod tests;
