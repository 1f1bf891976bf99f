use std::sync::atomic::{AtomicU8, Ordering};

use chaos_agency::{Evidence, Kinds};
use chaos_governance::receipts::{Decision, EXTENSION};
use chaos_ledger::{NewEntry, OPERATOR, System};
use chaos_review::words::Tone;
use tempfile::TempDir;

use super::*;
use crate::proposing::Signer;

static NEXT: AtomicU8 = AtomicU8::new(1);

/// A log whose operator simulates, drafts and judges.
struct Log {
    _dir: TempDir,
    ledger: Ledger,
    operator: Signer,
}

fn change(parameter: &str, current: u128, proposed: u128) -> ParameterChange {
    ParameterChange { parameter: parameter.to_owned(), current, proposed }
}

impl Log {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let system = System {
            kinds: Kinds::new(&[EXTENSION]),
            now_ms: || 1_767_225_600_000,
            random: |bytes| {
                bytes.fill(NEXT.fetch_add(1, Ordering::Relaxed));
                Ok(())
            },
        };
        let password = Some("test".to_owned().into());
        let ledger = Ledger::open_or_create(dir.path(), password, None, system).unwrap();
        let operator = Signer::of(&ledger, OPERATOR).unwrap();
        Self { _dir: dir, ledger, operator }
    }

    fn record(&mut self, action: Action) -> Digest {
        let operator = &self.operator;
        let entry = NewEntry {
            agent: operator.did,
            keys: vec![&operator.key],
            parents: vec![],
            subjects: vec![],
            evidence: Evidence::None {},
            action,
        };
        self.ledger.record(entry).unwrap()
    }

    fn simulate(&mut self, chain: u64, changes: Vec<ParameterChange>) -> Digest {
        self.record(Action::of(&Simulate { chain: ChainId::evm(chain), changes, round: 1 }))
    }

    fn found(&self, write: ParameterWrite) -> StudiedWrite {
        StudiedWrite::new(write, Some(&Entries::read(&self.ledger).unwrap()))
    }
}

/// The gas limit of Ethereum is set to 60.
fn write(before: Option<u64>) -> ParameterWrite {
    ParameterWrite {
        registry: Address::ZERO,
        chain: "eip155:1".to_owned(),
        name: "gas-limit".to_owned(),
        before: before.map(U256::from),
        after: U256::from(60),
    }
}

fn lines(write: &StudiedWrite, tone: Tone) -> Vec<String> {
    let lines = StudiedWrite::lines(std::slice::from_ref(write)).into_iter();
    lines.filter(|line| line.tone == tone).map(|line| line.text.trim().to_owned()).collect()
}

#[test]
fn what_the_log_holds_about_that_very_change_is_found() {
    let mut log = Log::new();
    let simulated = log.simulate(1, vec![change("gas-limit", 45, 60)]);
    for (parameter, chain, proposed) in
        [("gas-limit", 1, 50), ("gas-limit", 10, 60), ("block-time", 1, 60)]
    {
        log.simulate(chain, vec![change(parameter, 45, proposed)]);
    }
    let drafted = log.record(Action::of(&Draft {
        title: "Raise the gas limit".to_owned(),
        chain: ChainId::evm(1),
        changes: vec![change("gas-limit", 45, 60)],
        rounds: 1,
        decision: Decision::Finalised {},
    }));
    log.record(Action::Verify(Verdict { receipt: simulated, failed: None, reexecuted: true }));

    let found = log.found(write(Some(45)));
    let studies = found.studies.as_deref().unwrap();
    assert_eq!(studies.iter().map(|it| it.receipt).collect::<Vec<_>>(), [simulated, drafted]);
    assert_eq!(studies.iter().map(|it| it.verdicts.len()).collect::<Vec<_>>(), [1, 0]);
    assert!(studies[0].verdicts[0].holds && studies[0].verdicts[0].reexecuted);
    assert_eq!(found.other_values, ["50"]);
    assert_eq!(receipts(std::slice::from_ref(&found)).len(), 2);
    assert_eq!(lines(&found, Tone::Bad), [""; 0]);
    let said = lines(&found, Tone::Plain);
    let begins = |with: &str| said.iter().any(|line| line.starts_with(with));
    assert!(begins("entry 1, operator simulated gas-limit 45 to 60 on eip155:1"), "{said:?}");
    assert!(begins("in the log, evidence none; claimed, not re-executed"), "{said:?}");
    assert!(begins(&format!("entry 6, operator judged receipt {simulated}, ran it")), "{said:?}");
}

#[test]
fn that_nothing_is_found_is_said_and_so_is_that_nothing_was_asked() {
    let mut log = Log::new();
    log.simulate(1, vec![change("gas-limit", 45, 50)]);
    let found = log.found(write(Some(45)));
    assert_eq!(found.studies, Some(vec![]));
    assert_eq!(lines(&found, Tone::Bad), ["no study of gas-limit = 60 in the log"]);
    let nobody_asked = StudiedWrite::new(write(Some(45)), None);
    assert_eq!(nobody_asked.studies, None);
    let said = lines(&nobody_asked, Tone::Bad);
    assert_eq!(said, ["no log is at hand: studies were not looked for"]);
}

#[test]
fn a_study_of_something_else_than_what_the_chain_has_is_called_out() {
    let mut log = Log::new();
    log.simulate(1, vec![change("gas-limit", 45, 60)]);
    let said = lines(&log.found(write(Some(50))), Tone::Bad);
    assert_eq!(said, ["it starts from 45, and the registry has 50"]);
    assert_eq!(lines(&log.found(write(None)), Tone::Bad), [""; 0]);
    log.simulate(1, vec![change("gas-limit", 50, 60), change("block-time", 12, 6)]);
    let said = lines(&log.found(write(Some(50))), Tone::Bad);
    assert_eq!(said[1..], ["together with other changes"]);
}

#[test]
fn a_name_that_only_looks_like_a_parameter_is_called_out() {
    for name in ["gas_limit", "gas\u{2010}limit", "Gas-limit"] {
        let found = Log::new().found(ParameterWrite { name: name.to_owned(), ..write(None) });
        let said = lines(&found, Tone::Bad);
        assert_eq!(said[0], "no simulation knows a parameter of this name", "{name}");
    }
}
