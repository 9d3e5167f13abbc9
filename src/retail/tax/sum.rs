//! Adding up a column of a document, whose numbers mostly have the same decimals.

use rust_decimal::Decimal;

use super::{TaxError, within_range};

/// A sum, exact. Numbers with the decimals of the first are added as whole numbers, several times quicker than as decimals: a long sale is
/// added up at every line.
#[derive(Clone, Copy, Default)]
pub(in crate::retail) struct Sum {
    digits: i128,
    decimals: u32,
}

impl Sum {
    /// Adds a number.
    pub(in crate::retail) fn add(&mut self, number: &Decimal) -> Result<(), TaxError> {
        if number.scale() == self.decimals {
            self.digits = self.digits.checked_add(number.mantissa()).ok_or(TaxError::OutOfRange)?;
        } else if self.digits == 0 {
            (self.digits, self.decimals) = (number.mantissa(), number.scale());
        } else if !number.is_zero() {
            let sum = self.exact()?.checked_add(*number).ok_or(TaxError::OutOfRange)?;
            (self.digits, self.decimals) = (sum.mantissa(), sum.scale());
        }
        Ok(())
    }

    /// The sum, when it is within the bounds of amounts.
    pub(in crate::retail) fn total(self) -> Result<Decimal, TaxError> {
        within_range(Some(self.exact()?))
    }

    fn exact(self) -> Result<Decimal, TaxError> {
        Decimal::try_from_i128_with_scale(self.digits, self.decimals).map_err(|_| TaxError::OutOfRange)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::plus;
    use super::*;

    fn sum(numbers: &[Decimal]) -> Result<Decimal, TaxError> {
        let mut sum = Sum::default();
        numbers.iter().try_for_each(|number| sum.add(number))?;
        sum.total()
    }

    proptest! {
        #[test]
        fn a_sum_is_what_decimals_add_up_to(digits in prop::collection::vec((-10_i64.pow(11)..10_i64.pow(11), 0_u32..9), 0..20)) {
            let numbers: Vec<Decimal> = digits.into_iter().map(|(digits, decimals)| Decimal::new(digits, decimals)).collect();
            prop_assert_eq!(sum(&numbers), numbers.iter().copied().try_fold(Decimal::ZERO, plus));
        }
    }

    #[test]
    fn a_sum_beyond_the_bounds_is_refused() {
        let half = Decimal::from(500_000_000_000_000_i64);
        assert_eq!(sum(&[half, half]), Ok(half + half));
        assert_eq!(sum(&[half, half, Decimal::new(1, 8)]), Err(TaxError::OutOfRange));
        assert_eq!(sum(&[Decimal::MAX, Decimal::MAX]), Err(TaxError::OutOfRange));
        assert_eq!(sum(&[Decimal::MAX, Decimal::new(1, 1)]), Err(TaxError::OutOfRange));
    }
}
