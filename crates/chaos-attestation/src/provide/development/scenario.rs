use std::collections::BTreeSet;

use sha2::{Digest as _, Sha384};

use crate::EventLog;

const DAY_S: u64 = 86_400;

/// When collateral was issued and until when it holds, in Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first second at which it holds.
    pub issued_at_s: u64,
    /// The last second at which it holds.
    pub expires_at_s: u64,
}

/// Collateral holds this long, as Intel's does.
const COLLATERAL_LIFE_S: u64 = 30 * DAY_S;

impl Window {
    /// Thirty days from the last midnight (UTC) before `at_s`, so that processes agree on the
    /// collateral of a day.
    #[must_use]
    pub const fn of_day(at_s: u64) -> Self {
        let issued_at_s = at_s - at_s % DAY_S;
        Self { issued_at_s, expires_at_s: issued_at_s + COLLATERAL_LIFE_S }
    }

    /// A window that was over before this one began.
    pub(super) const fn past(self) -> Self {
        let expires_at_s = self.issued_at_s.saturating_sub(DAY_S);
        Self { issued_at_s: expires_at_s.saturating_sub(COLLATERAL_LIFE_S), expires_at_s }
    }

    /// A window that begins when this one is over.
    pub(super) const fn future(self) -> Self {
        let issued_at_s = self.expires_at_s + DAY_S;
        Self { issued_at_s, expires_at_s: issued_at_s + COLLATERAL_LIFE_S }
    }

    /// This window begun twenty days earlier.
    pub(super) const fn begun_earlier(self) -> Self {
        Self {
            issued_at_s: self.issued_at_s.saturating_sub(20 * DAY_S),
            expires_at_s: self.expires_at_s,
        }
    }
}

/// The quote's version and the kind of its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Shape {
    /// Version 4 with a TD 1.0 body.
    #[default]
    V4,
    /// Version 5 with a TD 1.0 body.
    V5Td10,
    /// Version 5 with a TD 1.5 body.
    V5Td15,
}

impl Shape {
    /// All three.
    pub const ALL: [Self; 3] = [Self::V4, Self::V5Td10, Self::V5Td15];
}

/// What the simulated trust domain says it holds. It says whatever it is told to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The measurement of its initial memory.
    pub mrtd: [u8; 48],
    /// Its run-time registers, RTMR0 to RTMR3.
    pub rtmrs: [[u8; 48]; 4],
    /// The configuration that its owner gave.
    pub mr_config_id: [u8; 48],
    /// The hash of the service TDs bound to it; only a TD 1.5 body carries it.
    pub service_td: [u8; 48],
    /// The extended features in use, little-endian bits.
    pub xfam: [u8; 8],
    /// The TD's attributes, little-endian bits.
    pub attributes: [u8; 8],
    /// The event log that goes with the registers, handed out beside each quote.
    pub event_log: Option<Vec<u8>>,
}

impl Identity {
    /// A TD whose every measurement derives from a name, so that two names share none.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let measure = |what: &str| measurement(name, what);
        Self {
            mrtd: measure("mrtd"),
            rtmrs: ["rtmr0", "rtmr1", "rtmr2", "rtmr3"].map(measure),
            mr_config_id: measure("mrconfigid"),
            service_td: [0; 48],
            // x87, SSE, AVX, AVX-512, PKRU, AMX: what servers with TDX have.
            xfam: [0xe7, 0x02, 0x06, 0, 0, 0, 0, 0],
            // Bit 28, SEPT_VE_DISABLE, which every verifier requires.
            attributes: [0, 0, 0, 0x10, 0, 0, 0, 0],
            event_log: None,
        }
    }

    /// This TD with registers that a log replays to, and the log as evidence beside each quote.
    #[must_use]
    pub fn measuring(self, log: &EventLog) -> Self {
        Self { rtmrs: log.replay(), event_log: Some(log.to_json()), ..self }
    }
}

impl Default for Identity {
    fn default() -> Self {
        Self::named("demonstration")
    }
}

/// 48 bytes that stand for a measurement of the simulated machine.
pub(super) fn measurement(name: &str, what: &str) -> [u8; 48] {
    let mut hasher = Sha384::new();
    for part in ["chaoschain/development-measurement/v1", name, what] {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

macro_rules! faults {
    ($($(#[$doc:meta])* $variant:ident,)*) => {
        /// One thing that is wrong with evidence or its collateral, to show that it is found.
        ///
        /// The text says what the quote verification library answers at any time within the
        /// scenario's window.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fault {
            $($(#[$doc])* $variant,)*
        }

        impl Fault {
            /// Every fault.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];
        }
    };
}

faults! {
    /// The TD is under debug: `Debug mode is enabled`.
    DebugTd,
    /// The TD can be profiled by the host: `TD profiling is enabled`.
    ProfiledTd,
    /// The TD can migrate: `TD migration is enabled`.
    MigratableTd,
    /// SEPT_VE_DISABLE is not set: `SEPT_VE_DISABLE is not enabled`.
    SeptVeEnabled,
    /// A reserved attribute bit is set: `Reserved bits in TD attributes are set`.
    ReservedAttribute,
    /// A service TD is bound ([`Shape::V5Td15`] only): `Invalid MR service TD`.
    ServiceTd,
    /// The platform's certificate is on the revocation list: `CertRevoked`.
    PckRevoked,
    /// The platform CA is on the root's revocation list: `CertRevoked`.
    PlatformCaRevoked,
    /// The platform's certificate is past its end: `CertExpired`.
    PckExpired,
    /// The platform's certificate has not begun: `CertNotValidYet`.
    PckNotYetValid,
    /// Verifies as `SWHardeningNeeded` with advisory `DEV-SA-00001`.
    TcbSwHardeningNeeded,
    /// Verifies as `ConfigurationNeeded` with advisory `DEV-SA-00002`.
    TcbConfigurationNeeded,
    /// Verifies as `OutOfDate` with advisory `DEV-SA-00003`.
    TcbOutOfDate,
    /// Verifies as `OutOfDateConfigurationNeeded` with advisory `DEV-SA-00004`.
    TcbOutOfDateConfigurationNeeded,
    /// The platform's level is revoked: `TCB status is invalid: Revoked`.
    TcbRevoked,
    /// The platform is below every level: `No matching TCB level found`.
    TcbUnknown,
    /// Verifies as `OutOfDate` with advisory `DEV-SA-00005`: the TDX module is old.
    ModuleOutOfDate,
    /// Verifies as `TDRelaunchAdvised` ([`Shape::V5Td15`] only): launched under an old module.
    TdRelaunchAdvised,
    /// Verifies as `OutOfDate` with advisory `DEV-SA-00006`: the quoting enclave is old.
    QeOutOfDate,
    /// `TCBInfo expired`.
    TcbInfoExpired,
    /// `TCBInfo issue date is in the future`.
    TcbInfoFromFuture,
    /// `QE Identity expired`.
    QeIdentityExpired,
    /// `QE Identity issue date is in the future`.
    QeIdentityFromFuture,
    /// The root's revocation list is past its end: `CrlExpired`.
    RootCrlExpired,
    /// The platform CA's revocation list is past its end: `CrlExpired`.
    PckCrlExpired,
    /// Verifies, although the root's revocation list is dated after the window.
    RootCrlFromFuture,
    /// Verifies, although the platform CA's revocation list is dated after the window.
    PckCrlFromFuture,
    /// Verifies, although the TCB info was issued twenty days before the rest.
    MixedAge,
    /// The TCB info is of another platform: `Fmspc mismatch`.
    FmspcMismatch,
    /// The TCB info is for SGX: `TDX quote with non-TDX TCB info in the collateral`.
    SgxCollateral,
    /// The quoting enclave is by another signer: `QE MRSIGNER mismatch`.
    QeSignerMismatch,
    /// The quoting enclave's report is not signed by the platform's key: `Signature is invalid for
    /// qe_report in quote`.
    QeReportForged,
    /// The quoting enclave vouches for another key: `QE report hash mismatch`.
    AttestationKeyUnbound,
    /// A measurement was changed after signing: `ISV enclave report signature is invalid`.
    BodyTampered,
    /// Somebody else signed the TCB info: `Signature is invalid for tcb_info`.
    TcbInfoForged,
    /// Somebody else signed the quoting enclave's identity: `Signature is invalid for qe_identity`.
    QeIdentityForged,
    /// The platform CA signed the root's revocation list: `Failed to parse root CA CRL`.
    RootCrlForged,
    /// Verifies, on a platform with simultaneous multithreading.
    SmtEnabled,
    /// Verifies, on a platform that packages can be added to.
    DynamicPlatform,
    /// Verifies, on a platform whose keys are cached by the registration service.
    CachedKeys,
}

/// What to simulate: a trust domain on a platform, and the collateral for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// The quote's version and body.
    pub shape: Shape,
    /// The trust domain.
    pub identity: Identity,
    /// When the collateral holds.
    pub window: Window,
    /// The TCB evaluation data number of the collateral.
    pub evaluation_number: u32,
    /// What is wrong.
    pub faults: BTreeSet<Fault>,
}

impl Scenario {
    /// The demonstration TD in a version 4 quote, with nothing wrong.
    #[must_use]
    pub fn new(window: Window) -> Self {
        Self {
            shape: Shape::default(),
            identity: Identity::default(),
            window,
            evaluation_number: 1,
            faults: BTreeSet::new(),
        }
    }

    /// In this shape.
    #[must_use]
    pub fn shape(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    /// With this TD.
    #[must_use]
    pub fn identity(self, identity: Identity) -> Self {
        Self { identity, ..self }
    }

    /// With this fault beside those it has.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.insert(fault);
        self
    }

    /// Whether it has this fault.
    pub(super) fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }
}
