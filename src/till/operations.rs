//! The one table of operations. Grid, keymap, help, permission test, offline test, `evertill operations` and the manual are made from it.

mod connection;
mod device;
mod discount;
mod gift_card;
mod payment;
mod product;
mod session;
mod transaction;

use super::Till;
use super::stop::Stop;
use crate::desk::Desk;
use crate::retail::staff::Permission;
use crate::view::Screen::{self, Activation, SignIn, Transaction, Welcome};

pub(super) use device::activate_at_start;
pub(super) use product::enter;
pub(super) use session::{lock, sign_in, unlock};

/// A row: what a button does, known by its number.
pub struct Operation {
    /// Its number, such as 917.
    pub number: u16,
    /// Its name in the article's table.
    pub name: &'static str,
    /// What its button says.
    pub caption: &'static str,
    /// The key that runs it.
    pub key: Key,
    /// Where help and manual put it.
    pub group: Group,
    /// The screens it is offered on.
    pub screens: &'static [Screen],
    /// What must be there before anything is asked.
    pub needs: &'static [Need],
    /// Who may. What depends on an amount is tested again once the amount is known.
    pub permission: Permission,
    /// Whether it works offline.
    pub offline: OfflineRule,
    /// How far it must reach while online.
    pub reach: Reach,
    /// One sentence for help and manual.
    pub help: &'static str,
    /// Does it. The text is the button's parameter: a payment method, an amount.
    pub run: fn(&mut Till, &mut dyn Desk, Option<&str>) -> Result<(), Stop>,
}

/// A key of the keyboard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    /// F1 to F12.
    F(u8),
    /// Alt and a letter or digit.
    Alt(char),
    /// Enter, on the entry line.
    Enter,
}

/// Groups of operations, in the order of the help page.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Group {
    /// Selling.
    Product,
    /// Discounts.
    Discount,
    /// Paying.
    Payment,
    /// The whole sale.
    Transaction,
    /// Operator and connection.
    Session,
}

/// What an operation needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Need {
    /// A sale in hand.
    Sale,
    /// A selected line that is not voided.
    OpenLine,
    /// A selected line.
    Line,
    /// A payment on the sale.
    Payment,
}

/// Whether an operation works offline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OfflineRule {
    /// As online, on the register's own data.
    Same,
    /// Refused.
    Refused,
}

/// How far an operation must reach while online.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// Nothing beyond the register.
    Register,
    /// The scale unit.
    ScaleUnit,
    /// Headquarters, through the scale unit.
    Headquarters,
}

const BOTH: &[Screen] = &[Welcome, Transaction];
const SALE: &[Screen] = &[Transaction];

/// All operations, by number.
pub static TABLE: &[Operation] = &[
    Operation {
        number: 100,
        name: "Product sale",
        caption: "Sell product",
        key: Key::Enter,
        group: Group::Product,
        screens: BOTH,
        needs: &[],
        permission: Permission::Everyone,
        offline: OfflineRule::Same,
        reach: Reach::ScaleUnit,
        help: "Scan a bar code, or type a code or PLU and press Enter; 3* before it sells three",
        run: product::sale,
    },
    Operation {
        number: 101,
        name: "Price check",
        caption: "Price check",
        key: Key::F(8),
        group: Group::Product,
        screens: BOTH,
        needs: &[],
        permission: Permission::Everyone,
        offline: OfflineRule::Same,
        reach: Reach::ScaleUnit,
        help: "Tells what a product costs without selling it",
        run: product::price_check,
    },
    Operation {
        number: 102,
        name: "Void product",
        caption: "Void line",
        key: Key::F(4),
        group: Group::Product,
        screens: SALE,
        needs: &[Need::Line],
        permission: Permission::VoidProduct,
        offline: OfflineRule::Same,
        reach: Reach::Register,
        help: "Takes the selected line out of the sale; again brings it back",
        run: product::void,
    },
    Operation {
        number: 104,
        name: "Price override",
        caption: "Change price",
        key: Key::Alt('p'),
        group: Group::Product,
        screens: SALE,
        needs: &[Need::OpenLine],
        permission: Permission::Everyone,
        offline: OfflineRule::Same,
        reach: Reach::Register,
        help: "Sells the selected line at another unit price",
        run: product::override_price,
    },
    Operation {
        number: 105,
        name: "Set quantity",
        caption: "Quantity",
        key: Key::F(3),
        group: Group::Product,
        screens: SALE,
        needs: &[Need::OpenLine],
        permission: Permission::Everyone,
        offline: OfflineRule::Same,
        reach: Reach::Register,
        help: "Changes the selected line's quantity",
        run: product::set_quantity,
    },
    Operation {
        number: 106,
        name: "Clear quantity",
        caption: "Quantity 1",
        key: Key::Alt('1'),
        group: Group::Product,
        screens: SALE,
        needs: &[Need::OpenLine],
        permission: Permission::Everyone,
        offline: OfflineRule::Same,
        reach: Reach::Register,
        help: "Sets the selected line's quantity back to 1",
        run: product::clear_quantity,
    },
    Operation {
        number: 108,
        name: "Product search",
        caption: "Search",
        key: Key::F(2),
        group: Group::Product,
        screens: BOTH,
        needs: &[],
        permission: Permission::Everyone,
        offline: OfflineRule::Same,
        reach: Reach::ScaleUnit,
        help: "Finds products by any part of name, number or bar code as you type",
        run: product::search,
    },
    Operation {
        number: 200,
        name: "Pay cash",
        caption: "Pay cash",
        key: Key::F(9),
        group: Group::Payment,
        screens: SALE,
        needs: &[Need::Sale],
        permission: Permission::Everyone,
        offline: OfflineRule::Same,
        reach: Reach::Register,
        help: "Takes cash, gives change and concludes the sale when it is paid",
        run: payment::cash,
    },
    Operation {
        number: 206,
        name: "Pay cash quick",
        caption: "Cash exact",
        key: Key::F(10),
        group: Group::Payment,
        screens: SALE,
        needs: &[Need::Sale],
        permission: Permission::Everyone,
        offline: OfflineRule::Same,
        reach: Reach::Register,
        help: "Takes the exact amount in cash and concludes the sale, in one touch",
        run: payment::cash_quick,
    },
    Operation {
        number: 211,
        name: "Void payment",
        caption: "Void payment",
        key: Key::Alt('v'),
        group: Group::Payment,
        screens: SALE,
        needs: &[Need::Payment],
        permission: Permission::VoidPayment,
        offline: OfflineRule::Same,
        reach: Reach::Register,
        help: "Takes the selected payment back, or the last one",
        run: payment::void,
    },
    Operation {
        number: 300,
        name: "Line discount amount",
        caption: "Amount off",
        key: Key::Alt('d'),
        group: Group::Discount,
        screens: SALE,
        needs: &[Need::OpenLine],
        permission: Permission::Everyone,
        offline: OfflineRule::Same,
        reach: Reach::Register,
        help: "Takes an amount off the selected line; 0 takes the discount away",
        run: discount::line_amount,
    },
    Operation {
        number: 301,
        name: "Line discount percent",
        caption: "Percent off",
        key: Key::F(5),
        group: Group::Discount,
        screens: SALE,
        needs: &[Need::OpenLine],
        permission: Permission::Everyone,
        offline: OfflineRule::Same,
        reach: Reach::Register,
        help: "Takes percent off the selected line; 0 takes the discount away",
        run: discount::line_percent,
    },
    Operation {
        number: 500,
        name: "Void transaction",
        caption: "Void sale",
        key: Key::Alt('x'),
        group: Group::Transaction,
        screens: SALE,
        needs: &[Need::Sale],
        permission: Permission::VoidTransaction,
        offline: OfflineRule::Same,
        reach: Reach::Register,
        help: "Gives the whole sale up, payments included",
        run: transaction::void,
    },
    Operation {
        number: 520,
        name: "Gift card balance",
        caption: "Gift balance",
        key: Key::Alt('g'),
        group: Group::Payment,
        screens: BOTH,
        needs: &[],
        permission: Permission::Everyone,
        offline: OfflineRule::Refused,
        reach: Reach::Headquarters,
        help: "Asks headquarters what is left on a gift card",
        run: gift_card::balance,
    },
    Operation {
        number: 701,
        name: "Log off",
        caption: "Log off",
        key: Key::Alt('o'),
        group: Group::Session,
        screens: BOTH,
        needs: &[],
        permission: Permission::Everyone,
        offline: OfflineRule::Same,
        reach: Reach::Register,
        help: "Ends your work at this register; the shift stays open",
        run: session::log_off,
    },
    Operation {
        number: 703,
        name: "Lock register",
        caption: "Lock",
        key: Key::Alt('l'),
        group: Group::Session,
        screens: BOTH,
        needs: &[],
        permission: Permission::Everyone,
        offline: OfflineRule::Same,
        reach: Reach::Register,
        help: "Hides the sale until you enter your PIN again",
        run: session::lock_register,
    },
    Operation {
        number: 707,
        name: "Activate device",
        caption: "Activate",
        key: Key::Alt('a'),
        group: Group::Session,
        screens: &[Activation, SignIn, Welcome],
        needs: &[],
        permission: Permission::Everyone,
        offline: OfflineRule::Refused,
        reach: Reach::Headquarters,
        help: "Makes this device a register again, with a code from headquarters",
        run: device::activate,
    },
    Operation {
        number: 708,
        name: "Inactivate device",
        caption: "Inactivate",
        key: Key::Alt('i'),
        group: Group::Session,
        screens: &[Welcome],
        needs: &[],
        permission: Permission::ManageDevice,
        offline: OfflineRule::Refused,
        reach: Reach::Headquarters,
        help: "Releases the register from this device, when all is sent and its shift has no sales",
        run: device::release,
    },
    Operation {
        number: 917,
        name: "Database connection status",
        caption: "Disconnect",
        key: Key::F(12),
        group: Group::Session,
        screens: &[Activation, SignIn, Welcome, Transaction],
        needs: &[],
        permission: Permission::Everyone,
        offline: OfflineRule::Same,
        reach: Reach::ScaleUnit,
        help: "Shows the connection; disconnects from the scale unit or connects again",
        run: connection::status,
    },
];

/// The row of a number.
pub fn by_number(number: u16) -> Option<&'static Operation> {
    TABLE.iter().find(|operation| operation.number == number)
}

impl Operation {
    /// How a cashier is told the key: `F12`, `Alt+P`, `Enter`.
    pub fn key_name(&self) -> String {
        match self.key {
            Key::F(number) => format!("F{number}"),
            Key::Alt(letter) => format!("Alt+{}", letter.to_ascii_uppercase()),
            Key::Enter => "Enter".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn numbers_rise_and_keys_are_taken_once() {
        assert!(TABLE.is_sorted_by_key(|operation| operation.number));
        let keys: HashSet<String> = TABLE.iter().map(Operation::key_name).collect();
        assert_eq!(keys.len(), TABLE.len());
    }

    #[test]
    fn every_text_fits_where_it_is_shown() {
        for operation in TABLE {
            assert!(operation.caption.chars().count() <= 13, "{} does not fit its button", operation.caption);
            assert!(operation.help.chars().count() <= 84 && !operation.help.ends_with('.'), "{}", operation.help);
            assert!(!operation.screens.is_empty());
        }
    }
}
