//! Points of equal probability in place of random numbers, and natural logarithms in millionths.

use chaos_parameters::fixed;

/// How many points stand for a distribution.
pub(super) const POINTS: usize = 33;

/// The normal quantiles of (i + 1/2) / 33, in millionths.
const NORMAL_PPM: [i64; POINTS] = [
    -2_166_107, -1_690_622, -1_434_200, -1_247_754, -1_096_804, -967_422, -852_495, -747_859,
    -650_837, -559_592, -472_789, -389_414, -308_666, -229_884, -152_506, -76_032, 0, 76_032,
    152_506, 229_884, 308_666, 389_414, 472_789, 559_592, 650_837, 747_859, 852_495, 967_422,
    1_096_804, 1_247_754, 1_434_200, 1_690_622, 2_166_107,
];

/// The quantile of a source of doubt for a path.
///
/// Paths go through the points in rounds; each `source` goes through them by another stride, and begins
/// elsewhere in every round, so that no two sources move together.
pub(super) fn point(path: u32, source: u32) -> usize {
    // Coprime to 33, so that a round meets every point once.
    const STRIDES: [u32; 6] = [1, 5, 7, 10, 13, 17];
    let stride = STRIDES[(source as usize) % STRIDES.len()];
    let points = u32::try_from(POINTS).expect("33");
    let round = path / points;
    let place = path.wrapping_mul(stride).wrapping_add(round.wrapping_mul(11 + source));
    (place % points) as usize
}

/// The normal quantile of a point, in Q32.
pub(super) fn normal_q32(point: usize) -> i64 {
    fixed::ppm_to_q32(NORMAL_PPM[point % POINTS])
}

/// The quantile of a point of the uniform distribution over 0 to 1, in ppm.
pub(super) const fn uniform_ppm(point: usize) -> u64 {
    (2 * (point % POINTS) as u64 + 1) * 1_000_000 / (2 * POINTS as u64)
}

/// The natural logarithm of a number in millionths, that of zero as if it were one.
pub(super) fn ln_ppm(value: u128) -> i128 {
    fixed::q32_to_ppm(fixed::ln_q32(value)).into()
}

/// Natural logarithm in Q32 to a factor in Q32, held below 2^31.
pub(super) fn exp_q32(ln_q32: i64) -> i64 {
    let scaled = fixed::scale_exp2(1 << 32, fixed::ln_to_log2_q32(ln_q32));
    i64::try_from(scaled).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_meets_every_point_once_in_a_round() {
        for source in 0..6 {
            let mut met: Vec<usize> = (33..66).map(|path| point(path, source)).collect();
            met.sort_unstable();
            assert_eq!(met, (0..POINTS).collect::<Vec<_>>(), "source {source}");
        }
    }

    #[test]
    fn points_are_symmetric_and_ascend() {
        assert!(NORMAL_PPM.is_sorted());
        assert!((0..POINTS).all(|i| NORMAL_PPM[i] == -NORMAL_PPM[POINTS - 1 - i]));
        assert_eq!(uniform_ppm(16), 500_000);
    }
}
