//! Packages on their way from a scale unit to a register, and what became of them on its way back.

use std::io::Read;

use ureq::http;

use super::HttpChannel;
use super::answer::{accept, expect_type};
use super::client::path;
use crate::channel::{ChannelError, Result};
use crate::package::{Report, SignedManifest, Source};
use crate::protocol::{ZSTD, routes};

impl Source for HttpChannel {
    fn manifests(&self, after: u64) -> Result<Vec<SignedManifest>> {
        self.get(&format!("{}?after={after}", routes::PACKAGES))
    }

    fn file(&self, id: u64, from: u64) -> Result<Box<dyn Read + Send>> {
        let path = path(routes::PACKAGE_FILE, &id.to_string()).expect("a number is short");
        let mut request = self.prepared(self.client.downloads.get(self.address(&path)), None);
        if from > 0 {
            request = request.header(http::header::RANGE, format!("bytes={from}-"));
        }
        let response = accept(request.call())?;
        expect_type(&response, ZSTD)?;
        if from > 0 && response.status() != http::StatusCode::PARTIAL_CONTENT {
            return Err(ChannelError::broken("the scale unit sends a package's file from its beginning only"));
        }
        Ok(Box::new(response.into_body().into_reader()))
    }
}

impl HttpChannel {
    /// Tells what became of a package.
    pub fn report_package(&self, report: &Report) -> Result<()> {
        self.tell(routes::PACKAGE_REPORT, None, report)
    }
}
