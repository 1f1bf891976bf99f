//! Deterministic execution of WebAssembly components.
