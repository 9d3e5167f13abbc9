//! Connections to one file, kept open for reading: each read has one of its own.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rusqlite::Connection;

use super::lock;
use super::open::{self, Schema};
use crate::channel::{ChannelError, Result};

/// Connections kept open while nobody reads.
const IDLE_MAX: usize = 8;

pub(super) struct Readers {
    path: PathBuf,
    schema: Schema,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    /// Rises when another file takes the place; connections to the one before are not used again.
    generation: u64,
    connections: Vec<Connection>,
}

impl Readers {
    pub(super) fn new(path: &Path, schema: Schema) -> Self {
        Self { path: path.to_owned(), schema, idle: Mutex::default() }
    }

    /// Asks on a connection of its own.
    pub(super) fn read<T>(&self, ask: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let (generation, reader) = {
            let mut idle = lock(&self.idle);
            let reader = match idle.connections.pop() {
                Some(reader) => reader,
                None => open::for_reading(&self.path, self.schema).map_err(ChannelError::broken)?,
            };
            (idle.generation, reader)
        };
        let answer = ask(&reader).map_err(ChannelError::from);
        let mut idle = lock(&self.idle);
        if idle.generation == generation && idle.connections.len() < IDLE_MAX {
            idle.connections.push(reader);
        }
        answer
    }

    /// Puts another file in the place, which nobody opens meanwhile; who reads the old one reads it to the end.
    pub(super) fn exchange(&self, exchange: impl FnOnce() -> Result<()>) -> Result<()> {
        let mut idle = lock(&self.idle);
        exchange()?;
        idle.generation += 1;
        idle.connections.clear();
        Ok(())
    }
}
