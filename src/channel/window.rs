//! The part of all that is found which a page shows, when what is found comes in several pieces, one after the other.

use super::{Page, ProductSearch};
use crate::retail::product::Product;

/// A page that is being filled.
pub(in crate::channel) struct Window {
    skip: i64,
    limit: i64,
    products: Vec<Product>,
}

impl Window {
    pub(in crate::channel) fn new(search: &ProductSearch) -> Self {
        Self { skip: search.offset.into(), limit: search.limit.into(), products: Vec::new() }
    }

    /// Takes what fits of the next `count` products, which `read` gets by limit and offset; one more than the page has tells whether there are more.
    pub(in crate::channel) fn take<E>(&mut self, count: i64, read: impl FnOnce(i64, i64) -> Result<Vec<Product>, E>) -> Result<(), E> {
        let room = self.limit + 1 - self.found();
        let skipped = self.skip.min(count);
        if room > 0 && skipped < count {
            self.products.append(&mut read(room, skipped)?);
        }
        self.skip -= skipped;
        Ok(())
    }

    /// Counting further than this changes nothing.
    pub(in crate::channel) fn reach(&self) -> i64 {
        self.skip + self.limit + 1
    }

    fn found(&self) -> i64 {
        i64::try_from(self.products.len()).expect("a page is short")
    }

    pub(in crate::channel) fn page(mut self) -> Page {
        let more = self.found() > self.limit;
        if more {
            self.products.pop();
        }
        Page { products: self.products, more }
    }
}
