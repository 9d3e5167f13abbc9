//! Demos: tapes that script a session, played on a terminal or without one, recorded, photographed and checked.

pub mod cast;
mod facts;
mod player;
mod rig;
pub mod screenshot;
pub mod tape;

use std::path::PathBuf;

use crate::profile::text_of;

pub use facts::NAMES as ASSERT_NAMES;
pub use player::{PlayError, Player, Settings};

/// The tapes that are built in: name and text.
pub const TAPES: &[(&str, &str)] = &[
    ("plain-sale", include_str!("../assets/demo/plain-sale.tape")),
    ("outage", include_str!("../assets/demo/outage.tape")),
    ("new-price", include_str!("../assets/demo/new-price.tape")),
    ("headquarters-away", include_str!("../assets/demo/headquarters-away.tape")),
    ("activation", include_str!("../assets/demo/activation.tape")),
    ("lockout", include_str!("../assets/demo/lockout.tape")),
    ("by-hand", include_str!("../assets/demo/by-hand.tape")),
    ("power-cut", include_str!("../assets/demo/power-cut.tape")),
    ("hung-server", include_str!("../assets/demo/hung-server.tape")),
    ("busy-morning", include_str!("../assets/demo/busy-morning.tape")),
];

/// A tape by its built-in name or its file, with the folder its `Source` lines are looked up in.
pub fn find(name: &str) -> std::io::Result<(String, PathBuf)> {
    if let Some((_, text)) = TAPES.iter().find(|(known, _)| *known == name) {
        return Ok(((*text).to_owned(), PathBuf::from(".")));
    }
    let path = PathBuf::from(name);
    let folder = path.parent().map_or_else(|| PathBuf::from("."), std::path::Path::to_owned);
    Ok((read_bounded(&path)?, folder))
}

/// More than a tape may have, so that one that is too large is told so.
const TAPE_BYTES_MAX: u64 = 2 * 1024 * 1024;

/// A tape's text. Of what is no text the error is of invalid data, and tells line and column.
pub fn read_bounded(path: &std::path::Path) -> std::io::Result<String> {
    use std::io::{Error, ErrorKind, Read};
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(TAPE_BYTES_MAX).read_to_end(&mut bytes)?;
    text_of(bytes).map_err(|problem| Error::new(ErrorKind::InvalidData, problem))
}
