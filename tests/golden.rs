//! The form of records on the wire, pinned: a change here is a change of the protocol. `EVERTILL_GOLDEN=rewrite` writes the files anew.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/fixture.rs"]
mod fixture;

use std::path::Path;

use evertill::channel::{ChannelError, Page, Recorded, Refusal};
use evertill::money::Quantity;
use evertill::protocol::{DataVersion, Problem, Receipt, SignIn};
use evertill::retail::product::{Found, Product};
use evertill::retail::staff::{Operator, Pin};
use evertill::retail::store::Store;
use evertill::retail::transaction::Transaction;
use fixture::{event, sale, shop, store};
use serde::Serialize;
use serde::de::DeserializeOwned;

#[test]
fn records_have_their_pinned_form() {
    let products = shop().products;
    pin::<Product>("product", &products[3]);
    pin::<Found>("found", &Found { product: products[1].clone(), quantity: Some(Quantity::parse("12").unwrap()) });
    pin::<Page>("page", &Page { products: products[..2].to_vec(), more: true });
    pin::<Store>("store", &store());
    pin::<Operator>("operator", &shop().staff[1].operator);
    pin::<SignIn>("sign_in", &SignIn { operator: "000160".into(), pin: Pin::new("123") });
    pin::<Receipt>("receipt", &Receipt { recorded: Recorded::New });
    pin::<DataVersion>("data_version", &DataVersion { version: 7 });
    pin::<Transaction>("transaction", &sale(2, 41));
    pin::<Transaction>("event", &event(2, 42));
    pin::<Problem>("problem", &ChannelError::refused(Refusal::Conflict, "its key is taken").into());
}

/// Compares a record with its file, and the file, read and written again, with itself.
fn pin<T: Serialize + DeserializeOwned>(name: &str, record: &T) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.json"));
    let text = pretty(record);
    if std::env::var_os("EVERTILL_GOLDEN").is_some_and(|value| value == "rewrite") {
        std::fs::write(&path, &text).unwrap();
    }
    let pinned = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(text, pinned, "{name}");
    assert_eq!(pretty(&serde_json::from_str::<T>(&pinned).unwrap()), pinned, "{name} as it is read");
}

fn pretty(record: &impl Serialize) -> String {
    serde_json::to_string_pretty(record).unwrap() + "\n"
}
