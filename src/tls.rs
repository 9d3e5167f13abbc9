//! TLS 1.2 and 1.3 by rustls: what a server shows, what a client trusts.
//!
//! The servers' command line and the HTTP clients read their certificates here. A certificate is always checked; there is no way to
//! switch that off.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::private;

/// Bytes of a certificate or key file at most.
const FILE_MAX: u64 = 1 << 20;

/// Why certificates cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TlsError {
    /// A file.
    #[error("{}: {problem}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it; never its content.
        problem: String,
    },
    /// A key that others may read.
    #[error("{}: others than its owner may read this key", path.display())]
    Open {
        /// Its file.
        path: PathBuf,
    },
    /// The certificate and the key.
    #[error("{} and {} do not go together: {problem}", certificate.display(), key.display())]
    Pair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's.
        key: PathBuf,
        /// Why not.
        problem: String,
    },
}

impl TlsError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::File { .. } => "name a file in PEM form that this user may read",
            Self::Open { .. } => "give its file to the server's user, and take from all others the right to read it: chmod 600",
            Self::Pair { .. } => "name the certificate's own key, and its whole chain, the server's first",
        }
    }
}

/// What a server shows: a certificate with its chain, and its key, from PEM files.
pub fn server(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = certificates(certificate)?;
    if key.metadata().is_ok_and(|about| private::is_open(&about)) {
        return Err(TlsError::Open { path: key.to_owned() });
    }
    let text = read(key)?;
    let secret = PrivateKeyDer::from_pem_slice(&text).map_err(|_| file(key, "it holds no private key in PEM form"))?;
    let pair =
        |error: rustls::Error| TlsError::Pair { certificate: certificate.to_owned(), key: key.to_owned(), problem: error.to_string() };
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(pair)?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(pair)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The certificates of a PEM file: a server's chain, or the authorities a client trusts. There is at least one.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) | Err(_) => Err(file(path, "it holds no certificate in PEM form")),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let length = std::fs::metadata(path).map_err(|error| file(path, &error.to_string()))?.len();
    if length > FILE_MAX {
        return Err(file(path, "it is too large for a certificate or a key"));
    }
    std::fs::read(path).map_err(|error| file(path, &error.to_string()))
}

fn file(path: &Path, problem: &str) -> TlsError {
    TlsError::File { path: path.to_owned(), problem: problem.to_owned() }
}
