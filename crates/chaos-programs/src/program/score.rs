use chaos_agency::action;
use chaos_reputation::{ScoreDocument, Table};
use chaos_types::{Digest, canonical};

use super::{Program, Ran};
use crate::Error;

/// Evidence in, a score table out.
#[derive(Debug, Clone)]
pub struct Score {
    /// The facts.
    pub document: ScoreDocument,
    /// How many entries the log had: the agent's word.
    pub log_size: u64,
}

impl Program for Score {
    const NAME: &'static str = "chaos-reputation";
    type Output = Table;
    type Body = action::Score;

    fn run(self) -> Result<Ran<Table, action::Score>, Error> {
        let table = self.document.score().map_err(Error::Scores)?;
        let document = canonical::to_vec(&table)?;
        let body = action::Score {
            model: table.model_id,
            as_of_ms: table.as_of_ms,
            log_size: self.log_size,
            table: Digest::of(&document),
        };
        Ok(Ran { output: table, document, body })
    }
}
