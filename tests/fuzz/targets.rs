//! What reads bytes that anybody may have written, as functions of those bytes: each target reads them and asserts what must hold of the
//! outcome. `tests/byzantine.rs` calls them with the corpora, the package `fuzz` with whatever its fuzzer thinks of.

#[allow(dead_code, reason = "the targets use a part")]
#[path = "../support/fixture.rs"]
mod fixture;
mod headquarters;
mod http;
mod packages;
mod records;
mod texts;

/// One of them.
pub(crate) struct Target {
    /// Also the name of its corpus' folder.
    pub(crate) name: &'static str,
    /// Reads an input; panics when something does not hold.
    pub(crate) run: fn(&[u8]),
}

/// All of them.
pub(crate) const TARGETS: &[Target] = &[
    Target { name: "barcode", run: texts::barcode },
    Target { name: "gs1", run: texts::gs1 },
    Target { name: "tape", run: texts::tape },
    Target { name: "profile", run: texts::profile },
    Target { name: "layout", run: texts::layout },
    Target { name: "csv", run: texts::csv },
    Target { name: "transaction", run: records::transaction },
    Target { name: "receipt", run: records::receipt },
    Target { name: "manifest", run: packages::manifest },
    Target { name: "unpack", run: packages::unpack },
    Target { name: "full", run: packages::full },
    Target { name: "delta", run: packages::delta },
    Target { name: "hq_import", run: headquarters::import },
    Target { name: "hq_requests", run: http::headquarters_requests },
    Target { name: "requests", run: http::requests },
    Target { name: "answers", run: http::answers },
];
