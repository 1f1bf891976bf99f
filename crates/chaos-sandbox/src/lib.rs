//! Execution of WebAssembly components that repeats itself: same code, same input, same bytes, same
//! fuel, on any machine.
//!
//! "This agent ran exactly this code on exactly these inputs" is worth something only if a stranger
//! can run it again and get the same. A [`Sandbox`] compiles a component and calls the one function
//! that its world exports; what comes back is a [`Run`]: the outcome, the fuel that was used, the
//! identity of the code and a hash-chained [`Transcript`] of everything the component asked its
//! host for.
//!
//! ```
//! use chaos_sandbox::{Argument, Configuration, Inputs, Sandbox};
//!
//! // A scorer that answers with the evidence it was given.
//! let component = wat::parse_str(r#"
//!     (component
//!       (import "chaoschain:agent/types@0.1.0" (instance $types
//!         (type $f (variant (case "invalid-input" string) (case "no-answer" string)))
//!         (export "failure" (type (eq $f)))))
//!       (alias export $types "failure" (type $failure))
//!       (core module $m
//!         (memory (export "memory") 1)
//!         (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
//!         (func (export "score") (param i32 i32) (result i32)
//!           (i32.store (i32.const 4) (local.get 0))
//!           (i32.store (i32.const 8) (local.get 1))
//!           i32.const 0))
//!       (core instance $i (instantiate $m))
//!       (func (export "score") (param "evidence" (list u8))
//!         (result (result (list u8) (error $failure)))
//!         (canon lift (core func $i "score") (memory (core memory $i "memory"))
//!           (realloc (core func $i "cabi_realloc")))))
//! "#)?;
//!
//! let sandbox = Sandbox::new(Configuration::default())?;
//! let scorer = sandbox.compile(&component)?;
//! let run = scorer.run(Argument::Score(b"{}"), &Inputs::default())?;
//! assert_eq!(run.answer(), Some(&b"{}"[..]));
//! assert_eq!(run, scorer.run(Argument::Score(b"{}"), &Inputs::default())?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Invariants: a component sees its argument and what it asks the host for, and nothing else, for
//! there is no clock, no randomness, no network, no file and no environment to import; every ending
//! that a [`Run`] can hold is one that a repeat gives again; whatever depends on the machine (stack,
//! memory, a fault of the host) is [`NotProvable`], an error and not a run; wall-clock time is part
//! of nothing; whatever a component sends is bounded by a named limit of its [`Configuration`].
//!
//! It refuses to know what a component computes, and to run one that imports anything but
//! `chaoschain:agent/host`. Beside an optional folder of compiled code it does no I/O.

mod code;
mod component;
pub mod configuration;
mod engine;
mod host;
mod outcome;
mod run;
mod transcript;
mod world;

pub use component::{Component, Diverged, Refused, RunError};
pub use configuration::{Configuration, Limits, Settings};
pub use engine::{COMPONENTS_CACHED_MAX, Sandbox};
pub use host::{Inputs, InputsError};
pub use outcome::{Answer, Failure, HostError, Malformed, NotProvable, Outcome, Step, Trap};
pub use run::{Record, RecordedOutcome, Run};
pub use transcript::{HostCall, Transcript, TranscriptError};
pub use world::{Argument, World};

/// The engine and its exact version, as a [`chaos_types::CodeIdentity`] names it.
pub const ENGINE: &str = "wasmtime 48.0.8";

/// The host interface and its version, as a [`chaos_types::CodeIdentity`] names it.
pub const INTERFACE: &str = "chaoschain:agent@0.1.0";
