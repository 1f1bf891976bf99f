//! What can be told of a component before a compiler sees it: what it imports, and how much code
//! there is.

use wasmparser::{ComponentTypeRef, FunctionBody, Operator, Parser, Payload};

use crate::{HostError, Limits, Refused, component::short, host};

/// Refuses bytes that no parser reads, an import by a name that is not allowed, and code that would
/// take too long to compile.
pub(crate) fn ensure_compilable(bytes: &[u8], limits: &Limits) -> Result<(), Refused> {
    let (mut functions, mut merges) = (0_u64, 0_u64);
    // The outermost component is at depth 1; what parts of it import from each other is their matter.
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(|error| invalid(&error))? {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(imports) if depth == 1 => {
                for import in imports {
                    let import = import.map_err(|error| invalid(&error))?;
                    let name = import.name.name;
                    let is_type = matches!(import.ty, ComponentTypeRef::Type(_));
                    if !(is_type || [host::INTERFACE, host::TYPES].contains(&name)) {
                        return Err(Refused::ForbiddenImport { name: short(name) });
                    }
                }
            }
            Payload::CodeSectionStart { count, .. } => {
                functions = functions.saturating_add(u64::from(count));
                ensure("functions", functions, limits.functions)?;
            }
            Payload::CodeSectionEntry(body) => {
                let range = body.range();
                let bytes = u64::try_from(range.end.saturating_sub(range.start));
                let bytes = bytes.unwrap_or(u64::MAX);
                ensure("bytes in one function", bytes, limits.function_bytes)?;
                merges = merges.saturating_add(merges_of(&body).map_err(|error| invalid(&error))?);
                ensure("merges of locals", merges, limits.merges)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Locals times blocks: a compiler looks at every local where paths meet, so that a few kilobytes of
/// empty loops over many locals would take it minutes and gigabytes.
fn merges_of(body: &FunctionBody<'_>) -> Result<u64, wasmparser::BinaryReaderError> {
    let mut locals: u64 = 0;
    for group in body.get_locals_reader()? {
        locals = locals.saturating_add(u64::from(group?.0));
    }
    let mut blocks: u64 = 0;
    for operator in body.get_operators_reader()? {
        if let Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } = operator? {
            blocks += 1;
        }
    }
    Ok(locals.saturating_mul(blocks))
}

fn invalid(error: &wasmparser::BinaryReaderError) -> Refused {
    Refused::Invalid(HostError::from_message(error.to_string()))
}

fn ensure(what: &'static str, found: u64, limit: u64) -> Result<(), Refused> {
    if found > limit { Err(Refused::TooMuchCode { what, found, limit }) } else { Ok(()) }
}
