//! Rows of `products.csv`.

use rust_decimal::Decimal;

use super::field;
use super::table::{Column, Record, Row};

/// A product as a file describes it.
#[expect(clippy::struct_excessive_bools, reason = "they are the file's own columns of yes and no")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductRow {
    /// The shop's own number of it, unique in the file.
    pub product_id: String,
    /// Its first bar code in normal form, unique in the file; none for loose goods.
    pub barcode: Option<String>,
    /// What screen and receipt call it.
    pub name: String,
    /// Department; may be empty.
    pub department: String,
    /// Category; may be empty.
    pub category: String,
    /// Brand; may be empty.
    pub brand: String,
    /// Price of one unit, 0 where it is keyed in.
    pub unit_price: Decimal,
    /// Unit of sale; `each` by default.
    pub unit: String,
    /// Tax group; none means that no tax is due.
    pub tax_group: Option<String>,
    /// Whether the price includes the tax.
    pub price_includes_tax: bool,
    /// Whether the cashier must key in the price.
    pub key_in_price: bool,
    /// Whether the cashier must key in the quantity.
    pub key_in_quantity: bool,
    /// Whether its quantity comes from a scale.
    pub weighed: bool,
    /// Age in years below which it is not sold.
    pub min_age: Option<u8>,
    /// Whether its sale is stopped.
    pub blocked: bool,
    /// Units on hand; none if nobody counts them.
    pub stock: Option<Decimal>,
}

impl Record for ProductRow {
    const COLUMNS: &'static [Column] = &[
        Column::mandatory("product_id"),
        Column::mandatory("barcode"),
        Column::mandatory("name"),
        Column::mandatory("department"),
        Column::mandatory("category"),
        Column::mandatory("brand"),
        Column::mandatory("unit_price"),
        Column::optional("unit"),
        Column::optional("tax_group"),
        Column::optional("price_includes_tax"),
        Column::optional("key_in_price"),
        Column::optional("key_in_quantity"),
        Column::optional("weighed"),
        Column::optional("min_age"),
        Column::optional("blocked"),
        Column::optional("stock"),
    ];

    fn read(row: &mut Row<'_>) -> Option<Self> {
        let product_id = row.required("product_id", field::id);
        let barcode = row.optional("barcode", None, |text| field::barcode(text).map(Some));
        let name = row.required("name", field::name);
        let department = row.optional("department", String::new(), field::name);
        let category = row.optional("category", String::new(), field::name);
        let brand = row.optional("brand", String::new(), field::name);
        let unit_price = row.required("unit_price", field::money);
        let unit = row.optional("unit", "each".to_owned(), field::id);
        let tax_group = row.optional("tax_group", None, |text| field::id(text).map(Some));
        let price_includes_tax = row.optional("price_includes_tax", false, field::boolean);
        let key_in_price = row.optional("key_in_price", false, field::boolean);
        let key_in_quantity = row.optional("key_in_quantity", false, field::boolean);
        let weighed = row.optional("weighed", false, field::boolean);
        let min_age = row.optional("min_age", None, |text| field::age(text).map(Some));
        let blocked = row.optional("blocked", false, field::boolean);
        let stock = row.optional("stock", None, |text| field::stock(text).map(Some));
        if let Some(product_id) = &product_id {
            row.unique("product_id", product_id);
        }
        if let Some(Some(barcode)) = &barcode {
            row.unique("barcode", barcode);
        }
        Some(Self {
            product_id: product_id?,
            barcode: barcode?,
            name: name?,
            department: department?,
            category: category?,
            brand: brand?,
            unit_price: unit_price?,
            unit: unit?,
            tax_group: tax_group?,
            price_includes_tax: price_includes_tax?,
            key_in_price: key_in_price?,
            key_in_quantity: key_in_quantity?,
            weighed: weighed?,
            min_age: min_age?,
            blocked: blocked?,
            stock: stock?,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::import::{OnBadRow, products};

    const HEADER: &str = "product_id,barcode,name,department,category,brand,unit_price";

    #[test]
    fn what_a_product_does_not_say_takes_its_default() {
        let file = format!("{HEADER}\n1,036000291452,SOUP,GROCERY,,,0.89\n2,,LOOSE TEA,,,,12\n");
        let rows = products("p.csv", file.as_bytes(), OnBadRow::Refuse).unwrap().rows;
        let soup = &rows[0];
        assert_eq!(soup.barcode.as_deref(), Some("0036000291452"));
        assert_eq!((soup.unit.as_str(), &soup.tax_group, soup.min_age, soup.stock), ("each", &None, None, None));
        assert!(!(soup.weighed || soup.blocked || soup.key_in_price || soup.key_in_quantity || soup.price_includes_tax));
        assert_eq!(rows[1].barcode, None);
    }

    #[test]
    fn a_product_or_code_that_stands_twice_is_reported() {
        // 036000291452 and 0036000291452 are one number in two lengths.
        let file = format!("{HEADER}\n1,036000291452,A,,,,1\n1,,B,,,,1\n3,0036000291452,C,,,,1\n");
        assert_eq!(
            products("p.csv", file.as_bytes(), OnBadRow::Refuse).unwrap_err().to_string(),
            "p.csv:3: product_id: \"1\" stands in line 2 already, expected it once\n\
             p.csv:4: barcode: \"0036000291452\" stands in line 2 already, expected it once",
        );
    }

    #[test]
    fn every_column_checks_its_own_kind_of_value() {
        for (column, value) in [
            ("unit", "a".repeat(41).as_str()),
            ("tax_group", "\u{7}"),
            ("price_includes_tax", "maybe"),
            ("key_in_price", "2"),
            ("key_in_quantity", "x"),
            ("weighed", "kg"),
            ("min_age", "-1"),
            ("blocked", "?"),
            ("stock", "1e3"),
        ] {
            let file = format!("{HEADER},{column}\n1,,A,,,,1,{value}\n");
            let error = products("p.csv", file.as_bytes(), OnBadRow::Refuse).unwrap_err().to_string();
            assert!(error.starts_with(&format!("p.csv:2: {column}: ")), "{error}");
        }
    }
}
