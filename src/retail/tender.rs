//! What can be paid with, and whether a payment is taken: limits, rounding, change.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::MethodId;
use crate::money::{Money, Rounding};

/// A payment method of the store.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentMethod {
    /// Its id.
    #[schema(value_type = String)]
    pub id: MethodId,
    /// What the receipt calls it.
    pub name: String,
    /// The operation that pays with it (200 Pay cash).
    pub operation: u16,
    /// Whether more than the balance is taken, and the rest given back.
    #[serde(default)]
    pub overtender: bool,
    /// The most that is given back.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub maximum_change: Option<Decimal>,
    /// Whether less than the balance is taken.
    #[serde(default)]
    pub undertender: bool,
    /// The most one payment may be.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub maximum_amount: Option<Decimal>,
    /// What this method must settle is rounded so.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub rounding: Option<Rounding>,
    /// Whether the drawer opens.
    #[serde(default)]
    pub opens_drawer: bool,
}

/// A payment that is taken, before it is written on the sale.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Accepted {
    /// What was given.
    pub tendered: Money,
    /// What is given back.
    pub change: Money,
    /// What the method's rounding adds to the sale's total.
    pub rounding: Money,
}

impl PaymentMethod {
    /// What this method must settle of a balance: the balance at the method's rounding.
    pub fn due(&self, balance: Money) -> Money {
        self.rounding.map_or(balance, |rounding| rounding.apply(balance))
    }

    /// Tests a payment against a balance above nothing, in this order: sign, line limit, rounding, overtender, undertender.
    pub fn accept(&self, balance: Money, tendered: Money) -> Result<Accepted, TenderError> {
        let zero = Money::zero(balance.currency());
        if !balance.is_positive() {
            return Err(TenderError::NothingDue);
        }
        let due = self.due(balance);
        // A balance of less than half the smallest coin is settled with none.
        if tendered.is_negative() || (tendered.is_zero() && !due.is_zero()) {
            return Err(TenderError::IncorrectSign);
        }
        if tendered.rounded() != tendered || self.due(tendered) != tendered {
            return Err(TenderError::NotPayable);
        }
        if let Some(maximum) = self.maximum_amount.filter(|maximum| tendered.amount() > *maximum) {
            return Err(TenderError::AboveMaximum { maximum: Money::new(maximum, tendered.currency()) });
        }
        let change = tendered - due;
        if change.is_negative() {
            return if self.undertender {
                Ok(Accepted { tendered, change: zero, rounding: zero })
            } else {
                Err(TenderError::MustSettle { due })
            };
        }
        if change.is_positive() && !self.overtender {
            return Err(TenderError::NoChange { due });
        }
        match self.maximum_change {
            Some(maximum) if change.amount() > maximum => {
                Err(TenderError::TooMuchChange { change, maximum: Money::new(maximum, change.currency()) })
            }
            _ => Ok(Accepted { tendered, change, rounding: due - balance }),
        }
    }
}

/// Why a payment is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TenderError {
    /// The balance is settled.
    #[error("nothing is due")]
    NothingDue,
    /// Nothing, or below nothing.
    #[error("a payment must be above zero")]
    IncorrectSign,
    /// Finer than the currency's step, or than the method's coins.
    #[error("this amount cannot be paid in coins")]
    NotPayable,
    /// More than the method takes at once.
    #[error("more than {} at once is not taken", maximum.plain())]
    AboveMaximum {
        /// The method's limit.
        maximum: Money,
    },
    /// The method must settle the whole balance.
    #[error("this method must pay the whole {}", due.plain())]
    MustSettle {
        /// What it must settle.
        due: Money,
    },
    /// The method gives nothing back.
    #[error("no change is given on this method, {} at most", due.plain())]
    NoChange {
        /// What it may settle.
        due: Money,
    },
    /// More change than the store gives.
    #[error("the change would be {}, {} at most is given", change.plain(), maximum.plain())]
    TooMuchChange {
        /// What would be given back.
        change: Money,
        /// The method's limit.
        maximum: Money,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{Currency, RoundingMethod};

    fn usd(text: &str) -> Money {
        Money::parse(text, Currency::USD).unwrap()
    }

    fn cash() -> PaymentMethod {
        PaymentMethod {
            id: "cash".into(),
            name: "Cash".into(),
            operation: 200,
            overtender: true,
            maximum_change: Some(50.into()),
            undertender: true,
            maximum_amount: None,
            rounding: None,
            opens_drawer: true,
        }
    }

    #[test]
    fn cash_gives_change_up_to_its_limit() {
        for (balance, tendered, expected) in [
            ("6.70", "20.00", Ok("13.30")),
            ("6.70", "6.70", Ok("0.00")),
            ("6.70", "5.00", Ok("0.00")),
            ("6.70", "56.71", Err(TenderError::TooMuchChange { change: usd("50.01"), maximum: usd("50.00") })),
            ("6.70", "0", Err(TenderError::IncorrectSign)),
            ("6.70", "-1", Err(TenderError::IncorrectSign)),
            ("6.70", "6.705", Err(TenderError::NotPayable)),
            ("0.00", "1.00", Err(TenderError::NothingDue)),
        ] {
            assert_eq!(
                cash().accept(usd(balance), usd(tendered)).map(|a| a.change.plain()),
                expected.map(str::to_owned),
                "{balance} {tendered}"
            );
        }
    }

    #[test]
    fn a_coupon_gives_none() {
        let coupon = PaymentMethod { overtender: false, ..cash() };
        assert_eq!(coupon.accept(usd("1.00"), usd("1.50")), Err(TenderError::NoChange { due: usd("1.00") }));
        let whole = PaymentMethod { undertender: false, ..cash() };
        assert_eq!(whole.accept(usd("1.00"), usd("0.50")), Err(TenderError::MustSettle { due: usd("1.00") }));
    }

    #[test]
    fn only_what_cash_must_settle_is_rounded() {
        let rounded = PaymentMethod { rounding: Some(Rounding { step: Decimal::new(5, 2), method: RoundingMethod::Down }), ..cash() };
        let accepted = rounded.accept(usd("1.97"), usd("5.00")).unwrap();
        assert_eq!((accepted.change, accepted.rounding), (usd("3.05"), usd("-0.02")));
        assert_eq!(rounded.accept(usd("1.97"), usd("1.00")).unwrap().rounding, usd("0"), "a part payment rounds nothing");
    }

    #[test]
    fn nothing_finer_than_the_smallest_coin_is_taken_or_asked_for() {
        let rounded = PaymentMethod { rounding: Some(Rounding { step: Decimal::new(5, 2), method: RoundingMethod::Nearest }), ..cash() };
        let accepted = rounded.accept(usd("0.02"), usd("0")).unwrap();
        assert_eq!((accepted.tendered, accepted.change, accepted.rounding), (usd("0"), usd("0"), usd("-0.02")));
        assert_eq!(rounded.accept(usd("0.03"), usd("0")), Err(TenderError::IncorrectSign));
        assert_eq!(rounded.accept(usd("1.97"), usd("1.97")), Err(TenderError::NotPayable));
        assert_eq!(rounded.accept(usd("1.97"), usd("2.01")), Err(TenderError::NotPayable));
    }
}
