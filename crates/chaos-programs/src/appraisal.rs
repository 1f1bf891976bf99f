//! Judging the quotes behind attested receipts.

mod facts;

use chaos_agency::{
    Receipt,
    receipt::{Attested, Period},
};
use chaos_attestation::{
    Anchor, AnchorClass, Claims, Collateral, Policy, Quote, ReasonCode, Refusal, Verifier,
    Workloads,
    provide::{
        Development,
        development::{Seed, Window},
    },
};
use chaos_types::{Check, Digest, Rejection, Verified};
use chaos_verify::{Appraisal, Appraise, Attachments, Fault, Trust};

pub use self::facts::{Fact, facts};
use crate::enclave;

/// One quote covers a key for at most this long, in seconds: a day. What happened to the platform since
/// shows only in a new one.
const PERIOD_MAX_S: u64 = 24 * 3600;

/// Trust anchors, and the policy that quotes are held against.
#[expect(missing_debug_implementations, reason = "the workloads are whoever knows them")]
pub struct Appraiser {
    verifier: Verifier,
    /// Without one, each quote is held against the preset of its anchor's class, and the answer says
    /// which that was.
    policy: Option<Policy>,
    allowed: Option<Box<dyn Workloads>>,
}

/// The anchors that this program knows: Intel's, and that of the demo's public development seed.
pub fn known_anchors() -> Vec<Anchor> {
    vec![Anchor::intel(), Development::new(&Seed::well_known(), Window::of_day(0)).anchor()]
}

impl Appraiser {
    /// Without a policy, each quote is held against the preset of its own anchor's class.
    #[must_use]
    pub fn new(
        anchors: Vec<Anchor>,
        policy: Option<Policy>,
        allowed: Option<Box<dyn Workloads>>,
    ) -> Self {
        Self { verifier: Verifier::new(anchors), policy, allowed }
    }

    fn accept(
        &self,
        receipt: &Receipt,
        attested: &Attested,
        quote: &Quote,
        collateral: &[u8],
        at_s: u64,
    ) -> Result<Appraisal, Refusal> {
        let collateral = Collateral::parse(collateral)?;
        let claims = self.verifier.verify(quote, &collateral, at_s)?;
        let preset;
        let policy = match (&self.policy, claims.anchor_class) {
            (Some(policy), _) => policy,
            (None, AnchorClass::IntelProduction) => {
                preset = Policy::production();
                &preset
            }
            (None, AnchorClass::Development) => {
                preset = Policy::development();
                &preset
            }
        };
        policy.appraise(claims.clone(), self.allowed.as_deref(), at_s).ensure_accepted()?;
        let Attested { key, period, .. } = attested;
        enclave::report_data(key, &receipt.log, *period).ensure(&claims.report_data.0)?;
        ensure_within(*period, at_s)?;
        let trust = match claims.anchor_class {
            AnchorClass::IntelProduction => Trust::Production,
            AnchorClass::Development => Trust::Development,
        };
        Ok(Appraisal { trust, detail: found(attested, &claims, policy) })
    }
}

impl Appraise for Appraiser {
    /// Also holds that the quote binds the key to this log.
    fn appraise(
        &self,
        receipt: &Verified<Receipt>,
        attested: &Attested,
        attachments: &Attachments,
        at_s: u64,
    ) -> Result<Appraisal, Rejection> {
        let quote = Quote::parse(attached(attachments, "quote", &attested.quote)?)
            .map_err(|refusal| rejection(&refusal))?;
        if Digest::of(quote.bytes()) != attested.quote
            || quote.id().digest() != attested.evidence_id
        {
            return Err(Rejection::new(
                Check::Attestation,
                Fault::EvidenceOther,
                format!(
                    "the quote is evidence {}, the receipt names {}",
                    quote.id(),
                    attested.evidence_id
                ),
            ));
        }
        let bytes = attached(attachments, "collateral", &attested.collateral)?;
        self.accept(receipt, attested, &quote, bytes, at_s).map_err(|refusal| rejection(&refusal))
    }
}

/// What was found, in one sentence for people.
fn found(attested: &Attested, claims: &Claims, policy: &Policy) -> String {
    let trust = match claims.anchor_class {
        AnchorClass::IntelProduction => "hardware that Intel provisioned",
        AnchorClass::Development => "development trust, no hardware",
    };
    format!(
        "class attested: {} ({trust}), TCB {}, workload {}, key {}, component {}, fuel {}; by the {} policy",
        claims.anchor_class,
        claims.tcb.attester_tcb_status,
        claims.workload_id.digest().short(),
        attested.key.short(),
        attested.execution.code.component.short(),
        attested.execution.fuel,
        policy.anchor_class(),
    )
}

fn ensure_within(period: Period, at_s: u64) -> Result<(), Refusal> {
    let length_s = period.until_s.saturating_sub(period.from_s);
    if length_s > PERIOD_MAX_S {
        return Err(Refusal::new(
            ReasonCode::PeriodOver,
            format!("the key's period is {length_s} s long, at most {PERIOD_MAX_S} s count"),
        ));
    }
    if (period.from_s..period.until_s).contains(&at_s) {
        return Ok(());
    }
    Err(Refusal::new(
        ReasonCode::PeriodOver,
        format!(
            "the key may sign from {} until {}, logged at {at_s}",
            period.from_s, period.until_s
        ),
    ))
}

fn attached<'a>(
    attachments: &'a Attachments,
    what: &str,
    digest: &Digest,
) -> Result<&'a [u8], Rejection> {
    attachments.get(digest).ok_or_else(|| {
        Rejection::new(
            Check::Attestation,
            Fault::AttachmentMissing,
            format!("the bundle lacks the {what} {digest}"),
        )
    })
}

fn rejection(refusal: &Refusal) -> Rejection {
    Rejection::new(Check::Attestation, refusal.code, refusal.to_string())
}
