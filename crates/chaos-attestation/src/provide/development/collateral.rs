use chaos_types::canonical;
use dcap_qvl::QuoteCollateralV3;
use serde_json::{Value, json};

use super::{
    FMSPC, Fault, PCE_ID, Scenario, Seed,
    pki::{COMPONENT_SVN, PCE_SVN, Pki, faulty_window, rfc3339},
    quote::{MODULE_SVN, MODULE_VERSION, QE_ATTRIBUTES, QE_PRODUCT, QE_SVN, qe_signer},
};

/// A TCB level that is current was published this long before the collateral, in seconds.
const CURRENT_LEVEL_AGE_S: u64 = 30 * 86_400;
/// A TCB level that is not current was published this long before the collateral, in seconds.
const OLD_LEVEL_AGE_S: u64 = 180 * 86_400;

/// The collateral for the scenario's platform.
pub(super) fn collateral(seed: &Seed, scenario: &Scenario, pki: &Pki) -> QuoteCollateralV3 {
    let tcb_info = spell(&tcb_info(scenario));
    let qe_identity = spell(&qe_identity(scenario));
    let sign = |fault: Fault, text: &str| {
        let stranger = || seed.key("stranger").sign_raw(text.as_bytes());
        let signer = || pki.signer.sign_raw(text.as_bytes());
        if scenario.has(fault) { stranger() } else { signer() }.to_vec()
    };
    QuoteCollateralV3 {
        pck_crl_issuer_chain: pki.platform_chain.clone(),
        root_ca_crl: pki.root_crl.clone(),
        pck_crl: pki.pck_crl.clone(),
        tcb_info_issuer_chain: pki.signer_chain.clone(),
        tcb_info_signature: sign(Fault::TcbInfoForged, &tcb_info),
        tcb_info,
        qe_identity_issuer_chain: pki.signer_chain.clone(),
        qe_identity_signature: sign(Fault::QeIdentityForged, &qe_identity),
        qe_identity,
        // The quote carries its own chain.
        pck_certificate_chain: None,
    }
}

/// One spelling, whatever order of keys the JSON library was built for.
fn spell(document: &Value) -> String {
    let bytes = canonical::to_vec(document).expect("integers and texts have a canonical form");
    String::from_utf8(bytes).expect("canonical JSON is UTF-8")
}

/// TCB info of version 3, [Intel's PCS, "Get TDX TCB
/// Info"](https://api.portal.trustedservices.intel.com/content/documentation.html).
fn tcb_info(scenario: &Scenario) -> Value {
    let mut window = faulty_window(scenario, Fault::TcbInfoExpired, Fault::TcbInfoFromFuture);
    if scenario.has(Fault::MixedAge) {
        window = window.begun_earlier();
    }
    let fmspc = if scenario.has(Fault::FmspcMismatch) { *b"OTHER!" } else { FMSPC };
    let old = rfc3339(scenario.window.issued_at_s.saturating_sub(OLD_LEVEL_AGE_S));
    let current = rfc3339(scenario.window.issued_at_s.saturating_sub(CURRENT_LEVEL_AGE_S));
    let module_level = |svn: u8, date: &str, status: &str, advisories: &[&str]| {
        json!({
            "tcb": {"isvsvn": svn},
            "tcbDate": date,
            "tcbStatus": status,
            "advisoryIDs": advisories,
        })
    };
    let module = json!({
        "mrsigner": hex::encode([0; 48]),
        "attributes": hex::encode([0; 8]),
        "attributesMask": hex::encode([0xff; 8]),
    });
    let mut identity = module.clone();
    identity["id"] = json!(format!("TDX_{MODULE_VERSION:02X}"));
    identity["tcbLevels"] = json!([
        module_level(MODULE_SVN, &current, "UpToDate", &[]),
        module_level(1, &old, "OutOfDate", &["DEV-SA-00005"]),
    ]);
    json!({
        "id": if scenario.has(Fault::SgxCollateral) { "SGX" } else { "TDX" },
        "version": 3,
        "issueDate": rfc3339(window.issued_at_s),
        "nextUpdate": rfc3339(window.expires_at_s),
        "fmspc": hex::encode_upper(fmspc),
        "pceId": hex::encode_upper(PCE_ID),
        "tcbType": 0,
        "tcbEvaluationDataNumber": scenario.evaluation_number,
        "tdxModule": module,
        "tdxModuleIdentities": [identity],
        "tcbLevels": tcb_levels(&current, &old),
    })
}

/// One level for each status, from the newest down, so that the platform's certificate selects.
fn tcb_levels(current: &str, old: &str) -> Vec<Value> {
    let levels: [(&str, &[&str], &str); 6] = [
        ("UpToDate", &[], current),
        ("SWHardeningNeeded", &["DEV-SA-00001"], current),
        ("ConfigurationNeeded", &["DEV-SA-00002"], current),
        ("OutOfDate", &["DEV-SA-00003"], old),
        ("OutOfDateConfigurationNeeded", &["DEV-SA-00004"], old),
        ("Revoked", &[], old),
    ];
    let components = |svn: u8| vec![json!({"svn": svn}); 16];
    (1..=COMPONENT_SVN)
        .rev()
        .zip(levels)
        .map(|(svn, (status, advisories, date))| {
            json!({
                "tcb": {
                    "sgxtcbcomponents": components(svn),
                    "pcesvn": PCE_SVN,
                    "tdxtcbcomponents": components(0),
                },
                "tcbDate": date,
                "tcbStatus": status,
                "advisoryIDs": advisories,
            })
        })
        .collect()
}

/// The identity of the quoting enclave, version 2.
fn qe_identity(scenario: &Scenario) -> Value {
    let window = faulty_window(scenario, Fault::QeIdentityExpired, Fault::QeIdentityFromFuture);
    let dated = |age_s: u64| rfc3339(scenario.window.issued_at_s.saturating_sub(age_s));
    json!({
        "id": "TD_QE",
        "version": 2,
        "issueDate": rfc3339(window.issued_at_s),
        "nextUpdate": rfc3339(window.expires_at_s),
        "tcbEvaluationDataNumber": scenario.evaluation_number,
        "miscselect": hex::encode([0; 4]),
        "miscselectMask": hex::encode([0xff; 4]),
        "attributes": hex::encode(QE_ATTRIBUTES),
        "attributesMask": "fbffffffffffffff0000000000000000",
        "mrsigner": hex::encode(qe_signer()),
        "isvprodid": QE_PRODUCT,
        "tcbLevels": [
            {
                "tcb": {"isvsvn": QE_SVN},
                "tcbDate": dated(CURRENT_LEVEL_AGE_S),
                "tcbStatus": "UpToDate",
                "advisoryIDs": [],
            },
            {
                "tcb": {"isvsvn": 1},
                "tcbDate": dated(OLD_LEVEL_AGE_S),
                "tcbStatus": "OutOfDate",
                "advisoryIDs": ["DEV-SA-00006"],
            },
        ],
    })
}
