//! The studio on real blocks.

#[cfg(test)]
mod docs;
#[cfg(test)]
mod real_blocks;
#[cfg(test)]
mod support;
