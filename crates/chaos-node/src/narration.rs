//! What the agents do and how far long work is, as the program tells it.

use std::{cell::RefCell, time::Duration};

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

/// Progress bars and sentences on stderr; where that is no terminal, a line at each tenth of a work if it is asked
/// for.
#[derive(Debug, Default)]
pub(crate) struct Terminal {
    bars: RefCell<Vec<ProgressBar>>,
    has_lines: bool,
}

impl Terminal {
    /// For work that takes minutes: with lines where no bar is seen.
    pub(crate) fn with_lines(asked: bool) -> Self {
        Self { bars: RefCell::default(), has_lines: asked && !output::is_talk_on_a_terminal() }
    }
}

/// What a line says of a work of which `done` of `all` steps are done, if that is a tenth more than before.
fn told(what: &str, (before, done, all): (u64, u64, u64), left: Duration) -> Option<String> {
    let tenth = |steps: u64| steps.saturating_mul(10) / all.max(1);
    if done <= before || tenth(done) == tenth(before) {
        return None;
    }
    let per_cent = done.saturating_mul(100) / all.max(1);
    let left = match left.as_secs() {
        _ if done >= all => String::new(),
        seconds if seconds < 90 => format!(", about {seconds} s left"),
        seconds => format!(", about {} min left", seconds.div_ceil(60)),
    };
    Some(format!("{what}: {done} of {all} ({per_cent} %){left}"))
}

impl Progress for Terminal {
    fn begin(&self, what: &str, steps: u64) {
        self.bars.borrow_mut().push(output::progress(what, steps));
    }

    fn advance(&self, steps: u64) {
        if let Some(bar) = self.bars.borrow().last() {
            let before = bar.position();
            bar.inc(steps);
            let steps = (before, bar.position(), bar.length().unwrap_or(0));
            let line = told(&bar.message(), steps, bar.eta());
            if let Some(line) = line.filter(|_| self.has_lines) {
                output::say(line);
            }
        }
    }

    fn note(&self, text: &str) {
        if let Some(bar) = self.bars.borrow().last() {
            output::beside(bar, text);
        }
    }

    fn end(&self) {
        if let Some(bar) = self.bars.borrow_mut().pop() {
            bar.finish_and_clear();
        }
    }

    fn say(&self, text: &str) {
        output::say(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_said_at_each_tenth_with_the_time_that_is_left() {
        let said = |before, done| told("cells", (before, done, 20), Duration::from_secs(100));
        assert_eq!(said(0, 1), None);
        assert_eq!(said(1, 2).unwrap(), "cells: 2 of 20 (10 %), about 2 min left");
        assert_eq!(said(2, 3), None);
        assert_eq!(said(19, 20).unwrap(), "cells: 20 of 20 (100 %)");
        // Nothing to do is no division by zero.
        assert_eq!(told("cells", (0, 0, 0), Duration::ZERO), None);
    }
}
