//! Random bytes for keys, tokens and salts: the system's. In a simulation, and nowhere else, they come from its seed, so that databases that
//! sort by them are laid out alike in every run of it.

use std::cell::Cell;

use crate::ids::splitmix64;

thread_local! {
    /// The state of the sequence that this thread draws from in place of the system's randomness.
    static SEQUENCE: Cell<Option<u64>> = const { Cell::new(None) };
}

/// New random bytes.
///
/// # Panics
///
/// Where the system has no randomness: there is nothing safe to go on with.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    match SEQUENCE.get() {
        None => getrandom::fill(&mut bytes).expect("the system has randomness"),
        Some(mut state) => {
            for chunk in bytes.chunks_mut(8) {
                chunk.copy_from_slice(&splitmix64(&mut state).to_le_bytes()[..chunk.len()]);
            }
            SEQUENCE.set(Some(state));
        }
    }
    bytes
}

/// Lets this thread draw from a seed until it is dropped.
#[must_use]
pub(crate) struct Seeded(());

impl Seeded {
    /// Begins the sequence of a seed.
    pub(crate) fn with(seed: u64) -> Self {
        SEQUENCE.set(Some(seed));
        Self(())
    }
}

impl Drop for Seeded {
    fn drop(&mut self) {
        SEQUENCE.set(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_bytes_on_its_thread_alone_until_it_is_dropped() {
        let draw = || [bytes::<32>(), bytes::<32>()];
        let seeded = Seeded::with(7);
        let first = draw();
        assert_ne!(first[0], first[1]);
        std::thread::scope(|scope| assert_ne!(scope.spawn(draw).join().unwrap(), first));
        drop(seeded);
        assert_ne!(draw(), first);
        let _seeded = Seeded::with(7);
        assert_eq!(draw(), first);
    }
}
