//! What rounds that differ have in common.

/// The middle of some values, and the quartiles around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) low: f64,
    pub(crate) median: f64,
    pub(crate) high: f64,
}

impl Spread {
    /// `None` if there are no values.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)?;
        // The nearest of the values, without interpolation.
        let at = |quarter: usize| sorted.get((last * quarter + 2) / 4).copied();
        Some(Self { low: at(1)?, median: at(2)?, high: at(3)? })
    }

    /// Of the ratios of values that were measured in the same rounds.
    pub(crate) fn of_ratios(values: &[f64], beside: &[f64]) -> Option<Self> {
        let ratios: Vec<_> = values.iter().zip(beside).map(|(value, one)| value / one).collect();
        Self::of(&ratios)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_values_lie_between_the_quartiles() {
        let spread = |low, median, high| Some(Spread { low, median, high });
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(Spread::of(&[7.0]), spread(7.0, 7.0, 7.0));
        assert_eq!(Spread::of(&[5.0, 1.0, 4.0, 2.0, 3.0]), spread(2.0, 3.0, 4.0));
        assert_eq!(Spread::of_ratios(&[2.0, 9.0, 8.0], &[1.0, 3.0, 2.0]), spread(3.0, 3.0, 4.0));
    }
}
