//! What headquarters' records look like at one store on one day: only what belongs there, nothing whose time is over.

use std::collections::{BTreeMap, HashMap, HashSet};

use rust_decimal::Decimal;
use serde_json::Value as Json;

use super::candidates::Candidates;
use super::place::{Place, amount, code, customer, device, of, value};
use crate::clock::Time;
use crate::headquarters::database::Tx;
use crate::headquarters::devices::register_of;
use crate::headquarters::entities::{own, supports_offline};
use crate::headquarters::error::{Error, Result};
use crate::headquarters::kinds::Content;
use crate::headquarters::records::{self, parsed, text};
use crate::ids::{OperatorId, ProductId};
use crate::master_data::{Changes, MasterData, Record, StaffMember};
use crate::profile::OfflineProfile;
use crate::retail::register::{Numbers, RegisterSetup};
use crate::retail::staff::{Operator, Permissions};
use crate::retail::store::Store;

/// Kinds that are distributed as they are.
const AS_THEY_ARE: [&str; 8] =
    ["unit", "discount", "loyalty-program", "loyalty-card", "hardware-profile", "channel-database", "channel-database-group", "parameter"];

/// A store on a day.
pub(super) struct View<'v, 't> {
    pub(super) tx: &'v mut Tx<'t>,
    pub(super) place: Place,
}

impl<'v, 't> View<'v, 't> {
    pub(super) fn open(tx: &'v mut Tx<'t>, store: &str, now: Time) -> Result<Self> {
        let day = super::local(tx, store, now)?.date().to_string();
        let content = records::get(tx, own("store"), store)?.ok_or_else(|| Error::missing("store", store))?;
        let currency = text(&content, "currency").parse().map_err(|_| Error::Database(format!("store {store} has no currency")))?;
        Ok(Self { tx, place: Place { store: store.to_owned(), day, currency, content } })
    }

    /// All of it.
    pub(super) fn everything(&mut self) -> Result<MasterData> {
        let prices = self.prices()?;
        let mut products = Vec::new();
        self.each("product", |place, key, content| {
            products.push(place.product(&content, prices.get(&key).copied())?);
            Ok(())
        })?;
        let known: HashSet<&ProductId> = products.iter().map(|product| &product.id).collect();
        let mut codes = Vec::new();
        self.each("barcode", |_, _, content| {
            let code = code(&content)?;
            if known.contains(&code.product) {
                codes.push(code);
            }
            Ok(())
        })?;
        drop(known);
        let mut customers = Vec::new();
        self.each("customer", |_, _, content| {
            customers.push(customer(&content));
            Ok(())
        })?;
        let mut records = self.registers()?;
        for kind in AS_THEY_ARE {
            self.each(kind, |_, key, content| {
                records.push(Record { kind: kind.to_owned(), key, content: Json::Object(content).to_string() });
                Ok(())
            })?;
        }
        records.extend(self.devices()?);
        Ok(MasterData { store: self.configuration()?, products, codes, staff: self.staff()?, customers, records })
    }

    /// What candidates look like, or that they are gone.
    pub(super) fn changes(&mut self, candidates: &Candidates) -> Result<Changes> {
        let mut changes = Changes::default();
        if candidates.store {
            changes.store = Some(self.configuration()?);
        }
        for key in &candidates.products {
            self.change_of_product(key, &mut changes)?;
        }
        self.changes_of_staff(candidates, &mut changes)?;
        for key in &candidates.customers {
            match self.one("customer", key)? {
                Some(content) => changes.customers.push(customer(&content)),
                None => changes.deleted_customers.push(key.clone()),
            }
        }
        if candidates.registers {
            changes.records.extend(self.registers()?);
        }
        for (kind, key) in &candidates.records {
            let of_register = || key.rsplit('-').next().unwrap_or_default().to_owned();
            match (*kind, self.one(kind, key)?) {
                // The setups are all there already.
                ("register", Some(_)) => {}
                ("register", None) => {
                    changes.deleted_records.push(((*kind).to_owned(), of_register()));
                }
                ("device", content) => changes.records.extend(content.as_ref().and_then(device)),
                (_, Some(content)) => {
                    changes.records.push(Record { kind: (*kind).to_owned(), key: key.clone(), content: Json::Object(content).to_string() });
                }
                (_, None) => changes.deleted_records.push(((*kind).to_owned(), key.clone())),
            }
        }
        Ok(changes)
    }

    fn change_of_product(&mut self, key: &str, changes: &mut Changes) -> Result<()> {
        const REACH: &str = "SELECT reach FROM records WHERE kind = 'product' AND key = $1";
        const CODES: &str = "SELECT content FROM records WHERE kind = 'barcode' AND lookup = $1 AND deleted = 0 ORDER BY key";
        const PRICES: &str = "SELECT content FROM records WHERE kind = 'price' AND lookup = $1 AND deleted = 0";
        let Some(content) = self.one("product", key)? else {
            let reach = self.tx.row(REACH, &[key.into()])?.map(|row| row.text(0)).transpose()?;
            // A product that never was here is not gone.
            if reach.is_some_and(|reach| reach.is_empty() || reach.contains(&format!(",{},", self.place.store))) {
                changes.deleted_products.push(key.into());
            }
            return Ok(());
        };
        let mut lowest = None;
        for row in self.tx.rows(PRICES, &[key.into()])? {
            let content = parsed(&row.text(0)?)?;
            if self.place.shows(&content) {
                let price = amount(&content, "unit_price")?;
                lowest = Some(lowest.map_or(price, |lowest: Decimal| lowest.min(price)));
            }
        }
        changes.products.push(self.place.product(&content, lowest)?);
        for row in self.tx.rows(CODES, &[key.into()])? {
            changes.codes.push(code(&parsed(&row.text(0)?)?)?);
        }
        Ok(())
    }

    fn changes_of_staff(&mut self, candidates: &Candidates, changes: &mut Changes) -> Result<()> {
        if candidates.staff.is_empty() && !candidates.all_staff {
            return Ok(());
        }
        let staff = self.staff()?;
        let is_here = |key: &String| staff.iter().any(|member| member.operator.id.0 == *key);
        changes.deleted_staff = candidates.staff.iter().filter(|key| !is_here(key)).map(|key| OperatorId(key.clone())).collect();
        changes.staff =
            staff.into_iter().filter(|member| candidates.all_staff || candidates.staff.contains(&member.operator.id.0)).collect();
        Ok(())
    }

    fn configuration(&mut self) -> Result<Store> {
        let profile = match text(&self.place.content, "functionality_profile") {
            "" => own("functionality-profile").read(Content::new(), [("id", "default")]).ok(),
            id => records::get(self.tx, own("functionality-profile"), id)?,
        };
        let profile = profile.ok_or_else(|| Error::missing("functionality-profile", text(&self.place.content, "functionality_profile")))?;
        let (mut registers, mut payment_methods, mut tax_groups) = (Vec::new(), Vec::new(), Vec::new());
        self.each("register", |_, _, content| {
            registers.push(register_of(&content)?.number);
            Ok(())
        })?;
        registers.sort_unstable();
        self.each("payment-method", |_, key, content| {
            payment_methods.push(of("payment-method", &key, content, &["stores"])?);
            Ok(())
        })?;
        self.each("tax-group", |_, key, content| {
            tax_groups.push(of("tax-group", &key, content, &[])?);
            Ok(())
        })?;
        let lines = |field: &str| self.place.content.get(field).cloned().unwrap_or(Json::Array(Vec::new()));
        Ok(Store {
            number: self.place.store.clone(),
            name: text(&self.place.content, "name").to_owned(),
            currency: self.place.currency,
            utc_offset_minutes: value(
                "store",
                &self.place.store,
                self.place.content.get("utc_offset_minutes").cloned().unwrap_or_default(),
            )?,
            registers,
            tax_rounding: value("store", &self.place.store, self.place.content.get("tax_rounding").cloned().unwrap_or_default())?,
            denominations: value("store", &self.place.store, lines("denominations"))?,
            receipt_header: value("store", &self.place.store, lines("receipt_header"))?,
            receipt_footer: value("store", &self.place.store, lines("receipt_footer"))?,
            functionality: of("functionality-profile", "", profile, &["id"])?,
            tax_groups,
            payment_methods,
            barcode_patterns: value("store", &self.place.store, lines("barcode_patterns"))?,
        })
    }

    /// The setups of all registers, with their profiles.
    fn registers(&mut self) -> Result<Vec<Record>> {
        let offline_profile: Option<OfflineProfile> = match text(&self.place.content, "offline_profile").to_owned() {
            id if id.is_empty() => None,
            id => records::get(self.tx, own("offline-profile"), &id)?
                .map(|content| of("offline-profile", &id, content, &["id"]))
                .transpose()?,
        };
        let mut contents = Vec::new();
        self.each("register", |_, _, content| {
            contents.push(content);
            Ok(())
        })?;
        let mut setups = Vec::new();
        for content in contents {
            let register = register_of(&content)?;
            let layout = match text(&content, "screen_layout") {
                "" => text(&self.place.content, "screen_layout").to_owned(),
                own => own.to_owned(),
            };
            let setup = RegisterSetup {
                name: Some(text(&content, "name"))
                    .filter(|name| !name.is_empty())
                    .map_or_else(|| format!("Register {}", register.number), str::to_owned),
                support_offline: supports_offline(&content),
                offline_profile: offline_profile.clone(),
                layout: self.field_of("screen-layout", &layout, "layout")?,
                theme: self.field_of("visual-profile", text(&content, "visual_profile"), "theme")?,
                lock_after_s: content.get("lock_after_s").and_then(Json::as_u64),
                register,
                numbers: Numbers::default(),
            };
            let content = serde_json::to_string(&setup).map_err(|error| Error::Database(error.to_string()))?;
            setups.push(Record { kind: "register".to_owned(), key: setup.register.number.to_string(), content });
        }
        Ok(setups)
    }

    fn devices(&mut self) -> Result<Vec<Record>> {
        let mut devices = Vec::new();
        self.each("device", |_, _, content| {
            devices.extend(device(&content));
            Ok(())
        })?;
        Ok(devices)
    }

    fn staff(&mut self) -> Result<Vec<StaffMember>> {
        let mut groups: BTreeMap<String, Permissions> = BTreeMap::new();
        self.each("permission-group", |_, key, content| {
            let permissions = of("permission-group", &key, content, &["id"])?;
            groups.insert(key, permissions);
            Ok(())
        })?;
        let mut staff = Vec::new();
        self.each("staff", |_, key, content| {
            if content.get("active").and_then(Json::as_bool).unwrap_or(false) {
                let permissions = groups.get(text(&content, "group")).cloned().unwrap_or_default();
                let operator = Operator { id: OperatorId(key), name: text(&content, "name").to_owned(), permissions };
                staff.push(StaffMember { operator, pin_hash: text(&content, "pin_hash").to_owned() });
            }
            Ok(())
        })?;
        Ok(staff)
    }

    /// The lowest of today's trade agreements, by product.
    fn prices(&mut self) -> Result<HashMap<String, Decimal>> {
        let mut prices = HashMap::new();
        self.each("price", |_, _, content| {
            let price = amount(&content, "unit_price")?;
            prices
                .entry(text(&content, "product_id").to_owned())
                .and_modify(|lowest: &mut Decimal| *lowest = price.min(*lowest))
                .or_insert(price);
            Ok(())
        })?;
        Ok(prices)
    }

    /// Hands over the records of a kind that belong here today.
    fn each(&mut self, kind: &'static str, mut take: impl FnMut(&Place, String, Content) -> Result<()>) -> Result<()> {
        let Self { tx, place } = self;
        records::each(tx, own(kind), &mut |key, content| if place.shows(&content) { take(place, key, content) } else { Ok(()) })
    }

    fn one(&mut self, kind: &'static str, key: &str) -> Result<Option<Content>> {
        let content = records::get(self.tx, own(kind), key)?;
        Ok(content.filter(|content| self.place.shows(content)))
    }

    fn field_of(&mut self, kind: &'static str, key: &str, field: &str) -> Result<Option<String>> {
        if key.is_empty() {
            return Ok(None);
        }
        let content = records::get(self.tx, own(kind), key)?;
        Ok(content.map(|content| text(&content, field).to_owned()))
    }
}
