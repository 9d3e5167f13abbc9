//! Signing manifests, and reading only what headquarters signed.

use super::{Kind, Manifest, PackageError, SCHEMA, SignedManifest, SigningKey, VerifyingKey};

/// The longest manifest read, in bytes; real ones have 400.
const TEXT_MAX: usize = 4_096;
/// The largest database inside, in bytes.
const UNPACKED_MAX: u64 = 8 << 30;

/// Makes a manifest one that can be sent.
pub fn sign(manifest: &Manifest, key: &SigningKey) -> SignedManifest {
    let text = serde_json::to_string(manifest).expect("a manifest is JSON");
    SignedManifest { signature: key.sign(&text), manifest: text }
}

impl SignedManifest {
    /// The manifest, if headquarters signed it; nothing of it is read before.
    pub fn open(&self, key: &VerifyingKey) -> Result<Manifest, PackageError> {
        if self.manifest.len() > TEXT_MAX {
            return Err(PackageError::Manifest(format!("it has more than {TEXT_MAX} bytes")));
        }
        if !key.verify(&self.manifest, &self.signature) {
            return Err(PackageError::Signature);
        }
        let manifest: Manifest = serde_json::from_str(&self.manifest).map_err(|error| PackageError::Manifest(error.to_string()))?;
        manifest.check().map_err(|what| PackageError::Manifest(what.to_owned()))?;
        Ok(manifest)
    }
}

impl Manifest {
    /// Refuses a package whose database has another schema than this program's.
    pub fn check_schema(&self) -> Result<(), PackageError> {
        let (found, known) = (self.schema, SCHEMA);
        match found.cmp(&known) {
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Greater => Err(PackageError::Newer { found, known }),
            std::cmp::Ordering::Less => Err(PackageError::Older { found, known }),
        }
    }

    /// Whether what it says can be.
    fn check(&self) -> Result<(), &'static str> {
        if let Kind::Delta { from_version } = self.kind
            && from_version >= self.to_version
        {
            return Err("a delta leads to a later version");
        }
        let is_number = i64::try_from(self.to_version).is_ok() && i64::try_from(self.id).is_ok();
        if !is_number || self.to_version == 0 {
            return Err("its version is out of bounds");
        }
        if self.unpacked_bytes > UNPACKED_MAX || self.bytes > UNPACKED_MAX {
            return Err("it is too large");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::manifest;
    use super::*;

    #[test]
    fn what_headquarters_signed_is_read() {
        let key = SigningKey::random();
        let made = manifest(7, Kind::Delta { from_version: 6 }, 7);
        assert_eq!(sign(&made, &key).open(&key.verifying_key()), Ok(made));
    }

    #[test]
    fn one_changed_bit_anywhere_is_refused() {
        let key = SigningKey::random();
        let whole = sign(&manifest(7, Kind::Full, 7), &key);
        for at in 0..whole.manifest.len() {
            let mut text = whole.manifest.clone().into_bytes();
            text[at] ^= 1;
            let changed = SignedManifest { manifest: String::from_utf8(text).unwrap(), ..whole.clone() };
            assert_eq!(changed.open(&key.verifying_key()), Err(PackageError::Signature), "byte {at}");
        }
        for at in 0..whole.signature.len() {
            let mut signature = whole.signature.clone().into_bytes();
            signature[at] = if signature[at] == b'0' { b'1' } else { b'0' };
            let changed = SignedManifest { signature: String::from_utf8(signature).unwrap(), ..whole.clone() };
            assert_eq!(changed.open(&key.verifying_key()), Err(PackageError::Signature), "digit {at}");
        }
        assert_eq!(whole.open(&SigningKey::random().verifying_key()), Err(PackageError::Signature));
    }

    #[test]
    fn even_headquarters_may_not_say_what_cannot_be() {
        let key = SigningKey::random();
        let sound = manifest(7, Kind::Delta { from_version: 6 }, 7);
        for wrong in [
            Manifest { kind: Kind::Delta { from_version: 7 }, ..sound.clone() },
            Manifest { to_version: u64::MAX, ..sound.clone() },
            Manifest { kind: Kind::Full, to_version: 0, ..sound.clone() },
            Manifest { unpacked_bytes: u64::MAX, ..sound.clone() },
            Manifest { group: "x".repeat(TEXT_MAX), ..sound.clone() },
        ] {
            assert!(matches!(sign(&wrong, &key).open(&key.verifying_key()), Err(PackageError::Manifest(_))), "{wrong:?}");
        }
    }

    #[test]
    fn only_this_programs_schema_is_applied() {
        let of = |schema| Manifest { schema, ..manifest(1, Kind::Full, 1) }.check_schema();
        assert_eq!(of(SCHEMA), Ok(()));
        assert_eq!(of(SCHEMA + 1), Err(PackageError::Newer { found: SCHEMA + 1, known: SCHEMA }));
        assert_eq!(of(SCHEMA - 1), Err(PackageError::Older { found: SCHEMA - 1, known: SCHEMA }));
    }
}
