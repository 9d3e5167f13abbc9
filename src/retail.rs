//! The rules of the shop, pure: no clock, no file, no socket. Whoever needs time or randomness is handed it.

pub mod barcode;
pub mod card;
pub mod gift_card;
pub mod lockout;
pub mod product;
pub mod receipt;
pub mod register;
pub mod sale;
pub mod staff;
pub mod store;
pub mod tax;
pub mod tender;
pub mod transaction;
