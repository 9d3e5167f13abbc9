//! Master data as headquarters hands them to a store: what is imported, and what a channel database is filled with.

use crate::ids::{OperatorId, ProductId};
use crate::money::Quantity;
use crate::retail::product::Product;
use crate::retail::staff::Operator;
use crate::retail::store::Store;

/// All master data of one store.
#[derive(Clone, PartialEq, Debug)]
pub struct MasterData {
    /// Its configuration.
    pub store: Store,
    /// What it sells; a product's own `barcode` is one of its codes.
    pub products: Vec<Product>,
    /// Further codes: multi-packs, price look-up numbers, scales' item numbers.
    pub codes: Vec<ProductCode>,
    /// Who works there.
    pub staff: Vec<StaffMember>,
    /// Who buys there.
    pub customers: Vec<Customer>,
    /// Everything else that is distributed, as headquarters keeps it.
    pub records: Vec<Record>,
}

/// A record of a kind that has no table of its own in a channel: a register, a profile, a discount …
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Such as `register`.
    pub kind: String,
    /// Its key within the kind; a register's is its number.
    pub key: String,
    /// JSON; a register's is a [`RegisterSetup`](crate::retail::register::RegisterSetup).
    pub content: String,
}

/// What a delta brings: changed rows, and the keys of rows that are gone.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Changes {
    /// The store's configuration, when it changed.
    pub store: Option<Store>,
    /// Products that are new or changed.
    pub products: Vec<Product>,
    /// All further codes of those products; codes of theirs that are not here are gone.
    pub codes: Vec<ProductCode>,
    /// Staff that are new or changed.
    pub staff: Vec<StaffMember>,
    /// Customers that are new or changed.
    pub customers: Vec<Customer>,
    /// Other records that are new or changed.
    pub records: Vec<Record>,
    /// Products that are gone, with their codes.
    pub deleted_products: Vec<ProductId>,
    /// Staff that are gone.
    pub deleted_staff: Vec<OperatorId>,
    /// Customers that are gone, by number.
    pub deleted_customers: Vec<String>,
    /// Other records that are gone, by kind and key.
    pub deleted_records: Vec<(String, String)>,
}

/// A further code of a product.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProductCode {
    /// The code as looked up.
    pub code: String,
    /// Whose it is.
    pub product: ProductId,
    /// How much of it the code stands for, when it says so.
    pub quantity: Option<Quantity>,
}

/// A worker with the hash of his PIN.
#[derive(Clone, PartialEq, Eq)]
pub struct StaffMember {
    /// Who and with which rights.
    pub operator: Operator,
    /// Argon2id in PHC form.
    pub pin_hash: String,
}

impl std::fmt::Debug for StaffMember {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StaffMember").field("operator", &self.operator).field("pin_hash", &"***").finish()
    }
}

/// A known customer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Customer {
    /// Account number.
    pub number: String,
    /// Name.
    pub name: String,
    /// May be empty.
    pub email: String,
    /// May be empty.
    pub phone: String,
    /// Customer group, may be empty.
    pub group: String,
}
