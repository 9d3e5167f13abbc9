//! Money, quantities and how they are rounded: exact decimals, never floats.
//!
//! Every amount knows its currency. Values from outside come in through [`Money::parse`] and [`Quantity::parse`], which bound them,
//! so that no sum or product of a sale can overflow (10,000 lines of at most 10⁹ × 10⁶ need 23 of a decimal's 28 digits).

use std::fmt;
use std::ops::{Add, AddAssign, Neg, Sub};
use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount of money in one currency. Amounts that were charged are multiples of the currency's step; unit prices may have up to 8 decimals.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Money {
    amount: Decimal,
    currency: Currency,
}

impl Money {
    /// The largest amount accepted from outside, either sign.
    pub const MAX: Decimal = Decimal::from_parts(2_808_348_672, 232_830_643, 0, false, 0); // 10^18
    /// The most decimals a unit price has (fuel is sold by the thousandth of a gallon).
    pub const MAX_DECIMALS: u32 = 8;

    /// An amount in a currency.
    pub const fn new(amount: Decimal, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// Nothing, in a currency.
    pub const fn zero(currency: Currency) -> Self {
        Self::new(Decimal::ZERO, currency)
    }

    /// Reads what a cashier or a file says: digits with at most one point, bounded, at most [`Self::MAX_DECIMALS`] decimals.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, NumberError> {
        Ok(Self::new(parse_decimal(text, Self::MAX, Self::MAX_DECIMALS)?, currency))
    }

    /// The bare number.
    pub const fn amount(self) -> Decimal {
        self.amount
    }

    /// Its currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether it is exactly nothing.
    pub fn is_zero(self) -> bool {
        self.amount.is_zero()
    }

    /// Whether it is below nothing.
    pub fn is_negative(self) -> bool {
        self.amount < Decimal::ZERO
    }

    /// Whether it is above nothing.
    pub fn is_positive(self) -> bool {
        self.amount > Decimal::ZERO
    }

    /// Unit price × quantity, rounded half away from zero to the currency's step.
    #[must_use]
    pub fn times(self, quantity: Quantity) -> Self {
        Self::new(self.amount * quantity.get(), self.currency).rounded()
    }

    /// Rounded half away from zero to the currency's step.
    #[must_use]
    pub fn rounded(self) -> Self {
        Self::new(round_to_step(self.amount, self.currency.step()), self.currency)
    }

    /// `percent` % of it, rounded half away from zero to the currency's step.
    #[must_use]
    pub fn percent(self, percent: Decimal) -> Self {
        Self::new(self.amount * percent / Decimal::ONE_HUNDRED, self.currency).rounded()
    }

    /// The amount without its sign.
    #[must_use]
    pub fn abs(self) -> Self {
        Self::new(self.amount.abs(), self.currency)
    }

    /// As a cashier reads it: at least the currency's decimals, no currency code.
    pub fn plain(self) -> String {
        let (shown, decimals) = self.shown();
        format!("{shown:.decimals$}")
    }

    /// The number without zeros that say nothing, and the decimals to show.
    fn shown(self) -> (Decimal, usize) {
        let least = self.currency.decimals();
        if self.amount.scale() <= least && !self.amount.is_zero() {
            return (self.amount, least as usize);
        }
        let shown = self.amount.normalize();
        (shown, shown.scale().max(least) as usize)
    }

    /// Splits it in proportion to `weights` so that the shares sum to it exactly: floors to the step, then the left-over steps go one
    /// each to the largest remainders, ties by position. All shares are nothing when every weight is.
    pub fn shares(self, weights: &[Decimal]) -> Vec<Self> {
        let step = self.currency.step();
        let sum: Decimal = weights.iter().sum();
        if sum.is_zero() {
            return vec![Self::zero(self.currency); weights.len()];
        }
        let exact: Vec<Decimal> = weights.iter().map(|weight| self.amount * weight / sum / step).collect();
        let mut steps: Vec<Decimal> = exact.iter().map(Decimal::trunc).collect();
        let mut by_remainder: Vec<usize> = (0..weights.len()).filter(|&i| !weights[i].is_zero()).collect();
        by_remainder.sort_by_key(|&i| std::cmp::Reverse((exact[i] - steps[i]).abs()));
        let one = if self.amount < Decimal::ZERO { -Decimal::ONE } else { Decimal::ONE };
        let mut left = round_to_step(self.amount, step) / step - steps.iter().sum::<Decimal>();
        for i in by_remainder.into_iter().cycle() {
            if left.abs() < Decimal::ONE {
                break;
            }
            steps[i] += one;
            left -= one;
        }
        steps.into_iter().map(|count| Self::new(count * step, self.currency)).collect()
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        debug_assert_eq!(self.currency, other.currency, "amounts of one sale share its currency");
        Self::new(self.amount + other.amount, self.currency)
    }
}

impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Neg for Money {
    type Output = Self;
    fn neg(self) -> Self {
        Self::new(-self.amount, self.currency)
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl PartialOrd for Money {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        (self.currency == other.currency).then(|| self.amount.cmp(&other.amount))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, decimals) = self.shown();
        write!(f, "{shown:.decimals$} {}", self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// On the wire and in the journal: `"12.47 USD"`.
impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl FromStr for Money {
    type Err = NumberError;
    fn from_str(text: &str) -> Result<Self, NumberError> {
        let (amount, currency) = text.split_once(' ').ok_or(NumberError::NotANumber)?;
        Self::parse(amount, currency.parse()?)
    }
}

/// A currency by its ISO 4217 code.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// US dollar.
    pub const USD: Self = Self(*b"USD");

    /// Digits after the point, after ISO 4217: none for a few, three for a few, else two.
    pub fn decimals(self) -> u32 {
        match &self.0 {
            b"JPY" | b"KRW" | b"ISK" | b"CLP" | b"VND" | b"XAF" | b"XOF" | b"XPF" | b"PYG" | b"UGX" | b"RWF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            _ => 2,
        }
    }

    /// The smallest amount that is charged.
    pub fn step(self) -> Decimal {
        Decimal::new(1, self.decimals())
    }
}

impl FromStr for Currency {
    type Err = NumberError;
    fn from_str(text: &str) -> Result<Self, NumberError> {
        match text.as_bytes() {
            &[a, b, c] if [a, b, c].iter().all(u8::is_ascii_uppercase) => Ok(Self([a, b, c])),
            _ => Err(NumberError::NotACurrency),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.0).expect("a currency code is three ASCII capitals"))
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// How much of a product: pieces, or a weight with up to 6 decimals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Quantity(Decimal);

impl Quantity {
    /// One piece.
    pub const ONE: Self = Self(Decimal::ONE);
    /// The largest quantity accepted from outside, either sign.
    pub const MAX: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);
    /// The most decimals a quantity has.
    pub const MAX_DECIMALS: u32 = 6;

    /// Reads digits with at most one point, bounded by [`Self::MAX`].
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        Self::new(parse_decimal(text, Self::MAX, Self::MAX_DECIMALS)?)
    }

    /// A quantity within the bounds.
    pub fn new(value: Decimal) -> Result<Self, NumberError> {
        if value.abs() > Self::MAX {
            return Err(NumberError::TooLarge { max: Self::MAX });
        }
        if value.normalize().scale() > Self::MAX_DECIMALS {
            return Err(NumberError::TooManyDecimals { max: Self::MAX_DECIMALS });
        }
        Ok(Self(value.normalize()))
    }

    /// The bare number.
    pub const fn get(self) -> Decimal {
        self.0
    }

    /// The sum, when it is within the bounds.
    pub fn plus(self, other: Self) -> Result<Self, NumberError> {
        Self::new(self.0 + other.0)
    }

    /// Whether it counts whole pieces.
    pub fn is_whole(self) -> bool {
        self.0.fract().is_zero()
    }
}

impl Neg for Quantity {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.normalize().fmt(f)
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Which way an amount goes to its step.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoundingMethod {
    /// To the nearer one, half away from zero.
    Nearest,
    /// Away from zero.
    Up,
    /// Towards zero.
    Down,
}

/// A tender's or document's rounding: refunds round the same absolute amounts as sales.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Rounding {
    /// Multiples of this, above nothing.
    pub step: Decimal,
    /// Which way.
    pub method: RoundingMethod,
}

impl Rounding {
    /// The amount at a multiple of the step.
    pub fn apply(self, amount: Money) -> Money {
        let strategy = match self.method {
            RoundingMethod::Nearest => RoundingStrategy::MidpointAwayFromZero,
            RoundingMethod::Up => RoundingStrategy::AwayFromZero,
            RoundingMethod::Down => RoundingStrategy::ToZero,
        };
        Money::new(round_with(amount.amount, self.step, strategy), amount.currency)
    }
}

/// The multiple of `step` nearest to `value`, half away from zero; the value itself when the step is nothing.
pub fn round_to_step(value: Decimal, step: Decimal) -> Decimal {
    round_with(value, step, RoundingStrategy::MidpointAwayFromZero)
}

fn round_with(value: Decimal, step: Decimal, strategy: RoundingStrategy) -> Decimal {
    if step <= Decimal::ZERO {
        return value;
    }
    if step.mantissa() == 1 {
        return value.round_dp_with_strategy(step.scale(), strategy);
    }
    (value / step).round_dp_with_strategy(0, strategy) * step
}

/// Why a text is not a usable number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NumberError {
    /// Not digits with at most one point.
    #[error("is not a number")]
    NotANumber,
    /// Beyond the bound.
    #[error("is too large, {max} at most")]
    TooLarge {
        /// The bound.
        max: Decimal,
    },
    /// Finer than the bound.
    #[error("has too many decimals, {max} at most")]
    TooManyDecimals {
        /// The bound.
        max: u32,
    },
    /// Not three capitals.
    #[error("is not a currency code")]
    NotACurrency,
}

/// Plain decimal notation only: no exponent, no grouping, no white space inside, an optional leading minus; bounded before it is converted.
fn parse_decimal(text: &str, max: Decimal, max_decimals: u32) -> Result<Decimal, NumberError> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
        return Err(NumberError::NotANumber);
    }
    if whole.trim_start_matches('0').len() > 19 {
        return Err(NumberError::TooLarge { max });
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > max_decimals as usize {
        return Err(NumberError::TooManyDecimals { max: max_decimals });
    }
    let sign = if digits.len() < text.len() { "-" } else { "" };
    let whole = whole.trim_start_matches('0');
    let value: Decimal = format!("{sign}0{whole}.{fraction}0").parse().map_err(|_| NumberError::NotANumber)?;
    if value.abs() > max {
        return Err(NumberError::TooLarge { max });
    }
    let scale = u32::try_from(fraction.len()).expect("the fraction's length is bounded above");
    Ok(value.round_dp(scale))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn usd(text: &str) -> Money {
        Money::parse(text, Currency::USD).unwrap()
    }

    #[test]
    fn the_largest_amount_is_ten_to_the_eighteenth() {
        assert_eq!(Money::MAX, Decimal::from(1_000_000_000_000_000_000_u64));
    }

    #[test]
    fn numbers_from_outside_are_plain_and_bounded() {
        for (text, expected) in [
            ("12.47", Ok("12.47")),
            ("0012.470000000000000000000000000000", Ok("12.47")),
            (".5", Ok("0.50")),
            ("-3", Ok("-3.00")),
            ("0.002229", Ok("0.002229")),
            ("", Err(NumberError::NotANumber)),
            (".", Err(NumberError::NotANumber)),
            ("1e30", Err(NumberError::NotANumber)),
            ("1 000", Err(NumberError::NotANumber)),
            ("٣", Err(NumberError::NotANumber)),
            ("--1", Err(NumberError::NotANumber)),
            ("999999999999999999999999999999", Err(NumberError::TooLarge { max: Money::MAX })),
            ("1000000000000000001", Err(NumberError::TooLarge { max: Money::MAX })),
            ("0.123456789", Err(NumberError::TooManyDecimals { max: 8 })),
        ] {
            assert_eq!(Money::parse(text, Currency::USD).map(Money::plain), expected.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn amounts_are_rounded_half_away_from_zero() {
        for (price, quantity, expected) in [
            ("2.185", "1", "2.19"),
            ("-2.185", "1", "-2.19"),
            ("0.00224", "9045", "20.26"),
            ("0.002229", "12211", "27.22"),
            ("1.29", "1.24", "1.60"),
        ] {
            assert_eq!(usd(price).times(Quantity::parse(quantity).unwrap()).plain(), expected, "{price} × {quantity}");
        }
        assert_eq!(usd("25.45").percent(Decimal::TEN).plain(), "2.55");
    }

    #[test]
    fn cash_rounding_is_the_same_both_ways() {
        use RoundingMethod::{Down, Nearest, Up};
        for (amount, method, expected) in [
            ("15.72", Nearest, "15.70"),
            ("15.72", Down, "15.70"),
            ("15.72", Up, "15.75"),
            ("1.97", Down, "1.95"),
            ("10.03", Nearest, "10.05"),
        ] {
            let rounding = Rounding { step: Decimal::new(5, 2), method };
            assert_eq!(rounding.apply(usd(amount)), usd(expected));
            assert_eq!(rounding.apply(-usd(amount)), -usd(expected));
        }
    }

    #[test]
    fn shares_of_ten_over_seven_and_over_three() {
        let cents = |n: usize| usd("10.00").shares(&vec![Decimal::ONE; n]).into_iter().map(Money::plain).collect::<Vec<_>>();
        assert_eq!(cents(3), ["3.34", "3.33", "3.33"]);
        assert_eq!(cents(7), ["1.43", "1.43", "1.43", "1.43", "1.43", "1.43", "1.42"]);
    }

    #[test]
    fn money_reads_back_what_it_writes() {
        assert_eq!("12.47 USD".parse::<Money>().unwrap().to_string(), "12.47 USD");
        assert_eq!("500 JPY".parse::<Money>().unwrap().to_string(), "500 JPY");
        assert!("12.47".parse::<Money>().is_err() && "12.47 usd".parse::<Money>().is_err());
    }

    proptest! {
        #[test]
        fn shares_sum_exactly(cents in -10_000_000_i64..10_000_000, weights in proptest::collection::vec(0_i64..100_000, 1..40)) {
            let amount = Money::new(Decimal::new(cents, 2), Currency::USD);
            let weights: Vec<Decimal> = weights.into_iter().map(|w| Decimal::new(w, 2)).collect();
            let shares = amount.shares(&weights);
            let sum = shares.iter().fold(Money::zero(Currency::USD), |sum, share| sum + *share);
            let expected = if weights.iter().all(Decimal::is_zero) { Money::zero(Currency::USD) } else { amount };
            prop_assert_eq!(sum, expected);
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = Money::parse(&text, Currency::USD);
            let _ = Quantity::parse(&text);
            let _ = text.parse::<Money>();
        }

        #[test]
        fn bounded_numbers_round_trip(mantissa in any::<i64>(), scale in 0_u32..8) {
            let text = Decimal::new(mantissa / 100, scale).to_string();
            let money = Money::parse(&text, Currency::USD).unwrap();
            prop_assert_eq!(money.to_string().parse::<Money>().unwrap(), money);
        }
    }
}
