//! What was measured into a trust domain's run-time registers, and in which order.

use chaos_types::canonical;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha384};

use crate::{ReasonCode, Refusal};

/// An event log is at most this long, in bytes of JSON: 128 KiB.
pub const EVENT_LOG_BYTES_MAX: usize = 128 << 10;
/// An event log holds at most this many events.
const EVENTS_MAX: usize = 1024;
/// An event's name is at most this long, in bytes.
const EVENT_NAME_BYTES_MAX: usize = 256;

/// The event type that [dstack](https://github.com/Dstack-TEE/dstack) gives to what runs after boot.
const RUNTIME_EVENT_TYPE: u32 = 0x0800_0001;
/// The register that such events are measured into: RTMR3.
const RUNTIME_REGISTER: u8 = 3;

/// One event of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Measured by the firmware or the boot loader, into RTMR0, RTMR1 or RTMR2. Only its digest is
    /// in the register: its name and its payload are what the log's writer says.
    Boot {
        /// The register, 0 to 2.
        register: u8,
        /// The type by the TCG's PC client profile.
        event_type: u32,
        /// What the register was extended with.
        digest: [u8; 48],
        /// A name, often empty.
        name: String,
        /// A description of what was measured, often left out.
        payload: Vec<u8>,
    },
    /// Measured by the system as it runs, into RTMR3. The register proves name and payload.
    Runtime {
        /// What happened, such as `compose-hash`; holds no colon.
        name: String,
        /// The measured content.
        payload: Vec<u8>,
    },
}

impl Event {
    const fn register(&self) -> u8 {
        match self {
            Self::Boot { register, .. } => *register,
            Self::Runtime { .. } => RUNTIME_REGISTER,
        }
    }

    /// What the register is extended with.
    fn digest(&self) -> [u8; 48] {
        match self {
            Self::Boot { digest, .. } => *digest,
            Self::Runtime { name, payload } => Sha384::new()
                .chain_update(RUNTIME_EVENT_TYPE.to_le_bytes())
                .chain_update(b":")
                .chain_update(name)
                .chain_update(b":")
                .chain_update(payload)
                .finalize()
                .into(),
        }
    }
}

/// What was measured into the run-time registers of a trust domain, in order.
///
/// A log proves nothing by itself. Once it replays to the registers of a verified quote, its
/// run-time events are as good as the quote.
///
/// RTMR3 takes run-time events and nothing else, so that no event can be hidden behind a bare digest;
/// and their names hold no colon, because the digest joins name and payload with one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventLog {
    events: Vec<Event>,
}

/// An event as dstack's guest agent writes it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    imr: u8,
    event_type: u32,
    /// Hexadecimal; empty where it follows from the payload.
    digest: String,
    event: String,
    /// Hexadecimal.
    event_payload: String,
}

impl EventLog {
    /// Reads the JSON list that dstack's guest agent gives with a quote.
    ///
    /// # Errors
    /// [`ReasonCode::MessageTooLarge`] above [`EVENT_LOG_BYTES_MAX`] or `EVENTS_MAX`,
    /// [`ReasonCode::MessageMalformed`] if it is no such list, or [`ReasonCode::EventLogMismatch`] if
    /// a run-time event states another digest than its payload has.
    pub fn parse(json: &[u8]) -> Result<Self, Refusal> {
        ensure_at_most("bytes", json.len(), EVENT_LOG_BYTES_MAX)?;
        let list = canonical::strict_value(json)
            .map_err(|error| malformed(format!("event log: {error}")))?;
        let list: Vec<Wire> = serde_json::from_value(list)
            .map_err(|error| malformed(format!("event log: {error}")))?;
        ensure_at_most("events", list.len(), EVENTS_MAX)?;
        let events = (0..).zip(list).map(|(index, wire)| event(index, wire));
        Ok(Self { events: events.collect::<Result<_, _>>()? })
    }

    /// The events in the order of measurement.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The values of RTMR0 to RTMR3 after these events: each extends its register to SHA-384 of the
    /// register's value and the event's digest, from zeros.
    #[must_use]
    pub fn replay(&self) -> [[u8; 48]; 4] {
        let mut registers = [[0; 48]; 4];
        for event in &self.events {
            let register = &mut registers[usize::from(event.register())];
            let extended = Sha384::new().chain_update(*register).chain_update(event.digest());
            *register = extended.finalize().into();
        }
        registers
    }

    /// Checks that the log explains the registers of a quote, all four.
    ///
    /// # Errors
    /// [`ReasonCode::EventLogMismatch`] with the first register that it does not explain.
    pub fn ensure_replays(&self, rtmrs: &[[u8; 48]; 4]) -> Result<(), Refusal> {
        for (register, (replayed, quoted)) in self.replay().iter().zip(rtmrs).enumerate() {
            if replayed != quoted {
                return Err(Refusal::new(
                    ReasonCode::EventLogMismatch,
                    format!(
                        "RTMR{register} replays to {}…, the quote has {}…",
                        hex::encode(&replayed[..8]),
                        hex::encode(&quoted[..8])
                    ),
                ));
            }
        }
        Ok(())
    }

    /// The log as JSON, each event with its digest.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let wire = |event: &Event| {
            let (event_type, name, payload) = match event {
                Event::Boot { event_type, name, payload, .. } => (*event_type, name, payload),
                Event::Runtime { name, payload } => (RUNTIME_EVENT_TYPE, name, payload),
            };
            Wire {
                imr: event.register(),
                event_type,
                digest: hex::encode(event.digest()),
                event: name.clone(),
                event_payload: hex::encode(payload),
            }
        };
        let list: Vec<_> = self.events.iter().map(wire).collect();
        serde_json::to_vec(&list).expect("numbers and texts write as JSON")
    }
}

fn event(index: usize, wire: Wire) -> Result<Event, Refusal> {
    let at = |what: &str| malformed(format!("event {index}: {what}"));
    ensure_name(index, &wire.event)?;
    let payload = hex::decode(&wire.event_payload).map_err(|_| at("payload is not hexadecimal"))?;
    let stated = match wire.digest.as_str() {
        "" => None,
        text => {
            let mut digest = [0; 48];
            hex::decode_to_slice(text, &mut digest)
                .map_err(|_| at("digest is not 96 hexadecimal digits"))?;
            Some(digest)
        }
    };
    let runtime = wire.event_type == RUNTIME_EVENT_TYPE;
    match wire.imr {
        RUNTIME_REGISTER if runtime => {
            let event = Event::Runtime { name: wire.event, payload };
            if stated.is_some_and(|stated| stated != event.digest()) {
                return Err(Refusal::new(
                    ReasonCode::EventLogMismatch,
                    format!("event {index}: states another digest than its payload has"),
                ));
            }
            Ok(event)
        }
        RUNTIME_REGISTER => Err(at("RTMR3 takes run-time events only")),
        0..RUNTIME_REGISTER if runtime => Err(at("run-time events go to RTMR3")),
        0..RUNTIME_REGISTER => Ok(Event::Boot {
            register: wire.imr,
            event_type: wire.event_type,
            digest: stated.ok_or_else(|| at("a boot event has no digest"))?,
            name: wire.event,
            payload,
        }),
        other => Err(at(&format!("expected register 0 to 3, found {other}"))),
    }
}

fn ensure_name(index: usize, name: &str) -> Result<(), Refusal> {
    if name.len() > EVENT_NAME_BYTES_MAX || name.contains(':') {
        return Err(malformed(format!(
            "event {index}: expected a name without a colon of at most {EVENT_NAME_BYTES_MAX} bytes"
        )));
    }
    Ok(())
}

fn ensure_at_most(unit: &str, found: usize, max: usize) -> Result<(), Refusal> {
    if found <= max {
        return Ok(());
    }
    let detail = format!("event log has {found} {unit}, the limit is {max}");
    Err(Refusal::new(ReasonCode::MessageTooLarge, detail))
}

fn malformed(detail: String) -> Refusal {
    Refusal::new(ReasonCode::MessageMalformed, detail)
}

#[cfg(test)]
mod tests;
