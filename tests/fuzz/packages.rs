//! Packages whose manifest, file or database inside is not what this program makes.

use std::cell::OnceCell;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use ed25519_dalek::Signer;
use evertill::channel::sqlite::{SqliteChannel, master};
use evertill::channel::{Channel, ProductSearch};
use evertill::ids::RegisterId;
use evertill::master_data::Changes;
use evertill::package::{self, Kind, Manifest, SCHEMA, SignedManifest, SigningKey, Source, sign};
use evertill::retail::staff::Pin;
use evertill::secret::{Secret, hex};
use rusqlite::Connection;
use rusqlite::types::Value;

use super::fixture::{self, shop, usd};

/// Version of the database that packages are applied to.
const VERSION: u64 = 5;

/// Manifests, a line each, once as they come and once signed by headquarters.
pub(super) fn manifest(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let key = SigningKey::from_secret(&Secret::new("07".repeat(32))).expect("a key");
    let signer = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let mut opened = Vec::new();
    for line in text.lines() {
        if let Ok(signed) = serde_json::from_str::<SignedManifest>(line) {
            let _ = signed.open(&key.verifying_key());
        }
        let unsigned = SignedManifest { manifest: line.to_owned(), signature: line.to_owned() };
        assert!(unsigned.open(&key.verifying_key()).is_err(), "nobody signed it");
        let signature = hex(&signer.sign(line.as_bytes()).to_bytes());
        match (SignedManifest { manifest: line.to_owned(), signature }).open(&key.verifying_key()) {
            Ok(manifest) => {
                assert_eq!(sign(&manifest, &key).open(&key.verifying_key()).as_ref(), Ok(&manifest));
                opened.push(manifest);
            }
            Err(error) => assert!(error.to_string().len() <= 8_192, "{error}"),
        }
    }
    let planned = package::plan(VERSION, &opened);
    let mut version = VERSION;
    for manifest in &planned.apply {
        assert!(manifest.to_version > version);
        assert!(manifest.kind == Kind::Full || manifest.kind == Kind::Delta { from_version: version }, "{manifest:?}");
        version = manifest.to_version;
    }
}

/// A package's file behind the size, in two bytes, that its manifest names for what is inside.
pub(super) fn unpack(bytes: &[u8]) {
    let Some(([high, low], packed)) = bytes.split_first_chunk() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let (file, to, inside) = (folder.path().join("1.part"), folder.path().join("1.db"), folder.path().join("inside"));
    fs::write(&file, packed).expect("room");
    let named = u64::from(u16::from_be_bytes([*high, *low]));
    let manifest = of_file(packed, named);
    let unpacked = package::fetch(&NobodyElse, &manifest, folder.path(), &to);
    let written = fs::metadata(&to).map_or(0, |file| file.len());
    assert!(written <= named, "no more is written than the manifest says");
    assert!(unpacked.is_err() || written == named, "what is taken is whole");
    // And as what is inside.
    fs::write(&inside, packed).expect("room");
    let packed = package::pack(&inside, &file).expect("a package");
    let manifest = Manifest { bytes: packed.bytes, unpacked_bytes: packed.unpacked_bytes, digest: packed.digest, ..manifest };
    package::fetch(&NobodyElse, &manifest, folder.path(), &to).expect("its own package");
    assert_eq!(fs::read(&to).expect("what came out"), fs::read(&inside).expect("what went in"));
}

/// All of a package is here already.
struct NobodyElse;

impl Source for NobodyElse {
    fn manifests(&self, _: u64) -> evertill::channel::Result<Vec<SignedManifest>> {
        Ok(Vec::new())
    }

    fn file(&self, _: u64, _: u64) -> evertill::channel::Result<Box<dyn std::io::Read + Send>> {
        Ok(Box::new(std::io::empty()))
    }
}

fn of_file(packed: &[u8], unpacked_bytes: u64) -> Manifest {
    use sha2::{Digest, Sha256};
    let digest = hex(&Sha256::digest(packed));
    Manifest {
        id: 1,
        group: "343".to_owned(),
        job: 9999,
        kind: Kind::Full,
        to_version: VERSION + 1,
        schema: SCHEMA,
        rows: 0,
        bytes: packed.len() as u64,
        unpacked_bytes,
        digest,
        made_at: chrono::DateTime::UNIX_EPOCH,
    }
}

/// What is done to the file of a full package before it is applied; see [`tampered`].
pub(super) fn full(bytes: &[u8]) {
    applied(bytes, Kind::Full, &BASES.with(|bases| bases.get_or_init(Bases::make).full.clone()));
}

/// What is done to the file of a delta before it is applied.
pub(super) fn delta(bytes: &[u8]) {
    applied(bytes, Kind::Delta { from_version: VERSION }, &BASES.with(|bases| bases.get_or_init(Bases::make).delta.clone()));
}

/// Sound files, made once.
struct Bases {
    _folder: tempfile::TempDir,
    full: PathBuf,
    delta: PathBuf,
    present: PathBuf,
}

thread_local! {
    static BASES: OnceCell<Bases> = const { OnceCell::new() };
}

impl Bases {
    fn make() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let (mut data, present, full, delta) = (shop(), path("present.db"), path("full.db"), path("delta.db"));
        master::write_full(&present, &data, VERSION).expect("master data");
        let mut changed = data.products[0].clone();
        changed.price = usd("9.99");
        let mut renamed = data.products[1].clone();
        "BEANS ANEW".clone_into(&mut renamed.name);
        let mut new = data.products[2].clone();
        (new.id, new.barcode) = ("2001".into(), String::new());
        let changes = Changes {
            products: vec![changed, renamed, new],
            staff: vec![data.staff[0].clone()],
            deleted_products: vec!["1004".into()],
            deleted_customers: vec!["2001".to_owned()],
            ..Changes::default()
        };
        master::write_delta(&delta, &changes).expect("a delta");
        data.products.truncate(3);
        data.codes.clear();
        master::write_full(&full, &data, VERSION + 1).expect("master data");
        Self { _folder: folder, full, delta, present }
    }
}

/// Statements of SQL, and behind a NUL bytes to write over: four for the place, one for the value.
fn tampered(file: &Path, bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let sql = String::from_utf8_lossy(&bytes[..end]);
    let reaches_out = ["attach", "into '", "vacuum", "load_ext"].iter().any(|word| sql.to_lowercase().contains(word));
    if !reaches_out && let Ok(database) = Connection::open(file) {
        let _ = database.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
        for statement in sql.split(";\n") {
            let _ = database.execute_batch(statement);
        }
        let _ = database.pragma_update(None, "journal_mode", "wal");
    }
    let mut content = fs::read(file).expect("the file");
    for patch in bytes[end..].get(1..).unwrap_or_default().chunks_exact(5) {
        let place = u32::from_le_bytes([patch[0], patch[1], patch[2], patch[3]]) as usize % content.len();
        content[place] = patch[4];
    }
    fs::write(file, content).expect("room");
}

/// Applied whole, or refused and nothing changed; and whatever was applied can be asked anything.
fn applied(bytes: &[u8], kind: Kind, base: &Path) {
    let folder = tempfile::tempdir().expect("a folder");
    let (database, package) = (folder.path().join("channel.db"), folder.path().join("package.db"));
    let master_data = SqliteChannel::master_data(&database);
    BASES.with(|bases| fs::copy(&bases.get_or_init(Bases::make).present, &master_data)).expect("room");
    fs::copy(base, &package).expect("room");
    tampered(&package, bytes);
    let channel = SqliteChannel::open(&database).expect("a channel database");
    let before = content(&master_data);
    let manifest = Manifest { kind, ..of_file(&[], 0) };
    if channel.apply(&manifest, &package).is_ok() {
        assert_eq!(channel.data_version(), Ok(VERSION + 1));
    } else {
        assert_eq!(channel.data_version(), Ok(VERSION), "a package that is refused changes nothing");
        assert_eq!(content(&master_data), before, "a package that is refused changes nothing");
    }
    ask(&channel);
    drop(channel);
    ask(&SqliteChannel::open_read_only(&master_data).expect("what was applied opens"));
}

/// Everything a till may ask: whatever the answer, there is one.
fn ask(channel: &SqliteChannel) {
    let _ = channel.check();
    let _ = channel.store("343");
    let _ = channel.register(&RegisterId { store: "343".to_owned(), number: 1 });
    let _ = channel.records("register");
    let _ = channel.sign_in(&"000160".into(), &Pin::new(fixture::PIN));
    for code in ["4006381333931", "036000291452", "4011", "7", "BOX-12"] {
        let _ = channel.product_by_barcode(code);
    }
    for id in ["1001", "1003", "2001", "4011"] {
        let _ = channel.product(&id.into());
    }
    for text in ["", "beans", "breans", "creme", "10"] {
        let _ = channel.search_products(&ProductSearch { text: text.to_owned(), offset: 0, limit: 50 });
    }
}

/// All that stands in the tables.
fn content(master_data: &Path) -> String {
    let database = Connection::open(master_data).expect("the master data");
    let mut text = String::new();
    for table in ["data_version", "stores", "products", "codes", "search_data", "vocabulary", "staff", "customers", "records"] {
        let mut rows = database.prepare(&format!("SELECT * FROM {table}")).expect("a table");
        let columns = rows.column_count();
        let mut rows = rows.query([]).expect("its rows");
        while let Some(row) = rows.next().expect("a row") {
            for column in 0..columns {
                write!(text, "{:?}|", row.get::<_, Value>(column).expect("a value")).expect("a string takes all that is written");
            }
            text.push('\n');
        }
    }
    text
}
