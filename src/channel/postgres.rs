//! A channel over PostgreSQL: one database that several scale units share.
//!
//! Every call blocks for as long as the server takes, and must not be made on a thread of an asynchronous runtime. A connection that
//! breaks is replaced and the call made once more: all calls may be repeated. Master data come with packages alone.

mod apply;
mod copy;
mod database;
mod failure;
mod intake;
mod open;
mod pool;
mod products;
mod search;

use super::{Channel, ChannelError, ErrorKind, Page, ProductSearch, Recorded, Refusal, Result, Upload};
use crate::ids::{OperatorId, ProductId, RegisterId, TransactionId};
use crate::pin::{self, PinKey};
use crate::retail::gift_card::GiftCard;
use crate::retail::product::{Found, Product};
use crate::retail::register::RegisterSetup;
use crate::retail::staff::{Operator, Pin};
use crate::retail::store::Store;

pub use open::ConnectError;
pub(crate) use open::is_overheard;
use pool::{Pool, Session, text};

/// A channel database on a server. Shared by threads.
pub struct PostgresChannel {
    pool: Pool,
    pin_key: Option<PinKey>,
}

impl PostgresChannel {
    /// Connects to a server, or the one among several that takes writes, and brings the database up to date; it must exist.
    pub fn connect(url: &str) -> std::result::Result<Self, ConnectError> {
        let config = open::config(url)?;
        open::migrate(&config)?;
        Ok(Self { pool: Pool::new(config), pin_key: None })
    }

    /// Checks PINs whose hashes are bound to this key.
    #[must_use]
    pub fn with_pin_key(self, key: PinKey) -> Self {
        Self { pin_key: Some(key), ..self }
    }

    /// How many sales were taken in, concluded or voided.
    pub fn sales_count(&self) -> Result<u64> {
        const COUNT: &str = "SELECT count(*) FROM transactions WHERE kind <> 'event'";
        self.pool.run(|session| Ok(session.query_one(COUNT, &[])?.try_get::<_, i64>(0)?.cast_unsigned()))
    }

    /// The one text that a query finds.
    fn content(&self, sql: &'static str, key: &[&str]) -> Result<Option<String>> {
        let key: Vec<_> = key.iter().map(|part| text(part)).collect();
        let values: Vec<&(dyn postgres::types::ToSql + Sync)> = key.iter().map(|part| part as _).collect();
        self.pool.run(|session| Ok(session.query_opt(sql, &values)?.map(|row| row.try_get(0)).transpose()?))
    }
}

impl Channel for PostgresChannel {
    fn store(&self, number: &str) -> Result<Store> {
        const STORE: &str = "SELECT content FROM master.stores WHERE number = $1";
        let content = self.content(STORE, &[number])?;
        let content = content.ok_or_else(|| ChannelError::refused(Refusal::NotFound, format!("store {number:?} is not kept here")))?;
        serde_json::from_str(&content).map_err(|error| ChannelError::broken(format!("the configuration of store {number:?}: {error}")))
    }

    fn register(&self, register: &RegisterId) -> Result<RegisterSetup> {
        const REGISTER: &str = "SELECT content FROM master.records WHERE kind = 'register' AND key = $1";
        let content = self.content(REGISTER, &[&register.number.to_string()])?;
        let setup: Option<RegisterSetup> = content
            .map(|content| serde_json::from_str(&content))
            .transpose()
            .map_err(|error| ChannelError::broken(format!("the configuration of register {register}: {error}")))?;
        let of_this_store = setup.filter(|setup| setup.register == *register);
        of_this_store.ok_or_else(|| ChannelError::refused(Refusal::NotFound, format!("register {register} is not kept here")))
    }

    fn sign_in(&self, operator: &OperatorId, pin: &Pin) -> Result<Operator> {
        const OPERATOR: &str = "SELECT name, permissions, pin_hash FROM master.staff WHERE id = $1";
        let found: Option<[String; 3]> = self.pool.run(|session| {
            let row = session.query_opt(OPERATOR, &[&text(&operator.0)])?;
            Ok(row.map(|row| Ok::<_, postgres::Error>([row.try_get(0)?, row.try_get(1)?, row.try_get(2)?])).transpose()?)
        })?;
        let right = pin::is_right(pin, found.as_ref().map(|[_, _, pin_hash]| pin_hash.as_str()), self.pin_key.as_ref());
        match found {
            Some([name, permissions, _]) if right => {
                let permissions = serde_json::from_str(&permissions)
                    .map_err(|error| ChannelError::broken(format!("the permissions of operator {operator}: {error}")))?;
                Ok(Operator { id: operator.clone(), name, permissions })
            }
            Some(_) | None => Err(ChannelError::refused(Refusal::Credentials, "")),
        }
    }

    fn product_by_barcode(&self, code: &str) -> Result<Option<Found>> {
        self.pool.run(|session| products::by_code(session, code))
    }

    fn product(&self, id: &ProductId) -> Result<Option<Product>> {
        self.pool.run(|session| products::by_number(session, &id.0))
    }

    fn search_products(&self, search: &ProductSearch) -> Result<Page> {
        search.check()?;
        self.pool.run(|session| search::page(session, search))
    }

    fn record(&self, transaction: &Upload) -> Result<Recorded> {
        transaction.check()?;
        let taking = intake::Taking::read(transaction, None);
        self.pool.run(|session| taking.record(session))
    }

    fn transaction(&self, id: &TransactionId) -> Result<Option<String>> {
        const TRANSACTION: &str = "SELECT content FROM transactions WHERE id = $1";
        self.pool.run(|session| Ok(session.query_opt(TRANSACTION, &[&id.0])?.map(|row| row.try_get(0)).transpose()?))
    }

    fn gift_card(&self, _: &str) -> Result<Option<GiftCard>> {
        Err(ChannelError::new(ErrorKind::Unsupported, "only headquarters knows gift cards"))
    }

    fn data_version(&self) -> Result<u64> {
        self.pool.run(data_version)
    }
}

fn data_version(session: &mut Session) -> std::result::Result<u64, failure::Failure> {
    const VERSION: &str = "SELECT version FROM master.data_version";
    Ok(session.query_one(VERSION, &[])?.try_get::<_, i64>(0)?.cast_unsigned())
}
