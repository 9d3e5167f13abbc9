//! Power cuts, full disks and I/O errors at every step of what must not be lost, visited one after another on a simulated disk; and that
//! the bench finds the losses of a disk that lies.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]
#![expect(clippy::print_stderr, reason = "how many points were visited is what the run is for")]

#[path = "power/bench.rs"]
mod bench;
#[path = "power/channel.rs"]
mod channel;
#[path = "power/controls.rs"]
mod controls;
#[path = "power/disk.rs"]
mod disk;
#[path = "support/fixture.rs"]
#[expect(dead_code, reason = "each test program uses a part of it")]
mod fixture;
#[path = "power/headquarters.rs"]
mod headquarters;
#[path = "power/journal.rs"]
mod journal;
#[path = "power/master_data.rs"]
mod master_data;
