//! The rules, one function for each group. Every rule is tried, whatever the others say.

use chaos_types::Digest;

use super::{
    Workloads,
    document::{Acceptance, Choice, Document},
};
use crate::{
    AnchorClass, Appraisal, Claims, ReasonCode,
    appraise::{Decision, Rule, Verdict},
    claims::{DebugStatus, Flag, Measurements},
};

const SECONDS_PER_DAY: u64 = 86_400;

/// Holds claims against a document whose class is given by the type that it came from.
pub(super) fn appraise(
    (class, document, policy): (AnchorClass, &Document, Digest),
    claims: Claims,
    workloads: Option<&dyn Workloads>,
    at_s: u64,
) -> Appraisal {
    let mut decisions = Vec::with_capacity(Rule::ALL.len());
    decisions.push(decide(
        Rule::Clock,
        at_s >= claims.verified_at_s,
        ReasonCode::ClockSetBack,
        format!("{} or later", claims.verified_at_s),
        at_s.to_string(),
    ));
    decisions.push(decide(
        Rule::AnchorClass,
        claims.anchor_class == class,
        ReasonCode::AnchorClassRefused,
        class.to_string(),
        claims.anchor_class.to_string(),
    ));
    environment(&mut decisions, document, &claims);
    tcb(&mut decisions, document, &claims, at_s);
    platform(&mut decisions, document, &claims);
    collateral(&mut decisions, document, &claims, at_s);
    decisions.push(workload(document, &claims, workloads, at_s));
    Appraisal {
        claims,
        policy,
        at_s,
        accepts_any_workload: document.workloads.accept == Acceptance::Any,
        decisions,
    }
}

fn decide(
    rule: Rule,
    holds: bool,
    code: ReasonCode,
    expected: impl Into<String>,
    found: impl Into<String>,
) -> Decision {
    Decision {
        rule,
        verdict: if holds { Verdict::Passed } else { Verdict::Refused },
        code: (!holds).then_some(code),
        expected: expected.into(),
        found: found.into(),
    }
}

fn environment(decisions: &mut Vec<Decision>, document: &Document, claims: &Claims) {
    let tee_types: Vec<_> = document.tee_types.iter().map(|tee| tee.as_str()).collect();
    decisions.push(decide(
        Rule::TeeType,
        document.tee_types.contains(&claims.tee_type),
        ReasonCode::TeeTypeRefused,
        tee_types.join(" or "),
        claims.tee_type.as_str(),
    ));
    let rules = &document.environment;
    decisions.push(decide(
        Rule::Debug,
        claims.dbgstat == DebugStatus::DisabledSinceBoot || rules.debug == Choice::Accept,
        ReasonCode::DebugRefused,
        expected(rules.debug, DebugStatus::DisabledSinceBoot.as_str()),
        claims.dbgstat.as_str(),
    ));
    decisions.push(service_td(document, claims));
}

fn service_td(document: &Document, claims: &Claims) -> Decision {
    let listed = &document.environment.service_tds;
    let expected = format!("one of {} listed", listed.len());
    let td = match &claims.measurements {
        Measurements::Tdx(td) if td.records_service_tds() || td.service_tds().next().is_some() => {
            td
        }
        Measurements::Tdx(_) | Measurements::Sgx(_) => {
            return Decision {
                rule: Rule::ServiceTd,
                verdict: Verdict::NotApplicable,
                code: None,
                expected,
                found: "none bound".to_owned(),
            };
        }
    };
    let unlisted = td.service_tds().find(|hash| !listed.contains(hash));
    // service TDs can be bound after the start where the domain records them so; only an extended
    // body says which are bound now
    let hidden = td.records_service_tds() && td.service_tds_now().is_none();
    // a domain that records service TDs and has none yet can be given one right after its quote
    let open = td.records_service_tds() && td.service_tds().next().is_none();
    let holds = !hidden && !open && unlisted.is_none();
    let found = if hidden {
        "recorded, but not those bound now".to_owned()
    } else {
        unlisted
            .or_else(|| td.service_tds().next())
            .map_or_else(|| "none bound yet".to_owned(), ToString::to_string)
    };
    decide(Rule::ServiceTd, holds, ReasonCode::ServiceTdRefused, expected, found)
}

fn tcb(decisions: &mut Vec<Decision>, document: &Document, claims: &Claims, at_s: u64) {
    let rules = &document.tcb;
    let status = claims.tcb.attester_tcb_status;
    let grace_s = u64::from(rules.grace_days) * SECONDS_PER_DAY;
    let in_grace = status.is_out_of_date()
        && rules.grace_days > 0
        && [&claims.tcb.platform, &claims.tcb.qe]
            .into_iter()
            .filter(|level| level.status.is_out_of_date())
            .all(|level| level.date_s.saturating_add(grace_s) >= at_s);
    let statuses: Vec<_> = rules.statuses.iter().map(|status| status.as_str()).collect();
    let grace = match rules.grace_days {
        0 => String::new(),
        days => format!(", or out of date for {days} days"),
    };
    decisions.push(decide(
        Rule::TcbStatus,
        rules.statuses.contains(&status) || in_grace,
        ReasonCode::TcbStatusRefused,
        format!("{}{grace}", statuses.join(" or ")),
        status.as_str(),
    ));
    let advisories = &claims.tcb.attester_advisory_ids;
    let refused: Vec<_> = advisories
        .iter()
        .filter(|id| {
            rules.refused_advisories.iter().any(|refused| refused.eq_ignore_ascii_case(id))
        })
        .map(String::as_str)
        .collect();
    decisions.push(decide(
        Rule::Advisories,
        refused.is_empty(),
        ReasonCode::AdvisoryRefused,
        match rules.refused_advisories.len() {
            0 => "any".to_owned(),
            len => format!("none of {len} refused"),
        },
        match (refused.as_slice(), advisories.as_slice()) {
            ([], []) => "none".to_owned(),
            ([], all) => all.join(", "),
            (refused, _) => refused.join(", "),
        },
    ));
    let number = claims.collateral.tcb_evaluation_data_number;
    decisions.push(decide(
        Rule::EvaluationNumber,
        number >= rules.evaluation_number_min,
        ReasonCode::EvaluationNumberTooLow,
        format!("{} or more", rules.evaluation_number_min),
        number.to_string(),
    ));
}

fn platform(decisions: &mut Vec<Decision>, document: &Document, claims: &Claims) {
    let (rules, found) = (&document.platform, &claims.platform);
    for (rule, choice, flag, code) in [
        (Rule::Smt, rules.smt, found.smt_enabled, ReasonCode::SmtRefused),
        (
            Rule::DynamicPlatform,
            rules.dynamic_platform,
            found.dynamic_platform,
            ReasonCode::DynamicPlatformRefused,
        ),
        (Rule::CachedKeys, rules.cached_keys, found.cached_keys, ReasonCode::CachedKeysRefused),
    ] {
        decisions.push(decide(
            rule,
            choice == Choice::Accept || flag == Flag::False,
            code,
            expected(choice, Flag::False.as_str()),
            flag.as_str(),
        ));
    }
}

fn collateral(decisions: &mut Vec<Decision>, document: &Document, claims: &Claims, at_s: u64) {
    let (rules, dates) = (&document.collateral, &claims.collateral.dates);
    let crls = dates.pck_crl.issued_at_s.max(dates.root_ca_crl.issued_at_s);
    decisions.push(decide(
        Rule::CrlDates,
        crls <= at_s,
        ReasonCode::CrlFromFuture,
        format!("{at_s} or before"),
        crls.to_string(),
    ));
    let expiry = claims.collateral.earliest_expiration_s;
    decisions.push(decide(
        Rule::CollateralWindow,
        at_s <= expiry,
        ReasonCode::CollateralExpired,
        format!("{at_s} or later"),
        expiry.to_string(),
    ));
    let issued =
        [dates.tcb_info, dates.qe_identity, dates.pck_crl].map(|window| window.issued_at_s);
    let oldest = issued.into_iter().min().unwrap_or(0);
    let newest = issued.into_iter().max().unwrap_or(u64::MAX);
    let ages = [
        (
            Rule::CollateralAge,
            at_s.saturating_sub(oldest),
            rules.age_days_max,
            ReasonCode::CollateralTooOld,
        ),
        (
            Rule::RootCrlAge,
            at_s.saturating_sub(dates.root_ca_crl.issued_at_s),
            rules.root_crl_age_days_max,
            ReasonCode::CollateralTooOld,
        ),
        (
            Rule::CollateralSpread,
            newest - oldest,
            rules.spread_days_max,
            ReasonCode::CollateralMixedAge,
        ),
    ];
    for (rule, age_s, days_max, code) in ages {
        decisions.push(decide(
            rule,
            age_s <= u64::from(days_max) * SECONDS_PER_DAY,
            code,
            format!("{days_max} days or less"),
            days(age_s),
        ));
    }
}

fn workload(
    document: &Document,
    claims: &Claims,
    workloads: Option<&dyn Workloads>,
    at_s: u64,
) -> Decision {
    let rule = Rule::Workload;
    let id = &claims.workload_id;
    match (document.workloads.accept, workloads) {
        (Acceptance::Any, None) => Decision {
            rule,
            verdict: Verdict::NotApplicable,
            code: None,
            expected: "any".to_owned(),
            found: id.to_string(),
        },
        (Acceptance::Allowlist, None) => {
            decide(rule, false, ReasonCode::WorkloadNotAllowed, "an allowlist", "none given")
        }
        // Whoever gives a list means it, whatever the document would accept without one.
        (Acceptance::Any | Acceptance::Allowlist, Some(list)) => match list.ensure_active(id, at_s)
        {
            Ok(()) => {
                decide(rule, true, ReasonCode::WorkloadNotAllowed, list.about(), id.to_string())
            }
            Err(refusal) => decide(rule, false, refusal.code, list.about(), refusal.detail),
        },
    }
}

fn expected(choice: Choice, wanted: &str) -> String {
    match choice {
        Choice::Accept => "any".to_owned(),
        Choice::Refuse => wanted.to_owned(),
    }
}

/// Days and, below ten of them, tenths.
fn days(seconds: u64) -> String {
    let tenths = seconds / (SECONDS_PER_DAY / 10);
    if tenths < 100 {
        format!("{}.{} days", tenths / 10, tenths % 10)
    } else {
        format!("{} days", tenths / 10)
    }
}
