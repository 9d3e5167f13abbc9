//! A small chain: headquarters that made five versions of a store's master data, and a database they are applied to.

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use evertill::channel::sqlite::{SqliteChannel, master};
use evertill::channel::{self, Channel, ChannelError, ProductSearch, Refusal};
use evertill::clock::{Time, VirtualClock};
use evertill::master_data::{Changes, MasterData, Record};
use evertill::package::{self, Kind, Manifest, SignedManifest, SigningKey, Source};
use evertill::retail::product::{Product, ProductRules};
use evertill::sample_store;
use evertill::sync::download::{Applied, Downloader, Fetched, Target, free_bytes};
use tempfile::TempDir;

/// The newest version.
pub(crate) const NEWEST: u64 = 5;

/// Headquarters as a source: its packages and their files, by number.
pub(crate) struct Headquarters {
    pub(crate) key: SigningKey,
    pub(crate) signed: Vec<SignedManifest>,
    pub(crate) files: Vec<Vec<u8>>,
    folder: TempDir,
}

impl Headquarters {
    /// Full, delta, delta, full, delta.
    pub(crate) fn new() -> Self {
        let mut headquarters =
            Self { key: SigningKey::random(), signed: Vec::new(), files: Vec::new(), folder: tempfile::tempdir().unwrap() };
        for version in 1..=NEWEST {
            if version == 1 || version == 4 {
                headquarters.make(Kind::Full, version, |to| master::write_full(to, &data(version), version));
            } else {
                let kind = Kind::Delta { from_version: version - 1 };
                headquarters.make(kind, version, |to| master::write_delta(to, &changes(version)));
            }
        }
        headquarters
    }

    /// Makes the next package.
    pub(crate) fn make(&mut self, kind: Kind, to_version: u64, write: impl FnOnce(&Path) -> channel::Result<u64>) {
        let id = self.signed.len() as u64 + 1;
        let (database, file) = (self.folder.path().join(format!("{id}.db")), self.folder.path().join(format!("{id}.zst")));
        let rows = write(&database).unwrap();
        let packed = package::pack(&database, &file).unwrap();
        let manifest = Manifest {
            id,
            group: "343".to_owned(),
            job: 9999,
            kind,
            to_version,
            schema: master::schema(),
            rows,
            bytes: packed.bytes,
            unpacked_bytes: packed.unpacked_bytes,
            digest: packed.digest,
            made_at: Time::UNIX_EPOCH,
        };
        self.signed.push(package::sign(&manifest, &self.key));
        self.files.push(std::fs::read(file).unwrap());
    }

    pub(crate) fn manifest(&self, id: u64) -> Manifest {
        self.signed[at(id)].open(&self.key.verifying_key()).unwrap()
    }

    /// Signs a package's manifest again after a change.
    pub(crate) fn alter(&mut self, id: u64, alter: impl FnOnce(&mut Manifest)) {
        let mut manifest = self.manifest(id);
        alter(&mut manifest);
        self.signed[at(id)] = package::sign(&manifest, &self.key);
    }

    /// A downloader that gathers in `folder`.
    pub(crate) fn downloader(&self, folder: &Path) -> Downloader {
        Downloader {
            key: self.key.verifying_key(),
            store: "343".to_owned(),
            register: None,
            folder: folder.join("packages"),
            clock: Arc::new(VirtualClock::at(Time::UNIX_EPOCH)),
            free: free_bytes,
        }
    }
}

/// Where a package's number stands.
pub(crate) fn at(id: u64) -> usize {
    usize::try_from(id).unwrap() - 1
}

impl Source for Headquarters {
    fn manifests(&self, _: u64) -> channel::Result<Vec<SignedManifest>> {
        Ok(self.signed.clone())
    }

    fn file(&self, id: u64, from: u64) -> channel::Result<Box<dyn Read + Send>> {
        let file = self.files.get(at(id)).ok_or_else(|| ChannelError::refused(Refusal::NotFound, "no such package"))?;
        Ok(Box::new(Cursor::new(file[usize::try_from(from).unwrap()..].to_vec())))
    }
}

/// A register's offline database between two sales.
pub(crate) struct Offline(pub(crate) PathBuf);

impl Target for Offline {
    fn version(&self) -> channel::Result<u64> {
        if self.0.exists() || master::waiting(&self.0).exists() { open(&self.0).data_version() } else { Ok(0) }
    }

    fn apply(&self, package: &Fetched<'_>) -> channel::Result<Applied> {
        match package.manifest.kind {
            Kind::Full => {
                master::prepare(package.unpacked, &self.0, package.manifest.to_version)?;
                master::take_in(&self.0).map_err(ChannelError::broken)?;
            }
            Kind::Delta { from_version } => {
                master::apply_delta(&self.0, package.unpacked, from_version, package.manifest.to_version)?;
            }
        }
        Ok(Applied::InUse)
    }
}

pub(crate) fn open(path: &Path) -> SqliteChannel {
    SqliteChannel::open_read_only(path).unwrap()
}

/// The version of a database after everything in it was found to be of that version; 0 for none.
pub(crate) fn complete_version(path: &Path) -> u64 {
    if !path.exists() && !master::waiting(path).exists() {
        return 0;
    }
    let channel = open(path);
    let version = channel.data_version().unwrap();
    channel.check().unwrap();
    let expected = data(version);
    assert_eq!(channel.store("343").unwrap(), expected.store);
    for product in &expected.products {
        assert_eq!(channel.product(&product.id).unwrap().as_ref(), Some(product));
        assert_eq!(channel.product_by_barcode(&product.barcode).unwrap().unwrap().product, *product);
    }
    let search = |text: &str| channel.search_products(&ProductSearch { text: text.to_owned(), offset: 0, limit: 200 }).unwrap().products;
    assert_eq!(search("").len(), expected.products.len());
    assert_eq!(search(&format!("beans {version}")).len(), 1);
    assert_eq!(search(&format!("beans {}", version + 90)), []);
    let records: Vec<_> = expected.records.into_iter().map(|record| (record.key, record.content)).collect();
    assert_eq!(channel.records("greeting").unwrap(), records);
    version
}

/// A version's data: every price and some names say which it is.
pub(crate) fn data(version: u64) -> MasterData {
    let price = |number: u64| format!("{number}.{version:02}");
    let mut products: Vec<Product> = (1..=40).map(|number| product(number, &format!("SOUP {number:02}"), &price(number))).collect();
    products.push(product(100, &format!("BEANS {version}"), &price(100)));
    products.push(product(100 + version, "NEW", &price(100)));
    MasterData {
        store: sample_store::store(),
        products,
        codes: Vec::new(),
        staff: Vec::new(),
        customers: Vec::new(),
        records: vec![Record { kind: "greeting".to_owned(), key: "all".to_owned(), content: format!("\"{version}\"") }],
    }
}

/// What changed with a version.
pub(crate) fn changes(version: u64) -> Changes {
    let data = data(version);
    Changes {
        products: data.products,
        records: data.records,
        deleted_products: vec![(100 + version - 1).to_string().as_str().into()],
        ..Changes::default()
    }
}

/// A product with its bar code.
pub(crate) fn product(number: u64, name: &str, price: &str) -> Product {
    Product {
        id: number.to_string().as_str().into(),
        barcode: format!("29{number:06}"),
        name: name.to_owned(),
        department: "GROCERY".to_owned(),
        category: "CANNED".to_owned(),
        brand: String::new(),
        price: format!("{price} USD").parse().unwrap(),
        unit: "each".to_owned(),
        tax_group: "food".into(),
        rules: ProductRules::default(),
        stock: None,
    }
}
