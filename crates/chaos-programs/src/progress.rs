use chaos_types::Digest;

/// Where a program says how far it is and what it does. Nothing that is computed depends on it.
///
/// Calls come from one thread. Of the works that have begun, the one that began last goes on and
/// ends first; a work that fails never ends.
pub trait Progress {
    /// Work begins that has so many steps.
    fn begin(&self, what: &str, steps: u64);

    /// So many further steps of it are done.
    fn advance(&self, steps: u64);

    /// What there is to say of it beside the count, in the place of what was said before.
    fn note(&self, _text: &str) {}

    /// It is done.
    fn end(&self);

    /// A sentence for people.
    fn say(&self, text: &str);
}

/// What an agent does, as it does it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The agent's name.
    pub agent: String,
    /// What it does, in a clause that continues its name.
    pub text: String,
    /// The receipt of it, if it left one.
    pub receipt: Option<Digest>,
}

/// Where agents' steps go.
pub trait Narrator {
    /// One more step.
    fn step(&mut self, step: Step);
}

/// Says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _what: &str, _steps: u64) {}

    fn advance(&self, _steps: u64) {}

    fn end(&self) {}

    fn say(&self, _text: &str) {}
}

impl Narrator for Silent {
    fn step(&mut self, _step: Step) {}
}
