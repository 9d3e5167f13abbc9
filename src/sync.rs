//! Traffic with the scale unit beside the cashier's work: what is uploaded in the background.

pub mod upload;
