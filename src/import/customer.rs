//! Rows of `customers.csv`.

use super::field;
use super::table::{Column, Record, Row};

/// A customer as a file describes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerRow {
    /// The shop's number of the customer, unique in the file.
    pub number: String,
    /// Name.
    pub name: String,
    /// E-mail address, not checked beyond its `@`.
    pub email: Option<String>,
    /// Telephone number, as written.
    pub phone: Option<String>,
    /// Customer group.
    pub group: Option<String>,
}

impl Record for CustomerRow {
    const COLUMNS: &'static [Column] = &[
        Column::mandatory("number"),
        Column::mandatory("name"),
        Column::optional("email"),
        Column::optional("phone"),
        Column::optional("group"),
    ];

    fn read(row: &mut Row<'_>) -> Option<Self> {
        let number = row.required("number", field::id);
        let name = row.required("name", field::name);
        let email = row.optional("email", None, |text| field::email(text).map(Some));
        let phone = row.optional("phone", None, |text| field::id(text).map(Some));
        let group = row.optional("group", None, |text| field::id(text).map(Some));
        if let Some(number) = &number {
            row.unique("number", number);
        }
        Some(Self { number: number?, name: name?, email: email?, phone: phone?, group: group? })
    }
}

#[cfg(test)]
mod tests {
    use crate::import::{OnBadRow, customers};

    #[test]
    fn a_customer_needs_a_number_and_a_name_alone() {
        let rows = customers("c.csv", "number,name\n1,Customer 1\n".as_bytes(), OnBadRow::Refuse).unwrap().rows;
        assert_eq!((rows[0].email.as_ref(), rows[0].phone.as_ref(), rows[0].group.as_ref()), (None, None, None));
    }

    #[test]
    fn what_is_no_address_and_who_stands_twice_is_reported() {
        let file = "number,name,email\n1,A,a@example.com\n2,B,b@\n1,C,c d@example.com\n";
        assert_eq!(
            customers("c.csv", file.as_bytes(), OnBadRow::Refuse).unwrap_err().to_string(),
            "c.csv:3: email: \"b@\" is no e-mail address, expected name@host\n\
             c.csv:4: email: \"c d@example.com\" is no e-mail address, expected name@host\n\
             c.csv:4: number: \"1\" stands in line 2 already, expected it once",
        );
    }
}
