//! The studio on real blocks.

#[cfg(test)]
mod real_blocks;
#[cfg(test)]
mod support;
