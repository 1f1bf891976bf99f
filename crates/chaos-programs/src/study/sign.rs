//! The receipt of a study.

use chaos_agency::{Action, receipt::Product};
use chaos_ledger::{Ledger, NewEntry};
use chaos_types::Digest;

use super::Finished;
use crate::{
    Error,
    program::{Program as _, RunStudy},
    proposing::Signer,
    reexecution::STUDY,
    simulation::named,
};

impl Finished<'_> {
    /// Signs and logs the study, and gives the receipt. Its bundle holds the study file, so that whoever has the
    /// inputs repeats it.
    ///
    /// # Errors
    /// If the ledger refuses or fails.
    pub fn sign(&self, ledger: &mut Ledger, actor: &Signer) -> Result<Digest, Error> {
        let mut inputs = named(&self.ran.output.result.inputs);
        inputs.push(chaos_agency::receipt::Input {
            name: STUDY.to_owned(),
            digest: ledger.put_blob(self.file.text.as_bytes())?,
        });
        let output = ledger.put_blob(&self.ran.document)?;
        Ok(ledger.record(NewEntry {
            agent: actor.did,
            keys: vec![&actor.key],
            parents: vec![],
            subjects: vec![Product::new("result", output)],
            evidence: RunStudy::evidence(inputs, output),
            action: Action::of(&self.ran.body),
        })?)
    }
}
