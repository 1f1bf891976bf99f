//! Which blocks are asked for next.

/// Blocks of the first page.
const FIRST_WIDTH: u64 = 50_000;

/// Pages that are given before a width is tried again that was refused.
const PATIENCE: u32 = 16;

/// Pages of a range of blocks, each as wide as the node seems to allow.
#[derive(Debug)]
pub(super) struct Pages {
    /// The first block that was not given yet; none after the last.
    next: Option<u64>,
    last: u64,
    width: u64,
    /// The width that was refused last, and how many pages are left until it is tried again.
    refused: Option<(u64, u32)>,
}

impl Pages {
    pub(super) fn new(first: u64, last: u64) -> Self {
        let next = (first <= last).then_some(first);
        Self { next, last, width: FIRST_WIDTH, refused: None }
    }

    /// The first and the last block of the page that is asked for now; none if all were given.
    pub(super) fn next(&self) -> Option<(u64, u64)> {
        self.next.map(|first| (first, self.last.min(first.saturating_add(self.width - 1))))
    }

    /// The page was given.
    pub(super) fn given(&mut self) {
        let Some((_, last)) = self.next() else { return };
        self.next = last.checked_add(1).filter(|next| *next <= self.last);
        let wider = self.width.saturating_mul(2);
        self.refused = match self.refused {
            Some((width, patience)) if wider >= width => {
                patience.checked_sub(1).map(|patience| (width, patience))
            }
            // Below what was refused there is room.
            refused => {
                self.width = wider;
                refused
            }
        };
    }

    /// The page was refused: half of it is asked for next. False if it was a single block.
    pub(super) fn refused(&mut self) -> bool {
        let Some((first, last)) = self.next() else { return false };
        let width = last - first + 1;
        if width == 1 {
            return false;
        }
        self.refused = Some((width, PATIENCE));
        self.width = width / 2;
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads a range from a node that refuses what `is_too_much` for it; the pages that it gave and the number
    /// of questions.
    fn read(
        first: u64,
        last: u64,
        is_too_much: impl Fn(u64, u64) -> bool,
    ) -> (Vec<(u64, u64)>, u32) {
        let (mut pages, mut given, mut asked) = (Pages::new(first, last), Vec::new(), 0);
        while let Some((first, last)) = pages.next() {
            asked += 1;
            if is_too_much(first, last) {
                if !pages.refused() {
                    break;
                }
            } else {
                given.push((first, last));
                pages.given();
            }
        }
        (given, asked)
    }

    fn ensure_gapless(given: &[(u64, u64)], first: u64, last: u64) {
        let mut next = first;
        for page in given {
            assert_eq!(page.0, next);
            assert!(page.1 >= page.0);
            next = page.1 + 1;
        }
        assert_eq!(next, last + 1);
    }

    proptest! {
        #[test]
        fn every_block_is_given_once_whatever_the_node_allows(
            first in 0..1_000_000_u64, blocks in 1..200_000_u64, allowed in 1..20_000_u64,
        ) {
            let last = first + blocks - 1;
            let (given, asked) = read(first, last, |first, last| last - first + 1 > allowed);
            ensure_gapless(&given, first, last);
            // Pages are at least a quarter of what is allowed.
            let fair = u32::try_from(blocks / allowed).unwrap();
            prop_assert!(asked <= 5 * fair + 40, "{asked} questions for {fair} pages");
        }

        #[test]
        fn every_block_is_given_once_where_events_lie_close(
            events in prop::collection::vec(0..5_000_u64, 0..300), allowed in 1..20_usize,
        ) {
            let within = |first, last| {
                events.iter().filter(|at| (first..=last).contains(*at)).count()
            };
            let most = (0..5_000).map(|at| within(at, at)).max().unwrap();
            let (given, _) = read(0, 4_999, |first, last| within(first, last) > allowed.max(most));
            ensure_gapless(&given, 0, 4_999);
        }
    }

    #[test]
    fn a_single_block_that_is_refused_ends_it() {
        let (given, asked) = read(0, 99, |first, last| (first..=last).contains(&64));
        assert_eq!(given.last().map(|page| page.1), Some(63));
        assert!(asked < 40, "{asked}");
    }

    #[test]
    fn no_block_is_asked_for_of_an_empty_range() {
        assert_eq!(Pages::new(1, 0).next(), None);
        let mut last = Pages::new(u64::MAX, u64::MAX);
        assert_eq!(last.next(), Some((u64::MAX, u64::MAX)));
        last.given();
        assert_eq!(last.next(), None);
    }
}
