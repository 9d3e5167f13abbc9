//! PIN hashes: argon2id in PHC form, bound to a key that is in no database.
//!
//! A hash that is bound says `keyid=1` and holds HMAC-SHA256 of argon2id's output under the key, so that headquarters can bind a hash it
//! imported without knowing the PIN. Channel databases check PINs with it, headquarters makes the hashes. It stores nothing.

use argon2::password_hash::phc::{Output, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Params, Version};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::random;
use crate::retail::staff::Pin;
use crate::secret::{Secret, from_hex};

/// Memory, passes and lanes of a hash that is made today, and the least of one that is strong enough: the second of the choices that
/// OWASP recommends.
const COST: Cost = Cost { memory_kib: 19_456, passes: 2, lanes: 1 };
/// What a hash from outside may cost at most; beyond it nobody signs in with it.
const COST_MAX: Cost = Cost { memory_kib: 262_144, passes: 16, lanes: 8 };
/// Output of argon2id, and of HMAC-SHA256, in bytes.
const OUTPUT_LEN: usize = 32;
/// Names the one key there is, in hashes that are bound to it.
const KEY_ID: &str = "1";
/// Of a key, in bytes.
const KEY_LEN: usize = 32;

/// What PIN hashes are bound to: it comes with activation, or in a scale unit's credentials, and is never in a database.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PinKey(Secret);

impl PinKey {
    /// A new one.
    pub fn random() -> Self {
        Self(Secret::random())
    }

    /// A key of 256 bits in hexadecimal; none when it is none.
    pub fn from_secret(secret: &Secret) -> Option<Self> {
        from_hex(secret.reveal()).filter(|bytes| bytes.len() == KEY_LEN).map(|_| Self(secret.clone()))
    }

    /// In hexadecimal, for activation and the owner's file.
    pub fn secret(&self) -> &Secret {
        &self.0
    }

    fn bind(&self, output: &[u8]) -> Vec<u8> {
        let key = from_hex(self.0.reveal()).expect("it was made of hexadecimal");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of any length");
        mac.update(output);
        mac.finalize().into_bytes().to_vec()
    }
}

/// Hashes a new PIN, with a salt of its own.
pub fn hash(pin: &Pin, key: &PinKey) -> String {
    let salt = Salt::new(&random::bytes::<{ Salt::RECOMMENDED_LENGTH }>()).expect("the recommended length is allowed");
    let mut hash = PinHash { cost: COST, salt, output: vec![0; OUTPUT_LEN], is_bound: true };
    hash.output = key.bind(&hash.argon2id(pin).expect("the cost is within argon2's bounds"));
    hash.to_phc()
}

/// Binds a hash that was made without a key; one that is bound stays as it is. None when it is no hash that could ever be right.
pub fn bind(hash: &str, key: &PinKey) -> Option<String> {
    let mut hash = PinHash::parse(hash)?;
    if !hash.is_bound {
        (hash.output, hash.is_bound) = (key.bind(&hash.output), true);
    }
    Some(hash.to_phc())
}

/// Whether a PIN is an operator's. For an operator whom nobody knows, and for a hash whose key is not here, it takes as long to say no.
pub fn is_right(pin: &Pin, hash: Option<&str>, key: Option<&PinKey>) -> bool {
    let parsed = hash.and_then(PinHash::parse);
    if hash.is_some() && parsed.is_none() {
        tracing::warn!("an operator's PIN hash is not argon2id in PHC form, so nobody can sign in with it");
    }
    let is_somebodys = parsed.is_some() && pin.reveal().len() <= Pin::MAX_LEN;
    let compared = parsed.unwrap_or_else(PinHash::nobodys);
    let pin = if is_somebodys { pin.clone() } else { Pin::new("") };
    let Some(output) = compared.argon2id(&pin) else { return false };
    let output = match (compared.is_bound, key) {
        (false, _) => output,
        (true, Some(key)) => key.bind(&output),
        (true, None) => {
            tracing::warn!("an operator's PIN hash is bound to a key that this program was not given");
            return false;
        }
    };
    let is_equal: bool = output.ct_eq(&compared.output).into();
    is_equal && is_somebodys
}

/// Whether a hash is weaker than those made today, or bound to no key: it is made anew as soon as the PIN is known.
pub fn needs_rehash(hash: &str) -> bool {
    PinHash::parse(hash).is_none_or(|hash| !hash.is_bound || !COST.is_within(hash.cost))
}

/// What it takes to compute a hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    fn is_within(self, bound: Self) -> bool {
        self.memory_kib <= bound.memory_kib && self.passes <= bound.passes && self.lanes <= bound.lanes
    }
}

/// A PIN hash, taken apart.
struct PinHash {
    cost: Cost,
    salt: Salt,
    output: Vec<u8>,
    is_bound: bool,
}

impl PinHash {
    fn parse(phc: &str) -> Option<Self> {
        let phc = PasswordHash::new(phc).ok()?;
        let cost =
            Cost { memory_kib: phc.params.get_decimal("m")?, passes: phc.params.get_decimal("t")?, lanes: phc.params.get_decimal("p")? };
        let is_bound = match phc.params.get_str("keyid") {
            None => false,
            Some(KEY_ID) => true,
            Some(_) => return None,
        };
        let is_argon2id = phc.algorithm.as_str() == "argon2id" && phc.version == Some(Version::V0x13.into());
        let output = phc.hash?.as_bytes().to_vec();
        (is_argon2id && cost.is_within(COST_MAX) && output.len() == OUTPUT_LEN).then_some(Self { cost, salt: phc.salt?, output, is_bound })
    }

    /// What the PIN of an unknown operator is compared with: of the strength of real ones.
    fn nobodys() -> Self {
        let salt = Salt::new(b"nobody signs in.").expect("sixteen bytes are allowed");
        Self { cost: COST, salt, output: vec![0; OUTPUT_LEN], is_bound: false }
    }

    /// None when argon2 refuses the parameters.
    fn argon2id(&self, pin: &Pin) -> Option<Vec<u8>> {
        let Cost { memory_kib, passes, lanes } = self.cost;
        let params = Params::new(memory_kib, passes, lanes, None).ok()?;
        let mut output = vec![0; OUTPUT_LEN];
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon2.hash_password_into(pin.reveal().as_bytes(), &self.salt, &mut output).ok()?;
        Some(output)
    }

    fn to_phc(&self) -> String {
        let Cost { memory_kib, passes, lanes } = self.cost;
        let keyid = if self.is_bound { format!(",keyid={KEY_ID}") } else { String::new() };
        let output = Output::new(&self.output).expect("it has a length that PHC allows");
        format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}{keyid}${}${output}", self.salt)
    }
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::PasswordHasher;

    use super::*;

    fn unbound(pin: &str) -> String {
        Argon2::default().hash_password(pin.as_bytes()).unwrap().to_string()
    }

    /// Quick, for tests that compute many.
    fn weak(pin: &str) -> String {
        let params = Params::new(64, 1, 1, None).unwrap();
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password(pin.as_bytes()).unwrap().to_string()
    }

    #[test]
    fn a_new_hash_says_its_parameters_and_that_it_is_bound() {
        let (key, pin) = (PinKey::random(), Pin::new("4711"));
        let (one, other) = (hash(&pin, &key), hash(&pin, &key));
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1,keyid=1$"), "{one}");
        assert_ne!(one, other, "each has a salt of its own");
        assert!(is_right(&pin, Some(&one), Some(&key)));
        assert!(!needs_rehash(&one));
        assert!(PasswordHash::new(&one).unwrap().salt.unwrap().len() >= 16);
    }

    #[test]
    fn a_hash_is_right_for_its_pin_and_its_key_alone() {
        let (key, other_key) = (PinKey::random(), PinKey::random());
        let plain = weak("4711");
        let bound = bind(&plain, &key).unwrap();
        let long = "4".repeat(Pin::MAX_LEN + 1);
        for (pin, hash, key, expected) in [
            ("4711", &plain, None, true),
            ("4711", &plain, Some(&key), true),
            ("4712", &plain, None, false),
            ("", &plain, None, false),
            (&long, &weak(&long), None, false),
            ("4711", &bound, Some(&key), true),
            ("4712", &bound, Some(&key), false),
            ("4711", &bound, Some(&other_key), false),
            ("4711", &bound, None, false),
            ("4711", &"4711".to_owned(), Some(&key), false),
            ("4711", &bound.replace("keyid=1", "keyid=2"), Some(&key), false),
            ("4711", &bound.replace(",keyid=1", ""), Some(&key), false),
            ("4711", &plain.replace("argon2id", "argon2i"), None, false),
            ("4711", &plain.replace("m=64", "m=4294967295"), None, false),
            ("4711", &plain.replace("m=64", "m=1"), None, false),
        ] {
            assert_eq!(is_right(&Pin::new(pin), Some(hash), key), expected, "{pin} {hash}");
        }
        assert!(!is_right(&Pin::new(""), None, Some(&key)), "nobody signs in as nobody");
    }

    #[test]
    fn an_imported_hash_is_bound_without_the_pin_and_once() {
        let (key, plain) = (PinKey::random(), weak("4711"));
        let bound = bind(&plain, &key).unwrap();
        assert_ne!(bound, plain);
        assert_eq!(bind(&bound, &key).as_ref(), Some(&bound));
        assert_eq!(bind(&bound, &PinKey::random()), Some(bound));
        assert_eq!(bind("4711", &key), None);
    }

    #[test]
    fn a_stolen_hash_alone_recovers_no_pin() {
        let key = PinKey::random();
        let stolen = bind(&weak("4711"), &key).unwrap();
        // What a thief can do: try every PIN without the key, with keys of his own, and on the hash as if it were a plain one.
        let as_plain = stolen.replace(",keyid=1", "");
        let guessed_key = PinKey::from_secret(&Secret::new("00".repeat(KEY_LEN))).unwrap();
        let found = (4_700..4_730).map(|pin| Pin::new(pin.to_string())).find(|pin| {
            is_right(pin, Some(&stolen), None) || is_right(pin, Some(&stolen), Some(&guessed_key)) || is_right(pin, Some(&as_plain), None)
        });
        assert_eq!(found, None);
        assert!(is_right(&Pin::new("4711"), Some(&stolen), Some(&key)), "the right PIN was among them");
    }

    #[test]
    fn a_hash_is_made_anew_when_it_is_weaker_than_todays_or_not_bound() {
        let key = PinKey::random();
        let strong = hash(&Pin::new("4711"), &key);
        for (hash, expected) in [
            (strong.clone(), false),
            (strong.replace("m=19456", "m=65536"), false),
            (strong.replace("m=19456", "m=19455"), true),
            (strong.replace("t=2", "t=1"), true),
            (unbound("4711"), true),
            (bind(&weak("4711"), &key).unwrap(), true),
            ("4711".to_owned(), true),
        ] {
            assert_eq!(needs_rehash(&hash), expected, "{hash}");
        }
    }

    #[test]
    fn an_unknown_operators_pin_costs_what_a_real_one_does() {
        let real = PinHash::parse(&unbound("1")).unwrap();
        let nobodys = PinHash::nobodys();
        assert_eq!((nobodys.cost, nobodys.output.len(), nobodys.salt.len()), (real.cost, real.output.len(), real.salt.len()));
    }

    #[test]
    fn a_key_has_256_bits() {
        let key = PinKey::random();
        assert_eq!(PinKey::from_secret(key.secret()), Some(key.clone()));
        assert_eq!(format!("{key:?}"), "PinKey(***)");
        for bad in ["", "00", &"0".repeat(63), &"0".repeat(66), &"g".repeat(64)] {
            assert_eq!(PinKey::from_secret(&Secret::new(bad)), None, "{bad}");
        }
    }
}
