//! Headquarters over SQLite and over PostgreSQL: one story each, told of the same statements.

#![expect(clippy::unwrap_used, reason = "helpers of a test fail where they are called")]

#[path = "support/postgres.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod postgres;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use evertill::channel::sqlite::{SqliteChannel, master};
use evertill::channel::{Channel, ErrorKind, Refusal, Upload};
use evertill::clock::{Clock, SharedClock, VirtualClock};
use evertill::headquarters::kinds::Kind;
use evertill::headquarters::{Error, Extent, Headquarters};
use evertill::ids::{KeySource, RegisterId, ShiftId};
use evertill::import::OnBadRow;
use evertill::package::{self, Manifest, Report, Status, VerifyingKey};
use evertill::realtime::{Activation, Headquarters as _};
use evertill::retail::staff::Pin;
use evertill::retail::transaction::{Content, Event, Transaction};
use evertill::secret::Secret;

const DAY: Duration = Duration::from_hours(24);

/// Headquarters on the sample store, and a store's database that packages are applied to.
struct Shop {
    headquarters: Headquarters,
    clock: Arc<VirtualClock>,
    folder: tempfile::TempDir,
    _postgres: Option<postgres::Database>,
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
        Self { headquarters, clock, folder, _postgres: database }
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
        let mut file = Vec::new();
        loop {
            let piece = self.headquarters.package_bytes(manifest.id, file.len() as u64, 100_000).unwrap();
            if piece.is_empty() {
                break;
            }
            file.extend(piece);
        }
        assert_eq!(self.headquarters.package_size("343", manifest.id).unwrap(), Some(file.len() as u64));
        assert_eq!(self.headquarters.package_size("344", manifest.id).unwrap(), None);
        let (packed, unpacked) = (self.folder.path().join("fetched.zst"), self.folder.path().join(format!("{}.db", manifest.id)));
        std::fs::write(&packed, file).unwrap();
        package::unpack(&packed, manifest, &unpacked).unwrap();
        unpacked
    }

    /// The store's database with another delta.
    fn apply(&self, store: &Path, manifest: &Manifest) {
        let package::Kind::Delta { from_version } = manifest.kind else { panic!("a delta is expected: {manifest:?}") };
        master::apply_delta(store, &self.fetch(manifest), from_version, manifest.to_version).unwrap();
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
        let activated = service.activate(&activation(&good)).unwrap();
        assert_eq!((activated.register, activated.numbers.receipt), (register(2), 0));
        assert!(service.activate(&activation(&good)).is_err(), "it was good once");
        let refused = shop.headquarters.activation_code("test", &register(2)).unwrap_err();
        assert!(refused.hint().contains("hq device reset 343-2"), "{refused}");

        assert!(service.deactivate(&register(2), "machine-2").is_err(), "another machine");
        service.deactivate(&register(2), "machine-1").unwrap();
        service.activate(&activation(&code(2))).unwrap();
        shop.run(9999);
        let before = shop.headquarters.manifests("343", 0).unwrap().len();
        shop.headquarters.deactivate_device("test", &register(2)).unwrap();
        assert_eq!(shop.headquarters.manifests("343", 0).unwrap().len(), before + 1, "the store hears of it at once");
        shop.headquarters.reset_device("test", &register(2)).unwrap();
        service.activate(&activation(&code(2))).unwrap();
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
