//! The whole sale: 500 Void transaction.

use super::super::Till;
use super::super::stop::Stop;
use crate::desk::{ConfirmPrompt, Desk};
use crate::retail::sale::{Sale, SaleError};
use crate::view::{Level, Notice};

/// 500: with payments on the sale it asks for both at once.
pub(super) fn void(till: &mut Till, desk: &mut dyn Desk, _: Option<&str>) -> Result<(), Stop> {
    let question = question(till.sale()?);
    till.confirm(desk, &ConfirmPrompt { title: "Void sale".to_owned(), question, yes: "void it".to_owned(), no: "keep it".to_owned() })?;
    give_up(till)?;
    till.notice = Some(Notice { level: Level::Info, text: "the sale was voided".to_owned(), hint: "scan the next product".to_owned() });
    Ok(())
}

/// What is given up with a sale, as a question.
pub(super) fn question(sale: &Sale) -> String {
    let totals = sale.totals();
    if totals.paid.is_zero() {
        format!("Give up this sale of {}?", totals.total.plain())
    } else {
        format!("Give up this sale, and give the {} already paid back?", totals.paid.plain())
    }
}

/// Voids the sale in hand with its payments.
pub(super) fn give_up(till: &mut Till) -> Result<(), Stop> {
    let mut sale = till.sale()?.clone();
    void_payments(&mut sale)?;
    till.void_sale(&sale)
}

/// Takes all payments back.
pub(super) fn void_payments(sale: &mut Sale) -> Result<(), SaleError> {
    let open: Vec<u32> = sale.open_payments().map(|payment| payment.number).collect();
    open.into_iter().try_for_each(|number| sale.void_payment(number))
}
