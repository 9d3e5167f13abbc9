//! Headquarters over SQLite and over PostgreSQL: one story each, told of the same statements.

#![expect(clippy::unwrap_used, reason = "helpers of a test fail where they are called")]

#[path = "support/postgres.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod postgres;

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use evertill::channel::sqlite::{SqliteChannel, master};
use evertill::channel::{Channel, ErrorKind, Refusal, Result, Upload};
use evertill::clock::{Clock, SharedClock, VirtualClock};
use evertill::headquarters::kinds::Kind;
use evertill::headquarters::{Error, Extent, Headquarters};
use evertill::ids::{KeySource, RegisterId, ShiftId};
use evertill::import::OnBadRow;
use evertill::package::{self, Manifest, Report, SignedManifest, Source, Status, VerifyingKey};
use evertill::realtime::{Activation, Headquarters as _};
use evertill::retail::staff::Pin;
use evertill::retail::transaction::{Content, Event, Transaction};
use evertill::secret::Secret;

/// A tax, as a tax group names it.
const LEVY: &str =
    r#"[{"code":"levy","name":"Levy","kind":"percent","rate":"5","included":false,"affects_next_base":false,"base_affected":false}]"#;
const DAY: Duration = Duration::from_hours(24);

/// Headquarters on the sample store, and a store's database that packages are applied to.
struct Shop {
    headquarters: Headquarters,
    clock: Arc<VirtualClock>,
    folder: tempfile::TempDir,
    url: String,
    postgres: Option<postgres::Database>,
}

impl Shop {
    fn open(database: Option<postgres::Database>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(VirtualClock::at("2026-11-02T15:00:00Z".parse().unwrap()));
        let url =
            database.as_ref().map_or_else(|| format!("sqlite:{}", folder.path().join("hq.db").display()), |database| database.url.clone());
        let keys = folder.path().join("hq.keys");
        let headquarters = Headquarters::open(&url, Some(&keys), Arc::clone(&clock) as SharedClock).unwrap();
        headquarters.import_sample_store("test").unwrap();
        Self { headquarters, clock, folder, url, postgres: database }
    }

    /// The same headquarters at another time.
    fn at(self, now: evertill::clock::Time) -> Self {
        let Self { headquarters, folder, url, postgres, .. } = self;
        drop(headquarters);
        let clock = Arc::new(VirtualClock::at(now));
        let headquarters = Headquarters::open(&url, Some(&folder.path().join("hq.keys")), Arc::clone(&clock) as SharedClock).unwrap();
        Self { headquarters, clock, folder, url, postgres }
    }

    /// A store's record is damaged behind headquarters' back.
    fn spoil(&self, store: &str) {
        let sql = format!("UPDATE records SET content = '{{\"number\":\"{store}\"}}' WHERE kind = 'store' AND key = '{store}'");
        if self.postgres.is_some() {
            postgres::run(&self.url, &sql);
        } else {
            rusqlite::Connection::open(self.folder.path().join("hq.db")).unwrap().execute(&sql, []).unwrap();
        }
    }

    fn set(&self, kind: &str, key: &str, said: &[(&str, &str)]) {
        self.headquarters.set("test", Kind::named(kind).unwrap(), key, said).unwrap();
    }

    fn add(&self, kind: &str, said: &[(&str, &str)]) {
        self.headquarters.add("test", Kind::named(kind).unwrap(), said).unwrap();
    }

    fn run(&self, job: u32) -> Option<Manifest> {
        self.headquarters.run_job("test", job, Some("343"), Extent::Changes).unwrap().remove(0).package
    }

    /// Fetches and checks a package as a scale unit does.
    fn fetch(&self, manifest: &Manifest) -> PathBuf {
        let key: VerifyingKey = self.headquarters.verifying_key().parse().unwrap();
        let listed = self.headquarters.manifests("343", manifest.to_version - 1).unwrap();
        assert_eq!(listed[0].open(&key).unwrap(), *manifest);
        assert_eq!(self.headquarters.package_size("343", manifest.id).unwrap(), Some(manifest.bytes));
        assert_eq!(self.headquarters.package_size("344", manifest.id).unwrap(), None);
        let unpacked = self.folder.path().join(format!("{}.db", manifest.id));
        package::fetch(self, manifest, self.folder.path(), &unpacked).unwrap();
        unpacked
    }

    /// The store's database with another delta.
    fn apply(&self, store: &Path, manifest: &Manifest) {
        let package::Kind::Delta { from_version } = manifest.kind else { panic!("a delta is expected: {manifest:?}") };
        master::apply_delta(store, &self.fetch(manifest), from_version, manifest.to_version).unwrap();
    }
}

/// Without the network between.
impl Source for Shop {
    fn manifests(&self, after: u64) -> Result<Vec<SignedManifest>> {
        Ok(self.headquarters.manifests("343", after).unwrap())
    }

    fn file(&self, id: u64, from: u64) -> Result<Box<dyn Read + Send>> {
        let (mut file, mut at) = (Vec::new(), from);
        loop {
            let piece = self.headquarters.package_bytes(id, at, 100_000).unwrap();
            if piece.is_empty() {
                return Ok(Box::new(Cursor::new(file)));
            }
            at += piece.len() as u64;
            file.extend(piece);
        }
    }
}

/// What a product costs in a store's database; nothing when it is not sold there.
fn price(store: &Path, product: &str) -> Option<String> {
    let channel = SqliteChannel::open_read_only(store).unwrap();
    channel.product(&product.into()).unwrap().map(|product| product.price.to_string())
}

/// Each test is told twice.
fn on_both(story: fn(Shop)) {
    story(Shop::open(None));
    if let Some(database) = postgres::Database::new() {
        story(Shop::open(Some(database)));
    }
}

fn register(number: u32) -> RegisterId {
    RegisterId { store: "343".to_owned(), number }
}

#[test]
fn what_changes_goes_down_once_as_a_delta_and_only_what_belongs() {
    on_both(|shop| {
        let full = shop.run(9999).expect("the first is a full one");
        assert_eq!((full.kind, full.to_version, full.job), (package::Kind::Full, 1, 9999));
        let store = shop.fetch(&full);
        let channel = SqliteChannel::open_read_only(&store).unwrap();
        let mut expected = evertill::sample_store::store();
        expected.tax_groups.sort_by(|one, other| one.id.cmp(&other.id));
        assert_eq!(channel.store("343").unwrap(), expected);
        let setup = channel.register(&register(2)).unwrap();
        assert!(setup.support_offline && setup.offline_profile.is_none(), "{setup:?}");
        drop(channel);
        assert_eq!(price(&store, "819765").as_deref(), Some("1.78 USD"));

        assert_eq!(shop.run(9999), None, "nothing has changed");
        shop.set("product", "819765", &[("unit_price", "1.99")]);
        shop.add("product", &[("product_id", "new-here"), ("name", "NEW"), ("unit_price", "5"), ("stores", "343")]);
        shop.add("store", &[("number", "344"), ("name", "Hillside")]);
        shop.add("product", &[("product_id", "elsewhere"), ("name", "ELSEWHERE"), ("unit_price", "5"), ("stores", "344")]);
        assert_eq!(shop.run(1060), None, "no staff has changed");
        let delta = shop.run(1040).expect("a delta");
        assert_eq!((delta.kind, delta.rows), (package::Kind::Delta { from_version: 1 }, 2));
        shop.apply(&store, &delta);
        assert_eq!(price(&store, "819765").as_deref(), Some("1.99 USD"));
        assert_eq!(price(&store, "elsewhere"), None);
        assert_eq!(shop.run(1040), None);

        shop.set("product", "new-here", &[("stores", "344")]);
        shop.apply(&store, &shop.run(1040).expect("it is gone from 343"));
        assert_eq!(price(&store, "new-here"), None);

        // More than half of everything is no delta.
        let products: Vec<String> = (0..2_000).map(|number| format!("{number},P{number},1\n")).collect();
        let file = format!("product_id,name,unit_price\n{}", products.concat());
        let bytes = || Ok(Box::new(std::io::Cursor::new(file.clone())) as Box<dyn Read>);
        let imported = shop.headquarters.import("test", "products.csv", &bytes, Some("343"), OnBadRow::Refuse).unwrap();
        assert_eq!((imported.new, imported.changed, imported.same), (2_000, 0, 0));
        assert_eq!(shop.run(1040).unwrap().kind, package::Kind::Full);
        assert_eq!(shop.headquarters.manifests("343", 0).unwrap().len(), 1, "the full one is all that anybody needs");
        let again = shop.headquarters.import("test", "products.csv", &bytes, Some("343"), OnBadRow::Refuse).unwrap();
        assert_eq!((again.new, again.same), (0, 2_000));
        assert_eq!(shop.run(9999), None, "the same file again changes nothing");
        let forced = shop.headquarters.run_job("test", 1040, Some("343"), Extent::Full).unwrap();
        assert_eq!(forced[0].package.as_ref().unwrap().kind, package::Kind::Full);
    });
}

#[test]
fn prices_begin_and_end_by_the_store_s_day_and_the_lowest_holds() {
    on_both(|shop| {
        let store = shop.fetch(&shop.run(9999).unwrap());
        let agree = |value: &str, from: &str, to: &str, of: &str| {
            shop.add("price", &[("product_id", "819765"), ("unit_price", value), ("from", from), ("to", to), ("store", of)]);
        };
        agree("1.50", "2026-11-04", "2026-11-05", "343");
        agree("1.60", "2026-11-04", "2026-11-06", "");
        agree("0.01", "2026-10-01", "2026-11-01", "");
        shop.apply(&store, &shop.run(1020).unwrap());
        assert_eq!(price(&store, "819765").as_deref(), Some("1.78 USD"), "one is over, the others have not begun");
        for (day, expected) in [(4, "1.50 USD"), (5, "1.50 USD"), (6, "1.60 USD"), (7, "1.78 USD"), (8, "1.78 USD")] {
            while shop.clock.now().to_rfc3339().as_str() < format!("2026-11-{day:02}T15:00:00").as_str() {
                shop.clock.sleep(DAY);
            }
            if let Some(delta) = shop.run(1020) {
                shop.apply(&store, &delta);
            }
            assert_eq!(price(&store, "819765").as_deref(), Some(expected), "on the {day}th");
        }
        assert_eq!(shop.run(1020), None);
    });
}

#[test]
fn support_offline_makes_a_database_and_its_packages_have_a_state_each() {
    on_both(|shop| {
        let databases = || -> Vec<String> {
            let records = shop.headquarters.list(Kind::named("channel-database").unwrap()).unwrap();
            records.into_iter().map(|record| record.key).collect()
        };
        assert_eq!(databases(), ["343", "343-1", "343-2", "343-3", "343-4"]);
        shop.set("register", "343-4", &[("support_offline", "no")]);
        assert_eq!(databases(), ["343", "343-1", "343-2", "343-3"]);
        let full = shop.run(9999).unwrap();
        shop.set("register", "343-4", &[("support_offline", "yes")]);
        let service = shop.headquarters.for_store("343");
        let report = |register: Option<RegisterId>, status, reason: &str| Report {
            package: full.id,
            register,
            status,
            reason: reason.to_owned(),
            at: shop.clock.now(),
        };
        service.report(&[report(None, Status::Applied, ""), report(Some(register(1)), Status::Failed, "the disk\nis full")]).unwrap();
        let package = shop.headquarters.packages(Some("343"), 10).unwrap().remove(0);
        let states: Vec<_> = package.targets.iter().map(|state| (state.target.as_str(), state.status, state.reason.as_str())).collect();
        assert_eq!(
            states,
            [
                ("343", Status::Applied, ""),
                ("343-1", Status::Failed, "the diskis full"),
                ("343-2", Status::Available, ""),
                ("343-3", Status::Available, ""),
                ("343-4", Status::Available, ""),
            ]
        );
        let foreign = shop.headquarters.for_store("344").report(&[report(Some(register(1)), Status::Applied, "")]).unwrap_err();
        assert_eq!(foreign.kind, ErrorKind::Refused(Refusal::Forbidden));
    });
}

#[test]
fn keys_that_are_gone_or_others_are_refused_and_never_made_anew() {
    on_both(|shop| {
        let open = |keys: &str| {
            let opened = Headquarters::open(&shop.url, Some(&shop.folder.path().join(keys)), Arc::clone(&shop.clock) as SharedClock);
            opened.map(|headquarters| headquarters.verifying_key()).map_err(|error| (error.to_string(), error.hint()))
        };
        let (gone, hint) = open("nowhere.keys").unwrap_err();
        assert!(gone.contains("no file of headquarters' keys") && hint.contains("from its copy"), "{gone} {hint}");
        assert!(!shop.folder.path().join("nowhere.keys").exists());
        let another = format!("sqlite:{}", shop.folder.path().join("another.db").display());
        let clock = Arc::clone(&shop.clock) as SharedClock;
        drop(Headquarters::open(&another, None, clock).expect("a new database has new keys"));
        assert!(open("another.keys").unwrap_err().0.contains("these are not the keys"));
        assert_eq!(open("hq.keys"), Ok(shop.headquarters.verifying_key()));
    });
}

#[test]
fn an_activation_code_is_good_once_and_for_a_day() {
    on_both(|shop| {
        shop.run(9999).unwrap();
        let service = shop.headquarters.for_store("343");
        let activation = |code: &Secret| Activation { code: code.clone(), device: "machine-1".to_owned() };
        let code = |number| shop.headquarters.activation_code("test", &register(number)).unwrap();
        assert!(service.activate(&activation(&Secret::new("AAAA-AAAA-AAAA-AAAA"))).is_err());

        let expired = code(2);
        shop.clock.sleep(DAY);
        assert_eq!(service.activate(&activation(&expired)).unwrap_err().kind, ErrorKind::Refused(Refusal::Invalid));
        let good = code(2);
        assert!(shop.headquarters.for_store("344").activate(&activation(&good)).is_err(), "another store's scale unit");
        let lost = service.activate(&activation(&good)).unwrap();
        let activated = service.activate(&activation(&good)).unwrap();
        assert_eq!((&activated.register, activated.numbers.receipt), (&register(2), 0), "its answer may have been lost");
        assert_ne!(activated.token, lost.token);
        let another = Activation { device: "machine-2".to_owned(), ..activation(&good) };
        assert!(service.activate(&another).is_err(), "it was good for one machine");
        let refused = shop.headquarters.activation_code("test", &register(2)).unwrap_err();
        assert!(refused.hint().contains("hq device reset 343-2"), "{refused}");

        assert!(service.deactivate(&register(2), "machine-2").is_err(), "another machine");
        service.deactivate(&register(2), "machine-1").unwrap();
        assert!(service.activate(&activation(&good)).is_err(), "a released register needs a new one");
        service.activate(&activation(&code(2))).unwrap();
        shop.run(9999);
        let before = shop.headquarters.manifests("343", 0).unwrap().len();
        shop.headquarters.deactivate_device("test", &register(2)).unwrap();
        assert_eq!(shop.headquarters.manifests("343", 0).unwrap().len(), before + 1, "the store hears of it at once");
        shop.headquarters.reset_device("test", &register(2)).unwrap();
        service.activate(&activation(&code(2))).unwrap();
        let orphan = code(3);
        shop.headquarters.remove("test", Kind::named("register").unwrap(), "343-3").unwrap();
        assert!(service.activate(&activation(&orphan)).is_err(), "there is no such register any more");
    });
}

#[test]
fn transactions_are_taken_once_and_what_conflicts_is_set_aside() {
    on_both(|shop| {
        let service = shop.headquarters.for_store("343");
        let mut keys = KeySource::Seeded(7);
        let mut event = |register: RegisterId, sequence: u64| {
            let transaction = Transaction {
                id: keys.next(shop.clock.now()),
                shift: ShiftId { register: register.number, number: 3 },
                register,
                sequence,
                receipt: None,
                operator: "000160".into(),
                recorded_at: shop.clock.now(),
                offline: false,
                content: Content::Event(Event::LogOn),
                signing: None,
            };
            Upload { id: transaction.id, canonical: transaction.canonical() }
        };
        let (one, two, same_number) = (event(register(1), 1), event(register(1), 2), event(register(1), 2));
        let foreign = event(RegisterId { store: "344".to_owned(), number: 1 }, 1);
        let other_content = Upload { id: one.id, canonical: Upload::clone(&event(register(1), 9)).canonical };
        let garbage = Upload { id: two.id, canonical: "{\0}".to_owned() };
        let batch = [two.clone(), one.clone(), foreign, same_number, garbage];
        for _ in 0..3 {
            let taken = service.take(&batch).unwrap();
            assert_eq!(taken.iter().map(|taken| taken.id).collect::<Vec<_>>(), batch.each_ref().map(|upload| upload.id));
            let set_aside: Vec<bool> = taken.iter().map(|taken| taken.set_aside.is_some()).collect();
            assert_eq!(set_aside, [false, false, true, true, true]);
        }
        assert!(service.take(&[other_content]).unwrap()[0].set_aside.is_some());
        assert_eq!(shop.headquarters.transaction_count(None).unwrap(), 2);
        assert_eq!(shop.headquarters.set_aside().unwrap().len(), 4);
        assert_eq!(shop.headquarters.transaction(&one.id.to_string()).unwrap(), one.canonical);
        let numbers = shop.headquarters.numbers(&register(1)).unwrap();
        assert_eq!((numbers.sequence, numbers.receipt, numbers.shift), (2, 0, 3));
    });
}

#[test]
fn gift_cards_and_scale_units_are_known_by_their_numbers_and_tokens() {
    on_both(|shop| {
        shop.add("gift-card", &[("number", "9001"), ("balance", "25")]);
        let service = shop.headquarters.for_store("343");
        assert_eq!(service.gift_card("9001").unwrap().unwrap().balance.to_string(), "25.00 USD");
        assert_eq!(service.gift_card("9002").unwrap(), None);
        let credentials = shop.headquarters.add_scale_unit("test", "riverside", "343").unwrap();
        let known = shop.headquarters.scale_unit(&credentials.token.hash()).unwrap().expect("known");
        assert_eq!((known.name.as_str(), known.store.as_str()), ("riverside", "343"));
        assert_eq!(shop.headquarters.scale_unit(credentials.token.reveal()).unwrap(), None);
        assert!(shop.headquarters.add_scale_unit("test", "riverside", "343").is_err(), "a name is taken once");
        shop.headquarters.remove_scale_unit("test", "riverside").unwrap();
        assert_eq!(shop.headquarters.scale_unit(&credentials.token.hash()).unwrap(), None);
    });
}

#[test]
fn the_audit_trail_has_every_change_and_no_secret() {
    on_both(|shop| {
        shop.set("product", "819765", &[("unit_price", "1.99")]);
        shop.headquarters.set_pin("test", "000160", &Pin::new("canary-pin")).unwrap();
        let code = shop.headquarters.activation_code("test", &register(1)).unwrap();
        let activated =
            shop.headquarters.for_store("343").activate(&Activation { code: code.clone(), device: "machine".to_owned() }).unwrap();
        let credentials = shop.headquarters.add_scale_unit("test", "riverside", "343").unwrap();
        let trail = shop.headquarters.audit(1_000).unwrap();
        let price = trail.iter().find(|entry| entry.kind == "product").expect("the price");
        let said = |content: &Option<evertill::headquarters::kinds::Content>| content.as_ref().unwrap()["unit_price"].clone();
        assert_eq!((price.who.as_str(), said(&price.before), said(&price.after)), ("test", "1.78".into(), "1.99".into()));
        assert!(trail.iter().any(|entry| entry.what == "import" && entry.key == "products.csv"));
        let everything = format!("{trail:?}");
        assert!(everything.contains("***"));
        for secret in [
            "canary-pin",
            "argon2id",
            code.reveal(),
            &code.hash(),
            activated.token.reveal(),
            &activated.token.hash(),
            credentials.token.reveal(),
            &credentials.token.hash(),
            credentials.pin_key.reveal(),
        ] {
            assert!(!everything.contains(secret), "a secret is in the trail");
        }
        let shown = format!("{:?}", shop.headquarters.list(Kind::named("staff").unwrap()).unwrap());
        assert!(shown.contains("***") && !shown.contains("argon2id"), "{shown}");
    });
}

#[test]
fn a_file_with_bad_rows_is_refused_whole_and_every_fault_named() {
    on_both(|shop| {
        let before = shop.headquarters.list(Kind::named("barcode").unwrap()).unwrap();
        let file = "barcode,product_id,quantity\n4099,819765,1\n4099,819765,1\n4098,no-such,1\n4097,819765,x\n";
        let bytes = || Ok(Box::new(file.as_bytes()) as Box<dyn Read>);
        let import = |on_bad_row| shop.headquarters.import("test", "barcodes.csv", &bytes, None, on_bad_row);
        let error = import(OnBadRow::Refuse).unwrap_err();
        assert_eq!(
            error.to_string(),
            "barcodes.csv:3: barcode: \"4099\" stands in the file already, expected it once\n\
             barcodes.csv:4: product_id: there is no product \"no-such\"\n\
             barcodes.csv:5: quantity: \"x\" is no number, expected digits and a point, such as 12.50"
        );
        assert_eq!(shop.headquarters.list(Kind::named("barcode").unwrap()).unwrap(), before);
        let imported = import(OnBadRow::Skip).unwrap();
        assert_eq!((imported.new, imported.bad.count()), (1, 3));
        // 2900008197659 is the code of another product.
        let taken =
            shop.headquarters.add("test", Kind::named("barcode").unwrap(), &[("barcode", "2900008197659"), ("product_id", "819840")]);
        assert!(matches!(taken, Err(Error::Refused { .. })), "{taken:?}");
    });
}

#[test]
fn rows_whose_code_stands_for_two_products_are_bad_and_products_may_change_codes() {
    on_both(|shop| {
        let product = Kind::named("product").unwrap();
        let import = |rows: &str, on_bad_row| {
            let file = format!("product_id,barcode,name,unit_price\n{rows}");
            let bytes = || Ok(Box::new(std::io::Cursor::new(file.clone())) as Box<dyn Read>);
            shop.headquarters.import("test", "products.csv", &bytes, None, on_bad_row)
        };
        // 2900008197659 is the code of product 819765, whatever product 3 is to be sold for.
        let rows = "1,4098,A,1\n2,4098,B,1\n3,2900008197659,C,1\n4,4097,D,x\n5,4096,E,1\n";
        assert_eq!(
            import(rows, OnBadRow::Refuse).unwrap_err().to_string(),
            "products.csv:2: barcode: 4098 stands for product 1 and for product 2\n\
             products.csv:3: barcode: 4098 stands for product 2 and for product 1\n\
             products.csv:4: barcode: 2900008197659 stands for product 3 and for product 819765\n\
             products.csv:5: unit_price: \"x\" is no number, expected digits and a point, such as 12.50"
        );
        assert!(shop.headquarters.get(product, "5").is_err(), "nothing is imported");
        let imported = import(rows, OnBadRow::Skip).unwrap();
        assert_eq!((imported.new, imported.bad.count()), (1, 4));
        assert_eq!(import("6,4095,F,1\n", OnBadRow::Refuse).unwrap().new, 1);
        assert_eq!(import("5,4095,E,1\n6,4096,F,1\n", OnBadRow::Refuse).unwrap().changed, 2);
        // Without the row that takes 819765's code, product 6 keeps its own, and product 5 cannot have it.
        let imported = import("5,4096,E,1\n6,2900008197659,F,1\n7,4094,G,1\n", OnBadRow::Skip).unwrap();
        assert_eq!((imported.new, imported.changed, imported.bad.count()), (1, 0, 2));
    });
}

#[test]
fn a_record_that_others_need_stays() {
    on_both(|shop| {
        let remove = |kind: &str, key: &str| shop.headquarters.remove("test", Kind::named(kind).unwrap(), key);
        for (kind, key) in
            [("permission-group", "cashier"), ("tax-group", "food"), ("store", "343"), ("functionality-profile", "store-343")]
        {
            assert!(matches!(remove(kind, key), Err(Error::Refused { .. })), "{kind} {key}");
        }
        assert!(matches!(remove("channel-database", "343-1"), Err(Error::Refused { .. })), "headquarters' own");
        let store = shop.fetch(&shop.run(9999).unwrap());
        remove("product", "819765").unwrap();
        shop.apply(&store, &shop.run(1040).unwrap());
        assert_eq!(price(&store, "819765"), None);
        shop.add("product", &[("product_id", "819765"), ("name", "AGAIN"), ("unit_price", "2")]);
        shop.apply(&store, &shop.run(1040).unwrap());
        assert_eq!(price(&store, "819765").as_deref(), Some("2.00 USD"));
    });
}

#[test]
fn what_is_due_runs_by_itself() {
    on_both(|shop| {
        shop.add("schedule", &[("job", "1040"), ("every_minutes", "15")]);
        let run = || {
            let runs = shop.headquarters.run_due("scheduler", shop.clock.now()).unwrap();
            runs.into_iter().map(|(due, made)| (due.job, made.unwrap()[0].package.is_some())).collect::<Vec<_>>()
        };
        assert_eq!(run(), [(1040, true)], "it never ran");
        assert_eq!(run(), []);
        shop.clock.sleep(Duration::from_mins(15));
        assert_eq!(run(), [(1040, false)], "nothing has changed");
    });
}

#[test]
fn prices_bring_the_products_they_are_of() {
    on_both(|shop| {
        let store = shop.fetch(&shop.run(9999).unwrap());
        let channel = SqliteChannel::open_read_only(&store).unwrap();
        let code = channel.product(&"819765".into()).unwrap().unwrap().barcode;
        drop(channel);
        shop.headquarters.remove("test", Kind::named("product").unwrap(), "819765").unwrap();
        shop.add("tax-group", &[("id", "new-tax"), ("taxes", LEVY)]);
        let heir = [("product_id", "heir"), ("name", "HEIR"), ("unit_price", "3"), ("barcode", code.as_str()), ("tax_group", "new-tax")];
        shop.add("product", &heir);
        assert_eq!(shop.run(1020), None, "no price has changed");
        shop.add("price", &[("product_id", "heir"), ("unit_price", "2.50")]);
        let delta = shop.run(1020).unwrap();
        shop.apply(&store, &delta);
        assert_eq!((price(&store, "heir").as_deref(), price(&store, "819765")), (Some("2.50 USD"), None));
        let taxes = |store: &Path| SqliteChannel::open_read_only(store).unwrap().store("343").unwrap().taxes(&"new-tax".into()).len();
        assert_eq!(taxes(&store), 1, "the tax it names came too");
        assert_eq!((shop.run(1040), shop.run(1080)), (None, None), "both were brought along");

        shop.set(
            "tax-group",
            "new-tax",
            &[("taxes", &format!("[{},{}]", &LEVY[1..LEVY.len() - 1], LEVY[1..LEVY.len() - 1].replace("levy", "toll")))],
        );
        assert_eq!(shop.run(1040), None, "no product has changed");
        shop.set("product", "heir", &[("name", "HEIRESS")]);
        shop.apply(&store, &shop.run(1040).unwrap());
        assert_eq!(taxes(&store), 2);
    });
}

#[test]
fn a_store_that_is_stuck_gets_everything_and_a_lost_report_is_made_up_for() {
    on_both(|shop| {
        let service = shop.headquarters.for_store("343");
        let report = |manifest: &Manifest, register: Option<RegisterId>, status| {
            let (package, reason, at) = (manifest.id, String::new(), shop.clock.now());
            service.report(&[Report { package, register, status, reason, at }]).unwrap();
        };
        let states = |register: &str| -> Vec<Status> {
            let packages = shop.headquarters.packages(Some("343"), 10).unwrap();
            let of_register = |package: &evertill::headquarters::Package| {
                package.targets.iter().find(|state| state.target == register).map(|state| state.status)
            };
            packages.iter().rev().filter_map(of_register).collect()
        };
        let full = shop.run(9999).unwrap();
        let mut deltas = ["1.99", "2.99", "3.99"].map(|price| {
            shop.set("product", "819765", &[("unit_price", price)]);
            shop.run(1040).unwrap()
        });
        report(&full, Some(register(1)), Status::Applied);
        report(&deltas[1], Some(register(1)), Status::Applied);
        assert_eq!(states("343-1"), [Status::Applied, Status::Applied, Status::Applied, Status::Available]);
        report(&deltas[0], Some(register(2)), Status::Failed);
        assert_eq!(states("343-2"), [Status::Available, Status::Failed, Status::Available, Status::Available]);
        assert_eq!(shop.run(1040), None, "a register fetches everything by itself");
        report(&deltas[0], None, Status::Failed);
        deltas[0] = shop.run(1040).expect("a way out");
        assert_eq!((deltas[0].kind, shop.run(1040)), (package::Kind::Full, None));
        report(&deltas[0], None, Status::Failed);
        assert_eq!(shop.run(1040), None, "another one would fare no better");
    });
}

#[test]
fn many_deltas_make_a_full_package_and_lists_are_bounded() {
    const COPIES: &str = "WITH RECURSIVE number (n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM number WHERE n < ?2)
        INSERT INTO packages (id, store, to_version, full_rows, rows, bytes, manifest, signature)
        SELECT id + 100 + n, store, to_version + n, NULL, 0, bytes, manifest, signature FROM number, packages WHERE id = 2";
    let shop = Shop::open(None);
    shop.run(9999).unwrap();
    let reprice = |price: &str| {
        shop.set("product", "819765", &[("unit_price", price)]);
        shop.run(1040).unwrap().kind
    };
    assert!(matches!(reprice("1.99"), package::Kind::Delta { .. }));
    let database = rusqlite::Connection::open(shop.folder.path().join("hq.db")).unwrap();
    assert_eq!(database.execute(COPIES, [1, 498]), Ok(498));
    assert_eq!(reprice("2.99"), package::Kind::Delta { from_version: 500 });
    assert_eq!(shop.run(1040), None, "only where something has changed");
    assert_eq!(database.execute(COPIES, [500, 1_500]), Ok(1_001));
    let listed = |after| shop.headquarters.manifests("343", after).unwrap().len();
    assert_eq!((listed(0), listed(1_000)), (package::LISTED_MAX, 502), "the next look goes on");
    assert_eq!(reprice("3.99"), package::Kind::Full);
}

#[test]
fn a_clock_that_ran_ahead_leaves_nothing_out() {
    on_both(|shop| {
        let store = shop.fetch(&shop.run(9999).unwrap());
        shop.add("schedule", &[("job", "1020"), ("every_minutes", "15")]);
        let agree = |value: &str, from: &str, to: &str| {
            shop.add("price", &[("product_id", "819765"), ("unit_price", value), ("from", from), ("to", to)]);
        };
        agree("1.50", "2026-11-05", "2026-11-20");
        agree("1.70", "2026-10-01", "2026-11-04");
        shop.apply(&store, &shop.run(1020).unwrap());
        assert_eq!(price(&store, "819765").as_deref(), Some("1.70 USD"));
        // Somebody sets the clock right: the run of the 8th is still to come.
        let right = shop.clock.now();
        shop.clock.sleep(6 * DAY);
        let ran = shop.headquarters.run_due("test", shop.clock.now()).unwrap();
        shop.apply(&store, ran[0].1.as_ref().unwrap()[0].package.as_ref().unwrap());
        assert_eq!(price(&store, "819765").as_deref(), Some("1.50 USD"));
        let shop = shop.at(right);
        assert_eq!(shop.headquarters.due(shop.clock.now()).unwrap().len(), 1, "a run that is to come is none");
        shop.apply(&store, &shop.run(1020).unwrap());
        assert_eq!(price(&store, "819765").as_deref(), Some("1.70 USD"));
        assert_eq!(shop.headquarters.due(shop.clock.now()).unwrap(), []);
    });
}

#[test]
fn a_store_that_fails_keeps_no_other_from_its_packages() {
    on_both(|shop| {
        shop.add("store", &[("number", "344"), ("name", "Hillside")]);
        shop.add("store", &[("number", "345"), ("name", "Lakeside")]);
        shop.spoil("344");
        let mut told = Vec::new();
        let failed = shop.headquarters.run_job_telling("test", 9999, None, Extent::Changes, &mut |ran| {
            told.push((ran.store.clone(), ran.made.is_ok()));
        });
        let expected = [("343", true), ("344", false), ("345", true)].map(|(store, went_well)| (store.to_owned(), went_well));
        assert_eq!(told, expected);
        assert!(failed.unwrap_err().to_string().contains("344"));
        assert_eq!(shop.headquarters.manifests("345", 0).unwrap().len(), 1);
    });
}
