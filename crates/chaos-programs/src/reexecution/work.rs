//! What a program is given: the inputs that a receipt names, and where their bytes are found.

use std::{borrow::Cow, collections::BTreeSet};

use chaos_agency::receipt;
use chaos_types::{Rejection, canonical};
use chaos_verify::{Attachments, Fault};
use serde::{Serialize, de::DeserializeOwned};

use super::{Inputs, reject};
use crate::Progress;

/// The inputs of one receipt, and where those that a bundle lacks are looked for.
pub(super) struct Work<'a> {
    pub(super) named: Named<'a>,
    pub(super) inputs: &'a Inputs,
    pub(super) progress: &'a dyn Progress,
}

impl Work<'_> {
    /// The bytes of the input called `name`, from the bundle or from a file.
    pub(super) fn bytes(&self, name: &str) -> Result<Cow<'_, [u8]>, Rejection> {
        let input = self.named.input(name)?;
        match self.named.attachments.get(&input.digest) {
            Some(bytes) => Ok(Cow::Borrowed(bytes)),
            None => self.inputs.file(input).map(Cow::Owned),
        }
    }
}

/// The inputs that a receipt names, as far as its bundle holds them.
pub(super) struct Named<'a> {
    pub(super) inputs: &'a [receipt::Input],
    pub(super) attachments: &'a Attachments,
}

impl Named<'_> {
    /// Every input is one that the program reads, and none is named twice: whatever else a receipt
    /// listed would look as if it had been used.
    pub(super) fn ensure_inputs(&self, read: impl Fn(&str) -> bool) -> Result<(), Rejection> {
        let mut seen = BTreeSet::new();
        for input in self.inputs {
            if !read(&input.name) {
                return Err(reject(
                    Fault::InputUnexpected,
                    format!(
                        "the receipt names the input `{}`, which its program does not read",
                        input.name
                    ),
                ));
            }
            if !seen.insert(&input.name) {
                return Err(reject(
                    Fault::InputRepeated,
                    format!("the receipt names the input `{}` twice", input.name),
                ));
            }
        }
        Ok(())
    }

    /// The bytes of the input called `name`, from the bundle.
    pub(super) fn attached(&self, name: &str) -> Result<&[u8], Rejection> {
        let input = self.input(name)?;
        self.attachments.get(&input.digest).ok_or_else(|| {
            reject(
                Fault::InputMissing,
                format!("the bundle lacks input `{name}` ({})", input.digest),
            )
        })
    }

    pub(super) fn input(&self, name: &str) -> Result<&receipt::Input, Rejection> {
        self.inputs.iter().find(|input| input.name == name).ok_or_else(|| {
            reject(Fault::InputUnnamed, format!("the receipt names no input `{name}`"))
        })
    }

    /// The canonical document that is the input called `name`.
    pub(super) fn document<T: DeserializeOwned + Serialize>(
        &self,
        name: &str,
    ) -> Result<T, Rejection> {
        canonical::from_slice(self.attached(name)?)
            .map_err(|error| reject(Fault::InputMalformed, format!("{name}: {error}")))
    }
}
