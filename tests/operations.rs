//! Every operation as the cashier meets it: a scripted desk at a real till over a real journal and real channel databases.
//!
//! A test is a table: what the cashier does, and what he sees then (`operations/script.rs` and `operations/picture.rs` have the words).

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[path = "operations/books.rs"]
mod books;
#[path = "operations/goods.rs"]
mod goods;
#[path = "operations/picture.rs"]
mod picture;
#[path = "operations/road.rs"]
mod road;
#[path = "operations/script.rs"]
mod script;
#[path = "operations/shop.rs"]
mod shop;

#[path = "operations/configuration.rs"]
mod configuration;
#[path = "operations/connection.rs"]
mod connection;
#[path = "operations/device.rs"]
mod device;
#[path = "operations/discount.rs"]
mod discount;
#[path = "operations/durable.rs"]
mod durable;
#[path = "operations/fiscal.rs"]
mod fiscal;
#[path = "operations/lines.rs"]
mod lines;
#[path = "operations/lockout.rs"]
mod lockout;
#[path = "operations/money.rs"]
mod money;
#[path = "operations/order.rs"]
mod order;
#[path = "operations/payment.rs"]
mod payment;
#[path = "operations/permission.rs"]
mod permission;
#[path = "operations/properties.rs"]
mod properties;
#[path = "operations/sale.rs"]
mod sale;
#[path = "operations/search.rs"]
mod search;
#[path = "operations/session.rs"]
mod session;
#[path = "operations/window.rs"]
mod window;
