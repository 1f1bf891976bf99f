//! Demand for blobs, read off recorded blocks.
//!
//! Blobs per block in periods of [`PERIOD_BLOCKS`] answer to the price at the start of the period, which
//! is known before its demand is. What the price does not explain is a slow autoregression and noise of
//! single periods; both come from the residuals' autocovariances, which have one answer where a search
//! over likelihoods has several. The regression is weighted by that noise.

use chaos_parameters::fixed::{self, mul_q32};

use super::{
    curve::{Curve, SoftKink},
    path::{Market, PERIOD_BLOCKS, Slow, Step, generator},
};

/// Printed standard errors are two to four times too small, judged by weeks apart: nine times the
/// variance.
const ERROR_VARIANCE_FACTOR: i64 = 9;

/// Lags that the persistence of slow noise is read from: 40 minutes of 12-second blocks.
const LAGS: usize = 8;

/// Prices at which the curve may have its kink: a million wei, times 10^(1/3) each.
const KINKS: u32 = 16;

/// ln 10 / 3 in Q32, and ln of a million.
const KINK_STEP_Q32: i64 = 3_296_509_224;
const KINK_FIRST_Q32: i64 = 59_337_166_024;

/// Slope as a share of free-price demand before this chain's blocks say anything, and its deviation: 0.15
/// [0.10, 0.20], from 21 days before Pectra, corrected by refitting generated blocks.
const SLOPE_PRIOR_PPM: (i64, i64) = (150_000, 40_000);

/// Rounds of noise from residuals and a regression weighted by it.
const REWEIGHTINGS: usize = 3;

/// Generated histories that a fit's bias is read from, and rounds of doing so.
const REFITS: u32 = 8;
const REFIT_ROUNDS: u32 = 2;

/// Blobs per block in periods, and ln of the price at the start of each; Q32.
#[derive(Debug, Default)]
pub(super) struct Periods {
    pub(super) blobs: Vec<i64>,
    prices: Vec<i64>,
    open: (u64, usize),
}

impl Periods {
    pub(super) fn push(&mut self, price_ln_q32: i64, blobs: u64) {
        if self.open.1 == 0 {
            self.prices.push(price_ln_q32);
        }
        self.open = (self.open.0 + blobs, self.open.1 + 1);
        if self.open.1 == PERIOD_BLOCKS {
            let mean = (u128::from(self.open.0) << 32) / PERIOD_BLOCKS as u128;
            self.blobs.push(i64::try_from(mean).unwrap_or(i64::MAX));
            self.open = (0, 0);
        }
    }

    /// Whole periods: a last one that is not full is left out.
    fn len(&self) -> usize {
        self.blobs.len()
    }
}

/// Noise of the level: slow, and of single periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Noise {
    pub(super) persistence_q32: i64,
    /// Variance of slow noise as a whole, in blobs squared and Q32.
    pub(super) slow_q32: i64,
    /// Variance of single periods.
    single_q32: i64,
    /// How much of a surprise is taken for slow noise.
    gain_q32: i64,
}

impl Noise {
    /// From residuals in Q32.
    fn of(residuals: &[i64]) -> Self {
        let count = residuals.len().max(1) as i128;
        let covariance = |lag: usize| {
            let pairs = residuals.iter().zip(residuals.iter().skip(lag));
            let sum: i128 = pairs.map(|(a, b)| i128::from(*a) * i128::from(*b)).sum();
            fixed::saturate((sum / count) >> 32)
        };
        let lags: Vec<i64> = (0..=LAGS + 1).map(covariance).collect();
        let (near, far): (i64, i64) = (lags[1..=LAGS].iter().sum(), lags[2..].iter().sum());
        let whole = lags[0].max(1);
        let share = if near > 0 { ratio(far.max(0), near) } else { 0 };
        let persistence_q32 = share.clamp(0, fixed::ppm_to_q32(998_000));
        let slow = if persistence_q32 > 0 { ratio(lags[1].max(0), persistence_q32) } else { 0 };
        let slow_q32 = slow.min(whole - whole / 20);
        let single_q32 = whole - slow_q32;
        let squared = mul_q32(persistence_q32, persistence_q32);
        let fresh = mul_q32(slow_q32, fixed::ONE_Q32 - squared);
        // The variance of a prediction of slow noise in the long run: p = r² p s / (p + s) + q.
        let half = (mul_q32(single_q32, fixed::ONE_Q32 - squared) - fresh) / 2;
        let root = fixed::sqrt_q32(mul_q32(half, half) + mul_q32(fresh, single_q32));
        let predicted = (root - half).max(0);
        let gain_q32 = ratio(predicted, (predicted + single_q32).max(1));
        Self { persistence_q32, slow_q32, single_q32, gain_q32 }
    }

    /// What of a series is no echo of what came before, and the echo that it ends with.
    fn filtered(&self, series: impl Iterator<Item = i64>) -> (Vec<i64>, i64) {
        let mut echo = 0i64;
        let surprises = series
            .map(|value| {
                let surprise = value - echo;
                echo = mul_q32(self.persistence_q32, echo + mul_q32(self.gain_q32, surprise));
                surprise
            })
            .collect();
        (surprises, echo)
    }

    pub(super) fn slow(&self, start_q32: i64) -> Slow {
        let squared = mul_q32(self.persistence_q32, self.persistence_q32);
        let fresh = mul_q32(self.slow_q32, fixed::ONE_Q32 - squared);
        Slow { persistence_q32: self.persistence_q32, sd_q32: fixed::sqrt_q32(fresh), start_q32 }
    }

    /// Independent observations of the level in so many periods.
    pub(super) fn effective(&self, periods: usize) -> u64 {
        let left = fixed::ONE_Q32 - self.persistence_q32;
        let of =
            i128::from(left) * periods as i128 / i128::from(fixed::ONE_Q32 + self.persistence_q32);
        u64::try_from(of).unwrap_or(1).max(2)
    }
}

/// `a / b` in Q32; zero if `b` is zero.
pub(super) fn ratio(a: i64, b: i64) -> i64 {
    (i128::from(a) << 32).checked_div(b.into()).map_or(0, fixed::saturate)
}

/// Curves with one kink: what the regression says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) curve: Curve,
    /// Variances and covariance of the free demand and the slope, in Q32.
    pub(super) free_var_q32: i64,
    pub(super) slope_var_q32: i64,
    covariance_q32: i64,
    /// Sum of squared surprises in Q32.
    squares_q32: i64,
    /// Share of the probability, in Q32.
    pub(super) weight_q32: i64,
}

/// A demand with its doubt.
#[derive(Debug)]
pub(super) struct Fit {
    pub(super) candidates: Vec<Candidate>,
    /// The most probable of them.
    pub(super) best: usize,
    pub(super) noise: Noise,
    /// Slow noise at the end of the fit, in blobs and Q32.
    pub(super) slow_now_q32: i64,
    pub(super) periods: usize,
    /// What refits moved: free demand and slope as read, less as generated.
    pub(super) bias_q32: (i64, i64),
}

/// Regresses blobs on the response to a price above `kink_ln_q32`, weighted by `noise`; with none, by
/// ordinary least squares.
fn regress(
    soft: &SoftKink,
    periods: &Periods,
    kink_ln_q32: i64,
    noise: Option<&Noise>,
) -> (Candidate, Vec<i64>) {
    let count = periods.len();
    let response: Vec<i64> =
        periods.prices[..count].iter().map(|price| -soft.of(price - kink_ln_q32)).collect();
    let plain = Noise { persistence_q32: 0, slow_q32: 0, single_q32: 1, gain_q32: 0 };
    let noise = noise.unwrap_or(&plain);
    let (y, _) = noise.filtered(periods.blobs.iter().copied());
    let (one, _) = noise.filtered(std::iter::repeat_n(fixed::ONE_Q32, count));
    let (z, _) = noise.filtered(response.iter().copied());
    let product = |a: &[i64], b: &[i64]| -> i128 {
        let sum: i128 = a.iter().zip(b).map(|(a, b)| i128::from(*a) * i128::from(*b)).sum();
        sum >> 32
    };
    let (s11, s1z, szz) = (product(&one, &one), product(&one, &z), product(&z, &z));
    let (s1y, szy, syy) = (product(&one, &y), product(&z, &y), product(&y, &y));
    let determinant = (s11 * szz - s1z * s1z) >> 32;
    // Prices that did not move say nothing about the slope.
    let told = determinant > 1 << 12;
    let (free, slope) = if told {
        ((s1y * szz - szy * s1z) / determinant, (szy * s11 - s1y * s1z) / determinant)
    } else {
        ((s1y << 32) / s11.max(1), 0)
    };
    let squares = syy - ((free * s1y + slope * szy) >> 32);
    let variance = squares.max(1) / (count.max(3) as i128 - 2) * i128::from(ERROR_VARIANCE_FACTOR);
    let over = |sum: i128| fixed::saturate(variance * sum / determinant.max(1));
    let unknown = fixed::ONE_Q32 << 10;
    let candidate = Candidate {
        curve: Curve {
            free_q32: fixed::saturate(free),
            slope_q32: fixed::saturate(slope),
            kink_ln_q32,
        },
        free_var_q32: if told { over(szz) } else { fixed::saturate((variance << 32) / s11.max(1)) },
        slope_var_q32: if told { over(s11) } else { unknown },
        covariance_q32: if told { over(-s1z) } else { 0 },
        squares_q32: fixed::saturate(squares),
        weight_q32: 0,
    };
    let residuals = periods.blobs.iter().zip(&response).map(|(blobs, response)| {
        let fitted = free + ((slope * i128::from(*response)) >> 32);
        fixed::saturate(i128::from(*blobs) - fitted)
    });
    (candidate, residuals.collect())
}

/// Fits every kink, with the noise of the best one.
fn candidates(soft: &SoftKink, periods: &Periods) -> (Vec<Candidate>, usize, Noise) {
    let kinks = || (0..KINKS).map(|step| KINK_FIRST_Q32 + i64::from(step) * KINK_STEP_Q32);
    let best_of = |all: &[(Candidate, Vec<i64>)]| {
        (0..all.len()).min_by_key(|place| all[*place].0.squares_q32).unwrap_or(0)
    };
    let mut all: Vec<_> = kinks().map(|kink| regress(soft, periods, kink, None)).collect();
    let mut best = best_of(&all);
    let mut noise = Noise::of(&all[best].1);
    // Ordinary residuals hide slow noise, which the price follows; weighted ones show more of it.
    for _ in 0..REWEIGHTINGS {
        all = kinks().map(|kink| regress(soft, periods, kink, Some(&noise))).collect();
        best = best_of(&all);
        noise = Noise::of(&all[best].1);
    }
    (all.into_iter().map(|(candidate, _)| candidate).collect(), best, noise)
}

/// One kink, in as many rounds.
fn reweighted(soft: &SoftKink, periods: &Periods, kink_ln_q32: i64) -> Curve {
    let (mut found, mut residuals) = regress(soft, periods, kink_ln_q32, None);
    for _ in 0..REWEIGHTINGS {
        let noise = Noise::of(&residuals);
        (found, residuals) = regress(soft, periods, kink_ln_q32, Some(&noise));
    }
    found.curve
}

/// What a fit needs besides the periods.
pub(super) struct Setting<'a> {
    /// The market at the start of the fitted blocks; its curve and noise are replaced.
    pub(super) market: Market<'a>,
    /// Blocks fitted.
    pub(super) blocks: usize,
    /// Where the kink should be by the execution base fee, if that is known: ln in Q32 and its deviation.
    pub(super) kink: Option<(i64, i64)>,
    pub(super) seed: u64,
}

/// Fits demand to periods.
pub(super) fn fit(soft: &SoftKink, periods: &Periods, setting: &Setting<'_>) -> Fit {
    let (mut all, best, noise) = candidates(soft, periods);
    weigh(&mut all, best, periods.len(), setting.kink);
    let best = (0..all.len()).max_by_key(|place| all[*place].weight_q32).unwrap_or(best);
    let (bias, refit_var) = refit_bias(soft, &all[best], &noise, setting);
    for candidate in &mut all {
        candidate.correct(bias, refit_var);
    }
    let (_, residuals) = regress(soft, periods, all[best].curve.kink_ln_q32, Some(&noise));
    let (_, slow_now_q32) = noise.filtered(residuals.into_iter());
    Fit { candidates: all, best, noise, slow_now_q32, periods: periods.len(), bias_q32: bias }
}

/// Gives each kink its probability: by the likelihood, at nine times the variance, and by the prior.
fn weigh(all: &mut [Candidate], best: usize, periods: usize, prior: Option<(i64, i64)>) {
    let least = all[best].squares_q32;
    let variance = (least / i64::try_from(periods).unwrap_or(i64::MAX).max(1)).max(1);
    let weights: Vec<i64> = all
        .iter()
        .map(|candidate| {
            let worse = ratio(candidate.squares_q32 - least, variance);
            let mut ln = -worse / (2 * ERROR_VARIANCE_FACTOR);
            if let Some((kink, deviation)) = prior {
                let apart = ratio(candidate.curve.kink_ln_q32 - kink, deviation);
                ln = ln.saturating_sub(mul_q32(apart, apart) / 2);
            }
            super::super::spread::exp_q32(ln.max(-(40 << 32)))
        })
        .collect();
    let sum: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    for (candidate, weight) in all.iter_mut().zip(weights) {
        candidate.weight_q32 = fixed::saturate((i128::from(weight) << 32) / sum.max(1));
    }
}

/// How far refits of generated blocks lie from what generated them, and the variance of one.
///
/// Price and demand answer each other, so that a demand shock raises the price after it and a regression
/// reads a weaker response. The truth is sought whose refits give what was read.
fn refit_bias(
    soft: &SoftKink,
    read: &Candidate,
    noise: &Noise,
    setting: &Setting<'_>,
) -> ((i64, i64), (i64, i64)) {
    let (mut free_bias, mut slope_bias) = (0i64, 0i64);
    let mut variance = (0, 0);
    for round in 0..REFIT_ROUNDS {
        let truth = Curve {
            free_q32: read.curve.free_q32 - free_bias,
            slope_q32: (read.curve.slope_q32 - slope_bias).max(0),
            ..read.curve
        };
        let market = Market { curve: truth, slow: noise.slow(0), ..setting.market };
        let refits: Vec<Curve> = (0..REFITS)
            .map(|path| {
                let mut periods = Periods::default();
                let mut random = generator(setting.seed, round * REFITS + path, b"refit");
                market.run(soft, setting.blocks, &mut random, |step: Step| {
                    periods.push(step.price_ln_q32, step.blobs);
                });
                let kink = read.curve.kink_ln_q32;
                reweighted(soft, &periods, kink)
            })
            .collect();
        let of = |value: fn(&Curve) -> i64| {
            let mean = refits.iter().map(|refit| i128::from(value(refit))).sum::<i128>()
                / i128::from(REFITS);
            let squares = refits.iter().map(|refit| (i128::from(value(refit)) - mean).pow(2) >> 32);
            (fixed::saturate(mean), fixed::saturate(squares.sum::<i128>() / i128::from(REFITS - 1)))
        };
        let (free, free_var) = of(|curve| curve.free_q32);
        let (slope, slope_var) = of(|curve| curve.slope_q32);
        free_bias = free - truth.free_q32;
        slope_bias = slope - truth.slope_q32;
        variance = (free_var, slope_var);
    }
    ((free_bias, slope_bias), variance)
}

impl Candidate {
    /// Takes the bias off, and lets the prior of the slope speak as loudly as its error allows.
    fn correct(&mut self, (free_bias, slope_bias): (i64, i64), (free_var, slope_var): (i64, i64)) {
        let free = self.curve.free_q32 - free_bias;
        let slope = self.curve.slope_q32 - slope_bias;
        self.free_var_q32 = self.free_var_q32.max(free_var);
        self.slope_var_q32 = self.slope_var_q32.max(slope_var);
        let prior = mul_q32(fixed::ppm_to_q32(SLOPE_PRIOR_PPM.0), free);
        let prior_sd = mul_q32(fixed::ppm_to_q32(SLOPE_PRIOR_PPM.1), free);
        let prior_var = mul_q32(prior_sd, prior_sd).max(1);
        let trust = ratio(prior_var, prior_var + self.slope_var_q32);
        let moved = mul_q32(fixed::ONE_Q32 - trust, prior - slope);
        let along = ratio(self.covariance_q32, self.slope_var_q32.max(1));
        self.curve.slope_q32 = (slope + moved).max(0);
        self.curve.free_q32 = (free + mul_q32(along, moved)).max(fixed::ONE_Q32 / 20);
        let told = mul_q32(fixed::ONE_Q32 - trust, self.slope_var_q32);
        let shared = mul_q32(along, mul_q32(along, told));
        self.free_var_q32 = (self.free_var_q32 - shared).max(free_var);
        self.slope_var_q32 = mul_q32(trust, self.slope_var_q32);
        self.covariance_q32 = mul_q32(trust, self.covariance_q32);
    }

    /// The curve at normal quantiles of its slope and of its free demand beside it, in Q32.
    pub(super) fn at(&self, slope_z_q32: i64, free_z_q32: i64) -> Curve {
        let sd = fixed::sqrt_q32(self.slope_var_q32);
        let along = ratio(self.covariance_q32, self.slope_var_q32.max(1));
        let moved = mul_q32(sd, slope_z_q32);
        let shared = mul_q32(along, mul_q32(along, self.slope_var_q32));
        let rest = fixed::sqrt_q32((self.free_var_q32 - shared).max(0));
        let free = self.curve.free_q32 + mul_q32(along, moved) + mul_q32(rest, free_z_q32);
        Curve {
            free_q32: free.max(fixed::ONE_Q32 / 20),
            slope_q32: (self.curve.slope_q32 + moved).max(0),
            ..self.curve
        }
    }
}

impl Fit {
    /// The candidate at a place of the probability, in ppm from 0 to below a million.
    pub(super) fn candidate(&self, ppm: u64) -> &Candidate {
        let wanted = fixed::ppm_to_q32(i64::try_from(ppm).unwrap_or(0));
        let mut sum = 0;
        for candidate in &self.candidates {
            sum += candidate.weight_q32;
            if sum > wanted {
                return candidate;
            }
        }
        &self.candidates[self.best]
    }
}
