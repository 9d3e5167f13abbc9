//! Certificates made for a test: an authority, and servers it vouches for.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};

/// A certificate authority and its file.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: PathBuf,
    pub(crate) file: PathBuf,
}

/// The files of a server's certificate and key.
pub(crate) struct Identity {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Authority {
    /// A new one; its files lie in the test's folder under its name.
    pub(crate) fn new(folder: &Path, name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names are good names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
        let file = folder.join(format!("{name}.pem"));
        std::fs::write(&file, issuer.pem()).expect("the authority's file");
        Self { issuer, folder: folder.to_owned(), file }
    }

    /// A server of that name, good for years.
    pub(crate) fn identity(&self, host: &str) -> Identity {
        self.identity_until(host, 2999)
    }

    /// A server of that name, good until the beginning of a year.
    pub(crate) fn identity_until(&self, host: &str, year: i32) -> Identity {
        let mut params = CertificateParams::new(vec![host.to_owned()]).expect("a host's name");
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let file = |suffix: &str| self.folder.join(format!("{host}-{year}.{suffix}"));
        let identity = Identity { certificate: file("pem"), key: file("key") };
        std::fs::write(&identity.certificate, certificate.pem()).expect("the certificate's file");
        let mut file = evertill::private::create(&identity.key).expect("the key's file");
        std::io::Write::write_all(&mut file, key.serialize_pem().as_bytes()).expect("room for it");
        identity
    }
}
