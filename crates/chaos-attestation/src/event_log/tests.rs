use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::Quote;

/// SHA-384 of 48 zero bytes and the digest of event type 0x08000001, name `app`, payload `01`, by
/// Python's hashlib.
const APP_RTMR3: &str = "51ae58ba3af98badb7f71df0b004f8386dd857c06b6b979a83f7e83d7887581bf5a30869bd7193065c85bcc70cea42fd";

impl EventLog {
    /// A log of run-time events alone, each a name and a payload.
    pub(crate) fn of_runtime(events: &[(&str, &[u8])]) -> Result<Self, Refusal> {
        ensure_at_most("events", events.len(), EVENTS_MAX)?;
        let events = (0..).zip(events).map(|(index, (name, payload))| {
            ensure_name(index, name)?;
            Ok(Event::Runtime { name: (*name).to_owned(), payload: payload.to_vec() })
        });
        Ok(Self { events: events.collect::<Result<_, Refusal>>()? })
    }

    /// The payload of the first run-time event of this name. Later ones can be by the workload
    /// itself; the first, if the system measures it before the workload starts, cannot.
    fn first_payload(&self, wanted: &str) -> Option<&[u8]> {
        self.events.iter().find_map(|event| match event {
            Event::Runtime { name, payload } if name == wanted => Some(payload.as_slice()),
            Event::Runtime { .. } | Event::Boot { .. } => None,
        })
    }
}

#[test]
fn one_runtime_event_extends_rtmr3_to_the_golden_value() {
    let log = EventLog::of_runtime(&[("app", &[1])]).unwrap();
    let [rtmr0, rtmr1, rtmr2, rtmr3] = log.replay();
    assert_eq!(hex::encode(rtmr3), APP_RTMR3);
    assert_eq!([rtmr0, rtmr1, rtmr2], [[0; 48]; 3]);
    assert_eq!(log.first_payload("app"), Some([1].as_slice()));
    assert_eq!(log.first_payload("other"), None);
}

#[track_caller]
fn check_refused(log: &Value, code: ReasonCode, part: &str) {
    let refusal = EventLog::parse(log.to_string().as_bytes()).unwrap_err();
    assert_eq!(refusal.code, code, "{refusal}");
    assert!(refusal.detail.contains(part), "{refusal}");
}

fn wire(imr: u64, event_type: u32, digest: &str, event: &str, payload: &str) -> Value {
    json!({"imr": imr, "event_type": event_type, "digest": digest, "event": event,
        "event_payload": payload})
}

#[test]
fn malformed_logs_are_refused() {
    let zeros = "00".repeat(48);
    let runtime = RUNTIME_EVENT_TYPE;
    let malformed = ReasonCode::MessageMalformed;
    check_refused(&json!({}), malformed, "event log");
    check_refused(&json!([1]), malformed, "event log");
    check_refused(&json!([wire(4, 1, &zeros, "", "")]), malformed, "expected register 0 to 3");
    check_refused(&json!([wire(0, 1, "", "", "")]), malformed, "a boot event has no digest");
    check_refused(&json!([wire(0, 1, "00", "", "")]), malformed, "not 96 hexadecimal digits");
    check_refused(&json!([wire(3, 1, &zeros, "", "")]), malformed, "run-time events only");
    check_refused(&json!([wire(2, runtime, "", "", "")]), malformed, "go to RTMR3");
    check_refused(&json!([wire(3, runtime, "", "a:b", "")]), malformed, "without a colon");
    check_refused(&json!([wire(3, runtime, "", "a", "0")]), malformed, "not hexadecimal");
    check_refused(&json!([wire(3, runtime, "", &"a".repeat(257), "")]), malformed, "256 bytes");
    let mut unknown = wire(0, 1, &zeros, "", "");
    unknown["extra"] = json!(1);
    check_refused(&json!([unknown]), malformed, "unknown field `extra`");
    check_refused(
        &json!([wire(3, runtime, &zeros, "a", "01")]),
        ReasonCode::EventLogMismatch,
        "another digest than its payload",
    );
}

#[test]
fn duplicate_keys_are_refused() {
    let text =
        r#"[{"imr":3,"imr":3,"event_type":134217729,"digest":"","event":"a","event_payload":""}]"#;
    assert_eq!(EventLog::parse(text.as_bytes()).unwrap_err().code, ReasonCode::MessageMalformed);
}

#[test]
fn oversized_logs_are_refused_before_they_are_parsed() {
    let refusal = EventLog::parse(&vec![b' '; EVENT_LOG_BYTES_MAX + 1]).unwrap_err();
    assert_eq!(refusal.code, ReasonCode::MessageTooLarge);
    let event = wire(3, RUNTIME_EVENT_TYPE, "", "a", "");
    check_refused(
        &json!(vec![event; EVENTS_MAX + 1]),
        ReasonCode::MessageTooLarge,
        "1025 events, the limit is 1024",
    );
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let payload = || prop::collection::vec(any::<u8>(), 0..40);
    let boot = (0_u8..3, 0_u32..100, prop::array::uniform32(any::<u8>()), payload()).prop_map(
        |(register, event_type, half, payload)| {
            let mut digest = [7; 48];
            digest[..32].copy_from_slice(&half);
            Event::Boot { register, event_type, digest, name: String::new(), payload }
        },
    );
    let runtime =
        ("[a-z-]{1,8}", payload()).prop_map(|(name, payload)| Event::Runtime { name, payload });
    prop::collection::vec(prop_oneof![boot, runtime], 1..12)
}

proptest! {
    #[test]
    fn a_log_reads_back_as_it_was_written(events in events()) {
        let log = EventLog { events };
        prop_assert_eq!(EventLog::parse(&log.to_json()).unwrap(), log);
    }

    #[test]
    fn a_log_with_an_event_changed_removed_or_added_does_not_replay(
        events in events(),
        index in any::<prop::sample::Index>(),
    ) {
        let log = EventLog { events };
        let rtmrs = log.replay();
        prop_assert_eq!(log.ensure_replays(&rtmrs), Ok(()));
        let index = index.index(log.events.len());
        let (mut changed, mut removed, mut added) = (log.clone(), log.clone(), log.clone());
        match &mut changed.events[index] {
            Event::Boot { digest, .. } => digest[0] ^= 1,
            Event::Runtime { payload, .. } => payload.push(0),
        }
        removed.events.remove(index);
        added.events.insert(index, log.events[index].clone());
        for other in [changed, removed, added] {
            let refusal = other.ensure_replays(&rtmrs).unwrap_err();
            prop_assert_eq!(refusal.code, ReasonCode::EventLogMismatch);
        }
    }
}

/// A real machine's quote and log, and the registers that the quote's bytes hold.
fn recorded(file: &str) -> Option<(EventLog, [[u8; 48]; 4])> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/attestation/dstack/");
    let Ok(text) = std::fs::read(format!("{folder}{file}")) else {
        eprintln!("skipped: ../shared/data is absent");
        return None;
    };
    let record: Value = serde_json::from_slice(&text).unwrap();
    let quote = hex::decode(record["quote"].as_str().unwrap()).unwrap();
    assert_eq!(Quote::parse(&quote).unwrap().version(), 4);
    let log = EventLog::parse(record["event_log"].as_str().unwrap().as_bytes()).unwrap();
    // RTMR0 is at 328 of the body, which follows a header of 48 bytes.
    let rtmrs = std::array::from_fn(|n| quote[376 + 48 * n..][..48].try_into().unwrap());
    Some((log, rtmrs))
}

#[test]
fn the_logs_of_real_machines_replay_to_their_quotes() {
    for (file, app_id) in [
        ("quote-report.json", "3763bc34552cf3a27ff71ad5f7a90471562a1a2d"),
        ("tdx-lite-getquote.json", "86b0e55f2fa8e4fb69d890f14f54d5612707646e"),
    ] {
        let Some((log, rtmrs)) = recorded(file) else { return };
        assert_eq!(log.ensure_replays(&rtmrs), Ok(()), "{file}");
        assert_eq!(log.first_payload("app-id").map(hex::encode).as_deref(), Some(app_id));
        let mut changed = log.clone();
        let Some(Event::Runtime { payload, .. }) = changed.events.last_mut() else { panic!() };
        payload.push(0);
        let refusal = changed.ensure_replays(&rtmrs).unwrap_err();
        assert_eq!(refusal.code, ReasonCode::EventLogMismatch);
        assert!(refusal.detail.starts_with("RTMR3"), "{refusal}");
    }
}
