//! One round of a background thread: a panic in it is that round's failure, and the thread goes on with the next.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a round comes to, or how it panicked. What the round was at may be half done, as after a kill: each can be done again.
pub(crate) fn guarded<T>(round: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(round)).map_err(|panic| {
        let words = words(panic.as_ref());
        tracing::error!(words, "a round of the background work panicked; the next one goes on");
        format!("the program failed: {words}")
    })
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_the_round_s_failure() {
        assert_eq!(guarded(|| 7), Ok(7));
        assert_eq!(guarded(|| -> u32 { panic!("number {}", 7) }), Err("the program failed: number 7".to_owned()));
        assert_eq!(guarded(|| -> u32 { panic!("no") }), Err("the program failed: no".to_owned()));
    }
}
