//! What was found, for scripts and for people.

use chaos_agency::{Action, Receipt, account::Payee};
use chaos_api::KeptAlarm;
use chaos_programs::figures;
use chaos_types::{Check, Rejection};
use chaos_verify::{
    Outcome, ProvedFork, Report, Said, Status,
    words::{Anchored, Attested},
};
use serde_json::{Value, json};

use super::{Checked, Content, Forked, Found, Kept};
use crate::{
    exit::Failure,
    output::{self, Painted},
};

/// One line of JSON, or a paragraph.
pub(super) fn one(found: &Found, as_json: bool) -> Result<(), Failure> {
    if as_json {
        return output::json(&match &found.content {
            Ok(Content::Bundle(checked)) => to_json(&found.name, checked),
            Ok(Content::Fork(forked)) => fork_to_json(&found.name, forked),
            Ok(Content::Alarm(alarm)) => json!({
                "file": found.name,
                "verdict": "alarm",
                "alarm": alarm.alarm,
                "log": alarm.log,
                "detail": alarm.detail,
                "proof": alarm.proof,
            }),
            Err(failure) => json!({
                "file": found.name,
                "verdict": "unread",
                "error": failure.to_string(),
            }),
        });
    }
    match &found.content {
        Ok(Content::Bundle(checked)) => for_people(&found.name, checked),
        Ok(Content::Fork(forked)) => fork_for_people(&found.name, forked),
        Ok(Content::Alarm(alarm)) => alarm_for_people(&found.name, alarm),
        Err(failure) => {
            let _code = failure.report();
        }
    }
    Ok(())
}

/// How many bundles ended how.
pub(super) fn sum(found: &[Found]) {
    let count = |is: fn(&&Found) -> bool| found.iter().filter(is).count();
    let (accepted, refused) = (count(|f| f.is_accepted()), count(|f| f.is_refused()));
    let (forks, retired) = (count(|f| f.is_fork()), count(|f| f.is_about_a_retired_key()));
    let lacking = count(|f| f.lacks_an_input());
    let behind = count(|f| f.is_not_compared());
    let alarms = count(|f| f.is_alarm());
    let unread = found.len() - accepted - refused - forks - lacking - behind - alarms;
    let behind = if behind == 0 { String::new() } else { format!(", {behind} not compared") };
    let lacking = if lacking == 0 { String::new() } else { format!(", {lacking} not re-executed") };
    let forked = match forks - retired {
        0 => String::new(),
        forked => {
            format!(", {}", output::count(forked as u64, "proof of a fork", "proofs of a fork"))
        }
    };
    let retired =
        if retired == 0 { String::new() } else { format!(", {retired} about a retired key") };
    let alarms = match alarms {
        0 => String::new(),
        alarms => format!(", {} not verified", output::count(alarms as u64, "alarm", "alarms")),
    };
    let unread = if unread == 0 { String::new() } else { format!(", {unread} not read") };
    output::sentence(format_args!(
        "{accepted} accepted, {refused} rejected{lacking}{behind}{forked}{retired}{alarms}{unread}"
    ));
}

fn to_json(name: &str, checked: &Checked) -> Value {
    let Checked { report, lacks, fork, .. } = checked;
    let receipt = report.result.as_ref().ok().map(|receipt| {
        json!({
            "id": receipt.id,
            "agent": receipt.agent,
            "kind": receipt.action.kind(),
            "says": sentence(receipt, report),
            "evidence": receipt.evidence.classes(),
            "anchor_class": class(report.words.attested),
        })
    });
    let lacks = lacks
        .iter()
        .map(|(name, lack)| json!({ "require": name, "code": lack.code, "detail": lack.reason }));
    let mut line = json!({
        "file": name,
        "verdict": checked.verdict().replace("not re-", "not_re").replace("not c", "not_c"),
        "words": report.words,
        "not_placed": report.not_placed,
        "nodes": report.said,
        "claim_nodes": report.claim_said,
        "payees": payees(report),
        "lacks": checked.is_asked().then(|| lacks.collect::<Vec<_>>()),
        "receipt": receipt,
        "checks": report.outcomes,
    });
    if let Some(Kept { proof, path }) = fork {
        let (kind, text) = (proof.kind(), proof.to_string());
        line["fork"] = json!({ "kind": kind, "proof": text, "file": path });
    }
    line
}

/// A proof that was made here, and where it is or how to keep it.
fn kept_for_people(kept: &Kept) {
    match &kept.path {
        Some(path) => {
            output::sentence(format_args!("            the proof is in {}", path.display()))
        }
        None => output::sentence(
            "            --keep-forks DIR writes the proof, which shows the fork to anybody",
        ),
    }
}

fn fork_to_json(name: &str, forked: &Result<Box<Forked>, Rejection>) -> Value {
    match forked.as_deref() {
        Ok(Forked { proof, root, retired_since, split }) => json!({
            "file": name,
            "verdict": if retired_since.is_some() { "retired_key" } else { "forked" },
            "retired_since": retired_since,
            "split": split,
            "kind": proof.kind(),
            "log": proof.log().to_string(),
            "root": root.to_string(),
            "says": proof.sentence_if_retired(*retired_since),
            "checkpoints":
                proof.checkpoints().iter().map(ToString::to_string).collect::<Vec<_>>(),
        }),
        Err(rejection) => json!({
            "file": name,
            "verdict": "rejected",
            "code": rejection.code,
            "detail": rejection.reason,
            "bundles_judged": false,
        }),
    }
}

fn fork_for_people(name: &str, forked: &Result<Box<Forked>, Rejection>) {
    output::sentence(output::bold(&output::one_line(name)));
    match forked.as_deref() {
        Ok(Forked { proof, root, retired_since, split }) => {
            let says = output::one_line(&proof.sentence_if_retired(*retired_since));
            match retired_since {
                None => output::sentence(format_args!("  {}  {says}", output::bad("forked"))),
                Some(index) => {
                    output::sentence(format_args!("  {}  {says}", output::bold("retired key")));
                    output::sentence(format_args!(
                        "          by a key retired since entry {index}: the owner's or a thief's. What later \
                         keys signed goes on from what the root key signed there"
                    ));
                }
            }
            if let Some(split) = split.as_ref().filter(|_| retired_since.is_some()) {
                let split = output::one_line(split);
                output::line(format_args!("  {}  {split}", output::bad("forked")));
            }
            let whose = match proof {
                ProvedFork::Trees(_) => "both signed by",
                ProvedFork::Signer(_) | ProvedFork::Places(_) => "in the log of",
            };
            output::sentence(format_args!("          {whose} {}", proof.log()));
            if root != proof.log() {
                output::sentence(format_args!(
                    "          which signs in the log of root key {root}"
                ));
            }
        }
        Err(rejection) => {
            let (reason, code) = (output::one_line(&rejection.reason), rejection.code);
            output::sentence(format_args!("  {}  {reason} ({code})", output::bad("rejected")));
            output::sentence(
                "            no bundle was judged by it: what its heads may show is not looked at",
            );
        }
    }
    output::sentence("");
}

/// What a monitor wrote down shows nothing by itself.
fn alarm_for_people(name: &str, alarm: &KeptAlarm) {
    output::sentence(output::bold(&output::one_line(name)));
    let KeptAlarm { alarm, detail, proof, .. } = alarm;
    let (alarm, detail) = (output::one_line(alarm), output::one_line(detail));
    output::sentence(format_args!(
        "  {}  {alarm}, as a monitor wrote it down: {detail}",
        output::bold("alarm")
    ));
    let shows = match proof {
        Some(proof) => format!("what shows it to anybody is {} beside it", output::one_line(proof)),
        None => "it is no bundle and no proof: nothing was verified".to_owned(),
    };
    output::sentence(format_args!("         {shows}"));
    output::line("");
}

/// Who is paid where, and what shows that the account is the payee's.
fn payees(report: &Report) -> Vec<Value> {
    let payees = report.payees.iter();
    payees
        .map(|Payee { agent, account, is_registered }| {
            let from = if *is_registered { "log" } else { "signer" };
            json!({ "agent": agent, "account": account, "account_from": from })
        })
        .collect()
}

const fn whose_word(is_registered: bool) -> &'static str {
    if is_registered {
        "registered in the log before the outcome, signed by the account"
    } else {
        "the signer's word"
    }
}

/// The class of the trust anchor behind an accepted quote.
const fn class(attested: Attested) -> Option<&'static str> {
    match attested {
        Attested::Production => Some("intel-production"),
        Attested::Development => Some("development"),
        Attested::NotAppraised | Attested::NotAttested => None,
    }
}

/// Who says what, with the figures.
fn sentence(receipt: &Receipt, report: &Report) -> String {
    let who = match (&receipt.action, &report.agent) {
        (Action::Register(_), _) | (_, None) => receipt.agent.to_string(),
        (_, Some(name)) => name.clone(),
    };
    let says = format!("{who} says it {}", receipt.action.sentence());
    match figures(receipt, &report.documents) {
        Some(figures) => format!("{says}; {figures}"),
        None => says,
    }
}

/// What the receipt says about a chain; an anchor is of the log's head and bears none of it out.
fn not_placed(report: &Report) -> String {
    let said = report.not_placed.join(", ");
    match report.words.anchored {
        Anchored::Anchored => format!("not placed: {said}; what is anchored is the log's head"),
        Anchored::NotPlaced | Anchored::NotAnchored => format!("not placed: {said}"),
    }
}

/// The mark of a status: `ok` stands before what was shown, and before nothing else.
fn mark(status: Status) -> Painted {
    match status {
        Status::Passed => output::good("ok  "),
        Status::Failed => output::bad("FAIL"),
        Status::OwnLog
        | Status::NotShown
        | Status::NotPlaced
        | Status::NotAppraised
        | Status::DevelopmentTrust
        | Status::NotReexecuted
        | Status::ClaimedNotRecomputed => output::bold("said"),
        Status::NotApplicable | Status::NotReached => output::dim("n/a "),
    }
}

fn for_people(name: &str, checked: &Checked) {
    let Checked { report, lacks, fork, .. } = checked;
    output::sentence(output::bold(&output::one_line(name)));
    for Outcome { check, status, detail, .. } in &report.outcomes {
        let detail = output::one_line(detail);
        output::sentence(format_args!("  {}  {:<11}  {detail}", mark(*status), check.to_string()));
        let said = match check {
            Check::Anchor => &report.said[..],
            Check::Evidence => &report.claim_said[..],
            _ => &[],
        };
        for Said { who, says, .. } in said {
            let line = output::one_line(&format!("{who} {says}"));
            output::sentence(format_args!("{:21}{line}", ""));
        }
    }
    match &report.result {
        Ok(receipt) => {
            let verdict = if checked.is_accepted() {
                output::good("accepted")
            } else {
                output::bad("rejected")
            };
            let says = output::one_line(&sentence(receipt, report));
            output::sentence(format_args!("  {verdict}  {says}"));
            output::sentence(format_args!("            {}", report.words));
            output::sentence(format_args!(
                "            {} {}, evidence {}",
                receipt.action.kind(),
                receipt.id,
                receipt.evidence.classes()
            ));
            if !report.not_placed.is_empty() {
                output::sentence(format_args!("            {}", not_placed(report)));
            }
            for Payee { agent, account, is_registered } in &report.payees {
                let word = whose_word(*is_registered);
                output::sentence(format_args!("            {account} is {agent}'s: {word}"));
            }
        }
        Err(rejection) => {
            let Rejection { check, code, .. } = rejection;
            let (lacks_an_input, verdict) = (report.lacks_an_input(), checked.verdict());
            if lacks_an_input {
                let word = output::bold("not re-executed");
                output::sentence(format_args!("  {word}  by {check} ({code})"));
            }
            if checked.is_not_compared() {
                output::sentence(format_args!("  {}  by {check} ({code})", output::bold(verdict)));
            } else if !lacks_an_input {
                output::sentence(format_args!("  {}  by {check} ({code})", output::bad(verdict)));
            } else if !checked.lacks_an_input() {
                output::sentence(format_args!("  {}  by what is required", output::bad(verdict)));
            }
            if let Some(kept) = fork {
                kept_for_people(kept);
            }
        }
    }
    for (name, lack) in lacks {
        output::sentence(format_args!("  --require {name}: {} ({})", lack.reason, lack.code));
    }
    output::sentence("");
}
