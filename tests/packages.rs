//! Packages from headquarters' key to a database in use: what is lost, repeated, cut or changed on the way, what is killed in the middle,
//! and that a delta makes what a full file makes.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[path = "packages/chain.rs"]
mod chain;
#[path = "packages/delta.rs"]
mod delta;
#[path = "packages/use.rs"]
mod in_use;
#[path = "packages/kill.rs"]
mod kill;
#[path = "packages/road.rs"]
mod road;
