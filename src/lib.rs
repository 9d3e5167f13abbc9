//! Evertill: a cashier's till for the terminal that never stops selling and never loses a sale.
//!
//! `ARCHITECTURE.md` has the bird's eye view; the modules stand here from the ground up.

pub mod clock;
pub mod ids;
pub mod money;
mod place;
pub mod private;
pub mod profile;
mod random;
mod round;
pub mod secret;
pub mod signature;
pub mod tls;
pub mod wire;

pub mod retail;

pub mod connection;
pub mod import;
pub mod master_data;
pub mod package;
pub mod pin;
pub mod sample_store;
pub mod view;

pub mod channel;
pub mod deadline;
pub mod desk;
pub mod device;
pub mod fiscal;
pub mod journal;
pub mod protocol;
pub mod realtime;
pub mod road;
mod server;
pub mod sync;
pub mod till;

pub mod chain;
pub mod headquarters;
pub mod register;
pub mod scale_unit;
pub mod ui;

pub mod demo;
pub mod replay;
pub mod simulation;

pub mod cli;
