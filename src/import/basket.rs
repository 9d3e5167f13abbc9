//! `baskets.csv`: real sales to be rung up again, a line each, the lines of a basket one after another.

use std::collections::{BTreeSet, HashSet};
use std::io::Read;

use chrono::NaiveDateTime;
use rust_decimal::{Decimal, RoundingStrategy};

use super::table::{Column, Record, Row, Table};
use super::{BadRows, ImportError, field};

/// One customer's sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basket {
    /// The number of it in the file.
    pub id: String,
    /// When it was sold, on the store's clock.
    pub timestamp: NaiveDateTime,
    /// Who bought it.
    pub household: String,
    /// At least one.
    pub lines: Vec<BasketLine>,
}

/// A line of a basket. Amounts are in the store's currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasketLine {
    /// The product's number.
    pub product_id: String,
    /// More than 0.
    pub quantity: Decimal,
    /// Price of one, with up to 8 decimals.
    pub unit_price: Decimal,
    /// Unit price times quantity, rounded half up to cents.
    pub shelf_amount: Decimal,
    /// Discount for the loyalty card.
    pub loyalty_discount: Decimal,
    /// The store's own addition to a coupon.
    pub coupon_match_discount: Decimal,
    /// A coupon handed in: a tender, no discount.
    pub manufacturer_coupon: Decimal,
    /// Shelf amount less the two discounts.
    pub line_total: Decimal,
}

/// An iterator over a file's baskets, one in memory at a time: each one good, or an error with all the faults of its rows.
/// A row that does not say its basket counts to the basket before it.
pub struct Baskets<R: Read> {
    table: Table<R, Sold>,
    products: Option<BTreeSet<String>>,
    open: Option<OpenBasket>,
    closed: HashSet<String>,
}

impl<R: Read> Baskets<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// See [`ImportError`].
    pub fn open(file: &str, input: R) -> Result<Self, ImportError> {
        Ok(Self { table: Table::open(file, input)?, products: None, open: None, closed: HashSet::new() })
    }

    /// Takes lines of these products alone.
    #[must_use]
    pub fn of(self, products: BTreeSet<String>) -> Self {
        Self { products: Some(products), ..self }
    }

    /// Puts a row into the open basket, or closes that and opens the row's own.
    fn place(&mut self, sold: Option<Sold>, bad: BadRows) -> Option<Result<Basket, ImportError>> {
        let is_next = match (&self.open, &sold) {
            (None, _) => true,
            (Some(open), Some(Sold { basket_id: Some(id), .. })) => open.id.as_ref() != Some(id),
            (Some(_), _) => false,
        };
        let closed = if is_next { self.close() } else { None };
        self.open.get_or_insert_default().add(sold, bad);
        closed
    }

    fn close(&mut self) -> Option<Result<Basket, ImportError>> {
        let open = self.open.take()?;
        self.closed.extend(open.id.clone());
        Some(open.into_basket())
    }
}

impl<R: Read> Iterator for Baskets<R> {
    type Item = Result<Basket, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let read = |row: &mut Row<'_>| {
                let sold = Sold::read_into(row, self.open.as_ref(), &self.closed)?;
                sold.must_be_of(self.products.as_ref(), row);
                Some(sold)
            };
            match self.table.next_row(read) {
                None => return self.close(),
                Some(Err(error)) => {
                    self.open = None;
                    return Some(Err(error));
                }
                Some(Ok((sold, bad))) => {
                    if let Some(closed) = self.place(sold, bad) {
                        return Some(closed);
                    }
                }
            }
        }
    }
}

/// A basket of which more lines may follow.
#[derive(Default)]
struct OpenBasket {
    id: Option<String>,
    timestamp: Option<NaiveDateTime>,
    household: Option<String>,
    last_line: u32,
    lines: Vec<BasketLine>,
    bad: BadRows,
}

impl OpenBasket {
    fn add(&mut self, sold: Option<Sold>, bad: BadRows) {
        self.bad.append(bad);
        let Some(sold) = sold else { return };
        self.id = self.id.take().or(sold.basket_id);
        self.timestamp = self.timestamp.or(sold.timestamp);
        self.household = self.household.take().or(sold.household);
        self.last_line = sold.number.unwrap_or(self.last_line);
        self.lines.extend(sold.line);
    }

    fn into_basket(self) -> Result<Basket, ImportError> {
        match (self.id, self.timestamp, self.household) {
            (Some(id), Some(timestamp), Some(household)) if self.bad.is_empty() => {
                Ok(Basket { id, timestamp, household, lines: self.lines })
            }
            _ => Err(ImportError::BadRows(self.bad)),
        }
    }
}

/// A row, as far as it can be read: a bad one still tells whose basket is bad.
struct Sold {
    basket_id: Option<String>,
    timestamp: Option<NaiveDateTime>,
    household: Option<String>,
    number: Option<u32>,
    line: Option<BasketLine>,
}

impl Sold {
    fn read_into(row: &mut Row<'_>, open: Option<&OpenBasket>, closed: &HashSet<String>) -> Option<Self> {
        let sold = Self::read(row)?;
        let id = sold.basket_id.as_ref()?;
        if closed.contains(id) {
            row.fault::<()>("basket_id", format!("{id:?} has lines further up, expected all lines of a basket together"));
        }
        if let Some(open) = open.filter(|open| open.id.as_ref() == Some(id)) {
            sold.must_continue(open, row);
        }
        Some(sold)
    }

    fn must_be_of(&self, products: Option<&BTreeSet<String>>, row: &mut Row<'_>) {
        if let (Some(products), Some(line)) = (products, &self.line)
            && !products.contains(&line.product_id)
        {
            row.fault::<()>("product_id", format!("{:?} is none of the products, expected one of them", line.product_id));
        }
    }

    fn must_continue(&self, open: &OpenBasket, row: &mut Row<'_>) {
        if let (Some(own), Some(basket_s)) = (self.timestamp, open.timestamp)
            && own != basket_s
        {
            row.fault::<()>("timestamp", format!("is {own}, expected {basket_s} as on the basket's first line"));
        }
        if let (Some(own), Some(basket_s)) = (&self.household, &open.household)
            && own != basket_s
        {
            row.fault::<()>("household_id", format!("is {own:?}, expected {basket_s:?} as on the basket's first line"));
        }
        if let Some(number) = self.number.filter(|number| *number <= open.last_line) {
            row.fault::<()>("line", format!("is {number}, expected more than the {} before it", open.last_line));
        }
    }
}

impl Record for Sold {
    const COLUMNS: &'static [Column] = &[
        Column::mandatory("basket_id"),
        Column::mandatory("timestamp"),
        Column::mandatory("household_id"),
        Column::mandatory("line"),
        Column::mandatory("product_id"),
        Column::mandatory("quantity"),
        Column::mandatory("unit_price"),
        Column::mandatory("shelf_amount"),
        Column::mandatory("loyalty_discount"),
        Column::mandatory("coupon_match_discount"),
        Column::mandatory("manufacturer_coupon"),
        Column::mandatory("line_total"),
    ];

    fn read(row: &mut Row<'_>) -> Option<Self> {
        Some(Self {
            basket_id: row.required("basket_id", field::id),
            timestamp: row.required("timestamp", field::timestamp),
            household: row.required("household_id", field::id),
            number: row.required("line", field::line_number),
            line: BasketLine::read(row),
        })
    }
}

impl BasketLine {
    fn read(row: &mut Row<'_>) -> Option<Self> {
        let product_id = row.required("product_id", field::id);
        let quantity = row.required("quantity", field::quantity);
        let unit_price = row.required("unit_price", field::money);
        let shelf_amount = row.required("shelf_amount", field::money);
        let loyalty_discount = row.required("loyalty_discount", field::money);
        let coupon_match_discount = row.required("coupon_match_discount", field::money);
        let manufacturer_coupon = row.required("manufacturer_coupon", field::money);
        let line_total = row.required("line_total", field::money);
        let line = Self {
            product_id: product_id?,
            quantity: quantity?,
            unit_price: unit_price?,
            shelf_amount: shelf_amount?,
            loyalty_discount: loyalty_discount?,
            coupon_match_discount: coupon_match_discount?,
            manufacturer_coupon: manufacturer_coupon?,
            line_total: line_total?,
        };
        line.must_add_up(row);
        Some(line)
    }

    fn must_add_up(&self, row: &mut Row<'_>) {
        let due = (self.unit_price * self.quantity).round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
        if self.shelf_amount != due {
            let why = format!("is {}, expected {} × {} = {due}", self.shelf_amount, self.unit_price, self.quantity);
            row.fault::<()>("shelf_amount", why);
        }
        let total = self.shelf_amount - self.loyalty_discount - self.coupon_match_discount;
        if self.line_total != total {
            let why = format!("is {}, expected {total}: the shelf amount less the two discounts", self.line_total);
            row.fault::<()>("line_total", why);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::{OnBadRow, baskets};

    const HEADER: &str = "basket_id,timestamp,household_id,line,product_id,quantity,unit_price,shelf_amount,\
                          loyalty_discount,coupon_match_discount,manufacturer_coupon,line_total";

    fn file(rows: &[&str]) -> String {
        format!("{HEADER}\n{}\n", rows.join("\n"))
    }

    fn read(rows: &[&str], on_bad_row: OnBadRow) -> Result<Vec<String>, String> {
        let imported = baskets("b.csv", file(rows).as_bytes(), on_bad_row).map_err(|error| error.to_string())?;
        Ok(imported.rows.iter().map(|basket| format!("{}:{}", basket.id, basket.lines.len())).collect())
    }

    const A_1: &str = "A,2017-01-01 18:18:48,603,1,7,2,1.19,2.38,0.19,0.10,0.00,2.09";
    const A_2: &str = "A,2017-01-01 18:18:48,603,2,8,10.333,2.39899999,24.79,0,0,1.00,24.79";
    const B_1: &str = "B,2017-01-02 09:00:00,604,1,7,1,1.19,1.19,0,0,0,1.19";

    #[test]
    fn the_lines_of_a_basket_come_together() {
        assert_eq!(read(&[A_1, A_2, B_1], OnBadRow::Refuse), Ok(vec!["A:2".into(), "B:1".into()]));
        assert_eq!(read(&[], OnBadRow::Refuse), Ok(Vec::new()));
    }

    #[test]
    fn every_value_reaches_its_place() {
        let basket = Baskets::open("b.csv", file(&[A_1]).as_bytes()).unwrap().next().unwrap().unwrap();
        let line = &basket.lines[0];
        assert_eq!((basket.timestamp.to_string().as_str(), basket.household.as_str()), ("2017-01-01 18:18:48", "603"));
        let amounts =
            [line.quantity, line.unit_price, line.shelf_amount, line.loyalty_discount, line.coupon_match_discount, line.line_total];
        assert_eq!(amounts.map(|amount| amount.to_string()), ["2", "1.19", "2.38", "0.19", "0.10", "2.09"]);
    }

    #[test]
    fn half_a_cent_of_the_shelf_amount_goes_up() {
        let row = |amount| format!("A,2017-01-01 18:18:48,603,1,7,0.5,0.25,{amount},0,0,0,{amount}");
        assert!(read(&[&row("0.13")], OnBadRow::Refuse).is_ok());
        assert_eq!(read(&[&row("0.12")], OnBadRow::Refuse), Err("b.csv:2: shelf_amount: is 0.12, expected 0.25 × 0.5 = 0.13".into()));
    }

    #[test]
    fn what_does_not_fit_its_basket_is_named() {
        for (row, expected) in [
            (
                "A,2017-01-01 18:18:49,603,2,8,1,1,1,0,0,0,1",
                "timestamp: is 2017-01-01 18:18:49, expected 2017-01-01 18:18:48 as on the basket's first line",
            ),
            ("A,2017-01-01 18:18:48,604,2,8,1,1,1,0,0,0,1", "household_id: is \"604\", expected \"603\" as on the basket's first line"),
            ("A,2017-01-01 18:18:48,603,1,8,1,1,1,0,0,0,1", "line: is 1, expected more than the 1 before it"),
            (
                "A,2017-01-01 18:18:48,603,2,8,1,1,1,0.2,0.3,0,0.6",
                "line_total: is 0.6, expected 0.5: the shelf amount less the two discounts",
            ),
            ("A,2017-01-01 18:18:48,603,2,8,0,1,0,0,0,0,0", "quantity: \"0\" is out of range, expected more than 0 and at most 1000000"),
        ] {
            assert_eq!(read(&[A_1, row], OnBadRow::Refuse), Err(format!("b.csv:3: {expected}")));
        }
        assert_eq!(
            read(&[A_1, B_1, A_2], OnBadRow::Refuse),
            Err("b.csv:4: basket_id: \"A\" has lines further up, expected all lines of a basket together".into())
        );
    }

    #[test]
    fn lines_of_other_products_are_refused_where_the_products_are_known() {
        let text = file(&[A_1, A_2, B_1]);
        let baskets = |products: &[&str]| {
            let products = products.iter().map(|id| (*id).to_owned()).collect();
            let baskets = Baskets::open("b.csv", text.as_bytes()).unwrap().of(products);
            baskets.map(|basket| basket.map(|basket| basket.id).map_err(|error| error.to_string())).collect::<Vec<_>>()
        };
        let unknown = "b.csv:3: product_id: \"8\" is none of the products, expected one of them".to_owned();
        assert_eq!(baskets(&["7"]), [Err(unknown), Ok("B".to_owned())]);
        assert_eq!(baskets(&["7", "8"]), [Ok("A".to_owned()), Ok("B".to_owned())]);
    }

    #[test]
    fn a_basket_with_a_bad_line_is_skipped_whole() {
        let bad = "A,2017-01-01 18:18:48,603,3,8,x,1,1,0,0,0,1";
        let unknown = ",2017-01-01 18:18:48,603,3,8,1,1,1,0,0,0,1";
        for row in [bad, unknown, "too,short"] {
            assert_eq!(read(&[A_1, A_2, row, B_1], OnBadRow::Skip), Ok(vec!["B:1".into()]), "{row}");
            assert_eq!(read(&[row, B_1], OnBadRow::Skip), Ok(vec!["B:1".into()]), "{row}");
        }
    }
}
