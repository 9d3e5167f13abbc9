//! The shop that is measured: made-up products, its scale unit, and a register's offline database.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use evertill::channel::http::HttpChannel;
use evertill::channel::sqlite::{SqliteChannel, master};
use evertill::channel::{Channel, ChannelDatabase, Device, DeviceStatus};
use evertill::clock::{SystemClock, Time};
use evertill::device::{self, DeviceFile, Identity};
use evertill::ids::{KeySource, RegisterId, ShiftId, TransactionId, splitmix64};
use evertill::journal::Stamp;
use evertill::master_data::{MasterData, Record};
use evertill::money::{Currency, Money, Quantity};
use evertill::package::SigningKey;
use evertill::pin::PinKey;
use evertill::retail::product::{Product, ProductRules};
use evertill::retail::register::{Numbers, RegisterSetup};
use evertill::retail::sale::{NewLine, Sale};
use evertill::sample_store;
use evertill::scale_unit::{Options, ScaleUnit, Shelf};
use evertill::secret::Secret;
use rust_decimal::Decimal;
use tempfile::TempDir;

use crate::table::Result;

const PRODUCTS: &str = "EVERTILL_BENCH_PRODUCTS";
const PRODUCTS_DEFAULT: usize = 100_000;

/// The shop.
pub(crate) struct Shop {
    pub(crate) data: MasterData,
    pub(crate) scale_unit: ScaleUnit,
    pub(crate) shelf: Arc<Shelf>,
    channel: Arc<SqliteChannel>,
    directory: TempDir,
}

impl Shop {
    /// Fills the channel database and makes the offline database.
    pub(crate) fn open() -> Result<Self> {
        let count = match std::env::var(PRODUCTS) {
            Ok(text) => text.parse().map_err(|_| format!("{PRODUCTS}={text}: expected a number"))?,
            Err(_) => PRODUCTS_DEFAULT,
        };
        // On the disk where the program is built: a temporary directory may lie in memory, where nothing has to be durable.
        let directory = tempfile::Builder::new().prefix("budgets-").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let mut data = MasterData { products: products(count), codes: Vec::new(), ..sample_store::master_data() };
        data.records.push(setup(&register())?);
        let channel = SqliteChannel::open(&directory.path().join("channel.db"))?;
        channel.load(&data)?;
        let channel = Arc::new(channel);
        let shelf = Arc::new(Shelf::open(&directory.path().join("packages"))?);
        let options = Options {
            channel: Arc::clone(&channel) as Arc<dyn ChannelDatabase>,
            headquarters: None,
            progress: None,
            shelf: Arc::clone(&shelf),
            clock: Arc::new(SystemClock::default()),
            tls: None,
        };
        let scale_unit = ScaleUnit::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), options)?;
        let shop = Self { data, scale_unit, shelf, channel, directory };
        master::write_full(&shop.offline_database(), &shop.data, 1)?;
        Ok(shop)
    }

    pub(crate) fn title(&self) -> String {
        format!("{} products; medians, and the bare baselines of the same run", self.data.products.len())
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.scale_unit.address())
    }

    /// A register's way to the scale unit, activated and with somebody at work.
    pub(crate) fn http(&self, register: &RegisterId) -> Result<HttpChannel> {
        let channel = HttpChannel::new(&self.url())?;
        channel.set_device(Some(self.activate(register)?));
        channel.set_operator(Some(&"000160".into()));
        Ok(channel)
    }

    /// Makes a device the register: its name and its token.
    pub(crate) fn activate(&self, register: &RegisterId) -> Result<(String, Secret)> {
        let (id, token) = (Secret::random().hash(), Secret::random());
        let device = Device {
            id: id.clone(),
            register: register.clone(),
            token_hash: token.hash(),
            status: DeviceStatus::Activated,
            numbers: Numbers::default(),
            handed_on: None,
        };
        self.channel.activate(&device)?;
        Ok((id, token))
    }

    pub(crate) fn offline_database(&self) -> PathBuf {
        self.directory.path().join("offline.db")
    }

    /// A directory of its own for one group of rows.
    pub(crate) fn directory(&self, name: &str) -> Result<PathBuf> {
        let path = self.directory.path().join(name);
        std::fs::create_dir_all(&path)?;
        Ok(path)
    }

    /// A register's data directory with its identity and the offline database in it; it trusts this key's packages.
    pub(crate) fn register_directory(&self, name: &str, headquarters: &SigningKey) -> Result<PathBuf> {
        let directory = self.directory(name)?;
        std::fs::copy(self.offline_database(), directory.join("offline.db"))?;
        let (id, token) = self.activate(&register())?;
        let identity = Identity {
            register: register(),
            token,
            pin_key: PinKey::random().secret().clone(),
            headquarters_key: headquarters.verifying_key().to_string(),
            numbers: Numbers::default(),
            deactivated: false,
        };
        DeviceFile::of(&directory).write(&device::Device { id, identity: Some(identity) })?;
        Ok(directory)
    }

    /// Products from all over the shop, never the same twice in a row of as many as there are.
    pub(crate) fn product(&self, number: usize) -> &Product {
        /// Coprime to round numbers, and far from one to the next.
        const STRIDE: usize = 7_919;
        &self.data.products[number * STRIDE % self.data.products.len()]
    }

    pub(crate) fn code(&self, number: usize) -> &str {
        &self.product(number).barcode
    }

    /// A sale with so many lines.
    pub(crate) fn sale(&self, id: TransactionId, lines: usize) -> Sale {
        let stamp = stamp();
        let mut sale = Sale::begin(id, register(), stamp.shift, stamp.operator, stamp.at, &self.data.store);
        for number in 0..lines {
            self.ring_up(&mut sale, self.product(number).clone());
        }
        sale
    }

    /// Adds a line.
    pub(crate) fn ring_up(&self, sale: &mut Sale, product: Product) {
        let line =
            NewLine { barcode: product.barcode.clone(), quantity: Quantity::ONE, price: product.price, price_embedded: false, product };
        sale.add(line, &self.data.store).expect("the made-up products can be sold");
    }

    /// Pays what is due in cash.
    pub(crate) fn pay(&self, sale: &mut Sale) {
        let cash = &self.data.store.payment_methods[0];
        let due = sale.totals().balance;
        let accepted = cash.accept(due, due).expect("the exact amount is accepted");
        sale.pay(cash, accepted).expect("a first payment is taken");
    }
}

/// The register that is measured.
pub(crate) fn register() -> RegisterId {
    RegisterId { store: "343".to_owned(), number: 1 }
}

/// It has an offline database: without this record it gets no packages.
fn setup(register: &RegisterId) -> Result<Record> {
    let setup = RegisterSetup {
        register: register.clone(),
        name: "register 1".to_owned(),
        support_offline: true,
        offline_profile: None,
        layout: None,
        theme: None,
        lock_after_s: None,
        numbers: Numbers::default(),
    };
    Ok(Record { kind: "register".to_owned(), key: register.number.to_string(), content: serde_json::to_string(&setup)? })
}

/// New transaction keys, others for each seed.
pub(crate) fn keys(seed: u64) -> impl FnMut() -> TransactionId {
    let mut keys = KeySource::Seeded(seed);
    move || keys.next(stamp().at)
}

/// Somebody at some time.
pub(crate) fn stamp() -> Stamp {
    let at = Time::from_timestamp(1_795_000_000, 0).expect("a time in range");
    Stamp { operator: "000160".into(), shift: ShiftId { register: 1, number: 1 }, at, offline: false }
}

/// The size of a file in bytes.
pub(crate) fn size(path: &Path) -> Result<u64> {
    Ok(std::fs::metadata(path)?.len())
}

/// What a supermarket might sell, always the same.
fn products(count: usize) -> Vec<Product> {
    const DEPARTMENTS: [(&str, &str); 6] = [
        ("GROCERY", "BEANS CEREAL SOUP RICE PASTA SAUCE COFFEE TEA JUICE CRACKERS COOKIES CANDY OIL VINEGAR FLOUR SUGAR"),
        ("PRODUCE", "APPLES ORANGES BANANAS PEPPERS LETTUCE TOMATOES ONIONS POTATOES CARROTS GRAPES"),
        ("DAIRY", "MILK CHEESE YOGURT BUTTER CREAM EGGS MARGARINE"),
        ("MEAT", "BEEF PORK CHICKEN SAUSAGE BACON HAM TURKEY"),
        ("FROZEN", "PIZZA DINNER VEGETABLES WAFFLES DESSERT SHRIMP"),
        ("DRUG GM", "SHAMPOO SOAP TOOTHPASTE DETERGENT BATTERIES TISSUE TOWELS CANDLES PENCILS"),
    ];
    const KINDS: &str = "BAKED ORGANIC SPICY SWEET FRESH LIGHT CLASSIC FAMILY MINI DARK WHOLE SLICED SMOKED ROASTED VANILLA CHOCOLATE \
        STRAWBERRY LEMON GARLIC HERB HONEY ORIGINAL CRUNCHY CREAMY UNSALTED PREPARED NATURAL PREMIUM";
    const SYLLABLES: &str = "BA DOR FEN GAL HUM IS KO LUN MER NOV OST PIR QUA REN SOL TAM UR VEL WIN XA YOR ZIM";
    const SIZES: &str = "4 OZ;8 OZ;10.4 OZ;12 OZ;15.75 OZ;16 OZ;24 OZ;32 OZ;1 LB;2 LB;5 LB;6 CT;12 CT;1 LTR;2 LTR;64 FL OZ";
    /// Odd and no multiple of five, so that no code comes twice; and large, so that all digits differ.
    const CODE_STRIDE: usize = 7_654_321_987;
    let [kinds, syllables] = [KINDS, SYLLABLES].map(|words| words.split_whitespace().collect::<Vec<_>>());
    let sizes: Vec<&str> = SIZES.split(';').collect();
    let mut chance = 343;
    let mut make = |number: usize| {
        let (department, categories) = pick(&mut chance, &DEPARTMENTS);
        let categories: Vec<&str> = categories.split(' ').collect();
        let category = *pick(&mut chance, &categories);
        let brand: String = (0..3).map(|_| *pick(&mut chance, &syllables)).collect();
        let name = format!("{brand} {category} {} {}", pick(&mut chance, &kinds), pick(&mut chance, &sizes));
        let cents = 9 + i64::try_from(splitmix64(&mut chance) % 2_990).expect("it is small");
        Product {
            id: (800_000 + number).to_string().as_str().into(),
            barcode: ean_13(290_000_000_000 + number * CODE_STRIDE % 10_000_000_000),
            name,
            department: (*department).to_owned(),
            category: category.to_owned(),
            brand,
            price: Money::new(Decimal::new(cents, 2), Currency::USD),
            unit: "each".to_owned(),
            tax_group: if *department == "DRUG GM" { "general" } else { "food" }.into(),
            rules: ProductRules::default(),
            stock: Some(Decimal::new(cents % 200, 0)),
        }
    };
    (0..count).map(&mut make).collect()
}

fn pick<'a, T>(chance: &mut u64, from: &'a [T]) -> &'a T {
    let at = splitmix64(chance) % from.len() as u64;
    &from[usize::try_from(at).expect("it is below a length")]
}

/// Twelve digits with their check digit (GS1 General Specifications, 7.9).
fn ean_13(digits: usize) -> String {
    let text = format!("{digits:012}");
    let sum: u32 = text.bytes().zip([1, 3].into_iter().cycle()).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    format!("{text}{}", (10 - sum % 10) % 10)
}
