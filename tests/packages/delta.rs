//! A delta makes what a full file makes, for every question a till can ask.

use std::collections::BTreeMap;
use std::path::Path;

use evertill::channel::sqlite::{SqliteChannel, master};
use evertill::channel::{Channel, ErrorKind, ProductSearch, Refusal};
use evertill::ids::ProductId;
use evertill::master_data::{Changes, Customer, MasterData, ProductCode, Record, StaffMember};
use evertill::money::Quantity;
use evertill::retail::product::Product;
use evertill::retail::staff::{Operator, Permissions};
use evertill::sample_store;
use proptest::prelude::*;

use super::chain::{open, product};

/// Few, so that names collide and stand close together.
const NAMES: [&str; 8] = ["BEANS", "Beans", "BEAN SOUP", "CRÈME BRÛLÉE", "MILK 1 LTR", "MILK 2 LTR", "ZUCCHINI", "APPLES"];
const IDS: u64 = 30;

#[derive(Clone, Debug)]
enum Change {
    Price(u64, u8),
    Name(u64, usize),
    Barcodes(u64, u64),
    Codes(u64, Vec<u8>),
    Remove(u64),
    Staff(u8, Option<u8>),
    Record(u8, Option<u8>),
}

fn change() -> impl Strategy<Value = Change> {
    let id = || 1..=IDS;
    prop_oneof![
        3 => (id(), 0..NAMES.len()).prop_map(|(id, name)| Change::Name(id, name)),
        2 => (id(), any::<u8>()).prop_map(|(id, price)| Change::Price(id, price)),
        1 => (id(), id()).prop_map(|(id, other)| Change::Barcodes(id, other)),
        2 => (id(), proptest::collection::vec(0_u8..6, 0..3)).prop_map(|(id, codes)| Change::Codes(id, codes)),
        1 => id().prop_map(Change::Remove),
        1 => (0_u8..4, any::<Option<u8>>()).prop_map(|(who, what)| Change::Staff(who, what)),
        1 => (0_u8..4, any::<Option<u8>>()).prop_map(|(which, what)| Change::Record(which, what)),
    ]
}

/// A store in memory.
#[derive(Clone, Default)]
struct Model {
    products: BTreeMap<u64, Product>,
    codes: BTreeMap<u8, u64>,
    staff: BTreeMap<u8, u8>,
    records: BTreeMap<u8, u8>,
}

impl Model {
    fn apply(&mut self, change: &Change) {
        match change {
            Change::Price(id, price) => {
                if let Some(product) = self.products.get_mut(id) {
                    product.price = format!("{price}.99 USD").parse().unwrap();
                }
            }
            Change::Name(id, name) => {
                let known = self.products.entry(*id).or_insert_with(|| product(*id, "", "1.00"));
                NAMES[*name].clone_into(&mut known.name);
            }
            Change::Barcodes(id, other) => {
                if let (Some(one), Some(two)) = (self.products.get(id).cloned(), self.products.get(other).cloned()) {
                    self.products.get_mut(id).unwrap().barcode = two.barcode;
                    self.products.get_mut(other).unwrap().barcode = one.barcode;
                }
            }
            Change::Codes(id, codes) => {
                if self.products.contains_key(id) {
                    self.codes.retain(|_, owner| owner != id);
                    self.codes.extend(codes.iter().map(|code| (*code, *id)));
                }
            }
            Change::Remove(id) => {
                // Whoever has its bar code in exchange gives it back.
                if let Some(gone) = self.products.remove(id)
                    && let own = product(*id, "", "1.00").barcode
                    && let Some(other) = self.products.values_mut().find(|product| product.barcode == own)
                {
                    other.barcode = gone.barcode;
                }
                self.codes.retain(|_, owner| owner != id);
            }
            Change::Staff(who, what) => set(&mut self.staff, *who, *what),
            Change::Record(which, what) => set(&mut self.records, *which, *what),
        }
    }

    fn codes_of(&self, id: u64) -> impl Iterator<Item = ProductCode> + '_ {
        self.codes.iter().filter(move |(_, owner)| **owner == id).map(|(code, owner)| ProductCode {
            code: code.to_string(),
            product: number(*owner),
            quantity: (code % 2 == 0).then(|| Quantity::parse("6").unwrap()),
        })
    }

    fn data(&self) -> MasterData {
        MasterData {
            store: sample_store::store(),
            products: self.products.values().cloned().collect(),
            codes: self.products.keys().flat_map(|id| self.codes_of(*id)).collect(),
            staff: self.staff.iter().map(|(who, what)| member(*who, *what)).collect(),
            customers: self.staff.iter().map(|(who, what)| customer(*who, *what)).collect(),
            records: self.records.iter().map(|(which, what)| record(*which, *what)).collect(),
        }
    }

    /// What has to be said to whoever has `before`.
    fn since(&self, before: &Self) -> Changes {
        let codes = |model: &Self, id| model.codes_of(id).collect::<Vec<_>>();
        let is_other = |id: &u64| before.products.get(id) != self.products.get(id) || codes(before, *id) != codes(self, *id);
        let changed: Vec<u64> = self.products.keys().copied().filter(is_other).collect();
        let staff = || self.staff.iter().filter(|(who, what)| before.staff.get(who) != Some(what));
        let gone = || before.staff.keys().filter(|who| !self.staff.contains_key(who));
        let records = self.records.iter().filter(|(which, what)| before.records.get(which) != Some(what));
        let gone_records = before.records.keys().filter(|which| !self.records.contains_key(which));
        Changes {
            store: None,
            products: changed.iter().map(|id| self.products[id].clone()).collect(),
            codes: changed.iter().flat_map(|id| self.codes_of(*id)).collect(),
            staff: staff().map(|(who, what)| member(*who, *what)).collect(),
            customers: staff().map(|(who, what)| customer(*who, *what)).collect(),
            records: records.map(|(which, what)| record(*which, *what)).collect(),
            deleted_products: before.products.keys().filter(|id| !self.products.contains_key(id)).map(|id| number(*id)).collect(),
            deleted_staff: gone().map(|who| who.to_string().as_str().into()).collect(),
            deleted_customers: gone().map(ToString::to_string).collect(),
            deleted_records: gone_records.map(|which| ("thing".to_owned(), which.to_string())).collect(),
        }
    }
}

fn set(map: &mut BTreeMap<u8, u8>, key: u8, value: Option<u8>) {
    match value {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    };
}

fn number(id: u64) -> ProductId {
    id.to_string().as_str().into()
}

fn member(who: u8, what: u8) -> StaffMember {
    let operator = Operator { id: who.to_string().as_str().into(), name: what.to_string(), permissions: Permissions::default() };
    StaffMember { operator, pin_hash: what.to_string() }
}

fn customer(who: u8, what: u8) -> Customer {
    Customer { number: who.to_string(), name: what.to_string(), email: String::new(), phone: String::new(), group: String::new() }
}

fn record(which: u8, what: u8) -> Record {
    Record { kind: "thing".to_owned(), key: which.to_string(), content: what.to_string() }
}

/// Everything that can be asked, answered.
fn answers(path: &Path) -> String {
    use std::fmt::Write;
    let (channel, mut said) = (open(path), String::new());
    channel.check().unwrap();
    for id in 1..=IDS {
        let own = product(id, "", "1.00").barcode;
        writeln!(said, "{:?} {:?}", channel.product(&number(id)).unwrap(), channel.product_by_barcode(&own).unwrap()).unwrap();
    }
    for code in 0..6 {
        writeln!(said, "{:?}", channel.product_by_barcode(&code.to_string()).unwrap()).unwrap();
    }
    for text in ["", "b", "be", "beans", "bean soup", "brulee", "milk", "ltr", "2", "290000", "zuchini", "aples", "beens", "milkk", "sopu"]
    {
        for offset in [0, 3] {
            let page = channel.search_products(&ProductSearch { text: text.to_owned(), offset, limit: 7 }).unwrap();
            let found: Vec<&str> = page.products.iter().map(|product| product.id.0.as_str()).collect();
            writeln!(said, "{text} from {offset}: {found:?} {}", page.more).unwrap();
        }
    }
    writeln!(said, "{:?} {:?}", channel.records("thing").unwrap(), channel.data_version().unwrap()).unwrap();
    said
}

/// The rows of people, which a till sees only by signing in.
fn people(path: &Path) -> Vec<String> {
    let database = rusqlite::Connection::open(path).unwrap();
    let sql = "SELECT id || name || permissions || pin_hash FROM staff UNION ALL SELECT number || name FROM customers
        UNION ALL SELECT word || uses FROM vocabulary ORDER BY 1";
    let mut rows = database.prepare(sql).unwrap();
    rows.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
    #[test]
    fn deltas_make_what_a_full_file_makes(rounds in proptest::collection::vec(proptest::collection::vec(change(), 1..40), 1..5)) {
        let folder = tempfile::tempdir().unwrap();
        let (delta, path, full) = (folder.path().join("delta"), folder.path().join("by-deltas.db"), folder.path().join("full.db"));
        let mut model = Model::default();
        master::write_full(&path, &model.data(), 1).unwrap();
        for (round, version) in rounds.iter().zip(1..) {
            let before = model.clone();
            for change in round {
                model.apply(change);
            }
            master::write_delta(&delta, &model.since(&before)).unwrap();
            master::apply_delta(&path, &delta, version, version + 1).unwrap();
            master::write_full(&full, &model.data(), version + 1).unwrap();
            prop_assert_eq!(answers(&path), answers(&full));
            prop_assert_eq!(people(&path), people(&full));
            std::fs::remove_file(&delta).unwrap();
            std::fs::remove_file(&full).unwrap();
        }
    }
}

#[test]
fn many_new_names_between_two_old_ones_keep_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let (delta, path) = (folder.path().join("delta"), folder.path().join("offline.db"));
    let all = |products| MasterData { products, ..Model::default().data() };
    let old: Vec<Product> = (0..200).map(|number| product(number, &format!("NAME {number:04}"), "1.00")).collect();
    master::write_full(&path, &all(old), 1).unwrap();
    let new: Vec<Product> = (1_000..1_700).map(|number| product(number, &format!("NAME 0100 {number}"), "1.00")).collect();
    master::write_delta(&delta, &Changes { products: new, ..Changes::default() }).unwrap();
    master::apply_delta(&path, &delta, 1, 2).unwrap();
    let channel = open(&path);
    channel.check().unwrap();
    let page = |text: &str, offset| {
        channel.search_products(&ProductSearch { text: text.to_owned(), offset, limit: ProductSearch::MAX_LIMIT }).unwrap().products
    };
    let listed: Vec<String> = (0..5).flat_map(|number| page("name", number * 200)).map(|product| product.name).collect();
    assert_eq!(listed.len(), 900);
    assert!(listed.is_sorted());
    assert_eq!(page("1234", 0).len(), 1, "the words moved with their products");
    for number in [0, 99, 100, 101, 199, 1_000, 1_350, 1_699] {
        let expected = product(number, "", "1.00");
        assert_eq!(channel.product_by_barcode(&expected.barcode).unwrap().unwrap().product.id, expected.id);
    }
}

#[test]
fn contradictory_changes_are_refused_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("offline.db");
    let mut model = Model::default();
    for id in [1, 2] {
        model.apply(&Change::Name(id, 0));
    }
    master::write_full(&path, &model.data(), 1).unwrap();
    let code = |code: &str, product: u64, quantity: Option<&str>| ProductCode {
        code: code.to_owned(),
        product: number(product),
        quantity: quantity.map(|text| Quantity::parse(text).unwrap()),
    };
    let one = || vec![product(1, "BEANS", "1.00")];
    let changes = |products, codes| Changes { products, codes, ..Changes::default() };
    let before = answers(&path);
    for (changes, words) in [
        (changes([one(), one()].concat(), vec![]), "two products have the number 1"),
        (changes(one(), vec![code("5", 2, None)]), "the code 5 names product 2, which has not changed"),
        (changes(one(), vec![code("5", 1, None), code("5", 1, Some("2"))]), "the code 5 stands for two things"),
        (changes(one(), vec![code("29000002", 1, None)]), "a code of product 1 stands for two things"),
        (changes(vec![Product { barcode: "29000002".to_owned(), ..one().remove(0) }], vec![]), "the code 29000002 stands for two things"),
    ] {
        let delta = folder.path().join("delta");
        let refused = master::write_delta(&delta, &changes).and_then(|_| master::apply_delta(&path, &delta, 1, 2)).unwrap_err();
        assert_eq!((refused.kind, refused.detail.as_str()), (ErrorKind::Refused(Refusal::Invalid), words));
        assert_eq!(answers(&path), before);
        std::fs::remove_file(delta).unwrap();
    }
}

#[test]
fn a_delta_is_applied_to_the_version_it_was_made_for_only() {
    let folder = tempfile::tempdir().unwrap();
    let (delta, path) = (folder.path().join("delta"), folder.path().join("offline.db"));
    master::write_full(&path, &Model::default().data(), 3).unwrap();
    master::write_delta(&delta, &Changes::default()).unwrap();
    for from in [2, 4] {
        let refused = master::apply_delta(&path, &delta, from, 9).unwrap_err();
        assert_eq!(refused.detail, format!("the database has version 3, the package needs {from}"));
    }
    let full = folder.path().join("full");
    master::write_full(&full, &Model::default().data(), 3).unwrap();
    assert!(master::apply_delta(&path, &full, 3, 4).unwrap_err().detail.starts_with("the package's "));
    assert_eq!(SqliteChannel::open_read_only(&path).unwrap().data_version(), Ok(3));
}
