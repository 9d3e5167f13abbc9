//! Rows of `barcodes.csv`: further codes of products, such as price look-up numbers, items of a scale, packs.

use rust_decimal::Decimal;

use super::field;
use super::table::{Column, Record, Row};

/// A further code of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BarcodeRow {
    /// The code in normal form, unique in the file.
    pub barcode: String,
    /// The product's number.
    pub product_id: String,
    /// How many units of the product one scan sells; 1 by default.
    pub quantity: Decimal,
}

impl Record for BarcodeRow {
    const COLUMNS: &'static [Column] = &[Column::mandatory("barcode"), Column::mandatory("product_id"), Column::optional("quantity")];

    fn read(row: &mut Row<'_>) -> Option<Self> {
        let barcode = row.required("barcode", field::barcode);
        let product_id = row.required("product_id", field::id);
        let quantity = row.optional("quantity", Decimal::ONE, field::quantity);
        if let Some(barcode) = &barcode {
            row.unique("barcode", barcode);
        }
        Some(Self { barcode: barcode?, product_id: product_id?, quantity: quantity? })
    }
}

#[cfg(test)]
mod tests {
    use crate::import::{OnBadRow, barcodes};

    #[test]
    fn one_scan_sells_one_unit_unless_the_file_says_otherwise() {
        let file = "barcode,product_id,quantity\n4011,7,\n96385074,7,6\n";
        let rows = barcodes("b.csv", file.as_bytes(), OnBadRow::Refuse).unwrap().rows;
        let quantities: Vec<String> = rows.iter().map(|row| row.quantity.to_string()).collect();
        assert_eq!(quantities, ["1", "6"]);
    }
}
