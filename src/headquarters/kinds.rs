//! The one table of what headquarters keeps: each kind of record, its fields, and the distribution job that carries it.
//!
//! Administration (`add`, `set`, `list`, CSV in and out), validation, the audit trail and the jobs all read it. Records of a kind are
//! JSON objects of exactly these fields; a field that says nothing is absent.

mod types;

use serde_json::{Map, Value};

pub(super) use types::HIDDEN;
pub use types::Type;

/// A kind of record.
pub struct Kind {
    /// What the command line and the database call it.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// How many of its first fields are its key, and what stands between them in it.
    key: Key,
    /// Its fields, in the order of its file.
    pub fields: &'static [Field],
    /// The job that carries it to the stores; none stays at headquarters.
    pub job: Option<u32>,
    /// The field it is also found by.
    found_by: Option<&'static str>,
    /// Whether people edit it, or headquarters alone.
    pub editing: Editing,
}

/// Who writes records of a kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Editing {
    /// Whoever administers headquarters.
    Open,
    /// Headquarters itself; people only look.
    Own,
}

enum Key {
    One,
    Several { fields: usize, between: char },
}

/// A field of a kind.
pub struct Field {
    /// Its name, and that of its column.
    pub name: &'static str,
    /// What it may say.
    pub of: Type,
    /// What it says when nothing is said.
    pub presence: Presence,
}

/// Whether a field must say something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Presence {
    /// It must.
    Required,
    /// It need not.
    Optional,
    /// It says this by itself.
    Default(&'static str),
}

/// A record's fields.
pub type Content = Map<String, Value>;

/// A fault of a field.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{field}: {why}")]
pub struct FieldError {
    /// Its name.
    pub field: String,
    /// What was found and what was expected.
    pub why: String,
}

const fn required(name: &'static str, of: Type) -> Field {
    Field { name, of, presence: Presence::Required }
}

const fn optional(name: &'static str, of: Type) -> Field {
    Field { name, of, presence: Presence::Optional }
}

const fn default(name: &'static str, of: Type, value: &'static str) -> Field {
    Field { name, of, presence: Presence::Default(value) }
}

const fn kind(name: &'static str, about: &'static str, job: u32, fields: &'static [Field]) -> Kind {
    Kind { name, about, key: Key::One, fields, job: Some(job), found_by: None, editing: Editing::Open }
}

impl Kind {
    const fn keyed(self, fields: usize, between: char) -> Self {
        Self { key: Key::Several { fields, between }, ..self }
    }

    const fn found_by(self, field: &'static str) -> Self {
        Self { found_by: Some(field), ..self }
    }

    const fn stays_here(self) -> Self {
        Self { job: None, ..self }
    }

    const fn own(self) -> Self {
        Self { editing: Editing::Own, ..self }
    }
}

const CUSTOMERS: u32 = 1010;
const PRICES: u32 = 1020;
const PRODUCTS: u32 = 1040;
const LOYALTY: u32 = 1050;
const STAFF: u32 = 1060;
const CHANNEL: u32 = 1070;
const TAX: u32 = 1080;
const REGISTERS: u32 = 1090;
const GLOBAL: u32 = 1110;

/// Every kind, in the order in which a whole store is set up: what others refer to comes first.
pub static KINDS: [Kind; 26] = [
    kind(
        "functionality-profile",
        "limits and habits of a store's registers",
        CHANNEL,
        &[
            required("id", Type::Id),
            default("maximum_quantity", Type::Quantity, "9999"),
            default("maximum_price", Type::Money, "99999.99"),
            default("aggregate_items", Type::YesNo, "yes"),
        ],
    ),
    kind(
        "offline-profile",
        "when a store's registers go offline and come back",
        REGISTERS,
        &[
            required("id", Type::Id),
            default("timeout_ms", Type::Whole(50, 60_000), "1000"),
            default("realtime_timeout_ms", Type::Whole(100, 300_000), "10000"),
            default("reconnect_interval_s", Type::Whole(1, 86_400), "300"),
            default("reconnect_timeout_ms", Type::Whole(10, 60_000), "300"),
            default("manual_switch_before_sign_in", Type::YesNo, "no"),
            default("advanced_switching", Type::YesNo, "no"),
            default("health_check_interval_s", Type::Whole(1, 3_600), "60"),
            default("slow_requests", Type::Whole(1, 100), "3"),
            default("slow_request_ms", Type::Whole(10, 60_000), "400"),
            default("purge_after_days", Type::Whole(1, 3_650), "30"),
            default("download_interval_s", Type::Whole(1, 86_400), "60"),
            default("pause_downloads", Type::YesNo, "no"),
            default("staff_data_max_age_days", Type::Whole(0, 3_650), "0"),
        ],
    ),
    kind(
        "hardware-profile",
        "what is connected to a register",
        REGISTERS,
        &[
            required("id", Type::Id),
            default("printer", Type::Choice(&["none", "network", "windows"]), "none"),
            default("drawer", Type::Choice(&["none", "manual", "printer"]), "manual"),
            default("scanner", Type::Choice(&["none", "keyboard"]), "keyboard"),
            default("scale", Type::Choice(&["none", "manual"]), "manual"),
            default("customer_display", Type::Choice(&["none", "network"]), "none"),
            default("payment_terminal", Type::Choice(&["none", "manual"]), "none"),
        ],
    ),
    kind(
        "visual-profile",
        "how a register looks",
        REGISTERS,
        &[required("id", Type::Id), default("theme", Type::Choice(&["dark", "light"]), "dark")],
    ),
    kind(
        "screen-layout",
        "a layout of a register's screens and buttons",
        REGISTERS,
        &[required("id", Type::Id), required("layout", Type::Document)],
    ),
    kind("tax-group", "the taxes of the products that name it", TAX, &[required("id", Type::Id), required("taxes", Type::Taxes)]),
    kind(
        "unit",
        "a unit products are sold by",
        PRODUCTS,
        &[required("id", Type::Id), required("name", Type::Name), default("decimals", Type::Whole(0, 5), "0")],
    ),
    kind(
        "permission-group",
        "what its members may do",
        STAFF,
        &[
            required("id", Type::Id),
            default("manager", Type::YesNo, "no"),
            default("price_override", Type::Choice(&["not_allowed", "lower_only", "higher_only", "higher_and_lower"]), "not_allowed"),
            optional("max_line_discount_percent", Type::Percent),
            optional("max_line_discount_amount", Type::Money),
            default("void_product", Type::YesNo, "no"),
            default("void_payment", Type::YesNo, "no"),
            default("void_transaction", Type::YesNo, "no"),
            default("switch_connection", Type::YesNo, "no"),
            default("manage_device", Type::YesNo, "no"),
        ],
    ),
    kind(
        "channel-database-group",
        "the databases that get the same packages",
        GLOBAL,
        &[required("id", Type::Id), required("store", Type::Id)],
    )
    .own(),
    kind(
        "store",
        "a store",
        CHANNEL,
        &[
            required("number", Type::Id),
            required("name", Type::Name),
            default("currency", Type::Currency, "USD"),
            default("utc_offset_minutes", Type::Whole(-840, 840), "0"),
            default("tax_rounding", Type::Choice(&["per_line", "total"]), "per_line"),
            optional("functionality_profile", Type::OneOf("functionality-profile")),
            optional("offline_profile", Type::OneOf("offline-profile")),
            optional("screen_layout", Type::OneOf("screen-layout")),
            optional("denominations", Type::Amounts),
            optional("receipt_header", Type::Lines),
            optional("receipt_footer", Type::Lines),
            optional("barcode_patterns", Type::Patterns),
        ],
    ),
    kind(
        "register",
        "a cash desk of a store",
        REGISTERS,
        &[
            required("store", Type::OneOf("store")),
            required("number", Type::Whole(1, 9_999)),
            optional("name", Type::Name),
            default("support_offline", Type::YesNo, "no"),
            optional("hardware_profile", Type::OneOf("hardware-profile")),
            optional("visual_profile", Type::OneOf("visual-profile")),
            optional("screen_layout", Type::OneOf("screen-layout")),
            optional("lock_after_s", Type::Whole(0, 86_400)),
        ],
    )
    .keyed(2, '-'),
    kind(
        "channel-database",
        "a database packages go to: a store's, or a register's offline one",
        GLOBAL,
        &[
            required("id", Type::Id),
            required("group", Type::OneOf("channel-database-group")),
            required("store", Type::Id),
            optional("register", Type::Id),
        ],
    )
    .own(),
    kind(
        "device",
        "which machine a register is",
        REGISTERS,
        &[
            required("store", Type::Id),
            required("number", Type::Whole(1, 9_999)),
            default("status", Type::Choice(&["pending", "activated", "deactivated"]), "pending"),
            optional("device", Type::Id),
            optional("activated_at", Type::Name),
            optional("token_hash", Type::Secret),
            optional("code_hash", Type::Secret),
            optional("code_expires_at", Type::Name),
        ],
    )
    .keyed(2, '-')
    .found_by("code_hash")
    .own(),
    kind(
        "scale-unit",
        "a server of a store's registers",
        0,
        &[required("name", Type::Id), required("store", Type::OneOf("store")), required("token_hash", Type::Secret)],
    )
    .found_by("token_hash")
    .stays_here()
    .own(),
    kind(
        "schedule",
        "when a distribution job runs by itself",
        0,
        &[
            required("job", Type::Job),
            optional("every_minutes", Type::Whole(1, 10_080)),
            optional("daily_at", Type::TimeOfDay),
            default("active", Type::YesNo, "yes"),
        ],
    )
    .stays_here(),
    kind(
        "payment-method",
        "what can be paid with",
        CHANNEL,
        &[
            required("id", Type::Id),
            required("name", Type::Name),
            required("operation", Type::Whole(100, 9_999)),
            default("overtender", Type::YesNo, "no"),
            optional("maximum_change", Type::Money),
            default("undertender", Type::YesNo, "no"),
            optional("maximum_amount", Type::Money),
            optional("rounding", Type::Rounding),
            default("opens_drawer", Type::YesNo, "no"),
            optional("stores", Type::Stores),
        ],
    ),
    kind(
        "staff",
        "who works at the registers",
        STAFF,
        &[
            required("number", Type::Id),
            required("name", Type::Name),
            required("group", Type::OneOf("permission-group")),
            optional("pin_hash", Type::Secret),
            default("active", Type::YesNo, "yes"),
            optional("stores", Type::Stores),
        ],
    ),
    kind(
        "product",
        "what is sold",
        PRODUCTS,
        &[
            required("product_id", Type::Id),
            optional("barcode", Type::Barcode),
            required("name", Type::Name),
            optional("department", Type::Name),
            optional("category", Type::Name),
            optional("brand", Type::Name),
            required("unit_price", Type::Money),
            default("unit", Type::Id, "each"),
            optional("tax_group", Type::OneOf("tax-group")),
            default("price_includes_tax", Type::YesNo, "no"),
            default("key_in_price", Type::YesNo, "no"),
            default("key_in_quantity", Type::YesNo, "no"),
            default("weighed", Type::YesNo, "no"),
            optional("min_age", Type::Whole(0, 120)),
            default("blocked", Type::YesNo, "no"),
            default("zero_price_valid", Type::YesNo, "no"),
            optional("stock", Type::Stock),
            optional("stores", Type::Stores),
        ],
    )
    .found_by("barcode"),
    kind(
        "barcode",
        "a further code of a product",
        PRODUCTS,
        &[required("barcode", Type::Barcode), required("product_id", Type::OneOf("product")), default("quantity", Type::Quantity, "1")],
    )
    .found_by("product_id"),
    kind(
        "price",
        "a trade agreement: a product's price in stores, for a time; the lowest holds",
        PRICES,
        &[
            required("product_id", Type::OneOf("product")),
            optional("store", Type::OneOf("store")),
            optional("from", Type::Date),
            required("unit_price", Type::Money),
            optional("to", Type::Date),
        ],
    )
    .keyed(3, '|')
    .found_by("product_id"),
    kind(
        "discount",
        "a discount that applies by itself",
        PRICES,
        &[
            required("id", Type::Id),
            required("name", Type::Name),
            optional("product_id", Type::OneOf("product")),
            optional("category", Type::Name),
            default("minimum_quantity", Type::Quantity, "1"),
            required("percent", Type::Percent),
            optional("from", Type::Date),
            optional("to", Type::Date),
            optional("stores", Type::Stores),
        ],
    ),
    kind(
        "customer",
        "a known customer",
        CUSTOMERS,
        &[
            required("number", Type::Id),
            required("name", Type::Name),
            optional("email", Type::Email),
            optional("phone", Type::Id),
            optional("group", Type::Id),
            optional("stores", Type::Stores),
        ],
    ),
    kind(
        "loyalty-program",
        "how loyalty is rewarded",
        LOYALTY,
        &[
            required("id", Type::Id),
            required("name", Type::Name),
            default("points_per_unit", Type::Stock, "1"),
            optional("from", Type::Date),
            optional("to", Type::Date),
        ],
    ),
    kind(
        "loyalty-card",
        "a customer's card of a loyalty program",
        LOYALTY,
        &[required("number", Type::Id), required("program", Type::OneOf("loyalty-program")), optional("customer", Type::OneOf("customer"))],
    )
    .found_by("customer"),
    kind(
        "gift-card",
        "a gift card and what is left on it",
        0,
        &[required("number", Type::Id), required("balance", Type::Money), default("currency", Type::Currency, "USD")],
    )
    .stays_here(),
    kind("parameter", "a setting of the whole chain", GLOBAL, &[required("name", Type::Id), required("value", Type::Name)]),
];

/// The jobs, by number, with what each carries.
pub const JOBS: [(u32, &str); 10] = [
    (CUSTOMERS, "Customers"),
    (PRICES, "Prices and discounts"),
    (PRODUCTS, "Products"),
    (LOYALTY, "Loyalty information"),
    (STAFF, "Staff"),
    (CHANNEL, "Channel configuration"),
    (TAX, "Tax"),
    (REGISTERS, "Registers"),
    (GLOBAL, "Global configuration"),
    (ALL_JOBS, "All jobs"),
];

/// The job that runs all others.
pub const ALL_JOBS: u32 = 9999;

/// Jobs whose waiting changes a job's package must bring too. A price comes with its product as it is today, whose code may have been
/// another's; a product needs the taxes it names.
pub(super) fn brought_along(job: u32) -> &'static [u32] {
    match job {
        PRICES => &[PRODUCTS, TAX],
        PRODUCTS => &[TAX],
        _ => &[],
    }
}

/// The job that carries registers and their devices.
pub const REGISTERS_JOB: u32 = REGISTERS;

impl Kind {
    /// The kind of a name; some may be shortened.
    pub fn named(name: &str) -> Option<&'static Self> {
        let known = |wanted: &str| KINDS.iter().find(|kind| kind.name == wanted);
        known(name).or_else(|| match name {
            "layout" => known("screen-layout"),
            "giftcard" => known("gift-card"),
            "tax" => known("tax-group"),
            "group" => known("permission-group"),
            "method" => known("payment-method"),
            "profile" => known("offline-profile"),
            _ => None,
        })
    }

    /// The kind whose file this is, such as `products.csv`.
    pub fn of_file(stem: &str) -> Option<&'static Self> {
        let singular = match stem {
            "staff" => "staff",
            other => other.strip_suffix('s').unwrap_or(other),
        };
        Self::named(&singular.replace('_', "-"))
    }

    /// A field by its name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The fields that make its key.
    pub fn key_fields(&self) -> &'static [Field] {
        match self.key {
            Key::One => &self.fields[..1],
            Key::Several { fields, .. } => &self.fields[..fields],
        }
    }

    /// A record's key.
    pub fn key_of(&self, content: &Content) -> String {
        let part = |field: &Field| field.of.text(content.get(field.name).unwrap_or(&Value::Null));
        match self.key {
            Key::One => part(&self.fields[0]),
            Key::Several { fields, between } => {
                let parts: Vec<String> = self.fields[..fields].iter().map(part).collect();
                parts.join(&between.to_string())
            }
        }
    }

    /// The fields a key as typed says.
    pub fn fields_of_key<'k>(&self, key: &'k str) -> Vec<(&'static str, &'k str)> {
        match self.key {
            Key::One => vec![(self.fields[0].name, key)],
            Key::Several { fields, between } => {
                let mut parts: Vec<&str> = key.rsplitn(fields, between).collect();
                parts.reverse();
                self.fields.iter().map(|field| field.name).zip(parts).collect()
            }
        }
    }

    /// What it is also found by; empty when it says nothing.
    pub(super) fn lookup_of(&self, content: &Content) -> String {
        let value = self.found_by.and_then(|field| content.get(field)).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    }

    /// Content from what each field says in words, over what it said before; every fault at once. An empty text takes a field back to
    /// what it says by itself.
    pub fn read<'t>(&self, before: Content, said: impl IntoIterator<Item = (&'t str, &'t str)>) -> Result<Content, Vec<FieldError>> {
        let mut content = before;
        let mut faults = Vec::new();
        let mut fault = |field: &str, why: String| faults.push(FieldError { field: field.to_owned(), why });
        for (name, text) in said {
            let Some(field) = self.field(name) else {
                fault(name, self.unknown(name));
                continue;
            };
            if text.is_empty() {
                content.remove(name);
                continue;
            }
            match field.of.read(text) {
                Ok(value) => _ = content.insert(name.to_owned(), value),
                Err(why) => fault(name, why),
            }
        }
        for field in self.fields {
            match field.presence {
                _ if content.contains_key(field.name) => {}
                Presence::Required if faults_of(&faults, field.name) => {}
                Presence::Required => {
                    faults.push(FieldError { field: field.name.to_owned(), why: "is empty, expected a value".to_owned() });
                }
                Presence::Optional => {}
                Presence::Default(text) => {
                    let value = field.of.read(text).expect("the table's own values are tested");
                    content.insert(field.name.to_owned(), value);
                }
            }
        }
        if let Key::Several { fields, between } = self.key {
            // The last part may be anything that is read; one before it must not seem to end early.
            for field in &self.fields[..fields] {
                let text = field.of.text(content.get(field.name).unwrap_or(&Value::Null));
                if between == '|' && text.contains(between) {
                    faults.push(FieldError { field: field.name.to_owned(), why: format!("{text:?} holds {between:?}, which parts keys") });
                }
            }
        }
        if faults.is_empty() { Ok(content) } else { Err(faults) }
    }

    fn unknown(&self, name: &str) -> String {
        let nearest = self.fields.iter().max_by(|a, b| {
            let likeness = |field: &Field| strsim::jaro_winkler(name, field.name);
            likeness(a).total_cmp(&likeness(b))
        });
        if let Some(field) = nearest.filter(|field| strsim::jaro_winkler(name, field.name) > 0.8) {
            return format!("is no field of a {}, did you mean {}?", self.name, field.name);
        }
        format!("is no field of a {}", self.name)
    }
}

fn faults_of(faults: &[FieldError], name: &str) -> bool {
    faults.iter().any(|fault| fault.field == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_is_sound() {
        let names: BTreeSet<&str> = KINDS.iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), KINDS.len(), "names are unique");
        for (place, kind) in KINDS.iter().enumerate() {
            assert!(kind.job.is_none_or(|job| JOBS.iter().any(|(known, _)| *known == job)), "{}: a known job", kind.name);
            assert!(kind.found_by.is_none_or(|field| kind.field(field).is_some()), "{}: found by a field", kind.name);
            for field in kind.fields {
                if let Presence::Default(text) = field.presence {
                    let value = field.of.read(text);
                    assert!(value.is_ok(), "{}.{}: {value:?}", kind.name, field.name);
                }
                if let Type::OneOf(other) = field.of {
                    assert!(KINDS[..place].iter().any(|kind| kind.name == other), "{}.{}: {other} comes first", kind.name, field.name);
                }
            }
        }
        let offline = Kind::named("offline-profile").unwrap().read(Content::new(), [("id", "x")]).unwrap();
        let mut settings = Value::Object(offline);
        settings.as_object_mut().unwrap().remove("id");
        assert_eq!(serde_json::from_value::<crate::profile::OfflineProfile>(settings).unwrap(), crate::profile::OfflineProfile::default());
    }

    #[test]
    fn every_fault_of_a_record_is_named_with_its_field_and_what_was_expected() {
        let product = Kind::named("product").unwrap();
        let faults = product.read(Content::new(), [("product_id", "1"), ("unit_price", "1,5"), ("weihed", "yes"), ("min_age", "200")]);
        let faults: Vec<String> = faults.unwrap_err().iter().map(FieldError::to_string).collect();
        assert_eq!(
            faults,
            [
                "unit_price: \"1,5\" is no number, expected digits and a point, such as 12.50",
                "weihed: is no field of a product, did you mean weighed?",
                "min_age: \"200\" is out of range, expected 0 to 120",
                "name: is empty, expected a value",
            ]
        );
    }

    #[test]
    fn what_is_read_is_shown_and_read_again_the_same() {
        for (kind, said) in [
            ("register", vec![("store", "34-3"), ("number", "2"), ("support_offline", "yes"), ("lock_after_s", "0")]),
            ("price", vec![("product_id", "7"), ("from", "2026-11-01"), ("unit_price", "0.89")]),
            ("staff", vec![("number", "000160"), ("name", "Cashier 1"), ("group", "cashier"), ("stores", "343,344")]),
            ("store", vec![("number", "1"), ("name", "A"), ("receipt_header", "One|Two"), ("denominations", "1|5.50")]),
            ("schedule", vec![("job", "1040"), ("daily_at", "02:30")]),
        ] {
            let kind = Kind::named(kind).unwrap();
            let content = kind.read(Content::new(), said).unwrap();
            let shown: Vec<(&str, String)> =
                kind.fields.iter().map(|field| (field.name, field.of.text(content.get(field.name).unwrap_or(&Value::Null)))).collect();
            let again = kind.read(Content::new(), shown.iter().map(|(name, text)| (*name, text.as_str()))).unwrap();
            assert_eq!(content, again);
            let key = kind.key_of(&content);
            let from_key = kind.read(content.clone(), kind.fields_of_key(&key)).unwrap();
            assert_eq!(content, from_key, "{key}");
        }
        let register = Kind::named("register").unwrap();
        assert_eq!(register.fields_of_key("34-3-2"), [("store", "34-3"), ("number", "2")]);
    }
}
