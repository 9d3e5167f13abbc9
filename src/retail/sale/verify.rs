//! A sale from outside, computed anew from its parts: what a scale unit asks before it takes a record in.

use super::{Amounts, Sale, Totals, index};

impl Sale {
    /// Computes the sale anew from its parts and compares: what a scale unit asks before it takes a concluded sale in.
    pub fn verify(&self) -> Result<(), String> {
        let totals = self.verify_parts()?;
        if totals.balance.is_zero() { Ok(()) } else { Err(format!("{} is left unpaid", totals.balance)) }
    }

    /// The same of a sale that was given up: nobody may have paid for it.
    pub fn verify_given_up(&self) -> Result<(), String> {
        self.verify_parts()?;
        match self.open_payments().next() {
            None => Ok(()),
            Some(payment) => Err(format!("payment {} was not given back", payment.number)),
        }
    }

    fn verify_parts(&self) -> Result<Totals, String> {
        for (position, line) in self.lines.iter().enumerate() {
            let number = line.number;
            if index(number) != position {
                return Err(format!("line {number} stands at position {}", position + 1));
            }
            if !line.is_within_bounds(self.currency) {
                return Err(format!("line {number} has an amount in another currency or a discount out of bounds"));
            }
            if line.price.is_negative()
                || line.amounts.net.is_negative() != line.quantity.get().is_sign_negative() && !line.amounts.net.is_zero()
            {
                return Err(format!("line {number} has a sign that does not fit its quantity"));
            }
            if Amounts::compute(line.price, line.quantity, line.discount, &line.taxes, self.tax_rounding).ok().as_ref()
                != Some(&line.amounts)
            {
                return Err(format!("line {number} does not come to what its price, quantity, discount and taxes say"));
            }
        }
        for (position, payment) in self.payments.iter().enumerate() {
            let number = payment.number;
            if index(number) != position {
                return Err(format!("payment {number} stands at position {}", position + 1));
            }
            if payment.amount.currency() != self.currency || payment.rounding.currency() != self.currency {
                return Err(format!("payment {number} is in another currency"));
            }
            if payment.change && payment.amount.is_positive() {
                return Err(format!("payment {number} is change that was taken"));
            }
        }
        self.try_totals().map_err(|error| error.to_string())
    }
}
