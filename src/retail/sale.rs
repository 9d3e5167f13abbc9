//! The sale in progress: lines, discounts, taxes, payments, and the sums that must agree to the cent.
//!
//! A sale carries all it needs (names, prices, taxes), so that a switch to the other source never drops a line. Every change goes
//! through a method here that leaves the sums right; who may make it and what is asked before is the operations' business.

mod verify;

use std::sync::Arc;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::product::{Product, ProductRules};
use super::store::{Store, TaxCode};
use super::tax::{Sum, Tax, TaxRounding, TaxedLine, tax_document, tax_line};
use super::tender::{Accepted, PaymentMethod};
use crate::clock::Time;
use crate::ids::{MethodId, OperatorId, ProductId, RegisterId, ShiftId, TransactionId};
use crate::money::{Currency, Money, NumberError, Quantity};

/// A sale in progress, and the content of the transaction it becomes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Sale {
    /// Given at the first line, kept for ever.
    pub id: TransactionId,
    /// Where it is rung up.
    pub register: RegisterId,
    /// The shift it belongs to.
    pub shift: ShiftId,
    /// Who began it.
    pub operator: OperatorId,
    /// When.
    pub began_at: Time,
    /// The store's currency.
    pub currency: Currency,
    /// When its taxes are rounded.
    pub tax_rounding: TaxRounding,
    lines: Vec<Arc<Line>>,
    payments: Vec<Payment>,
}

/// A line of a sale. It never disappears: a voided one stays, out of the totals.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Line {
    /// From 1.
    pub number: u32,
    /// What is sold.
    pub product: ProductId,
    /// As scanned or as the product's main one.
    pub barcode: String,
    /// As sold, whatever the product is called later.
    pub name: String,
    /// Selling unit.
    pub unit: String,
    /// The product's rules when it was rung up.
    pub rules: ProductRules,
    /// The price the product had.
    pub list_price: Money,
    /// The price it is sold at.
    pub price: Money,
    /// How much of it.
    pub quantity: Quantity,
    /// Whether the price was set by hand.
    pub price_overridden: bool,
    /// A bar code fixed the line's amount: quantity was derived from it, not counted.
    pub price_embedded: bool,
    /// The manual discount, one at most.
    pub discount: Option<Discount>,
    /// Its taxes when it was rung up.
    pub taxes: Vec<TaxCode>,
    /// Out of the totals.
    pub voided: bool,
    /// What it comes to.
    pub amounts: Amounts,
}

/// A manual line discount.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Discount {
    /// Money off the line.
    Amount(Money),
    /// Percent off the line, rounded once for the line.
    Percent(Decimal),
}

/// What a line comes to.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Amounts {
    /// Price × quantity.
    pub extended: Money,
    /// What the discount takes off.
    pub discount: Money,
    /// Extended less discount.
    pub net: Money,
    /// Its taxes, in the order of the line's.
    pub taxed: TaxedLine,
}

impl Amounts {
    /// Computes a line: the extended amount and the discount are each rounded half away from zero to the currency's step, then taxed.
    pub fn compute(
        price: Money,
        quantity: Quantity,
        discount: Option<Discount>,
        taxes: &[TaxCode],
        rounding: TaxRounding,
    ) -> Result<Self, SaleError> {
        let extended = price.times(quantity);
        let off = match discount {
            None => Money::zero(price.currency()),
            Some(Discount::Amount(amount)) => amount,
            Some(Discount::Percent(percent)) => {
                extended - (extended - Money::new(extended.amount() * percent / Decimal::ONE_HUNDRED, extended.currency())).rounded()
            }
        };
        let net = extended - off;
        let rules: Vec<Tax> = taxes.iter().map(|code| code.tax).collect();
        let taxed =
            tax_line(net.amount(), quantity.get(), &rules, rounding, net.currency().step()).map_err(|_| SaleError::AmountTooLarge)?;
        Ok(Self { extended, discount: off, net, taxed })
    }
}

/// Money given or given back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Payment {
    /// From 1.
    pub number: u32,
    /// With what.
    pub method: MethodId,
    /// What the receipt calls it.
    pub name: String,
    /// Given; below nothing when given back.
    pub amount: Money,
    /// Whether it is change.
    pub change: bool,
    /// What the method's rounding added to the total.
    pub rounding: Money,
    /// Taken back before the sale was concluded.
    pub voided: bool,
}

/// The sums of a sale.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Totals {
    /// Extended amounts.
    pub subtotal: Money,
    /// Taken off by discounts.
    pub discounts: Money,
    /// By tax code.
    pub taxes: Vec<TaxTotal>,
    /// What the customer owes for the lines, taxes included.
    pub total: Money,
    /// What the tenders' rounding added.
    pub rounding: Money,
    /// Given less given back.
    pub paid: Money,
    /// What is still due.
    pub balance: Money,
    /// Given back.
    pub change: Money,
}

/// A tax over the whole sale.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TaxTotal {
    /// Its code.
    pub code: String,
    /// Its name on the receipt.
    pub name: String,
    /// What it was computed on.
    pub base: Money,
    /// The tax.
    pub amount: Money,
}

/// What a line is made from.
#[derive(Clone, Debug)]
pub struct NewLine {
    /// The product with its price.
    pub product: Product,
    /// The code it was found by.
    pub barcode: String,
    /// How much.
    pub quantity: Quantity,
    /// The price to sell at.
    pub price: Money,
    /// A bar code fixed the line's amount.
    pub price_embedded: bool,
}

impl Sale {
    /// The most lines a sale has: its record must fit into one upload.
    pub const MAX_LINES: usize = 1_000;
    /// The most payments a sale has.
    pub const MAX_PAYMENTS: usize = 999;

    /// An empty sale.
    pub fn begin(id: TransactionId, register: RegisterId, shift: ShiftId, operator: OperatorId, began_at: Time, store: &Store) -> Self {
        Self {
            id,
            register,
            shift,
            operator,
            began_at,
            currency: store.currency,
            tax_rounding: store.tax_rounding,
            lines: Vec::new(),
            payments: Vec::new(),
        }
    }

    /// The sale without its lines and payments: what is stored apart from them.
    #[must_use]
    pub fn header(&self) -> Self {
        Self { register: self.register.clone(), operator: self.operator.clone(), lines: Vec::new(), payments: Vec::new(), ..*self }
    }

    /// A header with its lines and payments again, in the order of their numbers.
    #[must_use]
    pub fn with_parts(self, lines: Vec<Arc<Line>>, payments: Vec<Payment>) -> Self {
        Self { lines, payments, ..self }
    }

    /// All lines, voided ones too.
    pub fn lines(&self) -> &[Arc<Line>] {
        &self.lines
    }

    /// The lines that count.
    pub fn open_lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().map(Arc::as_ref).filter(|line| !line.voided)
    }

    /// All payments, voided ones too.
    pub fn payments(&self) -> &[Payment] {
        &self.payments
    }

    /// The payments that count.
    pub fn open_payments(&self) -> impl Iterator<Item = &Payment> {
        self.payments.iter().filter(|payment| !payment.voided)
    }

    /// A line by its number.
    pub fn line(&self, number: u32) -> Result<&Line, SaleError> {
        self.lines.get(index(number)).map(Arc::as_ref).ok_or(SaleError::NoSuchLine)
    }

    /// Adds a line, or adds to an equal one when the store aggregates; returns its number.
    pub fn add(&mut self, new: NewLine, store: &Store) -> Result<u32, SaleError> {
        if store.functionality.aggregate_items
            && let Some(equal) = self.lines.iter().rev().find(|line| line.aggregates_with(&new))
        {
            let (number, quantity) = (equal.number, equal.quantity.plus(new.quantity)?);
            self.set_quantity(number, quantity, store)?;
            return Ok(number);
        }
        if self.lines.len() >= Self::MAX_LINES {
            return Err(SaleError::TooManyLines);
        }
        check_quantity(new.quantity, store)?;
        let number = u32::try_from(self.lines.len() + 1).expect("a sale has few lines");
        let taxes = store.taxes(&new.product.tax_group);
        let taxes: Vec<TaxCode> = taxes
            .iter()
            .map(|code| TaxCode {
                tax: Tax { included: code.tax.included || new.product.rules.price_includes_tax, ..code.tax },
                ..code.clone()
            })
            .collect();
        let amounts = Amounts::compute(new.price, new.quantity, None, &taxes, self.tax_rounding)?;
        self.lines.push(Arc::new(Line {
            number,
            product: new.product.id,
            barcode: new.barcode,
            name: new.product.name,
            unit: new.product.unit,
            rules: new.product.rules,
            list_price: new.product.price,
            price: new.price,
            quantity: new.quantity,
            price_overridden: false,
            price_embedded: new.price_embedded,
            discount: None,
            taxes,
            voided: false,
            amounts,
        }));
        if let Err(error) = self.try_totals() {
            self.lines.pop();
            return Err(error);
        }
        Ok(number)
    }

    /// Voids a line, or takes the void back.
    pub fn toggle_void(&mut self, number: u32) -> Result<(), SaleError> {
        let mut line = Line::clone(self.line(number)?);
        line.voided ^= true;
        self.replace(line)
    }

    /// Sets a line's quantity, above nothing.
    pub fn set_quantity(&mut self, number: u32, quantity: Quantity, store: &Store) -> Result<(), SaleError> {
        check_quantity(quantity, store)?;
        self.change(number, |line| {
            line.quantity = quantity;
            Ok(())
        })
    }

    /// Sets a line's unit price by hand; a discount on it stays and is computed anew.
    pub fn override_price(&mut self, number: u32, price: Money) -> Result<(), SaleError> {
        self.change(number, |line| {
            if price.is_negative() || (price.is_zero() && !line.rules.zero_price_valid) {
                return Err(SaleError::InvalidPrice);
            }
            line.price = price;
            line.price_overridden = true;
            Ok(())
        })
    }

    /// Puts a manual discount on a line in place of an earlier one; nothing off takes it away.
    pub fn discount(&mut self, number: u32, discount: Discount) -> Result<(), SaleError> {
        self.change(number, |line| {
            line.discount = match discount {
                Discount::Percent(percent) if percent < Decimal::ZERO || percent > Decimal::ONE_HUNDRED => {
                    return Err(SaleError::InvalidPercent);
                }
                Discount::Amount(amount) if amount.is_negative() || amount.rounded() != amount => return Err(SaleError::InvalidDiscount),
                Discount::Percent(percent) if percent.is_zero() => None,
                Discount::Amount(amount) if amount.is_zero() => None,
                Discount::Percent(_) | Discount::Amount(_) => Some(discount),
            };
            Ok(())
        })
    }

    /// Writes an accepted payment, and its change, on the sale.
    pub fn pay(&mut self, method: &PaymentMethod, accepted: Accepted) -> Result<(), SaleError> {
        if self.payments.len() + 2 > Self::MAX_PAYMENTS {
            return Err(SaleError::TooManyPayments);
        }
        self.push_payment(method, accepted.tendered, false, accepted.rounding);
        if accepted.change.is_positive() {
            self.push_payment(method, -accepted.change, true, Money::zero(self.currency));
        }
        Ok(())
    }

    /// Takes a payment back.
    pub fn void_payment(&mut self, number: u32) -> Result<(), SaleError> {
        let payment = self.payments.get_mut(index(number)).ok_or(SaleError::NoSuchPayment)?;
        if payment.voided {
            return Err(SaleError::PaymentAlreadyVoided);
        }
        payment.voided = true;
        Ok(())
    }

    /// The sums.
    pub fn totals(&self) -> Totals {
        self.try_totals().expect("every change is refused that would take the sums beyond their bounds")
    }

    fn try_totals(&self) -> Result<Totals, SaleError> {
        let zero = Money::zero(self.currency);
        let money = |amount| Money::new(amount, self.currency);
        let too_large = |_| SaleError::AmountTooLarge;
        let (mut subtotal, mut discounts) = (Sum::default(), Sum::default());
        for line in self.open_lines() {
            subtotal.add(&line.amounts.extended.amount()).map_err(too_large)?;
            discounts.add(&line.amounts.discount.amount()).map_err(too_large)?;
        }
        let (subtotal, discounts) = (money(subtotal.total().map_err(too_large)?), money(discounts.total().map_err(too_large)?));
        let taxed = self.open_lines().map(|line| (&line.amounts.taxed, line.taxes.iter().map(|tax| tax.code.as_str())));
        let document = tax_document(taxed, self.currency.step()).map_err(too_large)?;
        let name = |code: &str| {
            self.open_lines().flat_map(|line| &line.taxes).find(|tax| tax.code == code).map_or_else(String::new, |tax| tax.name.clone())
        };
        let taxes = document
            .taxes
            .iter()
            .map(|(code, sum)| TaxTotal { name: name(code), code: code.clone(), base: money(sum.base), amount: money(sum.amount) })
            .collect();
        let (mut rounding, mut paid, mut change) = (zero, zero, zero);
        for payment in self.open_payments() {
            rounding += payment.rounding;
            paid += payment.amount;
            if payment.change {
                change += -payment.amount;
            }
        }
        let total = money(document.total_included);
        Ok(Totals { subtotal, discounts, taxes, total, rounding, paid, balance: total + rounding - paid, change })
    }

    /// Refuses a sale from outside whose sums cannot be formed; every other change here keeps them so.
    pub fn check_sums(&self) -> Result<(), SaleError> {
        let of_line = |line: &Arc<Line>| [line.price, line.amounts.extended, line.amounts.discount, line.amounts.net];
        let of_payment = |payment: &Payment| [payment.amount, payment.rounding];
        if self
            .lines
            .iter()
            .flat_map(of_line)
            .chain(self.payments.iter().flat_map(of_payment))
            .any(|amount| amount.currency() != self.currency)
        {
            return Err(SaleError::ForeignCurrency);
        }
        self.try_totals().map(drop)
    }

    /// Whether it can be concluded: something is sold, and it is paid to the cent.
    pub fn is_settled(&self) -> bool {
        self.open_lines().next().is_some() && self.totals().balance.is_zero()
    }

    fn push_payment(&mut self, method: &PaymentMethod, amount: Money, change: bool, rounding: Money) {
        let number = u32::try_from(self.payments.len() + 1).expect("a sale has few payments");
        self.payments.push(Payment {
            number,
            method: method.id.clone(),
            name: method.name.clone(),
            amount,
            change,
            rounding,
            voided: false,
        });
    }

    /// Changes an open line and computes it anew.
    fn change(&mut self, number: u32, edit: impl FnOnce(&mut Line) -> Result<(), SaleError>) -> Result<(), SaleError> {
        let mut line = Line::clone(self.line(number)?);
        if line.voided {
            return Err(SaleError::LineIsVoided);
        }
        edit(&mut line)?;
        line.amounts = Amounts::compute(line.price, line.quantity, line.discount, &line.taxes, self.tax_rounding)?;
        if line.amounts.net.is_negative() {
            return Err(SaleError::DiscountAboveAmount { discount: line.amounts.discount, amount: line.amounts.extended });
        }
        self.replace(line)
    }

    /// Puts a changed line in its place; leaves the sale as it was when its sums then would not do.
    fn replace(&mut self, line: Line) -> Result<(), SaleError> {
        let at = index(line.number);
        let before = std::mem::replace(&mut self.lines[at], Arc::new(line));
        let refusal = match self.try_totals() {
            Err(error) => error,
            Ok(totals) if totals.balance.is_negative() && self.open_payments().next().is_some() => SaleError::PaidMore,
            Ok(_) => return Ok(()),
        };
        self.lines[at] = before;
        Err(refusal)
    }
}

impl Line {
    /// Whether it can be computed at all, in the sale's currency.
    fn is_within_bounds(&self, currency: Currency) -> bool {
        let discount_fits = match self.discount {
            None => true,
            Some(Discount::Amount(amount)) => amount.currency() == currency && !amount.is_negative(),
            Some(Discount::Percent(percent)) => (Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(&percent),
        };
        discount_fits && self.price.currency() == currency
    }

    /// Never across voids, overrides, discounts, embedded prices, weighed goods or other prices.
    fn aggregates_with(&self, new: &NewLine) -> bool {
        let plain = !self.voided && !self.price_overridden && self.discount.is_none() && !self.price_embedded;
        plain
            && !new.price_embedded
            && !self.rules.weighed
            && !self.rules.key_in_quantity
            && self.product == new.product.id
            && self.price == new.price
            && self.unit == new.product.unit
    }
}

fn index(number: u32) -> usize {
    (number as usize).wrapping_sub(1)
}

fn check_quantity(quantity: Quantity, store: &Store) -> Result<(), SaleError> {
    let maximum = store.functionality.maximum_quantity;
    if quantity.get() <= Decimal::ZERO {
        return Err(SaleError::InvalidQuantity);
    }
    if quantity > maximum { Err(SaleError::QuantityExceeded { maximum }) } else { Ok(()) }
}

/// Why a sale does not take a change.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SaleError {
    /// No such line.
    #[error("no line is selected")]
    NoSuchLine,
    /// No such payment.
    #[error("no payment is selected")]
    NoSuchPayment,
    /// The line is voided.
    #[error("the line is voided")]
    LineIsVoided,
    /// The payment is voided.
    #[error("the payment is voided already")]
    PaymentAlreadyVoided,
    /// Nothing, or below nothing.
    #[error("a quantity must be above zero")]
    InvalidQuantity,
    /// More than the store allows.
    #[error("a quantity may be {maximum} at most")]
    QuantityExceeded {
        /// The store's limit.
        maximum: Quantity,
    },
    /// Below nothing, or nothing where that is not meant.
    #[error("a price must be above zero")]
    InvalidPrice,
    /// Below nothing, or finer than the currency.
    #[error("a discount must be an amount of money, zero or more")]
    InvalidDiscount,
    /// Below 0 or above 100.
    #[error("a discount must be 0 to 100 percent")]
    InvalidPercent,
    /// The line would fall below nothing.
    #[error("the discount of {} is more than the line's {}", discount.plain(), amount.plain())]
    DiscountAboveAmount {
        /// The discount.
        discount: Money,
        /// The line without it.
        amount: Money,
    },
    /// Beyond what taxes are computed for.
    #[error("the line's amount is too large")]
    AmountTooLarge,
    /// Not the sale's currency.
    #[error("an amount is in another currency")]
    ForeignCurrency,
    /// The payments would be more than the sale.
    #[error("more has been paid than would be due")]
    PaidMore,
    /// [`Sale::MAX_LINES`] reached.
    #[error("a sale has {} lines at most", Sale::MAX_LINES)]
    TooManyLines,
    /// [`Sale::MAX_PAYMENTS`] reached.
    #[error("a sale has {} payments at most", Sale::MAX_PAYMENTS)]
    TooManyPayments,
    /// A number out of bounds.
    #[error("the number {0}")]
    Number(#[from] NumberError),
}
