use chaos_types::{AgentKey, Digest};
use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    Evidence, Kinds, Views,
    action::{Profile, Verdict},
    receipt::Draft,
};

/// What happens next to a log: the clock is set, and an entry is taken in by it.
#[derive(Debug, Clone, Copy)]
struct Step {
    /// Seconds on the clock.
    clock_s: u64,
    what: What,
}

#[derive(Debug, Clone, Copy)]
enum What {
    /// Something is done.
    Act,
    /// The operator corrects the clock from so many entries before on.
    Correct { back: u64 },
    /// A stranger tries to.
    Meddle { back: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let what = prop_oneof![
        3 => Just(What::Act),
        3 => (0..12u64).prop_map(|back| What::Correct { back }),
        1 => (0..12u64).prop_map(|back| What::Meddle { back }),
    ];
    vec((0..40u64, what).prop_map(|(clock_s, what)| Step { clock_s, what }), 1..24)
}

fn key(byte: u8) -> AgentKey {
    AgentKey::from_seed(&[byte; 32])
}

fn sign(by: u8, number: u64, action: Action) -> Vec<u8> {
    let draft = Draft {
        log: key(9).did(),
        agent: key(by).did(),
        claimed_at_ms: number,
        parents: vec![],
        subjects: vec![],
        evidence: Evidence::None {},
        action,
    };
    draft.sign(&[&key(by)]).unwrap().to_bytes().unwrap()
}

fn register(by: u8, name: &str) -> Vec<u8> {
    let profile = Profile {
        name: name.to_owned(),
        role: "verifier".to_owned(),
        capabilities: vec!["verify".to_owned()],
        studio: "workshop".to_owned(),
    };
    sign(by, 0, Action::Register(profile))
}

/// A log, with the times as they were known before each of its entries.
struct Log {
    views: Views,
    known: Vec<Vec<Option<u64>>>,
}

impl Log {
    fn new() -> Self {
        let mut log = Self { views: Views::new(key(9).did(), Kinds::default()), known: Vec::new() };
        log.add(0, &register(9, "operator"), false);
        log.add(0, &register(1, "ada"), false);
        log
    }

    fn corrections(&self) -> Corrections {
        Corrections::read(self.views.state()).unwrap()
    }

    /// When each entry was taken in that counts, as the corrections before `place` say.
    fn known_at(&self, place: u64) -> Vec<Option<u64>> {
        let known = self.corrections();
        let until =
            Corrections(known.iter().filter(|known| known.index < place).copied().collect());
        let time = |index| {
            let action = crate::views::action(self.views.state(), index).unwrap()?;
            Some(until.effective_ms(index, action.integrated_at_ms))
        };
        (0..place).map(time).collect()
    }

    fn add(&mut self, clock_ms: u64, record: &[u8], corrects: bool) {
        let known = self.known_at(self.views.size());
        self.known.push(known);
        // As the log dates them.
        let at_ms =
            if corrects { clock_ms } else { clock_ms.max(self.views.last_integrated_at_ms()) };
        let leaf = Leaf::new(Digest::of(record), at_ms);
        let _refused = self.views.apply(&leaf.to_bytes(), record);
    }

    fn step(&mut self, step: Step) {
        let (size, clock_ms) = (self.views.size(), 1_000 * step.clock_s);
        let first = |back: u64| size.saturating_sub(back);
        let correct =
            |back| Action::CorrectTime(CorrectTime { first: first(back), true_ms: clock_ms });
        match step.what {
            What::Act => {
                let receipt = Digest::of(&size.to_be_bytes());
                let verdict = Verdict { receipt, failed: None, reexecuted: false };
                self.add(clock_ms, &sign(1, size, Action::Verify(verdict)), false);
            }
            What::Correct { back } => self.add(clock_ms, &sign(9, size, correct(back)), true),
            What::Meddle { back } => self.add(clock_ms, &sign(1, size, correct(back)), true),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever the clock said and whoever corrected it: as it is known at any place, no entry that counts
    /// was taken in before an earlier one.
    #[test]
    fn times_as_they_are_known_never_go_back(steps in steps()) {
        let mut log = Log::new();
        for step in steps {
            log.step(step);
            let times: Vec<u64> = log.known_at(log.views.size()).into_iter().flatten().collect();
            prop_assert!(times.is_sorted(), "{times:?}");
            // What follows takes no earlier time.
            prop_assert!(times.last().is_none_or(|last| *last <= log.views.last_integrated_at_ms()));
        }
    }

    /// What was known at a place is known of it for ever: a score of before a correction is that of after
    /// it.
    #[test]
    fn later_corrections_change_nothing_that_was_known_before_them(steps in steps()) {
        let mut log = Log::new();
        steps.into_iter().for_each(|step| log.step(step));
        for (place, known) in (0u64..).zip(&log.known) {
            prop_assert_eq!(&log.known_at(place), known);
        }
    }

    /// A correction takes times back, never forth.
    #[test]
    fn a_correction_dates_nothing_later(steps in steps()) {
        let mut log = Log::new();
        for step in steps {
            let before = log.known_at(log.views.size());
            log.step(step);
            let after = log.known_at(log.views.size());
            for (before, after) in before.into_iter().zip(after) {
                prop_assert!(after <= before, "{before:?} became {after:?}");
            }
        }
    }
}
