//! Why to believe the receipt: who vouches for it, and what repeats.

use chaos_agency::{Action, Source, account::UNREGISTERED_ACCOUNTS, forks, receipt::Replay};
use chaos_types::{Check, Rejection};

use super::{Options, Trust, claim::Found, place::Case, several};
use crate::{
    Attachments, Fault,
    report::{Status, Trail},
    words::{Attested, Reexecuted},
};

impl Case<'_> {
    pub(super) fn check_attestation(
        &self,
        attachments: &Attachments,
        options: &Options<'_>,
        trail: &mut Trail,
    ) -> Result<(), Rejection> {
        let Some(attested) = self.receipt.evidence.attested() else {
            let detail = "the receipt claims no attestation";
            trail.ended(Check::Attestation, Status::NotApplicable, detail);
            return Ok(());
        };
        // What nobody appraised is no evidence, and is not reported as if it were.
        let Some(appraiser) = options.appraise else {
            let detail = "no verifier of quotes was given";
            trail.ended(Check::Attestation, Status::NotAppraised, detail);
            trail.words.attested = Attested::NotAppraised;
            return Ok(());
        };
        let (index, written_ms) = (self.stand.index, self.file.leaf().integrated_at_ms);
        let at_s = self.stand.corrections.effective_ms(index, written_ms) / 1000;
        let appraisal = appraiser.appraise(self.receipt, attested, attachments, at_s)?;
        let (status, word) = match appraisal.trust {
            Trust::Development => (Status::DevelopmentTrust, Attested::Development),
            Trust::Production => (Status::Passed, Attested::Production),
        };
        trail.ended(Check::Attestation, status, appraisal.detail);
        trail.words.attested = word;
        Ok(())
    }

    pub(super) fn check_evidence(
        &self,
        attachments: &Attachments,
        options: &Options<'_>,
        trail: &mut Trail,
    ) -> Result<(), Rejection> {
        if let Action::ReportFork(report) = &self.receipt.action {
            let proof = forks::read(report)?;
            // Anybody can name a log as he likes: it is its key.
            let detail = format!("{}, both signed by {}", proof.sentence(), proof.log());
            trail.passed(
                Check::Evidence,
                format!("re-executed: the proof in the receipt, which needs nothing else, shows that {detail}"),
            );
            trail.words.reexecuted = Reexecuted::Reexecuted;
            return Ok(());
        }
        let claim = self.check_claim(attachments, options, trail)?;
        let Some(replay) = self.receipt.evidence.replay() else {
            let class = self.receipt.evidence.class();
            let (status, detail) = match claim {
                Some(Found { status, detail }) => (status, detail),
                None => (Status::NotApplicable, "nothing to run again".to_owned()),
            };
            trail.ended(Check::Evidence, status, format!("class {class}, {detail}"));
            return Ok(());
        };
        let claim = claim.map(|claim| format!("; {}", claim.detail)).unwrap_or_default();
        let Some(reexecute) = options.reexecute else {
            self.say_what_could_be_run(replay, &claim, trail);
            return Ok(());
        };
        let Replay { program, output, .. } = replay;
        let found = reexecute.reexecute(self.receipt, self.stand.index, attachments)?;
        if found != *output {
            return Err(Rejection::new(
                Check::Evidence,
                Fault::OutputNotRepeated,
                format!("re-execution gave {found}, the receipt claims {output}"),
            ));
        }
        let (name, version) = (&program.name, &program.version);
        let claimed = self.claimed_inputs(trail);
        let detail =
            format!("re-executed with {name} {version}: same output {output}{claimed}{claim}");
        trail.passed(Check::Evidence, detail);
        trail.words.reexecuted = Reexecuted::Reexecuted;
        Ok(())
    }

    /// What the program read that the receipt alone does not place: repeating it shows nothing of that.
    fn claimed_inputs(&self, trail: &Trail) -> String {
        let chosen = trail.payees.iter().any(|payee| !payee.is_registered);
        let read = self.receipt.action.grounds().iter().filter(|ground| {
            ground.input.is_some() && (chosen || ground.what != UNREGISTERED_ACCOUNTS)
        });
        let claimed: Vec<_> = read
            .filter_map(|ground| match ground.source {
                Source::Chain => Some(format!("{} are not placed on a chain", ground.what)),
                Source::Signer => Some(format!("{} is the signer's choice", ground.what)),
                Source::Receipt | Source::Log | Source::Hardware => None,
            })
            .collect();
        if claimed.is_empty() { String::new() } else { format!("; {}", claimed.join("; ")) }
    }

    /// Nobody asked to run the program: what could be run, and whose word its inputs would be.
    fn say_what_could_be_run(&self, replay: &Replay, claim: &str, trail: &mut Trail) {
        let Replay { program, inputs, output } = replay;
        let named = format!(
            "{} {}, {}, output {output}",
            program.name,
            program.version,
            several(inputs.len(), "input")
        );
        let (status, word, detail) = if self.receipt.action.sums_up_the_log() {
            (
                Status::ClaimedNotRecomputed,
                Reexecuted::ClaimedNotRecomputed,
                format!("{named}; its inputs are the signer's summary of the log{claim}"),
            )
        } else {
            let detail = format!("{named}; not re-executed here{claim}");
            (Status::NotReexecuted, Reexecuted::NotReexecuted, detail)
        };
        trail.ended(Check::Evidence, status, detail);
        trail.words.reexecuted = word;
    }
}
