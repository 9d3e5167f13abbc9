//! Product line operations: 100 Product sale, 101 Price check, 102 Void product, 104 Price override, 105 Set quantity, 106 Clear quantity,
//! 108 Product search.

use std::sync::Arc;

use rust_decimal::{Decimal, RoundingStrategy};

use super::super::stop::Stop;
use super::super::{InHand, Till};
use super::{connection, discount};
use crate::channel::{Page as FoundPage, ProductSearch};
use crate::connection::Source;
use crate::desk::{Answer, ConfirmPrompt, Desk, NumberPrompt, Page, Prompt, SearchPrompt, Selection};
use crate::ids::TaxGroupId;
use crate::money::{Money, NumberError, Quantity};
use crate::retail::barcode::{self, BarcodeError, Code, Elements, EmbeddedValue, Scanned, WeightUnit};
use crate::retail::product::{Found, Product};
use crate::retail::sale::{Line, NewLine, Sale, SaleError};
use crate::retail::staff::Permission;
use crate::retail::transaction::Event;

/// How many products a search shows at once.
const SEARCH_PAGE: u32 = 50;

/// What a label says beyond which product it is.
#[derive(Clone, Copy, Default)]
struct Label {
    /// A multi-pack's, or a scale label's.
    quantity: Option<Quantity>,
    /// The price of the whole bag, which stays as printed.
    price: Option<Money>,
}

/// The entry line: a code, `3*code`, or `3*` for the product that comes next.
pub(in crate::till) fn enter(till: &mut Till, desk: &mut dyn Desk, text: &str) -> Result<(), Stop> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(());
    }
    let Some((count, code)) = text.split_once(['*', '×']) else {
        let quantity = till.pending_quantity;
        return sell_code(till, desk, text, quantity);
    };
    let again = "type it again, such as 3*4011";
    let quantity = match Quantity::parse(count.trim()) {
        Ok(quantity) => within_the_stores_maximum(till, quantity)?,
        Err(NumberError::TooLarge { .. }) => return Err(too_many(till)),
        Err(error) => return Err(Stop::refused(format!("the quantity {error}"), again)),
    };
    if quantity.get() <= Decimal::ZERO {
        return Err(Stop::refused("a quantity must be above zero", again));
    }
    if code.trim().is_empty() {
        till.pending_quantity = Some(quantity);
        return Ok(());
    }
    sell_code(till, desk, code.trim(), Some(quantity))
}

/// 100: the button's parameter is a code.
pub(super) fn sale(till: &mut Till, desk: &mut dyn Desk, parameter: Option<&str>) -> Result<(), Stop> {
    match parameter {
        Some(code) => enter(till, desk, code),
        None => Err(Stop::refused("no product was given", "scan it, or type its code and press Enter")),
    }
}

/// 101
pub(super) fn price_check(till: &mut Till, desk: &mut dyn Desk, _: Option<&str>) -> Result<(), Stop> {
    let product = choose(till, desk, "Price check", "shows its price")?;
    till.note(Event::PriceCheck { product: product.id.0.clone() })?;
    let taxes: Vec<String> = till.store.taxes(&product.tax_group).iter().map(|tax| tax.name.clone()).collect();
    let with_tax = NewLine {
        barcode: product.barcode.clone(),
        quantity: Quantity::ONE,
        price: product.price,
        price_embedded: false,
        product: product.clone(),
    };
    let mut sample = Sale::begin(
        till.keys.next(till.clock.now()),
        till.register.clone(),
        till.stamp()?.shift,
        till.stamp()?.operator,
        till.clock.now(),
        &till.store,
    );
    sample.add(with_tax, &till.store)?;
    let row = |name: &str, value: String| (name.to_owned(), value);
    let mut rows = vec![
        row("Product", product.name.clone()),
        row("Number", product.id.to_string()),
        row("Bar code", product.barcode.clone()),
        row("Price", product.price.plain()),
        row("Sold by", product.unit.clone()),
        row("With tax", sample.totals().total.plain()),
        row("Tax", if taxes.is_empty() { "none".to_owned() } else { taxes.join(", ") }),
        row("Department", product.department.clone()),
    ];
    if let Some(stock) = product.stock {
        rows.push(row("In stock", format!("{} when the data were made", stock.normalize())));
    }
    if product.rules.blocked {
        rows.push(row("", "not for sale".to_owned()));
    }
    if till.sources.source() == Source::Offline {
        let made_at = till.offline_database.status().made_at;
        rows.push(row("Prices", made_at.map_or_else(|| "as of the last download".to_owned(), |at| connection::prices_as_of(till, at))));
    }
    let page = Page { title: "Price check".to_owned(), rows, action: Some("Sell it".to_owned()) };
    if till.ask(desk, Prompt::Page(page))? == Answer::Yes {
        let quantity = till.pending_quantity;
        let code = product.barcode.clone();
        return sell(till, desk, product, code, Label::default(), quantity);
    }
    Ok(())
}

/// 102
pub(super) fn void(till: &mut Till, _: &mut dyn Desk, _: Option<&str>) -> Result<(), Stop> {
    let number = till.selected_line()?.number;
    till.change_sale(|sale, _| sale.toggle_void(number))
}

/// 104
pub(super) fn override_price(till: &mut Till, desk: &mut dyn Desk, _: Option<&str>) -> Result<(), Stop> {
    let line = till.selected_line()?.clone();
    if line.price_embedded {
        return Err(Stop::refused("the price was printed on the product", "F4 voids the line"));
    }
    let prompt = NumberPrompt {
        title: "Change price".to_owned(),
        label: format!("New price in {}", till.store.currency),
        facts: vec![
            ("Article".to_owned(), line.name.clone()),
            ("Price".to_owned(), line.price.plain()),
            ("List price".to_owned(), line.list_price.plain()),
        ],
        suggestion: None,
        choices: Vec::new(),
        problem: None,
    };
    till.ask_number(desk, &prompt, |till, desk, text| {
        let price = read_price(till, text)?;
        let mut changed = till.sale()?.clone();
        changed.override_price(line.number, price)?;
        let permission = if price < line.price { Permission::LowerPrice } else { Permission::RaisePrice };
        if price != line.price {
            till.authorize(desk, permission, 104)?;
        }
        discount::authorize_line(till, desk, &line, changed.line(line.number)?, 104)?;
        till.keep(changed)
    })
}

/// 105
pub(super) fn set_quantity(till: &mut Till, desk: &mut dyn Desk, _: Option<&str>) -> Result<(), Stop> {
    let line = till.selected_line()?.clone();
    refuse_fixed_quantity(&line)?;
    let prompt = quantity_prompt("Set quantity", &line.name, &line.unit, Some(line.quantity));
    till.ask_number(desk, &prompt, |till, desk, text| {
        if text.parse().is_ok_and(|zero: Decimal| zero.is_zero()) {
            return Err(Stop::refused("a quantity of 0 is a void: Esc, then F4", ""));
        }
        let quantity = read_quantity(till, text, line.rules.weighed)?;
        change_quantity(till, desk, &line, quantity, 105)
    })
}

/// 106
pub(super) fn clear_quantity(till: &mut Till, desk: &mut dyn Desk, _: Option<&str>) -> Result<(), Stop> {
    let line = till.selected_line()?.clone();
    refuse_fixed_quantity(&line)?;
    if line.rules.weighed || line.rules.key_in_quantity {
        return Err(Stop::refused("this product's quantity must be weighed or typed", "F3 sets it"));
    }
    change_quantity(till, desk, &line, Quantity::ONE, 106)
}

/// 108
pub(super) fn search(till: &mut Till, desk: &mut dyn Desk, _: Option<&str>) -> Result<(), Stop> {
    let product = choose(till, desk, "Product search", "sells it")?;
    let quantity = till.pending_quantity;
    let code = product.barcode.clone();
    sell(till, desk, product, code, Label::default(), quantity)
}

/// Looks a code up and sells what it stands for.
fn sell_code(till: &mut Till, desk: &mut dyn Desk, text: &str, quantity: Option<Quantity>) -> Result<(), Stop> {
    let scanned = barcode::read(text, &till.barcode_patterns);
    // A case's label says how many pieces it holds.
    let count = match &scanned {
        Ok(Scanned::Elements(Elements { count: Some(count), .. })) => Some(Quantity::new((*count).into())?),
        Ok(Scanned::Elements(_) | Scanned::Product(_) | Scanned::Embedded { .. }) | Err(_) => None,
    };
    // A product's own number may look like a bar code, even one that was misread: what was typed is looked up first, as it stands.
    let (candidates, embedded) = match &scanned {
        Ok(Scanned::Product(code)) => (with_normal_forms(text, code), None),
        Ok(Scanned::Embedded { item, value, .. }) => (vec![item.clone()], Some(*value)),
        Ok(Scanned::Elements(elements)) => (elements.code.candidates(), value_of(elements)),
        Err(BarcodeError::WrongCheckDigit { code, .. }) => (vec![code.clone()], None),
        Err(error) => return Err(error.clone().into()),
    };
    let began = begin_if_none(till);
    let result = look_up(till, desk, candidates).and_then(|found| match (found, scanned) {
        (Some(found), _) => {
            let label = match embedded {
                Some(value) => read_label(&found.product, value, till)?,
                None => Label { quantity: count.filter(|_| !found.product.rules.weighed).or(found.quantity), price: None },
            };
            sell(till, desk, found.product, text.to_owned(), label, quantity)
        }
        (None, Err(error)) => Err(error.into()),
        (None, Ok(_)) => Err(Stop::refused(format!("{text} not found"), "F2 searches by name")),
    });
    end_if_none(till, began);
    result
}

fn with_normal_forms(text: &str, code: &Code) -> Vec<String> {
    let mut candidates = code.candidates();
    candidates.retain(|candidate| candidate != text);
    candidates.insert(0, text.to_owned());
    candidates
}

/// A price in the store's own currency, else a weight.
fn value_of(elements: &Elements) -> Option<EmbeddedValue> {
    let price = elements.price.filter(|price| price.currency.is_none()).map(|price| EmbeddedValue::Price(price.amount));
    price.or(elements.weight.map(EmbeddedValue::Weight))
}

/// The way back online is tried before a sale's first product is looked up.
fn begin_if_none(till: &mut Till) -> bool {
    let begins = till.in_hand.is_none();
    if begins {
        till.sources.begin_transaction();
    }
    begins
}

fn end_if_none(till: &mut Till, began: bool) {
    if began && till.in_hand.is_none() {
        till.sources.end_transaction();
    }
}

fn look_up(till: &mut Till, desk: &mut dyn Desk, candidates: Vec<String>) -> Result<Option<Found>, Stop> {
    for code in candidates {
        if let Some(found) = till.ask_source(desk, move |channel| channel.product_by_barcode(&code))? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// What a label adds: a weight in the product's unit, or a price that is kept and a quantity derived from it.
fn read_label(product: &Product, value: EmbeddedValue, till: &Till) -> Result<Label, Stop> {
    match value {
        EmbeddedValue::Weight(_) if !product.rules.weighed => {
            Err(Stop::refused(format!("{} is not sold by weight", product.name), "type the number of its price tag"))
        }
        EmbeddedValue::Weight(weight) => {
            if weight.amount.is_zero() {
                return Err(Stop::refused("the label says a weight of 0", "weigh it again"));
            }
            let unit = WeightUnit::named(&product.unit).unwrap_or(weight.unit);
            Ok(Label { quantity: Some(Quantity::new(weight.amount_in(unit))?), price: None })
        }
        EmbeddedValue::Price(price) => Ok(Label { quantity: None, price: Some(Money::new(price, till.store.currency)) }),
    }
}

/// Sells a product: asks only what the product demands, then writes the line.
fn sell(
    till: &mut Till,
    desk: &mut dyn Desk,
    product: Product,
    barcode: String,
    label: Label,
    multiple: Option<Quantity>,
) -> Result<(), Stop> {
    if product.rules.blocked {
        return Err(Stop::refused(format!("{} is blocked and cannot be sold", product.name), "put it aside"));
    }
    check_taxes(till, &product)?;
    let is_packed = label.quantity.is_some() || label.price.is_some();
    if multiple.is_some_and(|multiple| !multiple.is_whole()) && (is_packed || !product.rules.weighed) {
        let packed = if is_packed { "a packed " } else { "" };
        return Err(Stop::refused(format!("{packed}{} is not sold in parts", product.name), "type a whole quantity"));
    }
    let age_checked = check_age(till, desk, &product)?;
    let (price, quantity) = match label.price {
        Some(bag) => price_of_bag(till, bag, &product, multiple)?,
        None => (unit_price(till, desk, &product)?, quantity(till, desk, &product, label.quantity, multiple)?),
    };
    let began = begin_if_none(till);
    let line = NewLine { product, barcode, quantity, price, price_embedded: label.price.is_some() };
    let written = write_line(till, line);
    end_if_none(till, began);
    till.selected = Some(Selection::Line(written?));
    if let Some(in_hand) = &mut till.in_hand {
        in_hand.age_checked = in_hand.age_checked.max(age_checked);
    }
    till.pending_quantity = None;
    till.change_due = None;
    Ok(())
}

/// Writes a line on the sale in hand, or on a new one; returns its number.
fn write_line(till: &mut Till, line: NewLine) -> Result<u32, Stop> {
    let mut sale = match &till.in_hand {
        Some(in_hand) => Sale::clone(&in_hand.sale),
        None => new_sale(till)?,
    };
    let number = sale.add(line, &till.store)?;
    till.keep(sale)?;
    Ok(number)
}

fn new_sale(till: &mut Till) -> Result<Sale, Stop> {
    let stamp = till.stamp()?;
    Ok(Sale::begin(till.keys.next(stamp.at), till.register.clone(), stamp.shift, stamp.operator, stamp.at, &till.store))
}

/// Asks once a sale whether the buyer is old enough; returns the age he has been found to have.
fn check_age(till: &mut Till, desk: &mut dyn Desk, product: &Product) -> Result<u8, Stop> {
    let Some(age) = product.rules.min_age else { return Ok(0) };
    if till.in_hand.as_ref().is_some_and(|InHand { age_checked, .. }| *age_checked >= age) {
        return Ok(age);
    }
    till.confirm(
        desk,
        &ConfirmPrompt {
            title: "Age check".to_owned(),
            question: format!("{} may be sold only to buyers of {age} years or older. Is the buyer old enough?", product.name),
            yes: format!("{age} or older"),
            no: "do not sell".to_owned(),
        },
    )?;
    Ok(age)
}

/// Keeps the price of the bag and derives the quantity from the unit price, so finely that the amount comes out again.
fn price_of_bag(till: &Till, bag: Money, product: &Product, multiple: Option<Quantity>) -> Result<(Money, Quantity), Stop> {
    check_price(till, bag, product)?;
    let count = multiple.unwrap_or(Quantity::ONE);
    if !product.rules.weighed || product.price.is_zero() {
        return Ok((bag, count));
    }
    let quantity = (bag.amount() * count.get() / product.price.amount())
        .round_dp_with_strategy(Quantity::MAX_DECIMALS, RoundingStrategy::MidpointAwayFromZero);
    Ok((product.price, Quantity::new(quantity)?))
}

/// The product's price, keyed when the product demands it.
fn unit_price(till: &mut Till, desk: &mut dyn Desk, product: &Product) -> Result<Money, Stop> {
    if !product.rules.key_in_price {
        check_price(till, product.price, product)?;
        return Ok(product.price);
    }
    let prompt = NumberPrompt {
        title: "Price".to_owned(),
        label: format!("Price in {}", till.store.currency),
        facts: vec![("Article".to_owned(), product.name.clone()), ("Sold by".to_owned(), product.unit.clone())],
        suggestion: product.price.is_positive().then(|| product.price.plain()),
        choices: Vec::new(),
        problem: None,
    };
    till.ask_number(desk, &prompt, |till, _, text| {
        let price = read_price(till, text)?;
        check_price(till, price, product)?;
        Ok(price)
    })
}

/// How much of it: what the label or the entry line says, or what is asked when the product demands it.
fn quantity(
    till: &mut Till,
    desk: &mut dyn Desk,
    product: &Product,
    labelled: Option<Quantity>,
    multiple: Option<Quantity>,
) -> Result<Quantity, Stop> {
    match (labelled, multiple) {
        (Some(quantity), None) | (None, Some(quantity)) => Ok(quantity),
        (Some(labelled), Some(multiple)) => Ok(Quantity::new(labelled.get() * multiple.get())?),
        (None, None) if product.rules.weighed || product.rules.key_in_quantity => {
            let prompt = quantity_prompt(if product.rules.weighed { "Weight" } else { "Quantity" }, &product.name, &product.unit, None);
            till.ask_number(desk, &prompt, |till, _, text| {
                let quantity = read_quantity(till, text, product.rules.weighed)?;
                within_the_stores_maximum(till, quantity)
            })
        }
        (None, None) => Ok(Quantity::ONE),
    }
}

/// Lets the cashier find a product as he types.
fn choose(till: &mut Till, desk: &mut dyn Desk, title: &str, action: &str) -> Result<Product, Stop> {
    let mut text = String::new();
    let mut found = FoundPage::default();
    let mut problem = None;
    loop {
        let products = Arc::new(std::mem::take(&mut found.products));
        let prompt = SearchPrompt {
            title: title.to_owned(),
            action: action.to_owned(),
            text: text.clone(),
            products: Arc::clone(&products),
            more: found.more,
            problem: problem.take(),
        };
        let answer = till.ask(desk, Prompt::Search(prompt))?;
        let picked = match answer {
            Answer::Pick(id) => products.iter().find(|product| product.id == id).cloned(),
            Answer::SearchText(typed) => {
                text = typed.chars().take(ProductSearch::MAX_TEXT).collect();
                None
            }
            Answer::Entry(_)
            | Answer::Operation { .. }
            | Answer::Select(_)
            | Answer::Credentials { .. }
            | Answer::Number(_)
            | Answer::Yes
            | Answer::Cancel => None,
        };
        if let Some(product) = picked {
            return Ok(product);
        }
        if text.trim().is_empty() {
            continue;
        }
        let search = ProductSearch { text: text.clone(), offset: 0, limit: SEARCH_PAGE };
        match till.ask_source(desk, move |channel| channel.search_products(&search)) {
            Ok(page) => found = page,
            Err(stop) => problem = Some(stop.into_problem()?),
        }
        if found.products.is_empty() && problem.is_none() {
            problem = Some("nothing fits; try fewer letters".to_owned());
        }
    }
}

fn change_quantity(till: &mut Till, desk: &mut dyn Desk, line: &Line, quantity: Quantity, operation: u16) -> Result<(), Stop> {
    let store = till.store.clone();
    let mut changed = till.sale()?.clone();
    changed.set_quantity(line.number, quantity, &store)?;
    discount::authorize_line(till, desk, line, changed.line(line.number)?, operation)?;
    if quantity < line.quantity {
        // First, as a quantity that was lowered unseen is worse than an event without its change.
        let event =
            Event::QuantityLowered { sale: changed.id, line: line.number, from: line.quantity.to_string(), to: quantity.to_string() };
        till.note(event)?;
    }
    till.keep(changed)
}

fn refuse_fixed_quantity(line: &Line) -> Result<(), Stop> {
    if line.price_embedded {
        Err(Stop::refused("the quantity follows from the price printed on the product", "F4 voids the line"))
    } else {
        Ok(())
    }
}

fn quantity_prompt(title: &str, name: &str, unit: &str, now: Option<Quantity>) -> NumberPrompt {
    let mut facts = vec![("Article".to_owned(), name.to_owned())];
    facts.extend(now.map(|quantity| ("Quantity".to_owned(), format!("{quantity} {unit}"))));
    NumberPrompt {
        title: title.to_owned(),
        label: format!("Quantity in {unit}"),
        facts,
        suggestion: None,
        choices: Vec::new(),
        problem: None,
    }
}

fn read_quantity(till: &Till, text: &str, weighed: bool) -> Result<Quantity, Stop> {
    let quantity = Quantity::parse(text).map_err(|error| match error {
        NumberError::TooLarge { .. } => too_many(till),
        NumberError::NotANumber | NumberError::TooManyDecimals { .. } | NumberError::NotACurrency => {
            Stop::refused(format!("the quantity {error}"), "")
        }
    })?;
    if quantity.get() < Decimal::ZERO {
        return Err(Stop::refused("a quantity must be above zero; this is not the way to return goods", ""));
    }
    if quantity.get().is_zero() {
        return Err(SaleError::InvalidQuantity.into());
    }
    if !weighed && !quantity.is_whole() {
        return Err(Stop::refused("this product is sold by the piece; type a whole number", ""));
    }
    Ok(quantity)
}

fn within_the_stores_maximum(till: &Till, quantity: Quantity) -> Result<Quantity, Stop> {
    if quantity > till.store.functionality.maximum_quantity { Err(too_many(till)) } else { Ok(quantity) }
}

fn too_many(till: &Till) -> Stop {
    SaleError::QuantityExceeded { maximum: till.store.functionality.maximum_quantity }.into()
}

fn read_price(till: &Till, text: &str) -> Result<Money, Stop> {
    let maximum = till.store.maximum_price();
    let too_much = || Stop::refused(format!("a price may be {} at most", maximum.plain()), "");
    let price = Money::parse(text, till.store.currency).map_err(|error| match error {
        NumberError::TooLarge { .. } => too_much(),
        NumberError::NotANumber | NumberError::TooManyDecimals { .. } | NumberError::NotACurrency => {
            Stop::refused(format!("the price {error}"), "")
        }
    })?;
    if price > maximum {
        return Err(too_much());
    }
    if price.is_negative() { Err(SaleError::InvalidPrice.into()) } else { Ok(price) }
}

/// A tax group that is not known here is no reason to sell without tax: its taxes are on their way, or forgotten.
fn check_taxes(till: &mut Till, product: &Product) -> Result<(), Stop> {
    let TaxGroupId(group) = &product.tax_group;
    if group.is_empty() || till.store.tax_groups.iter().any(|known| known.id == product.tax_group) {
        return Ok(());
    }
    till.offline_database.fetch();
    let text = format!("{} has the tax group {group}, which this register does not know", product.name);
    Err(Stop::refused(text, "put it aside and try it at the next sale; headquarters' job 1080 brings taxes"))
}

/// A price that is nothing, or beyond what the store sells at, is a mistake in the master data or on the label.
fn check_price(till: &Till, price: Money, product: &Product) -> Result<(), Stop> {
    if price.is_zero() && !product.rules.zero_price_valid {
        return Err(Stop::refused(format!("{} has no price", product.name), "ask for its price; F2 searches another product"));
    }
    let maximum = till.store.maximum_price();
    if price > maximum {
        return Err(Stop::refused(format!("{} costs more than {}", product.name, maximum.plain()), "ask for its price; put it aside"));
    }
    Ok(())
}
