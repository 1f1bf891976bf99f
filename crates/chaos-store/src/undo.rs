/// What bytes were before, told by where they differ from what they became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Undo {
    /// How many bytes at the start stayed.
    pub(crate) front: usize,
    /// How many bytes at the end stayed.
    pub(crate) back: usize,
    /// What stood between them; nothing if there were no bytes at all.
    pub(crate) bytes: Option<Vec<u8>>,
}

/// An undo is of other bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Misfit;

impl Undo {
    pub(crate) fn between(old: Option<&[u8]>, new: Option<&[u8]>) -> Self {
        let Some(old) = old else { return Self { front: 0, back: 0, bytes: None } };
        let new = new.unwrap_or_default();
        let front = old.iter().zip(new).take_while(|(old, new)| old == new).count();
        let (old, new) = (&old[front..], &new[front..]);
        let back = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new);
        let back = back.count();
        Self { front, back, bytes: Some(old[..old.len() - back].to_vec()) }
    }

    pub(crate) fn apply(&self, new: Option<&[u8]>) -> Result<Option<Vec<u8>>, Misfit> {
        let Some(bytes) = &self.bytes else { return Ok(None) };
        let new = new.unwrap_or_default();
        let front = new.get(..self.front).ok_or(Misfit)?;
        let back = new[self.front..].len().checked_sub(self.back).ok_or(Misfit)?;
        Ok(Some([front, bytes, &new[self.front + back..]].concat()))
    }
}

#[cfg(test)]
mod tests;
