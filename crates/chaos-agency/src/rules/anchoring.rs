//! Declarations of where the log is anchored.

use super::reject;
use crate::{
    Declaration, Fault, Key, State, Stop, Writes, action::DeclareAnchoring,
    declaration::DECLARATIONS_MAX, state::AnchoringRow,
};

/// A declaration names another place than the one in force.
pub(super) fn admit(
    body: &DeclareAnchoring,
    index: u64,
    state: &dyn State,
    writes: &mut Writes,
) -> Result<(), Stop> {
    let (number, last) = Declaration::last(state, index)?;
    if let Some(last) = last.filter(|last| last.body == *body) {
        return Err(reject(
            Fault::DeclarationNeedless,
            format!("entry {} declares the same place", last.index),
        ));
    }
    if number == DECLARATIONS_MAX {
        return Err(reject(
            Fault::DeclarationsTooMany,
            format!("the log has declared where it is anchored {DECLARATIONS_MAX} times"),
        ));
    }
    let DeclareAnchoring { chain, contract, publisher } = body.clone();
    writes.put(Key::anchoring(number), &AnchoringRow { index, chain, contract, publisher });
    Ok(())
}
