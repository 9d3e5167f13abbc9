//! The rules of the shop, pure: no clock, no file, no socket. Whoever needs time or randomness is handed it.

pub mod barcode;
pub mod product;
pub mod receipt;
pub mod sale;
pub mod staff;
pub mod store;
pub mod tax;
pub mod tender;
pub mod transaction;
