//! Demand that waits: a queue of those who pay any price, and bins of those who wait for theirs.

use std::collections::VecDeque;

/// A bin of reservation prices is 1/32 of a doubling wide, 2.2 %: this shift of a Q32 logarithm.
const BIN_SHIFT: u32 = 27;

/// Bins up to a price of 2^72 wei and the widest spread above it.
const BINS: usize = 72 * 32 + 64;

/// Gas and the height at which it arrived, oldest first.
type Queue = VecDeque<(usize, u64)>;

/// Gas that arrives with reservation prices spread evenly over a range of bins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patient {
    pub(super) gas: u64,
    pub(super) low: usize,
    pub(super) high: usize,
}

/// The bin of a price given as log2 in Q32, rounded to nearest and held within the grid.
pub(super) fn bin(price_log2_q32: i64) -> usize {
    let index = price_log2_q32.saturating_add(1 << (BIN_SHIFT - 1)) >> BIN_SHIFT;
    usize::try_from(index).unwrap_or(0).min(BINS - 1)
}

/// Waiting demand.
#[derive(Debug)]
pub(super) struct Pool {
    urgent: Queue,
    /// One queue per reservation price; empty while nobody is patient.
    bins: Vec<Queue>,
    /// Every occupied bin lies in this range.
    occupied: std::ops::Range<usize>,
    /// Per height the bins that its patient demand went to, oldest first.
    cohorts: VecDeque<(usize, usize, usize)>,
    gas: u64,
}

impl Pool {
    pub(super) fn new(patient: bool) -> Self {
        Self {
            urgent: Queue::new(),
            bins: if patient { vec![Queue::new(); BINS] } else { Vec::new() },
            occupied: 0..0,
            cohorts: VecDeque::new(),
            gas: 0,
        }
    }

    /// All gas that waits.
    pub(super) const fn gas(&self) -> u64 {
        self.gas
    }

    pub(super) fn push_urgent(&mut self, height: usize, gas: u64) {
        if gas > 0 {
            self.urgent.push_back((height, gas));
            self.gas += gas;
        }
    }

    pub(super) fn push_patient(&mut self, height: usize, patient: Patient) {
        let Patient { gas, low, high } = patient;
        if gas == 0 {
            return;
        }
        let share = gas / (high - low + 1) as u64;
        let rest = gas - share * (high - low + 1) as u64;
        for index in low..=high {
            let gas = share + if index == low { rest } else { 0 };
            if gas > 0 {
                self.bins[index].push_back((height, gas));
            }
        }
        self.cohorts.push_back((height, low, high));
        self.occupied = if self.occupied.is_empty() {
            low..high + 1
        } else {
            self.occupied.start.min(low)..self.occupied.end.max(high + 1)
        };
        self.gas += gas;
    }

    /// Serves the urgent first come first served, then the patient whose price is met, the highest
    /// reservation price first. Returns the gas served; `served` sees each part and its arrival.
    pub(super) fn serve(
        &mut self,
        room: u64,
        price_bin: usize,
        mut served: impl FnMut(usize, u64),
    ) -> u64 {
        let mut left = room;
        take(&mut self.urgent, &mut left, &mut served);
        while left > 0 && !self.occupied.is_empty() && self.occupied.end > price_bin {
            let top = self.occupied.end - 1;
            take(&mut self.bins[top], &mut left, &mut served);
            if self.bins[top].is_empty() {
                self.occupied.end = top;
            }
        }
        self.gas -= room - left;
        room - left
    }

    /// Removes what arrived at this height or before and returns its gas.
    pub(super) fn expire(&mut self, last_height: usize) -> u64 {
        let mut expired = expire(&mut self.urgent, last_height);
        while let Some(&(height, low, high)) = self.cohorts.front()
            && height <= last_height
        {
            self.cohorts.pop_front();
            for queue in &mut self.bins[low..=high] {
                expired += expire(queue, last_height);
            }
        }
        self.gas -= expired;
        expired
    }

    /// Drops the patient with the lowest prices, as nodes do, and then the last of the urgent, until no
    /// more than this waits.
    pub(super) fn evict_above(&mut self, gas_max: u64) -> u64 {
        let mut left = self.gas.saturating_sub(gas_max);
        let asked = left;
        while left > 0 && !self.occupied.is_empty() {
            let bottom = self.occupied.start;
            take(&mut self.bins[bottom], &mut left, &mut |_, _| ());
            if self.bins[bottom].is_empty() {
                self.occupied.start += 1;
            }
        }
        while left > 0
            && let Some((_, gas)) = self.urgent.back_mut()
        {
            let part = left.min(*gas);
            left -= part;
            *gas -= part;
            if *gas == 0 {
                self.urgent.pop_back();
            }
        }
        self.gas -= asked - left;
        asked - left
    }
}

fn take(queue: &mut Queue, left: &mut u64, taken: &mut impl FnMut(usize, u64)) {
    while *left > 0
        && let Some((arrived, gas)) = queue.front_mut()
    {
        let part = (*left).min(*gas);
        taken(*arrived, part);
        *left -= part;
        *gas -= part;
        if *gas == 0 {
            queue.pop_front();
        }
    }
}

fn expire(queue: &mut Queue, last_height: usize) -> u64 {
    let mut expired = 0;
    while let Some((arrived, gas)) = queue.front()
        && *arrived <= last_height
    {
        expired += gas;
        queue.pop_front();
    }
    expired
}
