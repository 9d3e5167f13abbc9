//! What was done to a file since its last sync: enough to take it back, and to do some of it again.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;

/// Bytes that a disk writes whole or not at all.
const SECTOR: u64 = 512;

/// The file below, as `SQLite` has it open; failures are its codes.
pub(super) trait Below {
    fn size(&mut self) -> Result<u64, i32>;
    fn read(&mut self, buffer: &mut [u8], offset: u64) -> Result<(), i32>;
    fn write(&mut self, data: &[u8], offset: u64) -> Result<(), i32>;
    fn truncate(&mut self, size: u64) -> Result<(), i32>;
}

/// Changes in their order. Its room is used again after each sync.
#[derive(Default)]
pub(super) struct Log {
    changes: Vec<Change>,
    /// What stood where, before.
    before: Vec<u8>,
}

struct Change {
    offset: u64,
    kind: Kind,
    /// In `before`, from `offset` on.
    before: Range<usize>,
    size_before: u64,
}

#[derive(Clone, Copy)]
enum Kind {
    /// So many bytes.
    Write(u64),
    Truncation,
}

/// What a cut leaves of a change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Left {
    Nothing,
    All,
    /// The sectors whose bits are set, repeated for long writes.
    Sectors(u64),
}

impl Log {
    pub(super) fn len(&self) -> usize {
        self.changes.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.changes.clear();
        self.before.clear();
    }

    /// Writes, and remembers what stood there.
    pub(super) fn write(&mut self, below: &mut impl Below, data: &[u8], offset: u64) -> Result<(), i32> {
        let (size, length) = (below.size()?, data.len() as u64);
        self.remember(below, offset, (offset + length).min(size), size, Kind::Write(length))?;
        below.write(data, offset)
    }

    /// Truncates, and remembers what stood behind the new end.
    pub(super) fn truncate(&mut self, below: &mut impl Below, to: u64) -> Result<(), i32> {
        let size = below.size()?;
        self.remember(below, to, size, size, Kind::Truncation)?;
        below.truncate(to)
    }

    fn remember(&mut self, below: &mut impl Below, offset: u64, end: u64, size_before: u64, kind: Kind) -> Result<(), i32> {
        let start = self.before.len();
        let length = usize::try_from(end.saturating_sub(offset)).unwrap_or(usize::MAX);
        self.before.resize(start + length, 0);
        if length > 0 {
            below.read(&mut self.before[start..], offset)?;
        }
        self.changes.push(Change { offset, kind, before: start..start + length, size_before });
        Ok(())
    }

    /// Takes all changes back, and does those again of which `left` leaves something. Returns how many of them were lost at least in part.
    pub(super) fn cut(&self, file: &mut File, mut left: impl FnMut(usize) -> Left) -> io::Result<u64> {
        let mut again = Vec::new();
        for (number, change) in self.changes.iter().enumerate().rev() {
            let left = left(number);
            if left != Left::Nothing {
                again.push((change, left, change.after(file)?));
            }
            change.undo(file, &self.before)?;
        }
        for (change, left, after) in again.iter().rev() {
            change.redo(file, *left, after)?;
        }
        let survived = again.iter().filter(|(_, left, _)| *left == Left::All).count();
        Ok((self.changes.len() - survived) as u64)
    }
}

impl Change {
    /// What it wrote; all that came after it has been taken back.
    fn after(&self, file: &mut File) -> io::Result<Vec<u8>> {
        let Kind::Write(length) = self.kind else { return Ok(Vec::new()) };
        let mut after = Vec::new();
        file.seek(SeekFrom::Start(self.offset))?;
        Read::by_ref(file).take(length).read_to_end(&mut after)?;
        Ok(after)
    }

    fn undo(&self, file: &mut File, before: &[u8]) -> io::Result<()> {
        file.seek(SeekFrom::Start(self.offset))?;
        file.write_all(&before[self.before.clone()])?;
        file.set_len(self.size_before)
    }

    fn redo(&self, file: &mut File, left: Left, after: &[u8]) -> io::Result<()> {
        if matches!(self.kind, Kind::Truncation) {
            return file.set_len(self.offset);
        }
        let mut at = self.offset;
        let mut rest = after;
        while !rest.is_empty() {
            let length = usize::try_from(SECTOR - at % SECTOR).unwrap_or(usize::MAX).min(rest.len());
            let is_left = match left {
                Left::Nothing => false,
                Left::All => true,
                Left::Sectors(bits) => bits >> (at / SECTOR % 64) & 1 == 1,
            };
            if is_left {
                file.seek(SeekFrom::Start(at))?;
                file.write_all(&rest[..length])?;
            }
            at += length as u64;
            rest = &rest[length..];
        }
        Ok(())
    }
}
