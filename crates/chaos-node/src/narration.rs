//! What the agents do and how far long work is, as the program tells it.

use std::cell::RefCell;

use chaos_programs::{Narrator, Progress, Step};
use chaos_types::Digest;
use indicatif::ProgressBar;

use crate::output;

/// Prints the agents' steps as they come, and keeps them for the report.
#[derive(Debug, Default)]
pub(crate) struct Narration {
    pub(crate) steps: Vec<Step>,
    quiet: bool,
}

impl Narration {
    pub(crate) const fn new(quiet: bool) -> Self {
        Self { steps: Vec::new(), quiet }
    }

    pub(crate) fn tell(&mut self, agent: &str, text: impl Into<String>, receipt: Option<Digest>) {
        self.step(Step { agent: agent.to_owned(), text: text.into(), receipt });
    }
}

impl Narrator for Narration {
    fn step(&mut self, step: Step) {
        if !self.quiet {
            let id = step.receipt.map_or(String::new(), |id| format!("  receipt {}", id.short()));
            output::line(format_args!(
                "{:>3}  {:<11} {}{}",
                self.steps.len() + 1,
                step.agent,
                step.text,
                output::dim(&id)
            ));
        }
        self.steps.push(step);
    }
}

/// Progress bars and sentences on stderr.
#[derive(Debug, Default)]
pub(crate) struct Terminal(RefCell<Vec<ProgressBar>>);

impl Progress for Terminal {
    fn begin(&self, what: &str, steps: u64) {
        self.0.borrow_mut().push(output::progress(what, steps));
    }

    fn advance(&self, steps: u64) {
        if let Some(bar) = self.0.borrow().last() {
            bar.inc(steps);
        }
    }

    fn note(&self, text: &str) {
        if let Some(bar) = self.0.borrow().last() {
            output::beside(bar, text);
        }
    }

    fn end(&self) {
        if let Some(bar) = self.0.borrow_mut().pop() {
            bar.finish_and_clear();
        }
    }

    fn say(&self, text: &str) {
        output::say(text);
    }
}
