use chaos_agency::action;
use chaos_sandbox::{Argument, Component, Inputs, Run};

use super::{Program, Ran};
use crate::{Error, sandbox};

/// A component and its inputs in, its answer out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunComponent<'a> {
    /// The component.
    pub(crate) component: &'a Component,
    /// What it is asked.
    pub(crate) argument: Argument<'a>,
    /// What it may read besides.
    pub(crate) inputs: &'a Inputs,
}

impl Program for RunComponent<'_> {
    const NAME: &'static str = "chaos-sandbox";
    type Output = Run;
    type Body = action::Run;

    fn run(self) -> Result<Ran<Run, action::Run>, Error> {
        let run = self.component.run(self.argument, self.inputs).map_err(Error::ComponentRun)?;
        let body =
            action::Run { execution: sandbox::execution(&run)?, answered: sandbox::answered(&run) };
        Ok(Ran { document: sandbox::output(&run)?, output: run, body })
    }
}
