//! How much code there is, before a compiler sees it.

use wasmparser::{Parser, Payload};

use crate::{HostError, Limits, Refused};

/// Refuses bytes that no parser reads and code that would take too long to compile.
pub(crate) fn ensure_compilable(bytes: &[u8], limits: &Limits) -> Result<(), Refused> {
    let mut functions: u64 = 0;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload {
            Ok(Payload::CodeSectionStart { count, .. }) => {
                functions = functions.saturating_add(u64::from(count));
                ensure("functions", functions, limits.functions)?;
            }
            Ok(Payload::CodeSectionEntry(body)) => {
                let range = body.range();
                let bytes = range.end.saturating_sub(range.start);
                ensure("bytes in one function", bytes, limits.function_bytes)?;
            }
            Ok(_) => {}
            Err(error) => return Err(Refused::Invalid(HostError::from_message(error.to_string()))),
        }
    }
    Ok(())
}

fn ensure(what: &'static str, found: u64, limit: u64) -> Result<(), Refused> {
    if found > limit { Err(Refused::TooMuchCode { what, found, limit }) } else { Ok(()) }
}
