//! Whether the log counts the receipt, by the rows that it commits to.

use chaos_agency::{Action, Key, Place, Rules, Shown, Stop, account::Payee};
use chaos_types::{Check, Did, Rejection};

use super::{Options, place::Case};
use crate::{
    Fault, StateBundle,
    report::{Status, Trail},
    words::Counted,
};

impl Case<'_> {
    /// Asks the log's own rules about the receipt, over the rows that the bundle shows under the root
    /// that the last entry states. Whatever the log commits to and a rule asks for has to be shown, and
    /// nothing else.
    ///
    /// What a rule asks for beyond that (whole ranges of the log, sums) is the word of the log's own fold,
    /// which counted the entry: there is no row that refuses it.
    pub(super) fn check_state(
        &self,
        bundle: &StateBundle,
        operator: Did,
        options: &Options<'_>,
        trail: &mut Trail,
    ) -> Result<(), Rejection> {
        let rules = Rules::new(operator, *self.kinds);
        let rows = self.rows(bundle, &rules)?;
        let index = self.stand.index;
        if let Some(code) = rows.refusal().map_err(stopped)? {
            return Err(reject(
                Fault::NotCountedByLog,
                format!("the log's state says that it refuses entry {index}: {code}"),
            ));
        }
        let beyond = self.ask_rules(&rules, &rows)?;
        if let Action::Pay(pay) = &self.receipt.action {
            trail.payees = match Payee::of(pay, &rows) {
                Err(Stop::NotShown { .. }) => Payee::said(pay),
                payees => payees.map_err(stopped)?,
            };
        }
        // They were read where the entries' times were held against each other.
        rows.corrections().map_err(stopped)?;
        if let Some(key) = rows.unasked() {
            return Err(reject(Fault::StateUnasked, format!("no rule asks for {key}")));
        }
        let shown = format!(
            "entry {index} counts by {} rows under the root that the last entry states{}",
            bundle.state.len(),
            beyond.as_ref().map_or_else(String::new, |key| format!(
                "; what the rules ask for beyond them ({}) is the log's word",
                key.kind()
            ))
        );
        let who = rows.standing(&self.receipt.agent).map(|(name, role)| format!("{name} ({role})"));
        let detail = match &who {
            Some(who) => format!("{who}, key valid; {shown}"),
            None => format!("registers itself, name and key were free; {shown}"),
        };
        trail.agent = who;
        if beyond.is_none() {
            trail.passed(Check::Agent, detail);
            trail.words.counted = Counted::Shown;
        } else {
            trail.ended(Check::Agent, Status::NotShown, detail);
            trail.words.counted = Counted::Stated;
        }
        self.fold_again(options, trail)
    }

    /// The rows, each proved under the root, in the order of their keys.
    fn rows(&self, bundle: &StateBundle, rules: &Rules) -> Result<Shown, Rejection> {
        let root = bundle.edge.leaf.state.ok_or_else(|| {
            reject(Fault::EdgeStatesNothing, "the last entry states no root".to_owned())
        })?;
        let mut rows = Shown::new(self.stand.index, self.receipt.id);
        let mut last: Option<Key> = None;
        for proof in &bundle.state {
            let (key, value) = proof.verify(&root)?;
            if let Some(last) = last.filter(|last| *last >= key) {
                let reason = format!("the row {key} comes after {last}");
                return Err(reject(Fault::StateOrder, reason));
            }
            // That the map lacks what it never holds says nothing.
            if !rules.commits(&key) {
                return Err(reject(Fault::StateUnasked, format!("no log commits to {key}")));
            }
            last = Some(key.clone());
            rows.insert(key, value);
        }
        for earlier in &bundle.earlier {
            rows.insert_place(earlier.leaf.receipt, earlier.index);
        }
        rows.insert_before(self.stand.inclusion.root_before());
        if rows.places().count() == bundle.earlier.len() {
            return Ok(rows);
        }
        Err(reject(Fault::StateOrder, "an earlier receipt is shown twice".to_owned()))
    }

    /// What the rules say; what they asked for that no proof can show, if anything.
    fn ask_rules(&self, rules: &Rules, rows: &Shown) -> Result<Option<Key>, Rejection> {
        match rules.admit(Place::at(self.stand.index), self.file.leaf(), self.receipt, rows) {
            // Nor does a log count an entry whose rows it does not hold.
            Ok(writes) => rows.ensure_written(rules, &writes).map(|()| None).map_err(stopped),
            Err(Stop::NotShown { key })
                if !rules.is_shown_by_proofs(&key) || rules.may_be_left_out(self.receipt, &key) =>
            {
                Ok(Some(key))
            }
            Err(stop) => Err(stopped(stop)),
        }
    }
}

fn stopped(stop: Stop) -> Rejection {
    match stop {
        Stop::Rejected(inner) if inner.check == Check::Agent => inner,
        Stop::Rejected(inner) => reject(inner.code, format!("{}: {}", inner.check, inner.reason)),
        Stop::NotShown { key } => {
            reject(Fault::StateNotShown, format!("the rules ask for {key}, which is not shown"))
        }
        Stop::Unreadable { key } | Stop::Foreign { key, .. } => {
            reject(Fault::StateUnreadable, format!("the row {key} is not what the fold writes"))
        }
    }
}

fn reject(code: impl Into<chaos_types::Code>, reason: String) -> Rejection {
    Rejection::new(Check::Agent, code, reason)
}
