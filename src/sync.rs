//! Traffic beside the cashier's work: what is uploaded and downloaded in the background.

pub mod download;
pub mod upload;
